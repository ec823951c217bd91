//! When a process is rogue, and how often the server may restart one for that. Pure; time is passed in.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::window::Window;
use crate::{ipc::ProcessId, metrics::TooMuch};

/// So many restarts of a rogue process...
const RESTARTS: usize = 3;
/// ...within so long: if it is rogue again after that, another restart would not help it either.
const WITHIN: Duration = Duration::from_secs(60 * 60);

/// From when on a process takes too much.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Percent of one core...
    pub cpu_percent: f64,
    /// ...on average over so long.
    pub over: Duration,
    /// Bytes of memory.
    pub memory_bytes: u64,
}

impl Rule {
    /// What a process takes too much of. That of the processor is known once it has lived long enough.
    pub fn judge(&self, window: &Window, memory_bytes: u64) -> Option<TooMuch> {
        if memory_bytes >= self.memory_bytes {
            return Some(TooMuch::Memory);
        }
        let rates = window.over(self.over)?;
        (rates.cpu_percent >= self.cpu_percent).then_some(TooMuch::Cpu)
    }
}

/// The restarts of one process for being rogue.
#[derive(Debug, Default)]
pub struct Restarts {
    last: VecDeque<Instant>,
    /// How many there were.
    pub count: u64,
    /// It was rogue again after as many as are allowed.
    pub given_up: bool,
}

impl Restarts {
    /// Whether the process may be restarted now; counts it as restarted if so. That it may not is said once.
    pub fn may(&mut self, now: Instant, id: ProcessId) -> bool {
        self.last.retain(|at| now.saturating_duration_since(*at) < WITHIN);
        if self.last.len() < RESTARTS {
            self.last.push_back(now);
            self.count += 1;
            self.given_up = false;
            return true;
        }
        if !std::mem::replace(&mut self.given_up, true) {
            tracing::error!(
                process = %id,
                "it is rogue after {RESTARTS} restarts within an hour, so it is left alone; find out what it is busy \
                 with, or raise the limits in [supervisor]"
            );
        }
        false
    }

    /// The administrator has restarted it: it may be restarted again.
    pub fn forgive(&mut self) {
        self.last.clear();
        self.given_up = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::window::Sample, *};
    use crate::clock;

    const RULE: Rule = Rule { cpu_percent: 50.0, over: Duration::from_secs(60), memory_bytes: 1000 };

    fn used(start: Instant, percents: impl IntoIterator<Item = u64>) -> Window {
        let mut window = Window::new(RULE.over);
        let mut cpu = Duration::ZERO;
        window.add(Sample { at: start, cpu, received: 0, sent: 0 });
        for (second, percent) in (1..).zip(percents) {
            cpu += Duration::from_millis(10 * percent);
            window.add(Sample { at: start + Duration::from_secs(second), cpu, received: 0, sent: 0 });
        }
        window
    }

    #[test]
    fn half_a_core_for_a_minute_is_rogue_and_anything_less_is_not() {
        book::claims!("C32", 1);
        let start = clock::now();
        assert_eq!(RULE.judge(&used(start, [50; 60]), 0), Some(TooMuch::Cpu));
        assert_eq!(RULE.judge(&used(start, [100; 59]), 0), None, "not for a minute yet");
        assert_eq!(RULE.judge(&used(start, [50; 59].into_iter().chain([49])), 0), None);
        let busy_once = [100; 29].into_iter().chain([0; 31]);
        assert_eq!(RULE.judge(&used(start, busy_once), 0), None);
    }

    #[test]
    fn half_of_the_memory_is_rogue_at_once() {
        book::claims!("C32", 1);
        let idle = used(clock::now(), []);
        assert_eq!((RULE.judge(&idle, 999), RULE.judge(&idle, 1000)), (None, Some(TooMuch::Memory)));
    }

    #[test]
    fn a_process_that_calms_down_is_not_rogue_any_more() {
        let start = clock::now();
        assert_eq!(RULE.judge(&used(start, [90; 60].into_iter().chain([0; 40])), 0), None);
    }

    proptest! {
        #[test]
        fn what_stays_below_the_limit_is_never_rogue(percents in proptest::collection::vec(0u64..50, 0..200)) {
            prop_assert_eq!(RULE.judge(&used(clock::now(), percents), 0), None);
        }

        #[test]
        fn what_stays_above_is_rogue_from_a_minute_on(percents in proptest::collection::vec(50u64..400, 60..200)) {
            prop_assert_eq!(RULE.judge(&used(clock::now(), percents), 0), Some(TooMuch::Cpu));
        }

        #[test]
        fn no_more_than_three_restarts_in_any_hour(pauses in proptest::collection::vec(1u64..3000, 1..100)) {
            let (mut restarts, mut now, mut done) = (Restarts::default(), clock::now(), Vec::new());
            for pause in pauses {
                now += Duration::from_secs(pause);
                let may = restarts.may(now, ProcessId::Wfe);
                prop_assert_eq!(may, !restarts.given_up);
                done.extend(may.then_some(now));
            }
            prop_assert_eq!(done.len() as u64, restarts.count);
            prop_assert!(done.windows(4).all(|four| four[3] - four[0] >= WITHIN));
        }
    }

    #[test]
    fn a_restart_by_hand_allows_others() {
        let now = clock::now();
        let mut restarts = Restarts::default();
        let allowed = |restarts: &mut Restarts| (0..5).filter(|_| restarts.may(now, ProcessId::Wfe)).count();
        assert_eq!((allowed(&mut restarts), allowed(&mut restarts)), (3, 0));
        restarts.forgive();
        assert_eq!((allowed(&mut restarts), restarts.count), (3, 6));
    }
}
