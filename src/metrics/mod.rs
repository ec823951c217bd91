//! What the server counts: the list of all counts, with their labels, and the counts of this process.
//!
//! Each process counts for itself and tells the supervisor once a second what has been added ([`take`]); the
//! supervisor adds that up ([`Totals`]) and writes it as text ([`exposition`]). So a process that is started again
//! begins anew, and the sums go on. What a killed process had counted in its last second is lost.
//!
//! Every label has few values that are known before: codes, actions, processes. No name of a user, no id of a Thing or
//! session and nothing that a client has written becomes a label.

pub mod exposition;

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    clock,
    protocol::{CloseCode, ErrorCode, action::Action},
};

/// Most series of one metric, and most buckets of a histogram with its sum.
const MAX_CELLS: usize = 64;

/// The labels of one series.
pub type Labels = Vec<(&'static str, String)>;

/// One metric that processes count.
#[derive(Debug)]
pub struct Metric {
    /// As Prometheus knows it.
    pub name: &'static str,
    /// What it means, in one sentence.
    pub help: &'static str,
    /// Counter or histogram.
    pub kind: Kind,
    cells: [AtomicU64; MAX_CELLS],
}

/// What a metric counts.
#[derive(Debug)]
pub enum Kind {
    /// Events; a series for each set of labels.
    Counter(fn() -> Vec<Labels>),
    /// Durations: how many took no longer than each of these, in microseconds. The cell behind those of the buckets
    /// counts longer ones, the last is the sum.
    Histogram(&'static [u64]),
}

impl Metric {
    const fn counter(name: &'static str, help: &'static str, series: fn() -> Vec<Labels>) -> Self {
        Self { name, help, kind: Kind::Counter(series), cells: [const { AtomicU64::new(0) }; MAX_CELLS] }
    }

    const fn histogram(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Histogram(&BUCKETS_MICROS), cells: [const { AtomicU64::new(0) }; MAX_CELLS] }
    }

    /// Counts so many more, where there are no labels.
    pub fn add(&self, count: u64) {
        self.cells[0].fetch_add(count, Relaxed);
    }

    fn add_to(&self, series: usize) {
        self.cells[series].fetch_add(1, Relaxed);
    }

    /// Does something and counts how long it took.
    pub fn time<T>(&self, what: impl FnOnce() -> T) -> T {
        let began = clock::now();
        let done = what();
        self.observe(clock::now() - began);
        done
    }

    /// Counts something that took so long.
    pub fn observe(&self, took: Duration) {
        let Kind::Histogram(buckets) = self.kind else { return };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.add_to(buckets.partition_point(|bound| *bound < micros));
        self.cells[buckets.len() + 1].fetch_add(micros, Relaxed);
    }
}

/// From a commit to memory up to a disk that hardly answers.
const BUCKETS_MICROS: [u64; 14] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000];

/// Messages of clients, by stream.
pub static MESSAGES_RECEIVED: Metric =
    Metric::counter("widgetapp_messages_received_total", "Messages that clients have sent over streams.", unlabelled);
/// Messages to clients, by stream.
pub static MESSAGES_SENT: Metric =
    Metric::counter("widgetapp_messages_sent_total", "Messages sent to clients over streams.", unlabelled);
/// Streams that were opened.
pub static STREAMS: Metric =
    Metric::counter("widgetapp_streams_opened_total", "Streams that clients have opened.", unlabelled);
static ACTIONS: Metric = Metric::counter(
    "widgetapp_actions_total",
    "User actions begun by stream or HTTP, by action; those that were not permitted are not counted.",
    of_actions,
);
static EDITS: Metric =
    Metric::counter("widgetapp_edits_total", "Edits acknowledged: stored, and told to whoever made them.", unlabelled);
static ERRORS: Metric = Metric::counter(
    "widgetapp_errors_total",
    "Errors answered by stream or HTTP, by the code of the error and its name.",
    of_errors,
);
static CLOSES: Metric = Metric::counter(
    "widgetapp_closes_total",
    "Streams closed by the server, by the close code and its name.",
    of_closes,
);
static LOGINS: Metric = Metric::counter(
    "widgetapp_logins_total",
    "Names and passwords tried, by how it ended: ok, wrong, or too_many tries.",
    of_logins,
);
static HTTP: Metric = Metric::counter(
    "widgetapp_http_requests_total",
    "HTTP requests answered, by the class of the status.",
    of_statuses,
);
/// How long the log takes to store what waits.
pub static LOG_COMMIT: Metric = Metric::histogram(
    "widgetapp_log_commit_duration_seconds",
    "How long one transaction of the log takes; it holds all the changes that waited.",
);
static EDIT: Metric = Metric::histogram(
    "widgetapp_edit_duration_seconds",
    "From an edit's arrival at the service until it is stored and acknowledged.",
);
static ROGUES: Metric =
    Metric::counter("widgetapp_rogue_total", "Processes found to be rogue, by what they took too much of.", of_loads);
/// Restarts of rogue processes.
pub static ROGUE_RESTARTS: Metric = Metric::counter(
    "widgetapp_rogue_restarts_total",
    "Rogue processes that the server has restarted by itself (supervisor.restart_rogue).",
    unlabelled,
);

/// All of them.
pub static ALL: [&Metric; 13] = [
    &STREAMS,
    &CLOSES,
    &MESSAGES_RECEIVED,
    &MESSAGES_SENT,
    &ACTIONS,
    &EDITS,
    &ERRORS,
    &EDIT,
    &LOG_COMMIT,
    &LOGINS,
    &HTTP,
    &ROGUES,
    &ROGUE_RESTARTS,
];

fn unlabelled() -> Vec<Labels> {
    vec![Vec::new()]
}

fn of_actions() -> Vec<Labels> {
    Action::ALL.iter().map(|action| vec![("action", action.short_name().to_owned())]).collect()
}

fn of_errors() -> Vec<Labels> {
    ErrorCode::ALL.iter().map(|code| of_code(code.number(), code.name())).collect()
}

fn of_closes() -> Vec<Labels> {
    CloseCode::ALL.iter().map(|code| of_code(code.number(), code.name())).collect()
}

fn of_code(number: u16, name: &str) -> Labels {
    vec![("code", number.to_string()), ("name", name.to_owned())]
}

fn of_logins() -> Vec<Labels> {
    ["ok", "wrong", "too_many"].map(|result| vec![("result", result.to_owned())]).into()
}

fn of_statuses() -> Vec<Labels> {
    (1..=5).map(|class| vec![("status", format!("{class}xx"))]).collect()
}

fn of_loads() -> Vec<Labels> {
    [TooMuch::Cpu, TooMuch::Memory].map(|of| vec![("of", of.to_string())]).into()
}

/// Counts a user action that begins.
pub fn action(action: Action) {
    ACTIONS.add_to(position(Action::ALL, |known| *known == action));
}

/// Counts an error that is answered, by its number.
pub fn error(number: u16) {
    ERRORS.add_to(position(ErrorCode::ALL, |code| code.number() == number));
}

/// Counts a stream that the server closes, by the number of the code.
pub fn close(number: u16) {
    CLOSES.add_to(position(CloseCode::ALL, |code| code.number() == number));
}

/// Every code and action that is given is one of all, so that nothing is counted as another.
fn position<T>(all: &[T], is_it: impl Fn(&T) -> bool) -> usize {
    all.iter().position(is_it).unwrap_or(MAX_CELLS - 1)
}

/// Counts an edit that is stored and acknowledged, and how long that took.
pub fn edited(took: Duration) {
    EDITS.add(1);
    EDIT.observe(took);
}

/// How a try to log in ended.
#[derive(Clone, Copy, Debug)]
pub enum Login {
    /// Name and password were right.
    Right,
    /// They were not.
    Wrong,
    /// There were too many wrong tries before.
    TooMany,
}

/// Counts a try to log in.
pub fn login(ended: Login) {
    LOGINS.add_to(ended as usize);
}

/// Counts an HTTP request that was answered with this status.
pub fn http(status: u16) {
    HTTP.add_to(usize::from((status / 100).clamp(1, 5)) - 1);
}

/// What a rogue process takes too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TooMuch {
    /// Of the processor.
    Cpu,
    /// Of its memory.
    Memory,
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
        })
    }
}

/// Counts a process that is found to be rogue.
pub fn rogue(too_much: TooMuch) {
    ROGUES.add_to(too_much as usize);
}

/// What has been added to one cell: the metric's place in [`ALL`], the cell, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added(u8, u8, u64);

/// What this process has counted since it was last asked.
pub fn take() -> Vec<Added> {
    let mut all = Vec::new();
    for (place, metric) in (0..).zip(ALL) {
        for (cell, count) in (0..).zip(&metric.cells) {
            if count.load(Relaxed) > 0 {
                all.push(Added(place, cell, count.swap(0, Relaxed)));
            }
        }
    }
    all
}

/// The sums over all processes.
#[derive(Debug)]
pub struct Totals([[u64; MAX_CELLS]; ALL.len()]);

impl Default for Totals {
    fn default() -> Self {
        Self([[0; MAX_CELLS]; ALL.len()])
    }
}

impl Totals {
    /// Adds what a process has counted.
    pub fn add(&mut self, added: &[Added]) {
        for Added(metric, cell, count) in added {
            if let Some(sum) = self.0.get_mut(usize::from(*metric)).and_then(|cells| cells.get_mut(usize::from(*cell)))
            {
                *sum = sum.saturating_add(*count);
            }
        }
    }

    /// All that was added, for another program that goes on counting.
    pub fn all(&self) -> Vec<Added> {
        let cells = |(metric, cells): (u8, &[u64; MAX_CELLS])| {
            (0..).zip(*cells).map(move |(cell, sum)| Added(metric, cell, sum)).collect::<Vec<_>>()
        };
        (0..).zip(&self.0).flat_map(cells).filter(|Added(.., sum)| *sum > 0).collect()
    }

    /// Every metric with its sums.
    fn each(&self) -> impl Iterator<Item = (&'static Metric, &[u64; MAX_CELLS])> {
        ALL.into_iter().zip(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_series_has_a_cell_of_its_own_and_the_last_is_nobodys() {
        for metric in ALL {
            let cells = match metric.kind {
                Kind::Counter(series) => series().len(),
                Kind::Histogram(buckets) => buckets.len() + 2,
            };
            assert!(cells < MAX_CELLS, "{}", metric.name);
        }
    }

    #[test]
    fn a_duration_is_counted_in_the_first_bucket_that_holds_it() {
        let metric = Metric::histogram("a", "b");
        for micros in [0, 100, 101, 5_000_000, 5_000_001] {
            metric.observe(Duration::from_micros(micros));
        }
        let count = |cell: usize| metric.cells[cell].load(Relaxed);
        assert_eq!((count(0), count(1), count(13), count(14), count(15)), (2, 1, 1, 1, 10_000_202));
    }

    proptest! {
        #[test]
        fn sums_never_fall_and_lose_nothing(told in proptest::collection::vec((0..13u8, 0..64u8, 0..1000u64), 0..100)) {
            let mut totals = Totals::default();
            let mut sum = 0;
            for (metric, cell, count) in told {
                totals.add(&[Added(metric, cell, count)]);
                let all: u64 = totals.each().flat_map(|(_, cells)| cells).sum();
                sum += count;
                prop_assert_eq!(all, sum);
            }
        }
    }

    #[test]
    fn sums_that_are_handed_on_are_the_same_sums() {
        let (mut before, mut after) = (Totals::default(), Totals::default());
        before.add(&[Added(0, 0, 7), Added(12, 63, 1), Added(3, 5, 2)]);
        after.add(&before.all());
        assert_eq!((before.all().len(), before.all()), (3, after.all()));
    }

    #[test]
    fn what_no_version_of_this_program_tells_changes_nothing() {
        let mut totals = Totals::default();
        totals.add(&[Added(200, 0, 1), Added(0, 200, 1)]);
        assert!(totals.each().all(|(_, cells)| cells.iter().all(|sum| *sum == 0)));
    }
}
