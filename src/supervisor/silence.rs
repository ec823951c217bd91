//! When a process that says nothing counts as hanging. Pure; time is passed in.
//!
//! Time counts only while the supervisor itself runs: a machine that was suspended, or too busy to run anybody, does
//! not make everyone hang. A process that works, or waits for the processor or the disk, is given more time than one
//! that sleeps or is halted.

use std::time::{Duration, Instant};

/// Between two looks no more than this counts, however much has passed.
const COUNTED_AT_ONCE: Duration = Duration::from_millis(1000);
/// A process that does nothing hangs after this. It should have told of itself several times
/// ([`crate::ipc::load::TELL_EVERY`]).
const ASLEEP: Duration = Duration::from_secs(4);
/// One that works on something hangs after this.
const AT_WORK: Duration = Duration::from_secs(30);

/// What a process does while it says nothing, as the system sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It sleeps or is halted.
    Nothing,
    /// It runs, or waits for the processor or the disk.
    Work,
}

/// For how long a process has said nothing.
#[derive(Debug)]
pub struct Silence {
    lasts: Duration,
    looked_at: Instant,
}

impl Silence {
    /// It begins now.
    pub fn new(now: Instant) -> Self {
        Self { lasts: Duration::ZERO, looked_at: now }
    }

    /// It has said something.
    pub fn broken(&mut self) {
        self.lasts = Duration::ZERO;
    }

    /// Whether the process hangs by now; to be asked often. What it does is looked up only if that matters.
    pub fn hangs(&mut self, now: Instant, doing: impl FnOnce() -> Doing) -> bool {
        self.lasts += now.saturating_duration_since(self.looked_at).min(COUNTED_AT_ONCE);
        self.looked_at = now;
        self.lasts >= ASLEEP && (self.lasts >= AT_WORK || doing() == Doing::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const LOOK: Duration = Duration::from_millis(250);

    /// After how long a process that does this and says nothing counts as hanging.
    fn found_after(doing: Doing, most: Duration) -> Option<Duration> {
        let start = clock::now();
        let mut silence = Silence::new(start);
        let mut now = start;
        while now < start + most {
            now += LOOK;
            if silence.hangs(now, || doing) {
                return Some(now - start);
            }
        }
        None
    }

    #[test]
    fn a_halted_process_is_found_within_5_seconds() {
        assert_eq!(found_after(Doing::Nothing, Duration::from_secs(60)), Some(Duration::from_secs(4)));
    }

    #[test]
    fn one_that_is_busy_is_given_more_time() {
        assert_eq!(found_after(Doing::Work, Duration::from_secs(60)), Some(Duration::from_secs(30)));
    }

    #[test]
    fn one_that_tells_of_itself_now_and_then_is_left_alone() {
        let start = clock::now();
        let mut silence = Silence::new(start);
        for look in 1..1000 {
            if look % 12 == 0 {
                silence.broken();
            }
            assert!(!silence.hangs(start + LOOK * look, || Doing::Nothing));
        }
    }

    #[test]
    fn a_machine_that_was_suspended_makes_nobody_hang() {
        let start = clock::now();
        let mut silence = Silence::new(start);
        assert!(!silence.hangs(start + LOOK, || Doing::Nothing));
        assert!(!silence.hangs(start + Duration::from_secs(3600), || Doing::Nothing), "it had no chance to speak");
        assert!(!silence.hangs(start + Duration::from_secs(7200), || Doing::Nothing));
    }
}
