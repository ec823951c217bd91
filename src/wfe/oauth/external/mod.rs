//! Access tokens of an external OpenID Connect issuer, which are taken beside our own.
//!
//! Owns when such a token is good, and which user of ours it stands for: one who is there already. What they may do
//! then is for `access`, as with every caller. The issuer is called for its keys alone, by one task that nobody
//! holds a lock for.

mod claims;
mod fetch;
mod keys;

#[cfg(test)]
mod forgery_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod keys_tests;
#[cfg(test)]
mod test_issuer;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jsonwebtoken::Algorithm;
use tokio::sync::{Notify, Semaphore, watch};

use self::{
    claims::{Claims, Parts, claimed_issuer},
    fetch::Source,
    keys::{Key, Keys, Looked, Pace, read_set},
};
use super::{remembered::Remembered, tokens::TokenError};
use crate::{
    access::{Caller, Kind, Principal, Proof, Records as _},
    clock, config,
    protocol::limits::MAX_TOKEN_BYTES,
    store::Store,
};

/// Requests that may wait for keys at a time.
const MOST_WAITING: usize = 1000;

/// The issuer, as far as its tokens concern us.
pub struct External {
    store: Store,
    config: config::External,
    issuer: String,
    organisation: String,
    algorithms: Vec<Algorithm>,
    source: Source,
    keys: Mutex<Keys>,
    /// Somebody waits for a fetch.
    wanted: Notify,
    /// A fetch is over.
    over: watch::Sender<()>,
    waiting: Semaphore,
    /// With the key that has verified it: what an older key has said counts no more.
    remembered: Remembered<(Arc<Key>, Claims)>,
}

/// What a good token of the issuer stands for.
#[derive(Clone, Debug)]
pub struct ExternalToken {
    /// Who calls with it: a user of ours.
    pub caller: Caller,
    /// When it was issued, seconds since 1970.
    pub issued_at: u64,
    /// When it expires.
    pub expires_at: u64,
    /// The application that has it, by its name at the issuer.
    pub client: Option<String>,
    /// Its own id.
    pub id: Option<String>,
}

impl External {
    /// The issuer that the configuration names, if it names one.
    pub(super) fn new(store: &Store, config: &config::External) -> Option<Arc<Self>> {
        Self::at_pace(store, config, Pace::USUAL)
    }

    fn at_pace(store: &Store, config: &config::External, pace: Pace) -> Option<Arc<Self>> {
        let issuer = config.issuer.clone()?;
        Some(Arc::new(Self {
            store: store.clone(),
            organisation: config.organisation.clone().unwrap_or_default(),
            algorithms: config.algorithms.iter().filter_map(|name| name.parse().ok()).collect(),
            source: Source { issuer: issuer.clone(), jwks_uri: config.jwks_uri.clone() },
            config: config.clone(),
            issuer,
            keys: Mutex::new(Keys::new(pace)),
            wanted: Notify::new(),
            over: watch::Sender::new(()),
            waiting: Semaphore::new(MOST_WAITING),
            remembered: Remembered::new(),
        }))
    }

    /// Its `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The `aud` by which it knows us.
    pub fn audience(&self) -> &str {
        self.config.audience.as_deref().unwrap_or_default()
    }

    /// Whether a token says that it is one of this issuer's.
    pub fn is_named_by(&self, token: &str) -> bool {
        token.len() <= MAX_TOKEN_BYTES && claimed_issuer(token).is_some_and(|issuer| issuer == self.issuer)
    }

    /// Fetches the keys, again and again, as long as the process lives.
    pub async fn keep_keys(self: Arc<Self>) {
        let Self { organisation, issuer, .. } = &*self;
        if self.store.organisations().is_ok_and(|known| !known.contains(organisation)) {
            tracing::warn!(organisation, "oauth.external.organisation is not there; no token of {issuer} is taken");
        }
        loop {
            let due = self.keys().due(clock::now());
            tokio::select! {
                () = self.wanted.notified() => {}
                () = tokio::time::sleep(due) => {}
            }
            if self.keys().begin(clock::now()) {
                self.fetch().await;
            }
        }
    }

    async fn fetch(&self) {
        let fetched = self.source.fetch().await.and_then(|json| read_set(&json, &self.algorithms));
        match &fetched {
            Ok(set) => {
                tracing::debug!(issuer = self.issuer, keys = set.len(), "the external issuer's keys are fetched")
            }
            Err(why) => {
                tracing::warn!(issuer = self.issuer, "the external issuer's keys cannot be fetched: {why}");
            }
        }
        self.keys().end(fetched.ok(), clock::now());
        self.over.send_replace(());
    }

    /// Checks a token. It may wait for the issuer, some seconds at the most, if its key is not known yet.
    ///
    /// # Errors
    /// [`TokenError::Foreign`], [`TokenError::NoKeys`], [`TokenError::Expired`], [`TokenError::Store`].
    pub(super) async fn verify(&self, token: &str) -> Result<ExternalToken, TokenError> {
        let wrong = |why| self.refusal(why);
        let parts = Parts::of(token, self.config.plain_jwt).map_err(wrong)?;
        let key = self.key(&parts.kid).await?;
        let now = clock::unix_seconds();
        let remembered = self.remembered.find(token).filter(|(by, _)| Arc::ptr_eq(by, &key));
        let claims = match remembered {
            Some((_, claims)) => claims,
            None => {
                let claims = parts.verify(&key, &self.config, now).map_err(wrong)?;
                self.remembered.keep(token, (key, claims.clone()), claims.expires_at, now);
                claims
            }
        };
        if claims.expires_at <= now {
            return Err(TokenError::Expired);
        }
        self.stands_for(claims)
    }

    /// Whom a good token stands for.
    fn stands_for(&self, claims: Claims) -> Result<ExternalToken, TokenError> {
        let Claims { user, groups, scopes, issued_at, expires_at, client, id } = claims;
        let organisation = &self.organisation;
        let principal = Principal { kind: Kind::User, name: user, organisation: organisation.clone() };
        if !self.store.standing(&principal)?.active {
            let (claim, user) = (&self.config.user_claim, principal.name.escape_debug());
            let why = format!("it is for \"{user}\", by its \"{claim}\", and {organisation} has no such user");
            return Err(self.refusal(why));
        }
        let groups = groups.map(|groups| self.store.groups_among(&groups, organisation)).transpose()?;
        let caller = Caller { principal, proof: Proof::External { issued_at, groups }, scopes };
        if !self.store.holds(&caller)? {
            return Err(self.refusal("it was issued before all tokens of its user were ended".into()));
        }
        Ok(ExternalToken { caller, issued_at, expires_at, client, id })
    }

    async fn key(&self, kid: &str) -> Result<Arc<Key>, TokenError> {
        // Taken before the look: a fetch that ends after it is noticed.
        let mut over = self.over.subscribe();
        let mut looked = self.keys().look(kid, clock::now());
        if let Looked::Wait = looked {
            let Ok(_place) = self.waiting.try_acquire() else { return Err(self.no_keys(fetch::WITHIN)) };
            self.wanted.notify_one();
            // A fetch takes no longer; the second is for whoever is slow to begin it.
            let _ = tokio::time::timeout(fetch::WITHIN + Duration::from_secs(1), over.changed()).await;
            looked = self.keys().look_again(kid, clock::now());
        }
        match looked {
            Looked::Found(key) => Ok(key),
            Looked::Unknown => Err(self.refusal("its key is not one of the issuer's".into())),
            Looked::NotNow(wait) => Err(self.no_keys(wait)),
            Looked::Wait => Err(self.no_keys(fetch::WITHIN)),
        }
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusal(&self, why: String) -> TokenError {
        TokenError::Foreign { issuer: self.issuer.clone(), why }
    }

    fn no_keys(&self, wait: Duration) -> TokenError {
        let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
        TokenError::NoKeys { issuer: self.issuer.clone(), retry_after_ms }
    }
}
