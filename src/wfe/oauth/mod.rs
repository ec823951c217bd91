//! WFE as an OAuth 2.0 authorisation server: clients, consent, codes, tokens, metadata.
//!
//! Follows RFC 6749, 6750, 7009, 7636, 7662, 8252, 8414, 9068, 9207 and 9700. There is no implicit and no
//! password grant. Beside its own tokens it takes those of one external issuer (OpenID Connect Discovery 1.0, RFC 8725).

pub(super) mod administration;
pub(super) mod applications;
pub(super) mod authorize;
pub(super) mod client_request;
pub(super) mod consent;
mod external;
pub(super) mod metadata;
pub(super) mod presented;
mod refresh_token;
mod remembered;
pub(super) mod token;
mod tokens;
mod verifier;

#[cfg(test)]
mod applications_tests;
#[cfg(test)]
mod consent_tests;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod forgeries;
#[cfg(test)]
mod forgery_tests;
#[cfg(test)]
mod oauth_tests;
#[cfg(test)]
mod refresh_tests;

use std::net::IpAddr;

use oauth2::url::{Host, Url};
use sha2::{Digest, Sha256};

pub(super) use client_request::TokenRequests;
pub use external::{External, ExternalToken};
pub use tokens::{TokenError, Tokens, Verified};
pub use verifier::{AccessToken, Verifier};

use crate::{
    access::{Kind, Principal, Scopes},
    store::{Client, Result, Store},
};

/// The client that is part of this program: `widgetapp token` at a terminal. Public, without consent.
pub const FIRST_PARTY_CLIENT: &str = "widgetapp-cli";
/// What people read for it.
const FIRST_PARTY_NAME: &str = "WidgetApp at a terminal";
/// Where it has codes sent; any port will do (RFC 8252).
pub const FIRST_PARTY_REDIRECT: &str = "http://127.0.0.1/callback";

/// What the store keeps of a client's secret. Secrets are long and random, so a fast hash will do.
pub fn secret_hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// The client with this id, the built-in one included; not a disabled one.
fn client(store: &Store, id: &str) -> Result<Option<Client>> {
    if id == FIRST_PARTY_CLIENT {
        return Ok(Some(Client {
            principal: Principal { kind: Kind::Client, name: id.into(), organisation: String::new() },
            display_name: Some(FIRST_PARTY_NAME.into()),
            secret_hash: None,
            redirect_uris: vec![FIRST_PARTY_REDIRECT.into()],
            scopes: Scopes::ALL.to_string(),
            disabled: false,
        }));
    }
    Ok(store.client(id)?.filter(|client| !client.disabled))
}

/// The scopes to grant: what was asked for, if the client may have it, else all that it may have.
fn granted(client: &Client, asked: Option<&str>) -> Option<Scopes> {
    let allowed = Scopes::parse(&client.scopes).unwrap_or_default();
    let scopes = asked.map_or(Some(allowed), Scopes::parse)?;
    (allowed.include(scopes) && !scopes.is_empty()).then_some(scopes)
}

/// Whether a code may be sent there: letter by letter as registered, but for the port of a loopback address.
fn may_redirect(client: &Client, given: &str) -> bool {
    client
        .redirect_uris
        .iter()
        .any(|registered| registered == given || without_loopback_port(given).is_some_and(|given| given == *registered))
}

/// Whether codes may be had sent there at all: by HTTPS, to a program on the user's own computer by a loopback
/// address (RFC 8252 7.3), or to an app by a scheme of its own (7.1). Written as it will be compared.
///
/// # Errors
/// Why not, and what to write instead.
fn check_redirect(uri: &str) -> std::result::Result<(), String> {
    let refuse = |why: &str| Err(format!("\"{}\" cannot be a redirect address: {why}", uri.escape_debug()));
    let Ok(url) = Url::parse(uri) else { return refuse("it is not a URL") };
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return refuse("it must have no name and no # in it");
    }
    if url.as_str() != uri {
        return refuse(&format!("write it as {url}"));
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(()),
        ("http", Some(Host::Ipv4(ip))) if ip.is_loopback() => Ok(()),
        ("http", Some(Host::Ipv6(ip))) if ip.is_loopback() => Ok(()),
        ("http", _) => refuse("use https, or http://127.0.0.1/... for a program on the user's own computer"),
        (scheme, _) if scheme.contains('.') => Ok(()),
        _ => refuse("an app's own scheme is a domain of its maker, backwards, such as com.example.app:/done"),
    }
}

/// A loopback address of the form that RFC 8252 7.3 describes, with its port taken away.
fn without_loopback_port(uri: &str) -> Option<String> {
    let mut url = Url::parse(uri).ok()?;
    let loopback = match url.host()? {
        Host::Ipv4(ip) => IpAddr::V4(ip).is_loopback(),
        Host::Ipv6(ip) => IpAddr::V6(ip).is_loopback(),
        Host::Domain(_) => false,
    };
    // The parser forgives much; what it had to change was not written as registered.
    (loopback && url.scheme() == "http" && url.as_str() == uri && url.port().is_some())
        .then(|| url.set_port(None).ok())??;
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_port_of_a_loopback_address_is_free() {
        let client = |uri: &str| Client {
            principal: Principal { kind: Kind::Client, name: "a".into(), organisation: "acme".into() },
            display_name: None,
            secret_hash: None,
            redirect_uris: vec![uri.into()],
            scopes: "stream".into(),
            disabled: false,
        };
        let native = client(FIRST_PARTY_REDIRECT);
        for good in ["http://127.0.0.1/callback", "http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback"] {
            assert!(may_redirect(&native, good), "{good}");
        }
        for evil in [
            "http://localhost:1/callback",
            "http://127.0.0.1:1/callback/",
            "http://127.0.0.1:1/callback?x=1",
            "http://127.0.0.1:1/callback#x",
            "http://127.0.0.1:1/x/../callback",
            "http://a@127.0.0.1:1/callback",
            "http://127.0.0.1:1@evil/callback",
            "http://127.0.0.1.evil:1/callback",
            "https://127.0.0.1:1/callback",
            "http://0x7f.1:1/callback",
            "http://127.0.0.2:1/callback",
            "HTTP://127.0.0.1:1/callback",
            "",
        ] {
            assert!(!may_redirect(&native, evil), "{evil}");
        }
        let web = client("https://app.test/cb");
        assert!(may_redirect(&web, "https://app.test/cb"));
        assert!(!may_redirect(&web, "https://app.test:8443/cb"), "of no other address is the port free");
    }

    #[test]
    fn codes_go_by_https_or_stay_on_the_users_computer() {
        for good in [
            "https://app.test/cb",
            "https://app.test/cb?a=b",
            "https://app.test/",
            "http://127.0.0.1/cb",
            "http://[::1]/cb",
            "com.example.app:/cb",
        ] {
            assert_eq!(check_redirect(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "app.test/cb",
            "https://app.test",
            "https://App.test/cb",
            "https://app.test/a/../cb",
            "https://app.test/cb#x",
            "https://ada@app.test/cb",
            "http://app.test/cb",
            "http://localhost/cb",
            "http://127.0.0.1.app.test/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "myapp:/cb",
            "https://*.app.test/cb\n",
        ] {
            assert!(check_redirect(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_client_gets_what_it_asks_for_within_what_it_may_have() {
        let mut client = client_of("stream things:read");
        let text = |client: &Client, asked| granted(client, asked).map(|scopes| scopes.to_string());
        assert_eq!(text(&client, None).as_deref(), Some("stream things:read"));
        assert_eq!(text(&client, Some("stream")).as_deref(), Some("stream"));
        assert_eq!(text(&client, Some("things:write")), None);
        assert_eq!(text(&client, Some("admin")), None);
        client.scopes = String::new();
        assert_eq!(text(&client, None), None);
    }

    fn client_of(scopes: &str) -> Client {
        Client {
            principal: Principal { kind: Kind::Client, name: "a".into(), organisation: "acme".into() },
            display_name: None,
            secret_hash: None,
            redirect_uris: Vec::new(),
            scopes: scopes.into(),
            disabled: false,
        }
    }
}
