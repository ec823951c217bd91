//! The latency that is wanted (service level objective): a percentile of the propagation of edits, and its limit.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::units;

/// `p99<100ms`: of a hundred deliveries, 99 arrive in less than 100 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slo {
    /// Which part of the deliveries it speaks of.
    pub percentile: Percentile,
    /// What they have to stay below.
    pub limit: Duration,
}

/// Those that are measured and reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Percentile {
    /// The median.
    P50,
    /// Nine of ten.
    P90,
    /// 99 of 100.
    P99,
    /// 999 of 1,000.
    P99_9,
    /// All.
    Max,
}

/// A text that is no [`Slo`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SloError {
    /// The `<` is missing.
    #[error("`{0}` has no `<`: write for instance `p99<100ms`, in quotes")]
    NoLimit(String),
    /// In front of the `<` stands something else.
    #[error("`{0}` is not measured: use p50, p90, p99, p99.9 or max")]
    Percentile(String),
    /// Behind the `<` stands no duration.
    #[error("the limit {0}")]
    Limit(#[from] units::UnitError),
    /// Nothing is faster than that.
    #[error("the limit has to be above 0")]
    Zero,
}

impl Percentile {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::P50, Self::P90, Self::P99, Self::P99_9, Self::Max];

    /// Its share of all deliveries, 0 to 1.
    pub fn quantile(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P99 => 0.99,
            Self::P99_9 => 0.999,
            Self::Max => 1.0,
        }
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P99_9 => "p99.9",
            Self::Max => "max",
        }
    }
}

impl FromStr for Slo {
    type Err = SloError;

    fn from_str(text: &str) -> Result<Self, SloError> {
        let (name, limit) = text.split_once('<').ok_or_else(|| SloError::NoLimit(text.into()))?;
        let (name, limit) = (name.trim(), limit.trim());
        let percentile = Percentile::ALL.into_iter().find(|known| known.name() == name);
        let percentile = percentile.ok_or_else(|| SloError::Percentile(name.into()))?;
        let limit = units::duration(limit)?;
        if limit.is_zero() { Err(SloError::Zero) } else { Ok(Self { percentile, limit }) }
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} < {}", self.percentile.name(), units::show_duration(self.limit))
    }
}

impl Serialize for Slo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Slo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentile_and_limit_are_read() {
        let wanted = Slo { percentile: Percentile::P99, limit: Duration::from_millis(100) };
        for text in ["p99<100ms", "p99 < 100ms", " p99<0.1s "] {
            assert_eq!(text.parse(), Ok(wanted), "{text}");
        }
        assert_eq!("p99.9<2s".parse::<Slo>().map(|slo| slo.percentile), Ok(Percentile::P99_9));
        assert_eq!("max<2s".parse::<Slo>().map(|slo| slo.percentile), Ok(Percentile::Max));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, what) in [
            ("p99", "has no `<`"),
            ("p95<1s", "`p95` is not measured: use p50, p90, p99, p99.9 or max"),
            ("p99<fast", "the limit `fast` is not a duration"),
            ("p99<", "is not a duration"),
            ("p99<0ms", "above 0"),
            ("p99>1s", "has no `<`"),
        ] {
            let error = text.parse::<Slo>().expect_err(text).to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_slo_or_an_error(text in ".{0,20}") {
            let _ = text.parse::<Slo>();
        }

        #[test]
        fn whole_milliseconds_are_read_as_written(place in 0usize..5, millis in 1u64..1_000_000) {
            let percentile = Percentile::ALL[place];
            let slo: Slo = format!("{}<{millis}ms", percentile.name()).parse().unwrap();
            prop_assert_eq!(slo, Slo { percentile, limit: Duration::from_millis(millis) });
        }
    }
}
