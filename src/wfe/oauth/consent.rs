//! The page on which people allow an application to act for them, and what they have allowed before.
//!
//! The form brings the whole request back under a seal, which binds it to the login and to this process:
//! nothing is kept for a page that is shown, and no other site can make up an answer to it.

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use oauth2::url::{Host, Url};
use sha2::Sha256;

use super::authorize::{Asked, Wanted, refuse, stop};
use crate::{
    access::{Principal, Scope, Scopes},
    clock,
    store::audit::{Entry, Event},
    wfe::{App, body::Fields, login::AuthSession, pages, peer::ClientAddress, problem::Problem},
};

/// Seals the requests of the consent pages that this process shows.
pub(in crate::wfe) struct Seals([u8; 32]);

impl Seals {
    pub fn new() -> Self {
        Self(clock::random_bytes())
    }

    fn mac(&self, login: &str, user: &Principal, query: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length will do");
        for text in [login, &user.id(), query] {
            mac.update(&text.len().to_be_bytes());
            mac.update(text.as_bytes());
        }
        mac
    }

    fn seal(&self, login: &str, user: &Principal, query: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(login, user, query).finalize().into_bytes())
    }

    fn holds(&self, seal: &str, login: &str, user: &Principal, query: &str) -> bool {
        let seal = URL_SAFE_NO_PAD.decode(seal).unwrap_or_default();
        self.mac(login, user, query).verify_slice(&seal).is_ok()
    }
}

/// Whether the user need not be asked: they have allowed at least this before, and nobody else can claim to
/// be the application (RFC 8252 8.6). Any program can listen on a loopback address.
pub(super) fn is_given(app: &App, asked: &Asked, user: &Principal, scopes: Scopes) -> Result<bool, Problem> {
    let proves_itself = asked.client.secret_hash.is_some() || asked.redirect_uri.starts_with("https:");
    Ok(proves_itself && allowed_before(app, asked, user)?.include(scopes))
}

fn allowed_before(app: &App, asked: &Asked, user: &Principal) -> Result<Scopes, Problem> {
    let given = app.store().consent(user, &asked.client.principal.name)?;
    Ok(given.and_then(|names| Scopes::parse(&names)).unwrap_or_default())
}

/// `POST /oauth/authorize`: what the user has decided.
pub(in crate::wfe) async fn decide(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    auth: AuthSession,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    app.site().demand_own_form(&headers)?;
    let form = Fields::parse(&body)?;
    let asked = match Asked::read(&app, form.get("request").unwrap_or_default().to_owned())? {
        Ok(asked) => asked,
        Err(why) => return Ok(stop(why)),
    };
    let Wanted { challenge, scopes, .. } = match asked.examine(&headers) {
        Ok(wanted) => wanted,
        Err(refusal) => return Ok(asked.refuse(&app, &refusal)),
    };
    let Some(user) = auth.user.as_ref().map(|user| &user.principal) else {
        return Ok(asked.log_in_first());
    };
    if let Err(refusal) = asked.serves(user) {
        return Ok(asked.refuse(&app, &refusal));
    }
    let seal = form.get("seal").unwrap_or_default();
    if !app.seals().holds(seal, &login(&auth), user, &asked.query) {
        // Shown before another login, or before a restart.
        return Ok(page(&app, &auth, &asked, user, scopes));
    }
    let note = |event| {
        let what = format!("{} {scopes}", asked.client.principal.name);
        app.audit().note(Entry { address: Some(address), ..Entry::of(user, event, what) });
    };
    match form.get("decision") {
        Some("allow") => {
            note(Event::ConsentGiven);
            let all = scopes.with(allowed_before(&app, &asked, user)?);
            app.store().remember_consent(user, &asked.client.principal.name, &all.to_string())?;
            asked.grant(&app, user, challenge, scopes)
        }
        Some("deny") => {
            note(Event::ConsentRefused);
            Ok(asked.refuse(&app, &refuse("access_denied", "the user has not allowed it")))
        }
        _ => Ok(page(&app, &auth, &asked, user, scopes)),
    }
}

/// The id of the login session; without one no seal is worth anything, as its holder would be unknown.
fn login(auth: &AuthSession) -> String {
    auth.session.id().map(|id| id.to_string()).unwrap_or_default()
}

/// The page that asks.
pub(super) fn page(app: &App, auth: &AuthSession, asked: &Asked, user: &Principal, scopes: Scopes) -> Response {
    let name = asked.client.shown();
    let seal = app.seals().seal(&login(auth), user, &asked.query);
    let content = html! {
        h1 { "May " (name) " work as you?" }
        p { "You are logged in as " strong { (user.name) } " of " (user.organisation) "." }
        p { "The application " (named(name, &asked.client.principal.name)) " asks that it may, in your name:" }
        (in_plain_words(scopes))
        p { "It can never do more than you can, and it does not learn your password." }
        (where_to(&asked.redirect_uri, name))
        form method="post" action="/oauth/authorize" {
            input type="hidden" name="request" value=(asked.query);
            input type="hidden" name="seal" value=(seal);
            button type="submit" name="decision" value="allow" { "Allow" }
            button type="submit" name="decision" value="deny" { "Do not allow" }
        }
    };
    let shown = pages::page(StatusCode::OK, "Allow an application", Some(user), &content);
    pages::leading_to(shown, asked.destination().as_deref()).into_response()
}

/// An application's name; behind it its id, if it was registered with another name.
pub(super) fn named(shown: &str, id: &str) -> Markup {
    html! { strong { (shown) } @if shown != id { " (" (id) ")" } }
}

/// What an application may do, as a list.
pub(super) fn in_plain_words(scopes: Scopes) -> Markup {
    let words = |scope: &Scope| match scope {
        Scope::Stream => "work with your Things live, together with others: see them, and change those that you may",
        Scope::ThingsRead => "look at your Things",
        Scope::ThingsWrite => "create Things, and change or delete those that you may",
    };
    html! { ul { @for scope in Scope::ALL.iter().filter(|scope| scopes.has(**scope)) { li { (words(scope)) } } } }
}

fn where_to(redirect_uri: &str, name: &str) -> Markup {
    let url = Url::parse(redirect_uri).ok();
    let web_host = url.as_ref().filter(|url| url.scheme() == "https").and_then(Url::host);
    html! {
        @match web_host {
            Some(Host::Domain(host)) => { p { "Your answer is sent to " strong { (host) } "." } }
            Some(address) => { p { "Your answer is sent to " strong { (address) } "." } }
            None => {
                p {
                    "Your answer is sent to a program on this computer. Allow this only if you have just asked "
                    strong { (name) } " for it."
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Kind;

    #[test]
    fn a_seal_holds_for_one_login_one_user_and_one_request() {
        let seals = Seals::new();
        let user = |name: &str| Principal { kind: Kind::User, name: name.into(), organisation: "acme".into() };
        let seal = seals.seal("login", &user("ada"), "a=b");
        assert!(seals.holds(&seal, "login", &user("ada"), "a=b"));
        assert!(!seals.holds(&seal, "logina", &user("ada"), "a=b"));
        assert!(!seals.holds(&seal, "login", &user("grace"), "a=b"));
        assert!(!seals.holds(&seal, "login", &user("ada"), "a=c"));
        assert!(!seals.holds("", "login", &user("ada"), "a=b"));
        assert!(!Seals::new().holds(&seal, "login", &user("ada"), "a=b"));
    }
}
