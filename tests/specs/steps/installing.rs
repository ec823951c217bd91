//! How the server is started, and where it answers.

use cucumber::{gherkin::Step, given, then, when};
use serde_json::json;

use super::Name;
use crate::{
    product::Reserved,
    scene::Scene,
    web::{self, Answer},
};

#[given(expr = "WidgetApp is running with the option(s) {string}")]
async fn running_with_options(scene: &mut Scene, options: String) {
    scene.options = options.split_whitespace().map(str::to_owned).collect();
    scene.start().await;
}

#[given(expr = "WidgetApp is running with the variable {string}")]
async fn running_with_variable(scene: &mut Scene, variable: String) {
    set(scene, &variable);
    scene.start().await;
}

#[given(expr = "WidgetApp is running with the variable {string} and these settings:")]
async fn running_with_both(scene: &mut Scene, variable: String, step: &Step) {
    set(scene, &variable);
    super::server::running_with(scene, step).await;
}

fn set(scene: &mut Scene, variable: &str) {
    let (name, value) = variable.split_once('=').expect("NAME=VALUE");
    scene.variables.push((name.into(), value.into()));
}

#[given("WidgetApp is running at two addresses")]
async fn running_at_two(scene: &mut Scene) {
    let reserved = Reserved::at("127.0.0.2");
    let second = reserved.address().to_string();
    scene.options = ["--listen", "127.0.0.1:0", "--listen", &second].map(str::to_owned).into();
    scene.start().await;
}

#[then("it has said on a line for each where it listens")]
async fn has_said_both(scene: &mut Scene) {
    let product = scene.product();
    let [first, second] = product.urls() else { panic!("two lines: {:?}", product.urls()) };
    assert!(first.starts_with("http://127.0.0.1:"), "{first}");
    assert_eq!(*second, format!("http://{}", scene.options[3]));
}

#[then("it answers at both")]
async fn answers_at_both(scene: &mut Scene) {
    let product = scene.product();
    for url in [product.url(), &format!("http://{}", scene.options[3])] {
        assert_eq!(reqwest::get(format!("{url}/healthz")).await.expect("it answers").status(), 200);
    }
}

#[given("WidgetApp is running with a certificate")]
async fn running_with_certificate(scene: &mut Scene) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let folder = tempfile::TempDir::new().expect("a temporary directory");
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("it can be written");
        path.display().to_string()
    };
    let (certificate, key) = (file("cert.pem", made.cert.pem()), file("key.pem", made.signing_key.serialize_pem()));
    scene.options = vec!["--tls-cert".into(), certificate, "--tls-key".into(), key];
    scene.certificate = Some(made.cert.pem());
    // A process that is started later reads the files again.
    scene.folder = Some(folder);
    scene.start().await;
}

#[then("it answers over HTTPS, and not over plain HTTP")]
async fn answers_over_https(scene: &mut Scene) {
    let product = scene.product();
    assert!(product.url().starts_with("https://"), "{}", product.url());
    let certificate = scene.certificate.as_deref().expect("it has a certificate");
    let trusted = reqwest::Certificate::from_pem(certificate.as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder().tls_certs_only([trusted]).build().expect("a client");
    assert_eq!(client.get(format!("{}/login", product.url())).send().await.expect("it answers").status(), 200);
    let plain = client.get(format!("http://{}/login", product.address())).send().await;
    assert!(plain.is_err(), "{plain:?}");
}

#[then("it has said on one line where it listens")]
async fn has_said(scene: &mut Scene) {
    let product = scene.product();
    let (_, port) = product.address().rsplit_once(':').expect("an address with a port");
    assert!(product.url().starts_with("http://") && port != "0", "{}", product.url());
}

#[then(expr = "it answers {string} at {string}")]
async fn answers_at(scene: &mut Scene, text: String, path: String) {
    let answer = web::send(scene, "GET", &path, &[], None).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, text.as_str()));
}

#[then(expr = "the login cookie of {person} is for HTTPS only")]
async fn cookie_is_secure(scene: &mut Scene, name: Name) {
    let answer = web::try_to_log_in(scene, &name, &[]).await;
    assert!(answer.header("set-cookie").contains("; Secure"), "{answer:?}");
}

#[then(expr = "the login cookie of {person} works over plain HTTP")]
async fn cookie_is_plain(scene: &mut Scene, name: Name) {
    let answer = web::try_to_log_in(scene, &name, &[]).await;
    assert!(answer.status == 200 && !answer.header("set-cookie").contains("Secure"), "{answer:?}");
}

#[when(expr = "a page of {string} asks for a stream with the login of {person}")]
async fn page_asks(scene: &mut Scene, site: String, name: Name) {
    let cookie = web::log_in(scene, &name).await;
    let headers = [
        ("connection", "Upgrade".to_owned()),
        ("upgrade", "websocket".into()),
        ("sec-websocket-version", "13".into()),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==".into()),
        ("cookie", cookie),
        ("origin", site),
    ];
    scene.answer = Some(web::send(scene, "GET", "/_stream", &headers, None).await);
}

/// What a proxy adds for someone at this address.
fn forwarded(address: String) -> [(&'static str, String); 2] {
    [("content-type", "application/json".into()), ("x-forwarded-for", address)]
}

#[when(expr = "somebody at {string} tries {int} wrong passwords for {person}")]
async fn guesses(scene: &mut Scene, address: String, count: usize, name: Name) {
    for number in 0..count {
        let body = json!({"username": name.to_lowercase(), "password": format!("guess {number}")}).to_string();
        scene.answer = Some(web::send(scene, "POST", "/login", &forwarded(address.clone()), Some(body)).await);
    }
}

#[then(expr = "{person} can log in at {string}")]
async fn can_log_in(scene: &mut Scene, name: Name, address: String) {
    let answer = log_in_at(scene, &name, address).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[then(expr = "{person} has to wait at {string}")]
async fn has_to_wait(scene: &mut Scene, name: Name, address: String) {
    let answer = log_in_at(scene, &name, address).await;
    assert_eq!(answer.status, 429, "{answer:?}");
}

async fn log_in_at(scene: &Scene, name: &str, address: String) -> Answer {
    let [_, from] = forwarded(address);
    web::try_to_log_in(scene, name, &[from]).await
}
