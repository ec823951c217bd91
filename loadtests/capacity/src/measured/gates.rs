//! When a step does not count: the load was not the one that was asked for, or there is too little of it to say anything.

use std::time::Duration;

use crate::{
    calibration::Distribution,
    slo::{Percentile, Slo},
    units::{show_duration, show_number, show_seconds},
};

/// The generator is too busy above this share of the cores that it may use.
const BUSY: f64 = 0.8;
/// Edits are sent late if the lateness of 99 of 100 is above this share of the wanted latency...
const LATE_SHARE: f64 = 0.1;
/// ...but never below this: clocks that wake programs up count whole milliseconds.
const LATE_AT_LEAST: Duration = Duration::from_millis(3);
/// So many samples have to lie beyond the percentile.
const BEYOND: f64 = 10.0;
/// Of a maximum, so many samples are enough.
const SAMPLES_OF_MAX: u64 = 100;

/// How the load was made.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// Cores that the generator took.
    pub generator_cpu: f64,
    /// Cores that it may take.
    pub generator_cores: f64,
    /// How late edits were sent.
    pub lateness: Distribution,
    /// How long they took, from when they were due.
    pub propagation: Distribution,
    /// Clients that were to be connected.
    pub asked: u32,
    /// Those that were.
    pub connected: u32,
}

impl Circumstances {
    /// Why the step does not count; nothing if it does.
    pub fn objections(&self, slo: &Slo) -> Vec<String> {
        let mut objections = Vec::new();
        let share = self.generator_cpu / self.generator_cores;
        if share > BUSY {
            let (percent, most) = (share * 100.0, BUSY * 100.0);
            objections
                .push(format!("the generator took {percent:.0} % of its share of the processors, {most:.0} % at most"));
        }
        let late = slo.limit.mul_f64(LATE_SHARE).max(LATE_AT_LEAST);
        let lateness = self.lateness.seconds(Percentile::P99);
        // Whatever is sent late arrives late. What is too slow even without that is the server's.
        let without = self.propagation.seconds(slo.percentile) - self.lateness.seconds(slo.percentile);
        if lateness > late.as_secs_f64() && without < slo.limit.as_secs_f64() {
            let (lateness, late) = (show_seconds(lateness), show_duration(late));
            objections.push(format!("edits were sent late: p99 {lateness}, {late} at most"));
        }
        if self.connected < self.asked {
            objections.push(format!("{} of {} clients were connected", self.connected, self.asked));
        }
        let needed = samples_needed(slo.percentile);
        if self.propagation.count < needed {
            let (there, needed) = (show_number(self.propagation.count as f64), show_number(needed as f64));
            objections
                .push(format!("{there} deliveries are too few for {}, which needs {needed}", slo.percentile.name()));
        }
        objections
    }
}

/// A percentile of fewer is a matter of chance.
pub fn samples_needed(percentile: Percentile) -> u64 {
    match percentile {
        Percentile::Max => SAMPLES_OF_MAX,
        percentile => (BEYOND / (1.0 - percentile.quantile())).round() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::fixture::{many_times, times};

    /// What is said of a load of which the given is changed, if p99 below 100 ms is wanted.
    fn objections(change: impl FnOnce(&mut Circumstances)) -> Vec<String> {
        let mut circumstances = Circumstances {
            generator_cpu: 0.5,
            generator_cores: 1.0,
            lateness: times(2.0),
            propagation: times(20.0),
            asked: 10,
            connected: 10,
        };
        change(&mut circumstances);
        circumstances.objections(&"p99<100ms".parse().unwrap())
    }

    #[test]
    fn a_load_as_it_was_asked_for_counts() {
        assert_eq!(objections(|_| {}), [] as [String; 0]);
        // Two cores may be used, so 1.5 of them are not too much.
        assert!(objections(|load| (load.generator_cpu, load.generator_cores) = (1.5, 2.0)).is_empty());
    }

    #[test]
    fn each_objection_says_what_was_and_what_may_be() {
        for (objections, what) in [
            (objections(|load| load.generator_cpu = 0.9), "90 % of its share of the processors, 80 % at most"),
            (objections(|load| load.lateness = times(11.0)), "sent late: p99 11.0 ms, 10.0 ms at most"),
            (objections(|load| load.connected = 9), "9 of 10 clients were connected"),
            (
                objections(|load| load.propagation = many_times(20.0, 999)),
                "999 deliveries are too few for p99, which needs 1,000",
            ),
        ] {
            assert!(objections.len() == 1 && objections[0].contains(what), "{objections:?}");
        }
    }

    #[test]
    fn what_is_too_slow_without_the_lateness_is_the_servers() {
        let late = |ms| move |load: &mut Circumstances| (load.lateness, load.propagation) = (times(50.0), times(ms));
        assert_eq!(objections(late(140.0)).len(), 1);
        assert!(objections(late(160.0)).is_empty());
    }

    #[test]
    fn rarer_percentiles_need_more_samples() {
        let needed = Percentile::ALL.map(samples_needed);
        assert_eq!(needed, [20, 100, 1_000, 10_000, 100]);
    }
}
