//! How a connection begins, moves and ends, against a server that does what each test says.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::{
    fake_server::{FakeServer, Peer, THING, connected, opened},
    *,
};
use crate::{clock, protocol::Codec};

#[tokio::test]
async fn the_token_and_the_encoding_are_asked_for_as_the_contract_says() {
    let server = FakeServer::new().await;
    let url = server.url();
    let builder = Client::builder(&url, "secret").codec(Codec::Cbor);
    let (client, peer) = tokio::join!(builder.connect(), server.welcome());
    client.unwrap();
    assert_eq!(peer.token, "Bearer secret");
}

#[tokio::test]
async fn a_close_code_below_4500_is_come_back_from() {
    let server = FakeServer::new().await;
    let (client, mut events, peer) = connected(&server).await;
    peer.close(4008).await;
    let _peer = server.welcome().await;
    let mut seen = Vec::new();
    while !matches!(seen.last(), Some(Event::Reconnected)) {
        seen.push(events.recv().await.unwrap());
    }
    assert!(
        matches!(&seen[1], Event::Disconnected { reason: ConnectError::Closed { code: 4008, .. }, retry_in } if *retry_in <= Duration::from_millis(500)),
        "{seen:?}"
    );
    assert!(client.ended().is_none());
}

#[tokio::test]
async fn a_close_code_from_4500_is_the_end_for_everyone_who_waits() {
    let server = FakeServer::new().await;
    let (client, mut events, mut peer) = connected(&server).await;
    let edit = client.start_edit(THING, EditBody::Patch(json!([]))).await.unwrap();
    peer.expect("edit").await;
    peer.close(4503).await;
    let error = edit.await.unwrap_err();
    assert!(matches!(&error, RequestError::Ended(ConnectError::Closed { code: 4503, .. })), "{error}");
    let later = client.select(THING).await.unwrap_err();
    assert_eq!(later.to_string(), error.to_string());
    let mut last = None;
    while let Some(event) = events.recv().await {
        last = Some(event);
    }
    assert!(matches!(last, Some(Event::Ended(_))));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_servers_words() {
    let server = FakeServer::new().await;
    let url = server.url();
    let body =
        r#"{"title": "Forbidden", "detail": "ask your administrator", "code": 108, "name": "group_not_approved"}"#;
    let response = format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let builder = Client::builder(&url, "t").keep_trying(true);
    let (connected, ()) = tokio::join!(builder.connect(), server.refuse(&response));
    let error = connected.unwrap_err();
    assert!(matches!(&error, ConnectError::Refused(refusal) if refusal.code == 108), "{error}");
}

#[tokio::test]
async fn a_server_that_is_busy_is_left_alone_as_long_as_it_asks() {
    let server = FakeServer::new().await;
    let url = server.url();
    let busy = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
    let builder = Client::builder(&url, "t").keep_trying(true);
    let served = async {
        server.refuse(busy).await;
        let refused_at = clock::now();
        let peer = server.welcome().await;
        (peer, clock::now() - refused_at)
    };
    let (connected, (_peer, waited)) = tokio::join!(builder.connect(), served);
    connected.unwrap();
    assert!(Duration::from_millis(990) <= waited && waited < Duration::from_millis(2_500), "{waited:?}");
}

#[tokio::test]
async fn nobody_at_the_address_is_an_error_unless_the_program_wants_to_wait() {
    let server = FakeServer::new().await;
    let url = server.url();
    drop(server);
    let error = Client::connect(&url, "t").await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot reach {url}: ")), "{error}");
}

#[tokio::test]
async fn a_token_that_expires_is_replaced_on_the_live_connection() {
    let server = FakeServer::new().await;
    let url = server.url();
    let given = Arc::new(AtomicUsize::new(0));
    let tokens = TokenSource::from_fn(move || {
        let number = given.fetch_add(1, Ordering::Relaxed);
        async move { Ok(format!("token {number}")) }
    });
    let (connected, mut peer) = tokio::join!(Client::connect(&url, tokens), server.welcome());
    let _connected = connected.unwrap();
    assert_eq!(peer.token, "Bearer token 0");
    peer.send(json!({"port": 0, "name": "token_expiring", "body": {"expires_at": 9}})).await;
    let request = peer.receive().await;
    assert_eq!(request["name"], "refresh");
    assert_eq!(request["body"], json!({"token": "token 1"}));
}

#[tokio::test]
async fn a_fixed_token_is_replaced_by_the_program_for_later_connections_too() {
    let server = FakeServer::new().await;
    let (client, _events, mut peer) = connected(&server).await;
    let answered = async {
        let id = peer.expect("refresh").await;
        peer.send(json!({"port": 0, "name": "refresh", "id": id, "body": {"expires_at": 99}})).await;
    };
    let (refreshed, ()) = tokio::join!(client.refresh_token("newer"), answered);
    assert_eq!(refreshed.unwrap().expires_at, 99);
    drop(peer);
    assert_eq!(server.welcome().await.token, "Bearer newer");
}

#[tokio::test]
async fn a_drain_moves_the_connection_after_its_delay() {
    let server = FakeServer::new().await;
    let (_client, _events, mut peer) = opened(&server).await;
    let asked_at = clock::now();
    peer.send(json!({"port": 0, "name": "drain", "body": {"retry_after_ms": 200}})).await;
    assert_eq!(peer.closed().await, Some(1000));
    let mut peer = server.welcome().await;
    let waited = clock::now() - asked_at;
    assert!(Duration::from_millis(200) <= waited && waited < Duration::from_secs(2), "{waited:?}");
    assert_eq!(peer.receive().await["body"]["since"]["offset"], 5);
}

#[tokio::test]
async fn the_connection_ends_with_a_goodbye_when_the_program_is_done() {
    let server = FakeServer::new().await;
    let (client, mut events, peer) = connected(&server).await;
    let ((), code) = tokio::join!(client.close_stream(), peer.closed());
    assert_eq!(code, Some(1000));
    assert!(matches!(client.ended(), Some(ConnectError::ByCaller)));
    while events.recv().await.is_some() {}

    let (client, _events, peer) = connected(&server).await;
    drop(client);
    assert_eq!(peer.closed().await, Some(1000));
}

#[tokio::test]
async fn a_certificate_is_trusted_only_if_the_program_says_so() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    tls::install_provider();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let server = FakeServer::new().await;
    let url = server.url().replace("http", "https");

    let strangers = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let builder = Client::builder(&url, "t").tls_root(strangers.cert.pem()).keep_trying(true);
    let refused = async { acceptor.accept(server.accept().await).await.is_err() };
    let (connected, refused) = tokio::join!(builder.connect(), refused);
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::Untrusted(Distrust::UnknownIssuer)) && refused, "{error}");

    let builder = Client::builder(&url, "t").tls_root(made.cert.pem());
    let served = async {
        let tls = acceptor.accept(server.accept().await).await.unwrap();
        let mut peer = Peer::upgrade(tls).await;
        peer.send(json!({"port": 0, "name": "welcome", "body": {"session": "s", "user": "ada", "organisation": "acme",
            "expires_at": 1, "ping_ms": 1, "pong_ms": 1, "max_frame_bytes": 1, "max_things": 1, "ports": {},
            "sfe": "1", "stream": "1.1", "node": "n"}}))
            .await;
    };
    let (connected, ()) = tokio::join!(builder.connect(), served);
    connected.unwrap();
}
