//! When each editor edits: at moments that do not depend on how fast the server is, so that a slow server is not
//! spared (an open loop). The gaps between them vary as those of people who know nothing of one another.

use std::time::Duration;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// The moments of one editor, since the beginning.
#[derive(Clone, Debug)]
pub struct Schedule {
    random: ChaCha8Rng,
    mean_seconds: f64,
    next: Duration,
}

impl Schedule {
    /// Of the editor with this number. The same seed and number give the same moments.
    pub fn new(seed: u64, editor: u64, per_second: f64) -> Self {
        // Streams of one generator do not overlap.
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(editor);
        let mut schedule = Self { random, mean_seconds: 1.0 / per_second, next: Duration::ZERO };
        schedule.advance();
        schedule
    }

    /// When to edit next.
    pub fn next(&self) -> Duration {
        self.next
    }

    /// It was done, or it is skipped.
    pub fn advance(&mut self) {
        // `1 - x`, because x may be 0 but never 1.
        let gap = -(1.0 - self.random.random::<f64>()).ln() * self.mean_seconds;
        self.next += Duration::from_secs_f64(gap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(seed: u64, editor: u64, per_second: f64, count: usize) -> Vec<Duration> {
        let mut schedule = Schedule::new(seed, editor, per_second);
        let moment = || {
            let next = schedule.next();
            schedule.advance();
            next
        };
        std::iter::repeat_with(moment).take(count).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_moments_and_editors_differ() {
        assert_eq!(moments(1, 2, 5.0, 100), moments(1, 2, 5.0, 100));
        assert_ne!(moments(1, 2, 5.0, 100), moments(1, 3, 5.0, 100));
        assert_ne!(moments(1, 2, 5.0, 100), moments(2, 2, 5.0, 100));
    }

    /// Of exponential gaps with mean 1/5 s, the mean of 10,000 lies within five of its standard errors.
    #[test]
    fn there_are_as_many_edits_as_were_asked_for() {
        let last = moments(7, 0, 5.0, 10_000).last().unwrap().as_secs_f64();
        assert!((last - 2_000.0).abs() < 5.0 * 20.0, "{last}");
    }
}
