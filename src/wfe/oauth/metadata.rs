//! What the authorisation server tells about itself (RFC 8414). Nothing is advertised that does not exist.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{access::Scope, clock, wfe::App};

/// `GET /.well-known/oauth-authorization-server` and `/.well-known/openid-configuration`.
pub(in crate::wfe) async fn server(State(app): State<App>) -> Json<Value> {
    let base = app.base_url();
    Json(json!({
        "issuer": app.tokens().issuer(),
        "authorization_endpoint": format!("{base}/oauth/authorize"),
        "token_endpoint": format!("{base}/oauth/token"),
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "scopes_supported": Scope::ALL.iter().map(|scope| scope.name()).collect::<Vec<_>>(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "revocation_endpoint": format!("{base}/oauth/revoke"),
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "introspection_endpoint": format!("{base}/oauth/introspect"),
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

/// `GET /.well-known/jwks.json`.
pub(in crate::wfe) async fn keys(State(app): State<App>) -> Json<Value> {
    Json(app.tokens().jwks(clock::unix_seconds()))
}
