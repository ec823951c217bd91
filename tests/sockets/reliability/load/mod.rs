//! The load: clients that edit Things together and remember all that they were told, in one thread.
//!
//! Half of them share no code with the Rust client. They come back by themselves, like clients that people use,
//! so a test can do what it likes to the server meanwhile.

mod participant;
mod raw_client;
mod replica;
mod rust_client;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use widgetapp::{
    client::{Client, Login},
    clock,
    log::{Durability, Log as _, SqliteLog},
    protocol::{Codec, action::Action},
};

pub use self::participant::{Participant, Wait};
use self::{participant::Shared, replica::Replica};
use super::checker::{History, Stored, StoredChange};
use crate::{
    live,
    product::{Product, eventually},
};

/// How long the clients may take to hear of everything when the server is well.
const FINISH_WITHIN: Duration = Duration::from_secs(60);
/// The users that the clients belong to.
const USERS: [&str; 2] = ["ada", "grace"];

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub clients: usize,
    pub things: usize,
    /// Edits of each client; one in eight times it makes four at once.
    pub per_second: f64,
}

/// Clients at work.
pub struct Load {
    shared: Arc<Shared>,
    thread: JoinHandle<Vec<Participant>>,
    things: Vec<String>,
}

/// What came of it.
pub struct Outcome {
    pub participants: Vec<Participant>,
    pub things: Vec<String>,
}

impl Load {
    /// Makes the Things and lets the clients begin; all of them have their Thing open when this returns.
    pub fn start(product: &Product, size: Size) -> Self {
        let logins = USERS.map(|user| live::login(product, user));
        let things = live::run(FINISH_WITHIN, make_things(&logins, size.things));
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            ready: AtomicUsize::new(0),
            writing: AtomicUsize::new(size.clients),
            last: things.iter().map(|_| AtomicU64::new(0)).collect(),
        });
        let (url, address) = (product.url().to_owned(), product.address().to_owned());
        let (for_thread, ids) = (shared.clone(), things.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let mut tasks = tokio::task::JoinSet::new();
                for number in 0..size.clients {
                    let thing = number % ids.len();
                    let replica = if number % 4 == 1 { Replica::yjs(number as u64 + 1) } else { Replica::json() };
                    let thing = (thing, ids[thing].as_str());
                    let me = Participant::new(number, thing, replica, size.per_second, for_thread.clone());
                    let login = logins[number / 4 % USERS.len()].clone();
                    if number.is_multiple_of(2) {
                        tasks.spawn(raw_client::run(me, address.clone(), login));
                    } else {
                        let codec = if number % 4 == 1 { Codec::Cbor } else { Codec::Json };
                        let builder = Client::builder(&url, login).codec(codec).keep_trying(true);
                        tasks.spawn(async move {
                            let (client, events) = builder.connect().await.expect("a stream opens");
                            rust_client::run(me, client, events).await
                        });
                    }
                }
                tasks.join_all().await
            })
        });
        eventually("everyone has opened a Thing", || {
            assert!(!thread.is_finished(), "the load ended before it began");
            (shared.ready.load(Ordering::Relaxed) == size.clients).then_some(())
        });
        Self { shared, thread, things }
    }

    /// Whether all clients are still at it; one that panics ends all.
    pub fn goes_on(&self) -> bool {
        !self.thread.is_finished()
    }

    /// Lets the clients finish what is under way and hear of everything.
    pub fn finish(self) -> Outcome {
        self.shared.stop.store(true, Ordering::Relaxed);
        let until = clock::now() + FINISH_WITHIN;
        while !self.thread.is_finished() && clock::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Who has not heard of everything by now is found by the checker.
        self.cut()
    }

    /// Ends the clients at once, wherever they are.
    pub fn cut(self) -> Outcome {
        self.shared.cut.store(true, Ordering::Relaxed);
        let participants = self.thread.join().expect("no client has anything to complain of");
        Outcome { participants, things: self.things }
    }
}

impl Outcome {
    /// What the clients did and heard.
    pub fn histories(&self) -> Vec<History> {
        self.participants.iter().map(|participant| participant.history.clone()).collect()
    }

    /// When connections were lost, and why.
    pub fn partings(&self) -> Vec<&(Instant, String)> {
        self.participants.iter().flat_map(|participant| &participant.parted).collect()
    }

    /// How long each client's edits waited.
    pub fn waits(&self) -> Vec<&[Wait]> {
        self.participants.iter().map(|participant| participant.waits.as_slice()).collect()
    }

    /// The Things as the log has them; nobody may be writing.
    pub fn stored(&self, data: &std::path::Path) -> Vec<Stored> {
        let log = SqliteLog::open(data.join("log.db"), Durability::Fsync).expect("the log can be read");
        self.things.iter().map(|thing| stored(&log, thing)).collect()
    }
}

/// A Thing as the log has it, replayed from its beginning without what the server knows of documents.
fn stored(log: &SqliteLog, thing: &str) -> Stored {
    let id = thing.parse().expect("an id");
    let changes = log.read(id, 0, usize::MAX, usize::MAX).expect("the log can be read");
    let document = replica::document(1);
    changes.iter().for_each(|change| replica::apply(&document, &change.update));
    let changes = changes.into_iter().map(|change| StoredChange {
        offset: change.offset,
        key: change.key,
        update: replica::hash_of_update(&change.update),
    });
    Stored { thing: thing.into(), changes: changes.collect(), content: replica::content(&document) }
}

async fn make_things([owner, other]: &[Login; 2], count: usize) -> Vec<String> {
    let object = |value: Value| value.as_object().expect("an object").clone();
    let mut things = Vec::new();
    for number in 0..count {
        let title = object(json!({"title": format!("Thing {number}")}));
        let created = owner.call(Action::Create, None, title).await.expect("a Thing is made");
        let thing = created["thing"].as_str().expect("an id").to_owned();
        let invited = object(json!({"user": USERS[1], "role": "editor"}));
        owner.call(Action::Invite, Some(&thing), invited).await.expect("the other is invited");
        things.push(thing);
    }
    other.access_token().await.expect("a token");
    things
}
