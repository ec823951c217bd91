//! (g): a log of a million changes: how long its check takes, and what a backup costs those who edit meanwhile.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, sync::oneshot::error::TryRecvError, task::spawn_local};
use widgetapp::{
    log::{ChangeKind, Durability, Log, NewChange, SqliteLog, sqlite},
    protocol::{Codec, ThingId},
    thing::Document,
};

use super::{
    RUN,
    machine::{now_nanos, percentile},
    sender::{self, Edits},
    server::Server,
};

const THINGS: u64 = 1_000;
const CHANGES: u64 = 1_000;
/// As often as the server takes a snapshot.
const SNAPSHOT_EVERY: u64 = 256;
const WRITERS: u64 = 10;

pub async fn backed_up() {
    println!("(g) a log of {} changes, in {THINGS} Things", THINGS * CHANGES);
    let data = TempDir::new().unwrap();
    let begin = Instant::now();
    fill(data.path());
    let megabytes = data.path().join(sqlite::FILE).metadata().unwrap().len() / 1_000_000;
    println!("  made in {:.1} s, {megabytes} MB", begin.elapsed().as_secs_f64());
    let server = Server::start_on(data);
    let (seconds, memory) = run(&server, &["fsck"]);
    println!("  check                {seconds:>8.1} s  {memory:>6} MB of memory at most");
    let alone = edits(&server, async { tokio::time::sleep(RUN).await }).await;
    report("edits, nothing else", alone);
    let target = TempDir::new().unwrap();
    let command = ["backup", target.path().join("copy").to_str().unwrap()].map(str::to_owned);
    let mut seconds = (0.0, 0);
    let meanwhile = edits(&server, async {
        let data = server.data().to_owned();
        let backup = move || run_on(&data, &command.each_ref().map(String::as_str));
        seconds = tokio::task::spawn_blocking(backup).await.unwrap();
    })
    .await;
    report("edits, and a backup", meanwhile);
    println!("  backup               {:>8.1} s  {:>6} MB of memory at most", seconds.0, seconds.1);
    let meanwhile = edits(&server, async {
        let data = server.data().to_owned();
        seconds = tokio::task::spawn_blocking(move || run_on(&data, &["fsck"])).await.unwrap();
    })
    .await;
    report("edits, and a check", meanwhile);
}

fn report(what: &str, mut latencies: Vec<u64>) {
    println!(
        "  {what:<20} {:>8} edits  p50 {:>7.3} ms  p99 {:>7.3} ms  longest {:>7.3} ms",
        latencies.len(),
        percentile(&mut latencies, 0.5),
        percentile(&mut latencies, 0.99),
        percentile(&mut latencies, 1.0),
    );
}

/// Things as the server would have stored them.
fn fill(data: &Path) {
    let log = SqliteLog::open(data.join(sqlite::FILE), Durability::Os).unwrap();
    for author in 1..=THINGS {
        let thing = ThingId(uuid::Uuid::from_u128(author.into()));
        let (mut document, mut edits) = (Document::new(0), Edits::by(author));
        let mut receipts = Vec::new();
        for offset in 1..=CHANGES {
            let update = edits.next(offset, 60).update.unwrap().0;
            document.apply_update(&update, false).unwrap();
            let change = NewChange {
                user: "measured".into(),
                principal: "client:measured".into(),
                key: Some(offset.to_string()),
                kind: ChangeKind::Edit,
                update,
                at_millis: offset,
            };
            receipts.push(match offset {
                1 => log.create(thing, "measured".into(), change),
                _ => log.append(thing, offset, change),
            });
            if offset % SNAPSHOT_EVERY == 0 {
                receipts.push(log.put_snapshot(thing, offset, document.state().into()));
            }
        }
        for mut receipt in receipts {
            // Inside the runtime nothing may block; what was queued is written soon.
            let stored = loop {
                match receipt.try_recv() {
                    Err(TryRecvError::Empty) => std::thread::yield_now(),
                    stored => break stored,
                }
            };
            stored.unwrap().unwrap();
        }
    }
}

/// Edits by some writers, each on a Thing of its own, while something else goes on.
async fn edits(server: &Server, meanwhile: impl Future<Output = ()>) -> Vec<u64> {
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut tasks = Vec::new();
    for author in 1..=WRITERS {
        let mut client = server.connect(Codec::Cbor).await;
        let thing = server.create(&mut client).await;
        client.open(&thing).await;
        let (mut edits, stopped) = (Edits::by(author), stopped.clone());
        tasks.push(spawn_local(async move {
            let mut latencies = Vec::new();
            while !*stopped.borrow() {
                let sent = now_nanos();
                let frame = sender::frame(&mut client, &thing, &edits.next(sent, 60));
                client.socket.write_all(&frame).await.unwrap();
                while !sender::is_answer(&client.message().await) {}
                latencies.push(now_nanos() - sent);
            }
            latencies
        }));
    }
    meanwhile.await;
    stop.send(true).unwrap();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap());
    }
    latencies
}

fn run(server: &Server, command: &[&str]) -> (f64, u64) {
    run_on(server.data(), command)
}

/// Runs the program on this data: seconds, and megabytes of memory at most.
fn run_on(data: &Path, command: &[&str]) -> (f64, u64) {
    let begin = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_widgetapp"))
        .args(command)
        .arg("--data")
        .arg(data)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut most = 0;
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
        let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        most = most.max(kilobytes.map_or(0, |kilobytes| kilobytes.trim().parse().unwrap()));
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{command:?}: {status}");
    (begin.elapsed().as_secs_f64(), most / 1_000)
}
