//! Many clients, and the processes that they have.

use std::{collections::BTreeMap, time::Duration};

use cucumber::{then, when};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use widgetapp::protocol::Codec;

use super::Kind;
use crate::{
    person::Person,
    product::{Product, eventually, is_alive, kill},
    program::Opening,
    scene::{Scene, aside, in_time, until_async},
};

#[when(expr = "{int} clients are connected")]
async fn connected(scene: &mut Scene, count: usize) {
    scene.crowd.truncate(count);
    let token = Person::new(scene, "Ada").login.access_token().await.expect("a user gets tokens");
    let address = scene.product().address().to_owned();
    for _ in scene.crowd.len()..count {
        let mut socket = TcpStream::connect(&address).await.expect("the server listens");
        let opening = Opening::with_token(&token, Codec::Json);
        socket.write_all(&opening.bytes(&address)).await.expect("the server reads");
        let mut answer = [0; 12];
        in_time("the stream opens", socket.read_exact(&mut answer)).await.expect("the server answers");
        assert_eq!(&answer, b"HTTP/1.1 101");
        scene.crowd.push(socket);
    }
    let all = count + scene.people.len() + scene.programs.len();
    until_async("all of them are counted", async || {
        (clients(scene, "_sfe").await.values().sum::<usize>() == all).then_some(())
    })
    .await;
}

#[then(expr = "{int} {kind} run(s)")]
async fn run(scene: &mut Scene, count: usize, kind: Kind) {
    until_async(&format!("{count} {kind} run"), async || (scene.processes(&kind).await.len() == count).then_some(()))
        .await;
}

#[then(expr = "every {kind} has {int} clients")]
async fn spread(scene: &mut Scene, kind: Kind, count: usize) {
    let clients = clients(scene, &kind).await;
    assert!(!clients.is_empty() && clients.values().all(|clients| *clients == count), "{clients:?}");
}

#[then(expr = "another {kind} takes its place within {int} seconds")]
async fn is_replaced_soon(scene: &mut Scene, kind: Kind, seconds: u64) {
    let replaced = super::processes::is_replaced(scene, kind);
    let in_time = tokio::time::timeout(Duration::from_secs(seconds), replaced).await;
    assert!(in_time.is_ok(), "it took longer");
}

#[when("the _stream 2.1 is killed at every start")]
async fn dies_of_every_start(scene: &mut Scene) {
    let product = scene.product();
    let give_up = move || {
        let stream = status(&product).into_iter().find(|row| row["id"] == "2.1").expect("it is listed");
        if let Some(pid) = stream["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()) {
            kill("KILL", pid);
            eventually("it has ended", || (!is_alive(pid)).then_some(()));
        }
        (stream["state"] == "set aside").then_some(())
    };
    aside(move || eventually("it is given up", give_up)).await;
}

#[then(expr = "the status shows _sfe {int} as {string}")]
async fn shows(scene: &mut Scene, id: usize, state: String) {
    let id = id.to_string();
    let product = scene.product();
    let rows = aside(move || status(&product)).await;
    let row = rows.iter().find(|row| row["process"] == "_sfe" && row["id"] == *id).expect("it is listed");
    assert_eq!(row["state"], state);
}

/// The clients of each process of a kind.
async fn clients(scene: &Scene, kind: &str) -> BTreeMap<String, usize> {
    let (product, kind) = (scene.product(), kind.to_owned());
    let rows = aside(move || status(&product)).await;
    let of_kind = rows.iter().filter(|row| row["process"] == kind);
    let clients = |row: &Value| Some((row["id"].as_str()?.to_owned(), usize::try_from(row["clients"].as_u64()?).ok()?));
    of_kind.filter_map(clients).collect()
}

/// The status, row by row.
fn status(product: &Product) -> Vec<Value> {
    let (_, output, _) = product.admin(&["-status", "-json"]);
    output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}
