//! All clients come back at once: the whole server is killed, and started again.
//!
//! Each client has several Things open, comes back, resumes all of them, and has one edit acknowledged; then it is
//! back. A few others edit all the time, on Things of their own.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{self, Message};
use widgetapp::{client::BackOff, clock};

use super::{
    SETTINGS, alone, assert_kept, checker,
    figures::{Figures, spread},
    load::{Load, Size},
    socket::{self, Socket},
};
use crate::{live, product::Product};

/// Things that each client has open.
const OPEN: usize = 8;
/// Between two tries of a client that knows no manners.
const RUDE_WAIT: Duration = Duration::from_millis(20);
const HEALTHY: Size = Size { clients: 20, things: 4, per_second: 5.0 };

/// How clients come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manners {
    /// With the back-off that the contract asks for.
    Polite,
    /// At once, again and again; only what a refusal asks for is waited.
    Rude,
}

struct Storm {
    address: String,
    token: String,
    manners: Manners,
    things: Vec<String>,
    /// Clients that have everything open.
    open: AtomicUsize,
    over: AtomicBool,
    back: mpsc::UnboundedSender<Instant>,
}

/// A client, which keeps nothing but where it is.
struct Client {
    number: usize,
    /// Position in each of its Things.
    at: BTreeMap<String, (String, u64)>,
    /// What it was answered instead of a stream, and how often.
    refusals: BTreeMap<String, usize>,
}

impl Client {
    async fn run(mut self, storm: Arc<Storm>) -> BTreeMap<String, usize> {
        let (mut back_off, mut is_first) = (BackOff::default(), true);
        loop {
            let asked = match self.connect(&storm).await {
                Ok(socket) => {
                    back_off.succeeded();
                    if let Ok(socket) = self.resume(&storm, socket, is_first).await {
                        if is_first {
                            storm.open.fetch_add(1, Ordering::Relaxed);
                        } else {
                            let _ = storm.back.send(clock::now());
                        }
                        is_first = false;
                        self.stay(&storm, socket).await;
                    }
                    None
                }
                Err(asked) => asked,
            };
            if storm.over.load(Ordering::Relaxed) {
                return self.refusals;
            }
            tokio::time::sleep(match storm.manners {
                // The first time they do not all come at once.
                _ if is_first => clock::jitter(Duration::from_secs(2)),
                Manners::Polite => back_off.after_failure(asked, clock::jitter),
                Manners::Rude => asked.unwrap_or(RUDE_WAIT),
            })
            .await;
        }
    }

    /// A stream; else how long the server asked to wait.
    async fn connect(&mut self, storm: &Storm) -> Result<Socket, Option<Duration>> {
        socket::open(&storm.address, &storm.token).await.map_err(|refused| {
            *self.refusals.entry(refused.why).or_default() += 1;
            refused.retry_after
        })
    }

    /// Opens all of its Things from where it was, and has an edit acknowledged.
    async fn resume(
        &mut self,
        storm: &Storm,
        mut socket: Socket,
        is_first: bool,
    ) -> Result<Socket, tungstenite::Error> {
        let things: Vec<String> =
            (0..OPEN).map(|n| storm.things[(self.number + n * 7) % storm.things.len()].clone()).collect();
        for (id, thing) in things.iter().enumerate() {
            let body = match self.at.get(thing) {
                Some((epoch, offset)) => json!({"as": "json", "since": {"epoch": epoch, "offset": offset}}),
                None => json!({"as": "json"}),
            };
            socket.feed(socket::request(id as u64 + 1, "open", thing, &body)).await?;
        }
        let key = format!("{}-{}", self.number, if is_first { "first" } else { "back" });
        let patch = json!([{"op": "add", "path": format!("/meta/{}", self.number), "value": key}]);
        let edit = json!({"key": key, "patch": patch});
        socket.feed(socket::request(OPEN as u64 + 1, "edit", &things[0], &edit)).await?;
        let mut waits_for = OPEN + 1;
        socket.flush().await?;
        while waits_for > 0 {
            let message = socket.next().await.ok_or(tungstenite::Error::ConnectionClosed)??;
            let Message::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            if message["id"].is_u64() {
                assert!(message["error"].is_null(), "a request was refused: {message}");
                waits_for -= 1;
                if let Some(epoch) = message["body"]["epoch"].as_str() {
                    self.moved(&message, Some(epoch));
                }
            } else {
                self.moved(&message, None);
            }
        }
        Ok(socket)
    }

    fn moved(&mut self, message: &Value, epoch: Option<&str>) {
        let offset = message["offset"].as_u64().or_else(|| message["body"]["offset"].as_u64());
        if let (Some(thing), Some(offset)) = (message["thing"].as_str(), offset) {
            let place = self.at.entry(thing.to_owned()).or_default();
            if let Some(epoch) = epoch {
                epoch.clone_into(&mut place.0);
            }
            place.1 = place.1.max(offset);
        }
    }

    /// Listens until the connection is lost.
    async fn stay(&mut self, storm: &Storm, mut socket: Socket) {
        while !storm.over.load(Ordering::Relaxed) {
            match tokio::time::timeout(Duration::from_millis(500), socket.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => {
                    // What is not about an offset is of no interest, and reading it all would be the client's work.
                    if text.contains("\"offset\"") {
                        self.moved(&serde_json::from_str(&text).expect("JSON"), None);
                    }
                }
                Ok(None | Some(Err(_) | Ok(Message::Close(_)))) => return,
                Ok(_) | Err(_) => {}
            }
        }
    }
}

/// What the processes of the server hold in memory.
fn memory(product: &Product) -> u64 {
    let rollup = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let pss = |text: String| -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().split(' ').next()?.parse().ok())
    };
    product.children().iter().filter_map(|pid| pss(rollup(pid))).sum::<u64>() * 1024
}

fn come_back(name: &'static str, manners: Manners, clients: usize, all_within: Duration) {
    let _alone = alone();
    let mut figures = Figures::new(name);
    let mut product = Product::start_with_env(&[], &SETTINGS);
    let things = live::run(Duration::from_secs(60), make_things(&product, 200));
    let healthy = Load::start(&product, HEALTHY);
    let (back, mut returned) = mpsc::unbounded_channel();
    let storm = Arc::new(Storm {
        address: product.address().to_owned(),
        token: live::token(&product, "ada"),
        manners,
        things,
        open: AtomicUsize::new(0),
        over: AtomicBool::new(false),
        back,
    });
    let of_thread = storm.clone();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for number in 0..clients {
                let client = Client { number, at: BTreeMap::new(), refusals: BTreeMap::new() };
                tasks.spawn(client.run(of_thread.clone()));
            }
            tasks.join_all().await
        })
    });
    while storm.open.load(Ordering::Relaxed) < clients {
        assert!(!thread.is_finished() && healthy.goes_on(), "a client has ended");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(1));
    let steady = memory(&product);
    product.kill_all();
    product.start_again();
    let pids = product.children();
    let (listening, mut most) = (clock::now(), 0);
    let (mut times, mut looked) = (Vec::new(), listening);
    while times.len() < clients && listening.elapsed() < 3 * all_within {
        match returned.try_recv() {
            Ok(at) => times.push(at.saturating_duration_since(listening)),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
        if looked.elapsed() > Duration::from_millis(200) {
            most = most.max(memory(&product));
            looked = clock::now();
        }
    }
    let over = clock::now();
    storm.over.store(true, Ordering::Relaxed);
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    for (why, count) in thread.join().expect("no client complains").into_iter().flatten() {
        *refusals.entry(why).or_default() += count;
    }
    let outcome = healthy.finish();
    let during = |wait: &&super::load::Wait| wait.due > listening && wait.due < over;
    // A client that edits is well once it is back itself: its first edit has waited for that.
    let of_client = |waits: &[super::load::Wait]| {
        waits.iter().filter(during).skip(1).map(|wait| wait.acknowledged - wait.due).collect::<Vec<_>>()
    };
    let waits: Vec<Duration> = outcome.waits().into_iter().flat_map(of_client).collect();
    assert_eq!(product.children(), pids, "no process has died");
    product.kill_all();
    let verdict = checker::check(&outcome.histories(), &outcome.stored(product.data()));
    let (count, longest) = (times.len(), times.iter().max().copied().unwrap_or_default());
    figures
        .note("clients", clients)
        .note("things_open_each", OPEN)
        .note("back", spread(times))
        .note("refusals_while_they_came_back", json!(refusals))
        .note("edits_of_others", spread(waits))
        .note("memory_steady_mib", steady >> 20)
        .note("memory_most_mib", most >> 20)
        .verdict(&verdict)
        .publish();
    assert_kept(&verdict);
    assert_eq!(count, clients, "not all are back");
    assert!(longest < all_within, "the last one was back after {longest:?}");
    assert!(refusals.keys().all(|why| why != "503 without Retry-After"), "{refusals:?}");
}

async fn make_things(product: &Product, count: usize) -> Vec<String> {
    let ada = live::login(product, "ada");
    let mut things = Vec::with_capacity(count);
    for number in 0..count {
        let body = json!({"title": format!("Thing {number}")}).as_object().expect("an object").clone();
        let created = ada.call(widgetapp::protocol::action::Action::Create, None, body).await.expect("a Thing is made");
        things.push(created["thing"].as_str().expect("an id").to_owned());
    }
    things
}

#[test]
fn two_hundred_clients_are_all_back_soon() {
    come_back("storm-short", Manners::Rude, 200, Duration::from_secs(15));
}

#[test]
#[ignore = "two thousand clients"]
fn c1_two_thousand_polite_clients_are_all_back_in_twenty_seconds() {
    come_back("c1", Manners::Polite, 2_000, Duration::from_secs(20));
}

#[test]
#[ignore = "two thousand clients"]
fn c2_two_thousand_rude_clients_are_all_back_in_ten_seconds() {
    come_back("c2", Manners::Rude, 2_000, Duration::from_secs(10));
}
