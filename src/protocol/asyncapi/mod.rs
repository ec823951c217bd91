//! The stream described in AsyncAPI 3.0: what a client may send, what it is answered and what it is told.
//!
//! Made of the types that encode the messages. The server publishes it, and the tests hold recorded traffic to it.

mod history;
mod message;
mod messages;

use serde_json::{Map, Value, json};

use self::message::Message;
use super::{CloseCode, Codec, schemas::Schemas};

const TITLE: &str = "WidgetApp Streaming API";
const CHANNEL: &str = "#/channels/stream";

const ABOUT: &str = "\
A live connection is a WebSocket at `/_stream`. Several services share it; each message names its service by a \
number, the *port*: 0 is the session itself, 200 the user actions, 201 document sync, 202 presence, 203 notifications.

A request has an `id` of the client's choice, which its one reply repeats. Pushes have none. A request that fails is \
answered with the message `error`. A request without an `id` gets no reply; errors are told all the same.

The document is written from the server's side: it *receives* requests and *sends* replies and pushes. The schemas of \
what it sends are closed, so that they show exactly what this release sends. A later release may send more: clients \
ignore fields and messages that they do not know, as the server does.";

const CHANNEL_ABOUT: &str = "\
One JSON object or CBOR map for each WebSocket message.

The client offers the encoding as a subprotocol: `widgetapp.v1.json` (text frames; the default) or \
`widgetapp.v1.cbor` (binary frames; the same messages, byte strings raw where JSON has base64 text). The access token \
comes as `Authorization: Bearer`, as a subprotocol entry `bearer.TOKEN` (for browsers), or the login cookie stands \
in for it on pages of the server's own. A refused connection is answered by HTTP with a problem document; the OpenAPI \
document has all of them at `/_stream`.

The server closes with one of `x-close-codes`. After those with `reconnect` a client comes back by itself.";

/// The document.
pub fn document() -> Value {
    let mut document = Document::default();
    messages::all(&mut document);
    let close_codes = CloseCode::ALL.iter().map(|code| {
        json!({"code": code.number(), "name": code.name(), "reason": code.message(),
            "reconnect": CloseCode::reconnect(code.number())})
    });
    let channel_messages: Map<String, Value> =
        document.messages.keys().map(|key| (key.clone(), reference("#/components/messages", key))).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": TITLE,
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": env!("CARGO_PKG_LICENSE")},
            "tags": [
                {"name": "session", "description": "Port 0: the connection itself."},
                {"name": "useraction", "description": "Port 200: what users do. The same by HTTP is `_ajax/`."},
                {"name": "sync", "description": "Port 201: Yjs documents are compared and brought together."},
                {"name": "presence", "description": "Port 202: who has a Thing open, and where in it they are."},
                {"name": "notifications", "description": "Port 203: what people are told of their access."},
            ],
        },
        "defaultContentType": "application/json",
        "servers": {
            "wfe": {
                "host": "127.0.0.1:8080",
                "protocol": "ws",
                "description": "As it starts. Where TLS is configured the protocol is `wss`; your administrator knows \
                                the address.",
                "security": [
                    {"$ref": "#/components/securitySchemes/accessToken"},
                    {"$ref": "#/components/securitySchemes/subprotocolToken"},
                    {"$ref": "#/components/securitySchemes/loginCookie"},
                ],
            },
        },
        "channels": {
            "stream": {
                "address": "/_stream",
                "title": "The stream",
                "description": CHANNEL_ABOUT,
                "servers": [{"$ref": "#/servers/wfe"}],
                "messages": channel_messages,
                "bindings": {"ws": {"method": "GET", "headers": headers(), "bindingVersion": "0.1.0"}},
                "x-close-codes": close_codes.collect::<Value>(),
            },
        },
        "operations": document.operations,
        "components": {
            "messages": document.messages,
            "schemas": document.schemas.finish(),
            "securitySchemes": {
                "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "An access token with the scope `stream`."},
                "subprotocolToken": {"type": "httpApiKey", "in": "header", "name": "Sec-WebSocket-Protocol",
                    "description": "The same token as an entry `bearer.TOKEN`, for browsers."},
                "loginCookie": {"type": "httpApiKey", "in": "cookie", "name": "widgetapp",
                    "description": "The login cookie, with an `Origin` of the server's own; behind HTTPS it is named \
                                    `__Host-widgetapp`."},
            },
        },
    })
}

/// Headers of the opening handshake.
fn headers() -> Value {
    json!({
        "type": "object",
        "properties": {
            "Authorization": {"type": "string", "description": "`Bearer TOKEN`."},
            "Sec-WebSocket-Protocol": {
                "type": "string",
                "description": "The subprotocols that the client speaks, the one it likes best first, and perhaps \
                                `bearer.TOKEN`. The server answers with the first that it knows, or with none if none \
                                was offered.",
                "examples": [Codec::Json.subprotocol(), Codec::Cbor.subprotocol()],
            },
            "Origin": {"type": "string", "description": "Needed with the login cookie: the server's own address."},
        },
    })
}

fn reference(place: &str, key: &str) -> Value {
    json!({"$ref": format!("{place}/{key}")})
}

/// The document as it grows.
#[derive(Default)]
struct Document {
    schemas: Schemas,
    messages: Map<String, Value>,
    operations: Map<String, Value>,
}

impl Document {
    /// Something that clients ask and the server answers.
    fn request(&mut self, request: Message, reply: Message) {
        let mut operation = operation("receive", &request);
        let replies = [in_channel(&reply.key()), in_channel("error")];
        operation["reply"] = json!({"channel": {"$ref": CHANNEL}, "messages": replies});
        self.operations.insert(request.of.key.into(), operation);
        self.messages.insert(request.key(), request.describe(&mut self.schemas));
        self.messages.insert(reply.key(), reply.describe(&mut self.schemas));
    }

    /// Something that the server tells unasked.
    fn push(&mut self, push: Message) {
        self.operations.insert(push.key(), operation("send", &push));
        self.messages.insert(push.key(), push.describe(&mut self.schemas));
    }
}

fn operation(action: &str, message: &Message) -> Value {
    json!({
        "action": action,
        "channel": {"$ref": CHANNEL},
        "title": message.title,
        "summary": message.summary,
        "tags": [{"name": message.of.service}],
        "messages": [in_channel(&message.key())],
    })
}

fn in_channel(key: &str) -> Value {
    reference(&format!("{CHANNEL}/messages"), key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_has_an_example_that_fits_its_schema() {
        let document = document();
        for (key, message) in document["components"]["messages"].as_object().unwrap() {
            let mut schema = message["payload"].clone();
            schema["components"] = document["components"].clone();
            let validator = jsonschema::validator_for(&schema).unwrap();
            let examples = message["examples"].as_array().unwrap();
            assert!(!examples.is_empty(), "{key}");
            for example in examples {
                let errors: Vec<String> =
                    validator.iter_errors(&example["payload"]).map(|error| error.to_string()).collect();
                assert_eq!(errors, [""; 0], "{key}: {example}");
            }
        }
    }
}
