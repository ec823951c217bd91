//! Fetching the external issuer's keys. Calls what the configuration names, and what the issuer's own description
//! names on the same server; nothing else, however it answers.

use std::time::Duration;

use bytes::BytesMut;
use http::StatusCode;
use oauth2::url::Url;
use reqwest::{Client, redirect::Policy};
use serde::Deserialize;

/// How long a fetch may take, all of it.
pub(super) const WITHIN: Duration = Duration::from_secs(5);
/// Largest answer that is read.
pub(super) const MAX_BYTES: usize = 1024 * 1024;
/// Of what another server has sent, this much is shown.
const SHOWN_CHARACTERS: usize = 100;

/// Where the keys are.
pub(super) struct Source {
    /// Its description tells, unless `jwks_uri` does.
    pub issuer: String,
    pub jwks_uri: Option<String>,
}

/// What is read of the issuer's description (OpenID Connect Discovery 1.0, 3).
#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: String,
}

impl Source {
    /// The set of keys as it is published.
    ///
    /// # Errors
    /// Why it cannot be had, in one line for the log.
    pub async fn fetch(&self) -> Result<Vec<u8>, String> {
        let fetched = async {
            // Made anew each time: it reads the system's certificate authorities.
            let client = self.client()?;
            let uri = match &self.jwks_uri {
                Some(uri) => uri.clone(),
                None => self.discover(&client).await?,
            };
            get(&client, &uri).await
        };
        tokio::time::timeout(WITHIN, fetched).await.unwrap_or_else(|_| Err(format!("it took longer than {WITHIN:?}")))
    }

    fn client(&self) -> Result<Client, String> {
        // An error says that another part of this process has done it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).no_proxy().referer(false).build();
        client.map_err(|error| format!("HTTPS cannot be used: {}", causes(&error)))
    }

    /// Where the keys are, by the issuer's description.
    async fn discover(&self, client: &Client) -> Result<String, String> {
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let json = get(client, &address).await?;
        let told: Description = serde_json::from_slice(&json).map_err(|error| format!("{address}: {error}"))?;
        if told.issuer != self.issuer {
            let (told, known) = (shown(&told.issuer), &self.issuer);
            return Err(format!("{address} is about \"{told}\", and oauth.external.issuer is \"{known}\""));
        }
        let origin = |text: &str| Url::parse(text).ok().filter(|url| url.username().is_empty()).map(|url| url.origin());
        if origin(&told.jwks_uri) != origin(&self.issuer) {
            return Err(format!(
                "{address} says that the keys are at \"{}\", which is another server; if that is right, name it as \
                 oauth.external.jwks_uri",
                shown(&told.jwks_uri)
            ));
        }
        Ok(told.jwks_uri)
    }
}

/// A body of no more than [`MAX_BYTES`].
async fn get(client: &Client, address: &str) -> Result<Vec<u8>, String> {
    let broken = |error: reqwest::Error| format!("{address}: {}", causes(&error.without_url()));
    let mut answer = client.get(address).header("accept", "application/json").send().await.map_err(broken)?;
    if answer.status() != StatusCode::OK {
        let redirect = if answer.status().is_redirection() { "; redirects are not followed" } else { "" };
        return Err(format!("{address} answers {}{redirect}", answer.status()));
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(format!("{address} answers with more than {MAX_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// An error and what it comes from, on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ").replace('\n', " ")
}

/// What another server has sent, fit for a log.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS).flat_map(char::escape_debug).collect()
}
