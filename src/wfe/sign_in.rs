//! Names and passwords: who may log in, how often it may be tried, and what is remembered of it.
//!
//! Knows nothing of cookies or forms; the same check serves HTTP Basic.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum_login::{AuthUser, AuthnBackend};
use sha2::{Digest, Sha256};

use super::{
    passwords::{Busy, Passwords},
    problem::Problem,
    tries::Tries,
};
use crate::{
    access::Principal,
    clock, metrics,
    protocol::ErrorCode,
    store::{Store, StoreError},
};

/// How long a right password need not be hashed again: programs that use HTTP Basic send it with
/// every request.
const REMEMBER: Duration = Duration::from_secs(300);
/// Right passwords remembered; beyond it all are forgotten.
const MOST_REMEMBERED: usize = 1_000;
/// Longer names do not exist, and are all counted as one.
const MAX_NAME_BYTES: usize = 64;

/// Checks names and passwords.
#[derive(Clone)]
pub(super) struct SignIn {
    store: Store,
    passwords: Passwords,
    tries: Arc<Mutex<Tries>>,
    remembered: Arc<Mutex<Remembered>>,
}

/// A user whose name and password were right.
#[derive(Clone)]
pub(super) struct LoggedIn {
    pub principal: Principal,
    /// Changes with the password, which ends older logins.
    fingerprint: [u8; 32],
}

impl fmt::Debug for LoggedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.principal.name)
    }
}

/// A name, a password, and where they came from.
pub(super) struct Credentials {
    pub name: String,
    pub password: String,
    pub address: IpAddr,
}

/// Why a login was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("the name or the password is wrong")]
    Wrong,
    #[error("too many wrong tries")]
    TooMany(Duration),
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wrong => ErrorCode::WrongCredentials.into(),
            Refused::TooMany(wait) => {
                let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                Self::new(ErrorCode::TooManyRequests, "too many wrong passwords; wait and try again")
                    .retry_after(millis)
            }
            Refused::Busy(Busy) => Self::from(ErrorCode::Unavailable).retry_after(1_000),
            Refused::Store(error) => error.into(),
        }
    }
}

impl SignIn {
    pub fn new(store: Store, passwords: Passwords) -> Self {
        Self { store, passwords, tries: Arc::default(), remembered: Arc::new(Mutex::new(Remembered::new())) }
    }

    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Checks name and password; a name that does not exist takes as long and is counted the same.
    pub async fn check(&self, given: &Credentials) -> Result<LoggedIn, Refused> {
        let login = self.store.login(&given.name)?.filter(|login| !login.disabled);
        let hash = login.as_ref().map(|login| login.password_hash.as_str());
        let proof = hash.map(|hash| locked(&self.remembered).proof(given, hash));
        let known = proof.is_some_and(|proof| locked(&self.remembered).holds(&proof, clock::now()));
        if !known {
            self.verify(given, hash).await?;
            let now = clock::now();
            proof.into_iter().for_each(|proof| locked(&self.remembered).keep(proof, now));
        }
        let login = login.ok_or(Refused::Wrong)?;
        Ok(LoggedIn::new(login.principal, &login.password_hash))
    }

    async fn verify(&self, given: &Credentials, hash: Option<&str>) -> Result<(), Refused> {
        let account = if given.name.len() <= MAX_NAME_BYTES { &given.name } else { "" };
        if let Err(wait) = locked(&self.tries).begin(account, given.address, clock::now()) {
            metrics::login(metrics::Login::TooMany);
            return Err(Refused::TooMany(wait));
        }
        let verified = self.passwords.verify(hash, &given.password).await;
        if !matches!(verified, Ok(false)) {
            locked(&self.tries).was_right(account, given.address);
        }
        if verified? {
            metrics::login(metrics::Login::Right);
            Ok(())
        } else {
            metrics::login(metrics::Login::Wrong);
            Err(Refused::Wrong)
        }
    }
}

/// Right passwords of the last minutes, as keyed hashes that mean nothing outside this process.
struct Remembered {
    key: [u8; 32],
    proofs: HashMap<[u8; 32], Instant>,
}

impl Remembered {
    fn new() -> Self {
        Self { key: clock::random_bytes(), proofs: HashMap::new() }
    }

    /// Binds password and stored hash, so that a new password makes the old proof worthless.
    fn proof(&self, given: &Credentials, stored_hash: &str) -> [u8; 32] {
        let mut hasher = Sha256::new_with_prefix(self.key);
        for text in [&given.name, stored_hash, &given.password] {
            hasher.update(text.len().to_be_bytes());
            hasher.update(text);
        }
        hasher.finalize().into()
    }

    fn holds(&self, proof: &[u8; 32], now: Instant) -> bool {
        self.proofs.get(proof).is_some_and(|&since| now < since + REMEMBER)
    }

    fn keep(&mut self, proof: [u8; 32], now: Instant) {
        if self.proofs.len() >= MOST_REMEMBERED {
            self.proofs.clear();
        }
        self.proofs.insert(proof, now);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LoggedIn {
    fn new(principal: Principal, password_hash: &str) -> Self {
        Self { principal, fingerprint: Sha256::digest(password_hash).into() }
    }
}

impl AuthUser for LoggedIn {
    type Id = String;

    fn id(&self) -> String {
        self.principal.name.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.fingerprint
    }
}

impl AuthnBackend for SignIn {
    type User = LoggedIn;
    type Credentials = Credentials;
    type Error = Refused;

    async fn authenticate(&self, given: Credentials) -> Result<Option<LoggedIn>, Refused> {
        match self.check(&given).await {
            Err(Refused::Wrong) => Ok(None),
            other => other.map(Some),
        }
    }

    async fn get_user(&self, name: &String) -> Result<Option<LoggedIn>, Refused> {
        let login = self.store.login(name).inspect_err(|error| {
            crate::limiter::seldom!(error, %error, "the user of a login cannot be read");
        })?;
        let login = login.filter(|login| !login.disabled);
        Ok(login.map(|login| LoggedIn::new(login.principal, &login.password_hash)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    #[tokio::test]
    async fn a_right_password_is_remembered_until_it_is_changed() {
        let Fixture { store, dir: _dir, .. } = Fixture::new();
        let sign_in = SignIn::new(store.clone(), Passwords::new());
        let given = |password: &str| Credentials {
            name: "ada".into(),
            password: password.into(),
            address: IpAddr::from([127, 0, 0, 1]),
        };
        store.set_password("ada", &sign_in.passwords.hash("one").await.unwrap()).unwrap();
        sign_in.check(&given("one")).await.unwrap();
        for _ in 0..10 {
            locked(&sign_in.tries).begin("ada", given("").address, clock::now()).unwrap();
        }
        sign_in.check(&given("one")).await.expect("wrong tries of others do not lock out who is known");
        assert!(matches!(sign_in.check(&given("two")).await, Err(Refused::TooMany(_))));
        store.set_password("ada", "another hash").unwrap();
        assert!(sign_in.check(&given("one")).await.is_err());
    }
}
