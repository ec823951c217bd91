//! Access tokens: JWTs as RFC 9068 describes them, signed with Ed25519.
//!
//! Only tokens of our own are verified here, so everything in the header but the key's id is fixed (RFC 8725).

use std::sync::{Arc, PoisonError, RwLock};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, jwk::Jwk};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::remembered::Remembered;
use crate::{
    access::{Caller, Kind, Principal, Proof, Records as _, Scopes},
    clock,
    config::{MAX_ACCESS_TOKEN_SECONDS, Oauth},
    protocol::{ErrorBody, ErrorCode, limits::MAX_TOKEN_BYTES},
    store::{KeptKey, SigningKey, Store, StoreError},
};

/// The `typ` of RFC 9068; no other kind of token passes for an access token.
const TYPE: &str = "at+jwt";
/// PKCS#8 of an Ed25519 key (RFC 8410), before its 32 bytes.
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// How far ahead of our clock a token may have been issued, after the clock was set back.
const LEEWAY_SECONDS: u64 = 60;

/// Issues and verifies access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    store: Store,
    issuer: String,
    lifetime_seconds: u64,
    key_seconds: u64,
    /// The newest first; that one signs, all of them verify.
    keys: RwLock<Vec<Arc<Key>>>,
    remembered: Remembered<Verified>,
}

struct Key {
    id: String,
    created_at: u64,
    /// When the last token expires that it signed; none for the newest.
    verifies_until: Option<u64>,
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
    /// When it was issued, seconds since 1970.
    pub issued_at: u64,
    /// When it expires.
    pub expires_at: u64,
    /// The token's own id.
    pub jti: String,
    /// The authorisation that it comes from; ends with it.
    pub grant: Uuid,
    /// The client that it was issued to.
    pub client_id: String,
}

impl Verified {
    /// Who calls with it.
    pub fn caller(self) -> Caller {
        let proof = Proof::Token { grant: self.grant, client: self.client_id };
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
    /// It says that it is the external issuer's, and is not taken.
    #[error("the access token of {issuer} is not taken: {why}")]
    Foreign {
        /// The issuer.
        issuer: String,
        /// What is wrong with it.
        why: String,
    },
    /// The external issuer's keys cannot be had, so that nobody knows.
    #[error("the access token cannot be checked at the moment: the keys of {issuer} cannot be had; try again")]
    NoKeys {
        /// The issuer.
        issuer: String,
        /// When to try again, milliseconds.
        retry_after_ms: u64,
    },
    /// Whether its user still exists could not be found out.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What whoever shows the token is told. Of our own tokens, nothing but the code.
impl From<TokenError> for ErrorBody {
    fn from(error: TokenError) -> Self {
        match &error {
            TokenError::Invalid(_) => ErrorCode::InvalidToken.into(),
            TokenError::Expired => ErrorCode::TokenExpired.into(),
            TokenError::Foreign { .. } => Self::new(ErrorCode::InvalidToken, error.to_string()),
            TokenError::NoKeys { retry_after_ms, .. } => {
                Self::new(ErrorCode::Unavailable, error.to_string()).retry_after(*retry_after_ms)
            }
            TokenError::Store(why) => {
                crate::limiter::seldom!(error, error = %why, "the store failed at an access token");
                why.into()
            }
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
    /// We set none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    /// The id of the grant, a point, and what makes it this token's own.
    jti: String,
    scope: String,
    organisation: String,
    /// Whether `sub` is a user or a client.
    kind: Kind,
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
    pub fn open(store: &Store, issuer: String, config: &Oauth) -> Result<Self, StoreError> {
        let keys = store.signing_keys(clock::unix_seconds(), new_key)?;
        Ok(Self(Arc::new(Inner {
            store: store.clone(),
            issuer,
            lifetime_seconds: config.access_token_seconds,
            key_seconds: config.signing_key_seconds,
            keys: RwLock::new(read_keys(&keys)),
            remembered: Remembered::new(),
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

    /// Signs a new token of this grant.
    pub fn issue(&self, grant: Uuid, principal: &Principal, client_id: &str, scopes: Scopes, now: u64) -> String {
        let claims = Claims {
            iss: self.0.issuer.clone(),
            aud: self.0.issuer.clone(),
            sub: principal.name.clone(),
            client_id: client_id.into(),
            iat: now,
            exp: now + self.0.lifetime_seconds,
            nbf: None,
            jti: format!("{grant}.{}", URL_SAFE_NO_PAD.encode(clock::random_bytes::<12>())),
            scope: scopes.to_string(),
            organisation: principal.organisation.clone(),
            kind: principal.kind,
        };
        let key = self.signing_key(now);
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.into());
        header.kid = Some(key.id.clone());
        jsonwebtoken::encode(&header, &claims, &key.sign).expect("the key was tried when it was read")
    }

    /// Checks a token; `now` in seconds since 1970. A token seen before costs microseconds. Its user
    /// or client must still exist and not be disabled, and its grant must not have been ended.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn verify(&self, token: &str, now: u64) -> Result<Verified, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid("too long"));
        }
        let verified = match self.0.remembered.find(token) {
            Some(verified) => verified,
            None => {
                let verified = self.examine(token, now)?;
                self.0.remembered.keep(token, verified.clone(), verified.expires_at, now);
                verified
            }
        };
        if verified.expires_at <= now {
            return Err(TokenError::Expired);
        }
        if !self.0.store.standing(&verified.principal)?.active {
            return Err(TokenError::Invalid("its user or client is gone"));
        }
        if !self.0.store.grant_is_live(verified.grant, &verified.principal)? {
            return Err(TokenError::Invalid("its grant was ended"));
        }
        Ok(verified)
    }

    /// The public keys, as `/.well-known/jwks.json` shows them.
    pub fn jwks(&self, now: u64) -> serde_json::Value {
        let keys = self.keys();
        json!({"keys": keys.iter().filter(|key| key.verifies(now)).map(|key| &key.public).collect::<Vec<_>>()})
    }

    /// Signs with a new key from now on; tokens of the older ones stay good. The new key's id.
    ///
    /// # Errors
    /// The store failed.
    pub fn rotate_keys(&self, now: u64) -> Result<String, StoreError> {
        self.replace_key(now, |_| true).map(|key| key.id.clone())
    }

    /// Replaces the newest key if that is due; the key that is the newest then.
    fn replace_key(&self, now: u64, is_due: impl FnOnce(&Key) -> bool) -> Result<Arc<Key>, StoreError> {
        // Held meanwhile: of two that find the key too old at once, the second finds a new one.
        let mut keys = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.first().is_none_or(|newest| is_due(newest)) {
            *keys = read_keys(&self.0.store.rotate_signing_keys(now, &new_key())?);
        }
        Ok(keys.first().expect("a key that was just made can be read").clone())
    }

    fn keys(&self) -> Vec<Arc<Key>> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest key; one that has grown old is replaced first.
    fn signing_key(&self, now: u64) -> Arc<Key> {
        let newest = self.keys().into_iter().next().expect("the store makes a key if it has none");
        let is_old = |key: &Key| now >= key.created_at.saturating_add(self.0.key_seconds);
        if !is_old(&newest) {
            return newest;
        }
        self.replace_key(now, is_old).unwrap_or_else(|error| {
            crate::limiter::seldom!(
                error, %error,
                "the key that signs access tokens is old and cannot be replaced; it is used on"
            );
            newest
        })
    }

    fn examine(&self, token: &str, now: u64) -> Result<Verified, TokenError> {
        let invalid = TokenError::Invalid;
        let head = token.split('.').next().unwrap_or_default();
        let head = URL_SAFE_NO_PAD.decode(head).map_err(|_| invalid("no header"))?;
        let header: OwnHeader = serde_json::from_slice(&head).map_err(|_| invalid("not our header"))?;
        if header.typ != TYPE || header.alg != "EdDSA" {
            return Err(invalid("not an access token"));
        }
        let keys = self.keys();
        let key = keys.iter().find(|key| key.id == header.kid && key.verifies(now)).ok_or(invalid("unknown key"))?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[&self.0.issuer]);
        rules.set_audience(&[&self.0.issuer]);
        rules.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Checked by the caller, against the time that it was given.
        rules.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.verify, &rules)
            .map_err(|_| invalid("signature or claims"))?
            .claims;
        let soon = now.saturating_add(LEEWAY_SECONDS);
        if claims.iat > soon || claims.nbf.is_some_and(|begin| begin > soon) {
            return Err(invalid("of the future"));
        }
        if claims.exp.saturating_sub(claims.iat) > MAX_ACCESS_TOKEN_SECONDS {
            return Err(invalid("valid for longer than any"));
        }
        let grant = grant_of_jti(&claims.jti);
        Ok(Verified {
            scopes: Scopes::parse(&claims.scope).ok_or(invalid("unknown scope"))?,
            principal: Principal { kind: claims.kind, name: claims.sub, organisation: claims.organisation },
            issued_at: claims.iat,
            expires_at: claims.exp,
            jti: claims.jti,
            grant: grant.ok_or(invalid("of no grant"))?,
            client_id: claims.client_id,
        })
    }
}

/// The grant of the token with this id; the grant's own id will do as well.
pub(super) fn grant_of_jti(jti: &str) -> Option<Uuid> {
    let id = jti.split_once('.').map_or(jti, |(grant, _)| grant);
    // Only as we write it, so that no token of another form passes for one.
    id.parse().ok().filter(|grant: &Uuid| grant.to_string() == id)
}

impl Key {
    /// None for a key that cannot sign, after the file was damaged.
    fn read(kept: &KeptKey) -> Option<Self> {
        let KeptKey { key: stored, created_at, verifies_until } = kept;
        let sign = EncodingKey::from_ed_der(&stored.pkcs8);
        let mut public = Jwk::from_encoding_key(&sign, Algorithm::EdDSA).ok()?;
        public.common.key_id = Some(stored.id.clone());
        public.common.public_key_use = Some(jsonwebtoken::jwk::PublicKeyUse::Signature);
        let verify = DecodingKey::from_jwk(&public).ok()?;
        let (created_at, verifies_until) = (*created_at, *verifies_until);
        Some(Self { id: stored.id.clone(), created_at, verifies_until, sign, verify, public })
    }

    fn verifies(&self, now: u64) -> bool {
        self.verifies_until.is_none_or(|until| now < until)
    }
}

fn read_keys(kept: &[KeptKey]) -> Vec<Arc<Key>> {
    kept.iter().filter_map(Key::read).map(Arc::new).collect()
}

fn new_key() -> SigningKey {
    SigningKey { id: clock::new_id().to_string(), pkcs8: [&PKCS8_HEAD[..], &clock::random_bytes::<32>()].concat() }
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
pub(in crate::wfe) mod tests;
