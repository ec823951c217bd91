//! The two encodings of the contract: JSON in text frames and CBOR in binary frames; and that of y-websocket beside them.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use super::{
    limits::MAX_DEPTH,
    misfit::{self, Place},
};

/// How a connection encodes its messages; chosen by the websocket subprotocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// Subprotocol `widgetapp.v1.json`: text frames.
    Json,
    /// Subprotocol `widgetapp.v1.cbor`: binary frames, byte strings raw.
    Cbor,
    /// Subprotocol `widgetapp.v1.yjs`, of connections that are about one Thing: the messages of y-websocket
    /// ([`super::yjs`]) in binary frames. An SFE makes requests in CBOR of them, and messages of the replies.
    Yjs,
}

/// A message that is not what its encoding or the contract says. The text names the place.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(String);

impl Codec {
    /// The name to offer in `Sec-WebSocket-Protocol`.
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "widgetapp.v1.json",
            Self::Cbor => "widgetapp.v1.cbor",
            Self::Yjs => "widgetapp.v1.yjs",
        }
    }

    /// The codec with this subprotocol name, if there is one.
    pub fn from_subprotocol(name: &str) -> Option<Self> {
        [Self::Json, Self::Cbor, Self::Yjs].into_iter().find(|codec| codec.subprotocol() == name)
    }

    /// Encodes a message.
    pub fn encode<T: Serialize>(self, message: &T) -> Vec<u8> {
        const WHY: &str = "the protocol's types have string keys and fail at nothing";
        match self {
            Self::Json => serde_json::to_vec(message).expect(WHY),
            Self::Cbor | Self::Yjs => {
                let mut bytes = Vec::with_capacity(128);
                ciborium::into_writer(message, &mut bytes).expect(WHY);
                bytes
            }
        }
    }

    /// Decodes a message or the part of it that `T` names; other fields are ignored.
    ///
    /// # Errors
    /// Not this encoding, more than one value, nested deeper than [`MAX_DEPTH`], or not a `T`.
    pub fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, DecodeError> {
        match self {
            // What `T` does not name is passed over by serde_json, however deep it nests.
            Self::Json if nests_too_deep(bytes) => Err(DecodeError(too_deep())),
            Self::Json => serde_json::from_slice(bytes).map_err(|error| DecodeError(describe_json::<T>(bytes, &error))),
            Self::Cbor | Self::Yjs => {
                let mut rest = bytes;
                let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, MAX_DEPTH)
                    .map_err(|error| DecodeError(describe_cbor::<T>(bytes, &error)))?;
                match rest {
                    [] => Ok(value),
                    _ => Err(DecodeError(format!("{} bytes follow the message", rest.len()))),
                }
            }
        }
    }
}

/// Whether JSON nests deeper than [`MAX_DEPTH`]. Of what is no JSON the decoder will say more.
fn nests_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut bytes) = (0_usize, json.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' if depth == MAX_DEPTH => return true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                // To the end of the text; the byte after a backslash belongs to it.
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    false
}

fn too_deep() -> String {
    format!("nested deeper than {MAX_DEPTH}")
}

fn describe_json<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> String {
    // Of what is no JSON, line and column say most.
    let placed = if error.is_data() { serde_json::from_slice::<Place<T>>(bytes).err() } else { None };
    let placed = placed.map(|placed| placed.to_string());
    misfit::at(placed.as_ref().and_then(|placed| placed.split(" at line ").next()), error)
}

fn describe_cbor<T: DeserializeOwned>(bytes: &[u8], error: &ciborium::de::Error<std::io::Error>) -> String {
    use ciborium::de::Error::{Io, RecursionLimitExceeded, Semantic, Syntax};
    match error {
        Io(_) => "the CBOR ends too early".into(),
        Syntax(at) => format!("not CBOR at byte {at}"),
        Semantic(_, text) => match ciborium::de::from_reader_with_recursion_limit::<Place<T>, _>(bytes, MAX_DEPTH) {
            Err(Semantic(_, place)) => misfit::at(Some(&place), text),
            _ => misfit::at(None, text),
        },
        RecursionLimitExceeded => too_deep(),
    }
}

/// Puts the `join` of one client into a message that was encoded once for all of them.
///
/// `encoded` is a JSON object or CBOR map (of fewer than 23 fields) without a `join`; it is appended
/// to `out` with `"join": join` as its first field. So a change is encoded once, however many hear it.
/// A message of y-websocket, where nothing else is open, stays as it is.
///
/// ```
/// use widgetapp::protocol::{Codec, codec::append_with_join};
/// let mut out = Vec::new();
/// append_with_join(Codec::Json, br#"{"port":200}"#, 7, &mut out);
/// assert_eq!(out, br#"{"join":7,"port":200}"#);
/// ```
pub fn append_with_join(codec: Codec, encoded: &[u8], join: u32, out: &mut Vec<u8>) {
    let Some((&first, rest)) = encoded.split_first() else {
        return;
    };
    match codec {
        Codec::Json => {
            out.extend_from_slice(b"{\"join\":");
            out.extend_from_slice(join.to_string().as_bytes());
            if rest != b"}" {
                out.push(b',');
            }
        }
        Codec::Cbor => {
            // RFC 8949, section 3: 0xa0 + n is a map of n < 24 pairs, 0x64 a text of 4 bytes, 0x1a a 32-bit number.
            debug_assert!((0xa0..0xb7).contains(&first), "a map of fewer than 23 pairs");
            out.extend_from_slice(&[first + 1, 0x64]);
            out.extend_from_slice(b"join");
            out.push(0x1a);
            out.extend_from_slice(&join.to_be_bytes());
        }
        Codec::Yjs => out.push(first),
    }
    out.extend_from_slice(rest);
}

/// Bytes that are base64 text in JSON and a byte string in CBOR, such as a Yjs update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob(pub bytes::Bytes);

impl Serialize for Blob {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::Engine as _;
        if serializer.is_human_readable() {
            serializer.serialize_str(&base64::engine::general_purpose::STANDARD.encode(&self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Blob;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes (base64 text in JSON)")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Blob, E> {
                use base64::Engine as _;
                base64::engine::general_purpose::STANDARD
                    .decode(text)
                    .map(|bytes| Blob(bytes.into()))
                    .map_err(|error| E::custom(format_args!("not base64: {error}")))
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(bytes::Bytes::copy_from_slice(bytes)))
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Blob, E> {
                Ok(Blob(bytes.into()))
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Visitor)
        } else {
            deserializer.deserialize_byte_buf(Visitor)
        }
    }
}

impl utoipa::PartialSchema for Blob {
    fn schema() -> RefOr<Schema> {
        let base64 = ObjectBuilder::new().schema_type(Type::String).content_encoding("base64");
        base64.description(Some("Bytes: base64 text in JSON, a byte string in CBOR.")).into()
    }
}

impl utoipa::ToSchema for Blob {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::Outgoing;

    #[test]
    fn a_join_is_put_into_both_encodings() {
        #[derive(Deserialize, Debug, PartialEq)]
        struct Read {
            join: u32,
            name: String,
            body: Vec<u8>,
        }
        for codec in [Codec::Json, Codec::Cbor] {
            let encoded = codec.encode(&Outgoing::push(200, "x", &[1u8, 2][..]));
            let mut joined = Vec::new();
            append_with_join(codec, &encoded, 70_000, &mut joined);
            let read: Read = codec.decode(&joined).unwrap();
            assert_eq!(read, Read { join: 70_000, name: "x".into(), body: vec![1, 2] });
        }
    }

    #[test]
    fn deep_nesting_is_an_error_in_both_encodings() {
        let json = "[".repeat(100_000);
        assert!(Codec::Json.decode::<serde_json::Value>(json.as_bytes()).is_err());
        let cbor = vec![0x81; 100_000];
        assert!(Codec::Cbor.decode::<serde_json::Value>(&cbor).is_err());
        assert!(Codec::Cbor.decode::<serde::de::IgnoredAny>(&cbor).is_err());
    }

    #[test]
    fn both_encodings_nest_equally_deep_also_where_nobody_looks() {
        #[derive(Deserialize, Debug)]
        struct Message<T> {
            #[serde(rename = "body")]
            _body: T,
        }
        let text = r#"]}}\"[[{{"#;
        let json = |depth: usize| {
            let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
            format!(r#"{{"text":"{text}","body":{open}{close}}}"#)
        };
        let cbor = |depth: usize| [&b"\xa1\x64body"[..], &vec![0x81; depth - 2], &[0x80]].concat();
        for (depth, fits) in [(MAX_DEPTH, true), (MAX_DEPTH + 1, false), (1000, false)] {
            for (codec, message) in [(Codec::Json, json(depth).into_bytes()), (Codec::Cbor, cbor(depth))] {
                let read = codec.decode::<Message<serde_json::Value>>(&message);
                assert_eq!(read.is_ok(), fits, "{codec:?}, {depth}: {read:?}");
                let passed_over = codec.decode::<Message<serde::de::IgnoredAny>>(&message);
                assert_eq!(passed_over.is_ok(), fits, "{codec:?}, {depth}: {passed_over:?}");
            }
        }
        let shallow = format!("[{}[]]", "[],".repeat(1000));
        assert!(Codec::Json.decode::<serde_json::Value>(shallow.as_bytes()).is_ok());
    }

    #[test]
    fn bytes_after_the_message_are_an_error() {
        assert!(Codec::Json.decode::<serde_json::Value>(b"{}{}").is_err());
        assert!(Codec::Cbor.decode::<serde_json::Value>(&[0xa0, 0xa0]).is_err());
    }

    #[test]
    fn a_blob_is_base64_in_json_and_raw_in_cbor() {
        book::claims!("forms", 1);
        let blob = Blob(vec![0, 255, 7].into());
        assert_eq!(Codec::Json.encode(&blob), br#""AP8H""#);
        assert_eq!(Codec::Cbor.encode(&blob), [0x43, 0, 255, 7]);
        for codec in [Codec::Json, Codec::Cbor] {
            assert_eq!(codec.decode::<Blob>(&codec.encode(&blob)).unwrap(), blob);
        }
    }
}
