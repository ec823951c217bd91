//! (f): what an idle connection costs, and how fast new ones are taken.

use std::time::{Duration, Instant};

use tokio::{
    net::{TcpListener, TcpStream},
    task::spawn_local,
};
use widgetapp::protocol::Codec;

use super::server::Server;

const IDLE: u64 = 2000;
const NEW: usize = 5000;
const AT_ONCE: usize = 16;
/// New connections take turns with as many tokens, so that most of the checks are of a known token and
/// some are not, as in an installation where people come back.
const TOKENS: usize = 20;

pub async fn idle_and_new() {
    println!("(f) idle connections, and new ones with a token check each");
    println!("  bare: TCP accept              {:>10.0}/s", bare().await);
    let server = Server::start();
    let before = server.pss_bytes();
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        idle.push(server.connect(Codec::Json).await);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let each = (server.pss_bytes().saturating_sub(before)) as f64 / IDLE as f64;
    println!(
        "  PSS per idle connection       {:>10.1} KiB, all processes together ({IDLE} connections)",
        each / 1024.0
    );
    drop(idle);
    println!("  new connections               {:>10.0}/s", new(&server).await);
}

async fn new(server: &Server) -> f64 {
    let tokens: Vec<String> = (0..TOKENS).map(|_| server.new_token()).collect();
    let begin = Instant::now();
    let mut made = 0;
    while made < NEW {
        let batch = (0..AT_ONCE).map(|index| server.connect_with(Codec::Json, &tokens[(made + index) % TOKENS]));
        made += futures_util::future::join_all(batch).await.len();
    }
    made as f64 / begin.elapsed().as_secs_f64()
}

async fn bare() -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn_local(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let _ = socket.writable().await;
            let _ = socket.try_write(b"welcome");
        }
    });
    let (begin, mut made) = (Instant::now(), 0);
    while made < NEW {
        let connect = || async {
            let socket = TcpStream::connect(address).await.unwrap();
            socket.readable().await.unwrap();
        };
        made += futures_util::future::join_all((0..AT_ONCE).map(|_| connect())).await.len();
    }
    made as f64 / begin.elapsed().as_secs_f64()
}
