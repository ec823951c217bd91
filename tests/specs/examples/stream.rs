//! Plays `stream.ws`: messages over websockets.

use std::collections::BTreeMap;

use book::examples::{
    json,
    stream::{Step, Stream, What},
};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        ClientRequestBuilder, Message,
        http::Uri,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::{Played, stage::Stage, tidy};
use crate::{product::PATIENCE, scene::Scene};

/// Asked at the end: what a client has not heard before the answer does not come.
const LAST: &str = r#"{"port":0,"name":"ping","id":4294967295}"#;
const LAST_REPLY: &str = r#""id":4294967295"#;

type Socket = WebSocketStream<TcpStream>;

/// Sends and receives in the order of the file.
pub async fn play(scene: &Scene, stage: &mut Stage, text: &str) -> Played {
    let mut stream = Stream::parse(text);
    let mut sockets = BTreeMap::new();
    let fault = follow(scene, stage, &mut stream, &mut sockets).await.err();
    if fault.is_none() {
        // All stay until each has heard all: who goes is told to the others.
        for (party, socket) in &mut sockets {
            if socket.send(Message::text(LAST)).await.is_err() {
                continue;
            }
            loop {
                match hear(socket).await {
                    Some(message) if message.contains(LAST_REPLY) => break,
                    Some(message) => stream.add(party, shown(stage, &message)),
                    None => break,
                }
            }
        }
    }
    let is_heard = |step: &&Step| !matches!(step.what, What::Opens(_) | What::Sends(..));
    let shown = stream.steps.iter().filter(is_heard).count();
    Played { text: stream.render(), shown, fault }
}

async fn follow(
    scene: &Scene,
    stage: &mut Stage,
    stream: &mut Stream,
    sockets: &mut BTreeMap<String, Socket>,
) -> Result<(), String> {
    let mut index = 0;
    while let Some(step) = stream.steps.get_mut(index) {
        index += 1;
        let party = step.party.clone();
        if let What::Opens(lines) = &step.what {
            let socket = open(scene, stage, lines).await.map_err(|why| format!("{}: {why}", lines.join(", ")))?;
            sockets.insert(party, socket);
            continue;
        }
        let socket = sockets.get_mut(&party).ok_or_else(|| format!("{party:?} has not opened a stream"))?;
        match &mut step.what {
            What::Sends(message, _) => {
                let message = stage.fill_in(scene, message).await.map_err(|why| format!("{message}: {why}"))?;
                let closes = message.strip_prefix("close ").map(|code| code.parse::<u16>());
                let message = match closes {
                    Some(Ok(code)) => {
                        let code = CloseCode::from(code);
                        Message::Close(Some(CloseFrame { code, reason: "".into() }))
                    }
                    Some(Err(_)) => return Err(format!("{message}: write close CODE")),
                    None => Message::text(message),
                };
                let closes = message.is_close();
                socket.send(message).await.map_err(|why| why.to_string())?;
                if closes {
                    sockets.remove(&party);
                }
            }
            What::Hears(message) | What::HearsBriefly(message) => {
                let Some(heard) = hear(socket).await else { return Err(format!("nothing came instead of {message}")) };
                *message = shown(stage, &heard);
            }
            What::HearsSometime(_) => {
                let group = &mut stream.steps[index - 1..];
                let count = group.iter().take_while(|step| is_sometime(step, &party)).count();
                hear_group(stage, &mut group[..count], socket).await?;
                index += count - 1;
            }
            What::Opens(_) => {}
        }
    }
    Ok(())
}

fn is_sometime(step: &Step, party: &str) -> bool {
    step.party == party && matches!(step.what, What::HearsSometime(_))
}

/// Hears as many messages, and leaves those that were expected where they stand.
async fn hear_group(stage: &mut Stage, group: &mut [Step], socket: &mut Socket) -> Result<(), String> {
    let mut heard = Vec::new();
    for _ in 0..group.len() {
        let message = hear(socket).await.ok_or("fewer messages came than expected")?;
        heard.push(shown(stage, &message));
    }
    let mut missing = Vec::new();
    for step in group {
        let What::HearsSometime(message) = &mut step.what else { continue };
        match heard.iter().position(|heard| heard == message) {
            Some(at) => drop(heard.remove(at)),
            None => missing.push(message),
        }
    }
    missing.into_iter().zip(heard).for_each(|(message, heard)| *message = heard);
    Ok(())
}

async fn open(scene: &Scene, stage: &mut Stage, lines: &[String]) -> Result<Socket, String> {
    let Some((start, headers)) = lines.split_first() else { return Err("nothing is opened".into()) };
    let product = scene.product();
    let target = start.strip_prefix("GET ").unwrap_or_default().trim_end_matches(" HTTP/1.1");
    let uri: Uri = format!("ws://{}{target}", product.address()).parse().map_err(|_| "this is no address")?;
    let mut request = ClientRequestBuilder::new(uri);
    for line in headers {
        let line = stage.fill_in(scene, line).await?;
        let (name, value) = line.split_once(": ").ok_or("write NAME: VALUE")?;
        request = match name {
            "Sec-WebSocket-Protocol" => value.split(", ").fold(request, ClientRequestBuilder::with_sub_protocol),
            name => request.with_header(name, value),
        };
    }
    let socket = TcpStream::connect(product.address()).await.map_err(|why| why.to_string())?;
    let opening = timeout(PATIENCE, client_async(request, socket)).await.map_err(|_| "nobody answers")?;
    opening.map(|(socket, _)| socket).map_err(|why| why.to_string())
}

/// The next message, or `close CODE REASON`. None if nothing comes.
async fn hear(socket: &mut Socket) -> Option<String> {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.ok()??;
        return Some(match message {
            Ok(Message::Text(text)) => text.to_string(),
            Ok(Message::Close(Some(frame))) => format!("close {} {}", u16::from(frame.code), frame.reason),
            Ok(Message::Close(None)) => "close".into(),
            Ok(Message::Binary(bytes)) => format!("{} bytes", bytes.len()),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => continue,
            Err(why) => format!("the stream has ended: {why}"),
        });
    }
}

/// A message as the file shows it.
fn shown(stage: &mut Stage, message: &str) -> String {
    json::laid_out(tidy(&mut stage.redactions, message).trim_end(), usize::MAX)
}
