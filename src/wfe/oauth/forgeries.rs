//! Every known way to forge a token, made of a good one, and the doors at which each is tried. For tests.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use oauth2::url::form_urlencoded;
use serde_json::{Value, json};

use super::tokens::tests::parts;
use crate::wfe::fixture::{Answer, Front, SECRET, basic};

/// What forgeries are made of.
pub(super) struct Forge<'a> {
    /// A good token.
    pub good: &'a str,
    /// Signs any header and claims as good tokens are signed.
    pub sign: &'a dyn Fn(&str, &str) -> String,
    /// The public key in all forms in which it could be taken for a secret.
    pub public_key: Vec<Vec<u8>>,
    /// Claims that do not belong into a good token, beside those that no token may have.
    pub claims: &'a [(&'a str, Value)],
    /// Claims that a good token must have.
    pub needed: &'a [&'a str],
    pub now: u64,
}

impl Forge<'_> {
    /// The good token, signed anew.
    pub fn unchanged(&self) -> String {
        self.with(|_| (), |_| ())
    }

    fn with(&self, header: impl FnOnce(&mut Value), claims: impl FnOnce(&mut Value)) -> String {
        let [mut head, mut body] = parts(self.good);
        header(&mut head);
        claims(&mut body);
        (self.sign)(&head.to_string(), &body.to_string())
    }

    fn with_header(&self, name: &str, value: impl Into<Value>) -> String {
        self.with(|head| head[name] = value.into(), |_| ())
    }

    fn with_claim(&self, name: &str, value: impl Into<Value>) -> String {
        self.with(|_| (), |claims| claims[name] = value.into())
    }

    /// Signed as HS256 with a secret.
    fn by_hmac(&self, secret: &[u8]) -> String {
        let [mut head, body] = parts(self.good);
        head["alg"] = "HS256".into();
        let text = [&head, &body].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature =
            jsonwebtoken::crypto::sign(text.as_bytes(), &EncodingKey::from_secret(secret), Algorithm::HS256).unwrap();
        format!("{text}.{signature}")
    }

    /// Name and token of each.
    pub fn all(&self) -> Vec<(String, String)> {
        let (text, signature) = self.good.rsplit_once('.').unwrap();
        let [head, body] = parts(self.good);
        let (now, sign) = (self.now, self.sign);
        let mut all: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, token: String| all.push((name.to_owned(), token));

        let algorithms = [
            "none", "None", "nOnE", "HS256", "ES256", "es256", "ES384", "RS256", "PS256", "EdDSA", "EDDSA", "Ed25519",
            "",
        ];
        for alg in algorithms.into_iter().filter(|alg| head["alg"] != *alg) {
            let token = self.with_header("alg", alg);
            let unsigned = token.rsplit_once('.').unwrap().0.to_owned();
            add(&format!("alg {alg}"), token);
            add(&format!("alg {alg}, empty signature"), format!("{unsigned}."));
            add(&format!("alg {alg}, no signature"), unsigned);
        }
        add("empty signature", format!("{text}."));
        add("no signature", text.to_owned());
        for (at, secret) in self.public_key.iter().enumerate() {
            add(&format!("HS256 with the public key, form {at}"), self.by_hmac(secret));
        }
        let es256 = URL_SAFE_NO_PAD.encode(json!({"alg": "ES256", "typ": "at+jwt", "kid": head["kid"]}).to_string());
        let claims = text.split_once('.').unwrap().1;
        add("ECDSA r=s=0", format!("{es256}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 64])));
        add("EdDSA zeros", format!("{text}.{}", URL_SAFE_NO_PAD.encode([0; 64])));

        let headers: &[(&str, Value)] = &[
            ("typ", "JWT".into()),
            ("typ", "id+jwt".into()),
            ("typ", "logout+jwt".into()),
            ("typ", "at+JWT ".into()),
            ("typ", Value::Null),
            ("kid", "unknown".into()),
            ("kid", "../../../../dev/null".into()),
            ("kid", "' OR 1=1 --".into()),
            ("kid", "https://evil.test/key".into()),
            ("kid", "".into()),
            ("kid", Value::Null),
            ("jku", "https://evil.test/jwks".into()),
            ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})),
            ("x5u", "https://evil.test/cert".into()),
            ("x5c", json!(["MIIB"])),
            ("crit", json!(["exp"])),
            ("crit", json!(["b64"])),
            ("b64", false.into()),
            ("enc", "A128GCM".into()),
            ("zip", "DEF".into()),
            ("cty", "JWT".into()),
        ];
        for (name, value) in headers {
            add(&format!("header {name}: {value}"), self.with_header(name, value.clone()));
        }

        let claims: &[(&str, Value)] = &[
            ("iss", "https://evil.test".into()),
            ("iss", format!("{}/", body["iss"].as_str().unwrap()).into()),
            ("aud", "https://evil.test".into()),
            ("aud", json!(["https://evil.test"])),
            ("exp", (now + 600).to_string().into()),
            ("exp", (-1).into()),
            ("exp", (1_u64 << 63).into()),
            ("exp", u64::MAX.into()),
            ("exp", 1.8e19.into()),
            ("exp", (now + 2 * 24 * 60 * 60).into()),
            ("exp", Value::Null),
            ("nbf", (now + 120).into()),
            ("iat", (now + 120).into()),
            ("iat", "yesterday".into()),
        ];
        for (name, value) in claims {
            add(&format!("claim {name}: {value}"), self.with_claim(name, value.clone()));
        }
        for (name, value) in self.claims {
            add(&format!("claim {name}: {value}"), self.with_claim(name, value.clone()));
        }
        for name in self.needed {
            add(&format!("no {name}"), self.with(|_| (), |claims| drop(claims.as_object_mut().unwrap().remove(*name))));
        }
        for twice in ["\"sub\":\"grace\",", "\"exp\":99999999999,", "\"scope\":\"stream things:write\","] {
            add(
                &format!("twice {twice}"),
                sign(&head.to_string(), &body.to_string().replacen('{', &format!("{{{twice}"), 1)),
            );
        }
        add("header twice", sign(&head.to_string().replacen('{', "{\"alg\":\"none\",", 1), &body.to_string()));
        add("claims that are no object", sign(&head.to_string(), "[]"));
        add("claims with bytes behind", sign(&head.to_string(), &format!("{body}{{}}")));

        for bad in ["", ".", "..", "...", "a.b.c", "null", "Bearer", "eyJ"] {
            add(&format!("{bad:?}"), bad.to_owned());
        }
        add("padded", format!("{}=", self.good));
        add("padded with two", format!("{}==", self.good));
        add("a fourth part", format!("{}.x", self.good));
        add("a byte more", format!("{}A", self.good));
        add("a byte less", self.good[..self.good.len() - 1].to_owned());
        add("another alphabet", format!("{text}.{}+", &signature[1..]));
        add("JWE", format!("{}.{}", self.good, "AAAA.AAAA"));
        add("1 MB", format!("{}.{}", self.good, "A".repeat(1 << 20)));
        add(
            "1 MB of claims",
            sign(
                &head.to_string(),
                &body.to_string().replacen('{', &format!("{{\"a\":\"{}\",", "b".repeat(1 << 20)), 1),
            ),
        );
        let mut changed = body.clone();
        changed["sub"] = "grace".into();
        add(
            "changed claims",
            format!("{}.{}.{signature}", text.split_once('.').unwrap().0, URL_SAFE_NO_PAD.encode(changed.to_string())),
        );
        all
    }
}

/// Every door that takes access tokens.
pub(super) async fn try_doors(front: &Front, token: &str) -> Vec<Answer> {
    let bearer = format!("Bearer {token}");
    let stream = [
        ("authorization", bearer.as_str()),
        ("host", "127.0.0.1"),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    vec![
        front.get("/_stream", &stream).await,
        front.get("/_ajax/scroll", &[("authorization", &bearer)]).await,
        front.get("/_ajax/search?q=a", &[("authorization", &bearer)]).await,
        front.post_json("/_ajax/create", &[("authorization", &bearer)], r#"{"title": "a"}"#).await,
    ]
}

/// Whether introspection says that it can be used.
pub(super) async fn is_active(front: &Front, token: &str) -> bool {
    let secret = basic("system", &SECRET.replace('+', "%2B"));
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
    let answer = front.post_form("/oauth/introspect", &[("authorization", &secret)], &form).await;
    // The largest are not even read.
    assert!(answer.status == 200 || answer.status == 413, "{}", answer.text);
    answer.status == 200 && answer.json()["active"] != false
}

/// Asserts that no door takes a token, and that each says so as it should.
pub(super) async fn is_refused_everywhere(front: &Front, name: &str, token: &str) {
    for answer in try_doors(front, token).await {
        assert!(answer.is(401, "invalid_token"), "{name}: {}", answer.text);
        assert_eq!((answer.json()["code"].as_u64(), answer.header("cache-control")), (Some(105), "no-store"));
        assert!(answer.header("www-authenticate").starts_with("Bearer error=\"invalid_token\""), "{name}");
    }
    if !token.is_empty() {
        assert!(!is_active(front, token).await, "{name}");
    }
}
