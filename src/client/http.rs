//! The parts of the contract that go over plain HTTP: login, access tokens and `_ajax`.

use std::{collections::HashMap, future::Future, pin::Pin, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{StatusCode, header};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, ErrorResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, TokenResponse, TokenUrl,
    basic::{BasicClient, BasicTokenResponse},
    url::Url,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    connect::retry_after,
    tls::{self, Distrust},
    token::TokenError,
};
use crate::{clock, protocol::action::Action};

/// The public OAuth client that is built into the server for people at a terminal.
const CLI_CLIENT_ID: &str = "widgetapp-cli";
/// Nobody listens there: the code is read from the redirect itself.
const CLI_REDIRECT_URI: &str = "http://127.0.0.1/callback";
const REQUEST_WITHIN: Duration = Duration::from_secs(30);

/// An HTTP request did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// There was no answer.
    #[error("cannot reach {server}: {why}")]
    Unreachable {
        /// The address.
        server: String,
        /// What went wrong.
        why: String,
    },
    /// The server's certificate is not trusted.
    #[error("the server's certificate is not trusted: {0}")]
    Untrusted(Distrust),
    /// The server said no.
    #[error("{0}")]
    Refused(Problem),
    /// The authorisation server said no.
    #[error("no access token was given: {0}")]
    OAuth(String),
    /// The request needs a login.
    #[error("log in first")]
    NotLoggedIn,
    /// The answer is not what the contract says.
    #[error("the server's answer does not follow the contract: {0}")]
    BadAnswer(String),
    /// The address of the server is not one, or the certificate to trust is not one.
    #[error("{0}")]
    BadSetting(String),
}

/// An error document of the server (RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The kind of problem, for people.
    pub title: String,
    /// What was wrong and what to do.
    pub detail: String,
    /// The HTTP status.
    pub status: u16,
    /// The number of the error code; 0 if the server named none.
    pub code: u16,
    /// The name that belongs to the number.
    pub name: String,
    /// Whether the same request may succeed later.
    pub temporary: bool,
    /// How long to wait before that.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = if self.detail.is_empty() { &self.title } else { &self.detail };
        match self.name.as_str() {
            "" => write!(f, "{what} ({})", self.status),
            name => write!(f, "{what} ({name}, {})", self.status),
        }
    }
}

impl HttpError {
    /// Whether the same request may succeed later.
    pub fn temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(problem) => problem.temporary || problem.status >= 500 || problem.status == 429,
            _ => false,
        }
    }
}

impl From<HttpError> for TokenError {
    fn from(error: HttpError) -> Self {
        let distrust = match &error {
            HttpError::Untrusted(why) => Some(why.clone()),
            _ => None,
        };
        Self { temporary: error.temporary(), message: error.to_string(), distrust }
    }
}

/// An access token.
#[derive(Clone)]
pub struct AccessToken {
    /// What to send as `Authorization: Bearer`.
    pub secret: String,
    /// When it expires, in seconds since 1970.
    pub expires_at: u64,
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccessToken(expires at {})", self.expires_at)
    }
}

/// One user agent: it keeps the login cookie. Cloning it gives another handle to the same.
#[derive(Clone, Debug)]
pub struct Http {
    server: Url,
    client: reqwest::Client,
}

impl Http {
    /// For the server at this address. `tls_root`: authorities to trust instead of the system's, as PEM.
    ///
    /// # Errors
    /// One of the two is not what it should be.
    pub fn new(server: &str, tls_root: Option<&[u8]>) -> Result<Self, HttpError> {
        let bad = |error: &dyn std::fmt::Display| HttpError::BadSetting(error.to_string());
        tls::install_provider();
        let mut server: Url = server
            .parse()
            .map_err(|error| bad(&format_args!("\"{server}\" is not the address of a server: {error}")))?;
        // Else the last segment would be replaced when paths are joined to it.
        if !server.path().ends_with('/') {
            server.set_path(&format!("{}/", server.path()));
        }
        let mut client = reqwest::Client::builder()
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(REQUEST_WITHIN);
        if let Some(pem) = tls_root {
            let roots = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| bad(&error))?;
            client = client.tls_certs_only(roots);
        }
        let client = client.build().map_err(|error| bad(&error))?;
        Ok(Self { server, client })
    }

    /// Logs in; the cookie is kept.
    ///
    /// # Errors
    /// Wrong name or password, or no answer.
    pub async fn log_in(&self, username: &str, password: &str) -> Result<(), HttpError> {
        let credentials = serde_json::json!({"username": username, "password": password});
        let request = self.client.post(self.at("login")?).json(&credentials);
        self.answer(request).await.map(|_| ())
    }

    /// Gets an access token for the user who is logged in: authorisation code with PKCE.
    ///
    /// # Errors
    /// [`HttpError::NotLoggedIn`], refused, or no answer.
    pub async fn user_token(&self, scopes: &[&str]) -> Result<AccessToken, HttpError> {
        let redirect_uri = RedirectUrl::new(CLI_REDIRECT_URI.into()).expect("a constant address");
        let oauth = BasicClient::new(ClientId::new(CLI_CLIENT_ID.into()))
            .set_auth_uri(AuthUrl::from_url(self.at("oauth/authorize")?))
            .set_token_uri(TokenUrl::from_url(self.at("oauth/token")?))
            .set_redirect_uri(redirect_uri);
        let verifier = PkceCodeVerifier::new(URL_SAFE_NO_PAD.encode(clock::random_bytes::<32>()));
        let (url, state) = oauth
            .authorize_url(|| CsrfToken::new(clock::new_id().to_string()))
            .add_scopes(scopes_of(scopes))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        let code = self.authorize(url, &state).await?;
        let token =
            oauth.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier).request_async(self).await;
        access_token(token)
    }

    /// Gets an access token for an OAuth client that acts for itself.
    ///
    /// # Errors
    /// Wrong id or secret, refused, or no answer.
    pub async fn client_token(&self, id: &str, secret: &str, scopes: &[&str]) -> Result<AccessToken, HttpError> {
        let oauth = BasicClient::new(ClientId::new(id.into()))
            .set_client_secret(ClientSecret::new(secret.into()))
            .set_token_uri(TokenUrl::from_url(self.at("oauth/token")?));
        let token = oauth.exchange_client_credentials().add_scopes(scopes_of(scopes)).request_async(self).await;
        access_token(token)
    }

    /// Does a user action over `_ajax`, with this access token, or else with the login cookie.
    ///
    /// # Errors
    /// Refused, or no answer.
    pub async fn call(
        &self,
        action: Action,
        thing: Option<&str>,
        mut body: serde_json::Map<String, Value>,
        token: Option<&str>,
    ) -> Result<Value, HttpError> {
        if let Some(thing) = thing {
            body.insert("thing".into(), thing.into());
        }
        let url = self.at(&format!("_ajax/{action}"))?;
        let mut request = match action {
            Action::Scroll | Action::Search | Action::History => {
                let query: Vec<(String, String)> = body.into_iter().map(|(name, value)| (name, plain(value))).collect();
                self.client.get(url).query(&query)
            }
            _ => self.client.post(url).json(&body),
        };
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = self.answer(request).await?;
        let bytes = answer.bytes().await.map_err(|error| self.unreachable(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| HttpError::BadAnswer(error.to_string()))
    }

    fn at(&self, path: &str) -> Result<Url, HttpError> {
        self.server.join(path).map_err(|error| HttpError::BadSetting(error.to_string()))
    }

    fn unreachable(&self, error: &reqwest::Error) -> HttpError {
        if let Some(why) = Distrust::of(error) {
            return HttpError::Untrusted(why);
        }
        // The outer errors only say that something failed; the innermost says what.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        HttpError::Unreachable { server: self.server.as_str().trim_end_matches('/').into(), why: cause.to_string() }
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, HttpError> {
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        match status.is_client_error() || status.is_server_error() {
            false => Ok(answer),
            true => Err(HttpError::Refused(problem(answer).await)),
        }
    }

    /// Follows the authorisation request to the code, with the login cookie.
    async fn authorize(&self, url: Url, state: &CsrfToken) -> Result<String, HttpError> {
        let response = self.answer(self.client.get(url)).await?;
        let location = response.headers().get(header::LOCATION);
        let target = location.and_then(|to| self.at(to.to_str().ok()?).ok());
        let Some(target) = target.filter(|target| target.as_str().split('?').next() == Some(CLI_REDIRECT_URI)) else {
            return Err(HttpError::NotLoggedIn);
        };
        let bad = |what: &str| HttpError::BadAnswer(format!("the redirect of /oauth/authorize {what}"));
        let mut answer: HashMap<_, _> = target.query_pairs().into_owned().collect();
        // Before anything else of it is believed: an answer to another request, or of another server.
        if answer.get("state") != Some(state.secret()) {
            return Err(bad("does not carry our state"));
        }
        match answer.get("iss") {
            Some(issuer) if self.issued_by(issuer).await? => {}
            _ => return Err(bad("is not from this issuer")),
        }
        if let Some(error) = answer.remove("error") {
            return Err(HttpError::OAuth(answer.remove("error_description").unwrap_or(error)));
        }
        answer.remove("code").ok_or_else(|| bad("has no code"))
    }

    /// Whether this server issues under that name: its address, or what its metadata says (RFC 8414).
    async fn issued_by(&self, issuer: &str) -> Result<bool, HttpError> {
        #[derive(Deserialize)]
        struct Metadata {
            issuer: String,
        }
        if issuer.trim_end_matches('/') == self.server.as_str().trim_end_matches('/') {
            return Ok(true);
        }
        let url = self.at(".well-known/oauth-authorization-server")?;
        let answer = self.answer(self.client.get(url)).await?;
        let metadata: Metadata = answer.json().await.map_err(|error| HttpError::BadAnswer(error.to_string()))?;
        Ok(metadata.issuer == issuer)
    }

    /// Sends what the `oauth2` crate has put together.
    async fn send_oauth(&self, request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse, HttpError> {
        let request = reqwest::Request::try_from(request).map_err(|error| self.unreachable(&error))?;
        let answer = self.client.execute(request).await.map_err(|error| self.unreachable(&error))?;
        let media_type = answer.headers().get(header::CONTENT_TYPE);
        if media_type.is_some_and(|media_type| media_type.as_bytes().starts_with(b"application/problem+json")) {
            return Err(HttpError::Refused(problem(answer).await));
        }
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(|error| self.unreachable(&error))?;
        let mut response = oauth2::HttpResponse::new(body.to_vec());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl<'c> oauth2::AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<oauth2::HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(self.send_oauth(request))
    }
}

fn scopes_of(names: &[&str]) -> Vec<Scope> {
    names.iter().map(|&name| Scope::new(name.into())).collect()
}

async fn problem(answer: reqwest::Response) -> Problem {
    let (status, retry_after) = (answer.status(), retry_after(answer.headers()));
    let mut problem: Problem = match answer.bytes().await {
        Ok(body) => serde_json::from_slice(&body).unwrap_or_default(),
        Err(_) => Problem::default(),
    };
    if problem.title.is_empty() {
        problem.title = reason(status).to_lowercase();
    }
    problem.status = status.as_u16();
    problem.retry_after = retry_after;
    problem
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("refused")
}

fn access_token<E: ErrorResponse + 'static>(
    token: Result<BasicTokenResponse, RequestTokenError<HttpError, E>>,
) -> Result<AccessToken, HttpError> {
    match token {
        Ok(token) => {
            let lives = token.expires_in().unwrap_or_default().as_secs();
            Ok(AccessToken {
                secret: token.access_token().secret().clone(),
                expires_at: clock::unix_seconds().saturating_add(lives),
            })
        }
        Err(RequestTokenError::Request(error)) => Err(error),
        Err(RequestTokenError::ServerResponse(error)) => Err(HttpError::OAuth(error.to_string())),
        Err(error) => Err(HttpError::BadAnswer(error.to_string())),
    }
}

/// A value as it stands in a query: texts without quotes.
fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
