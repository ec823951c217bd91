//! A session for its tests, whose outputs read like a protocol of the conversation.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::{
    client::NewEdit,
    clock,
    protocol::{action::Open, message::Incoming},
};

pub(super) const THING: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

/// A session with names instead of channels, whose outputs are read as JSON lines.
pub(super) struct Fixture {
    pub session: Session<&'static str>,
    pub now: Instant,
}

impl Fixture {
    pub(super) fn new() -> Self {
        Self { session: Session::new(Codec::Json), now: clock::now() }
    }

    pub(super) fn welcomed() -> Self {
        let mut fixture = Self::new();
        fixture.welcome();
        fixture
    }

    /// Welcomed, with the Thing open under `join` 1 at offset 5.
    pub(super) fn opened(form: Form) -> Self {
        let mut fixture = Self::welcomed();
        fixture.open(form);
        fixture.receive(json!({"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": THING,
            "body": {"role": "editor", "epoch": "e", "offset": 5, "recovered": false, "content": {}}}));
        fixture.outputs();
        fixture
    }

    pub(super) fn open(&mut self, form: Form) {
        let open = Open { since: None, form };
        self.session.request(Call::action(Action::Open, Some(THING), CallBody::Open(open)), "open");
    }

    pub(super) fn welcome(&mut self) -> Vec<Value> {
        self.receive(
            json!({"port": 0, "name": "welcome", "body": {"session": "s", "user": "ada", "organisation": "acme",
            "expires_at": 1, "ping_ms": 1, "pong_ms": 1, "max_frame_bytes": 1000, "max_things": 8, "ports": {},
            "sfe": "1", "stream": "1.1", "node": "n"}}),
        )
    }

    pub(super) fn edit(&mut self, key: &'static str) -> Vec<Value> {
        let NewEdit { change, seen, .. } = EditBody::Patch(json!([])).into();
        let body = CallBody::Edit(change.with_key(key.into()), seen);
        self.session.request(Call::action(Action::Edit, Some(THING), body), key);
        self.outputs()
    }

    pub(super) fn request(&mut self, name: &str, reply: &'static str) {
        self.session.request(Call::named(200, name.into(), None, json!({})), reply);
        self.outputs();
    }

    pub(super) fn receive(&mut self, message: Value) -> Vec<Value> {
        let frame = Frame::decode(Codec::Json, &serde_json::to_vec(&message).unwrap()).unwrap();
        self.session.received(self.now, frame);
        self.outputs()
    }

    pub(super) fn push(&mut self, join: u32, offset: u64) -> Vec<Value> {
        self.receive(json!({"port": 200, "name": "widgetApp_useraction_edit", "thing": THING, "join": join,
            "offset": offset, "body": {"patch": []}}))
    }

    pub(super) fn ack(&mut self, id: u32, offset: u64) -> Vec<Value> {
        self.receive(json!({"port": 200, "name": "widgetApp_useraction_edit", "id": id, "thing": THING, "join": 1,
            "offset": offset, "body": {"epoch": "e", "offset": offset, "durable": true}}))
    }

    pub(super) fn lose_connection(&mut self) -> Vec<Value> {
        let reason = ConnectError::Dropped("test".into());
        self.session.disconnected(reason, Duration::ZERO);
        self.outputs()
    }

    /// The reply to the opening with this id: everything after offset 5 up to `offset`.
    pub(super) fn recovered(&mut self, id: u32, offset: u64) -> Vec<Value> {
        let missed: Vec<Value> = (6..=offset)
            .map(|offset| json!({"port": 200, "name": "widgetApp_useraction_edit", "thing": THING, "offset": offset, "body": {"patch": []}}))
            .collect();
        self.reopened(
            id,
            json!({"role": "editor", "epoch": "e", "offset": offset, "recovered": true, "missed": missed}),
        )
    }

    pub(super) fn reopened(&mut self, id: u32, body: Value) -> Vec<Value> {
        self.receive(json!({"port": 200, "name": "widgetApp_useraction_open", "id": id, "thing": THING, "body": body}))
    }

    pub(super) fn outputs(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.session.output()).map(described).collect()
    }
}

fn described(output: Output<&'static str>) -> Value {
    match output {
        Output::Send(bytes) => {
            let sent: Value = serde_json::from_slice(&bytes).unwrap();
            let name = sent["name"].as_str().unwrap().trim_start_matches("widgetApp_useraction_");
            match name {
                "open" => json!({"open": sent["id"], "since": sent["body"]["since"]["offset"]}),
                "edit" => json!({"edit": sent["body"]["key"], "id": sent["id"], "seen": sent["offset"]}),
                name => json!({ name: sent["id"] }),
            }
        }
        Output::Event(Event::Message(Incoming { name, offset, .. })) => {
            json!({"pushed": name.trim_start_matches("widgetApp_useraction_"), "offset": offset})
        }
        Output::Event(Event::Update { offset, update, .. }) => json!({"update": update.to_vec(), "offset": offset}),
        Output::Event(Event::Acked { key, offset, change, .. }) => {
            json!({"acked": key, "offset": offset, "change": change.is_some()})
        }
        Output::Event(Event::Reset { opened, .. }) => json!({"reset": opened.offset}),
        Output::Event(Event::Lost { error, .. }) => json!({"lost": error.name}),
        Output::Event(Event::Welcome(_)) => json!("welcome"),
        Output::Event(Event::Disconnected { .. }) => json!("disconnected"),
        Output::Event(Event::Reconnected) => json!("reconnected"),
        Output::Event(Event::Ended(_)) => json!("ended"),
        Output::Reply(to, Ok(_)) => json!({ "reply": to }),
        Output::Reply(to, Err(RequestError::Refused(error))) => json!({"refused": to, "why": error.name}),
        Output::Reply(to, Err(error)) => json!({"failed": to, "why": error.to_string()}),
        Output::TokenWanted => json!("token wanted"),
        Output::Leave(delay) => json!({"leave": delay.as_millis()}),
    }
}
