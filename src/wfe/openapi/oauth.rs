//! OAuth 2.0.

use utoipa::ToSchema;

use super::{
    endpoint::{By, Endpoint},
    tag,
};
use crate::{
    protocol::schemas::{self, Schemas},
    wfe::oauth::{
        metadata::{KeySet, Metadata},
        token::{TokenAnswer, TokenError},
    },
};

/// What is asked of `/oauth/token` (RFC 6749, RFC 7636).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the fields of a form")]
struct TokenRequest {
    grant_type: GrantType,
    /// The scopes that are wanted, with spaces between; else all that the client may have.
    scope: Option<String>,
    /// For `authorization_code`: the code.
    code: Option<String>,
    /// For `authorization_code`: where the code was sent.
    redirect_uri: Option<String>,
    /// For `authorization_code`: what the challenge was made of.
    code_verifier: Option<String>,
    /// The client, if it does not use HTTP Basic.
    client_id: Option<String>,
    /// The client's secret, if it does not use HTTP Basic.
    client_secret: Option<String>,
}

/// What the token is asked for with.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "it describes a field of a form")]
enum GrantType {
    AuthorizationCode,
    ClientCredentials,
}

pub(super) fn all() -> Vec<Endpoint> {
    vec![
        authorize(),
        token(),
        metadata("/.well-known/oauth-authorization-server", "oauth_metadata"),
        metadata("/.well-known/openid-configuration", "openid_configuration"),
        keys(),
    ]
}

fn authorize() -> Endpoint {
    Endpoint::new("get", "/oauth/authorize", "oauth_authorize", tag::OAUTH)
        .says(
            "Ask for a code",
            "A code for the user who is logged in (RFC 6749 4.1, with PKCE). In this release only the `widgetapp` \
             program at a terminal is given one.",
        )
        .by(&[By::Cookie, By::Nobody])
        .query("response_type", true, "`code`.")
        .query("client_id", true, "The client.")
        .query("redirect_uri", true, "Where to send the code, as it is registered.")
        .query("code_challenge", true, "SHA-256 of the verifier, in base64url.")
        .query("code_challenge_method", true, "`S256`.")
        .query("scope", false, "The scopes that are wanted, with spaces between; else all that the client may have.")
        .query("state", false, "Comes back with the code.")
        .answers_bare(303, "To the client with `code` or `error`, `state` and `iss`; or first to the login.")
        .with_header(303, "Location", "Where to go on.")
        .answers_page(400, "The client or its `redirect_uri` is not known, so that nothing is sent anywhere.")
}

fn token() -> Endpoint {
    let form = ("application/x-www-form-urlencoded", schemas::reference::<TokenRequest>());
    Endpoint::new("post", "/oauth/token", "oauth_token", tag::OAUTH)
        .says(
            "Get an access token",
            "For a client that acts for itself (`client_credentials`), or in exchange for a code.",
        )
        .by(&[By::ClientSecret, By::Nobody])
        .uses(Schemas::taken::<TokenRequest>)
        .takes_either(&[form])
        .answers::<TokenAnswer>(200, "The token.")
        .answers::<TokenError>(400, "The request or the grant is not good (RFC 6749 5.2).")
        .answers::<TokenError>(401, "The client is unknown, or its secret is wrong.")
        .with_header(401, "WWW-Authenticate", "`Basic`, if that was tried.")
        .answers::<TokenError>(500, "The server failed; it is safe to try again.")
}

fn metadata(path: &'static str, id: &str) -> Endpoint {
    Endpoint::new("get", path, id, tag::OAUTH)
        .says("Describe the authorisation server", "What the authorisation server is and can do (RFC 8414).")
        .by(&[By::Nobody])
        .answers::<Metadata>(200, "The description.")
}

fn keys() -> Endpoint {
    Endpoint::new("get", "/.well-known/jwks.json", "oauth_keys", tag::OAUTH)
        .says("Publish the keys", "The public keys that verify access tokens (RFC 7517).")
        .by(&[By::Nobody])
        .answers::<KeySet>(200, "The keys.")
}
