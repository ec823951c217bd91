//! Clients that do not read, do not finish what they began, or do not answer, and what others notice of them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{self, Message};
use widgetapp::{client::Login, clock, protocol::action::Action};

use super::{
    SETTINGS, alone,
    figures::{Figures, spread},
    socket::{self, Socket},
};
use crate::{
    live,
    product::Product,
    raw::{LAST, TEXT, frame, upgrade},
};

const MANY_MINUTES: Duration = Duration::from_secs(600);
/// Between two bytes of a client that drips.
const DRIP_EVERY: Duration = Duration::from_secs(10);
/// They come one by one.
const COME_EVERY: Duration = Duration::from_millis(5);
/// Receive buffer of those that do not read, so that little waits in the kernel.
const SMALL_BUFFER_BYTES: u32 = 16 * 1024;

async fn new_thing(ada: &Login) -> String {
    let body = json!({"title": "Much"}).as_object().expect("an object").clone();
    let created = ada.call(Action::Create, None, body).await.expect("a Thing is made");
    created["thing"].as_str().expect("an id").to_owned()
}

/// A stream that has the Thing open as of now.
async fn opened(product: &Product, token: &str, thing: &str) -> Socket {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(SMALL_BUFFER_BYTES).expect("a socket");
    let stream = socket.connect(product.address().parse().expect("an address")).await.expect("the server listens");
    let mut socket = socket::open_on(stream, product.address(), token).await.expect("a stream opens");
    socket.send(socket::request(1, "open", thing, &json!({"as": "json"}))).await.expect("it is sent");
    reply(&mut socket, 1).await;
    socket
}

async fn reply(socket: &mut Socket, id: u64) -> Value {
    loop {
        let message = socket.next().await.expect("a message").expect("a message");
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(&text).expect("JSON");
        if message["id"] == id {
            assert!(message["error"].is_null(), "{message}");
            return message;
        }
    }
}

/// Clients that do not read, on a Thing that is edited with large texts, until `enough`. They are connected as long
/// as their sockets are kept.
pub fn fill_queues(product: &Product, clients: usize, mut enough: impl FnMut() -> bool) -> Vec<std::net::TcpStream> {
    live::run(MANY_MINUTES, async {
        let ada = live::login(product, "ada");
        let (token, thing) = (ada.access_token().await.expect("a token"), new_thing(&ada).await);
        let mut asleep = Vec::new();
        for _ in 0..clients {
            asleep.push(opened(product, &token, &thing).await);
        }
        for number in 0.. {
            if enough() {
                break;
            }
            let value = format!("{number}{}", "x".repeat(100_000));
            let patch = json!([{"op": "add", "path": "/meta/large", "value": value}]);
            let body =
                json!({"key": format!("large {number}"), "patch": patch}).as_object().expect("an object").clone();
            // One that is under way when the process dies may be refused.
            let _ = ada.call(Action::Edit, Some(&thing), body).await;
        }
        asleep.into_iter().map(|socket| socket.into_inner().into_std().expect("a socket")).collect()
    })
}

/// Edits per second, and how many.
#[derive(Clone, Copy)]
struct Flow {
    per_second: u32,
    edits: u32,
    readers: usize,
}

/// Sends a flow of edits of 1 KiB to readers; how long each took to each of them.
async fn flow(product: &Product, token: &str, thing: &str, flow: Flow, name: &str) -> Vec<Duration> {
    let mut readers = tokio::task::JoinSet::new();
    let mut sockets = Vec::new();
    for _ in 0..flow.readers {
        sockets.push(opened(product, token, thing).await);
    }
    let mut writer = socket::open(product.address(), token).await.expect("a stream opens");
    let start = clock::now() + Duration::from_millis(200);
    let period = Duration::from_secs(1) / flow.per_second;
    for mut socket in sockets {
        readers.spawn(async move {
            let mut times = Vec::with_capacity(flow.edits as usize);
            while times.len() < flow.edits as usize {
                let message = socket.next().await.expect("a message").expect("a message");
                let Message::Text(text) = message else { continue };
                // The edit's number stands behind a mark: reading all of the JSON would be the client's work.
                let Some((_, rest)) = text.as_str().split_once("number:") else { continue };
                let number: u32 = rest.split_once(';').and_then(|(number, _)| number.parse().ok()).expect("a number");
                assert_eq!(number as usize, times.len(), "each edit once and in order");
                times.push(clock::now().saturating_duration_since(start + period * number));
            }
            times
        });
    }
    for number in 0..flow.edits {
        tokio::time::sleep_until((start + period * number).into()).await;
        let value = format!("number:{number};{}", "x".repeat(1000));
        let patch = json!([{"op": "add", "path": "/meta/flow", "value": value}]);
        let body = json!({"key": format!("{name} {number}"), "patch": patch});
        writer.send(socket::request(u64::from(number) + 1, "edit", thing, &body)).await.expect("it is sent");
        // Its replies need not be read one by one, but must not fill its queue.
        while let Ok(Some(_)) = tokio::time::timeout(Duration::ZERO, writer.next()).await {}
    }
    readers.join_all().await.concat()
}

fn memory_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

#[test]
#[ignore = "two minutes"]
fn d_those_who_do_not_read_cost_little_and_lose_nothing() {
    let _alone = alone();
    let mut figures = Figures::new("d");
    let product = Product::start_with_env(&[], &SETTINGS);
    let edits = std::env::var("EDITS").map_or(10_000, |edits| edits.parse().expect("EDITS is a number"));
    let size = Flow { per_second: 200, edits, readers: 200 };
    const SLOW: usize = 50;
    live::run(MANY_MINUTES, async {
        let ada = live::login(&product, "ada");
        let token = ada.access_token().await.expect("a token");
        let [(_, pid)] = product.processes("_stream")[..] else { panic!("one _stream") };
        let alone = flow(&product, &token, &new_thing(&ada).await, size, "alone").await;
        let thing = new_thing(&ada).await;
        let mut slow = Vec::new();
        for _ in 0..SLOW {
            slow.push(opened(&product, &token, &thing).await);
        }
        let before = memory_kib(pid);
        let over = Arc::new(AtomicBool::new(false));
        let watched = over.clone();
        let watching = tokio::task::spawn_blocking(move || {
            let mut most = 0;
            while !watched.load(Ordering::Relaxed) {
                most = most.max(memory_kib(pid));
                std::thread::sleep(Duration::from_millis(50));
            }
            most
        });
        let beside = flow(&product, &token, &thing, size, "beside").await;
        over.store(true, Ordering::Relaxed);
        let most = watching.await.expect("it is watched");
        let mut codes: BTreeMap<String, usize> = BTreeMap::new();
        let mut complete = 0;
        for mut socket in slow {
            let (mut last, mut code) = (1, "none".to_owned());
            while let Some(Ok(message)) = socket.next().await {
                match message {
                    Message::Text(text) => last = offset_of(&text).unwrap_or(last),
                    Message::Close(frame) => code = frame.map_or(code, |frame| u16::from(frame.code).to_string()),
                    _ => {}
                }
            }
            *codes.entry(code).or_default() += 1;
            complete += usize::from(resumes(&product, &token, &thing, last, u64::from(edits) + 1).await);
        }
        figures
            .note("edits", edits)
            .note("edits_per_second", size.per_second)
            .note("readers", size.readers)
            .note("slow", SLOW)
            .note("delivery_without_slow", spread(alone))
            .note("delivery_beside_slow", spread(beside))
            .note("memory_grown_mib", most.saturating_sub(before) >> 10)
            .note("closed_with", json!(codes))
            .note("resumed_completely", complete)
            .publish();
        assert_eq!(complete, SLOW, "resumed completely");
        assert_eq!(codes.get("4008"), Some(&SLOW), "{codes:?}");
    });
}

fn offset_of(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("\"offset\":")?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// Whether a client that has everything up to `last` gets all the rest: change by change, or the whole state.
async fn resumes(product: &Product, token: &str, thing: &str, last: u64, end: u64) -> bool {
    let mut socket = socket::open(product.address(), token).await.expect("a stream opens");
    socket.send(socket::request(1, "open", thing, &json!({"as": "json"}))).await.expect("it is sent");
    let epoch = reply(&mut socket, 1).await["body"]["epoch"].clone();
    let since = json!({"as": "json", "since": {"epoch": epoch, "offset": last}});
    socket.send(socket::request(2, "open", thing, &since)).await.expect("it is sent");
    let body = reply(&mut socket, 2).await["body"].take();
    let offsets = body["missed"].as_array().map(|missed| missed.iter().filter_map(|push| push["offset"].as_u64()));
    match offsets {
        Some(offsets) => offsets.eq(last + 1..=end),
        None => body["offset"] == end && body["content"].is_object(),
    }
}

/// How long a connection that sends this, and then one byte each time, is kept. Its own pace is its own affair: it
/// never reads a websocket's pings.
async fn kept(address: String, first: Vec<u8>, then: Vec<u8>) -> Duration {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.write_all(&first).await.expect("it is sent");
    let start = clock::now();
    let (mut reading, mut writing) = stream.split();
    let mut read = [0; 4096];
    let ends = async {
        loop {
            match reading.read(&mut read).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    };
    let drips = async {
        for byte in then {
            tokio::time::sleep(DRIP_EVERY).await;
            if writing.write_all(&[byte]).await.is_err() {
                return;
            }
        }
        std::future::pending::<()>().await;
    };
    let given_up = tokio::time::sleep(Duration::from_secs(60));
    tokio::select! {
        () = ends => {}
        () = drips => {}
        () = given_up => {}
    }
    start.elapsed()
}

#[test]
#[ignore = "a minute"]
fn e1_those_who_drip_are_cut_off_and_others_connect() {
    let _alone = alone();
    let mut figures = Figures::new("e1");
    let product = Product::start_with_env(&[], &SETTINGS);
    let token = live::token(&product, "ada");
    let (address, bearer) = (product.address().to_owned(), format!("Authorization: Bearer {token}"));
    let head = upgrade(&address, &[bearer]);
    let body = format!(
        "POST /api/1.0/things HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    );
    let slow_frame = frame(LAST | TEXT, &[b' '; 100]);
    // What is sent at once, and what follows byte by byte.
    let kinds = [
        ("half a head", 2_000, head.as_bytes()[..head.len() - 4].to_vec(), vec![]),
        ("silent after the upgrade", 2_000, head.clone().into_bytes(), vec![]),
        ("a body byte by byte", 200, body.into_bytes(), vec![b' '; 100]),
        ("a frame byte by byte", 200, [head.as_bytes(), &slow_frame[..2]].concat(), slow_frame[2..].to_vec()),
    ];
    let (times, connects) = live::run(MANY_MINUTES, async {
        let mut tasks = BTreeMap::new();
        for (what, count, first, then) in kinds {
            let set = tasks.entry(what).or_insert_with(tokio::task::JoinSet::new);
            for number in 0..count {
                let (address, first, then) = (address.clone(), first.clone(), then.clone());
                set.spawn(async move {
                    // Two thousand at once would be a storm, which is another matter.
                    tokio::time::sleep(COME_EVERY * number).await;
                    kept(address, first, then).await
                });
            }
        }
        let over = Arc::new(AtomicBool::new(false));
        let good = tokio::spawn(connect_now_and_then(address.clone(), token.clone(), over.clone()));
        let mut times = BTreeMap::new();
        for (what, set) in tasks {
            times.insert(what, set.join_all().await);
        }
        over.store(true, Ordering::Relaxed);
        (times, good.await.expect("a good client connects"))
    });
    let longest = |what: &str| times[what].iter().max().copied().expect("some");
    let limits = [
        ("half a head", Duration::from_secs(12)),
        ("a body byte by byte", Duration::from_secs(32)),
        ("silent after the upgrade", Duration::from_secs(45)),
        // A frame that comes byte by byte shows that somebody is there, and takes no more than one who is quiet.
    ];
    let worst = connects.iter().max().copied().expect("some");
    let found: Vec<_> = limits.iter().map(|(what, most)| (*what, longest(what), *most)).collect();
    for (what, times) in times {
        figures.note(what, spread(times));
    }
    figures.note("good_client_connects", spread(connects)).publish();
    for (what, longest, most) in found {
        assert!(longest < most, "{what}: kept for {longest:?}");
    }
    assert!(worst < Duration::from_secs(1), "a good client needed {worst:?}");
}

async fn connect_now_and_then(address: String, token: String, over: Arc<AtomicBool>) -> Vec<Duration> {
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let start: Instant = clock::now();
        let opened: Result<Socket, _> = socket::open(&address, &token).await;
        let mut socket = opened.expect("a good client is let in");
        let first = socket.next().await.expect("a welcome");
        assert!(first.is_ok_and(|first| first.is_text()));
        times.push(start.elapsed());
        let _: Result<(), tungstenite::Error> = socket.close(None).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    times
}
