//! A run that nobody has made, for tests.

use std::collections::BTreeMap;

use super::{Incident, Measured, Misplaced, REPORT_SCHEMA, Run, Second, Server};
use crate::{
    calibration::{Distribution, Kind, histogram},
    load::StepPlan,
    synthetic,
};

/// Steps of so many clients with this p99, in milliseconds; p99 below 10 ms is wanted.
pub(crate) fn run(steps: &[(u32, f64)]) -> Run {
    let calibration = synthetic::calibration();
    Run {
        schema: REPORT_SCHEMA,
        began_at: 1_700_000_000,
        seed: 1,
        machine: calibration.machine.clone(),
        server: Server {
            url: "http://127.0.0.1:1".into(),
            own: true,
            settings: vec!["sfe.clients_per_instance=100".into()],
            version: "1.1.0".into(),
        },
        mix: "editor=1".parse().unwrap(),
        slo: "p99<10ms".parse().unwrap(),
        find_max: false,
        steps: steps.iter().enumerate().map(|(place, (clients, p99_ms))| step(place, *clients, *p99_ms)).collect(),
        stages: calibration.stages,
        validation: None,
    }
}

fn step(place: usize, clients: u32, p99_ms: f64) -> Measured {
    let mut figures = synthetic::calibration().steps[0].clone();
    figures.clients = clients;
    figures.propagation = times(p99_ms);
    let began_seconds = place as f64 * 10.0;
    let second = |number: u32| Second {
        at_seconds: began_seconds + f64::from(number),
        clients,
        edits: 10,
        deliveries: 90,
        p50_us: p99_ms * 500.0,
        p99_us: p99_ms * 1e3,
        cpu: Kind::ALL.map(|kind| (kind, 0.1)).into(),
        resident_bytes: Kind::ALL.map(|kind| (kind, 10 << 20)).into(),
        generator_cpu: 0.2,
        generator_bytes: 30 << 20,
    };
    Measured {
        plan: StepPlan { clients, edits_per_second: 1.0, per_thing: 10, instances: None },
        began_seconds,
        figures,
        misplaced: Misplaced::default(),
        unanswered: 0,
        lateness: times(1.0),
        connecting: times(3.0),
        visits: BTreeMap::new(),
        busiest: Kind::ALL.map(|kind| (kind, 0.1)).into(),
        timeline: (0..5).map(second).collect(),
        complaints: Vec::new(),
        incidents: vec![Incident {
            what: "a _stream was killed".into(),
            at_seconds: began_seconds + 2.0,
            dropped: 5,
            back_seconds: Some(0.7),
            longest_us: 800_000.0,
        }],
    }
}

/// A thousand times, all of them this long.
pub(crate) fn times(ms: f64) -> Distribution {
    many_times(ms, 1_000)
}

/// So many times, all of them this long.
pub(crate) fn many_times(ms: f64, count: u64) -> Distribution {
    let mut times = histogram();
    times.record_n((ms * 1e6) as u64, count).unwrap();
    Distribution::of(&times)
}
