//! How long to wait before trying again: full jitter between nothing and a ceiling that doubles.
//!
//! Full jitter, because clients that lost the same server must not all come back at the same moment.
//! Pure: chance is passed in.

use std::time::Duration;

/// The first ceiling.
pub const SHORTEST_CEILING: Duration = Duration::from_millis(500);
/// The ceiling that is never exceeded.
pub const LONGEST_CEILING: Duration = Duration::from_secs(20);

/// Counts the failures since the last success.
#[derive(Debug, Default)]
pub struct BackOff {
    failures: u32,
}

impl BackOff {
    /// The wait after one more failure.
    ///
    /// `asked` is what the server asked for (`Retry-After`), to which the jitter is added: everyone who
    /// was refused got the same number. `chance` picks a duration between zero and its argument
    /// ([`crate::clock::jitter`]).
    pub fn after_failure(&mut self, asked: Option<Duration>, chance: impl FnOnce(Duration) -> Duration) -> Duration {
        let ceiling = SHORTEST_CEILING.saturating_mul(1 << self.failures.min(16)).min(LONGEST_CEILING);
        self.failures = self.failures.saturating_add(1);
        asked.unwrap_or_default().saturating_add(chance(ceiling))
    }

    /// Begins anew after a success.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn most(ceiling: Duration) -> Duration {
        ceiling
    }

    #[test]
    fn the_ceiling_doubles_from_half_a_second_to_twenty_seconds() {
        let mut back_off = BackOff::default();
        let waits: Vec<u128> = (0..8).map(|_| back_off.after_failure(None, most).as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
    }

    #[test]
    fn it_stays_at_the_longest_however_often_it_fails() {
        let mut back_off = BackOff { failures: u32::MAX };
        assert_eq!(back_off.after_failure(None, most), LONGEST_CEILING);
        assert_eq!(back_off.after_failure(None, most), LONGEST_CEILING);
    }

    #[test]
    fn the_wait_is_spread_over_the_whole_range() {
        let waits: Vec<Duration> =
            (0..1_000).map(|_| BackOff { failures: 3 }.after_failure(None, crate::clock::jitter)).collect();
        assert!(waits.iter().all(|&wait| wait <= Duration::from_secs(4)));
        for second in 0..4 {
            let range = Duration::from_secs(second)..Duration::from_secs(second + 1);
            assert!(waits.iter().filter(|&wait| range.contains(wait)).count() > 100);
        }
    }

    #[test]
    fn what_the_server_asked_for_is_waited_at_least() {
        let asked = Some(Duration::from_secs(7));
        let mut back_off = BackOff::default();
        assert_eq!(back_off.after_failure(asked, |_| Duration::ZERO).as_millis(), 7_000);
        assert_eq!(back_off.after_failure(asked, most).as_millis(), 8_000);
    }

    #[test]
    fn a_success_begins_anew() {
        let mut back_off = BackOff { failures: 9 };
        back_off.succeeded();
        assert_eq!(back_off.after_failure(None, most), SHORTEST_CEILING);
    }
}
