//! (d): how many edits are acknowledged, each writer waiting for its answer before the next.

use std::{fs::File, io::Write, time::Instant};

use tokio::{io::AsyncWriteExt, task::spawn_local};
use widgetapp::protocol::Codec;

use super::{
    RUN,
    machine::{now_nanos, percentile},
    sender::{self, Edits},
    server::Server,
};

pub async fn acknowledged() {
    println!("(d) acknowledged edits, one at a time for each writer, each writer on a Thing of its own");
    let bare = bare();
    println!("  bare: append and fdatasync    {bare:>10.0}/s");
    for writers in [1, 10, 100] {
        let (per_second, mut latencies) = ours(writers).await;
        println!(
            "  {writers:>4} writers                 {per_second:>10.0}/s  p50 {:>7.3} ms  p99 {:>7.3} ms  {:.2} x bare",
            percentile(&mut latencies, 0.5),
            percentile(&mut latencies, 0.99),
            per_second / bare,
        );
    }
}

/// What the disk can do: one small record after the other, each on the disk before the next.
fn bare() -> f64 {
    let directory = tempfile::TempDir::new().unwrap();
    let mut file = File::create(directory.path().join("log")).unwrap();
    let (begin, mut count) = (Instant::now(), 0);
    while begin.elapsed() < RUN / 2 {
        file.write_all(&[7; 200]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / begin.elapsed().as_secs_f64()
}

async fn ours(writers: u64) -> (f64, Vec<u64>) {
    let server = Server::start();
    let mut ready = Vec::new();
    for author in 1..=writers {
        let mut client = server.connect(Codec::Cbor).await;
        let thing = server.create(&mut client).await;
        client.open(&thing).await;
        ready.push((client, thing, Edits::by(author)));
    }
    let begin = Instant::now();
    let tasks: Vec<_> = ready
        .into_iter()
        .map(|(mut client, thing, mut edits)| {
            spawn_local(async move {
                let mut latencies = Vec::new();
                while begin.elapsed() < RUN {
                    let sent = now_nanos();
                    let frame = sender::frame(&mut client, &thing, &edits.next(sent, 60));
                    client.socket.write_all(&frame).await.unwrap();
                    while !sender::is_answer(&client.message().await) {}
                    latencies.push(now_nanos() - sent);
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap());
    }
    (latencies.len() as f64 / begin.elapsed().as_secs_f64(), latencies)
}
