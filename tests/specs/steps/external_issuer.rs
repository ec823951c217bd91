//! An identity provider, and WidgetApp that takes its tokens.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cucumber::{gherkin::Step, given, then, when};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use widgetapp::{
    client::{Credentials, Http, Login},
    clock,
    protocol::Codec,
};

use super::{Name, opening::HANDSHAKE, server};
use crate::{
    product::Product,
    program::{Opening, Program},
    scene::{Scene, aside},
    test_issuer::{KEYS_PATH, Manner, TestIssuer, sign},
    web,
};

#[given("an identity provider")]
async fn provider(scene: &mut Scene) {
    scene.issuers = vec![TestIssuer::start().await];
}

#[given(
    regex = r"^an identity provider that (redirects to another server|says its keys are elsewhere|says it is somebody else|sends without end|sends a byte now and then)$"
)]
async fn bad_provider(scene: &mut Scene, behaves: String) {
    let (issuer, elsewhere) = (TestIssuer::start().await, TestIssuer::start().await);
    let keys = format!("{}{KEYS_PATH}", elsewhere.url);
    issuer.behave(match behaves.as_str() {
        "redirects to another server" => Manner::Redirects(keys),
        "says its keys are elsewhere" => Manner::Describes(json!({"issuer": issuer.url, "jwks_uri": keys})),
        "says it is somebody else" => Manner::Describes(json!({"issuer": elsewhere.url, "jwks_uri": keys})),
        "sends without end" => Manner::Floods,
        _ => Manner::Drips,
    });
    // Whoever asks there all the same gets the right keys, and would take the tokens.
    elsewhere.behave(Manner::Publishes(issuer.key_set()));
    scene.issuers = vec![issuer, elsewhere];
}

#[given("the identity provider is away")]
#[when("the identity provider is away")]
async fn is_away(scene: &mut Scene) {
    issuer(scene).behave(Manner::Fails(503));
}

#[given("WidgetApp takes its tokens")]
async fn takes(scene: &mut Scene) {
    start(scene, "").await;
}

#[given("WidgetApp takes its tokens, with these settings:")]
async fn takes_with(scene: &mut Scene, step: &Step) {
    let more = step.docstring.clone().expect("the settings are given");
    start(scene, &more).await;
}

async fn start(scene: &mut Scene, more: &str) {
    let keys = scene.issuers.last().map(|issuer| format!("{}{KEYS_PATH}", issuer.url)).unwrap_or_default();
    let more = more.replace("KEYS", &keys);
    let url = &issuer(scene).url;
    let text =
        format!("[oauth.external]\nissuer = \"{url}\"\naudience = \"widgetapp\"\norganisation = \"acme\"\n{more}\n");
    server::start_with(scene, &text).await;
}

#[given("another WidgetApp is the identity provider")]
async fn another(scene: &mut Scene) {
    let other = Arc::new(aside(Product::start).await);
    let url = other.url().to_owned();
    scene.other = Some(other);
    let text = format!(
        "[oauth.external]\nissuer = \"{url}\"\naudience = \"{url}\"\norganisation = \"acme\"\nuser_claim = \"sub\"\n\
         algorithms = [\"EdDSA\"]\n"
    );
    server::start_with(scene, &text).await;
}

#[given(expr = "{string} streams with the other WidgetApp's token of {person}")]
async fn streams_with_other(scene: &mut Scene, program: String, name: Name) {
    let other = scene.other.clone().expect("there is one");
    let name = name.to_lowercase();
    let password = other.demo()["users"][&name]["password"].as_str().expect("a user").to_owned();
    let http = Http::new(other.url(), None).expect("a good address");
    let login = Login::new(http, Credentials::User { name, password });
    scene.foreign = login.access_token().await.expect("a user gets tokens");
    stream(scene, program).await;
}

#[when(expr = "the other WidgetApp ends all tokens of {person}")]
async fn other_ends(scene: &mut Scene, name: Name) {
    let other = scene.other.clone().expect("there is one");
    let name = name.to_lowercase();
    let (code, _, errors) = aside(move || other.admin(&["-user", &name, "-password"])).await;
    assert_eq!(code, 0, "{errors}");
}

/// The identity provider gives a token that says something else than usual.
fn give(scene: &mut Scene, changes: &Value) {
    let issuer = issuer(scene);
    scene.foreign = issuer.token(&issuer.claims(clock::unix_seconds(), changes));
}

fn issuer(scene: &Scene) -> &TestIssuer {
    scene.issuers.first().expect("the feature speaks of an identity provider")
}

fn given_json(step: &Step) -> Value {
    serde_json::from_str(step.docstring.as_ref().expect("it is given")).expect("the feature's JSON")
}

fn bearer(scene: &Scene) -> (&'static str, String) {
    ("authorization", format!("Bearer {}", scene.foreign))
}

#[when("somebody asks for Things with the same token")]
async fn ask_for_things(scene: &mut Scene) {
    scene.answer = Some(web::send(scene, "GET", "/_ajax/scroll", &[bearer(scene)], None).await);
}

async fn ask_for_stream(scene: &mut Scene) {
    let mut headers = HANDSHAKE.map(|(name, value)| (name, value.to_owned())).to_vec();
    headers.push(bearer(scene));
    scene.answer = Some(web::send(scene, "GET", "/_stream", &headers, None).await);
}

async fn stream(scene: &mut Scene, program: String) {
    let opening = Opening::with_token(&scene.foreign, Codec::Json);
    let connected = Program::connect(scene.product().address(), opening).await;
    scene.programs.insert(program, connected);
}

#[given("somebody asks for Things with a token of the identity provider")]
#[when("somebody asks for Things with a token of the identity provider")]
async fn asks_for_things(scene: &mut Scene) {
    give(scene, &json!({}));
    ask_for_things(scene).await;
}

#[when("somebody asks for Things with a token of the identity provider that says:")]
async fn asks_for_things_saying(scene: &mut Scene, step: &Step) {
    give(scene, &given_json(step));
    ask_for_things(scene).await;
}

#[when("somebody asks for Things with a token of the identity provider with the head:")]
async fn asks_for_things_with_head(scene: &mut Scene, step: &Step) {
    let issuer = issuer(scene);
    let claims = issuer.claims(clock::unix_seconds(), &json!({}));
    scene.foreign = issuer.sign(&given_json(step).to_string(), &claims.to_string());
    ask_for_things(scene).await;
}

#[when(expr = "somebody asks for a stream with a token of the identity provider")]
async fn asks_for_stream(scene: &mut Scene) {
    give(scene, &json!({}));
    ask_for_stream(scene).await;
}

#[when("somebody asks for a stream with a token of the identity provider that says:")]
async fn asks_for_stream_saying(scene: &mut Scene, step: &Step) {
    give(scene, &given_json(step));
    ask_for_stream(scene).await;
}

#[given(expr = "{string} streams with a token of the identity provider")]
async fn streams(scene: &mut Scene, program: String) {
    give(scene, &json!({}));
    stream(scene, program).await;
}

#[given(expr = "{string} streams with a token of the identity provider that says:")]
async fn streams_saying(scene: &mut Scene, program: String, step: &Step) {
    give(scene, &given_json(step));
    stream(scene, program).await;
}

#[given(expr = "{string} streams with a token of the identity provider that ends in {int} seconds")]
async fn streams_for(scene: &mut Scene, program: String, seconds: u64) {
    give(scene, &json!({"exp": clock::unix_seconds() + seconds}));
    stream(scene, program).await;
}

#[when(expr = "{string} refreshes with a token of the identity provider")]
async fn refreshes(scene: &mut Scene, program: String) {
    refresh(scene, &program, &json!({})).await;
}

#[when(expr = "{string} refreshes with a token of the identity provider for {person}")]
async fn refreshes_for(scene: &mut Scene, program: String, name: Name) {
    refresh(scene, &program, &json!({"preferred_username": name.to_lowercase()})).await;
}

async fn refresh(scene: &mut Scene, program: &str, changes: &Value) {
    give(scene, changes);
    let refresh = json!({"port": 0, "name": "refresh", "body": {"token": scene.foreign}});
    let reply = scene.program(program).request(refresh).await;
    scene.told = Some(Ok(reply));
}

#[then(expr = "the token of {string} opens no stream any more")]
async fn opens_nothing(scene: &mut Scene, _program: String) {
    ask_for_stream(scene).await;
    assert_eq!(scene.answer().status, 401, "{:?}", scene.answer());
}

#[when("the demonstration's system asks about a token of the identity provider")]
async fn system_asks(scene: &mut Scene) {
    give(scene, &json!({}));
    let form = format!(
        "token={}&client_id=demo-external-system&client_secret={}",
        scene.foreign,
        scene.product().demo()["clients"]["demo-external-system"]["client_secret"].as_str().expect("a secret")
    );
    let kind = ("content-type", "application/x-www-form-urlencoded".to_owned());
    scene.answer = Some(web::send(scene, "POST", "/oauth/introspect", &[kind], Some(form)).await);
}

#[when("the administrator revokes a token of the identity provider")]
async fn administrator_revokes(scene: &mut Scene) {
    give(scene, &json!({}));
    let token = scene.foreign.clone();
    scene.admin(&["-token", "-revoke", &token]).await;
}

#[when(expr = "{int} tokens come that name unknown keys")]
async fn storm(scene: &mut Scene, count: usize) {
    let issuer = issuer(scene);
    let claims = issuer.claims(clock::unix_seconds(), &json!({})).to_string();
    let tokens = (0..count).map(|number| {
        let head = json!({"typ": "at+jwt", "alg": "ES256", "kid": format!("unknown-{number}")});
        issuer.sign(&head.to_string(), &claims)
    });
    let tokens: Vec<_> = tokens.map(|token| [("authorization", format!("Bearer {token}"))]).collect();
    // All scenarios share one thread: of a hundred at once, the last would be sent after the server has given it up.
    let mut answers = Vec::new();
    for some in tokens.chunks(10) {
        let asked = some.iter().map(|token| web::send(scene, "GET", "/_ajax/scroll", token, None));
        answers.extend(futures_util::future::join_all(asked).await);
    }
    scene.answers = answers;
}

#[then(expr = "each of them is refused with {int}")]
async fn each_is_refused(scene: &mut Scene, status: u16) {
    assert!(!scene.answers.is_empty() && scene.answers.iter().all(|answer| answer.status == status));
}

#[then("the identity provider was asked for its keys once")]
async fn asked_once(scene: &mut Scene) {
    assert_eq!(issuer(scene).fetches(), 1);
}

#[then("nobody else was asked for keys")]
async fn nobody_else(scene: &mut Scene) {
    let [_, elsewhere] = &scene.issuers[..] else { panic!("the feature speaks of nobody else") };
    assert_eq!(elsewhere.fetches(), 0);
}

#[then(regex = r#"^the answer says "(.*)"$"#)]
async fn answer_says(scene: &mut Scene, what: String) {
    let detail = scene.answer().json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail.contains(&what), "it says {detail:?}");
}

#[then(expr = "the answer's header {string} is a number")]
async fn header_is_number(scene: &mut Scene, name: String) {
    let header = scene.answer().header(&name);
    assert!(header.parse::<u64>().is_ok(), "it is {header:?}");
}

#[when(
    regex = r"^somebody asks for Things with a token of the identity provider, forged by (another user's name|a key of their own in the head|the public key as a shared secret|no signature)$"
)]
async fn asks_with_forged(scene: &mut Scene, forgery: String) {
    let issuer = issuer(scene);
    let claims = |user: &str| issuer.claims(clock::unix_seconds(), &json!({"preferred_username": user}));
    let good = issuer.token(&claims("ada"));
    let mut parts: Vec<String> = good.split('.').map(str::to_owned).collect();
    let kid = &issuer.key_set()["keys"][0]["kid"];
    scene.foreign = match forgery.as_str() {
        "another user's name" => {
            parts[1] = URL_SAFE_NO_PAD.encode(claims("grace").to_string());
            parts.join(".")
        }
        "a key of their own in the head" => {
            let thief = TestIssuer::start().await;
            let head = json!({"typ": "at+jwt", "alg": "ES256", "kid": kid, "jwk": thief.key_set()["keys"][0]});
            thief.sign(&head.to_string(), &claims("ada").to_string())
        }
        "the public key as a shared secret" => {
            let head = json!({"typ": "at+jwt", "alg": "HS256", "kid": kid});
            let secret = EncodingKey::from_secret(&issuer.public_key()[2]);
            sign(&secret, Algorithm::HS256, &head.to_string(), &claims("ada").to_string())
        }
        _ => {
            parts[2].clear();
            parts.join(".")
        }
    };
    ask_for_things(scene).await;
}
