//! How often something may be done: a bucket that refills. Pure; time is passed in.

use std::time::Instant;

/// What is allowed per second and at once.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Refilled per second.
    pub per_second: u32,
    /// The bucket's size.
    pub burst: u32,
}

/// One bucket: that of a session's requests, or of a principal's new connections.
#[derive(Debug)]
pub struct Limiter {
    tokens: f64,
    at: Instant,
    refused: u32,
}

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
}
