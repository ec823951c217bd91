//! Applications that act for people: consent, codes, refresh tokens, and what ends them.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cucumber::{gherkin::Step, given, then, when};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::Name;
use crate::{
    application::{Application, REDIRECT},
    program::{Opening, Program},
    scene::{Scene, until},
    web,
    wording::{self, like},
};

const A_SECOND: Duration = Duration::from_secs(1);

#[given(expr = "the application {string} is registered for {string}")]
async fn registered(scene: &mut Scene, name: String, scopes: String) {
    register(scene, &name, &scopes, &[]).await;
}

#[given(expr = "the public application {string} is registered for {string}")]
async fn registered_public(scene: &mut Scene, name: String, scopes: String) {
    register(scene, &name, &scopes, &["-public"]).await;
}

pub(super) async fn register(scene: &mut Scene, name: &str, scopes: &str, more: &[&str]) {
    let mut words = vec!["-client", name, "-add", "-organisation", "acme", "-redirect", REDIRECT, "-json"];
    words.extend(scopes.split(' ').flat_map(|scope| ["-scope", scope]));
    words.extend(more);
    scene.admin(&words).await;
    let (code, printed, errors) = scene.command.as_ref().expect("it was run");
    assert_eq!(*code, 0, "{errors}");
    let printed: Value = serde_json::from_str(printed).expect("JSON");
    let secret = printed["client_secret"].as_str().map(str::to_owned);
    let application = Application { id: name.into(), secret, redirect: REDIRECT.into(), ..Application::default() };
    scene.applications.insert(name.into(), application);
}

#[given("the application of the demonstration runs on the user's computer")]
async fn of_demonstration(scene: &mut Scene) {
    let (id, redirect) = ("demo-app".to_owned(), "http://127.0.0.1:4321/callback".to_owned());
    scene.applications.insert(id.clone(), Application { id, redirect, ..Application::default() });
}

#[given(expr = "{person} has allowed {string} {string}")]
async fn has_allowed(scene: &mut Scene, name: Name, application: String, scopes: String) {
    asks(scene, application.clone(), name, scopes).await;
    allows(scene, application.clone()).await;
    exchanges(scene, application).await;
}

#[when(expr = "{string} asks {person} for {string}")]
async fn asks(scene: &mut Scene, application: String, name: Name, scopes: String) {
    ask(scene, &application, &name, &scopes, &[]).await;
}

#[when(expr = "{string} asks {person} for {string} with {string} {string}")]
async fn asks_with(
    scene: &mut Scene,
    application: String,
    name: Name,
    scopes: String,
    parameter: String,
    value: String,
) {
    ask(scene, &application, &name, &scopes, &[(&parameter, &value)]).await;
}

#[when(expr = "{string} asks {person} for {string} without {string}")]
async fn asks_without(scene: &mut Scene, application: String, name: Name, scopes: String, parameter: String) {
    ask(scene, &application, &name, &scopes, &[(&parameter, "")]).await;
}

async fn ask(scene: &mut Scene, application: &str, name: &str, scopes: &str, more: &[(&str, &str)]) {
    if !scene.cookies.contains_key(name) {
        let cookie = web::log_in(scene, name).await;
        scene.cookies.insert(name.into(), cookie);
    }
    let request = scene.application(application).request(scopes, more);
    scene.visitor = name.into();
    let headers = [("cookie", scene.cookies[name].clone())];
    let answer = web::send(scene, "GET", &request, &headers, None).await;
    scene.application(application).take(&answer);
    scene.answer = Some(answer);
}

#[when(expr = "{string} asks somebody who is not logged in for {string}")]
async fn asks_stranger(scene: &mut Scene, application: String, scopes: String) {
    let request = scene.application(&application).request(&scopes, &[]);
    scene.answer = Some(web::send(scene, "GET", &request, &[], None).await);
}

#[then(expr = "{person} is asked whether she/he allows {string} that")]
async fn is_asked(scene: &mut Scene, name: Name, application: String) {
    let page = scene.application(&application).page.clone();
    assert!(page.contains("in your name"), "{page}");
    assert!(page.contains(&format!("<strong>{application}</strong>")), "{page}");
    assert!(page.contains(&format!("<strong>{}</strong>", name.to_lowercase())), "{page}");
}

#[then(expr = "the page says {string}")]
async fn page_says(scene: &mut Scene, what: String) {
    let page = text_of(&scene.answer().text);
    assert!(page.contains(&what), "{page}");
}

#[then(expr = "the page does not say {string}")]
async fn page_does_not_say(scene: &mut Scene, what: String) {
    let page = text_of(&scene.answer().text);
    assert!(!page.contains(&what), "{page}");
}

/// What people read of a page.
fn text_of(page: &str) -> String {
    let pieces = page.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    pieces.collect::<Vec<_>>().concat()
}

#[when(expr = "she allows {string} that")]
async fn allows(scene: &mut Scene, application: String) {
    decide(scene, &application, "allow", &[]).await;
}

#[when(expr = "she does not allow {string} that")]
async fn does_not_allow(scene: &mut Scene, application: String) {
    decide(scene, &application, "deny", &[]).await;
}

#[when(expr = "a page of {string} sends her consent for {string}")]
async fn another_site_decides(scene: &mut Scene, origin: String, application: String) {
    decide(scene, &application, "allow", &[("origin", origin), ("sec-fetch-site", "cross-site".into())]).await;
}

async fn decide(scene: &mut Scene, application: &str, button: &str, more: &[(&str, String)]) {
    let cookie = scene.cookies[&scene.visitor].clone();
    let form = scene.application(application).decision(button);
    let kind = "application/x-www-form-urlencoded".to_owned();
    let headers = [&[("cookie", cookie), ("content-type", kind)], more].concat();
    let answer = web::send(scene, "POST", "/oauth/authorize", &headers, Some(form)).await;
    scene.application(application).take(&answer);
    scene.answer = Some(answer);
}

#[then(expr = "her browser is sent back to {string} with {string}")]
async fn browser_sent_back(scene: &mut Scene, application: String, parameters: String) {
    let issuer = scene.product().url().to_owned();
    assert_eq!(scene.answer().status, 303);
    let sent_back = &scene.application(&application).sent_back;
    let names: Vec<&str> = sent_back.keys().map(String::as_str).collect();
    assert_eq!(names.join(" "), parameters);
    assert_eq!((sent_back["state"].as_str(), sent_back["iss"].as_str()), ("where I was", issuer.as_str()));
}

#[then(expr = "{string} is told {string}")]
async fn application_is_told(scene: &mut Scene, application: String, error: String) {
    let sent_back = &scene.application(&application).sent_back;
    assert_eq!(sent_back.get("error"), Some(&error), "{sent_back:?}");
    assert!(!sent_back.contains_key("code"));
}

#[then(expr = "nothing is sent to {string}")]
async fn nothing_is_sent(scene: &mut Scene, application: String) {
    assert_eq!((scene.answer().status, scene.answer().header("location")), (400, ""));
    assert!(scene.application(&application).sent_back.is_empty());
}

#[when(expr = "{string} exchanges its code")]
#[when(expr = "{string} exchanges the same code again")]
async fn exchanges(scene: &mut Scene, application: String) {
    let form = scene.application(&application).exchange();
    send(scene, &application, "/oauth/token", &form).await;
}

#[when(expr = "{string} exchanges its code with the verifier {string}")]
async fn exchanges_with(scene: &mut Scene, application: String, verifier: String) {
    let form = scene.application(&application).exchange();
    let (form, _) = form.split_once("&code_verifier=").expect("it is the last field");
    send(scene, &application, "/oauth/token", &format!("{form}&code_verifier={verifier}")).await;
}

#[when(expr = "{string} refreshes")]
async fn refreshes(scene: &mut Scene, application: String) {
    refresh(scene, &application, 1, "").await;
}

#[when(expr = "{string} refreshes with the refresh token before that")]
async fn refreshes_with_the_one_before(scene: &mut Scene, application: String) {
    refresh(scene, &application, 2, "").await;
}

#[when(expr = "{string} refreshes for {string}")]
async fn refreshes_for(scene: &mut Scene, application: String, scopes: String) {
    refresh(scene, &application, 1, &format!("&scope={}", scopes.replace(' ', "+"))).await;
}

async fn refresh(scene: &mut Scene, application: &str, from_the_end: usize, more: &str) {
    let all = &scene.application(application).refresh;
    let form = format!("grant_type=refresh_token&refresh_token={}{more}", all[all.len() - from_the_end]);
    send(scene, application, "/oauth/token", &form).await;
}

#[when(expr = "{string} revokes its refresh token")]
async fn revokes(scene: &mut Scene, application: String) {
    let token = scene.application(&application).refresh.last().cloned().expect("it has one");
    send(scene, &application, "/oauth/revoke", &format!("token={token}")).await;
}

#[when(expr = "{string} revokes the access token of {string}")]
async fn revokes_of(scene: &mut Scene, application: String, other: String) {
    let token = scene.application(&other).access.clone();
    send(scene, &application, "/oauth/revoke", &format!("token={token}")).await;
}

#[when(expr = "{string} asks about the access token of {string}")]
async fn introspects(scene: &mut Scene, application: String, other: String) {
    let token = scene.application(&other).access.clone();
    send(scene, &application, "/oauth/introspect", &format!("token={token}")).await;
}

#[when(expr = "{string} asks about an access token of {person}")]
async fn introspects_of(scene: &mut Scene, application: String, name: Name) {
    let token = crate::person::Person::new(scene, &name).login.access_token().await.expect("a token");
    send(scene, &application, "/oauth/introspect", &format!("token={token}")).await;
}

async fn send(scene: &mut Scene, application: &str, endpoint: &str, form: &str) {
    let sender = scene.application(application).clone();
    let answer = sender.send(scene, endpoint, form).await;
    scene.application(application).keep(&answer);
    scene.answer = Some(answer);
}

#[then(expr = "the access token of {string} is good")]
async fn is_good(scene: &mut Scene, application: String) {
    assert_eq!(try_token(scene, &application).await, (200, Value::Null));
}

#[then(expr = "the access token of {string} is worth nothing")]
async fn is_worth_nothing(scene: &mut Scene, application: String) {
    assert_eq!(try_token(scene, &application).await, (401, json!("invalid_token")));
}

async fn try_token(scene: &mut Scene, application: &str) -> (u16, Value) {
    let token = scene.application(application).access.clone();
    let headers = [("authorization", format!("Bearer {token}"))];
    let answer = web::send(scene, "GET", "/_ajax/scroll", &headers, None).await;
    (answer.status, answer.json()["name"].clone())
}

#[when(expr = "{string} searches for {string}")]
async fn searches(scene: &mut Scene, application: String, text: String) {
    let token = scene.application(&application).access.clone();
    let headers = [("authorization", format!("Bearer {token}"))];
    scene.answer = Some(web::send(scene, "GET", &format!("/_ajax/search?q={text}"), &headers, None).await);
}

#[given(expr = "{string} streams with its access token as {string}")]
#[when(expr = "{string} streams with its access token as {string}")]
async fn streams(scene: &mut Scene, application: String, program: String) {
    let token = scene.application(&application).access.clone();
    let address = scene.product().address().to_owned();
    let opening = Opening::with_token(&token, widgetapp::protocol::Codec::Json);
    let connected = Program::connect(&address, opening).await;
    connected.find("the welcome", |message| message["name"] == "welcome").await;
    scene.programs.insert(program, connected);
}

#[then(expr = "the connection of {string} is closed with {int} within a second")]
async fn closed_in_time(scene: &mut Scene, program: String, code: u16) {
    let closed = until("the end", || scene.program(&program).seen().closed);
    let closed = tokio::time::timeout(A_SECOND, closed).await.expect("within a second");
    assert_eq!(closed, code);
}

#[then("the command prints a line like:")]
async fn prints_line_like(scene: &mut Scene, step: &Step) {
    let expected = wording::json(scene, step.docstring.as_ref().expect("the line is given"));
    let (code, printed, errors) = scene.command.as_ref().expect("a command was run");
    assert_eq!(*code, 0, "{errors}");
    let lines: Vec<Value> = printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(lines.iter().any(|line| like(&expected, line)), "{printed}");
}

#[when(expr = "the administrator revokes the access token of {string}")]
async fn administrator_revokes(scene: &mut Scene, application: String) {
    let token = scene.application(&application).access.clone();
    scene.admin(&["-token", "-revoke", &token]).await;
}

#[when(expr = "{string} asks for a token for itself")]
async fn asks_for_itself(scene: &mut Scene, application: String) {
    send(scene, &application, "/oauth/token", "grant_type=client_credentials").await;
}

#[when(expr = "{string} takes the secret that was printed")]
async fn takes_secret(scene: &mut Scene, application: String) {
    let (_, printed, _) = scene.command.clone().expect("a command was run");
    let secret = printed.lines().find_map(|line| line.strip_prefix("client_secret ")).expect("a secret").to_owned();
    scene.application(&application).secret = Some(secret);
}

#[when(regex = r"^(\d+) seconds have passed$")]
async fn seconds_pass(_: &mut Scene, seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// All at once: one after the other could take longer than it takes until the next is allowed.
#[when(expr = "the external system asks {int} times for a token")]
async fn asks_often(scene: &mut Scene, times: usize) {
    let ask = || web::ask_for_token(scene, "grant_type=client_credentials".into(), true);
    let answers = futures_util::future::join_all((0..times).map(|_| ask())).await;
    scene.answer = answers.into_iter().max_by_key(|answer| answer.status);
}

#[when(regex = r#"^"([^"]+)" forges its access token with (.+)$"#)]
async fn forges(scene: &mut Scene, application: String, trick: String) {
    let keys = web::send(scene, "GET", "/.well-known/jwks.json", &[], None).await.json();
    let good = scene.application(&application).access.clone();
    let parts: Vec<&str> = good.split('.').collect();
    let read =
        |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON") };
    let (mut head, mut claims, mut signature) = (read(parts[0]), read(parts[1]), parts[2].to_owned());
    let text =
        |head: &Value, claims: &Value| [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    match trick.as_str() {
        "another user" => claims["sub"] = "ada".into(),
        "more scopes" => claims["scope"] = "stream things:read things:write".into(),
        "a longer life" => claims["exp"] = 4_000_000_000_u64.into(),
        "the algorithm none" => {
            head["alg"] = "none".into();
            signature.clear();
        }
        "the public key as a shared secret" => {
            head["alg"] = "HS256".into();
            let key = URL_SAFE_NO_PAD.decode(keys["keys"][0]["x"].as_str().expect("a key")).expect("base64");
            let (key, text) = (EncodingKey::from_secret(&key), text(&head, &claims));
            signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).expect("it can sign");
        }
        "a key of its own in the header" => head["jwk"] = keys["keys"][0].clone(),
        "an unknown key" => head["kid"] = "00000000-0000-4000-8000-000000000000".into(),
        other => panic!("there is no trick called {other:?}"),
    }
    let forged = format!("{}.{signature}", text(&head, &claims));
    assert_ne!(forged, good);
    scene.application(&application).access = forged;
}
