//! What is said over connections that come and go, against a server that does what each test says.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::{
    fake_server::{FakeServer, THING, change, connected, opened},
    *,
};
use crate::protocol::{
    Codec,
    action::{Create, Form},
    codec::Blob,
};

fn patch() -> EditBody {
    EditBody::Patch(json!([]))
}

fn keyed(key: &str) -> NewEdit {
    NewEdit { key: Some(key.into()), ..patch().into() }
}

/// The offsets of the next changes, up to and including `last`.
async fn changes_until(events: &mut Events, last: u64) -> Vec<u64> {
    let mut offsets = Vec::new();
    while offsets.last() != Some(&last) {
        match timeout(Duration::from_secs(10), events.recv()).await.unwrap().unwrap() {
            Event::Message(message) => offsets.extend(message.offset),
            Event::Acked { offset, change: Some(_), .. } => offsets.push(offset),
            _ => {}
        }
    }
    offsets
}

#[tokio::test]
async fn a_dropped_connection_resumes_without_a_gap_or_a_repetition() {
    let server = FakeServer::new().await;
    let (client, mut events, mut peer) = opened(&server).await;
    peer.send(change(1, 6)).await;
    assert_eq!(changes_until(&mut events, 6).await, [6]);
    let edits =
        [client.start_edit(THING, keyed("a")).await.unwrap(), client.start_edit(THING, keyed("b")).await.unwrap()];
    let sent = [peer.receive().await, peer.receive().await];
    drop(peer);

    let mut peer = server.welcome().await;
    let open = peer.receive().await;
    assert_eq!(open["body"]["since"], json!({"epoch": "e", "offset": 6}));
    // Of the two edits the first had arrived.
    let missed = json!([change(0, 7), change(0, 8)]);
    let id = open["id"].as_u64().unwrap();
    peer.opened(id, json!({"role": "editor", "epoch": "e", "offset": 8, "recovered": true, "missed": missed})).await;
    assert_eq!([peer.receive().await, peer.receive().await], sent, "the same keys and order");
    peer.ack(sent[0]["id"].as_u64().unwrap(), 7).await;
    peer.send(change(id, 9)).await;
    peer.ack(sent[1]["id"].as_u64().unwrap(), 10).await;

    assert_eq!(changes_until(&mut events, 10).await, [7, 8, 9, 10]);
    let [first, second] = edits;
    assert_eq!((first.await.unwrap().offset, second.await.unwrap().offset), (7, 10));
}

#[tokio::test]
async fn a_program_that_reads_late_misses_nothing() {
    // With their fillers more than the kernel's buffers hold.
    const LAST: u64 = 8_000;
    let server = FakeServer::new().await;
    let (client, mut events, mut peer) = opened(&server).await;
    let pushing = tokio::spawn(async move {
        for offset in 6..=LAST {
            let mut push = change(1, offset);
            push["body"]["filler"] = json!("x".repeat(2_000));
            peer.feed(push).await;
        }
        peer.flush().await;
        peer
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!pushing.is_finished(), "the client stops reading its socket");
    let offsets = changes_until(&mut events, LAST).await;
    assert!(offsets.into_iter().eq(6..=LAST));

    // Without a listener the events cost nothing, and replies still come.
    drop(events);
    let mut peer = pushing.await.unwrap();
    for offset in 1..=2_000 {
        peer.feed(change(1, LAST + offset)).await;
    }
    let edit = client.start_edit(THING, patch()).await.unwrap();
    peer.flush().await;
    let id = peer.expect("edit").await;
    peer.ack(id, LAST + 2_001).await;
    assert_eq!(edit.await.unwrap().offset, LAST + 2_001);
}

#[tokio::test]
async fn edits_under_way_are_bounded() {
    let server = FakeServer::new().await;
    let (client, _events, mut peer) = opened(&server).await;
    let caller = tokio::spawn(async move {
        for _ in 0..1_000 {
            drop(client.start_edit(THING, patch()).await.unwrap());
        }
        client
    });
    // One batch may be taken just before the bound is reached.
    let mut ids = Vec::new();
    while let Ok(id) = timeout(Duration::from_millis(200), peer.expect("edit")).await {
        ids.push(id);
    }
    assert!((MAX_UNANSWERED..MAX_UNANSWERED + 64).contains(&ids.len()), "{}", ids.len());
    assert!(!caller.is_finished());
    for offset in 6..1_006 {
        if ids.is_empty() {
            ids.push(peer.expect("edit").await);
        }
        peer.ack(ids.remove(0), offset).await;
    }
    caller.await.unwrap();
}

#[tokio::test]
async fn a_create_that_may_have_been_done_is_not_done_again() {
    let server = FakeServer::new().await;
    let (client, _events, mut peer) = connected(&server).await;
    let new = Create { title: "x".into(), content: None };
    let cut = async {
        peer.expect("create").await;
        drop(peer);
    };
    let (created, ()) = tokio::join!(client.create(&new), cut);
    assert!(matches!(created, Err(RequestError::ConnectionLost)));
}

#[tokio::test]
async fn yjs_updates_stay_bytes_over_cbor() {
    #[derive(serde::Serialize)]
    struct Push {
        port: u16,
        name: &'static str,
        thing: &'static str,
        join: u64,
        offset: u64,
        body: Update,
    }
    #[derive(serde::Serialize)]
    struct Update {
        update: Blob,
    }
    let server = FakeServer::new().await;
    let url = server.url();
    let builder = Client::builder(&url, "t").codec(Codec::Cbor);
    let (connected, mut peer) = tokio::join!(builder.connect(), server.welcome());
    let (client, mut events) = connected.unwrap();
    let (opened, ()) = tokio::join!(client.open(THING, Form::Yjs), peer.open_at(0));
    opened.unwrap();
    let blob = Blob(vec![1, 0, 255].into());
    peer.send(Push {
        port: 200,
        name: "widgetApp_useraction_edit",
        thing: THING,
        join: 1,
        offset: 1,
        body: Update { update: blob.clone() },
    })
    .await;
    assert!(matches!(events.recv().await, Some(Event::Welcome(_))));
    let event = events.recv().await.unwrap();
    assert!(matches!(&event, Event::Update { offset: 1, update, .. } if *update == blob.0), "{event:?}");
}
