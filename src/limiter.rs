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

/// Counts what one does: a session's requests, or one of [`Limiters`].
#[derive(Debug)]
pub struct Limiter {
    requests: Bucket,
    /// What is refused is limited too, by the same rate. So whoever waits as told is not cut off, and a flood is, though
    /// some of it is allowed all the time.
    refusals: Bucket,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
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
    /// It was refused more often than the rate allows too: the connection is closed.
    Abusive,
}

impl Bucket {
    fn full(rate: Rate, at: Instant) -> Self {
        Self { tokens: f64::from(rate.burst), at }
    }

    /// What is in it by now.
    fn level(&self, rate: Rate, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * f64::from(rate.per_second);
        (self.tokens + gained).min(f64::from(rate.burst))
    }

    /// Takes one out, if there is one; else says what there is of one.
    fn take(&mut self, rate: Rate, now: Instant) -> Result<(), f64> {
        *self = Self { tokens: self.level(rate, now), at: now };
        // Who was told to wait for so long finds it filled, however the sums were rounded.
        if self.tokens < 1.0 - 1e-9 {
            return Err(self.tokens);
        }
        self.tokens -= 1.0;
        Ok(())
    }
}

impl Limiter {
    /// Nothing was done yet.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { requests: Bucket::full(rate, now), refusals: Bucket::full(rate, now) }
    }

    /// Whether it is as at first again, so that it need not be remembered.
    pub fn is_full(&self, rate: Rate, now: Instant) -> bool {
        [&self.requests, &self.refusals].iter().all(|bucket| bucket.level(rate, now) >= f64::from(rate.burst))
    }

    /// Counts one request.
    pub fn request(&mut self, rate: Rate, now: Instant) -> Verdict {
        let Err(there) = self.requests.take(rate, now) else { return Verdict::Allowed };
        match self.refusals.take(rate, now) {
            Ok(()) => Verdict::Refused(((1.0 - there) / f64::from(rate.per_second) * 1000.0).ceil() as u64),
            Err(_) => Verdict::Abusive,
        }
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
    use proptest::prelude::*;

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

    /// Of fewer than three at once, a refusal more or less would decide.
    fn rates() -> impl Strategy<Value = Rate> {
        (1..500u32, 3..50u32).prop_map(|(per_second, burst)| Rate { per_second, burst })
    }

    /// The times of requests: so many, each so many milliseconds after the one before.
    fn times(start: Instant) -> impl Strategy<Value = Vec<Instant>> {
        prop::collection::vec((0..50u64, 1..100usize), 1..10).prop_map(move |paces| {
            let gaps = paces.into_iter().flat_map(|(millis, count)| std::iter::repeat_n(millis, count));
            let mut now = start;
            gaps.map(|millis| {
                now += Duration::from_millis(millis);
                now
            })
            .collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_allowed_and_what_is_refused_both_keep_to_the_rate(
            rate in rates(),
            times in times(clock::now()),
        ) {
            book::claims!("limit-requests-close", 2);
            let start = times[0];
            let mut limiter = Limiter::new(rate, start);
            let (mut allowed, mut refused) = (0.0, 0.0);
            for now in times {
                match limiter.request(rate, now) {
                    Verdict::Allowed => allowed += 1.0,
                    Verdict::Refused(_) => refused += 1.0,
                    Verdict::Abusive => prop_assert!(refused >= f64::from(rate.burst), "cut off after {refused} refusals"),
                }
                let most = f64::from(rate.burst) + (now - start).as_secs_f64() * f64::from(rate.per_second) + 1e-6;
                prop_assert!(allowed <= most && refused <= most, "{allowed} and {refused}, each at most {most}");
            }
        }

        /// Though as many as ever are allowed meanwhile, and whatever came before.
        #[test]
        fn who_goes_on_at_more_than_twice_the_rate_is_cut_off(
            rate in rates(),
            before in times(clock::now()),
            times_the_rate in 2.1..1000.0f64,
        ) {
            book::claims!("limit-requests-close", 2);
            let mut limiter = Limiter::new(rate, before[0]);
            let mut now = before[0];
            for at in before {
                limiter.request(rate, at);
                now = at;
            }
            let every = Duration::from_secs_f64(1.0 / (f64::from(rate.per_second) * times_the_rate));
            // Both buckets together lose one with each request, and gain at twice the rate.
            let enough = (2.0 * f64::from(rate.burst) + 2.0) / (1.0 - 2.0 / times_the_rate);
            let cut_off = (0..enough.ceil() as u32).any(|_| {
                now += every;
                limiter.request(rate, now) == Verdict::Abusive
            });
            prop_assert!(cut_off, "not by {enough} requests");
        }

        #[test]
        fn who_waits_as_told_is_never_cut_off(rate in rates(), pauses in prop::collection::vec(0..20u64, 1..1000)) {
            book::claims!("limit-requests-close", 2);
            let mut now = clock::now();
            let mut limiter = Limiter::new(rate, now);
            for pause in pauses {
                now += Duration::from_millis(pause);
                match limiter.request(rate, now) {
                    Verdict::Allowed => {}
                    Verdict::Refused(millis) => {
                        now += Duration::from_millis(millis);
                        prop_assert_eq!(limiter.request(rate, now), Verdict::Allowed);
                    }
                    Verdict::Abusive => prop_assert!(false, "cut off"),
                }
            }
        }
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
