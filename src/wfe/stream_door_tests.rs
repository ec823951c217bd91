//! Section 2 of the contract: each refusal at `/_stream`, and what is handed over.

use http::Request;

use super::*;
use crate::{
    access::{Principal, Scope, Scopes},
    wfe::{
        Peer,
        fixture::{Answer, BASE, Front},
    },
};

const KEY: (&str, &str) = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
const HANDSHAKE: [(&str, &str); 5] = [
    ("host", "127.0.0.1:8080"),
    ("upgrade", "websocket"),
    ("connection", "keep-alive, Upgrade"),
    ("sec-websocket-version", "13"),
    KEY,
];

type Headers<'a> = Vec<(&'a str, &'a str)>;

fn handshake<'a>(more: &[(&'a str, &'a str)]) -> Headers<'a> {
    [&HANDSHAKE[..], more].concat()
}

fn without<'a>(name: &str, more: &[(&'a str, &'a str)]) -> Headers<'a> {
    let rest = HANDSHAKE.iter().filter(|header| header.0 != name).copied();
    rest.chain(more.iter().copied()).collect()
}

/// What is handed over; an answer instead fails the test.
async fn handed_over(front: &Front, headers: &[(&str, &str)]) -> Admission {
    let (sender, mut receiver) = mpsc::channel(1);
    let mut request = Request::builder().uri("/_stream").extension(Handover(sender));
    request = request.extension(Peer("9.9.9.9:99".parse().unwrap()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    tokio::select! {
        answer = front.answer(request.body(Default::default()).unwrap()) => panic!("{}", answer.text),
        Some(admission) = receiver.recv() => admission,
    }
}

fn subprotocol(admission: &Admission) -> Option<&str> {
    match &admission.becomes {
        Becomes::Websocket { subprotocol, .. } => subprotocol.as_deref(),
        Becomes::Events { .. } => panic!("it asked for a WebSocket"),
    }
}

fn bearer(front: &Front, who: &Principal, scopes: &str) -> String {
    format!("Bearer {}", front.token(who, scopes))
}

async fn as_ada(front: &Front, headers: &[(&str, &str)]) -> Answer {
    let token = bearer(front, &front.people.ada, "stream");
    front.get("/_stream", &[headers, &[("authorization", token.as_str())]].concat()).await
}

#[tokio::test]
async fn a_good_token_is_handed_over_with_all_that_an_sfe_needs() {
    let front = Front::new();
    let token = bearer(&front, &front.people.ada, "stream");
    let more = [("authorization", token.as_str()), ("x-request-id", "r1"), ("x-forwarded-for", "6.6.6.6")];
    let admission = handed_over(&front, &handshake(&more)).await;
    let caller = admission.caller.unwrap();
    assert_eq!((&caller.principal, caller.scopes), (&front.people.ada, Scopes::of(&[Scope::Stream])));
    assert_eq!(admission.codec, Codec::Json);
    assert_eq!(admission.becomes, Becomes::Websocket { key: KEY.1.into(), subprotocol: None });
    assert_eq!(admission.peer.to_string(), "9.9.9.9", "forwarding headers are for the filter chain to judge");
    assert!(admission.expires_at > clock::unix_seconds() + 500);
    assert!(admission.headers.contains(&("x-request-id".to_owned(), "r1".to_owned())), "{:?}", admission.headers);
}

#[tokio::test]
async fn a_browser_sends_its_token_as_a_subprotocol_which_is_never_echoed() {
    book::claims!("bearer-not-echoed", 1);
    let front = Front::new();
    let token = front.token(&front.people.ada, "stream");
    let offer = format!("bearer.{token}, widgetapp.v1.cbor, widgetapp.v1.json");
    let more = [("sec-websocket-protocol", offer.as_str()), ("origin", "https://app.test")];
    let admission = handed_over(&front, &handshake(&more)).await;
    assert_eq!((admission.codec, subprotocol(&admission)), (Codec::Cbor, Some("widgetapp.v1.cbor")));
    let alone = format!("bearer.{token}");
    let admission = handed_over(&front, &handshake(&[("sec-websocket-protocol", &alone)])).await;
    assert_eq!((admission.codec, subprotocol(&admission)), (Codec::Json, None));
}

#[tokio::test]
async fn without_an_accept_loop_or_an_sfe_the_client_is_told_to_come_back() {
    let front = Front::new();
    let answer = as_ada(&front, &handshake(&[])).await;
    assert!(answer.is(503, "unavailable") && answer.header("retry-after") == "1");
    let token = bearer(&front, &front.people.ada, "stream");
    let mut request = Request::builder().uri("/_stream").extension(Handover(mpsc::channel(1).0));
    for (name, value) in handshake(&[("authorization", token.as_str())]) {
        request = request.header(name, value);
    }
    assert!(front.answer(request.body(Default::default()).unwrap()).await.is(503, "unavailable"));
}

#[tokio::test]
async fn malformed_handshakes_are_refused() {
    let front = Front::new();
    let cases: &[(Headers<'_>, u16, &str)] = &[
        (vec![], 426, "not_an_upgrade"),
        (without("upgrade", &[("upgrade", "h2c")]), 426, "not_an_upgrade"),
        (without("connection", &[]), 400, "bad_upgrade"),
        (without("connection", &[("connection", "close")]), 400, "bad_upgrade"),
        (without("host", &[]), 400, "bad_upgrade"),
        (without("sec-websocket-version", &[]), 426, "not_an_upgrade"),
        (without("sec-websocket-version", &[("sec-websocket-version", "8")]), 426, "not_an_upgrade"),
        (handshake(&[("sec-websocket-version", "13")]), 400, "bad_upgrade"),
        (without(KEY.0, &[]), 400, "bad_upgrade"),
        (handshake(&[KEY]), 400, "bad_upgrade"),
        (without(KEY.0, &[(KEY.0, "c2hvcnQ=")]), 400, "bad_upgrade"),
        (without(KEY.0, &[(KEY.0, "not base64 at all!!!!!!=")]), 400, "bad_upgrade"),
        (handshake(&[("sec-websocket-protocol", "chat")]), 400, "unknown_subprotocol"),
        (handshake(&[("sec-websocket-protocol", "widgetapp.v2.json, graphql-ws")]), 400, "unknown_subprotocol"),
    ];
    for (headers, status, name) in cases {
        let answer = as_ada(&front, headers).await;
        assert!(answer.is(*status, name), "{headers:?}: {}", answer.text);
        if *status == 426 {
            assert_eq!(answer.header("sec-websocket-version"), "13");
        }
    }
    assert_eq!(front.send("HEAD", "/_stream", &handshake(&[]), "").await.status, 400);
    let post = front.send("POST", "/_stream", &handshake(&[]), "").await;
    assert!(post.is(405, "method_not_allowed") && post.header("allow").contains("GET"));
}

#[tokio::test]
async fn an_upgrade_of_http_1_0_is_refused() {
    let front = Front::new();
    let mut request = Request::builder().uri("/_stream").version(Version::HTTP_10);
    for (name, value) in HANDSHAKE {
        request = request.header(name, value);
    }
    assert!(front.answer(request.body(Default::default()).unwrap()).await.is(400, "bad_upgrade"));
}

#[tokio::test]
async fn a_token_in_the_url_is_refused_under_any_name() {
    book::claims!("refused-token-in-url", 1);
    let front = Front::new();
    for query in ["access_token=x", "token=x", "bearer_token", "ticket=x", "a=b&%74oken=x", "Access_Token=x"] {
        let token = bearer(&front, &front.people.ada, "stream");
        let answer = front.get(&format!("/_stream?{query}"), &handshake(&[("authorization", &token)])).await;
        assert!(answer.is(400, "token_in_url"), "{query}");
    }
}

#[tokio::test]
async fn tokens_that_are_absent_bad_or_expired_are_told_so() {
    let front = Front::new();
    let ada = &front.people.ada;
    let old = front.token_of(ada, "stream", clock::unix_seconds() - 3_600);
    for (headers, name) in [
        (vec![], "token_missing"),
        (vec![("authorization", "Basic YTpi".to_owned())], "token_missing"),
        (vec![("authorization", "Bearer nonsense".to_owned())], "invalid_token"),
        (vec![("authorization", "Bearer".to_owned())], "invalid_token"),
        (vec![("sec-websocket-protocol", "bearer.".to_owned())], "invalid_token"),
        (vec![("authorization", format!("Bearer {old}"))], "token_expired"),
        (vec![("cookie", "widgetapp=AAAAAAAAAAAAAAAAAAAAAA".to_owned()), ("origin", BASE.to_owned())], "token_missing"),
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = front.get("/_stream", &handshake(&headers)).await;
        assert!(answer.is(401, name), "{headers:?}: {}", answer.text);
        assert!(answer.header("www-authenticate").starts_with("Bearer error=\"invalid_token\""));
    }
}

#[tokio::test]
async fn a_token_in_two_places_is_refused() {
    let front = Front::new();
    let token = front.token(&front.people.ada, "stream");
    let (header, entry) = (format!("Bearer {token}"), format!("bearer.{token}"));
    let twice = format!("{entry}, {entry}");
    for headers in [
        [("authorization", header.as_str()), ("sec-websocket-protocol", entry.as_str())],
        [("authorization", header.as_str()), ("authorization", header.as_str())],
        [("sec-websocket-protocol", entry.as_str()), ("sec-websocket-protocol", entry.as_str())],
        [("sec-websocket-protocol", twice.as_str()), ("x", "y")],
    ] {
        assert!(front.get("/_stream", &handshake(&headers)).await.is(400, "bad_request"));
    }
}

#[tokio::test]
async fn scope_and_approval_are_both_demanded() {
    let front = Front::new();
    let ask = async |who: &Principal, scopes: &str| {
        let token = bearer(&front, who, scopes);
        front.get("/_stream", &handshake(&[("authorization", &token)])).await
    };
    let answer = ask(&front.people.ada, "things:read things:write").await;
    assert!(answer.is(403, "insufficient_scope"));
    assert_eq!(answer.header("www-authenticate"), r#"Bearer error="insufficient_scope", scope="stream""#);
    assert!(ask(&front.people.linus, "stream").await.is(403, "group_not_approved"));
    front.people.store.set_approved("designers", false).unwrap();
    assert!(ask(&front.people.ada, "stream").await.is(403, "group_not_approved"));
    let token = bearer(&front, &front.people.ada, "stream");
    front.people.store.set_disabled("ada", true).unwrap();
    assert!(front.get("/_stream", &handshake(&[("authorization", &token)])).await.is(401, "invalid_token"));
}

#[tokio::test]
async fn the_login_cookie_opens_a_stream_only_for_pages_of_ours() {
    let front = Front::with(|config| config.server.public_url = None);
    let cookie = front.log_in().await;
    let own = handshake(&[("cookie", &cookie), ("origin", BASE)]);
    let admission = handed_over(&front, &own).await;
    let caller = admission.caller.unwrap();
    assert_eq!((&caller.principal, caller.scopes), (&front.people.ada, Scopes::ALL));
    assert!(admission.expires_at > clock::unix_seconds() + 3_600);
    for origin in
        ["null", "http://127.0.0.1:8081", "https://127.0.0.1:8080", "http://127.0.0.1:8080.evil", "http://evil"]
    {
        let answer = front.get("/_stream", &handshake(&[("cookie", &cookie), ("origin", origin)])).await;
        assert!(answer.is(403, "origin_not_allowed"), "{origin}");
    }
    assert!(front.get("/_stream", &handshake(&[("cookie", &cookie)])).await.is(403, "origin_not_allowed"));
}

#[tokio::test]
async fn an_echo_server_asks_for_no_token() {
    let front = Front::with(|config| config.server.echo = true);
    let admission = handed_over(&front, &HANDSHAKE).await;
    assert_eq!((admission.caller.as_ref(), subprotocol(&admission)), (None, None));
}
