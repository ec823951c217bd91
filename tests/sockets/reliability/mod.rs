//! Proof that nothing is lost, whatever is killed, stopped, full or cut off.
//!
//! Clients edit Things and remember all that they were told ([`load`]); meanwhile something is done to the server;
//! in the end the [`checker`] holds what they were told against the log as it is read back. Short forms run with
//! all other tests. The long ones, whose figures stand in the guide, are started one at a time:
//!
//! ```sh
//! MINUTES=10 cargo test --release --test sockets -- --ignored --nocapture reliability::kills::a1
//! ```
//!
//! Each prints its figures as one line and writes them to `target/evidence/reliability/`.

mod checker;
mod copies;
mod ends;
mod faults;
mod figures;
mod kills;
mod load;
mod power_cut;
mod scarce;
mod slow;
mod socket;
mod storm;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::{
    checker::{Verdict, Violation},
    load::Outcome,
};
use crate::product::Product;

/// What one server is told for these tests: few users stand for many, and the processes stay the same unless a test
/// is about that.
const SETTINGS: [(&str, &str); 5] = [
    ("WIDGETAPP_STREAM__REQUESTS_PER_SECOND", "1000000"),
    ("WIDGETAPP_STREAM__REQUEST_BURST", "1000000"),
    ("WIDGETAPP_STREAM__OPENINGS_PER_SECOND", "1000000"),
    ("WIDGETAPP_STREAM__OPENING_BURST", "1000000"),
    ("WIDGETAPP_SFE__MAX_INSTANCES", "1"),
];
/// Two of each front end, so that something is hit while its like goes on.
const TWO_OF_EACH: [(&str, &str); 3] = [
    ("WIDGETAPP_SFE__MIN_INSTANCES", "2"),
    ("WIDGETAPP_SFE__MAX_INSTANCES", "2"),
    ("WIDGETAPP_SFE__STREAMS_PER_INSTANCE", "2"),
];

/// Holds what the clients were told against the log, after all of the server was killed.
fn verdict(product: &mut Product, outcome: &Outcome) -> Verdict {
    product.kill_all();
    checker::check(&outcome.histories(), &outcome.stored(product.data()))
}

/// Fails if anything was lost, done twice, or out of order.
fn assert_kept(verdict: &Verdict) {
    let shown: Vec<&Violation> = verdict.violations.iter().take(20).collect();
    assert!(shown.is_empty(), "{verdict}\n{shown:#?}");
    assert!(verdict.acknowledged > 0, "nothing was edited");
}

/// These tests are about processors, disks and times, so they are not run at the same time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a long test runs: `MINUTES`, else what it is made for.
fn minutes(usual: f64) -> Duration {
    let minutes = std::env::var("MINUTES").map(|text| text.parse::<f64>().expect("MINUTES is a number"));
    Duration::from_secs_f64(60.0 * minutes.unwrap_or(usual))
}
