//! What a run reports, and how it looks in a terminal.

use hdrhistogram::Histogram;
use serde::Serialize;

use super::station::Counted;
use crate::{
    calibration::{LONGEST_NS, histogram},
    slo::{Percentile, Slo},
    table,
    units::{show_number, show_seconds},
};

/// Seconds that are looked at one by one after a loss.
const MAX_WINDOWS: usize = 7_200;
/// From here on a process does not keep up.
const FULL: f64 = 0.99;

/// What came of a run. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Edits that were made.
    pub edits: u64,
    /// Edits that reached somebody, counted for each receiver.
    pub deliveries: u64,
    /// Events that were played: what the run cost.
    pub events: u64,
    /// From an edit until a receiver had it, those of the warm-up not counted.
    pub propagation: Latency,
    /// From an edit until its author had the answer.
    pub acknowledgement: Latency,
    /// The processes, by kind, in the order in which an edit meets them.
    pub stations: Vec<Busy>,
    /// What the loss did.
    pub recovery: Option<Recovery>,
}

/// Percentiles, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// How many were counted.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p99_9: f64,
    /// The longest.
    pub max: f64,
}

/// All processes of one kind, while edits were made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Busy {
    /// Which.
    pub name: &'static str,
    /// How many.
    pub count: usize,
    /// The share of time that a worker works, on average, 0 to 1.
    pub utilisation: f64,
    /// The same of the busiest.
    pub utilisation_of_busiest: f64,
    /// The mean time that a job spends there, waiting and being served, in seconds.
    pub mean_seconds: f64,
    /// Jobs that are there, on average over time, in one of them.
    pub mean_jobs: f64,
    /// The most jobs that were in one of them at a time.
    pub peak_jobs: u64,
}

/// What a loss did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Recovery {
    /// Connections that dropped.
    pub dropped: u32,
    /// Attempts to connect that were refused.
    pub refused: u64,
    /// From the loss until everybody was connected again, in seconds.
    pub all_back_seconds: f64,
    /// From the loss until propagation was as it should be, in seconds; nothing if that was not before the end.
    pub settled_seconds: Option<f64>,
}

impl Latency {
    pub(super) fn of(times_ns: &Histogram<u64>) -> Self {
        let at = |percentile: Percentile| times_ns.value_at_quantile(percentile.quantile()) as f64 / 1e9;
        Self {
            count: times_ns.len(),
            mean: times_ns.mean() / 1e9,
            p50: at(Percentile::P50),
            p90: at(Percentile::P90),
            p99: at(Percentile::P99),
            p99_9: at(Percentile::P99_9),
            max: at(Percentile::Max),
        }
    }

    /// One of them, in seconds.
    pub fn at(&self, percentile: Percentile) -> f64 {
        match percentile {
            Percentile::P50 => self.p50,
            Percentile::P90 => self.p90,
            Percentile::P99 => self.p99,
            Percentile::P99_9 => self.p99_9,
            Percentile::Max => self.max,
        }
    }
}

impl Busy {
    /// Of so many processes with so many workers each, over so long.
    pub(super) fn of(name: &'static str, counted: &[Counted], workers: u32, passed_ns: u64) -> Self {
        let passed = (passed_ns.max(1)) as f64;
        let busy = |one: &Counted| one.served as f64 / passed / f64::from(workers.max(1));
        let count = counted.len();
        let (left, spent) = counted.iter().fold((0, 0), |sum, one| (sum.0 + one.left, sum.1 + one.spent));
        Self {
            name,
            count,
            utilisation: counted.iter().map(busy).sum::<f64>() / count.max(1) as f64,
            utilisation_of_busiest: counted.iter().map(busy).fold(0.0, f64::max),
            mean_seconds: if left == 0 { 0.0 } else { spent as f64 / left as f64 / 1e9 },
            mean_jobs: counted.iter().map(|one| one.present as f64).sum::<f64>() / passed / count.max(1) as f64,
            peak_jobs: counted.iter().map(|one| one.peak).max().unwrap_or(0),
        }
    }
}

/// Propagation second by second, to see when it is as it should be again.
pub(super) struct Windows(Vec<Histogram<u64>>);

impl Windows {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn record(&mut self, at_ns: u64, latency_ns: u64) {
        let second = usize::try_from(at_ns / 1_000_000_000).unwrap_or(usize::MAX);
        if second >= MAX_WINDOWS {
            return;
        }
        while self.0.len() <= second {
            self.0.push(Histogram::new_with_bounds(1_000, LONGEST_NS, 1).expect("the bounds are in order"));
        }
        self.0[second].saturating_record(latency_ns);
    }

    /// From the loss until the last second, while edits were made, in which propagation was not as it should be.
    pub(super) fn settled(&self, lost_at: f64, ends_at: f64, slo: Option<&Slo>) -> Option<f64> {
        let percentile = slo.map_or(Percentile::P99, |slo| slo.percentile);
        let limit = match slo {
            Some(slo) => slo.limit.as_nanos() as f64,
            None => {
                let mut before = histogram();
                let earlier = self.0.iter().take(lost_at as usize);
                earlier.for_each(|window| before.add(window).unwrap_or_default());
                2.0 * before.value_at_quantile(percentile.quantile()) as f64
            }
        };
        let bad = |second: usize| {
            let window = self.0.get(second).filter(|window| !window.is_empty());
            window.is_some_and(|window| window.value_at_quantile(percentile.quantile()) as f64 > limit)
        };
        let (first, end) = (lost_at as usize, ends_at as usize);
        let last_bad = (first..end).rev().find(|second| bad(*second));
        match last_bad {
            None => Some(0.0),
            Some(second) if second + 1 >= end => None,
            Some(second) => Some((second + 1) as f64 - lost_at),
        }
    }
}

impl Outcome {
    /// The kinds of processes that did not keep up.
    pub fn overloaded(&self) -> Vec<&'static str> {
        let full = self.stations.iter().filter(|busy| busy.utilisation_of_busiest >= FULL);
        full.map(|busy| busy.name).collect()
    }

    /// For a terminal.
    pub fn show(&self) -> String {
        let number = |count: u64| show_number(count as f64);
        let mut text = format!(
            "{} edits, {} deliveries, each exactly once; {} events\n\n",
            number(self.edits),
            number(self.deliveries),
            number(self.events)
        );
        let heads = ["", "p50", "p90", "p99", "p99.9", "max"].map(str::to_owned).to_vec();
        let row = |name: &str, latency: &Latency| {
            let cells = Percentile::ALL.map(|percentile| show_seconds(latency.at(percentile)));
            [vec![name.to_owned()], cells.to_vec()].concat()
        };
        text += &table::render(&[
            heads,
            row("propagation", &self.propagation),
            row("acknowledgement", &self.acknowledgement),
        ]);
        text.push('\n');
        let heads = ["station", "count", "busy", "busiest", "mean stay", "mean jobs", "peak jobs"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        for busy in &self.stations {
            rows.push(vec![
                busy.name.into(),
                busy.count.to_string(),
                format!("{:.1} %", busy.utilisation * 100.0),
                format!("{:.1} %", busy.utilisation_of_busiest * 100.0),
                show_seconds(busy.mean_seconds),
                format!("{:.2}", busy.mean_jobs),
                busy.peak_jobs.to_string(),
            ]);
        }
        text += &table::render(&rows);
        for name in self.overloaded() {
            text += &format!(
                "\nOVERLOADED: {name} does not keep up; the longer the load lasts, the longer everything takes\n"
            );
        }
        if let Some(recovery) = &self.recovery {
            let settled = recovery.settled_seconds.map_or("not before the end".into(), show_seconds);
            text += &format!(
                "\nafter the loss   {} connections dropped, {} attempts refused\n\
                 all back after   {}\n\
                 settled after    {settled}\n",
                number(recovery.dropped.into()),
                number(recovery.refused),
                show_seconds(recovery.all_back_seconds),
            );
        }
        text
    }
}
