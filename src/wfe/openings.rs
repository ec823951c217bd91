//! How often each user or client opens a stream: a program that tries again and again must not take the
//! others' turn.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use crate::{
    access::Principal,
    limiter::{Limiter, Rate, Verdict},
};

/// Principals remembered; beyond it those are forgotten who have been quiet, else all.
const MOST: usize = 10_000;

/// The openings of all principals.
#[derive(Debug)]
pub(super) struct Openings {
    rate: Rate,
    of: Mutex<HashMap<Principal, Limiter>>,
}

impl Openings {
    /// None yet.
    pub fn new(rate: Rate) -> Self {
        Self { rate, of: Mutex::default() }
    }

    /// Counts one.
    ///
    /// # Errors
    /// There were too many; the milliseconds to wait.
    pub fn begin(&self, who: &Principal, now: Instant) -> Result<(), u64> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if of.len() >= MOST {
            of.retain(|_, limiter| !limiter.is_full(self.rate, now));
        }
        if of.len() >= MOST {
            of.clear();
        }
        let limiter = of.entry(who.clone()).or_insert_with(|| Limiter::new(self.rate, now));
        match limiter.request(self.rate, now) {
            Verdict::Allowed => Ok(()),
            Verdict::Refused(millis) => Err(millis),
            Verdict::Abusive => Err(1000),
        }
    }
}
