//! One message as AsyncAPI describes it: the envelope as its Rust type is, with the fields that this message has.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{PartialSchema as _, ToSchema};

use crate::protocol::{
    Outgoing, RequestHead,
    action::{self, Action},
    message::{Empty, Request},
    notification, presence,
    schemas::{self, Schemas},
    session, sync,
};

/// The Thing of all examples.
pub(super) const THING: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

/// What messages are about: a name on a port.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    /// The service's name in the welcome.
    pub service: &'static str,
    /// What operations and messages are called in the document.
    pub key: &'static str,
    port: u16,
    name: &'static str,
}

/// One message, from one side, for one purpose.
pub(super) struct Message {
    pub of: Subject,
    pub title: &'static str,
    pub summary: &'static str,
    kind: Kind,
    /// Fields that it always has, beside `port` and `name`.
    always: &'static [&'static str],
    /// Fields that it may have.
    perhaps: &'static [&'static str],
    body: Option<Body>,
    /// What stands in `body`, for examples.
    bodies: Vec<Value>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Request,
    Reply,
    Push,
}

struct Body {
    schema: Box<dyn Fn(&mut Schemas) -> Value>,
    required: bool,
}

impl Subject {
    pub fn session(name: &'static str) -> Self {
        Self { service: "session", key: name, port: session::PORT, name }
    }

    pub fn action(action: Action) -> Self {
        // `refresh` is a name on both ports.
        let key = if action == Action::Refresh { "refresh_thing" } else { action.short_name() };
        Self { service: "useraction", key, port: action::PORT, name: action.name() }
    }

    pub fn notification(name: &'static str) -> Self {
        Self { service: "notifications", key: name, port: notification::PORT, name }
    }

    pub fn sync() -> Self {
        Self { service: "sync", key: sync::SYNC, port: sync::PORT, name: sync::SYNC }
    }

    pub fn presence(name: &'static str) -> Self {
        Self { service: "presence", key: name, port: presence::PORT, name }
    }

    /// What a client asks; `id` is optional.
    pub fn request(self, title: &'static str, summary: &'static str) -> Message {
        self.message(Kind::Request, title, summary).perhaps(&["id"])
    }

    /// The reply to it. What the request named as `thing` is repeated, and its `join` if it is open.
    pub fn reply(self, title: &'static str, summary: &'static str) -> Message {
        self.message(Kind::Reply, title, summary).always(&["id"]).perhaps(&["thing", "join"])
    }

    /// What the server tells unasked.
    pub fn push(self, title: &'static str, summary: &'static str) -> Message {
        self.message(Kind::Push, title, summary)
    }

    fn message(self, kind: Kind, title: &'static str, summary: &'static str) -> Message {
        Message { of: self, kind, title, summary, always: &[], perhaps: &[], body: None, bodies: Vec::new() }
    }
}

impl Message {
    pub fn always(self, always: &'static [&'static str]) -> Self {
        Self { always, ..self }
    }

    pub fn perhaps(self, perhaps: &'static [&'static str]) -> Self {
        Self { perhaps, ..self }
    }

    /// The server takes this body.
    pub fn takes<T: ToSchema + Serialize + 'static>(self, examples: &[T]) -> Self {
        self.body(Schemas::taken::<T>, true, examples)
    }

    /// The server takes this body, or none.
    pub fn may_take<T: ToSchema + Serialize + 'static>(self, examples: &[T]) -> Self {
        self.body(Schemas::taken::<T>, false, examples)
    }

    /// The server sends this body.
    pub fn sends<T: ToSchema + Serialize + 'static>(self, examples: &[T]) -> Self {
        self.body(Schemas::sent::<T>, true, examples)
    }

    /// The server sends this body, or an empty one.
    pub fn may_send<T: ToSchema + Serialize + 'static>(self, example: &T) -> Self {
        let either = |schemas: &mut Schemas| json!({"oneOf": [schemas.sent::<T>(), schemas.sent::<Empty>()]});
        self.body(either, true, &[json!(example), json!(Empty {})])
    }

    /// The server sends this body, of which the message has only these fields.
    pub fn sends_only<T: ToSchema + Serialize + 'static>(self, fields: &'static [&'static str], example: &T) -> Self {
        self.body(|_| schemas::sent_only::<T>(fields), true, &[example])
    }

    fn body(
        self,
        schema: impl Fn(&mut Schemas) -> Value + 'static,
        required: bool,
        examples: &[impl Serialize],
    ) -> Self {
        let bodies = examples.iter().map(|example| json!(example)).collect();
        Self { body: Some(Body { schema: Box::new(schema), required }), bodies, ..self }
    }

    /// What it is called in the document.
    pub fn key(&self) -> String {
        let kind = match self.kind {
            Kind::Request => "request",
            Kind::Reply => "reply",
            Kind::Push => "push",
        };
        format!("{}_{kind}", self.of.key)
    }

    /// AsyncAPI's Message Object.
    pub fn describe(&self, schemas: &mut Schemas) -> Value {
        let mut message = json!({
            "name": self.of.name,
            "title": self.title,
            "summary": self.summary,
            "tags": [{"name": self.of.service}],
            "payload": self.payload(schemas),
            "examples": self.examples(),
        });
        if self.kind != Kind::Push {
            message["correlationId"] = json!({"location": "$message.payload#/id"});
        }
        message
    }

    fn payload(&self, schemas: &mut Schemas) -> Value {
        let envelope = match self.kind {
            Kind::Request => RequestHead::schema(),
            Kind::Reply | Kind::Push => Outgoing::<Value>::schema(),
        };
        let mut required = [&["port", "name"], self.always].concat();
        let mut payload = schemas::with_fields(envelope, &[&required, self.perhaps].concat());
        payload["properties"]["port"] = json!({"const": self.of.port});
        payload["properties"]["name"] = json!({"const": self.of.name});
        if let Some(body) = &self.body {
            payload["properties"]["body"] = (body.schema)(schemas);
            required.extend(body.required.then_some("body"));
        }
        payload["required"] = json!(required);
        if self.kind != Kind::Request {
            schemas::close(&mut payload);
        }
        payload
    }

    fn examples(&self) -> Vec<Value> {
        let bodies = if self.bodies.is_empty() { &[Value::Null][..] } else { &self.bodies };
        bodies.iter().map(|body| json!({"payload": self.example(body)})).collect()
    }

    /// Written by the types that write messages.
    fn example(&self, body: &Value) -> Value {
        let Subject { port, name, .. } = self.of;
        let has = |field| self.always.contains(&field);
        // Only in a Thing there is a view.
        let thing = (has("thing") || self.kind == Kind::Request && body.get("view").is_some()).then_some(THING);
        let offset = has("offset").then_some(5);
        if self.kind == Kind::Request {
            let mut request = json!(Request { port, name, id: 2, thing, offset, body });
            request.as_object_mut().expect("it is an object").retain(|_, value| !value.is_null());
            return request;
        }
        let (id, thing) = (has("id").then_some(2), thing.map(str::to_owned));
        let join = has("join").then_some(1);
        json!(Outgoing { port, name, id, thing, join, offset, body: Some(body), error: None })
    }
}
