//! The front end: HTTP, login, OAuth, the old API, and the door of the stream.
//!
//! Owns what a request must look like and how answers look, errors included. What the actions do is
//! behind [`Services`]; who may do what is decided in `access`; what happens to a streaming
//! connection after its handover is not known here.

mod administration;
mod admissions;
mod ajax;
mod assets;
mod body;
mod caller;
pub mod connections;
mod demo;
mod editor;
mod guides;
pub mod handover;
mod health;
mod legacy;
pub mod links;
pub mod live_access;
mod login;
mod oauth;
pub mod openapi;
mod organisation;
mod origin;
mod pages;
mod passwords;
mod peer;
mod problem;
mod process;
pub mod recorder;
mod request_id;
mod router;
pub mod sessions;
mod sign_in;
mod stream_door;
mod tickets;
mod tries;

#[cfg(test)]
mod fixture;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

pub use demo::{Demo, DemoClient, DemoError, DemoUser, FILE as DEMO_FILE};
pub use oauth::{
    AccessToken, External, ExternalToken, FIRST_PARTY_CLIENT, FIRST_PARTY_REDIRECT, TokenError, Tokens, Verified,
    Verifier, secret_hash,
};
pub use passwords::{Busy, Passwords};
pub use peer::Peer;
pub use problem::Problem;
pub use process::run;
pub(crate) use process::tls;
pub use router::router;
pub use stream_door::Handover;

use admissions::Admissions;
use oauth::{TokenRequests, consent::Seals};
use organisation::LiveSide;
use origin::Site;
use recorder::Audit;
use sign_in::{Credentials, LoggedIn, Refused, SignIn};
use tickets::Tickets;

use crate::{
    access::Principal,
    clock,
    config::Config,
    limiter::{Limiters, Rate},
    protocol::ErrorCode,
    proxies::Proxies,
    services::Services,
    store::{
        Store, StoreError,
        audit::{Entry, Event},
    },
};

/// What every handler is given. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    config: Arc<Config>,
    store: Store,
    services: Services,
    live_side: LiveSide,
    tokens: Tokens,
    verifier: Verifier,
    sign_in: SignIn,
    site: Site,
    ready: Ready,
    openings: Limiters<Principal>,
    tickets: Tickets,
    admissions: Admissions,
    token_requests: TokenRequests,
    seals: Seals,
    audit: Audit,
    proxies: Proxies,
}

impl App {
    /// Puts the front end together; `bound` are the addresses really listened on.
    ///
    /// # Errors
    /// The store failed.
    pub fn new(
        config: Arc<Config>,
        store: Store,
        (services, live_side): (Services, LiveSide),
        bound: &[SocketAddr],
        ready: Ready,
        audit: Audit,
    ) -> Result<Self, StoreError> {
        let site = Site::new(&config, bound);
        let issuer = config.oauth.issuer.clone().unwrap_or_else(|| site.base_url.clone());
        let tokens = Tokens::open(&store, issuer, &config.oauth)?;
        let verifier = Verifier::new(tokens.clone(), &store, &config.oauth);
        let sign_in = SignIn::new(store.clone(), Passwords::new());
        let rate = Rate { per_second: config.stream.openings_per_second, burst: config.stream.opening_burst };
        let openings = Limiters::new(rate);
        let admissions = Admissions::new(config.stream.admissions_per_second, clock::now());
        let token_requests = TokenRequests::new(&config.oauth);
        let proxies = Proxies::new(config.server.trusted_proxies.clone());
        Ok(Self(Arc::new(Inner {
            config,
            store,
            services,
            live_side,
            tokens,
            verifier,
            sign_in,
            site,
            openings,
            tickets: Tickets::default(),
            admissions,
            token_requests,
            seals: Seals::new(),
            ready,
            audit,
            proxies,
        })))
    }

    /// Issues and verifies our own access tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// Verifies access tokens, whoever has issued them; the session service needs it for `refresh`.
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// The address that people type: `server.public_url`, else the first address listened on.
    pub fn base_url(&self) -> &str {
        &self.0.site.base_url
    }

    /// Hashes passwords, a bounded number at a time.
    pub fn passwords(&self) -> &Passwords {
        self.0.sign_in.passwords()
    }

    fn store(&self) -> &Store {
        &self.0.store
    }

    fn services(&self) -> &Services {
        &self.0.services
    }

    /// The way to the live side of the process, for the administrator's page.
    fn live_side(&self) -> &LiveSide {
        &self.0.live_side
    }

    fn config(&self) -> &Config {
        &self.0.config
    }

    fn sign_in(&self) -> &SignIn {
        &self.0.sign_in
    }

    fn site(&self) -> &Site {
        &self.0.site
    }

    fn openings(&self) -> &Limiters<Principal> {
        &self.0.openings
    }

    fn tickets(&self) -> &Tickets {
        &self.0.tickets
    }

    fn admissions(&self) -> &Admissions {
        &self.0.admissions
    }

    /// Where it is noted who did what to whose access.
    pub fn audit(&self) -> &Audit {
        &self.0.audit
    }

    /// Notes that somebody logged in, or tried to.
    fn note_login(&self, given: &Credentials, checked: Result<&LoggedIn, &Refused>) {
        let entry = match checked {
            Ok(user) => Entry::of(&user.principal, Event::LoggedIn, &*user.principal.name),
            // Too many tries, or the server's own trouble: nothing was found out about a password.
            Err(refused) if !matches!(refused, Refused::Wrong) => return,
            Err(_) => {
                // A name that nobody has may be a password, typed into the wrong field.
                let known = self.store().login(&given.name).is_ok_and(|login| login.is_some());
                let name = if known { given.name.as_str() } else { "a name that nobody has" };
                Entry { who: String::new(), ..Entry::of_administrator(Event::LoginFailed, name) }
                    .ended(ErrorCode::WrongCredentials.name())
            }
        };
        self.audit().note(Entry { address: Some(given.address), ..entry });
    }

    fn token_requests(&self) -> &TokenRequests {
        &self.0.token_requests
    }

    fn proxies(&self) -> &Proxies {
        &self.0.proxies
    }

    fn seals(&self) -> &Seals {
        &self.0.seals
    }

    fn ready(&self) -> &Ready {
        &self.0.ready
    }
}

/// Whether the server can take requests; what `/readyz` tells.
#[derive(Clone, Debug, Default)]
pub struct Ready(Arc<AtomicBool>);

impl Ready {
    /// Says so from now on.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
