//! (c): many small Things, each with a few people who edit.

use std::{
    cell::RefCell,
    io::Write,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::spawn_local;
use widgetapp::protocol::{Codec, action::Action};

use super::{
    RUN,
    bare::Bare,
    machine::{now_nanos, percentile},
    receiver::{self, Seen, marked},
    sender::{self, Edits},
    server::{Client, Server},
};

const THINGS: usize = 200;
const PEOPLE: usize = 3;
const PER_SECOND: u32 = 2;

pub async fn many() {
    println!("(c) {THINGS} Things x {PEOPLE} people, each {PER_SECOND} a second, from the intended moment of sending");
    print("bare", bare().await);
    print("edits, durable", ours(true).await);
    print("scrolling, not stored", ours(false).await);
}

fn print(name: &str, mut latencies: Vec<u64>) {
    let (count, p50) = (latencies.len(), percentile(&mut latencies, 0.5));
    println!("  {name:<28} p50 {p50:>7.3} ms  p99 {:>7.3} ms  ({count} deliveries)", percentile(&mut latencies, 0.99));
}

/// As many deliveries of the same size, from one process to one connection each.
async fn bare() -> Vec<u64> {
    let seen = Rc::new(RefCell::new(Seen::default()));
    let mut bare = Bare::start(PEOPLE - 1, THINGS * PEOPLE * PER_SECOND as usize, 1, RUN);
    for _ in 1..PEOPLE {
        let socket = bare.connect().await;
        spawn_local(receiver::count(socket, Vec::new(), true, seen.clone()));
    }
    bare.go();
    tokio::time::sleep(RUN + Duration::from_millis(300)).await;
    seen.take().latencies
}

async fn ours(durable: bool) -> Vec<u64> {
    let server = Server::start();
    let seen = Rc::new(RefCell::new(Seen::default()));
    let mut maker = server.connect(Codec::Cbor).await;
    let mut people = Vec::new();
    for _ in 0..THINGS {
        let thing = server.create(&mut maker).await;
        for _ in 0..PEOPLE {
            let mut client = server.connect(Codec::Cbor).await;
            client.open(&thing).await;
            people.push((client, thing.clone()));
        }
    }
    let (begin, count) = (Instant::now() + Duration::from_millis(100), people.len() as u32);
    let mut turns = Vec::new();
    for (index, (client, thing)) in people.into_iter().enumerate() {
        let phase = Duration::from_secs(1) / PER_SECOND * index as u32 / count;
        turns.extend(person(client, &thing, index as u64 + 1, begin + phase, durable, &seen));
    }
    turns.sort_by_key(|turn| turn.at);
    tokio::task::spawn_blocking(move || take(turns)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    seen.take().latencies
}

/// Something to send at its time.
struct Turn {
    at: Instant,
    socket: Arc<std::net::TcpStream>,
    frame: Vec<u8>,
}

/// Sends everything at its time, from a thread of its own: the runtime's timer counts whole milliseconds.
fn take(turns: Vec<Turn>) {
    for Turn { at, socket, frame } in turns {
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        assert_eq!((&*socket).write(&frame).unwrap(), frame.len());
    }
}

/// All turns of one person, whose socket is read from now on.
fn person(
    mut client: Client,
    thing: &str,
    author: u64,
    begin: Instant,
    durable: bool,
    seen: &Rc<RefCell<Seen>>,
) -> Vec<Turn> {
    let mut edits = Edits::by(author);
    let mut make = |nanos: u64| {
        if durable {
            let edit = edits.next(nanos, 60);
            sender::frame(&mut client, thing, &edit)
        } else {
            client.frame(Action::Scroll, Some(thing), &json!({"view": {"x": 1, "mark": marked(nanos, 30)}}))
        }
    };
    let count = u32::try_from(RUN.as_secs()).unwrap() * PER_SECOND;
    let mut frames = Vec::new();
    for turn in 0..count {
        let at = begin + Duration::from_secs(1) * turn / PER_SECOND;
        let ahead = at.saturating_duration_since(Instant::now());
        frames.push((at, make(now_nanos() + u64::try_from(ahead.as_nanos()).unwrap())));
    }
    let (socket, reading) = client.split();
    spawn_local(receiver::count(reading, client.unread, true, seen.clone()));
    frames.into_iter().map(|(at, frame)| Turn { at, socket: socket.clone(), frame }).collect()
}
