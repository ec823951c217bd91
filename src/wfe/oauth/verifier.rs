//! Whose access tokens are taken: our own, and those of the external issuer, if there is one.

use std::sync::Arc;

use super::{
    external::{External, ExternalToken},
    tokens::{TokenError, Tokens, Verified},
};
use crate::{access::Caller, clock, config::Oauth, store::Store};

/// Verifies access tokens for every door. Cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    own: Tokens,
    external: Option<Arc<External>>,
}

/// A good access token.
#[derive(Clone, Debug)]
pub enum AccessToken {
    /// One of ours.
    Own(Verified),
    /// One of the external issuer's.
    External(ExternalToken),
}

impl AccessToken {
    /// Who calls with it.
    pub fn caller(self) -> Caller {
        match self {
            Self::Own(token) => token.caller(),
            Self::External(token) => token.caller,
        }
    }

    /// When it expires, seconds since 1970.
    pub fn expires_at(&self) -> u64 {
        match self {
            Self::Own(token) => token.expires_at,
            Self::External(token) => token.expires_at,
        }
    }
}

impl Verifier {
    /// For our own tokens and those of the issuer that the configuration names.
    pub(in crate::wfe) fn new(own: Tokens, store: &Store, config: &Oauth) -> Self {
        let external = External::new(store, &config.external);
        if external.as_ref().is_some_and(|external| external.issuer() == own.issuer()) {
            tracing::warn!("oauth.external.issuer is this server itself, whose tokens are taken anyway");
            return Self { own, external: None };
        }
        Self { own, external }
    }

    /// The external issuer.
    pub fn external(&self) -> Option<&Arc<External>> {
        self.external.as_ref()
    }

    /// The external issuer, if a token says that it is one of its.
    pub(super) fn issuer_of(&self, token: &str) -> Option<&External> {
        self.external.as_deref().filter(|external| external.is_named_by(token))
    }

    /// Checks a token. For our own it never waits; for another issuer's it may wait some seconds for a key.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn verify(&self, token: &str) -> Result<AccessToken, TokenError> {
        match self.issuer_of(token) {
            Some(external) => external.verify(token).await.map(AccessToken::External),
            None => self.own.verify(token, clock::unix_seconds()).map(AccessToken::Own),
        }
    }
}
