//! What has been used within the last seconds. Pure; time is passed in.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// What a process had used since its start, at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When.
    pub at: Instant,
    /// Processor time.
    pub cpu: Duration,
    /// Messages from clients.
    pub received: u64,
    /// Messages to clients.
    pub sent: u64,
}

/// The samples of one process, as far back as somebody may ask.
#[derive(Debug)]
pub struct Window {
    keep: Duration,
    samples: VecDeque<Sample>,
}

/// What was used on average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Percent of one core.
    pub cpu_percent: f64,
    /// Messages from clients, per second.
    pub received_per_second: f64,
    /// Messages to clients, per second.
    pub sent_per_second: f64,
}

impl Window {
    /// One that can tell of so long.
    pub fn new(keep: Duration) -> Self {
        Self { keep, samples: VecDeque::new() }
    }

    /// Adds the newest sample. Of those that are older than anybody asks for, one is kept.
    pub fn add(&mut self, sample: Sample) {
        let is_old = |other: &Sample| sample.at.saturating_duration_since(other.at) >= self.keep;
        while self.samples.get(1).is_some_and(is_old) {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// The average over the last so long, or as long as there is anything.
    pub fn recent(&self, over: Duration) -> Rates {
        let Some(newest) = self.samples.back() else { return Rates::default() };
        let from = self.since(newest, over).or(self.samples.front());
        from.map_or_else(Rates::default, |from| rates(from, newest))
    }

    /// The average over the last so long; none before there is as much.
    pub fn over(&self, over: Duration) -> Option<Rates> {
        let newest = self.samples.back()?;
        self.since(newest, over).map(|from| rates(from, newest))
    }

    /// The last sample that is at least so much older than the newest.
    fn since(&self, newest: &Sample, over: Duration) -> Option<&Sample> {
        self.samples.iter().rev().find(|sample| newest.at.saturating_duration_since(sample.at) >= over)
    }
}

fn rates(from: &Sample, to: &Sample) -> Rates {
    let seconds = to.at.saturating_duration_since(from.at).as_secs_f64();
    if seconds == 0.0 {
        return Rates::default();
    }
    Rates {
        cpu_percent: to.cpu.saturating_sub(from.cpu).as_secs_f64() / seconds * 100.0,
        received_per_second: to.received.saturating_sub(from.received) as f64 / seconds,
        sent_per_second: to.sent.saturating_sub(from.sent) as f64 / seconds,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock;

    const KEEP: Duration = Duration::from_secs(60);

    /// A window with a sample after each of these pauses, and so much processor time in each, in milliseconds.
    fn window(start: Instant, usage: &[(u64, u64)]) -> Window {
        let mut window = Window::new(KEEP);
        let (mut at, mut cpu, mut messages) = (start, Duration::ZERO, 0);
        for (pause, used) in usage {
            at += Duration::from_millis(*pause);
            cpu += Duration::from_millis(*used);
            messages += used;
            window.add(Sample { at, cpu, received: messages, sent: 2 * messages });
        }
        window
    }

    #[test]
    fn an_average_over_a_minute_is_there_after_a_minute() {
        let start = clock::now();
        let young = window(start, &[(1000, 500); 60]);
        assert_eq!(young.over(KEEP), None);
        let old = window(start, &[(1000, 500); 61]);
        assert_eq!(old.over(KEEP).unwrap().cpu_percent, 50.0);
        assert_eq!(young.recent(KEEP).received_per_second, 500.0);
    }

    #[test]
    fn one_sample_is_no_rate() {
        let window = window(clock::now(), &[(0, 1000)]);
        assert_eq!(window.recent(KEEP), Rates::default());
    }

    proptest! {
        #[test]
        fn an_average_lies_between_the_least_and_the_most(
            usage in proptest::collection::vec((500u64..3000, 0u64..4000), 2..200),
        ) {
            let window = window(clock::now(), &usage);
            let rates: Vec<f64> = usage.iter().map(|(pause, used)| *used as f64 / *pause as f64 * 100.0).collect();
            let (least, most) = (rates.iter().copied().fold(f64::MAX, f64::min), rates.iter().copied().fold(0.0, f64::max));
            for average in [Some(window.recent(Duration::from_secs(5))), window.over(KEEP)].into_iter().flatten() {
                prop_assert!((least - 0.001..=most + 0.001).contains(&average.cpu_percent), "{average:?}");
                prop_assert!((average.sent_per_second - 2.0 * average.received_per_second).abs() < 0.001);
            }
        }

        #[test]
        fn no_more_is_kept_than_is_asked_for(usage in proptest::collection::vec((1000u64..3000, 0u64..10), 0..300)) {
            prop_assert!(window(clock::now(), &usage).samples.len() <= 62);
        }
    }
}
