//! Login sessions, kept in the store so that people stay logged in when `_wfe` is restarted.
//!
//! A session's id is kept only as a hash: a copy of the file lets nobody in.

use std::{collections::HashMap, fmt};

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store,
};

use super::{Store, signed};
use crate::{
    access::{Change, Principal},
    clock,
};

/// In SQL, the name of the user of a login.
pub(super) const USER_OF_LOGIN: &str = "json_extract(data, '$.\"axum-login.data\".user_id')";

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        // 128 random bits do not meet by chance, so there is nothing to try again.
        self.save(record).await
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let data =
            serde_json::to_string(&record.data).map_err(|error| session_store::Error::Encode(error.to_string()))?;
        // Whoever lets somebody in saves it, to know whether that went well; the session layer does it once more.
        if self.load(&record.id).await?.as_ref() == Some(record) {
            return Ok(());
        }
        let (hash, expires_at) = (hash(&record.id), record.expiry_date.unix_timestamp());
        self.off_thread(move |store| {
            store.write(|db| {
                db.execute("DELETE FROM login_sessions WHERE expires_at <= ?1", [signed(clock::unix_seconds())])?;
                db.execute(
                    "INSERT OR REPLACE INTO login_sessions (hash, data, expires_at) VALUES (?1, ?2, ?3)",
                    params![hash, data, expires_at],
                )?;
                Ok(())
            })
        })
        .await
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        const QUERY: &str = "SELECT data, expires_at FROM login_sessions WHERE hash = ?1 AND expires_at > ?2";
        let found: Option<(String, i64)> = self
            .read(|db| {
                let mut query = db.prepare_cached(QUERY)?;
                let now = signed(clock::unix_seconds());
                Ok(query.query_row(params![hash(id), now], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
            })
            .map_err(|error| failed(&error))?;
        let Some((data, expires_at)) = found else {
            return Ok(None);
        };
        let decode = |error: &dyn fmt::Display| session_store::Error::Decode(error.to_string());
        let data: HashMap<String, Value> = serde_json::from_str(&data).map_err(|error| decode(&error))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(expires_at).map_err(|error| decode(&error))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let hash = hash(id);
        self.off_thread(move |store| {
            store.change_access(|db| {
                db.execute("DELETE FROM login_sessions WHERE hash = ?1", [&hash])?;
                Ok(((), Some(Change::LoggedOut(hash))))
            })
        })
        .await
    }
}

impl Store {
    /// Whether somebody's login is still there, and theirs under the name that they have; `hash` is what is kept of
    /// its id.
    pub(super) fn login_is_there(&self, hash: &[u8], of: &Principal) -> super::Result<bool> {
        let query =
            format!("SELECT 1 FROM login_sessions WHERE hash = ?1 AND expires_at > ?2 AND {USER_OF_LOGIN} = ?3");
        self.read(|db| Ok(db.prepare_cached(&query)?.exists(params![hash, signed(clock::unix_seconds()), of.name])?))
    }

    /// Logins come in crowds, and each write waits for the disk.
    async fn off_thread(
        &self,
        write: impl FnOnce(&Self) -> super::Result<()> + Send + 'static,
    ) -> session_store::Result<()> {
        let store = self.clone();
        let written = tokio::task::spawn_blocking(move || write(&store)).await;
        written.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }
}

/// Told here, once for all who ask: the layers between would tell it with each request.
fn failed(error: &dyn fmt::Display) -> session_store::Error {
    crate::limiter::seldom!(error, %error, "a login cannot be read or stored");
    session_store::Error::Backend(error.to_string())
}

/// What is kept of a login's id.
pub fn hash(id: &Id) -> Vec<u8> {
    Sha256::digest(id.0.to_be_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    #[tokio::test]
    async fn a_login_is_there_after_a_restart_until_it_expires_or_ends() {
        let fixture = Fixture::new();
        let mut record = Record {
            id: Id(5),
            data: HashMap::from([("user".into(), Value::from("ada"))]),
            expiry_date: OffsetDateTime::from_unix_timestamp(signed(clock::unix_seconds()) + 60).unwrap(),
        };
        fixture.store.create(&mut record).await.unwrap();
        let reopened = Store::open(fixture.dir.path()).unwrap();
        assert_eq!(reopened.load(&Id(5)).await.unwrap(), Some(record.clone()));
        reopened.delete(&Id(5)).await.unwrap();
        assert_eq!(fixture.store.load(&Id(5)).await.unwrap(), None);

        record.expiry_date = OffsetDateTime::from_unix_timestamp(signed(clock::unix_seconds()) - 1).unwrap();
        fixture.store.save(&record).await.unwrap();
        assert_eq!(fixture.store.load(&Id(5)).await.unwrap(), None);
    }
}
