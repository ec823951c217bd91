//! Moments as nanoseconds since the program began, so that they fit into an edit and are compared where it arrives.
//! Sender and receivers are one program, so it is one clock.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

static BEGAN: OnceLock<Instant> = OnceLock::new();

/// When the program began, or first asked.
fn began() -> Instant {
    *BEGAN.get_or_init(widgetapp::clock::now)
}

/// Now.
pub fn nanos() -> u64 {
    nanos_of(widgetapp::clock::now())
}

/// Another moment; 0 if it was before the program began.
pub fn nanos_of(moment: Instant) -> u64 {
    u64::try_from(moment.saturating_duration_since(began()).as_nanos()).unwrap_or(u64::MAX)
}

/// Now, in seconds.
pub fn seconds() -> f64 {
    widgetapp::clock::now().saturating_duration_since(began()).as_secs_f64()
}

/// CPU that this program has taken so far, all its threads together.
pub fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
