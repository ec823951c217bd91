//! What a token of the external issuer must look like and say (RFC 7519, RFC 8725, RFC 9068). Pure.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use super::keys::Key;
use crate::{
    access::Scopes,
    config::{External, MAX_ACCESS_TOKEN_SECONDS},
};

/// How far ahead of our clock the issuer's may be.
const LEEWAY_SECONDS: u64 = 60;
/// In a header they bring a key along, or change what the other parts mean. All else is passed over (RFC 7515 4).
const REFUSED_IN_HEADER: [&str; 9] = ["crit", "b64", "enc", "zip", "cty", "jku", "jwk", "x5u", "x5c"];
/// Other tokens of the same issuer have them, which may name the same audience: ID tokens and logout tokens.
const REFUSED_IN_PLAIN: [&str; 4] = ["nonce", "at_hash", "c_hash", "events"];

/// The parts of a token, none of them verified.
pub(super) struct Parts<'a> {
    /// Which key has signed it, says the token.
    pub kid: String,
    algorithm: jsonwebtoken::Algorithm,
    is_plain: bool,
    signed: &'a str,
    claims: &'a str,
    signature: &'a str,
}

/// What a token says whose signature is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claims {
    pub user: String,
    /// Those that the issuer names; none if they do not matter.
    pub groups: Option<Vec<String>>,
    /// Those of its scopes that are ours.
    pub scopes: Scopes,
    /// Seconds since 1970, as all times.
    pub issued_at: u64,
    pub expires_at: u64,
    pub client: Option<String>,
    pub id: Option<String>,
}

/// What is wrong with a token, to follow "it is not taken:".
pub(super) type Wrong = String;

/// Who a token says has issued it, which nothing proves yet.
pub(super) fn claimed_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Issuer>(&claims).ok().map(|claims| claims.iss)
}

impl<'a> Parts<'a> {
    /// Takes a token apart. Without `plain`, its type must be that of RFC 9068.
    pub fn of(token: &'a str, plain: bool) -> Result<Self, Wrong> {
        let three = || {
            let (signed, signature) = token.rsplit_once('.')?;
            let (head, claims) = signed.split_once('.')?;
            (!claims.contains('.')).then_some((signed, head, claims, signature))
        };
        let (signed, head, claims, signature) = three().ok_or("it has not three parts")?;
        let head = object(head).ok_or("its header cannot be read")?;
        if let Some(name) = REFUSED_IN_HEADER.iter().find(|&&name| head.contains_key(name)) {
            return Err(format!("its header has \"{name}\""));
        }
        let is_plain = match head.get("typ") {
            Some(Value::String(kind)) if is_type(kind, "at+jwt") => false,
            Some(Value::String(kind)) if is_type(kind, "jwt") => true,
            None => true,
            Some(_) => return Err("its \"typ\" is not that of an access token".into()),
        };
        if is_plain && !plain {
            return Err("its \"typ\" is not \"at+jwt\"; see oauth.external.plain_jwt".into());
        }
        let text = |name: &str| head.get(name).and_then(Value::as_str);
        let algorithm = text("alg").and_then(|name| name.parse().ok()).ok_or("its algorithm is not known")?;
        let kid = text("kid").ok_or("it names no key")?.to_owned();
        Ok(Self { kid, algorithm, is_plain, signed, claims, signature })
    }

    /// What the token says, if this key has signed it and it is for us and valid.
    pub fn verify(&self, key: &Key, config: &External, now: u64) -> Result<Claims, Wrong> {
        if self.algorithm != key.algorithm {
            return Err("its algorithm is not that of its key".into());
        }
        let signed = jsonwebtoken::crypto::verify(self.signature, self.signed.as_bytes(), &key.verify, key.algorithm);
        if !matches!(signed, Ok(true)) {
            return Err("its signature is not good".into());
        }
        let claims = object(self.claims).ok_or("what it says cannot be read")?;
        if let Some(name) = REFUSED_IN_PLAIN.iter().find(|&&name| self.is_plain && claims.contains_key(name)) {
            return Err(format!("it has \"{name}\" and is no access token"));
        }
        read(&claims, config, now)
    }
}

fn read(claims: &Map<String, Value>, config: &External, now: u64) -> Result<Claims, Wrong> {
    let named = |name: &str| format!("its \"{name}\" is missing or not what it should be");
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let seconds = |name: &str| claims.get(name).map(|value| value.as_u64().ok_or_else(|| named(name))).transpose();
    if text("iss") != config.issuer.as_deref() {
        return Err("its issuer is another".into());
    }
    let audience = texts(claims.get("aud")).ok_or_else(|| named("aud"))?;
    if !audience.iter().any(|&name| Some(name) == config.audience.as_deref()) {
        return Err("it is for others, says its \"aud\"".into());
    }
    // Bound to a key that whoever presents it must prove to have (RFC 7800), which nobody asks for here.
    if claims.contains_key("cnf") {
        return Err("it is bound to a key, and only bearer tokens are taken".into());
    }
    let expires_at = seconds("exp")?.ok_or_else(|| named("exp"))?;
    let issued_at = seconds("iat")?.ok_or_else(|| named("iat"))?;
    let begins_at = seconds("nbf")?;
    let soon = now.saturating_add(LEEWAY_SECONDS);
    if issued_at > soon || begins_at.is_some_and(|begins_at| begins_at > soon) {
        return Err("it is of the future".into());
    }
    if expires_at.saturating_sub(issued_at) > MAX_ACCESS_TOKEN_SECONDS {
        return Err("it is valid for longer than a day".into());
    }
    let scopes = texts(claims.get(&config.scope_claim)).ok_or_else(|| named(&config.scope_claim))?;
    let groups = match &config.groups_claim {
        None => None,
        // Issuers leave the claim out for somebody who is in no group.
        Some(name) if !claims.contains_key(name) => Some(Vec::new()),
        Some(name) => {
            let groups = texts(claims.get(name)).ok_or_else(|| named(name))?;
            Some(groups.into_iter().map(str::to_owned).collect())
        }
    };
    Ok(Claims {
        user: text(&config.user_claim).ok_or_else(|| named(&config.user_claim))?.to_owned(),
        groups,
        scopes: ours(&scopes, &config.scope_prefix),
        issued_at,
        expires_at,
        client: text("client_id").or_else(|| text("azp")).map(str::to_owned),
        id: text("jti").map(str::to_owned),
    })
}

/// Those scopes that are ours; the issuer's tokens may have others for itself and for others.
fn ours(names: &[&str], prefix: &str) -> Scopes {
    let names = names.iter().flat_map(|names| names.split_ascii_whitespace());
    let ours = names.filter_map(|name| Scopes::parse(name.strip_prefix(prefix)?));
    ours.fold(Scopes::default(), Scopes::with)
}

/// A text, or a list of texts.
fn texts(value: Option<&Value>) -> Option<Vec<&str>> {
    match value? {
        Value::String(one) => Some(vec![one]),
        Value::Array(many) => many.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// Media types are compared without regard to case, and `application/` may be left out (RFC 7515 4.1.9).
fn is_type(kind: &str, expected: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.strip_prefix("application/").unwrap_or(&kind) == expected
}

/// An object in base64url, each name in it once (RFC 7519 4).
fn object(encoded: &str) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    serde_json::from_slice::<Once>(&json).ok().map(|Once(object)| object)
}

struct Once(Map<String, Value>);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Once;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Once, A::Error> {
                let mut object = Map::new();
                while let Some((name, value)) = fields.next_entry::<String, Value>()? {
                    if object.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name stands there twice"));
                    }
                }
                Ok(Once(object))
            }
        }
        from.deserialize_map(Reader)
    }
}
