//! Authorisation codes, remembered consents, and the keys that sign access tokens.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    Result, Store, StoreError,
    accounts::known_id_of,
    grants,
    grants::{FirstTokens, NewGrant},
    signed, unsigned,
};
use crate::access::{Change, Principal};

/// What an authorisation code stands for. The code itself is kept only as a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The grant that it begins.
    pub grant: Uuid,
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

/// What became of a code that was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// The grant has begun.
    Granted(Code),
    /// The code was good, but not presented as it must be. It is used up.
    Refused,
    /// It was used before: two have it. What it gave the first time is ended, unless it was already.
    Reused(Option<Uuid>),
    /// It is no code, or has expired.
    Unknown,
}

/// A key that signs access tokens.
#[derive(Clone)]
pub struct SigningKey {
    /// The `kid`.
    pub id: String,
    /// The Ed25519 private key.
    pub pkcs8: Vec<u8>,
}

/// A key as it is kept.
#[derive(Clone)]
pub struct KeptKey {
    /// The key.
    pub key: SigningKey,
    /// Since when it is there, seconds since 1970.
    pub created_at: u64,
    /// When the last token expires that it signed; none for the key that signs.
    pub verifies_until: Option<u64>,
}

impl Store {
    /// Keeps a new code, and codes that were used or have expired for `keep_seconds` more: only so long can
    /// it be told that a code was used twice.
    ///
    /// # Errors
    /// The database failed.
    pub fn add_code(&self, code: &str, meaning: &Code, now: u64, expires_at: u64, keep_seconds: u64) -> Result<()> {
        let json = serde_json::to_string(meaning).expect("texts are JSON");
        self.write(|db| {
            db.execute("DELETE FROM oauth_codes WHERE expires_at <= ?1", [signed(now.saturating_sub(keep_seconds))])?;
            db.execute(
                "INSERT INTO oauth_codes (hash, code, expires_at) VALUES (?1, ?2, ?3)",
                params![hash(code), json, signed(expires_at)],
            )?;
            Ok(())
        })
    }

    /// Uses a code up, whatever comes of it: of any number of calls with the same code, one begins the
    /// grant, if `accept` gives its first tokens, and any other ends it.
    ///
    /// # Errors
    /// The database failed.
    pub fn redeem_code(
        &self,
        code: &str,
        now: u64,
        accept: impl FnOnce(&Code) -> Option<FirstTokens>,
    ) -> Result<Redeemed> {
        self.change_grants(|db| {
            let Some((meaning, expires_at, used)) = find_code(db, code)? else { return Ok((Redeemed::Unknown, None)) };
            if used {
                let ended = grants::delete(db, meaning.grant)?.then_some(meaning.grant);
                return Ok((Redeemed::Reused(ended), ended.map(Change::Grant)));
            }
            if expires_at <= now {
                return Ok((Redeemed::Unknown, None));
            }
            db.execute("UPDATE oauth_codes SET used = 1 WHERE hash = ?1", [hash(code)])?;
            let Some(first) = accept(&meaning) else { return Ok((Redeemed::Refused, None)) };
            let Code { grant: id, user: principal, client_id: client, scopes, .. } = meaning.clone();
            match grants::insert(db, &NewGrant { id, principal, client, scopes, first }, now) {
                Ok(()) => Ok((Redeemed::Granted(meaning), None)),
                // Disabled since they agreed.
                Err(StoreError::Absent(_)) => Ok((Redeemed::Refused, None)),
                Err(error) => Err(error),
            }
        })
    }

    /// The scopes that a user has allowed a client, names with spaces between; none if they were not asked yet.
    ///
    /// # Errors
    /// The database failed.
    pub fn consent(&self, user: &Principal, client: &str) -> Result<Option<String>> {
        const QUERY: &str = "SELECT scopes FROM oauth_consents WHERE principal = ?1 AND client = ?2";
        self.read(|db| {
            let id = known_id_of(db, user)?;
            Ok(db.prepare_cached(QUERY)?.query_row(params![id, client], |row| row.get(0)).optional()?)
        })
    }

    /// Remembers the scopes that a user allows a client, instead of those that were remembered.
    ///
    /// # Errors
    /// There is no such user, or the database failed.
    pub fn remember_consent(&self, user: &Principal, client: &str, scopes: &str) -> Result<()> {
        const INSERT: &str = "INSERT OR REPLACE INTO oauth_consents (principal, client, scopes) VALUES (?1, ?2, ?3)";
        self.write(|db| {
            db.execute(INSERT, params![known_id_of(db, user)?, client, scopes])?;
            Ok(())
        })
    }

    /// The keys, the newest first; that one signs. If there is none, `new` becomes the first.
    ///
    /// # Errors
    /// The database failed.
    pub fn signing_keys(&self, now: u64, new: impl FnOnce() -> SigningKey) -> Result<Vec<KeptKey>> {
        self.write(|db| {
            if !db.prepare("SELECT 1 FROM signing_keys")?.exists([])? {
                insert_key(db, &new(), now)?;
            }
            kept_keys(db, now)
        })
    }

    /// Signs with a new key from now on. The others stay until the last token has expired.
    ///
    /// # Errors
    /// The database failed.
    pub fn rotate_signing_keys(&self, now: u64, new: &SigningKey) -> Result<Vec<KeptKey>> {
        const RETIRE: &str = "UPDATE signing_keys SET verifies_until = (
                SELECT max(?1, coalesce(max(access_until), 0)) FROM oauth_grants
            ) WHERE verifies_until IS NULL";
        self.write(|db| {
            db.execute(RETIRE, [signed(now)])?;
            insert_key(db, new, now)?;
            kept_keys(db, now)
        })
    }
}

fn find_code(db: &Connection, code: &str) -> Result<Option<(Code, u64, bool)>> {
    let mut query = db.prepare_cached("SELECT code, expires_at, used FROM oauth_codes WHERE hash = ?1")?;
    let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, unsigned(row.get(1)?), row.get(2)?));
    let found = query.query_row([hash(code)], read).optional()?;
    Ok(found.and_then(|(json, expires_at, used)| Some((serde_json::from_str(&json).ok()?, expires_at, used))))
}

fn insert_key(db: &Connection, key: &SigningKey, now: u64) -> Result<()> {
    let insert = "INSERT INTO signing_keys (id, pkcs8, created_at) VALUES (?1, ?2, ?3)";
    db.execute(insert, params![key.id, key.pkcs8, signed(now)])?;
    Ok(())
}

fn kept_keys(db: &Connection, now: u64) -> Result<Vec<KeptKey>> {
    db.execute("DELETE FROM signing_keys WHERE verifies_until <= ?1", [signed(now)])?;
    let mut query = db.prepare(
        "SELECT id, pkcs8, created_at, verifies_until FROM signing_keys
            ORDER BY verifies_until IS NOT NULL, created_at DESC, rowid DESC",
    )?;
    let keys = query.query_map([], |row| {
        Ok(KeptKey {
            key: SigningKey { id: row.get(0)?, pkcs8: row.get(1)? },
            created_at: unsigned(row.get(2)?),
            verifies_until: row.get::<_, Option<i64>>(3)?.map(unsigned),
        })
    })?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}

fn hash(code: &str) -> Vec<u8> {
    Sha256::digest(code).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock, store::fixture::Fixture};

    fn code(fixture: &Fixture) -> Code {
        Code {
            grant: clock::new_id(),
            client_id: "app".into(),
            user: fixture.ada.clone(),
            redirect_uri: "http://127.0.0.1/callback".into(),
            challenge: "x".into(),
            scopes: "stream".into(),
        }
    }

    fn first(_: &Code) -> Option<FirstTokens> {
        Some(FirstTokens { access_until: 1000, refresh: None })
    }

    #[test]
    fn of_two_uses_of_a_code_the_first_begins_the_grant_and_the_second_ends_it() {
        let fixture = Fixture::new();
        let (store, code) = (&fixture.store, code(&fixture));
        store.add_code("one", &code, 100, 160, 600).unwrap();
        let mut endings = store.watch().unwrap();
        assert_eq!(store.redeem_code("one", 159, first).unwrap(), Redeemed::Granted(code.clone()));
        assert!(store.grant_is_live(code.grant, &code.user).unwrap());
        assert_eq!(
            store.redeem_code("one", 300, |_| panic!("it is used")).unwrap(),
            Redeemed::Reused(Some(code.grant))
        );
        assert!(!store.grant_is_live(code.grant, &code.user).unwrap());
        assert_eq!(endings.try_recv().unwrap(), Change::Grant(code.grant));
    }

    #[test]
    fn of_uses_of_a_code_at_the_same_moment_one_wins() {
        let fixture = Fixture::new();
        for round in 0..20 {
            let (store, code, name) = (&fixture.store, code(&fixture), format!("code {round}"));
            store.add_code(&name, &code, 100, 160, 600).unwrap();
            let start = std::sync::Barrier::new(8);
            let mut outcomes = std::thread::scope(|scope| {
                let redeem = || {
                    start.wait();
                    store.redeem_code(&name, 159, first).unwrap()
                };
                let all: Vec<_> = (0..8).map(|_| scope.spawn(redeem)).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
            });
            outcomes.sort_by_key(|outcome| matches!(outcome, Redeemed::Reused(_)));
            assert_eq!(outcomes[0], Redeemed::Granted(code.clone()));
            assert!(outcomes[1..].iter().all(|outcome| matches!(outcome, Redeemed::Reused(_))), "{outcomes:?}");
            assert!(!store.grant_is_live(code.grant, &code.user).unwrap());
        }
    }

    #[test]
    fn a_code_presented_wrongly_too_late_or_for_a_user_who_is_gone_gives_nothing() {
        let fixture = Fixture::new();
        let (store, code) = (&fixture.store, code(&fixture));
        for name in ["wrong", "late", "gone"] {
            store.add_code(name, &Code { grant: clock::new_id(), ..code.clone() }, 100, 160, 600).unwrap();
        }
        assert_eq!(store.redeem_code("wrong", 159, |_| None).unwrap(), Redeemed::Refused);
        assert_eq!(store.redeem_code("wrong", 159, first).unwrap(), Redeemed::Reused(None));
        assert_eq!(store.redeem_code("late", 160, first).unwrap(), Redeemed::Unknown);
        assert_eq!(store.redeem_code("no code", 0, first).unwrap(), Redeemed::Unknown);
        store.set_disabled("ada", true).unwrap();
        assert_eq!(store.redeem_code("gone", 159, first).unwrap(), Redeemed::Refused);
    }

    #[test]
    fn consent_is_remembered_for_a_user_and_a_client() {
        let fixture = Fixture::new();
        let (store, ada) = (&fixture.store, &fixture.ada);
        assert_eq!(store.consent(ada, "app").unwrap(), None);
        store.remember_consent(ada, "app", "stream").unwrap();
        store.remember_consent(ada, "app", "stream things:read").unwrap();
        assert_eq!(store.consent(ada, "app").unwrap().as_deref(), Some("stream things:read"));
        assert_eq!(store.consent(&fixture.grace, "app").unwrap(), None);
        assert_eq!(store.consent(ada, "other").unwrap(), None);
    }

    #[test]
    fn an_old_key_stays_until_the_last_token_has_expired() {
        let fixture = Fixture::new();
        let store = &fixture.store;
        let key = |id: &str| SigningKey { id: id.into(), pkcs8: vec![1] };
        let ids = |keys: Vec<KeptKey>| keys.into_iter().map(|kept| kept.key.id).collect::<Vec<_>>();
        store.signing_keys(1, || key("first")).unwrap();
        assert_eq!(ids(store.signing_keys(2, || key("never")).unwrap()), ["first"]);
        store.add_code("one", &code(&fixture), 100, 160, 600).unwrap();
        store.redeem_code("one", 150, first).unwrap();
        assert_eq!(ids(store.rotate_signing_keys(200, &key("second")).unwrap()), ["second", "first"]);
        assert_eq!(ids(store.signing_keys(999, || key("never")).unwrap()), ["second", "first"]);
        assert_eq!(ids(store.signing_keys(1000, || key("never")).unwrap()), ["second"]);
    }
}
