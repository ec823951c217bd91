//! Authorisation codes, and the keys that sign access tokens.

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Result, Store, signed};
use crate::access::Principal;

/// What an authorisation code stands for. The code itself is kept only as a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The client that asked for it.
    pub client_id: String,
    /// The user who is logged in.
    pub user: Principal,
    /// Where it was sent.
    pub redirect_uri: String,
    /// PKCE: SHA-256 of the verifier, in base64url.
    pub challenge: String,
    /// What was granted, names with spaces between.
    pub scopes: String,
}

/// A key that signs access tokens.
#[derive(Clone)]
pub struct SigningKey {
    /// The `kid`.
    pub id: String,
    /// The Ed25519 private key.
    pub pkcs8: Vec<u8>,
}

impl Store {
    /// Keeps a new code until it is used or expires; throws expired ones away.
    ///
    /// # Errors
    /// The database failed.
    pub fn add_code(&self, code: &str, meaning: &Code, now: u64, expires_at: u64) -> Result<()> {
        let json = serde_json::to_string(meaning).expect("texts are JSON");
        self.write(|db| {
            db.execute("DELETE FROM oauth_codes WHERE expires_at <= ?1", [signed(now)])?;
            db.execute(
                "INSERT INTO oauth_codes (hash, code, expires_at) VALUES (?1, ?2, ?3)",
                params![hash(code), json, signed(expires_at)],
            )?;
            Ok(())
        })
    }

    /// Uses a code up: of any number of calls with the same code, one gets its meaning.
    ///
    /// # Errors
    /// The database failed.
    pub fn redeem_code(&self, code: &str, now: u64) -> Result<Option<Code>> {
        const UPDATE: &str =
            "UPDATE oauth_codes SET used = 1 WHERE hash = ?1 AND NOT used AND expires_at > ?2 RETURNING code";
        self.write(|db| {
            let json: Option<String> =
                db.query_row(UPDATE, params![hash(code), signed(now)], |row| row.get(0)).optional()?;
            Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
        })
    }

    /// The signing keys, the newest first. If there is none, `new` becomes the first.
    ///
    /// # Errors
    /// The database failed.
    pub fn signing_keys(&self, now: u64, new: impl FnOnce() -> SigningKey) -> Result<Vec<SigningKey>> {
        self.write(|db| {
            if !db.prepare("SELECT 1 FROM signing_keys")?.exists([])? {
                let key = new();
                db.execute(
                    "INSERT INTO signing_keys (id, pkcs8, created_at) VALUES (?1, ?2, ?3)",
                    params![key.id, key.pkcs8, signed(now)],
                )?;
            }
            let mut query = db.prepare("SELECT id, pkcs8 FROM signing_keys ORDER BY created_at DESC, rowid DESC")?;
            let keys = query.query_map([], |row| Ok(SigningKey { id: row.get(0)?, pkcs8: row.get(1)? }))?;
            Ok(keys.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn hash(code: &str) -> Vec<u8> {
    Sha256::digest(code).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    #[test]
    fn of_two_uses_of_a_code_one_wins_and_after_its_time_none() {
        let fixture = Fixture::new();
        let meaning = Code {
            client_id: "app".into(),
            user: fixture.ada.clone(),
            redirect_uri: "http://127.0.0.1/callback".into(),
            challenge: "x".into(),
            scopes: "stream".into(),
        };
        fixture.store.add_code("one", &meaning, 100, 160).unwrap();
        fixture.store.add_code("two", &meaning, 100, 160).unwrap();
        assert_eq!(fixture.store.redeem_code("one", 159).unwrap(), Some(meaning));
        assert_eq!(fixture.store.redeem_code("one", 159).unwrap(), None);
        assert_eq!(fixture.store.redeem_code("two", 160).unwrap(), None);
        assert_eq!(fixture.store.redeem_code("three", 0).unwrap(), None);
    }

    #[test]
    fn the_first_key_stays() {
        let fixture = Fixture::new();
        let key = |id: &str| SigningKey { id: id.into(), pkcs8: vec![1] };
        fixture.store.signing_keys(1, || key("first")).unwrap();
        let keys = fixture.store.signing_keys(2, || key("second")).unwrap();
        assert_eq!(keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["first"]);
    }
}
