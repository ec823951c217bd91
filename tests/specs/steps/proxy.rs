//! A proxy in front of the product.

use std::sync::Arc;

use cucumber::{given, then, when};
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject as _};
use serde_json::json;
use tokio_tungstenite::{
    Connector, connect_async_tls_with_config,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use super::Name;
use crate::{
    examples::needs,
    nginx::Nginx,
    person::Person,
    scene::{QuietStream, Scene, aside, in_time, until},
    web,
};

#[given("WidgetApp is running behind nginx")]
async fn behind_nginx(scene: &mut Scene) {
    behind_nginx_with(scene, &[]).await;
}

#[given(expr = "WidgetApp is running behind nginx, with a ping every {int} ms")]
async fn behind_nginx_pinging(scene: &mut Scene, millis: u64) {
    behind_nginx_with(scene, &[("WIDGETAPP_STREAM__PING_MS", millis.to_string())]).await;
}

async fn behind_nginx_with(scene: &mut Scene, variables: &[(&str, String)]) {
    needs::check(&["nginx".to_owned()]).await;
    let mut nginx = aside(Nginx::new).await;
    let ours = [
        ("WIDGETAPP_SERVER__PUBLIC_URL", nginx.url()),
        ("WIDGETAPP_SERVER__TRUSTED_PROXIES", "127.0.0.1".into()),
        ("RUST_LOG", "widgetapp=debug".into()),
    ];
    scene.variables = ours.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    scene.start().await;
    scene.certificate = Some(nginx.certificate.clone());
    let address = scene.product().address().to_owned();
    scene.nginx = Some(
        aside(move || {
            nginx.set_up(&address, "60s");
            nginx
        })
        .await,
    );
}

#[given("nginx closes what is silent for 1 second")]
async fn impatient(scene: &mut Scene) {
    let certificate = scene.certificate.take();
    let mut nginx = scene.nginx.take().expect("nginx is there");
    let address = scene.product().address().to_owned();
    scene.nginx = Some(
        aside(move || {
            nginx.end();
            nginx.set_up(&address, "1s");
            nginx
        })
        .await,
    );
    scene.certificate = certificate;
}

#[when("a program streams and says nothing")]
async fn streams_quietly(scene: &mut Scene) {
    let token = Person::new(scene, "Ada").login.access_token().await.expect("Ada gets tokens");
    let url = format!("{}/_stream", scene.url().replace("https:", "wss:"));
    let mut request = url.into_client_request().expect("an address");
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
    let mut roots = RootCertStore::empty();
    let pem = scene.certificate.clone().expect("nginx has a certificate");
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")).expect("a root");
    let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connecting = connect_async_tls_with_config(request, None, true, Some(Connector::Rustls(Arc::new(tls))));
    let (stream, _) = in_time("the stream opens", connecting).await.expect("it may be opened");
    scene.quiet = Some(stream);
}

#[when("a program streams, and ends its stream")]
async fn streams_and_ends(scene: &mut Scene) {
    streams_quietly(scene).await;
    let stream = quiet(scene);
    in_time("the stream begins", stream.next()).await.expect("a message").expect("a message");
    in_time("the stream ends", stream.close(None)).await.expect("it can be ended");
    while let Some(Ok(_)) = in_time("the stream ends", stream.next()).await {}
}

fn quiet(scene: &mut Scene) -> &mut QuietStream {
    scene.quiet.as_mut().expect("a program streams")
}

#[then(expr = "it has been pinged {int} times, and its stream is open")]
async fn pinged(scene: &mut Scene, times: usize) {
    let stream = quiet(scene);
    let mut pings = 0;
    while pings < times {
        match in_time("a ping comes", stream.next()).await {
            Some(Ok(message)) => pings += usize::from(message.is_ping()),
            end => panic!("the stream ended after {pings} pings: {end:?}"),
        }
    }
    let ping = json!({"port": 0, "name": "ping", "id": 1}).to_string();
    in_time("it can be written to", stream.send(Message::text(ping))).await.expect("the stream is open");
    let answered = async {
        while let Some(Ok(message)) = stream.next().await {
            if message.to_text().is_ok_and(|text| text.contains(r#""id":1"#)) {
                return true;
            }
        }
        false
    };
    assert!(in_time("the answer comes", answered).await, "the stream ended");
}

#[then("nginx closes its stream")]
async fn closed_by_nginx(scene: &mut Scene) {
    let stream = quiet(scene);
    let ended = async { while let Some(Ok(_)) = stream.next().await {} };
    in_time("the stream is closed", ended).await;
    assert!(!scene.product().log().contains("no pong"), "WidgetApp closed it");
}

#[then("WidgetApp's log names the stream as nginx's log does")]
async fn one_name(scene: &mut Scene) {
    let nginx = scene.nginx.as_ref().expect("nginx is there");
    let named = until("nginx logs the stream", || {
        nginx.log().lines().find_map(|line| line.strip_suffix(" /_stream").map(str::to_owned))
    });
    let name = named.await;
    assert!(name.len() == 32, "nginx's names are 16 bytes: {name}");
    until("WidgetApp logs that name", || scene.product().log().contains(&name).then_some(())).await;
}

#[when(expr = "a proxy says {string} while somebody tries {int} wrong passwords for {person}")]
async fn guesses(scene: &mut Scene, header: String, count: usize, name: Name) {
    for number in 0..count {
        let body = json!({"username": name.to_lowercase(), "password": format!("guess {number}")}).to_string();
        let headers = [("content-type", "application/json".to_owned()), said(&header)];
        scene.answer = Some(web::send(scene, "POST", "/login", &headers, Some(body)).await);
    }
}

#[then(expr = "{person} has to wait where a proxy says {string}")]
async fn has_to_wait(scene: &mut Scene, name: Name, header: String) {
    let answer = web::try_to_log_in(scene, &name, &[said(&header)]).await;
    assert_eq!(answer.status, 429, "{answer:?}");
}

#[then(expr = "{person} can log in where a proxy says {string}")]
async fn can_log_in(scene: &mut Scene, name: Name, header: String) {
    let answer = web::try_to_log_in(scene, &name, &[said(&header)]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn said(header: &str) -> (&str, String) {
    let (name, value) = header.split_once(": ").expect("Name: value");
    (name, value.to_owned())
}
