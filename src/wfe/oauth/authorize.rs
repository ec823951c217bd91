//! `GET /oauth/authorize`: a code for the user who is logged in and agrees (RFC 6749 4.1, RFC 7636, RFC 9207).

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header::CACHE_CONTROL};
use oauth2::url::{Url, form_urlencoded};

use super::{FIRST_PARTY_CLIENT, client, consent, granted, may_redirect};
use crate::{
    access::{Principal, Scopes},
    clock,
    store::{Client, Code},
    wfe::{App, body::Fields, login::AuthSession, pages, problem::Problem},
};

/// How long a code may be used.
const CODE_SECONDS: u64 = 60;

/// A request whose client is known and whose redirect URI is that client's: errors may be sent there.
pub(super) struct Asked {
    pub client: Client,
    pub redirect_uri: String,
    /// The request as it came.
    pub query: String,
    fields: Fields,
}

/// What is asked for, in a request that may be granted if the user agrees.
pub(super) struct Wanted {
    pub challenge: String,
    pub scopes: Scopes,
    prompt: Prompt,
}

/// What is to be shown (OpenID Connect Core 3.1.2.1).
#[derive(Clone, Copy, Default)]
struct Prompt {
    none: bool,
    login: bool,
    consent: bool,
}

/// An error that goes to the client.
pub(super) struct Refusal {
    error: &'static str,
    description: &'static str,
}

pub(super) const fn refuse(error: &'static str, description: &'static str) -> Refusal {
    Refusal { error, description }
}

/// `GET /oauth/authorize`.
pub(in crate::wfe) async fn ask(
    State(app): State<App>,
    auth: AuthSession,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let asked = match Asked::read(&app, query.unwrap_or_default())? {
        Ok(asked) => asked,
        Err(why) => return Ok(stop(why)),
    };
    match consider(&app, &auth, &headers, &asked)? {
        Ok(response) => Ok(response),
        Err(refusal) => Ok(asked.refuse(&app, &refusal)),
    }
}

fn consider(
    app: &App,
    auth: &AuthSession,
    headers: &HeaderMap,
    asked: &Asked,
) -> Result<Result<Response, Refusal>, Problem> {
    let Wanted { challenge, scopes, prompt } = match asked.examine(headers) {
        Ok(wanted) => wanted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(user) = auth.user.as_ref().filter(|_| !prompt.login) else {
        return Ok(match prompt.none {
            true => Err(refuse("login_required", "nobody is logged in")),
            false => Ok(asked.log_in_first()),
        });
    };
    let user = &user.principal;
    if let Err(refusal) = asked.serves(user) {
        return Ok(Err(refusal));
    }
    if !asked.is_first_party() && (prompt.consent || !consent::is_given(app, asked, user, scopes)?) {
        return Ok(match prompt.none {
            true => Err(refuse("consent_required", "the user was not asked yet")),
            false => Ok(consent::page(app, auth, asked, user, scopes)),
        });
    }
    Ok(Ok(asked.grant(app, user, challenge, scopes)?))
}

impl Asked {
    /// Reads the query; the inner error is told to the user alone.
    pub fn read(app: &App, query: String) -> Result<Result<Self, &'static str>, Problem> {
        let Ok(fields) = Fields::parse(query.as_bytes()) else {
            return Ok(Err("A parameter is given twice."));
        };
        let Some(client) = client(app.store(), fields.get("client_id").unwrap_or_default())? else {
            return Ok(Err("No application is registered under this client_id."));
        };
        match fields.get("redirect_uri").map(str::to_owned) {
            Some(redirect_uri) if may_redirect(&client, &redirect_uri) => {
                Ok(Ok(Self { client, redirect_uri, query, fields }))
            }
            _ => Ok(Err("The application has not registered this redirect_uri.")),
        }
    }

    /// What is wanted, if it may be granted at all.
    pub fn examine(&self, headers: &HeaderMap) -> Result<Wanted, Refusal> {
        let fields = &self.fields;
        for (name, error) in [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")] {
            if fields.get(name).is_some() {
                return Err(refuse(error, "send the parameters themselves"));
            }
        }
        if fields.get("response_type") != Some("code") {
            return Err(refuse("unsupported_response_type", "response_type must be code"));
        }
        if fields.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(refuse("invalid_request", "response_mode must be query"));
        }
        // RFC 8252 8.6: any program on the user's machine can claim to be this client and open a browser
        // here. Only the program that logged in itself, which is no browser, is served without consent.
        if self.is_first_party() && headers.keys().any(|name| name.as_str().starts_with("sec-fetch-")) {
            return Err(refuse("unauthorized_client", "this client logs in by itself, not in a browser"));
        }
        if fields.get("code_challenge_method") != Some("S256") {
            return Err(refuse("invalid_request", "code_challenge_method must be S256"));
        }
        let challenge = fields.get("code_challenge").unwrap_or_default();
        if !URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|hash| hash.len() == 32) {
            return Err(refuse("invalid_request", "code_challenge must be a SHA-256 hash in base64url"));
        }
        let Some(scopes) = granted(&self.client, fields.get("scope")) else {
            return Err(refuse("invalid_scope", "the application may not have this scope"));
        };
        let prompt = Prompt::read(fields.get("prompt").unwrap_or_default())?;
        Ok(Wanted { challenge: challenge.to_owned(), scopes, prompt })
    }

    /// An application serves the people of its own organisation; the built-in client serves everybody.
    pub fn serves(&self, user: &Principal) -> Result<(), Refusal> {
        if self.is_first_party() || self.client.principal.organisation == user.organisation {
            return Ok(());
        }
        Err(refuse("access_denied", "the application belongs to another organisation than the user"))
    }

    fn is_first_party(&self) -> bool {
        self.client.principal.name == FIRST_PARTY_CLIENT
    }

    /// The login page, which leads back here and then shows no second login.
    pub fn log_in_first(&self) -> Response {
        let mut again = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(self.query.as_bytes()) {
            if name == "prompt" {
                let rest: Vec<_> = value.split_ascii_whitespace().filter(|word| *word != "login").collect();
                again.append_pair(&name, &rest.join(" "));
            } else {
                again.append_pair(&name, &value);
            }
        }
        let next: String =
            form_urlencoded::byte_serialize(format!("/oauth/authorize?{}", again.finish()).as_bytes()).collect();
        ([(CACHE_CONTROL, "no-store")], Redirect::to(&format!("/login?next={next}"))).into_response()
    }

    /// Sends a new code to the client.
    pub fn grant(&self, app: &App, user: &Principal, challenge: String, scopes: Scopes) -> Result<Response, Problem> {
        let code = URL_SAFE_NO_PAD.encode(clock::random_bytes::<32>());
        let meaning = Code {
            grant: clock::new_id(),
            client_id: self.client.principal.name.clone(),
            user: user.clone(),
            redirect_uri: self.redirect_uri.clone(),
            challenge,
            scopes: scopes.to_string(),
        };
        let now = clock::unix_seconds();
        // As long as the first access token lives, a second use of the code has something to end.
        app.store().add_code(&code, &meaning, now, now + CODE_SECONDS, app.tokens().lifetime_seconds())?;
        Ok(self.answer(app, &[("code", &code)]))
    }

    /// Sends an error to the client.
    pub fn refuse(&self, app: &App, Refusal { error, description }: &Refusal) -> Response {
        self.answer(app, &[("error", error), ("error_description", description)])
    }

    fn answer(&self, app: &App, pairs: &[(&str, &str)]) -> Response {
        let Ok(mut url) = Url::parse(&self.redirect_uri) else {
            return stop("The redirect_uri is not a URL.");
        };
        url.query_pairs_mut()
            .extend_pairs(pairs)
            .extend_pairs(self.fields.get("state").map(|state| ("state", state)))
            .append_pair("iss", app.tokens().issuer());
        ([(CACHE_CONTROL, "no-store")], Redirect::to(url.as_str())).into_response()
    }

    /// The place to which the browser will be sent, as a source of `Content-Security-Policy`: browsers hold
    /// `form-action` against the redirects that follow a form, too.
    pub fn destination(&self) -> Option<String> {
        let url = Url::parse(&self.redirect_uri).ok()?;
        let origin = url.origin();
        Some(if origin.is_tuple() { origin.ascii_serialization() } else { format!("{}:", url.scheme()) })
    }
}

impl Prompt {
    fn read(words: &str) -> Result<Self, Refusal> {
        let mut prompt = Self::default();
        for word in words.split_ascii_whitespace() {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                _ => return Err(refuse("invalid_request", "prompt may be none, login or consent")),
            }
        }
        if prompt.none && (prompt.login || prompt.consent) {
            return Err(refuse("invalid_request", "prompt=none excludes every other"));
        }
        Ok(prompt)
    }
}

/// Where a login with this `next` will lead in the end, beyond our own pages.
pub(in crate::wfe) fn destination_of(app: &App, next: &str) -> Option<String> {
    let query = next.strip_prefix("/oauth/authorize?")?;
    Asked::read(app, query.to_owned()).ok()?.ok()?.destination()
}

pub(super) fn stop(text: &str) -> Response {
    pages::refusal(StatusCode::BAD_REQUEST, "This link does not work", text)
}
