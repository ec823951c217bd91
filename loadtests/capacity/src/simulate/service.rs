//! How long one service takes, without waiting.

use std::{str::FromStr, sync::Arc};

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use crate::{
    calibration::{Distribution, HistogramError},
    units::{self, UnitError},
};

/// Equal parts into which measured times are divided.
const PARTS: u32 = 4_096;

/// The longest service, in nanoseconds: ten seconds. With it, no sum of a run exceeds 64 bits.
const LONGEST: f64 = 1e10;

/// A distribution of times, in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceTime {
    /// Always the same.
    Constant(f64),
    /// Exponentially distributed, with this mean: as uneven as times usually are.
    Exponential(f64),
    /// As measured: the mean of each of [`PARTS`] equal parts, from the shortest times to the longest. So the mean is
    /// that of the measurement.
    Measured(Arc<[f64]>),
}

impl ServiceTime {
    /// No time at all.
    pub const NONE: Self = Self::Constant(0.0);

    /// Exponential, or nothing if the mean is 0.
    pub fn exponential_seconds(mean: f64) -> Self {
        if mean > 0.0 { Self::Exponential(mean * 1e9) } else { Self::NONE }
    }

    /// As measured.
    pub fn measured(times: &Distribution) -> Result<Self, HistogramError> {
        let histogram = times.histogram()?;
        let mut runs = histogram.iter_recorded().map(|run| {
            let value = (histogram.median_equivalent(run.value_iterated_to()) as f64).min(LONGEST);
            (value, run.count_since_last_iteration() as f64)
        });
        let part = histogram.len() as f64 / f64::from(PARTS);
        let (mut value, mut left) = runs.next().unwrap_or((0.0, 0.0));
        let mut mean_of_part = |_| {
            let (mut sum, mut wanted) = (0.0, part);
            while wanted > left {
                sum += value * left;
                wanted -= left;
                // The last run may fall short by a rounding.
                (value, left) = runs.next().unwrap_or((value, f64::INFINITY));
            }
            left -= wanted;
            if part > 0.0 { (sum + value * wanted) / part } else { 0.0 }
        };
        Ok(Self::Measured((0..PARTS).map(&mut mean_of_part).collect()))
    }

    /// The mean, in seconds.
    pub fn mean_seconds(&self) -> f64 {
        match self {
            Self::Constant(mean) | Self::Exponential(mean) => mean / 1e9,
            Self::Measured(parts) => parts.iter().sum::<f64>() / f64::from(PARTS) / 1e9,
        }
    }

    /// One time, in nanoseconds.
    pub fn draw(&self, chance: &mut ChaCha8Rng) -> u64 {
        match self {
            Self::Constant(time) => *time as u64,
            Self::Exponential(mean) => (-mean * (1.0 - chance.random::<f64>()).ln()) as u64,
            Self::Measured(parts) => parts[chance.random_range(0..PARTS) as usize] as u64,
        }
    }
}

impl FromStr for ServiceTime {
    type Err = UnitError;

    /// `80us` is exponential with that mean, `constant:80us` is always the same.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (time, constant) = text.strip_prefix("constant:").map_or((text, false), |time| (time, true));
        let seconds = units::short_duration(time)?.as_secs_f64();
        Ok(if constant { Self::Constant(seconds * 1e9) } else { Self::exponential_seconds(seconds) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;

    use super::*;
    use crate::calibration::histogram;

    #[test]
    fn times_are_read() {
        assert_eq!("80us".parse(), Ok(ServiceTime::Exponential(80_000.0)));
        assert_eq!("constant:1ms".parse(), Ok(ServiceTime::Constant(1_000_000.0)));
        assert_eq!("0".parse(), Ok(ServiceTime::NONE));
        assert!("11s".parse::<ServiceTime>().is_err());
        assert!("constant".parse::<ServiceTime>().is_err());
    }

    proptest! {
        #[test]
        fn measured_times_keep_their_mean(times in prop::collection::vec(1u64..1_000_000_000, 1..200)) {
            let mut all = histogram();
            times.iter().for_each(|time| all.record(*time).unwrap());
            let service = ServiceTime::measured(&Distribution::of(&all)).unwrap();
            let apart = service.mean_seconds() * 1e9 / all.mean() - 1.0;
            prop_assert!(apart.abs() < 1e-6, "{} apart", apart);
        }

        #[test]
        fn no_time_is_longer_than_the_longest(times in prop::collection::vec(1u64..1_000_000_000, 1..20), seed: u64) {
            let mut all = histogram();
            times.iter().for_each(|time| all.record(*time).unwrap());
            let service = ServiceTime::measured(&Distribution::of(&all)).unwrap();
            let mut chance = ChaCha8Rng::seed_from_u64(seed);
            for _ in 0..100 {
                let time = service.draw(&mut chance);
                prop_assert!(time <= all.max() && time + 1 >= all.min() - all.min() / 1_000);
            }
        }
    }

    #[test]
    fn exponential_times_have_their_mean() {
        let mut chance = ChaCha8Rng::seed_from_u64(1);
        let service = ServiceTime::exponential_seconds(1e-3);
        let total: u64 = (0..100_000).map(|_| service.draw(&mut chance)).sum();
        assert!((90_000_000_000..110_000_000_000).contains(&total), "{total}");
    }
}
