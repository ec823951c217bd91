//! One message of the server, decoded once.
//!
//! It is [`Incoming`], except that a Yjs update which came as a CBOR byte string stays bytes: base64
//! and back again would cost more than all the rest of its way through the client. Knows no state.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use crate::protocol::{Codec, DecodeError, ErrorBody, message::Incoming};

/// A message as it came.
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    pub port: u16,
    pub name: String,
    #[serde(default)]
    pub id: Option<u32>,
    #[serde(default)]
    pub thing: Option<String>,
    #[serde(default)]
    pub join: Option<u32>,
    #[serde(default)]
    pub offset: Option<u64>,
    #[serde(default)]
    pub body: Body,
    #[serde(default)]
    pub error: Option<ErrorBody>,
}

/// The payload.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// Byte strings are base64 text in it, except for `update`.
    pub value: Value,
    /// The member `update`, if it was a byte string.
    pub update: Option<Bytes>,
}

impl Frame {
    pub(super) fn decode(codec: Codec, bytes: &[u8]) -> Result<Self, DecodeError> {
        codec.decode(bytes)
    }

    /// The message in its public form.
    pub(super) fn into_incoming(self) -> Incoming {
        Incoming {
            port: self.port,
            name: self.name,
            id: self.id,
            thing: self.thing,
            join: self.join,
            offset: self.offset,
            body: self.body.into_value(),
            error: self.error,
        }
    }
}

impl Body {
    /// The payload as one value, `update` as base64 text like any other bytes.
    pub(super) fn into_value(mut self) -> Value {
        if let (Some(update), Value::Object(members)) = (self.update, &mut self.value) {
            members.insert("update".into(), base64(&update));
        }
        self.value
    }

    /// Takes out the member `update` as bytes, whichever way it came.
    pub(super) fn take_update(&mut self) -> Option<Bytes> {
        if let Some(update) = self.update.take() {
            return Some(update);
        }
        let Some(Value::String(text)) = self.value.get("update") else {
            return None;
        };
        let update = STANDARD.decode(text).ok()?;
        self.value.as_object_mut()?.remove("update");
        Some(update.into())
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self { value, update: None }
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match deserializer.deserialize_any(AnyVisitor { outermost: true })? {
            Any::Value(value) => value.into(),
            Any::Bytes(bytes) => base64(&bytes).into(),
            Any::WithUpdate(members, update) => Self { value: Value::Object(members), update: Some(update) },
        })
    }
}

fn base64(bytes: &[u8]) -> Value {
    Value::String(STANDARD.encode(bytes))
}

/// What a value of either encoding can be here.
enum Any {
    Value(Value),
    Bytes(Bytes),
    WithUpdate(Map<String, Value>, Bytes),
}

impl Any {
    fn into_value(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Bytes(bytes) => base64(&bytes),
            Self::WithUpdate(mut members, update) => {
                members.insert("update".into(), base64(&update));
                Value::Object(members)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor { outermost: false })
    }
}

struct AnyVisitor {
    outermost: bool,
}

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON can express, or bytes")
    }

    fn visit_unit<E: Error>(self) -> Result<Any, E> {
        Ok(Any::Value(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Any, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Any, E> {
        Ok(Any::Value(Value::Bool(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Any, E> {
        Ok(Any::Value(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Any, E> {
        Ok(Any::Value(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Any, E> {
        Ok(Any::Value(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Any, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Any, E> {
        Ok(Any::Value(Value::String(value)))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Any, E> {
        Ok(Any::Bytes(Bytes::copy_from_slice(value)))
    }

    fn visit_byte_buf<E>(self, value: Vec<u8>) -> Result<Any, E> {
        Ok(Any::Bytes(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Any, A::Error> {
        let mut values = Vec::new();
        while let Some(item) = items.next_element::<Any>()? {
            values.push(item.into_value());
        }
        Ok(Any::Value(Value::Array(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Any, A::Error> {
        let mut members = Map::new();
        let mut update = None;
        while let Some(name) = entries.next_key::<String>()? {
            match entries.next_value::<Any>()? {
                Any::Bytes(bytes) if self.outermost && name == "update" => update = Some(bytes),
                value => {
                    members.insert(name, value.into_value());
                }
            }
        }
        Ok(match update {
            Some(update) => Any::WithUpdate(members, update),
            None => Any::Value(Value::Object(members)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::protocol::{ErrorCode, codec::Blob};

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            // Halves, because serde_json may read the last digit of other fractions differently.
            any::<i32>().prop_map(|n| Value::from(f64::from(n) / 2.0)),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    prop_compose! {
        fn any_incoming()(
            port: u16, name in ".*", id: Option<u32>, thing in prop::option::of(".*"), join: Option<u32>,
            offset: Option<u64>, body in any_json(), failed: bool,
        ) -> Incoming {
            Incoming { port, name, id, thing, join, offset, body, error: failed.then(|| ErrorCode::Forbidden.into()) }
        }
    }

    proptest! {
        #[test]
        fn every_message_survives_both_encodings(message in any_incoming()) {
            for codec in [Codec::Json, Codec::Cbor] {
                let decoded = Frame::decode(codec, &codec.encode(&message)).unwrap().into_incoming();
                prop_assert_eq!(&decoded, &message);
            }
        }

        #[test]
        fn strangers_bytes_are_an_error_and_never_a_panic(bytes: Vec<u8>) {
            for codec in [Codec::Json, Codec::Cbor] {
                let _ = Frame::decode(codec, &bytes);
            }
        }

        #[test]
        fn damaged_messages_never_panic(message in any_incoming(), at: prop::sample::Index, with: u8) {
            for codec in [Codec::Json, Codec::Cbor] {
                let mut bytes = codec.encode(&message);
                let at = at.index(bytes.len());
                bytes[at] = with;
                let _ = Frame::decode(codec, &bytes).map(Frame::into_incoming);
                let _ = Frame::decode(codec, &bytes[..at]);
            }
        }
    }

    #[derive(serde::Serialize)]
    struct Push {
        port: u16,
        name: &'static str,
        body: Updated,
    }

    #[derive(serde::Serialize)]
    struct Updated {
        by: &'static str,
        update: Blob,
        inner: Inner,
    }

    #[derive(serde::Serialize)]
    struct Inner {
        update: Blob,
    }

    fn push() -> Push {
        let blob = || Blob(vec![0, 255, 7].into());
        Push {
            port: 200,
            name: "widgetApp_useraction_edit",
            body: Updated { by: "ada", update: blob(), inner: Inner { update: blob() } },
        }
    }

    #[test]
    fn byte_strings_of_cbor_become_base64_text() {
        for codec in [Codec::Json, Codec::Cbor] {
            let frame = Frame::decode(codec, &codec.encode(&push())).unwrap();
            assert_eq!(frame.into_incoming().body, json!({"by": "ada", "update": "AP8H", "inner": {"update": "AP8H"}}));
        }
    }

    #[test]
    fn an_update_is_taken_as_bytes_from_either_encoding() {
        for codec in [Codec::Json, Codec::Cbor] {
            let mut frame = Frame::decode(codec, &codec.encode(&push())).unwrap();
            assert_eq!(frame.body.take_update().unwrap(), [0, 255, 7][..]);
            assert_eq!(frame.into_incoming().body, json!({"by": "ada", "inner": {"update": "AP8H"}}));
        }
    }
}
