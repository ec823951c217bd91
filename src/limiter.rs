//! How often something may be done: a bucket that refills. Pure; time is passed in.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Buckets in one set; beyond it those are forgotten that are full again, else all.
const MOST: usize = 10_000;

/// What is allowed per second and at once.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Refilled per second.
    pub per_second: u32,
    /// The bucket's size.
    pub burst: u32,
}

/// One bucket: that of a session's requests, or one of [`Limiters`].
#[derive(Debug)]
pub struct Limiter {
    tokens: f64,
    at: Instant,
    refused: u32,
}

/// How often a line of the log is written that would else come with every request.
const SELDOM: Duration = Duration::from_secs(10);

/// Something that would come again and again, and is said at once and then every ten seconds.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// It was not said yet.
    pub const fn new() -> Self {
        Self(Mutex::new((None, 0)))
    }

    /// If it is to be said now, how often it was not said since the last time.
    pub fn again(&self, now: Instant) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, kept_back) = &mut *said;
        if last.is_some_and(|last| now.saturating_duration_since(last) < SELDOM) {
            *kept_back += 1;
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(kept_back))
    }
}

/// Writes a line to the log if it was not written in the last ten seconds, with how often it was kept back.
macro_rules! seldom {
    ($level:ident, $($line:tt)+) => {{
        static TOLD: $crate::limiter::Seldom = $crate::limiter::Seldom::new();
        if let Some(kept_back) = TOLD.again($crate::clock::now()) {
            tracing::$level!(kept_back, $($line)+);
        }
    }};
}
pub(crate) use seldom;

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Allowed,
    /// It is refused; another may be made after so many milliseconds.
    Refused(u64),
    /// It went on for a whole burst of refusals: the connection is closed.
    Abusive,
}

impl Limiter {
    /// A full bucket.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { tokens: f64::from(rate.burst), at: now, refused: 0 }
    }

    /// Whether it is full again, so that it need not be remembered.
    pub fn is_full(&self, rate: Rate, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * f64::from(rate.per_second);
        self.tokens + gained >= f64::from(rate.burst)
    }

    /// Counts one request.
    pub fn request(&mut self, rate: Rate, now: Instant) -> Verdict {
        let per_second = f64::from(rate.per_second);
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * per_second;
        self.tokens = (self.tokens + gained).min(f64::from(rate.burst));
        self.at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            self.refused = 0;
            return Verdict::Allowed;
        }
        self.refused += 1;
        if self.refused > rate.burst {
            return Verdict::Abusive;
        }
        Verdict::Refused(((1.0 - self.tokens) / per_second * 1000.0).ceil() as u64)
    }
}

/// A bucket for each of many: of principals that open streams, of addresses that ask for tokens.
#[derive(Debug)]
pub struct Limiters<K> {
    rate: Rate,
    of: Mutex<HashMap<K, Limiter>>,
}

impl<K: Hash + Eq> Limiters<K> {
    /// All of them full.
    pub fn new(rate: Rate) -> Self {
        Self { rate, of: Mutex::new(HashMap::new()) }
    }

    /// Counts one.
    ///
    /// # Errors
    /// There were too many; the milliseconds to wait.
    pub fn request(&self, who: K, now: Instant) -> Result<(), u64> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if of.len() >= MOST {
            of.retain(|_, limiter| !limiter.is_full(self.rate, now));
        }
        if of.len() >= MOST {
            of.clear();
        }
        let limiter = of.entry(who).or_insert_with(|| Limiter::new(self.rate, now));
        match limiter.request(self.rate, now) {
            Verdict::Allowed => Ok(()),
            Verdict::Refused(millis) => Err(millis),
            Verdict::Abusive => Err(1000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let start = clock::now();
        let mut limiter = Limiter::new(RATE, start);
        for _ in 0..3 {
            assert_eq!(limiter.request(RATE, start), Verdict::Allowed);
        }
        assert_eq!(limiter.request(RATE, start), Verdict::Refused(100));
        assert_eq!(limiter.request(RATE, start + Duration::from_millis(100)), Verdict::Allowed);
    }

    #[test]
    fn who_goes_on_regardless_is_cut_off() {
        let start = clock::now();
        let mut limiter = Limiter::new(RATE, start);
        let verdicts: Vec<_> = (0..7).map(|_| limiter.request(RATE, start)).collect();
        assert_eq!(verdicts[6], Verdict::Abusive);
    }

    #[test]
    fn what_comes_all_the_time_is_said_at_once_and_then_every_ten_seconds() {
        let start = clock::now();
        let seldom = Seldom::new();
        let said: Vec<_> = (0..25).filter_map(|second| seldom.again(start + Duration::from_secs(second))).collect();
        assert_eq!(said, [0, 9, 9]);
    }

    #[test]
    fn each_has_a_bucket_of_its_own() {
        let start = clock::now();
        let limiters = Limiters::new(RATE);
        for _ in 0..3 {
            assert_eq!(limiters.request("ada", start), Ok(()));
        }
        assert_eq!(limiters.request("ada", start), Err(100));
        assert_eq!(limiters.request("grace", start), Ok(()));
    }
}
