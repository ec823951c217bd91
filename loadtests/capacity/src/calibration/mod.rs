//! The file of what was measured on one machine: `calibration.json`.
//!
//! It holds measurements and nothing that was derived from them, so that a better model can use an old file. Figures
//! per second are averages over the step. It knows nothing of the model.

mod distribution;

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Deserialize, Serialize};

pub use self::distribution::{Distribution, HistogramError, LONGEST_NS, histogram};

/// The version of this file's form. A file of another version is refused.
pub const SCHEMA: u32 = 1;
/// Larger files are not calibrations.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// By how much deliveries may differ from what edits and clients say.
const DELIVERIES_TOLERANCE: f64 = 0.1;

/// What was measured on one machine with one build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Where.
    pub machine: Machine,
    /// The load that was put on the server, step by step, and what it took.
    pub steps: Vec<Step>,
    /// How long each stage of an edit takes, without waiting.
    #[serde(default)]
    pub stages: Stages,
}

/// The machine that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Processors that the system shows.
    pub processors: u32,
    /// Their model, as the system names it.
    pub model: String,
    /// Name and release of the kernel.
    pub kernel: String,
    /// Main memory, in bytes.
    pub memory_bytes: u64,
    /// Files that a process may have open: the soft limit under which the server ran.
    pub open_files: u64,
    /// Cargo's profile of the server that was measured: `release`, or the figures mean little.
    pub build_profile: String,
}

/// One load that was held for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// For how long it was measured, without warming up, in seconds.
    pub seconds: f64,
    /// Connected clients.
    pub clients: u32,
    /// Things that they had open.
    pub things: u32,
    /// Clients on each Thing.
    pub per_thing: u32,
    /// Edits that were to be sent, of all clients together, per second.
    pub edits_per_second_asked: f64,
    /// Edits that were sent and acknowledged, per second.
    pub edits_per_second: f64,
    /// Edits that reached somebody, counted for each receiver, per second.
    pub deliveries_per_second: f64,
    /// From the clients to the server, bytes per second.
    pub bytes_in_per_second: f64,
    /// From the server to the clients, bytes per second.
    pub bytes_out_per_second: f64,
    /// What the server's processes took.
    pub processes: BTreeMap<Kind, Usage>,
    /// What the program took that made the load: CPU seconds per second, of all its threads.
    pub generator_cpu: f64,
    /// From the moment at which an edit was to be sent until a receiver had it.
    pub propagation: Distribution,
    /// From the moment at which an edit was to be sent until its author had the answer.
    pub acknowledgement: Distribution,
    /// Why this step does not count, if it does not: the generator was too busy, clients were missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invalid: Vec<String>,
}

/// The processes that grow with the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// The front end with the Things and their log.
    #[serde(rename = "_wfe")]
    Wfe,
    /// Streaming front ends.
    #[serde(rename = "_sfe")]
    Sfe,
    /// Holders of WebSockets.
    #[serde(rename = "_stream")]
    Stream,
}

impl Kind {
    /// In the order in which an administrator thinks of them.
    pub const ALL: [Self; 3] = [Self::Wfe, Self::Sfe, Self::Stream];

    /// As `ps` shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wfe => "_wfe",
            Self::Sfe => "_sfe",
            Self::Stream => "_stream",
        }
    }
}

/// What all processes of one kind took together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// How many processes there were.
    pub count: u32,
    /// CPU seconds per second.
    pub cpu: f64,
    /// Memory, in bytes, shared pages counted once (PSS).
    pub memory_bytes: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

/// Time of service in each stage, waiting not included. What is missing is taken from the cost of CPU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stages {
    /// `_sfe`: an edit that comes in, from decoding its head until it is passed on.
    pub sfe_request: Option<Distribution>,
    /// `_wfe`: an edit, from the check of access until it is handed to the log.
    pub wfe_edit: Option<Distribution>,
    /// `_wfe`: one group of edits made durable.
    pub log_commit: Option<Distribution>,
    /// `_sfe`: a change that goes out, until it is passed to each `_stream`.
    pub sfe_change: Option<Distribution>,
    /// `_stream`: writing a change to one receiver.
    pub stream_delivery: Option<Distribution>,
}

impl Stages {
    /// Those that were measured, by name.
    fn measured(&self) -> impl Iterator<Item = (&'static str, &Distribution)> {
        let all = [
            ("sfe_request", &self.sfe_request),
            ("wfe_edit", &self.wfe_edit),
            ("log_commit", &self.log_commit),
            ("sfe_change", &self.sfe_change),
            ("stream_delivery", &self.stream_delivery),
        ];
        all.into_iter().filter_map(|(name, stage)| Some((name, stage.as_ref()?)))
    }
}

/// A file that is no calibration.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// It is not there, or not to be read.
    #[error("cannot read the calibration: {0}; name one with --calibration FILE")]
    Read(#[from] io::Error),
    /// It is too large to be one.
    #[error("a calibration has at most {MAX_FILE_BYTES} bytes, this has {0}")]
    TooLarge(u64),
    /// It has another form.
    #[error("not a calibration: {0}")]
    Form(#[from] serde_json::Error),
    /// It is older or newer than this program.
    #[error("the calibration has schema {0}, this program reads {SCHEMA}: measure again")]
    Schema(u64),
    /// Its figures contradict one another.
    #[error("{place}: {problem}")]
    Figure {
        /// Where.
        place: String,
        /// What.
        problem: String,
    },
}

impl Calibration {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, CalibrationError> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let size = fs::metadata(path).map_err(named)?.len();
        if size > MAX_FILE_BYTES {
            return Err(CalibrationError::TooLarge(size));
        }
        Self::parse(&fs::read_to_string(path).map_err(named)?)
    }

    /// Reads and checks a text.
    pub fn parse(text: &str) -> Result<Self, CalibrationError> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        match value.get("schema").and_then(serde_json::Value::as_u64) {
            Some(schema) if schema != u64::from(SCHEMA) => return Err(CalibrationError::Schema(schema)),
            _ => {}
        }
        let read: Self = serde_json::from_value(value)?;
        read.check()?;
        Ok(read)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("maps have names as keys") + "\n"
    }

    /// The steps that count.
    pub fn valid_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.invalid.is_empty())
    }

    fn check(&self) -> Result<(), CalibrationError> {
        if self.machine.processors == 0 || self.machine.memory_bytes == 0 || self.machine.open_files == 0 {
            return Err(figure("machine", "processors, memory_bytes and open_files are above 0"));
        }
        for (number, step) in self.steps.iter().enumerate() {
            step.check().map_err(|problem| figure(format!("steps[{number}]"), problem))?;
        }
        for (name, stage) in self.stages.measured() {
            check_times(stage).map_err(|problem| figure(format!("stages.{name}"), problem))?;
        }
        Ok(())
    }
}

impl Step {
    fn check(&self) -> Result<(), String> {
        let rates = [
            ("seconds", self.seconds),
            ("edits_per_second_asked", self.edits_per_second_asked),
            ("edits_per_second", self.edits_per_second),
            ("deliveries_per_second", self.deliveries_per_second),
            ("bytes_in_per_second", self.bytes_in_per_second),
            ("bytes_out_per_second", self.bytes_out_per_second),
            ("generator_cpu", self.generator_cpu),
        ];
        if let Some((name, rate)) = rates.iter().find(|(_, rate)| !rate.is_finite() || *rate < 0.0) {
            return Err(format!("{name} is {rate}, which nothing can be"));
        }
        if self.seconds == 0.0 || self.clients == 0 || self.things == 0 || self.per_thing == 0 {
            return Err("seconds, clients, things and per_thing are above 0".into());
        }
        for kind in Kind::ALL {
            let usage = self.processes.get(&kind).ok_or_else(|| format!("processes lacks {}", kind.name()))?;
            if usage.count == 0 || !usage.cpu.is_finite() || usage.cpu < 0.0 {
                return Err(format!("processes.{} has a count above 0 and CPU of at least 0", kind.name()));
            }
        }
        // A step that does not count may well contradict itself: that may be why.
        let expected = self.edits_per_second * f64::from(self.per_thing - 1);
        let apart = (self.deliveries_per_second - expected).abs();
        if self.invalid.is_empty() && apart > expected * DELIVERIES_TOLERANCE {
            return Err(format!(
                "{:.0} deliveries/s were counted, but {:.0} edits/s with {} clients on each Thing make {expected:.0}",
                self.deliveries_per_second, self.edits_per_second, self.per_thing
            ));
        }
        check_times(&self.propagation).map_err(|problem| format!("propagation: {problem}"))?;
        check_times(&self.acknowledgement).map_err(|problem| format!("acknowledgement: {problem}"))
    }
}

fn check_times(times: &Distribution) -> Result<(), String> {
    let count = times.histogram().map_err(|error| error.to_string())?.len();
    if count == times.count { Ok(()) } else { Err(format!("count is {}, but `hdr` holds {count}", times.count)) }
}

fn figure(place: impl Into<String>, problem: impl Into<String>) -> CalibrationError {
    CalibrationError::Figure { place: place.into(), problem: problem.into() }
}

#[cfg(test)]
mod tests;
