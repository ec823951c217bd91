//! Where access tokens come from.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use super::tls::Distrust;

/// No access token could be had.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct TokenError {
    /// Why.
    pub message: String,
    /// Whether it may work later: the client then tries again, as for a lost connection.
    pub temporary: bool,
    /// What is wrong with the server's certificate, if that is why.
    pub distrust: Option<Distrust>,
}

impl TokenError {
    /// An error that trying again does not mend.
    pub fn lasting(message: impl Into<String>) -> Self {
        Self { message: message.into(), temporary: false, distrust: None }
    }

    /// An error that may go away by itself.
    pub fn temporary(message: impl Into<String>) -> Self {
        Self { message: message.into(), temporary: true, distrust: None }
    }
}

pub(super) type TokenFuture = Pin<Box<dyn Future<Output = Result<String, TokenError>> + Send>>;

/// One token, or a function that gives a good one whenever it is asked: at each connect, and before
/// the present one expires.
#[derive(Clone)]
pub struct TokenSource(pub(super) Source);

#[derive(Clone)]
pub(super) enum Source {
    Fixed(String),
    Function(Arc<dyn Fn() -> TokenFuture + Send + Sync>),
}

impl TokenSource {
    /// Tokens from a function.
    ///
    /// ```
    /// use widgetapp::client::TokenSource;
    /// let tokens = TokenSource::from_fn(|| async { Ok("a fresh token".to_owned()) });
    /// ```
    pub fn from_fn<F, T>(function: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, TokenError>> + Send + 'static,
    {
        Self(Source::Function(Arc::new(move || Box::pin(function()))))
    }

    pub(super) async fn token(&self) -> Result<String, TokenError> {
        match &self.0 {
            Source::Fixed(token) => Ok(token.clone()),
            Source::Function(function) => function().await,
        }
    }

    /// A future that fetches a new token, if there can be a new one.
    pub(super) fn fresh(&self) -> Option<TokenFuture> {
        match &self.0 {
            Source::Fixed(_) => None,
            Source::Function(function) => Some(function()),
        }
    }
}

impl From<String> for TokenSource {
    fn from(token: String) -> Self {
        Self(Source::Fixed(token))
    }
}

impl From<&str> for TokenSource {
    fn from(token: &str) -> Self {
        Self::from(token.to_owned())
    }
}

impl fmt::Debug for TokenSource {
    // A token opens doors, so it is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Fixed(_) => "TokenSource(fixed)",
            Source::Function(_) => "TokenSource(function)",
        })
    }
}
