//! Someone who can log in: gives access tokens as long as they are wanted.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::{
    http::{AccessToken, Http, HttpError},
    token::TokenSource,
};
use crate::{clock, protocol::action::Action};

/// What streaming and all user actions need.
const SCOPES: &[&str] = &["stream", "things:read", "things:write"];
/// A token that lives no longer than this is not given out: it is renewed 30 s before its end, and must
/// then be another one.
const SPARE_SECONDS: u64 = 60;

/// Who logs in.
#[derive(Clone)]
pub enum Credentials {
    /// A user, with a password.
    User {
        /// The name.
        name: String,
        /// The password.
        password: String,
    },
    /// An OAuth client that acts for itself.
    Client {
        /// The client's id.
        id: String,
        /// Its secret.
        secret: String,
    },
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User { name, .. } => write!(f, "User({name})"),
            Self::Client { id, .. } => write!(f, "Client({id})"),
        }
    }
}

/// A user or client of one server, logged in when needed. Cloning it gives another handle to the same.
#[derive(Clone, Debug)]
pub struct Login(Arc<State>);

#[derive(Debug)]
struct State {
    http: Http,
    credentials: Credentials,
    session: Mutex<Session>,
}

#[derive(Debug, Default)]
struct Session {
    logged_in: bool,
    token: Option<AccessToken>,
}

impl Login {
    /// Nothing is sent yet. `http` is this login's own: it keeps the cookie.
    pub fn new(http: Http, credentials: Credentials) -> Self {
        Self(Arc::new(State { http, credentials, session: Mutex::default() }))
    }

    /// An access token that lives for some time yet.
    ///
    /// # Errors
    /// The credentials are wrong, the server refuses, or does not answer.
    pub async fn access_token(&self) -> Result<String, HttpError> {
        // Held while a token is fetched, so that callers who come together share it.
        let mut session = self.0.session.lock().await;
        let needed = clock::unix_seconds() + SPARE_SECONDS;
        if let Some(token) = session.token.as_ref().filter(|token| token.expires_at > needed) {
            return Ok(token.secret.clone());
        }
        let token = match &self.0.credentials {
            Credentials::Client { id, secret } => self.0.http.client_token(id, secret, SCOPES).await?,
            Credentials::User { name, password } => self.user_token(&mut session, name, password).await?,
        };
        let secret = token.secret.clone();
        session.token = Some(token);
        Ok(secret)
    }

    async fn user_token(&self, session: &mut Session, name: &str, password: &str) -> Result<AccessToken, HttpError> {
        let http = &self.0.http;
        if session.logged_in {
            match http.user_token(SCOPES).await {
                // The login has an end, too.
                Err(HttpError::NotLoggedIn) => session.logged_in = false,
                result => return result,
            }
        }
        http.log_in(name, password).await?;
        session.logged_in = true;
        http.user_token(SCOPES).await
    }

    /// Does a user action over `_ajax`: a user with the login cookie, a client with an access token.
    ///
    /// # Errors
    /// As [`Login::access_token`]; or the action is refused.
    pub async fn call(
        &self,
        action: Action,
        thing: Option<&str>,
        body: Map<String, Value>,
    ) -> Result<Value, HttpError> {
        let http = &self.0.http;
        let token = match &self.0.credentials {
            Credentials::Client { .. } => Some(self.access_token().await?),
            Credentials::User { name, password } => {
                let mut session = self.0.session.lock().await;
                if !session.logged_in {
                    http.log_in(name, password).await?;
                    session.logged_in = true;
                }
                None
            }
        };
        http.call(action, thing, body, token.as_deref()).await
    }
}

impl From<Login> for TokenSource {
    fn from(login: Login) -> Self {
        Self::from_fn(move || {
            let login = login.clone();
            async move { Ok(login.access_token().await?) }
        })
    }
}
