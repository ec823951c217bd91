//! (a) and (b): one sender, many listeners, on one Thing.

use std::{
    cell::RefCell,
    io::Write,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt, task::spawn_local};
use widgetapp::protocol::Codec;

use super::{
    RUN,
    bare::{Bare, FRAME_BYTES},
    machine::{self, now_nanos, percentile},
    receiver::{self, Seen},
    sender::{self, Edits},
    server::{Client, Server},
};

/// Deliveries per second of measurement (a).
const DELIVERIES: usize = 50_000;
/// What a delivery carries beside the marked text: names, offset, and the update's own head.
const ENVELOPE_BYTES: usize = 145;
/// Frames that the bare limit writes at once, where it joins them.
const JOINED: usize = 100;
/// Edits without an answer, in measurement (b).
const UNANSWERED: u64 = 200;

struct Figure {
    deliveries: u64,
    seconds: f64,
    cpu: Duration,
    latencies: Vec<u64>,
}

impl Figure {
    fn print(&mut self, name: &str, bare: Option<&Figure>) -> f64 {
        let per_million = |figure: &Figure| figure.cpu.as_secs_f64() * 1e6 / figure.deliveries as f64;
        let ratio = bare.map_or(String::new(), |bare| format!("  {:.2} x bare", per_million(self) / per_million(bare)));
        println!(
            "  {name:<28} {:>10.0}/s  p50 {:>7.3} ms  p99 {:>7.3} ms  {:>6.2} CPU s per million{ratio}",
            self.deliveries as f64 / self.seconds,
            percentile(&mut self.latencies, 0.5),
            percentile(&mut self.latencies, 0.99),
            per_million(self),
        );
        per_million(self)
    }
}

pub async fn steady() {
    println!(
        "(a) 1 sender, {DELIVERIES} deliveries/s of {FRAME_BYTES} bytes; every edit is durable before it is passed on"
    );
    for listeners in [100, 1000] {
        let mut bare = bare(listeners, DELIVERIES / listeners, 1).await;
        let mut ours = ours(listeners, Some(DELIVERIES / listeners)).await;
        bare.print(&format!("{listeners} listeners, bare"), None);
        ours.print(&format!("{listeners} listeners, WidgetApp"), Some(&bare));
    }
}

pub async fn flat_out() {
    println!("(b) 1 sender, deliveries of {FRAME_BYTES} bytes as fast as it goes");
    for listeners in [100, 1000] {
        let mut single = bare(listeners, 0, 1).await;
        let mut joined = bare(listeners, 0, JOINED).await;
        let mut ours = ours(listeners, None).await;
        single.print(&format!("{listeners} listeners, bare"), None);
        joined.print(&format!("{listeners} listeners, bare, joined"), None);
        ours.print(&format!("{listeners} listeners, WidgetApp"), Some(&joined));
    }
}

async fn bare(listeners: usize, per_second: usize, joined: usize) -> Figure {
    let seen = Rc::new(RefCell::new(Seen::default()));
    let mut bare = Bare::start(listeners, per_second, joined, RUN);
    for index in 0..listeners {
        let socket = bare.connect().await;
        spawn_local(receiver::count(socket, Vec::new(), index % 10 == 0, seen.clone()));
    }
    let begin = Instant::now();
    bare.go();
    tokio::time::sleep(RUN + Duration::from_millis(500)).await;
    let seconds = RUN.as_secs_f64().max((begin.elapsed() - Duration::from_millis(500)).as_secs_f64());
    let cpu = machine::cpu(bare.pid());
    let seen = seen.take();
    Figure { deliveries: seen.frames, seconds, cpu, latencies: seen.latencies }
}

async fn ours(listeners: usize, per_second: Option<usize>) -> Figure {
    let server = Server::start();
    let mut sender = server.connect(Codec::Cbor).await;
    let thing = server.create(&mut sender).await;
    sender.open(&thing).await;
    let seen = Rc::new(RefCell::new(Seen::default()));
    for index in 0..listeners {
        let mut client = server.connect(Codec::Cbor).await;
        client.open(&thing).await;
        spawn_local(receiver::count(client.socket, client.unread, index % 10 == 0, seen.clone()));
    }
    let (before, begin) = (server.cpu(), Instant::now());
    let sent = match per_second {
        Some(per_second) => send_steadily(sender, &thing, per_second, begin).await,
        None => send_flat_out(sender, &thing, begin).await,
    };
    let wanted = sent * listeners as u64;
    while seen.borrow().frames < wanted && begin.elapsed() < 3 * RUN {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (seconds, cpu) = (begin.elapsed().as_secs_f64(), server.cpu() - before);
    let seen = seen.take();
    assert_eq!(seen.frames, wanted, "every edit reaches every listener once");
    Figure { deliveries: seen.frames, seconds, cpu, latencies: seen.latencies }
}

/// Sends on time, from a thread of its own: the runtime's timer counts whole milliseconds.
async fn send_steadily(mut sender: Client, thing: &str, per_second: usize, begin: Instant) -> u64 {
    let (socket, reading) = sender.split();
    let unread = std::mem::take(&mut sender.unread);
    spawn_local(receiver::count(reading, unread, false, Rc::default()));
    let thing = thing.to_owned();
    let sending = move || {
        let (mut edits, mut sent) = (Edits::by(1), 0);
        loop {
            let at = begin + Duration::from_nanos(sent * 1_000_000_000 / per_second as u64);
            if at >= begin + RUN {
                return sent;
            }
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            let due = now_nanos() - u64::try_from(at.elapsed().as_nanos()).unwrap();
            let frame = sender::frame(&mut sender, &thing, &edits.next(due, FRAME_BYTES - ENVELOPE_BYTES));
            assert_eq!((&*socket).write(&frame).unwrap(), frame.len());
            sent += 1;
        }
    };
    tokio::task::spawn_blocking(sending).await.unwrap()
}

async fn send_flat_out(mut sender: Client, thing: &str, begin: Instant) -> u64 {
    const AT_ONCE: u64 = 20;
    let mut edits = Edits::by(1);
    let (mut sent, mut answered): (u64, u64) = (0, 0);
    while begin.elapsed() < RUN {
        let mut batch = Vec::new();
        for _ in 0..AT_ONCE {
            let edit = edits.next(now_nanos(), FRAME_BYTES - ENVELOPE_BYTES);
            batch.extend(sender::frame(&mut sender, thing, &edit));
        }
        sent += AT_ONCE;
        sender.socket.write_all(&batch).await.unwrap();
        while sent - answered >= UNANSWERED {
            answered += u64::from(sender::is_answer(&sender.message().await));
        }
    }
    while answered < sent {
        answered += u64::from(sender::is_answer(&sender.message().await));
    }
    sent
}
