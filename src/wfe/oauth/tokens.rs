//! Access tokens: JWTs as RFC 9068 describes them, signed with Ed25519.
//!
//! Only tokens of our own are taken, so everything in the header but the key's id is fixed (RFC 8725).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, jwk::Jwk};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    access::{Caller, Kind, Principal, Proof, Records as _, Scopes},
    clock,
    protocol::{ErrorCode, limits::MAX_TOKEN_BYTES},
    store::{SigningKey, Store, StoreError},
};

/// The `typ` of RFC 9068; no other kind of token passes for an access token.
const TYPE: &str = "at+jwt";
/// PKCS#8 of an Ed25519 key (RFC 8410), before its 32 bytes.
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// How far ahead of our clock a token may have been issued, after the clock was set back.
const LEEWAY_SECONDS: u64 = 60;
/// Tokens remembered as verified, before all are forgotten: about 5 MB.
const MOST_REMEMBERED: usize = 10_000;

/// Issues and verifies access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    store: Store,
    issuer: String,
    lifetime_seconds: u64,
    /// The newest first; that one signs, all of them verify.
    keys: Vec<Key>,
    remembered: Mutex<HashMap<[u8; 32], Verified>>,
}

struct Key {
    id: String,
    sign: EncodingKey,
    verify: DecodingKey,
    public: Jwk,
}

/// What a valid token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// For whom it was issued.
    pub principal: Principal,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it expires, seconds since 1970.
    pub expires_at: u64,
    /// The token's own id.
    pub jti: String,
    /// The client that it was issued to.
    pub client_id: String,
    /// How its user's credentials stood when it was issued.
    pub credentials: u64,
}

impl Verified {
    /// Who calls with it.
    pub fn caller(self) -> Caller {
        let proof = Proof::Token { id: self.jti, client: self.client_id, credentials: self.credentials };
        Caller { principal: self.principal, proof, scopes: self.scopes }
    }
}

/// Why a token is refused. Says nothing about the token's content.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It is not an access token of ours.
    #[error("not a valid access token: {0}")]
    Invalid(&'static str),
    /// It was valid once.
    #[error("the access token has expired")]
    Expired,
    /// Whether its user still exists could not be found out.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TokenError {
    /// The contract's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_) => ErrorCode::InvalidToken,
            Self::Expired => ErrorCode::TokenExpired,
            Self::Store(_) => ErrorCode::Internal,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    client_id: String,
    iat: u64,
    exp: u64,
    jti: String,
    scope: String,
    organisation: String,
    /// Whether `sub` is a user or a client.
    kind: Kind,
    /// Counts up when all that was issued to `sub` is taken back.
    #[serde(default)]
    credentials: u64,
}

/// A header with anything else in it (`crit`, `jku`, `jwk`, `x5c`...) is not one of ours.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnHeader {
    typ: String,
    alg: String,
    kid: String,
}

impl Tokens {
    /// Takes the keys from the store; the first start makes one.
    ///
    /// # Errors
    /// The store failed.
    pub fn open(store: &Store, issuer: String, lifetime_seconds: u64) -> Result<Self, StoreError> {
        let keys = store.signing_keys(clock::unix_seconds(), new_key)?;
        Ok(Self(Arc::new(Inner {
            store: store.clone(),
            issuer,
            lifetime_seconds,
            keys: keys.iter().filter_map(Key::read).collect(),
            remembered: Mutex::default(),
        })))
    }

    /// The `iss` of our tokens; `aud` is the same.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// How long a new token is valid.
    pub fn lifetime_seconds(&self) -> u64 {
        self.0.lifetime_seconds
    }

    /// Signs a new token.
    pub fn issue(&self, principal: &Principal, client_id: &str, scopes: Scopes, now: u64) -> String {
        // What cannot be read now is worth nothing when the token is used.
        let credentials = self.0.store.standing(principal).map_or(0, |standing| standing.credentials);
        let claims = Claims {
            iss: self.0.issuer.clone(),
            aud: self.0.issuer.clone(),
            sub: principal.name.clone(),
            client_id: client_id.into(),
            iat: now,
            exp: now + self.0.lifetime_seconds,
            jti: clock::new_id().to_string(),
            scope: scopes.to_string(),
            organisation: principal.organisation.clone(),
            kind: principal.kind,
            credentials,
        };
        let key = self.0.keys.first().expect("the store makes a key if it has none");
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.into());
        header.kid = Some(key.id.clone());
        jsonwebtoken::encode(&header, &claims, &key.sign).expect("the key was tried when it was read")
    }

    /// Checks a token; `now` in seconds since 1970. A token seen before costs microseconds. Its user
    /// or client must still exist and not be disabled.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn verify(&self, token: &str, now: u64) -> Result<Verified, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid("too long"));
        }
        let fingerprint = Sha256::digest(token).into();
        let remembered = self.remembered(|known| known.get(&fingerprint).cloned());
        let verified = match remembered {
            Some(verified) => verified,
            None => {
                let verified = self.examine(token, now)?;
                self.remember(fingerprint, &verified, now);
                verified
            }
        };
        if verified.expires_at <= now {
            return Err(TokenError::Expired);
        }
        let standing = self.0.store.standing(&verified.principal)?;
        if !standing.active || standing.credentials != verified.credentials {
            return Err(TokenError::Invalid("its user or client is gone, or it was taken back"));
        }
        Ok(verified)
    }

    /// The public keys, as `/.well-known/jwks.json` shows them.
    pub fn jwks(&self) -> serde_json::Value {
        json!({"keys": self.0.keys.iter().map(|key| &key.public).collect::<Vec<_>>()})
    }

    fn examine(&self, token: &str, now: u64) -> Result<Verified, TokenError> {
        let invalid = TokenError::Invalid;
        let head = token.split('.').next().unwrap_or_default();
        let head = URL_SAFE_NO_PAD.decode(head).map_err(|_| invalid("no header"))?;
        let header: OwnHeader = serde_json::from_slice(&head).map_err(|_| invalid("not our header"))?;
        if header.typ != TYPE || header.alg != "EdDSA" {
            return Err(invalid("not an access token"));
        }
        let key = self.0.keys.iter().find(|key| key.id == header.kid).ok_or(invalid("unknown key"))?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[&self.0.issuer]);
        rules.set_audience(&[&self.0.issuer]);
        rules.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Checked by the caller, against the time that it was given.
        rules.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.verify, &rules)
            .map_err(|_| invalid("signature or claims"))?
            .claims;
        if claims.iat > now.saturating_add(LEEWAY_SECONDS) {
            return Err(invalid("issued in the future"));
        }
        Ok(Verified {
            scopes: Scopes::parse(&claims.scope).ok_or(invalid("unknown scope"))?,
            principal: Principal { kind: claims.kind, name: claims.sub, organisation: claims.organisation },
            expires_at: claims.exp,
            jti: claims.jti,
            client_id: claims.client_id,
            credentials: claims.credentials,
        })
    }

    fn remember(&self, fingerprint: [u8; 32], verified: &Verified, now: u64) {
        self.remembered(|known| {
            if known.len() >= MOST_REMEMBERED {
                known.retain(|_, verified| verified.expires_at > now);
            }
            if known.len() >= MOST_REMEMBERED {
                known.clear();
            }
            known.insert(fingerprint, verified.clone());
        });
    }

    fn remembered<T>(&self, act: impl FnOnce(&mut HashMap<[u8; 32], Verified>) -> T) -> T {
        act(&mut self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Key {
    /// None for a key that cannot sign, after the file was damaged.
    fn read(stored: &SigningKey) -> Option<Self> {
        let sign = EncodingKey::from_ed_der(&stored.pkcs8);
        let mut public = Jwk::from_encoding_key(&sign, Algorithm::EdDSA).ok()?;
        public.common.key_id = Some(stored.id.clone());
        public.common.public_key_use = Some(jsonwebtoken::jwk::PublicKeyUse::Signature);
        Some(Self { id: stored.id.clone(), verify: DecodingKey::from_jwk(&public).ok()?, sign, public })
    }
}

fn new_key() -> SigningKey {
    SigningKey { id: clock::new_id().to_string(), pkcs8: [&PKCS8_HEAD[..], &clock::random_bytes::<32>()].concat() }
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
