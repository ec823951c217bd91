//! When a process that has died is started again. Pure; time is passed in.

use std::time::{Duration, Instant};

/// Deaths that are answered at once, before the rate holds.
const AT_ONCE: u32 = 10;
/// One more of those is earned in this time; a process that dies at every start is started this often.
const EARNED_EVERY: Duration = Duration::from_secs(1);

/// The restarts of one process.
#[derive(Debug)]
pub struct RestartPolicy {
    allowed: u32,
    earned_at: Instant,
    /// How often it was restarted.
    pub restarts: u64,
}

impl RestartPolicy {
    /// A process that has not died yet.
    pub fn new(now: Instant) -> Self {
        Self { allowed: AT_ONCE, earned_at: now, restarts: 0 }
    }

    /// The process has died: how long to wait before it is started again.
    pub fn died(&mut self, now: Instant) -> Duration {
        self.restarts += 1;
        let earned = now.saturating_duration_since(self.earned_at).as_millis() / EARNED_EVERY.as_millis();
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        self.earned_at += EARNED_EVERY * earned;
        self.allowed = self.allowed.saturating_add(earned).min(AT_ONCE);
        if self.allowed > 0 {
            self.allowed -= 1;
            return Duration::ZERO;
        }
        self.earned_at += EARNED_EVERY;
        self.earned_at.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock;

    #[test]
    fn a_process_that_dies_now_and_then_is_restarted_at_once() {
        let start = clock::now();
        let mut policy = RestartPolicy::new(start);
        for second in 1..100 {
            assert_eq!(policy.died(start + Duration::from_secs(second)), Duration::ZERO);
        }
    }

    proptest! {
        #[test]
        fn restarts_never_exceed_the_burst_and_one_a_second(pauses in proptest::collection::vec(0u64..1500, 1..200)) {
            let start = clock::now();
            let (mut policy, mut now) = (RestartPolicy::new(start), start);
            for (deaths, pause) in pauses.iter().enumerate() {
                now += Duration::from_millis(*pause);
                now += policy.died(now);
                let allowed = u64::from(AT_ONCE) + now.duration_since(start).as_secs();
                prop_assert!((deaths as u64) < allowed, "{deaths} restarts in {:?}", now.duration_since(start));
            }
        }
    }
}
