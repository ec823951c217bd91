//! A calibration that **nothing was measured for**: invented costs, so that tests know what has to come out.
//!
//! Its figures say nothing about the product. It is public because the scenarios of the guides use it as well.

use std::collections::BTreeMap;

use crate::{
    calibration::{Calibration, Distribution, Kind, Machine, SCHEMA, Stages, Step, Usage, histogram},
    workload::processes_that_hear,
};

/// CPU seconds: of a process by itself per second, of a client per second, of an edit or its copy, of a delivery.
pub struct Costs {
    /// Of a process by itself, per second.
    pub process: f64,
    /// Of a client, per second.
    pub client: f64,
    /// Of an edit (`_wfe`), or of each copy of it (the others).
    pub edit: f64,
    /// Of a delivery.
    pub delivery: f64,
}

/// What the invented machine takes for CPU.
pub fn costs(kind: Kind) -> Costs {
    let (process, client, edit, delivery) = match kind {
        Kind::Wfe => (0.002, 1e-6, 100e-6, 0.0),
        Kind::Sfe => (0.001, 2e-6, 20e-6, 1e-6),
        Kind::Stream => (0.001, 5e-6, 10e-6, 8e-6),
    };
    Costs { process, client, edit, delivery }
}

/// Clients, edits per second of each, clients on each Thing, `_sfe` instances.
const STEPS: [(u32, f64, u32, u32); 10] = [
    (40, 0.5, 2, 1),
    (100, 0.2, 5, 1),
    (200, 0.5, 10, 1),
    (200, 2.0, 2, 1),
    (400, 0.5, 20, 2),
    (400, 1.0, 10, 2),
    (600, 0.2, 4, 2),
    (800, 1.0, 10, 2),
    (1_000, 0.5, 25, 4),
    (1_000, 1.0, 5, 4),
];

/// See the module.
pub fn calibration() -> Calibration {
    let stage = |micros| Some(times(micros));
    Calibration {
        schema: SCHEMA,
        machine: Machine {
            processors: 8,
            model: "SYNTHETIC: invented for tests, measured on nothing".into(),
            kernel: "none".into(),
            memory_bytes: 16 << 30,
            open_files: 1_024,
            build_profile: "release".into(),
        },
        steps: STEPS
            .into_iter()
            .map(|(clients, rate, per_thing, instances)| step(clients, rate, per_thing, instances))
            .collect(),
        stages: Stages {
            sfe_request: stage(10.0),
            wfe_edit: stage(60.0),
            log_commit: stage(400.0),
            sfe_change: stage(10.0),
            stream_delivery: stage(8.0),
        },
    }
}

fn step(clients: u32, rate: f64, per_thing: u32, instances: u32) -> Step {
    let edits = f64::from(clients) * rate;
    let deliveries = edits * f64::from(per_thing - 1);
    let usage = |kind| {
        let count = if kind == Kind::Wfe { 1 } else { instances };
        let (processes, costs) = (f64::from(count), costs(kind));
        let copies = edits * processes_that_hear(processes, per_thing.into());
        let cpu = costs.process * processes
            + costs.client * f64::from(clients)
            + costs.edit * copies
            + costs.delivery * deliveries;
        // Few enough digits that a file of it is read as it was written.
        let cpu = (cpu * 1e9).round() / 1e9;
        let each = u64::from(clients);
        let usage = match kind {
            Kind::Wfe => Usage { count, cpu, memory_bytes: (30 << 20) + each * 1_024, descriptors: 40 },
            Kind::Sfe => Usage {
                count,
                cpu,
                memory_bytes: u64::from(count) * (8 << 20) + each * 2_048,
                descriptors: u64::from(count) * 20,
            },
            Kind::Stream => Usage {
                count,
                cpu,
                memory_bytes: u64::from(count) * (4 << 20) + each * 8_192,
                descriptors: u64::from(count) * 15 + each,
            },
        };
        (kind, usage)
    };
    Step {
        seconds: 30.0,
        clients,
        things: clients / per_thing,
        per_thing,
        edits_per_second_asked: edits,
        edits_per_second: edits,
        deliveries_per_second: deliveries,
        bytes_in_per_second: 150.0 * edits + 2.0 * f64::from(clients),
        bytes_out_per_second: 160.0 * deliveries + 60.0 * edits + 3.0 * f64::from(clients),
        processes: Kind::ALL.into_iter().map(usage).collect::<BTreeMap<_, _>>(),
        generator_cpu: 0.1,
        propagation: times(900.0),
        acknowledgement: times(800.0),
        invalid: Vec::new(),
    }
}

/// A hundred times around a mean, none of them more than a fifth away.
fn times(mean_us: f64) -> Distribution {
    let mut times = histogram();
    for percent in 0..100 {
        let time = (mean_us * 1e3 * (0.8 + 0.004 * f64::from(percent))) as u64;
        times.record(time).expect("below an hour");
    }
    Distribution::of(&times)
}
