//! Time and chance: the only place that reads a clock or a random source.
//!
//! Everything else is handed an [`Instant`], a Unix time or an id, so that tests can invent them.
//! This module knows nothing of the rest.
#![expect(clippy::disallowed_methods, reason = "this is the module that the ban points to")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::{Rng, RngCore};
use uuid::Uuid;

/// The monotonic clock, for time-outs and intervals.
pub fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970-01-01 UTC, for tokens and stored dates. A clock set before 1970 counts as 0.
pub fn unix_seconds() -> u64 {
    since_1970().as_secs()
}

/// Milliseconds since 1970-01-01 UTC, for the log.
pub fn unix_millis() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)
}

/// The monotonic clock as the system counts it, for others who read the same: microseconds of `CLOCK_MONOTONIC`.
pub fn monotonic_micros() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000)
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A new unguessable id (UUID version 4: 122 random bits).
pub fn new_id() -> Uuid {
    Uuid::new_v4()
}

/// A duration chosen evenly between zero and `most`: the "full jitter" of a back-off.
pub fn jitter(most: Duration) -> Duration {
    most.mul_f64(rand::rng().random::<f64>())
}

/// `N` unguessable bytes, for keys and passwords.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
