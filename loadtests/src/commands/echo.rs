//! The bare limit: the same server with `--echo`, which sends every frame back and does nothing else with it.

use std::{
    sync::Arc,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;
use widgetapp::supervisor::{
    admin::{self, ProcessStatus, Request},
    measure::procfs,
};

use crate::server::product::{Product, Start};

/// Connections, and frames of each that are under way.
const CONNECTIONS: usize = 20;
const UNDER_WAY: usize = 4;
/// Bytes of a frame: about those of a change that is pushed.
const FRAME_BYTES: usize = 200;
/// Nothing is counted before.
const WARM_UP: Duration = Duration::from_secs(1);

/// Frames that come back for each second of CPU that the server takes.
///
/// # Errors
/// The server does not start, or does not answer.
pub async fn per_cpu_second(run: Duration) -> anyhow::Result<f64> {
    let folder = tempfile::TempDir::with_prefix("loadtest-echo-")?;
    let data = folder.path().join("data");
    let start = Start { options: vec!["--no-demo", "--echo"], ..Start::default() };
    let server = Product::start(&start, &data)?;
    let url = server.url().replacen("http", "ws", 1) + "/_stream";
    let (count, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (socket, _) = tokio_tungstenite::connect_async(&url).await.context("the echo cannot be reached")?;
        let (count, stop) = (Arc::clone(&count), Arc::clone(&stop));
        tasks.spawn(async move {
            let (mut sender, mut receiver) = socket.split();
            let frame = Message::binary(vec![7; FRAME_BYTES]);
            for _ in 0..UNDER_WAY {
                sender.send(frame.clone()).await?;
            }
            while !stop.load(Relaxed) {
                match receiver.next().await.context("the echo has ended")?? {
                    Message::Binary(_) => count.fetch_add(1, Relaxed),
                    _ => continue,
                };
                sender.send(frame.clone()).await?;
            }
            anyhow::Ok(())
        });
    }
    tokio::time::sleep(WARM_UP).await;
    let (frames, cpu) = (count.load(Relaxed), cpu(&data).await?);
    tokio::time::sleep(run).await;
    let (frames, cpu) = (count.load(Relaxed) - frames, self::cpu(&data).await? - cpu);
    stop.store(true, Relaxed);
    tasks.abort_all();
    anyhow::ensure!(frames > 0 && cpu > 0.0, "nothing came back from the echo");
    Ok(frames as f64 / cpu)
}

/// CPU that all its processes have taken, in seconds.
async fn cpu(data: &std::path::Path) -> anyhow::Result<f64> {
    let lines = admin::ask(data, &Request::Status).await?.map_err(anyhow::Error::msg)?;
    let status = |line: &String| serde_json::from_str::<ProcessStatus>(line).ok()?.pid;
    let cpu = lines.iter().filter_map(status).filter_map(procfs::usage).map(|usage| usage.cpu.as_secs_f64());
    Ok(cpu.sum())
}
