//! Section 2 of the contract over real sockets: who is refused, how, and that no SFE hears of it.

use std::time::Duration;

use serde_json::Value;
use widgetapp::client::{Credentials, Http, Login};

use crate::{
    live,
    product::{Product, eventually, kill},
    raw::{Raw, upgrade},
};

const A_MINUTE: Duration = Duration::from_secs(60);
const MET: &str = "a session begins";

struct Case {
    what: &'static str,
    head: String,
    status: u16,
    name: &'static str,
    /// What one header must contain.
    header: Option<(&'static str, &'static str)>,
}

fn case(what: &'static str, head: String, status: u16, name: &'static str) -> Case {
    Case { what, head, status, name, header: None }
}

impl Case {
    fn with(mut self, header: &'static str, text: &'static str) -> Self {
        self.header = Some((header, text));
        self
    }
}

/// A token of a user that is good for something else than streaming.
async fn token_without_stream(product: &Product, user: &str) -> String {
    let http = Http::new(product.url(), None).expect("an address");
    http.log_in(user, &live::demo(product).users[user].password).await.expect("the password is right");
    http.user_token(&["things:read"]).await.expect("a token").secret
}

#[test]
fn each_refusal_has_its_status_problem_and_headers_and_reaches_no_sfe() {
    book::claims!("refusal-problem", 1);
    book::claims!("refusal-before-sfe", 1);
    let product = Product::start_with_env(&[], &[("RUST_LOG", "widgetapp=debug")]);
    let (ada, linus) = (live::token(&product, "ada"), live::token(&product, "linus"));
    let narrow = live::run(A_MINUTE, token_without_stream(&product, "ada"));
    let address = product.address();
    let bearer = |token: &str| format!("Authorization: Bearer {token}");
    let good = upgrade(address, &[bearer(&ada)]);
    let asking = |more: &[&str]| upgrade(address, &more.iter().map(|line| line.to_string()).collect::<Vec<_>>());
    let no_token = r#"bearer error="invalid_token""#;
    let cases = [
        case("no token", asking(&[]), 401, "token_missing").with("www-authenticate", no_token),
        case("nonsense", asking(&["Authorization: Bearer x"]), 401, "invalid_token").with("www-authenticate", no_token),
        case("a broken signature", upgrade(address, &[bearer(&ada[..ada.len() - 4])]), 401, "invalid_token")
            .with("www-authenticate", no_token),
        case("a bad token as a subprotocol", asking(&["Sec-WebSocket-Protocol: bearer.x"]), 401, "invalid_token"),
        case(
            "a token in the URL",
            good.replace("/_stream", &format!("/_stream?access_token={ada}")),
            400,
            "token_in_url",
        ),
        case("a ticket in the URL", good.replace("/_stream", "/_stream?ticket=x"), 400, "token_in_url"),
        case("an unapproved group", upgrade(address, &[bearer(&linus)]), 403, "group_not_approved"),
        case("a token without the scope", upgrade(address, &[bearer(&narrow)]), 403, "insufficient_scope")
            .with("www-authenticate", "insufficient_scope"),
        case("no upgrade", good.replace("Upgrade: websocket\r\n", ""), 426, "not_an_upgrade")
            .with("upgrade", "websocket"),
        case("an older version", good.replace("Version: 13", "Version: 8"), 426, "not_an_upgrade")
            .with("sec-websocket-version", "13"),
        case("no key", good.replace("Sec-WebSocket-Key", "X-Key"), 400, "bad_upgrade"),
        case("a short key", good.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), 400, "bad_upgrade"),
        case(
            "two keys",
            good.replace("\r\n\r\n", "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
            400,
            "bad_upgrade",
        ),
        case(
            "no Connection: Upgrade",
            good.replace("Connection: Upgrade", "Connection: keep-alive"),
            400,
            "bad_upgrade",
        ),
        case("HTTP/1.0", good.replace("HTTP/1.1", "HTTP/1.0"), 400, "bad_upgrade"),
        case("no Host", good.replace("Host:", "X-Host:"), 400, "bad_upgrade"),
        case("another method", good.replace("GET", "PUT"), 405, "method_not_allowed").with("allow", "get"),
        case(
            "an unknown subprotocol",
            upgrade(address, &[bearer(&ada), "Sec-WebSocket-Protocol: chat".into()]),
            400,
            "unknown_subprotocol",
        ),
    ];
    for Case { what, head, status, name, header } in cases {
        let mut raw = Raw::connect(&product);
        raw.send(head.as_bytes());
        let (answer, body) = raw.answer();
        let answer = answer.to_ascii_lowercase();
        assert!(
            answer.starts_with(&format!("http/1.1 {status} ")) || answer.starts_with(&format!("http/1.0 {status} ")),
            "{what}: {answer}"
        );
        assert!(answer.contains("content-type: application/problem+json"), "{what}: {answer}");
        let body: Value = serde_json::from_slice(&body).expect("a problem");
        assert_eq!((body["status"].as_u64(), body["name"].as_str()), (Some(status.into()), Some(name)), "{what}");
        assert!(body["code"].is_u64() && body["title"].is_string(), "{what}: {body}");
        if let Some((header, text)) = header {
            let line = answer.lines().find_map(|line| line.strip_prefix(header)?.strip_prefix(": "));
            assert!(line.is_some_and(|line| line.contains(text)), "{what}: {answer}");
        }
    }
    assert!(!product.log().contains(MET), "an SFE has met someone who was refused");
    let mut raw = Raw::connect(&product);
    raw.send(good.as_bytes());
    raw.upgraded();
    eventually("an SFE has met who was let through", || product.log().contains(MET).then_some(()));
    let log = product.log();
    assert!([&ada, &linus, &narrow].iter().all(|token| !log.contains(token.as_str())), "a token is in the log");
}

#[test]
fn an_expired_token_is_refused() {
    book::claims!("refused-expired", 1);
    let product = Product::start_with_env(&[], &[("WIDGETAPP_OAUTH__ACCESS_TOKEN_SECONDS", "1")]);
    let demo = live::demo(&product);
    let client = &demo.clients["demo-external-system"];
    let http = Http::new(product.url(), None).unwrap();
    let credentials =
        Credentials::Client { id: client.client_id.clone(), secret: client.client_secret.clone().unwrap() };
    let token = live::run(A_MINUTE, Login::new(http, credentials).access_token()).unwrap();
    eventually("the token expires", || {
        let mut raw = Raw::connect(&product);
        raw.send(upgrade(product.address(), &[format!("Authorization: Bearer {token}")]).as_bytes());
        let head = raw.head();
        if head.starts_with("HTTP/1.1 101 ") {
            return None;
        }
        assert!(head.starts_with("HTTP/1.1 401 ") && head.to_ascii_lowercase().contains("expired"), "{head}");
        Some(())
    });
}

#[test]
fn without_an_sfe_a_client_is_told_when_to_come_back() {
    book::claims!("refused-unavailable", 1);
    let product = Product::start_with(&["--echo"]);
    let [(_, sfe)] = product.processes("_sfe")[..] else { panic!("one _sfe") };
    // The supervisor, too: it would replace an SFE that hangs.
    kill("STOP", product.pid());
    kill("STOP", sfe);
    let mut raw = Raw::connect(&product);
    raw.send(upgrade(product.address(), &[]).as_bytes());
    let (answer, body) = raw.answer();
    kill("CONT", sfe);
    kill("CONT", product.pid());
    let answer = answer.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 503 ") && answer.contains("retry-after: "), "{answer}");
    assert!(answer.contains("content-type: application/problem+json"), "{answer}");
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&body["name"], &body["temporary"]), (&"unavailable".into(), &true.into()));
    assert_eq!(body["status"], 503, "{body}");
}
