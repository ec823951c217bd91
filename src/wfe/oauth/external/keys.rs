//! The external issuer's keys: which of those that it publishes are good for what, and when they are fetched again.
//! Pure; time is passed in.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

/// Keys that are taken from one set.
const MOST_KEYS: usize = 100;
/// Sizes of RSA keys, in bytes of the modulus: smaller ones are weak (RFC 7518 3.3), larger ones slow.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// How often keys are fetched, and how long they count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// At least so long between two fetches.
    pub again: Duration,
    /// So long after one that succeeded comes the next, even if nobody asks.
    pub renew: Duration,
    /// So long they count after the last fetch that succeeded.
    pub trust: Duration,
}

impl Pace {
    /// What the guides say.
    pub const USUAL: Self =
        Self { again: Duration::from_secs(60), renew: Duration::from_secs(600), trust: Duration::from_secs(3600) };
}

/// A key that verifies, by the one algorithm that it is for (RFC 8725 3.1).
pub(super) struct Key {
    pub algorithm: Algorithm,
    pub verify: DecodingKey,
}

/// Keys by their `kid`.
pub(super) type KeySet = HashMap<String, Arc<Key>>;

/// The keys that are known, and what is known of the fetching.
pub(super) struct Keys {
    pace: Pace,
    set: KeySet,
    /// When the set was fetched.
    confirmed_at: Option<Instant>,
    /// When the last fetch began.
    begun_at: Option<Instant>,
    /// What became of it, once it is over.
    last: Fetched,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fetched {
    NotYet,
    Well,
    Badly,
}

/// What is known of a key.
pub(super) enum Looked {
    /// It is this one.
    Found(Arc<Key>),
    /// A fetch will tell, which is under way or may begin.
    Wait,
    /// There is none of that name.
    Unknown,
    /// It cannot be told at the moment; a fetch may begin after so long.
    NotNow(Duration),
}

impl Keys {
    pub fn new(pace: Pace) -> Self {
        Self { pace, set: KeySet::new(), confirmed_at: None, begun_at: None, last: Fetched::Well }
    }

    /// The key of this name, or whether a fetch is worth waiting for.
    pub fn look(&self, kid: &str, now: Instant) -> Looked {
        match self.look_again(kid, now) {
            Looked::Found(key) => Looked::Found(key),
            _ if self.last == Fetched::NotYet || self.wait(now).is_zero() => Looked::Wait,
            known => known,
        }
    }

    /// The same for whoever has waited: as it stands now.
    pub fn look_again(&self, kid: &str, now: Instant) -> Looked {
        let counts = self.confirmed_at.is_some_and(|at| now.saturating_duration_since(at) < self.pace.trust);
        match self.set.get(kid).filter(|_| counts) {
            Some(key) => Looked::Found(key.clone()),
            None if counts && self.last == Fetched::Well => Looked::Unknown,
            None => Looked::NotNow(self.wait(now)),
        }
    }

    /// Whether a fetch is to begin now. It must be followed by [`Keys::end`].
    pub fn begin(&mut self, now: Instant) -> bool {
        let begins = self.last != Fetched::NotYet && self.wait(now).is_zero();
        if begins {
            (self.begun_at, self.last) = (Some(now), Fetched::NotYet);
        }
        begins
    }

    /// The fetch that was begun is over. Without a set it has failed, and the former one counts on for a while.
    pub fn end(&mut self, set: Option<KeySet>, now: Instant) {
        self.last = if set.is_some() { Fetched::Well } else { Fetched::Badly };
        if let Some(set) = set {
            (self.set, self.confirmed_at) = (set, Some(now));
        }
    }

    /// How long until the next fetch, if nobody asks for one before.
    pub fn due(&self, now: Instant) -> Duration {
        let every = if self.last == Fetched::Well { self.pace.renew } else { self.pace.again };
        self.until(every.max(self.pace.again), now)
    }

    /// How long until a fetch may begin.
    fn wait(&self, now: Instant) -> Duration {
        self.until(self.pace.again, now)
    }

    fn until(&self, pause: Duration, now: Instant) -> Duration {
        self.begun_at.map_or(Duration::ZERO, |at| (at + pause).saturating_duration_since(now))
    }
}

/// Reads a set as it is published (RFC 7517), as far as its keys can be used by these algorithms.
///
/// # Errors
/// It is not one, or none of its keys can be used.
pub(super) fn read_set(json: &[u8], algorithms: &[Algorithm]) -> Result<KeySet, String> {
    #[derive(Deserialize)]
    struct Published {
        keys: Vec<Value>,
    }
    let Published { keys } = serde_json::from_slice(json).map_err(|error| format!("it is no set of keys: {error}"))?;
    let mut set = KeySet::new();
    for key in keys.iter().take(MOST_KEYS) {
        // The first of a name counts: a second one cannot take its place.
        if let Some((id, key)) = read_key(key, algorithms) {
            set.entry(id).or_insert_with(|| Arc::new(key));
        }
    }
    if set.is_empty() {
        let names: Vec<_> = algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect();
        return Err(format!("none of its {} keys has a \"kid\" and is for {}", keys.len(), names.join(" or ")));
    }
    Ok(set)
}

fn read_key(json: &Value, algorithms: &[Algorithm]) -> Option<(String, Key)> {
    let jwk: Jwk = serde_json::from_value(json.clone()).ok()?;
    let common = &jwk.common;
    let for_signatures = common.public_key_use.as_ref().is_none_or(|what| *what == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|what| what.contains(&KeyOperations::Verify));
    let suits = |algorithm: &Algorithm| {
        fits(&jwk.algorithm, *algorithm) && common.key_algorithm.is_none_or(|only| only == (*algorithm).into())
    };
    let algorithm = algorithms.iter().copied().find(suits).filter(|_| for_signatures)?;
    let verify = DecodingKey::from_jwk(&jwk).ok()?;
    Some((common.key_id.clone()?, Key { algorithm, verify }))
}

/// Whether a key is of the kind and size that an algorithm needs.
fn fits(key: &AlgorithmParameters, algorithm: Algorithm) -> bool {
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_or(0, |bytes| bytes.len());
    match key {
        AlgorithmParameters::RSA(key) => {
            algorithm.family() == jsonwebtoken::AlgorithmFamily::Rsa && RSA_BYTES.contains(&bytes(&key.n))
        }
        AlgorithmParameters::EllipticCurve(key) => {
            let (needed, size) = match key.curve {
                EllipticCurve::P256 => (Algorithm::ES256, 32),
                EllipticCurve::P384 => (Algorithm::ES384, 48),
                _ => return false,
            };
            algorithm == needed && bytes(&key.x) == size && bytes(&key.y) == size
        }
        AlgorithmParameters::OctetKeyPair(key) => {
            algorithm == Algorithm::EdDSA && key.curve == EllipticCurve::Ed25519 && bytes(&key.x) == 32
        }
        // A shared secret cannot be published.
        _ => false,
    }
}
