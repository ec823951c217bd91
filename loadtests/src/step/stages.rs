//! How long the log takes, from the histogram among the server's metrics.

use std::collections::BTreeMap;

use capacity::calibration::{Distribution, LONGEST_NS, Stages, histogram};
use widgetapp::{metrics, supervisor::admin::Request};

use crate::server::Server;

/// How often each bound, in nanoseconds, was not exceeded.
pub type Buckets = BTreeMap<u64, u64>;

/// The transactions of the log so far.
pub async fn commits(server: &Server) -> Buckets {
    let prefix = format!("{}_bucket{{le=\"", metrics::LOG_COMMIT.name);
    let lines = server.ask(&Request::Metrics).await.unwrap_or_default();
    let bucket = |line: &str| {
        let (bound, count) = line.strip_prefix(&prefix)?.split_once("\"}")?;
        let seconds: f64 = bound.parse().ok().filter(|seconds: &f64| seconds.is_finite())?;
        Some(((seconds * 1e9) as u64, count.trim().parse().ok()?))
    };
    lines.iter().flat_map(|text| text.lines()).filter_map(bucket).collect()
}

/// Those since then, each as long as the middle of its bucket.
pub fn since(before: &Buckets, now: &Buckets) -> Stages {
    let mut times = histogram();
    let (mut below, mut counted) = (0, 0);
    for (bound, count) in now {
        let up_to = count.saturating_sub(before.get(bound).copied().unwrap_or_default());
        let middle = u64::midpoint(below, *bound).clamp(1, LONGEST_NS);
        times.record_n(middle, up_to.saturating_sub(counted)).expect("it is within the bounds");
        (below, counted) = (*bound, up_to.max(counted));
    }
    let log_commit = (!times.is_empty()).then(|| Distribution::of(&times));
    Stages { log_commit, ..Stages::default() }
}
