//! What does not fit its type, told to people: at which place it stands, and what is expected there, in words of JSON
//! rather than of Rust. It is asked only when decoding has failed.

use std::{fmt::Display, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::Value;
use serde_path_to_error::{Deserializer as Tracked, Track};

/// What serde expects, and how it is said.
const WORDS: [(&str, &str); 12] = [
    ("a nonzero u32", "a whole number from 1 to 4294967295"),
    ("u8", "a whole number from 0 to 255"),
    ("u16", "a whole number from 0 to 65535"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("u64", "a whole number from 0"),
    ("usize", "a whole number from 0"),
    ("a string", "a text"),
    ("a sequence", "a list"),
    ("a map", "an object"),
    ("str", "a text"),
    ("array", "a list"),
    ("map", "an object"),
];

/// Fails as `T` does; the text of the error is the place, empty if it is the whole.
pub(super) struct Place<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Place<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut track = Track::new();
        match T::deserialize(Tracked::new(deserializer, &mut track)) {
            Ok(_) => Ok(Self(PhantomData)),
            Err(_) => Err(match track.path() {
                whole if whole.iter().len() == 0 => D::Error::custom(""),
                place => D::Error::custom(place),
            }),
        }
    }
}

/// Reads JSON as a type.
///
/// # Errors
/// It does not fit; where, and what is expected there.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let place = Some(error.path()).filter(|place| place.iter().len() > 0).map(ToString::to_string);
        at(place.as_deref(), error.inner())
    })
}

/// The error of a decoder, after its place if that is known, which says more than line and column.
pub(super) fn at(place: Option<&str>, error: impl Display) -> String {
    match place {
        None | Some("") => in_words(error),
        Some(place) => {
            let said = in_words(error);
            format!("{place}: {}", said.rsplit_once(" at line ").map_or(&*said, |(said, _)| said))
        }
    }
}

/// The error of a decoder, without words that mean something in Rust only.
fn in_words(error: impl Display) -> String {
    let text = error.to_string();
    let Some((before, rest)) = text.rsplit_once("expected ") else { return text };
    let (expected, place) = rest.split_at(rest.find(" at line ").unwrap_or(rest.len()));
    let said = match WORDS.iter().find(|(serde, _)| *serde == expected) {
        Some((_, words)) => words,
        None if expected.starts_with("struct ") => "an object",
        None => return text,
    };
    format!("{before}expected {said}{place}")
}

#[cfg(test)]
mod tests {
    use crate::protocol::{
        Codec, RequestHead,
        action::{Edit, Open, Scroll},
        message::WithBody,
    };

    fn why<T: serde::de::DeserializeOwned>(message: &str) -> String {
        let json = Codec::Json.decode::<T>(message.as_bytes()).err().expect("a misfit").to_string();
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(message) {
            let cbor = Codec::Cbor.decode::<T>(&Codec::Cbor.encode(&value)).err().expect("a misfit").to_string();
            let (place, _) = json.split_once(": ").unwrap_or_default();
            assert!(cbor.starts_with(place), "{cbor:?} names the place as {json:?} does");
            assert!(!cbor.contains("u16") && !cbor.contains("usize") && !cbor.contains("struct"), "{cbor}");
        }
        json
    }

    #[test]
    fn what_does_not_fit_is_told_in_words_of_json_with_its_place() {
        for (message, said) in [
            (
                r#"{"port":70000,"name":"x"}"#,
                "port: invalid value: integer `70000`, expected a whole number from 0 to 65535",
            ),
            (
                r#"{"port":0,"name":"x","id":0}"#,
                "id: invalid value: integer `0`, expected a whole number from 1 to 4294967295",
            ),
            (r#"{"port":0,"name":5}"#, "name: invalid type: integer `5`, expected a text"),
            (r#"{"port":0}"#, "missing field `name`"),
            ("[]", "invalid length 0, expected an object"),
            ("5", "invalid type: integer `5`, expected an object"),
            ("{", "EOF while parsing an object"),
        ] {
            let why = why::<RequestHead>(message);
            assert!(why.starts_with(said), "{why:?} instead of {said:?}");
        }
        for (why, said) in [
            (
                super::read::<Scroll>(serde_json::json!({"limit": "abc"})).unwrap_err(),
                "limit: invalid type: string \"abc\", expected a whole number from 0",
            ),
            (super::read::<Edit>(serde_json::json!({})).unwrap_err(), "missing field `key`"),
            (
                why::<WithBody<Scroll>>(r#"{"body":{"limit":"abc"}}"#),
                "body.limit: invalid type: string \"abc\", expected a whole number from 0",
            ),
            (why::<WithBody<Edit>>(r#"{"body":{"patch":[]}}"#), "body: missing field `key`"),
            (
                why::<WithBody<Open>>(r#"{"body":{"since":{"epoch":"e","offset":-1}}}"#),
                "body.since.offset: invalid value: integer `-1`, expected a whole number from 0",
            ),
            (
                why::<WithBody<Open>>(r#"{"body":{"as":"xml"}}"#),
                "body.as: unknown variant `xml`, expected `json` or `yjs`",
            ),
        ] {
            assert!(why.starts_with(said), "{why:?} instead of {said:?}");
        }
    }
}
