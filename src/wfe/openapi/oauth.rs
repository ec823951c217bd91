//! OAuth 2.0.

use utoipa::ToSchema;

use super::{
    endpoint::{By, Endpoint},
    tag,
};
use crate::{
    protocol::{
        ErrorCode,
        message::Empty,
        schemas::{self, Schemas},
    },
    wfe::oauth::{
        client_request::TokenError,
        metadata::{KeySet, Metadata},
        token::TokenAnswer,
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
    /// For `refresh_token`: the refresh token.
    refresh_token: Option<String>,
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
    RefreshToken,
    ClientCredentials,
}

/// A token that a client holds (RFC 7009, RFC 7662).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the fields of a form")]
struct Presented {
    /// An access token or a refresh token.
    token: String,
    /// What kind it is; not needed, as the two look different.
    token_type_hint: Option<String>,
    /// The client, if it does not use HTTP Basic.
    client_id: Option<String>,
    /// The client's secret, if it does not use HTTP Basic.
    client_secret: Option<String>,
}

/// What is known of a token (RFC 7662 2.2).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is written as plain JSON")]
struct Introspection {
    /// Whether it can be used. If not, nothing else is told.
    active: bool,
    /// Always `Bearer`; of an access token.
    token_type: Option<String>,
    /// The scopes that it has, with spaces between.
    scope: Option<String>,
    /// The client that it was issued to.
    client_id: Option<String>,
    /// For whom it was issued.
    username: Option<String>,
    /// The same; absent of an external issuer's token.
    sub: Option<String>,
    /// Their organisation.
    organisation: Option<String>,
    /// Who issued it.
    iss: Option<String>,
    /// For whom it is: the same server, by the name that it has at the issuer.
    aud: Option<String>,
    /// When it was issued, in seconds since 1970.
    iat: Option<u64>,
    /// When it expires.
    exp: Option<u64>,
    /// Its own id.
    jti: Option<String>,
}

/// The answer of the consent page.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the fields of a form")]
struct Decision {
    /// The request that the page was shown for.
    request: String,
    /// What shows that the page was ours.
    seal: String,
    /// What the user decided.
    decision: String,
}

pub(super) fn all() -> Vec<Endpoint> {
    vec![
        authorize(),
        consent(),
        token(),
        revoke(),
        introspect(),
        metadata("/.well-known/oauth-authorization-server", "oauth_metadata"),
        metadata("/.well-known/openid-configuration", "openid_configuration"),
        keys(),
    ]
}

fn authorize() -> Endpoint {
    Endpoint::new("get", "/oauth/authorize", "oauth_authorize", tag::OAUTH)
        .says(
            "Ask for a code",
            "A code for the user who is logged in and agrees (RFC 6749 4.1, with PKCE). The page that asks is shown \
             when an application asks for more than the user has allowed before.",
        )
        .by(&[By::Cookie, By::Nobody])
        .query("response_type", true, "`code`.")
        .query("client_id", true, "The client.")
        .query("redirect_uri", true, "Where to send the code, as it is registered.")
        .query("code_challenge", true, "SHA-256 of the verifier, in base64url.")
        .query("code_challenge_method", true, "`S256`.")
        .query("scope", false, "The scopes that are wanted, with spaces between; else all that the client may have.")
        .query("state", false, "Comes back with the code.")
        .query("response_mode", false, "`query`.")
        .query("prompt", false, "`none` shows nothing, `login` asks for the password, `consent` asks the user anew.")
        .answers_page(200, "The page on which the user allows it or not.")
        .answers_bare(303, "To the client with `code` or `error`, `state` and `iss`; or first to the login.")
        .with_header(303, "Location", "Where to go on.")
        .answers_page(400, "The client or its `redirect_uri` is not known, so that nothing is sent anywhere.")
        .refuses(&[ErrorCode::Unavailable])
}

/// What clients send as forms. Every refusal has OAuth's own form.
fn by_client<T: ToSchema>(path: &'static str, id: &str, summary: &str, description: &str) -> Endpoint {
    let form = ("application/x-www-form-urlencoded", schemas::reference::<T>());
    let mut endpoint = Endpoint::new("post", path, id, tag::OAUTH)
        .says(summary, description)
        .by(&[By::ClientSecret, By::Nobody])
        .uses(Schemas::taken::<T>)
        .takes_either(&[form])
        .answers::<TokenError>(400, "The request or the grant is not good (RFC 6749 5.2).")
        .answers::<TokenError>(401, "The client is unknown, or its secret is wrong.")
        .with_header(401, "WWW-Authenticate", "`Basic`, if that was tried.")
        .answers::<TokenError>(408, "The request did not arrive in time.")
        .answers::<TokenError>(413, "The request is larger than allowed.")
        .answers::<TokenError>(429, "Too many requests in a short time.")
        .with_header(429, "Retry-After", "How long to wait, in seconds.")
        .answers::<TokenError>(500, "The server failed; it is safe to try again.")
        .answers::<TokenError>(503, "The server cannot store anything just now.")
        .with_header(503, "Retry-After", "How long to wait, in seconds.");
    endpoint.refusals.clear();
    endpoint
}

fn token() -> Endpoint {
    let description =
        "For a client that acts for itself (`client_credentials`), or in exchange for a code or a refresh token.";
    by_client::<TokenRequest>("/oauth/token", "oauth_token", "Get an access token", description)
        .answers::<TokenAnswer>(200, "The token.")
}

fn consent() -> Endpoint {
    let form = ("application/x-www-form-urlencoded", schemas::reference::<Decision>());
    Endpoint::new("post", "/oauth/authorize", "oauth_consent", tag::OAUTH)
        .says("Decide", "What the consent page sends when the user allows an application or not.")
        .by(&[By::Cookie])
        .uses(Schemas::taken::<Decision>)
        .takes_either(&[form])
        .answers_page(200, "The page again: it was shown to another login, or before the server was restarted.")
        .answers_bare(303, "To the client with `code` or `error`, `state` and `iss`; or first to the login.")
        .with_header(303, "Location", "Where to go on.")
        .answers_page(400, "The client or its `redirect_uri` is not known, so that nothing is sent anywhere.")
        .refuses(&[ErrorCode::OriginNotAllowed, ErrorCode::UnsupportedMediaType, ErrorCode::Unavailable])
}

fn revoke() -> Endpoint {
    let description = "Ends what the token belongs to, with all its tokens and the streams opened with them \
                       (RFC 7009). A token that is unknown is no error.";
    by_client::<Presented>("/oauth/revoke", "oauth_revoke", "Revoke a token", description)
        .answers::<Empty>(200, "It has ended.")
}

fn introspect() -> Endpoint {
    let description = "Whether a token can be used, and for what (RFC 7662); for clients with a secret, about tokens \
                       of their own organisation.";
    by_client::<Presented>("/oauth/introspect", "oauth_introspect", "Ask about a token", description)
        .answers::<Introspection>(200, "What is known of it.")
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
