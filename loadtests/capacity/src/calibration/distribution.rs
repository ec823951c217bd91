//! Times that were measured: a few percentiles for people, and the whole histogram for the simulator.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer as _, V2Serializer},
};
use serde::{Deserialize, Serialize};

use crate::slo::Percentile;

/// The longest time that a histogram holds, in nanoseconds: an hour.
pub const LONGEST_NS: u64 = 3_600_000_000_000;
/// Significant decimal digits of a histogram.
const DIGITS: u8 = 3;

/// Times of one sort, all in microseconds but the histogram, which counts nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// How many times were measured.
    pub count: u64,
    /// Their mean, in microseconds.
    pub mean_us: f64,
    /// The median, in microseconds.
    pub p50_us: f64,
    /// Nine of ten were no longer, in microseconds.
    pub p90_us: f64,
    /// 99 of 100, in microseconds.
    pub p99_us: f64,
    /// 999 of 1,000, in microseconds.
    pub p99_9_us: f64,
    /// The longest, in microseconds.
    pub max_us: f64,
    /// All of them, in nanoseconds: an HdrHistogram in its V2 encoding, as base64.
    pub hdr: String,
}

/// A histogram that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("`hdr` is not an HdrHistogram V2 in base64: {0}")]
pub struct HistogramError(String);

/// An empty histogram of nanoseconds.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, DIGITS).expect("the bounds are in order")
}

impl Distribution {
    /// What a histogram of nanoseconds says.
    pub fn of(times_ns: &Histogram<u64>) -> Self {
        let at = |percentile: Percentile| times_ns.value_at_quantile(percentile.quantile()) as f64 / 1e3;
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(times_ns, &mut bytes).expect("a vector can be written to");
        Self {
            count: times_ns.len(),
            mean_us: times_ns.mean() / 1e3,
            p50_us: at(Percentile::P50),
            p90_us: at(Percentile::P90),
            p99_us: at(Percentile::P99),
            p99_9_us: at(Percentile::P99_9),
            max_us: at(Percentile::Max),
            hdr: STANDARD.encode(bytes),
        }
    }

    /// All times, in nanoseconds.
    pub fn histogram(&self) -> Result<Histogram<u64>, HistogramError> {
        let bytes = STANDARD.decode(&self.hdr).map_err(|error| HistogramError(error.to_string()))?;
        let read = Deserializer::new().deserialize(&mut bytes.as_slice());
        read.map_err(|error| HistogramError(error.to_string()))
    }

    /// A percentile, in seconds.
    pub fn seconds(&self, percentile: Percentile) -> f64 {
        let micros = match percentile {
            Percentile::P50 => self.p50_us,
            Percentile::P90 => self.p90_us,
            Percentile::P99 => self.p99_us,
            Percentile::P99_9 => self.p99_9_us,
            Percentile::Max => self.max_us,
        };
        micros / 1e6
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(times in prop::collection::vec(1u64..10_000_000_000, 1..50)) {
            let mut all = histogram();
            times.iter().for_each(|time| all.record(*time).unwrap());
            let written = Distribution::of(&all);
            prop_assert_eq!(written.count, times.len() as u64);
            let read: Distribution = serde_json::from_str(&serde_json::to_string(&written).unwrap()).unwrap();
            prop_assert_eq!(read.histogram().unwrap(), all);
        }

        #[test]
        fn anything_else_is_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut written = Distribution::of(&histogram());
            written.hdr = STANDARD.encode(bytes);
            let _ = written.histogram();
        }
    }
}
