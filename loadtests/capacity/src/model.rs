//! What each kind of process takes: so much by itself, and so much for each client, edit and delivery.
//!
//! The CPU of a kind is `a·processes + b·N + c·E + d·D`: `N` clients, `E` edits per second, `D` deliveries per second.
//! An `_sfe` or `_stream` counts an edit when anybody there hears it, so that an edit that goes to three of them is
//! three *copies*; `_wfe` applies it once, and passes on the copies. Memory, descriptors and bytes are fitted likewise.
//! Costs come from a [`Calibration`] alone; the intervals are those in which 95 of 100 fits would lie that had been
//! measured with other noise ([`least_squares::bootstrap`]).

use std::collections::BTreeMap;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::{
    calibration::{Calibration, Kind, Step},
    least_squares,
    workload::{Workload, processes_that_hear},
};

/// Fits that were made anew for the intervals.
const ROUNDS: usize = 400;
/// Which of them bound an interval: 95 of 100 lie between.
const TAIL: f64 = 0.025;
/// Steps beyond the number of costs that are looked for: with fewer, any noise looks like a cost.
const SPARE_STEPS: usize = 2;
/// How far beyond what was measured a fit is believed.
const BELIEVED: f64 = 2.0;

/// A number that was estimated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// 97.5 of 100 fits say more.
    pub low: f64,
    /// What the fit says.
    pub estimate: f64,
    /// 97.5 of 100 fits say less.
    pub high: f64,
}

impl Interval {
    /// A number without any doubt.
    pub fn exactly(number: f64) -> Self {
        Self { low: number, estimate: number, high: number }
    }

    /// Of each of so many.
    pub fn shared_by(self, count: f64) -> Self {
        Self { low: self.low / count, estimate: self.estimate / count, high: self.high / count }
    }

    /// Together with another, as if both were wrong the same way.
    pub fn plus(self, other: Self) -> Self {
        let Self { low, estimate, high } = other;
        Self { low: self.low + low, estimate: self.estimate + estimate, high: self.high + high }
    }
}

/// What costs something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    Process,
    Client,
    Edit,
    Copy,
    Delivery,
    Thing,
}

impl Driver {
    /// What to vary from step to step so that its cost shows.
    fn vary(self) -> (&'static str, &'static str) {
        match self {
            Self::Process => ("a process by itself", "the number of clients"),
            Self::Client => ("a client", "the number of clients at the same number of edits"),
            Self::Edit => ("an edit", "the edits per second of each client"),
            Self::Copy => ("a change that goes out", "the edits per second of each client"),
            Self::Delivery => ("a delivery", "the clients on each Thing"),
            Self::Thing => ("a Thing", "the clients on each Thing"),
        }
    }
}

/// How much there is of each [`Driver`].
#[derive(Clone, Copy, Debug)]
pub struct Load {
    processes: f64,
    clients: f64,
    edits: f64,
    copies: f64,
    deliveries: f64,
    things: f64,
}

impl Load {
    /// Of the processes of a kind, if `count` of it run, and `instances` `_sfe`.
    pub fn of(workload: &Workload, kind: Kind, count: u32, instances: u32) -> Self {
        let hear = if kind == Kind::Wfe { instances } else { count };
        Self {
            processes: count.into(),
            clients: workload.clients.into(),
            edits: workload.edits(),
            copies: workload.edits() * processes_that_hear(hear.into(), workload.per_thing.into()),
            deliveries: workload.deliveries(),
            things: workload.things(),
        }
    }

    fn measured(step: &Step, kind: Kind) -> Self {
        let hear = if kind == Kind::Wfe { Kind::Sfe } else { kind };
        let hear = f64::from(step.processes[&hear].count);
        Self {
            processes: step.processes[&kind].count.into(),
            clients: step.clients.into(),
            edits: step.edits_per_second,
            copies: step.edits_per_second * processes_that_hear(hear, step.per_thing.into()),
            deliveries: step.deliveries_per_second,
            things: step.things.into(),
        }
    }

    fn amount(&self, driver: Driver) -> f64 {
        match driver {
            Driver::Process => self.processes,
            Driver::Client => self.clients,
            Driver::Edit => self.edits,
            Driver::Copy => self.copies,
            Driver::Delivery => self.deliveries,
            Driver::Thing => self.things,
        }
    }
}

/// What something costs, by what it is for.
#[derive(Clone, Debug)]
pub struct Cost {
    drivers: Vec<Driver>,
    estimate: Vec<f64>,
    rounds: Vec<Vec<f64>>,
    /// What is left unexplained: root of the mean square, as a share of the mean that was measured.
    pub error: f64,
}

/// A calibration that does not say what something costs.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Any noise would look like a cost.
    #[error("{there} steps are too few to tell what {costs} things cost: measure at least {}", costs + SPARE_STEPS)]
    TooFewSteps {
        /// Valid steps.
        there: usize,
        /// Costs that are looked for.
        costs: usize,
    },
    /// The steps do not differ in the way that would show it.
    #[error("the steps do not show what {cost} costs ({of}): measure steps that differ in {vary}")]
    Degenerate {
        /// Which cost.
        cost: &'static str,
        /// Of what.
        of: String,
        /// What to do.
        vary: &'static str,
    },
}

impl Cost {
    fn fit(of: &str, drivers: &[Driver], loads: &[Load], measured: &[f64], seed: u64) -> Result<Self, ModelError> {
        let (there, costs) = (loads.len(), drivers.len());
        if there < costs + SPARE_STEPS {
            return Err(ModelError::TooFewSteps { there, costs });
        }
        let rows: Vec<Vec<f64>> = loads.iter().map(|load| amounts(load, drivers)).collect();
        if let Some(column) = least_squares::dependent(&rows) {
            let (cost, vary) = drivers[column].vary();
            return Err(ModelError::Degenerate { cost, of: of.into(), vary });
        }
        let fit = least_squares::non_negative(&rows, measured);
        let rounds = least_squares::bootstrap(&rows, &fit, ROUNDS, &mut ChaCha8Rng::seed_from_u64(seed));
        let square: f64 = fit.residuals.iter().map(|residual| residual * residual).sum();
        let total: f64 = measured.iter().sum();
        let count = there as f64;
        let error = if total > 0.0 { (square / count).sqrt() / (total / count) } else { 0.0 };
        Ok(Self { drivers: drivers.to_vec(), estimate: fit.coefficients, rounds, error })
    }

    /// At this load.
    pub fn at(&self, load: &Load) -> Interval {
        let amounts = amounts(load, &self.drivers);
        let estimate = least_squares::dot(&amounts, &self.estimate);
        let mut all: Vec<f64> = self.rounds.iter().map(|round| least_squares::dot(&amounts, round)).collect();
        all.sort_by(f64::total_cmp);
        let place = (all.len() as f64 * TAIL) as usize;
        let low = all.get(place).copied().unwrap_or(estimate).min(estimate);
        let high = all.iter().rev().nth(place).copied().unwrap_or(estimate).max(estimate);
        Interval { low, estimate, high }
    }

    fn of_one(&self, wanted: Driver) -> f64 {
        let mut known = self.drivers.iter().zip(&self.estimate);
        known.find(|(driver, _)| **driver == wanted).map_or(0.0, |(_, cost)| *cost)
    }
}

fn amounts(load: &Load, drivers: &[Driver]) -> Vec<f64> {
    drivers.iter().map(|driver| load.amount(*driver)).collect()
}

/// What a calibration says that everything costs.
#[derive(Clone, Debug)]
pub struct Model {
    /// CPU seconds per second.
    pub cpu: BTreeMap<Kind, Cost>,
    /// Bytes.
    pub memory: BTreeMap<Kind, Cost>,
    /// Open files.
    pub descriptors: BTreeMap<Kind, Cost>,
    /// Bytes per second from clients.
    pub bytes_in: Cost,
    /// Bytes per second to clients.
    pub bytes_out: Cost,
    /// Up to where it was measured.
    pub range: Range,
    /// Whether the cost in `_wfe` of each further `_sfe` that hears an edit was measured.
    pub knows_copies_of_wfe: bool,
}

/// CPU seconds for one of each, for services that were not measured by themselves.
#[derive(Clone, Copy, Debug)]
pub struct Services {
    /// `_wfe`: an edit.
    pub wfe_edit: f64,
    /// `_sfe`: a change that goes out, with the edit that came in.
    pub sfe_change: f64,
    /// `_stream`: a delivery.
    pub stream_delivery: f64,
}

impl Model {
    /// Fits everything. The seed is for the intervals.
    pub fn fit(calibration: &Calibration, seed: u64) -> Result<Self, ModelError> {
        use Driver::{Client, Copy, Delivery, Edit, Process, Thing};

        let steps: Vec<&Step> = calibration.valid_steps().collect();
        let loads = |kind| steps.iter().map(|step| Load::measured(step, kind)).collect::<Vec<_>>();
        let wfe_knows = |drivers: &[Driver]| {
            let rows: Vec<_> = loads(Kind::Wfe).iter().map(|load| amounts(load, drivers)).collect();
            least_squares::dependent(&rows).is_none() && rows.len() >= drivers.len() + SPARE_STEPS
        };
        let with_copies = [Process, Client, Edit, Copy];
        let knows_copies_of_wfe = wfe_knows(&with_copies);
        let (mut cpu, mut memory, mut descriptors) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for kind in Kind::ALL {
            let loads = loads(kind);
            let fit = |what: &str, drivers: &[Driver], measured: &dyn Fn(&Step) -> f64| {
                let measured: Vec<f64> = steps.iter().map(|step| measured(step)).collect();
                Cost::fit(&format!("{what} of {}", kind.name()), drivers, &loads, &measured, seed)
            };
            let drivers: &[Driver] = match kind {
                Kind::Wfe if knows_copies_of_wfe => &with_copies,
                Kind::Wfe => &[Process, Client, Edit],
                Kind::Sfe | Kind::Stream => &[Process, Client, Copy, Delivery],
            };
            cpu.insert(kind, fit("CPU", drivers, &|step| step.processes[&kind].cpu)?);
            let bytes = |step: &Step| step.processes[&kind].memory_bytes as f64;
            memory.insert(kind, fit("memory", &[Process, Client, Thing], &bytes)?);
            let files = |step: &Step| step.processes[&kind].descriptors as f64;
            descriptors.insert(kind, fit("descriptors", &[Process, Client], &files)?);
        }
        let all = loads(Kind::Stream);
        let bytes = |what: &str, drivers: &[Driver], measured: &dyn Fn(&Step) -> f64| {
            let measured: Vec<f64> = steps.iter().map(|step| measured(step)).collect();
            Cost::fit(what, drivers, &all, &measured, seed)
        };
        let bytes_in = bytes("bytes in", &[Client, Edit], &|step| step.bytes_in_per_second)?;
        let bytes_out = bytes("bytes out", &[Client, Edit, Delivery], &|step| step.bytes_out_per_second)?;
        Ok(Self { cpu, memory, descriptors, bytes_in, bytes_out, range: Range::of(&steps), knows_copies_of_wfe })
    }

    /// The largest share that the CPU fits leave unexplained, and whose it is.
    pub fn worst_error(&self) -> (Kind, f64) {
        let errors = self.cpu.iter().map(|(kind, cost)| (*kind, cost.error));
        errors.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((Kind::Wfe, 0.0))
    }

    /// What one of each takes, by CPU.
    pub fn services(&self) -> Services {
        let of = |kind, driver| self.cpu.get(&kind).map_or(0.0, |cost: &Cost| cost.of_one(driver));
        Services {
            wfe_edit: of(Kind::Wfe, Driver::Edit),
            sfe_change: of(Kind::Sfe, Driver::Copy),
            stream_delivery: of(Kind::Stream, Driver::Delivery),
        }
    }
}

/// The highest of what was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Range {
    clients: f64,
    edits_per_second: f64,
    deliveries_per_second: f64,
    per_thing: f64,
    instances: f64,
}

impl Range {
    fn of(steps: &[&Step]) -> Self {
        let most = |of: &dyn Fn(&Step) -> f64| steps.iter().map(|step| of(step)).fold(0.0, f64::max);
        Self {
            clients: most(&|step| step.clients.into()),
            edits_per_second: most(&|step| step.edits_per_second),
            deliveries_per_second: most(&|step| step.deliveries_per_second),
            per_thing: most(&|step| step.per_thing.into()),
            instances: most(&|step| step.processes[&Kind::Sfe].count.into()),
        }
    }

    /// What lies further beyond the measurements than they can be believed; nothing if all is within.
    pub fn beyond(&self, workload: &Workload, instances: u32) -> Vec<Beyond> {
        let all = [
            ("clients", workload.clients.into(), self.clients),
            ("edits/s", workload.edits(), self.edits_per_second),
            ("deliveries/s", workload.deliveries(), self.deliveries_per_second),
            ("clients on a Thing", workload.per_thing.into(), self.per_thing),
            ("_sfe instances", instances.into(), self.instances),
        ];
        let far = all.into_iter().filter(|(_, asked, measured)| *asked > BELIEVED * measured);
        far.map(|(what, asked, measured)| Beyond { what, asked, measured }).collect()
    }
}

/// Something that was asked about far beyond what was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Beyond {
    /// In words.
    pub what: &'static str,
    /// What was asked about.
    pub asked: f64,
    /// The highest that was measured.
    pub measured: f64,
}

#[cfg(test)]
mod tests;
