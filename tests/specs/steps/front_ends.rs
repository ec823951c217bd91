//! What stands before WFE, and what SFE knows of a connection: proxies, certificates, the request context.

use std::time::Duration;

use cucumber::{given, then, when};
use serde_json::json;
use widgetapp::protocol::Codec;

use super::Name;
use crate::{
    person::Person,
    product::kill,
    program::{Opening, Program},
    scene::{Scene, aside, until},
    web,
};

/// SFE tells of its sessions at this level.
const TELL: (&str, &str) = ("RUST_LOG", "widgetapp=debug");

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[given("WidgetApp is running behind a proxy")]
async fn behind_proxy(scene: &mut Scene) {
    scene.variables = [TELL, ("WIDGETAPP_SERVER__TRUSTED_PROXIES", "127.0.0.1")].map(owned).into();
    scene.start().await;
}

#[given("WidgetApp is running and tells of its sessions")]
async fn tells(scene: &mut Scene) {
    scene.variables = [TELL].map(owned).into();
    scene.start().await;
}

#[when(expr = "a program at {string} streams through Cloudflare as the request {string}")]
async fn through_cloudflare(scene: &mut Scene, address: String, request: String) {
    let token = web::client_token(scene, "stream").await;
    let mut opening = Opening::with_token(&token, Codec::Json);
    opening.headers.extend([("CF-Connecting-IP", address), ("CF-Ray", request)]);
    let program = Program::connect(scene.product().address(), opening).await;
    scene.programs.insert("program".into(), program);
}

#[then(expr = "SFE knows the session by the address {string} and as the request {string}")]
async fn knows_session(scene: &mut Scene, address: String, request: String) {
    let (address, request) = (format!("client={address} "), format!("request_id=\"{request}\""));
    let product = scene.product();
    until("SFE tells of the session", || {
        let log = product.log();
        let mut lines = log.lines().filter(|line| line.contains("a session begins"));
        lines.any(|line| line.contains(&address) && line.contains(&request)).then_some(())
    })
    .await;
}

#[then(expr = "SFE knows the session by the address {string} and as a request of its own")]
async fn knows_own(scene: &mut Scene, address: String) {
    let welcome = scene.program("program").receive(&json!({"port": 0, "name": "welcome"})).await;
    let session = welcome["body"]["session"].as_str().expect("a session").to_owned();
    knows_session(scene, address, session).await;
}

#[when(expr = "{string} opens a stream as {person} while the _sfe is halted, which is then killed")]
async fn opens_while_halted(scene: &mut Scene, program: String, name: Name) {
    let token = Person::new(scene, &name).login.access_token().await.expect("a token");
    let [(_, sfe)] = scene.processes("_sfe").await[..] else { panic!("there is one _sfe") };
    aside(move || kill("STOP", sfe)).await;
    let address = scene.product().address().to_owned();
    let killing = async {
        // So that the connection is on its way by then.
        tokio::time::sleep(Duration::from_millis(500)).await;
        aside(move || kill("KILL", sfe)).await;
    };
    let (connected, ()) = tokio::join!(Program::connect(&address, Opening::with_token(&token, Codec::Json)), killing);
    scene.programs.insert(program, connected);
}

#[when("Ada tries to open a stream over WSS")]
async fn over_wss(scene: &mut Scene) {
    let url = scene.product().url().to_owned();
    assert!(url.starts_with("https://"), "{url}");
    let mut ada = Person::new(scene, "Ada");
    let connected = ada.connect(&url, Codec::Json).await;
    scene.told = Some(connected.map(|()| serde_json::Value::Null).map_err(|error| error.to_string()));
    scene.people.insert("Ada".into(), ada);
}

#[when("somebody asks over TLS for a stream without a token")]
async fn without_token(scene: &mut Scene) {
    let headers = super::opening::HANDSHAKE.map(|(name, value)| (name, value.to_owned()));
    scene.answer = Some(web::send(scene, "GET", "/_stream", &headers, None).await);
}
