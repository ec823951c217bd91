//! The way of each edit through the processes, event by event, in virtual time.
//!
//! For sizes that no test machine has, and for what happens when a process is lost. The same questions and the same
//! seed give the same answer.
//!
//! ```text
//!  author ─edge─▶ _sfe ─▶ _wfe (each Thing a queue) ─▶ log (all that waits, at once) ─▶ every _sfe with somebody
//!                                                                                       │
//!         receiver ◀─edge─ one write for each ◀─ every _stream with somebody ◀──────────┘
//! ```
//!
//! Edits come by chance (Poisson), evenly from all clients that are connected. A client that is connected anew gets
//! what it missed first, and everything once: the run fails if that does not hold at its end.
//!
//! | module | what it is |
//! |---|---|
//! | [`service`] | how long one service takes |
//! | [`station`] | a process as a queue with workers |
//! | `clients` | who is connected where, and what each has been sent |
//! | `engine` | the events |
//! | [`outcome`] | what is reported |

mod clients;
mod engine;
pub mod outcome;
pub mod service;
pub mod station;

use std::{str::FromStr, time::Duration};

pub use self::outcome::Outcome;
use self::{service::ServiceTime, station::Counted};
use crate::{
    calibration::{Calibration, HistogramError},
    model::Model,
    slo::{Percentile, Slo},
    workload::Workload,
};

/// The most edits of one run: each is kept in memory until its end.
pub const MAX_EDITS: f64 = 10_000_000.0;
/// The most deliveries of one run.
pub const MAX_DELIVERIES: f64 = 1_000_000_000.0;
/// The most processes of one kind.
pub const MAX_PROCESSES: u32 = 10_000;
/// The most clients.
pub const MAX_CLIENTS: u32 = 2_000_000;
/// The most events of one run. Clients who are not let in come again and again.
pub const MAX_EVENTS: u64 = 1_000_000_000;
/// The longest run, in seconds of virtual time.
pub const MAX_SECONDS: f64 = 3_600.0;

/// What is simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// What clients do.
    pub workload: Workload,
    /// Machines, each with a `_wfe` that has its share of the Things. The product runs on one.
    pub nodes: u32,
    /// `_sfe` instances on each node.
    pub instances: u32,
    /// `_stream` processes of each instance.
    pub streams_per_instance: u32,
    /// Edits that a `_wfe` works on at the same time, each of another Thing.
    pub wfe_workers: u32,
    /// The same of an `_sfe`.
    pub sfe_workers: u32,
    /// How long everything takes.
    pub times: Times,
    /// For how long edits are made, in seconds. Then the run goes on until everything is delivered.
    pub seconds: f64,
    /// Edits made earlier are not counted, in seconds.
    pub warm_up_seconds: f64,
    /// What is lost, if anything.
    pub loss: Option<Loss>,
    /// Connections that are let in per second, or all.
    pub admissions_per_second: Option<f64>,
    /// What counts as settled again after a loss; without one, a p99 of at most twice that before it.
    pub slo: Option<Slo>,
    /// Chance begins here.
    pub seed: u64,
}

/// How long each stage takes, waiting not included.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    /// Between a client and the server, one way.
    pub edge: ServiceTime,
    /// Between two nodes, one way.
    pub link: Duration,
    /// `_sfe`: an edit that comes in.
    pub request: ServiceTime,
    /// `_wfe`: an edit.
    pub edit: ServiceTime,
    /// The log: everything that waits, at once.
    pub commit: ServiceTime,
    /// `_sfe`: a change that goes out.
    pub change: ServiceTime,
    /// `_stream`: one receiver.
    pub delivery: ServiceTime,
    /// `_wfe`: a connection that is opened.
    pub opening: ServiceTime,
}

/// Something that is lost, and comes back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// What.
    pub what: Lost,
    /// When, in seconds.
    pub at_seconds: f64,
    /// How long until its successor is there, in seconds.
    pub restart_seconds: f64,
}

/// What can be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// A `_wfe`: everything waits.
    Wfe,
    /// An `_sfe`: what it had is asked again; connections stay.
    Sfe,
    /// A `_stream`: its connections drop.
    Stream,
    /// An `_sfe` with its `_stream`s.
    Instance,
}

impl FromStr for Loss {
    type Err = String;

    /// What, `@`, and when: `sfe@30s`. Its successor is there a second later.
    fn from_str(text: &str) -> Result<Self, String> {
        let (what, at) =
            text.split_once('@').ok_or_else(|| format!("`{text}` has no `@`: write for instance `stream@30s`"))?;
        let what = match what {
            "wfe" => Lost::Wfe,
            "sfe" => Lost::Sfe,
            "stream" => Lost::Stream,
            "instance" => Lost::Instance,
            other => return Err(format!("`{other}` cannot be lost: use wfe, sfe, stream or instance")),
        };
        let at_seconds = crate::units::duration(at).map_err(|error| error.to_string())?.as_secs_f64();
        Ok(Self { what, at_seconds, restart_seconds: 1.0 })
    }
}

/// A setup that cannot be simulated.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct SetupError(String);

/// A run whose outcome is not to be believed.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// It was not run.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// It would take too long.
    #[error("more than {MAX_EVENTS} events: let in more connections per second, or simulate fewer seconds or clients")]
    TooLong,
    /// Something was lost, or came twice.
    #[error("the simulator is wrong: {delivered} deliveries instead of {expected}")]
    Deliveries {
        /// There were.
        delivered: u64,
        /// There should have been.
        expected: u64,
    },
    /// The books of a station do not balance.
    #[error("the simulator is wrong: Little's law does not hold for {0:?}")]
    Little(Counted),
}

impl Times {
    /// As measured, and by the cost of CPU where it was not. A commit that was not measured takes as long as the
    /// whole way to the answer in the lightest step, which is more than it can have taken.
    pub fn calibrated(calibration: &Calibration, model: &Model) -> Result<Self, HistogramError> {
        let stages = &calibration.stages;
        let or_cpu = |stage: &Option<_>, seconds: f64| match stage {
            Some(measured) => ServiceTime::measured(measured),
            None => Ok(ServiceTime::exponential_seconds(seconds)),
        };
        let services = model.services();
        let lightest = calibration.valid_steps().min_by(|a, b| a.edits_per_second.total_cmp(&b.edits_per_second));
        let answered = lightest.map_or(0.0, |step| step.acknowledgement.seconds(Percentile::P50));
        Ok(Self {
            edge: ServiceTime::NONE,
            link: Duration::ZERO,
            request: or_cpu(&stages.sfe_request, 0.0)?,
            edit: or_cpu(&stages.wfe_edit, services.wfe_edit)?,
            commit: or_cpu(&stages.log_commit, answered)?,
            change: or_cpu(&stages.sfe_change, services.sfe_change)?,
            delivery: or_cpu(&stages.stream_delivery, services.stream_delivery)?,
            opening: ServiceTime::NONE,
        })
    }

    /// No stage takes any time.
    pub fn none() -> Self {
        let none = || ServiceTime::NONE;
        Self {
            edge: none(),
            link: Duration::ZERO,
            request: none(),
            edit: none(),
            commit: none(),
            change: none(),
            delivery: none(),
            opening: none(),
        }
    }
}

impl Setup {
    /// One node with one of each, ten seconds, nothing lost.
    pub fn new(workload: Workload, times: Times) -> Self {
        Self {
            workload,
            nodes: 1,
            instances: 1,
            streams_per_instance: 1,
            wfe_workers: 1,
            sfe_workers: 1,
            times,
            seconds: 10.0,
            warm_up_seconds: 1.0,
            loss: None,
            admissions_per_second: None,
            slo: None,
            seed: 1,
        }
    }

    /// Runs it.
    pub fn run(&self) -> Result<Outcome, RunError> {
        self.check()?;
        engine::Engine::new(self).run()
    }

    fn check(&self) -> Result<(), SetupError> {
        let fail = |problem: String| Err(SetupError(problem));
        let Workload { clients, per_thing, .. } = self.workload;
        if clients == 0 || clients > MAX_CLIENTS {
            return fail(format!("{clients} clients: between 1 and {MAX_CLIENTS} can be simulated"));
        }
        if per_thing == 0 || per_thing > clients {
            return fail(format!("{per_thing} clients on a Thing: at least 1, and no more than there are clients"));
        }
        let sfes = u64::from(self.nodes) * u64::from(self.instances);
        let streams = sfes * u64::from(self.streams_per_instance);
        if streams == 0 || streams > u64::from(MAX_PROCESSES) {
            return fail(format!("{streams} `_stream` processes: between 1 and {MAX_PROCESSES} can be simulated"));
        }
        if !(self.seconds > 0.0 && self.seconds <= MAX_SECONDS) {
            return fail(format!("{} seconds: more than 0 and up to {MAX_SECONDS} can be simulated", self.seconds));
        }
        if !(self.warm_up_seconds >= 0.0 && self.warm_up_seconds < self.seconds) {
            return fail("the warm-up has to be shorter than the run".into());
        }
        let edits = self.workload.edits() * self.seconds;
        if edits > MAX_EDITS || self.workload.deliveries() * self.seconds > MAX_DELIVERIES {
            return fail(format!(
                "{edits:.0} edits with {:.0} deliveries are too many for one run ({MAX_EDITS:.0}, {MAX_DELIVERIES:.0}): \
                 simulate fewer seconds",
                self.workload.deliveries() * self.seconds
            ));
        }
        if let Some(loss) = &self.loss
            && !(loss.at_seconds < self.seconds && loss.restart_seconds <= MAX_SECONDS)
        {
            return fail("what is lost has to be lost before the end of the run".into());
        }
        if self.admissions_per_second.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
            return fail("connections let in per second: more than 0".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
