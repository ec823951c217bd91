//! What the authorisation server tells about itself (RFC 8414). Nothing is advertised that does not exist.

use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{access::Scope, clock, wfe::App};

/// `GET /.well-known/oauth-authorization-server` and `/.well-known/openid-configuration`.
pub(in crate::wfe) async fn server(State(app): State<App>) -> Json<Metadata> {
    let base = app.base_url();
    Json(Metadata {
        issuer: app.tokens().issuer().into(),
        authorization_endpoint: format!("{base}/oauth/authorize"),
        token_endpoint: format!("{base}/oauth/token"),
        jwks_uri: format!("{base}/.well-known/jwks.json"),
        scopes_supported: Scope::ALL.iter().map(|scope| scope.name()).collect(),
        response_types_supported: &["code"],
        response_modes_supported: &["query"],
        grant_types_supported: &["authorization_code", "refresh_token", "client_credentials"],
        token_endpoint_auth_methods_supported: &["client_secret_basic", "client_secret_post", "none"],
        revocation_endpoint: format!("{base}/oauth/revoke"),
        revocation_endpoint_auth_methods_supported: &["client_secret_basic", "client_secret_post", "none"],
        introspection_endpoint: format!("{base}/oauth/introspect"),
        introspection_endpoint_auth_methods_supported: &["client_secret_basic", "client_secret_post"],
        code_challenge_methods_supported: &["S256"],
        prompt_values_supported: &["none", "login", "consent"],
        authorization_response_iss_parameter_supported: true,
    })
}

/// What the authorisation server is and can do; RFC 8414, RFC 9207 and OpenID Connect describe each field.
#[derive(Serialize, ToSchema)]
#[schema(as = ServerMetadata)]
pub(in crate::wfe) struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    scopes_supported: Vec<&'static str>,
    response_types_supported: &'static [&'static str],
    response_modes_supported: &'static [&'static str],
    grant_types_supported: &'static [&'static str],
    token_endpoint_auth_methods_supported: &'static [&'static str],
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: &'static [&'static str],
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: &'static [&'static str],
    code_challenge_methods_supported: &'static [&'static str],
    prompt_values_supported: &'static [&'static str],
    authorization_response_iss_parameter_supported: bool,
}

/// The keys that verify access tokens (RFC 7517); a token names its key as `kid`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what the token library writes")]
pub(in crate::wfe) struct KeySet {
    /// The newest first.
    keys: Vec<serde_json::Map<String, Value>>,
}

/// `GET /.well-known/jwks.json`.
pub(in crate::wfe) async fn keys(State(app): State<App>) -> Json<Value> {
    Json(app.tokens().jwks(clock::unix_seconds()))
}
