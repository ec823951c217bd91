//! How many streams are let in at once. After a restart all clients come back in the same moment: those above the
//! rate are told when to come again, each a little later than the one before, so that nobody waits in a queue that
//! grows, and those who are in are served. Pure; time is passed in.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::limiter::{Limiter, Rate, Verdict};

/// The gate that every new stream passes.
pub(super) struct Admissions {
    rate: Rate,
    gate: Mutex<Gate>,
}

struct Gate {
    limiter: Limiter,
    /// Until when the times are given away at which others were told to come again.
    given_away: Instant,
}

impl Admissions {
    /// Lets in so many streams a second, and as many at once after a pause.
    pub fn new(per_second: u32, now: Instant) -> Self {
        let rate = Rate { per_second, burst: per_second };
        Self { rate, gate: Mutex::new(Gate { limiter: Limiter::new(rate, now), given_away: now }) }
    }

    /// Whether a stream may be opened now; else after how many milliseconds it may be tried again.
    pub fn request(&self, now: Instant) -> Result<(), u64> {
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        if gate.limiter.request(self.rate, now) == Verdict::Allowed {
            return Ok(());
        }
        gate.given_away = gate.given_away.max(now) + Duration::from_secs(1) / self.rate.per_second;
        Err(u64::try_from((gate.given_away - now).as_millis()).unwrap_or(u64::MAX).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn those_above_the_rate_are_told_times_one_after_the_other() {
        let start = clock::now();
        let admissions = Admissions::new(10, start);
        let answers: Vec<_> = (0..40).map(|_| admissions.request(start)).collect();
        assert!(answers[..10].iter().all(Result::is_ok));
        let waits: Vec<u64> = answers[10..].iter().map(|answer| answer.unwrap_err()).collect();
        assert_eq!(waits, (1..=30).map(|n| n * 100).collect::<Vec<_>>());
    }

    /// As they do who can wait for whole seconds only, which is what `Retry-After` can say.
    #[test]
    fn those_who_come_back_when_they_were_told_to_are_all_let_in_at_the_rate() {
        let start = clock::now();
        let admissions = Admissions::new(500, start);
        let mut waiting = vec![0; 2_000];
        let mut second = 0;
        while !waiting.is_empty() {
            let now = start + Duration::from_secs(second);
            let due = waiting.extract_if(.., |at| *at <= second).count();
            for _ in 0..due {
                if let Err(millis) = admissions.request(now) {
                    waiting.push(second + millis.div_ceil(1000));
                }
            }
            second += 1;
        }
        assert!(second <= 5, "the last one was let in after {second} s");
    }
}
