//! What the server does with clients that are too slow, too silent, or do not speak the contract.

use std::time::Duration;

use serde_json::{Value, json};
use widgetapp::{
    client::{EditBody, Event},
    clock,
    protocol::action::Form,
};

use crate::{
    frames::resident_kib,
    live,
    product::{Product, eventually},
    raw::{BINARY, CLOSE, Frame, LAST, PING, Raw, TEXT, frame, upgrade},
};

const A_MINUTE: Duration = Duration::from_secs(60);

/// A stream of ada's, with its welcome read.
fn stream(product: &Product, token: &str) -> Raw {
    let mut raw = Raw::open_as(product, token);
    // With the short pings of some of these tests, one may come before the welcome.
    let first = std::iter::from_fn(|| raw.receive()).find(|frame| frame.0 != PING);
    let Some(Frame(TEXT, welcome)) = first else { panic!("no welcome: {first:?}") };
    let welcome: Value = serde_json::from_slice(&welcome).expect("JSON");
    assert_eq!((&welcome["port"], &welcome["name"]), (&json!(0), &json!("welcome")));
    raw
}

#[test]
fn what_is_no_message_closes_the_stream_with_4509() {
    book::claims!("not-a-message", 1);
    let product = Product::start();
    let token = live::token(&product, "ada");
    let good = br#"{"port":0,"name":"ping","id":1}"#;
    for (what, bytes) in [
        ("no JSON", frame(LAST | TEXT, b"hello")),
        ("half JSON", frame(LAST | TEXT, br#"{"port":0,"name":"ping""#)),
        ("empty text", frame(LAST | TEXT, b"")),
        ("no object", frame(LAST | TEXT, b"[]")),
        ("no name", frame(LAST | TEXT, br#"{"port":0,"id":1}"#)),
        ("no such port number", frame(LAST | TEXT, br#"{"port":70000,"name":"ping","id":1}"#)),
        ("an id of 0", frame(LAST | TEXT, br#"{"port":0,"name":"ping","id":0}"#)),
        ("deep JSON", frame(LAST | TEXT, "[".repeat(100_000).as_bytes())),
        ("a deep body", frame(LAST | TEXT, &ping_with_depth(65))),
        ("a binary frame", frame(LAST | BINARY, good)),
    ] {
        let mut raw = stream(&product, &token);
        raw.send(&bytes);
        assert_eq!(raw.closed_with(), Some(4509), "{what}");
    }
    let mut raw = stream(&product, &token);
    raw.send(&frame(LAST | TEXT, &ping_with_depth(64)));
    let Some(Frame(TEXT, answer)) = raw.receive() else { panic!("no answer") };
    assert_eq!(
        serde_json::from_slice::<Value>(&answer).unwrap(),
        json!({"port": 0, "name": "ping", "id": 1, "body": {}})
    );
}

/// A ping that nests as deep as this, in a body that nobody reads.
fn ping_with_depth(depth: usize) -> Vec<u8> {
    let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
    format!(r#"{{"port":0,"name":"ping","id":1,"body":{open}{close}}}"#).into_bytes()
}

#[test]
fn an_unknown_port_or_name_is_an_error_and_the_stream_stays() {
    book::claims!("unknown-port", 1);
    book::claims!("unknown-name", 1);
    let product = Product::start();
    let mut raw = stream(&product, &live::token(&product, "ada"));
    for (request, error) in [
        (r#"{"port":9,"name":"x","id":1}"#, "unknown_port"),
        (r#"{"port":200,"name":"widgetApp_useraction_dance","id":1}"#, "unknown_name"),
        (r#"{"port":0,"name":"dance","id":1}"#, "unknown_name"),
    ] {
        raw.send(&frame(LAST | TEXT, request.as_bytes()));
        let Some(Frame(TEXT, answer)) = raw.receive() else { panic!("closed at {request}") };
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!((&answer["id"], &answer["error"]["name"]), (&json!(1), &json!(error)), "{request}");
    }
}

#[test]
fn a_client_that_never_reads_is_closed_with_4008_and_the_others_go_on() {
    book::claims!("limit-queue", 1);
    book::claims!("load-bounded", 1);
    const EDITS: usize = 60;
    let env = [("WIDGETAPP_STREAM__MAX_QUEUE_BYTES", "100000"), ("WIDGETAPP_STREAM__REQUESTS_PER_SECOND", "100000")];
    let product = Product::start_with_env(&[], &env);
    let (thing, ada) = (product.welcome(), live::login(&product, "ada"));
    let mut slow = stream(&product, &live::token(&product, "ada"));
    rustix::net::sockopt::set_socket_recv_buffer_size(&slow.stream, 64 * 1024).unwrap();
    let open = json!({"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": thing, "body": {}});
    slow.send(&frame(LAST | TEXT, open.to_string().as_bytes()));
    assert_eq!(slow.receive().map(|frame| frame.0), Some(TEXT), "it has the Thing open");
    live::run(A_MINUTE, async {
        let (writer, _) = live::connect(&product, &ada).await;
        let (reader, mut events) = live::connect(&product, &ada).await;
        reader.open(&thing, Form::Json).await.unwrap();
        let reading = tokio::spawn(async move {
            let mut offsets = Vec::new();
            live::until(&mut events, "the last edit", |event| {
                let Event::Message(push) = event else { return None };
                offsets.extend(push.offset);
                (push.body["patch"][0]["value"] == "last").then_some(())
            })
            .await;
            offsets
        });
        // More than the kernel's buffers hold.
        let large = "x".repeat(100_000);
        for n in 0..EDITS {
            let patch = json!([{"op": "add", "path": "/meta/large", "value": format!("{n}{large}")}]);
            writer.edit(&thing, EditBody::Patch(patch)).await.unwrap();
        }
        let patch = json!([{"op": "add", "path": "/meta/large", "value": "last"}]);
        writer.edit(&thing, EditBody::Patch(patch)).await.unwrap();
        let offsets = reading.await.unwrap();
        assert_eq!(offsets.len(), EDITS + 1, "the other reader missed nothing");
    });
    rustix::net::sockopt::set_socket_recv_buffer_size(&slow.stream, 4 << 20).unwrap();
    assert_eq!(slow.closed_with(), Some(4008));
}

#[test]
fn a_client_that_sends_pings_and_reads_no_pongs_takes_no_memory() {
    let product = Product::start_with_env(&[], &[("WIDGETAPP_STREAM__MAX_QUEUE_BYTES", "100000")]);
    let [(_, pid)] = product.processes("_stream")[..] else { panic!("one _stream") };
    let raw = stream(&product, &live::token(&product, "ada"));
    let before = resident_kib(pid);
    let pings = frame(LAST | PING, &[7; 125]).repeat(1000);
    raw.stream.set_nonblocking(true).unwrap();
    let (start, mut sent) = (clock::now(), 0);
    while clock::now() - start < Duration::from_secs(3) && sent < 64 << 20 {
        match std::io::Write::write(&mut &raw.stream, &pings[sent % pings.len()..]) {
            Ok(length) => sent += length,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(_) => break,
        }
    }
    let grown = resident_kib(pid).saturating_sub(before);
    assert!(grown < 8 * 1024, "the process grew by {grown} KiB after {sent} bytes of pings");
}

#[test]
fn a_silent_client_is_closed_with_4012_and_one_that_answers_pings_is_not() {
    book::claims!("limit-silence", 1);
    let env = [("WIDGETAPP_STREAM__PING_MS", "500"), ("WIDGETAPP_STREAM__PONG_MS", "500")];
    let product = Product::start_with_env(&[], &env);
    let token = live::token(&product, "ada");
    let (mut silent, mut answering) = (stream(&product, &token), stream(&product, &token));
    let answers = std::thread::spawn(move || {
        for _ in 0..5 {
            assert_eq!(answering.receive(), Some(Frame(PING, vec![])));
            answering.send(&frame(LAST | 10, b""));
        }
    });
    assert_eq!(silent.receive(), Some(Frame(PING, vec![])));
    // A client that is gone does not answer the close frame either; its socket is dropped all the same.
    assert_eq!(silent.closed_with(), Some(4012));
    answers.join().unwrap();
}

#[test]
fn half_a_request_head_is_cut_off_in_time() {
    let product = Product::start_with_env(&[], &[("WIDGETAPP_HTTP__HEADER_TIMEOUT_SECONDS", "1")]);
    let head = upgrade(product.address(), &[]);
    for part in [0, 1, head.len() / 2, head.len() - 1] {
        let mut raw = Raw::connect(&product);
        raw.send(&head.as_bytes()[..part]);
        let start = clock::now();
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut raw.stream, &mut rest).expect("the server closes the connection");
        assert!(clock::now() - start < Duration::from_secs(5), "{part} bytes of a head");
        assert!(!rest.starts_with(b"HTTP/1.1 1"), "{part} bytes of a head");
    }
}

#[test]
fn a_frame_that_never_ends_is_cut_off_by_the_pong() {
    let env = [("WIDGETAPP_STREAM__PING_MS", "500"), ("WIDGETAPP_STREAM__PONG_MS", "500")];
    let product = Product::start_with_env(&[], &env);
    let mut raw = stream(&product, &live::token(&product, "ada"));
    raw.send(&frame(LAST | TEXT, &[b'x'; 1000])[..500]);
    assert_eq!(raw.closed_with(), Some(4012));
}

#[test]
fn a_stream_that_ends_without_a_closing_handshake_is_forgotten() {
    let product = Product::start();
    let [(_, pid)] = product.processes("_stream")[..] else { panic!("one _stream") };
    let token = live::token(&product, "ada");
    let sockets = || std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let before = sockets();
    let mut held: Vec<Raw> = (0..10).map(|_| stream(&product, &token)).collect();
    assert_eq!(sockets(), before + 10);
    held[0].send(&frame(LAST | CLOSE, b""));
    held[1].send(&frame(LAST | TEXT, b"{")[..3]);
    drop(held);
    eventually("the sockets are closed", || (sockets() == before).then_some(()));
}
