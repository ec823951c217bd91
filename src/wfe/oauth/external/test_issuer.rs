//! A small OpenID Connect issuer, for tests: it signs whatever it is told to, and behaves as badly as it is told to.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::stream;
use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, jwk::Jwk};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// By what it signs.
pub const ALGORITHM: Algorithm = Algorithm::ES256;
/// Where its keys are.
pub const KEYS_PATH: &str = "/keys";
const DESCRIPTION_PATH: &str = "/.well-known/openid-configuration";

/// How it answers.
#[derive(Clone, Debug)]
pub enum Manner {
    /// As it should.
    Good,
    /// Its description is something else.
    Describes(Value),
    /// Its keys are something else.
    Publishes(Value),
    /// With this status.
    Fails(u16),
    /// With a redirect to another address.
    Redirects(String),
    /// A byte now and then, without end.
    Drips,
    /// As fast as it can, a gigabyte.
    Floods,
}

/// The issuer, as long as it lives.
pub struct TestIssuer {
    /// Its address, and the `iss` of its tokens.
    pub url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    url: String,
    manner: Mutex<Manner>,
    key: Mutex<Key>,
    asked: AtomicUsize,
    sent: AtomicU64,
}

struct Key {
    pair: KeyPair,
    id: String,
}

impl TestIssuer {
    /// Starts one on a port of its own.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared {
            url: url.clone(),
            manner: Mutex::new(Manner::Good),
            key: Mutex::new(new_key(1)),
            asked: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
        });
        let app = Router::new().fallback(answer).with_state(shared.clone());
        let server =
            tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves until it is ended") });
        Self { url, shared, server }
    }

    /// Answers like this from now on.
    pub fn behave(&self, manner: Manner) {
        *self.shared.manner.lock().expect("no test panicked here") = manner;
    }

    /// Signs with a new key from now on, and publishes only that.
    pub fn rotate(&self) {
        let mut key = self.shared.key.lock().expect("as above");
        let next = key.id.trim_start_matches("key-").parse::<u32>().expect("we wrote it") + 1;
        *key = new_key(next);
    }

    /// The same, under the name that the former key had.
    pub fn replace_key(&self) {
        let mut key = self.shared.key.lock().expect("as above");
        let id = key.id.clone();
        *key = Key { id, ..new_key(0) };
    }

    /// How often its keys were asked for.
    pub fn fetches(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// How many bytes it has sent of a flood.
    pub fn flooded(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// What it publishes.
    pub fn key_set(&self) -> Value {
        self.shared.key_set()
    }

    /// The public key in all forms in which it could be taken for a secret.
    pub fn public_key(&self) -> Vec<Vec<u8>> {
        let jwk = &self.key_set()["keys"][0];
        let key = self.shared.key.lock().expect("as above");
        let (raw, der) = (key.pair.public_key_raw().to_vec(), key.pair.subject_public_key_info());
        let pem = key.pair.public_key_pem();
        vec![raw, der, pem.trim().as_bytes().to_vec(), pem.into_bytes(), jwk.to_string().into_bytes()]
    }

    /// What a good token says, about ada; but for these, and null takes one away.
    pub fn claims(&self, now: u64, changes: &Value) -> Value {
        let mut claims = json!({
            "iss": self.url, "aud": "widgetapp", "sub": "8f14e45f", "preferred_username": "ada", "client_id": "planner",
            "iat": now, "exp": now + 600, "jti": "1", "scope": "openid stream things:read things:write",
        });
        let claims_object = claims.as_object_mut().expect("it is one");
        claims_object.extend(changes.as_object().expect("changes are one").clone());
        claims_object.retain(|_, value| !value.is_null());
        claims
    }

    /// A token that says this, with its present key.
    pub fn token(&self, claims: &Value) -> String {
        let id = self.shared.key.lock().expect("as above").id.clone();
        self.sign(&json!({"typ": "at+jwt", "alg": "ES256", "kid": id}).to_string(), &claims.to_string())
    }

    /// Anything, signed.
    pub fn sign(&self, head: &str, body: &str) -> String {
        let key = self.shared.key.lock().expect("as above");
        sign(&key.encoding(), ALGORITHM, head, body)
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Header and body, signed.
pub fn sign(key: &EncodingKey, algorithm: Algorithm, head: &str, body: &str) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(body));
    let signature = jsonwebtoken::crypto::sign(text.as_bytes(), key, algorithm).expect("the key is good");
    format!("{text}.{signature}")
}

fn new_key(number: u32) -> Key {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("ring makes such keys");
    Key { pair, id: format!("key-{number}") }
}

impl Key {
    fn encoding(&self) -> EncodingKey {
        EncodingKey::from_ec_der(&self.pair.serialize_der())
    }
}

impl Shared {
    fn key_set(&self) -> Value {
        let key = self.key.lock().expect("as above");
        let mut jwk = Jwk::from_encoding_key(&key.encoding(), ALGORITHM).expect("the key is good");
        jwk.common.key_id = Some(key.id.clone());
        json!({ "keys": [jwk] })
    }

    fn good(&self, path: &str) -> Value {
        match path {
            DESCRIPTION_PATH => json!({"issuer": self.url, "jwks_uri": format!("{}{KEYS_PATH}", self.url)}),
            _ => self.key_set(),
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path();
    if path != DESCRIPTION_PATH {
        shared.asked.fetch_add(1, Ordering::SeqCst);
    }
    let manner = shared.manner.lock().expect("as above").clone();
    let json = match manner {
        Manner::Describes(description) if path == DESCRIPTION_PATH => description,
        Manner::Publishes(keys) if path != DESCRIPTION_PATH => keys,
        Manner::Good | Manner::Describes(_) | Manner::Publishes(_) => shared.good(path),
        Manner::Fails(status) => return StatusCode::from_u16(status).expect("a status").into_response(),
        Manner::Redirects(to) => return Redirect::temporary(&to).into_response(),
        Manner::Drips => {
            let drops = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
            });
            return Body::from_stream(drops).into_response();
        }
        Manner::Floods => {
            let piece = Bytes::from(vec![b' '; 64 * 1024]);
            let flood = stream::iter((0..16 * 1024).map(move |_| {
                shared.sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
                Ok::<_, std::io::Error>(piece.clone())
            }));
            return Body::from_stream(flood).into_response();
        }
    };
    axum::Json(json).into_response()
}
