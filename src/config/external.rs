//! `[oauth.external]`: the OpenID Connect issuer whose access tokens are taken beside our own.

use std::net::IpAddr;

use oauth2::url::{Host, Url};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ConfigError,
    sections::{invalid, one_or_many},
};

/// An OpenID Connect issuer whose access tokens are taken beside those of the server itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = OauthExternal)]
pub struct External {
    /// Its address, letter for letter as its tokens name it in `iss`; without it, no other's tokens are taken.
    pub issuer: Option<String>,
    /// What its tokens must name in `aud`: the name that this installation has there.
    pub audience: Option<String>,
    /// The organisation whose users its tokens may stand for.
    pub organisation: Option<String>,
    /// The claim that says which user of ours a token stands for.
    pub user_claim: String,
    /// The claim that lists groups; with it, those decide who may stream and not the groups that somebody is in here.
    pub groups_claim: Option<String>,
    /// The claim that lists the token's scopes.
    pub scope_claim: String,
    /// What stands before the names of our scopes there.
    pub scope_prefix: String,
    /// The algorithms by which its tokens may be signed.
    #[serde(deserialize_with = "one_or_many")]
    pub algorithms: Vec<String>,
    /// Whether tokens are taken whose `typ` is `JWT`, or that name none; else it must be `at+jwt`.
    pub plain_jwt: bool,
    /// Where its keys are, if that is on another server than the issuer itself.
    pub jwks_uri: Option<String>,
}

/// Ways to sign tokens (RFC 7518, RFC 8037). None with a shared secret, and not `none`.
const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

impl Default for External {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: None,
            organisation: None,
            user_claim: "preferred_username".into(),
            groups_claim: None,
            scope_claim: "scope".into(),
            scope_prefix: String::new(),
            algorithms: vec!["RS256".into(), "ES256".into()],
            plain_jwt: false,
            jwks_uri: None,
        }
    }
}

impl External {
    pub(super) fn check(&self, own_issuer: Option<&str>) -> Result<(), ConfigError> {
        let Some(issuer) = &self.issuer else {
            if *self == Self::default() {
                return Ok(());
            }
            return invalid("oauth.external.issuer", "is missing; the other keys of oauth.external are about it");
        };
        check_address("oauth.external.issuer", issuer)?;
        if own_issuer == Some(issuer) {
            return invalid("oauth.external.issuer", "is this server itself; its own tokens are taken anyway");
        }
        if let Some(uri) = &self.jwks_uri {
            check_address("oauth.external.jwks_uri", uri)?;
        }
        needed("oauth.external.audience", self.audience.as_ref(), "write what the issuer's tokens name in \"aud\"")?;
        let whose = "name the organisation whose users the issuer's tokens may stand for";
        needed("oauth.external.organisation", self.organisation.as_ref(), whose)?;
        needed("oauth.external.user_claim", Some(&self.user_claim), "name the claim that says who the user is")?;
        needed("oauth.external.scope_claim", Some(&self.scope_claim), "name the claim that lists the scopes")?;
        if self.groups_claim.as_ref().is_some_and(String::is_empty) {
            return invalid(
                "oauth.external.groups_claim",
                "is empty; leave it out, or name the claim that lists groups",
            );
        }
        if self.algorithms.is_empty() {
            return invalid("oauth.external.algorithms", "at least one is needed, for example [\"RS256\"]");
        }
        match self.algorithms.iter().find(|name| !ALGORITHMS.contains(&name.as_str())) {
            None => Ok(()),
            Some(unknown) => {
                let problem = format!(
                    "\"{}\" cannot be one of them; there are: {}",
                    unknown.escape_debug(),
                    ALGORITHMS.join(", ")
                );
                invalid("oauth.external.algorithms", problem)
            }
        }
    }
}

fn needed(key: &'static str, value: Option<&String>, what: &str) -> Result<(), ConfigError> {
    match value {
        Some(value) if !value.is_empty() => Ok(()),
        _ => invalid(key, format!("is missing; {what}")),
    }
}

/// Demands an address that can be called and compared: by HTTPS, or for trials by HTTP on this computer alone.
fn check_address(key: &'static str, text: &str) -> Result<(), ConfigError> {
    let refuse = |why: &str| invalid(key, format!("\"{}\" {why}", text.escape_debug()));
    let Ok(url) = Url::parse(text) else { return refuse("is not a URL; write for example https://idp.example.com") };
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return refuse("must have no name, no ? and no # in it");
    }
    // `https://a.example` is written without a slash, and the parser adds one.
    if url.as_str() != text && url.as_str().strip_suffix('/') != Some(text) {
        return refuse(&format!("must be written as {url}"));
    }
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        _ => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        _ => refuse("must begin with https://; http:// is for trials at 127.0.0.1 or [::1]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(change: impl FnOnce(&mut External)) -> Result<(), String> {
        let mut external = External {
            issuer: Some("https://idp.example".into()),
            audience: Some("widgetapp".into()),
            organisation: Some("acme".into()),
            ..External::default()
        };
        change(&mut external);
        external.check(Some("https://www.widgetapp.com")).map_err(|error| error.to_string())
    }

    #[test]
    fn an_issuer_is_called_by_https_or_on_this_computer() {
        for good in [
            "https://idp.example",
            "https://idp.example/",
            "https://idp.example:8443/realms/acme",
            "http://127.0.0.1:8080",
            "http://[::1]:8080/x",
        ] {
            assert_eq!(checked(|external| external.issuer = Some(good.into())), Ok(()), "{good}");
            assert_eq!(checked(|external| external.jwks_uri = Some(good.into())), Ok(()), "{good}");
        }
        for bad in [
            "",
            "idp.example",
            "http://idp.example",
            "http://localhost:8080",
            "http://127.0.0.1.idp.example",
            "http://0x7f.1",
            "http://169.254.169.254",
            "https://idp.example/?a=b",
            "https://idp.example/#a",
            "https://ada@idp.example",
            "https://IDP.example",
            "https://idp.example/a/../b",
            "file:///etc/passwd",
            "https://idp.example\n",
        ] {
            let why = checked(|external| external.issuer = Some(bad.into())).unwrap_err();
            assert!(why.starts_with("oauth.external.issuer: ") && !why.contains('\n'), "{why}");
            let why = checked(|external| external.jwks_uri = Some(bad.into())).unwrap_err();
            assert!(why.starts_with("oauth.external.jwks_uri: "), "{why}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        book::claims!("external-settings", 1);
        type Change = fn(&mut External);
        let cases: [(Change, &str); 11] = [
            (|external| external.issuer = None, "oauth.external.issuer: is missing"),
            (|external| external.issuer = Some("https://www.widgetapp.com".into()), "is this server itself"),
            (|external| external.audience = None, "oauth.external.audience: is missing"),
            (|external| external.audience = Some(String::new()), "oauth.external.audience: is missing"),
            (|external| external.organisation = None, "oauth.external.organisation: is missing"),
            (|external| external.user_claim.clear(), "oauth.external.user_claim"),
            (|external| external.scope_claim.clear(), "oauth.external.scope_claim"),
            (|external| external.groups_claim = Some(String::new()), "oauth.external.groups_claim"),
            (|external| external.algorithms.clear(), "oauth.external.algorithms"),
            (|external| external.algorithms.push("HS256".into()), "\"HS256\" cannot be one of them; there are: RS256"),
            (|external| external.algorithms.push("none".into()), "oauth.external.algorithms"),
        ];
        for (change, what) in cases {
            let why = checked(change).unwrap_err();
            assert!(why.contains(what), "{why}");
        }
        assert!(External::default().check(None).is_ok(), "nothing is needed without an issuer");
    }
}
