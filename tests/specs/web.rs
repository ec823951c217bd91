//! Plain HTTP, as programs and browsers speak it.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Certificate, Client, Method, header::HeaderMap, redirect::Policy};
use serde_json::Value;

use crate::{
    described,
    scene::{Scene, in_time},
};

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// A header's text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("the answer is not JSON: {}", self.text))
    }
}

/// Sends one request. Fails the step if the exchange is not as the guides describe it.
pub async fn send(scene: &Scene, method: &str, path: &str, headers: &[(&str, String)], body: Option<String>) -> Answer {
    let mut client = Client::builder().redirect(Policy::none());
    if let Some(certificate) = &scene.certificate {
        client = client.tls_certs_only([Certificate::from_pem(certificate.as_bytes()).expect("a certificate")]);
    }
    if scene.nginx.is_some() {
        // Another address than that of nginx, which is a proxy that is believed.
        client = client.local_address(IpAddr::from([127, 0, 0, 2]));
    }
    let client = client.build().expect("a plain client");
    let verb: Method = method.parse().expect("a method");
    let mut request = client.request(verb, format!("{}{path}", scene.url()));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    if let Some(body) = &body {
        request = request.body(body.clone());
    }
    let answering = async {
        let answer = request.send().await.expect("the server answers");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        // An answer to a handshake is not read: it does not end.
        let text = if status == 101 { String::new() } else { answer.text().await.expect("text") };
        Answer { status, headers, text }
    };
    let answer = in_time("the server answers", answering).await;
    let content_type = headers.iter().find(|(name, _)| *name == "content-type");
    let content_type = content_type.map(|(_, value)| value.as_str()).unwrap_or_default();
    let request = described::Request { method, path, content_type, body: body.as_deref() };
    described::exchange(&request, &answer).unwrap_or_else(|complaint| panic!("{complaint}"));
    answer
}

/// Logs in as a browser does; the cookie.
pub async fn log_in(scene: &Scene, name: &str) -> String {
    let answer = try_to_log_in(scene, name, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

/// Tries to log in with the right password.
pub async fn try_to_log_in(scene: &Scene, name: &str, headers: &[(&str, String)]) -> Answer {
    let name = name.to_lowercase();
    let password = password(scene, &name);
    let body = serde_json::json!({"username": name, "password": password}).to_string();
    let kind = ("content-type", "application/json".to_owned());
    send(scene, "POST", "/login", &[&[kind], headers].concat(), Some(body)).await
}

/// The demonstration's password of a user.
pub fn password(scene: &Scene, name: &str) -> String {
    let demo = scene.product().demo();
    demo["users"][name.to_lowercase()]["password"].as_str().expect("a user").to_owned()
}

/// An access token for the demonstration's external system.
pub async fn client_token(scene: &Scene, scopes: &str) -> String {
    let form = format!("grant_type=client_credentials&scope={}", scopes.replace(' ', "+"));
    let answer = ask_for_token(scene, form, true).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["access_token"].as_str().expect("a token").to_owned()
}

/// The external system asks for a token; `SECRET` in the form stands for its own.
pub async fn ask_for_token(scene: &Scene, form: String, by_basic: bool) -> Answer {
    let demo = scene.product().demo();
    let client = &demo["clients"]["demo-external-system"];
    let text = |name: &str| client[name].as_str().expect("a confidential client");
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    if by_basic {
        let pair = format!("{}:{}", text("client_id"), text("client_secret"));
        headers.push(("authorization", format!("Basic {}", STANDARD.encode(pair))));
    }
    send(scene, "POST", "/oauth/token", &headers, Some(form.replace("SECRET", text("client_secret")))).await
}
