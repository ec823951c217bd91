//! A participant that shares no code with the Rust client: JSON over a websocket, written from the contract.

use std::{collections::HashMap, time::Duration};

use futures_util::{Sink, SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message};
use widgetapp::{
    client::{BackOff, EditBody, Login},
    clock,
};

use super::{
    participant::Participant,
    replica::{self, Replica},
};
use crate::reliability::{
    checker::Mark,
    socket::{self, Socket},
};

const TICK: Duration = Duration::from_millis(10);
/// A connection on which nothing comes for so long, not even a ping, is dead.
const SILENCE: Duration = Duration::from_secs(35);
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const EDIT: &str = "widgetApp_useraction_edit";
const OPEN: &str = "widgetApp_useraction_open";

/// Why a connection is over, and how long the server asked to wait.
struct Parting(String, Option<Duration>);

impl<E: std::error::Error> From<E> for Parting {
    fn from(error: E) -> Self {
        Self(error.to_string(), None)
    }
}

/// Takes part until all is over.
pub async fn run(mut me: Participant, address: String, login: Login) -> Participant {
    let (mut back_off, mut epoch) = (BackOff::default(), None);
    while let Err(Parting(why, asked)) = converse(&mut me, &address, &login, &mut epoch, &mut back_off).await {
        me.lost_connection(why);
        if me.is_done() {
            break;
        }
        tokio::time::sleep(back_off.after_failure(asked, clock::jitter)).await;
    }
    me.history.replica = me.replica.content();
    me
}

async fn connect(address: &str, login: &Login) -> Result<Socket, Parting> {
    let token = login.access_token().await?;
    socket::open(address, &token).await.map_err(|refused| {
        assert!(refused.status.is_none_or(|status| [429, 503].contains(&status)), "refused: {refused:?}");
        Parting(refused.why, refused.retry_after)
    })
}

async fn converse(
    me: &mut Participant,
    address: &str,
    login: &Login,
    epoch: &mut Option<String>,
    back_off: &mut BackOff,
) -> Result<(), Parting> {
    let connecting = tokio::time::timeout(CONNECT_WITHIN, connect(address, login)).await;
    let mut socket = connecting.map_err(|_| Parting("no answer to the upgrade".into(), None))??;
    let since = epoch.as_ref().map(|epoch| json!({"epoch": epoch, "offset": me.known}));
    let body = json!({"as": "json", "since": since});
    let body = if since.is_some() { body } else { json!({"as": "json"}) };
    let open = json!({"port": 200, "name": OPEN, "id": 1, "thing": me.history.thing, "body": body});
    socket.send(text(&open)).await?;
    let (mut last_id, mut is_open) = (1, false);
    let mut under_way: HashMap<u64, String> = HashMap::new();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last_heard = clock::now();
    while !me.is_done() {
        tokio::select! {
            message = socket.next() => {
                last_heard = clock::now();
                let text: tungstenite::Utf8Bytes = match message.ok_or_else(|| Parting("the connection ended".into(), None))?? {
                    Message::Text(text) => text,
                    Message::Close(frame) => {
                        let why = frame.map_or("closed".into(), |frame| format!("closed with {}", frame.code));
                        return Err(Parting(why, None));
                    }
                    _ => continue,
                };
                let message: Value = serde_json::from_str(&text).expect("the server sends JSON");
                if message["id"] == 1 {
                    opened(me, &message, epoch)?;
                    is_open = true;
                    back_off.succeeded();
                } else if let Some(key) = message["id"].as_u64().and_then(|id| under_way.remove(&id)) {
                    answered(me, &key, &message);
                } else {
                    pushed(me, &message)?;
                }
            }
            _ = tick.tick() => {}
        }
        let now = clock::now();
        if is_open && under_way.is_empty() {
            me.write(now);
            if me.may_send(now) {
                send(me, &mut socket, &mut last_id, &mut under_way).await?;
            }
        }
        if now > last_heard + SILENCE {
            return Err(Parting("nothing came for too long".into(), None));
        }
    }
    let _ = socket.close(None).await;
    Ok(())
}

/// Sends all that is unanswered, in its order.
async fn send(
    me: &Participant,
    socket: &mut (impl Sink<Message, Error = tungstenite::Error> + Unpin),
    last_id: &mut u64,
    under_way: &mut HashMap<u64, String>,
) -> Result<(), Parting> {
    for pending in &me.unanswered {
        *last_id += 1;
        let EditBody::Patch(patch) = &pending.change else { panic!("JSON clients write patches") };
        let body = json!({"key": pending.key, "patch": patch});
        let thing = &me.history.thing;
        let edit =
            json!({"port": 200, "name": EDIT, "id": *last_id, "thing": thing, "offset": pending.seen, "body": body});
        socket.feed(text(&edit)).await?;
        under_way.insert(*last_id, pending.key.clone());
    }
    Ok(socket.flush().await?)
}

fn opened(me: &mut Participant, reply: &Value, epoch: &mut Option<String>) -> Result<(), Parting> {
    if !reply["error"].is_null() {
        assert_eq!(reply["error"]["temporary"], true, "the Thing cannot be opened: {reply}");
        let millis = reply["error"]["retry_after_ms"].as_u64();
        return Err(Parting(format!("open: {}", reply["error"]["name"]), millis.map(Duration::from_millis)));
    }
    let body = &reply["body"];
    let offset = body["offset"].as_u64().expect("an offset");
    let is_first = epoch.is_none();
    *epoch = Some(body["epoch"].as_str().expect("an epoch").to_owned());
    match body["missed"].as_array() {
        Some(missed) => missed.iter().for_each(|push| take(me, push)),
        None => {
            me.replica = Replica::Json(body["content"].clone());
            me.heard_whole(offset);
        }
    }
    assert!(me.known == offset || body["missed"].is_null(), "the missed changes end at the offset of the reply");
    if is_first {
        me.is_ready();
    }
    Ok(())
}

fn pushed(me: &mut Participant, push: &Value) -> Result<(), Parting> {
    match (push["port"].as_u64(), push["name"].as_str()) {
        (Some(200), _) if push["offset"].is_u64() => take(me, push),
        (Some(0), Some("drain")) => {
            let millis = push["body"]["retry_after_ms"].as_u64().unwrap_or(0);
            return Err(Parting("drain".into(), Some(Duration::from_millis(millis))));
        }
        _ => {}
    }
    Ok(())
}

fn take(me: &mut Participant, push: &Value) {
    let (offset, patch) = (push["offset"].as_u64().expect("an offset"), &push["body"]["patch"]);
    me.replica.patch(patch);
    me.heard(offset, replica::mark_of_patch(patch));
}

fn answered(me: &mut Participant, key: &str, reply: &Value) {
    let now = clock::now();
    if !reply["error"].is_null() {
        assert_eq!(reply["error"]["temporary"], true, "the edit {key} was refused: {reply}");
        return me.put_off(now);
    }
    assert_eq!(reply["body"]["durable"], true);
    let offset = reply["body"]["offset"].as_u64().expect("an offset");
    let own = me.unanswered.iter().find(|pending| pending.key == key).map(|pending| pending.change.clone());
    // One that was made before the connection was lost is among what was missed.
    if offset > me.known
        && let Some(EditBody::Patch(own)) = own
    {
        let merged = &reply["body"]["patch"];
        me.replica.patch(if merged.is_null() { &own } else { merged });
        me.heard(offset, Mark::Key(key.into()));
    }
    me.acknowledged(key, offset, now);
}

fn text(message: &Value) -> Message {
    Message::text(message.to_string())
}
