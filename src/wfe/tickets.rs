//! One-time tickets: for clients that can put nothing but an address into the opening of a WebSocket.
//!
//! `POST _ajax/ticket` gives one, `GET /_stream/yjs/THING?ticket=...` takes it. A ticket stands for whoever asked for
//! it and for the login or authorisation that they asked with, so that the end of that ends the connection too. Only
//! hashes are kept, here in memory: a ticket that is lost with the process is asked for anew.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    response::Response,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};

use super::{
    App, body, caller,
    login::{self, AuthSession},
    oauth::secret_hash,
    problem::{Problem, json_answer},
};
use crate::{
    access::{self, Caller, Door, Principal},
    clock,
    protocol::{
        ErrorCode, ThingId,
        action::Action,
        limits::{MAX_TICKETS, MAX_TICKETS_OF_ONE, TICKET_LIFETIME},
        ticket::{self, TicketFor},
    },
};

/// What a ticket stands for.
#[derive(Clone)]
pub(super) struct Ticket {
    /// Who asked for it, and by which right.
    pub caller: Arc<Caller>,
    /// When that right expires, seconds since 1970.
    pub expires_at: u64,
    /// The only Thing that it opens, if it is for one.
    thing: Option<ThingId>,
}

/// The tickets that are out. Plain state: the caller says what time it is.
#[derive(Default)]
pub(super) struct Tickets(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    good: HashMap<[u8; 32], Ticket>,
    /// In the order in which they expire; used ones are here until then.
    expiring: VecDeque<(Instant, [u8; 32], Principal)>,
    of: HashMap<Principal, usize>,
}

/// More tickets are out than are kept.
#[derive(Debug, PartialEq, Eq)]
enum Full {
    /// For this one.
    OfOne,
    /// For all.
    OfAll,
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tickets")
    }
}

impl Tickets {
    fn issue(&self, ticket: Ticket, now: Instant) -> Result<String, Full> {
        let mut kept = self.kept();
        kept.drop_expired(now);
        if kept.expiring.len() >= MAX_TICKETS {
            return Err(Full::OfAll);
        }
        let who = ticket.caller.principal.clone();
        let count = kept.of.entry(who.clone()).or_default();
        if *count >= MAX_TICKETS_OF_ONE {
            return Err(Full::OfOne);
        }
        *count += 1;
        let secret = URL_SAFE_NO_PAD.encode(clock::random_bytes::<32>());
        let hash = secret_hash(&secret);
        kept.expiring.push_back((now + TICKET_LIFETIME, hash, who));
        kept.good.insert(hash, ticket);
        Ok(secret)
    }

    /// Uses a ticket up: whoever comes first gets what it stands for, and nobody after.
    pub fn take(&self, secret: &str, now: Instant) -> Option<Ticket> {
        let mut kept = self.kept();
        kept.drop_expired(now);
        kept.good.remove(&secret_hash(secret))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn drop_expired(&mut self, now: Instant) {
        while self.expiring.front().is_some_and(|(until, ..)| *until <= now) {
            let Some((_, hash, who)) = self.expiring.pop_front() else { return };
            self.good.remove(&hash);
            if let Some(count) = self.of.get_mut(&who) {
                *count -= 1;
                if *count == 0 {
                    self.of.remove(&who);
                }
            }
        }
    }
}

impl Ticket {
    /// Whether it opens this Thing.
    pub fn opens(&self, thing: &str) -> bool {
        self.thing.is_none_or(|only| thing.parse().is_ok_and(|thing: ThingId| thing == only))
    }
}

/// `POST _ajax/ticket`.
pub(super) async fn issue(
    State(app): State<App>,
    auth: AuthSession,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, Problem> {
    let caller = caller::of_action(&app, &auth, &headers, &query.unwrap_or_default(), true).await?;
    let expires_at = match caller::bearer(&headers)? {
        Some(token) => app.verifier().verify(token).await?.expires_at(),
        None => login::expires_at(&auth).await,
    };
    let wanted: TicketFor = body::json(&headers, &body)?;
    // It is for streaming, so all that a stream needs is asked for now: an answer says more than a closed socket.
    access::may_stream(app.store(), &caller).map_err(Problem::from)?;
    let thing = match &wanted.thing {
        Some(thing) => access::decide(app.store(), &caller, Door::Stream, Action::Open, Some(thing))?.on(),
        None => None,
    };
    let ticket = Ticket { caller, expires_at, thing: thing.map(|(thing, _)| thing) };
    let secret = app.tickets().issue(ticket, clock::now()).map_err(|full| {
        let code = if full == Full::OfOne { ErrorCode::TooManyRequests } else { ErrorCode::Unavailable };
        Problem::from(code).retry_after(1000)
    })?;
    let expires_at = clock::unix_seconds() + TICKET_LIFETIME.as_secs();
    Ok(json_answer(StatusCode::OK, ticket::Ticket { ticket: secret, expires_at }))
}

#[cfg(test)]
#[path = "tickets_tests.rs"]
mod tests;
