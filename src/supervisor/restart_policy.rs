//! When a process that has died is started again, and when that has no sense any more. Pure; time is passed in.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Deaths that are answered at once, before the rate holds.
const AT_ONCE: u32 = 10;
/// One more of those is earned in this time; a process that dies at every start is started this often.
const EARNED_EVERY: Duration = Duration::from_secs(1);
/// A process that dies so soon after its start has died of the start, or of what waited for it there.
const SOON: Duration = Duration::from_secs(1);
/// So many such deaths...
const HOPELESS: usize = 20;
/// ...within so long, and starting it again helps nobody.
const WINDOW: Duration = Duration::from_secs(60);

/// The restarts of one process.
#[derive(Debug)]
pub struct RestartPolicy {
    allowed: u32,
    earned_at: Instant,
    /// The last deaths soon after a start.
    soon: VecDeque<Instant>,
    /// How often it was started again because it had died.
    pub restarts: u64,
}

impl RestartPolicy {
    /// A process that has not died yet.
    pub fn new(now: Instant) -> Self {
        Self { allowed: AT_ONCE, earned_at: now, soon: VecDeque::new(), restarts: 0 }
    }

    /// What has been does not count any more, but for [`RestartPolicy::restarts`]: somebody has asked for a restart.
    pub fn forgive(&mut self, now: Instant) {
        *self = Self { restarts: self.restarts, ..Self::new(now) };
    }

    /// Whether it died again and again soon after its start.
    pub fn is_hopeless(&self, now: Instant) -> bool {
        self.soon.iter().filter(|death| now.saturating_duration_since(**death) < WINDOW).count() >= HOPELESS
    }

    /// The process has died after such a life: how long to wait before it is started again.
    pub fn died(&mut self, now: Instant, lived: Duration) -> Duration {
        self.restarts += 1;
        if lived < SOON {
            self.soon.push_back(now);
            if self.soon.len() > HOPELESS {
                self.soon.pop_front();
            }
        }
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
            let lived = Duration::from_secs(1);
            assert_eq!(policy.died(start + Duration::from_secs(second), lived), Duration::ZERO);
        }
        assert!(!policy.is_hopeless(start + Duration::from_secs(100)));
    }

    #[test]
    fn a_process_that_dies_at_every_start_is_hopeless_until_it_is_forgiven() {
        let start = clock::now();
        let (mut policy, mut now, mut deaths) = (RestartPolicy::new(start), start, 0);
        while !policy.is_hopeless(now) {
            now += policy.died(now, Duration::ZERO);
            deaths += 1;
        }
        assert_eq!((deaths, policy.restarts), (20, 20));
        assert!(now.duration_since(start) < Duration::from_secs(15));
        policy.forgive(now);
        assert!(!policy.is_hopeless(now));
        assert_eq!((policy.died(now, Duration::ZERO), policy.restarts), (Duration::ZERO, 21));
    }

    #[test]
    fn a_process_that_dies_at_a_start_now_and_then_is_not() {
        let start = clock::now();
        let mut policy = RestartPolicy::new(start);
        for death in 1..100 {
            let now = start + Duration::from_secs(4) * death;
            policy.died(now, Duration::ZERO);
            assert!(!policy.is_hopeless(now));
        }
    }

    proptest! {
        #[test]
        fn restarts_never_exceed_the_burst_and_one_a_second(pauses in proptest::collection::vec(0u64..1500, 1..200)) {
            let start = clock::now();
            let (mut policy, mut now) = (RestartPolicy::new(start), start);
            for (deaths, pause) in pauses.iter().enumerate() {
                now += Duration::from_millis(*pause);
                now += policy.died(now, Duration::ZERO);
                let allowed = u64::from(AT_ONCE) + now.duration_since(start).as_secs();
                prop_assert!((deaths as u64) < allowed, "{deaths} restarts in {:?}", now.duration_since(start));
            }
        }
    }
}
