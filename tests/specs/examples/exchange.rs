//! Plays `exchange.http`: requests over HTTP.

use book::examples::{
    exchange::{Exchange, Exchanges, Message},
    json,
};
use reqwest::{Client, Method, StatusCode, header::HeaderMap, redirect::Policy};

use super::{Played, stage::Stage, tidy};
use crate::scene::{Scene, in_time};

/// How long a line of JSON may become.
const WIDTH: usize = 110;
/// What is written down of an answer's headers if nothing is yet.
const TELLING: [&str; 6] = ["Content-Type", "WWW-Authenticate", "Retry-After", "ETag", "Location", "Set-Cookie"];
/// What belongs to `Upgrade: websocket`, and tells a reader nothing.
const HANDSHAKE: [(&str, &str); 3] =
    [("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")];
/// Bodies that may be written on several lines.
const FORM: &str = "application/x-www-form-urlencoded";

/// Sends the requests in their order.
pub async fn play(scene: &Scene, stage: &mut Stage, text: &str) -> Played {
    let Exchanges(mut exchanges) = Exchanges::parse(text);
    let mut fault = None;
    for exchange in &mut exchanges {
        match ask(scene, stage, exchange).await {
            Ok(answer) => exchange.answer = answer,
            Err(why) => {
                fault = Some(format!("{}: {why}", exchange.request.start));
                break;
            }
        }
    }
    Played { shown: exchanges.len(), text: Exchanges(exchanges).render(), fault }
}

async fn ask(scene: &Scene, stage: &mut Stage, exchange: &Exchange) -> Result<Message, String> {
    let Message { start, headers, body } = &exchange.request;
    let start = stage.fill_in(scene, start).await?;
    let mut words = start.split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1"), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("write METHOD TARGET HTTP/1.1".into());
    };
    let method: Method = method.parse().map_err(|_| "there is no such method".to_owned())?;
    let client = Client::builder().redirect(Policy::none()).no_proxy().build().expect("a plain client");
    let mut request = client.request(method, format!("{}{target}", scene.product().url()));
    let mut body = stage.fill_in(scene, body.trim_end()).await?;
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("content-type") && value == FORM {
            body = body.replace('\n', "");
        }
        request = request.header(name, stage.fill_in(scene, value).await?);
    }
    if headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("upgrade")) {
        for (name, value) in HANDSHAKE {
            request = request.header(name, value);
        }
    }
    if !body.is_empty() {
        request = request.body(body);
    }
    let answering = async {
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        // An answer to a handshake is not read: it does not end.
        let body = if status == StatusCode::SWITCHING_PROTOCOLS { Ok(String::new()) } else { answer.text().await };
        Ok::<_, String>((status, headers, body.map_err(|error| error.to_string())?))
    };
    let (status, headers, body) = in_time("the server answers", answering).await?;
    // The body says what things are; the headers only contain them.
    let body = json::laid_out(&tidy(&mut stage.redactions, &body), WIDTH);
    Ok(Message {
        start: format!("HTTP/1.1 {} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()),
        headers: told(stage, &exchange.answer, &headers),
        body,
    })
}

/// Those of the headers that are written down.
fn told(stage: &mut Stage, written: &Message, headers: &HeaderMap) -> Vec<(String, String)> {
    let names: Vec<&str> = match written.start.is_empty() {
        true => TELLING.to_vec(),
        false => written.headers.iter().map(|(name, _)| name.as_str()).collect(),
    };
    let mut told = Vec::new();
    for name in names {
        for value in headers.get_all(name) {
            let value = stage.redactions.redact(&String::from_utf8_lossy(value.as_bytes()));
            told.push((name.to_owned(), value));
        }
    }
    told
}
