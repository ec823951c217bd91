//! What is told of each process: the lines of `-status`, and the source of the metrics of processes.

use serde::{Deserialize, Serialize};

use super::{child::Child, measure::Measured};
use crate::{clock, ipc::ProcessId, metrics::TooMuch};

/// One process, as `-status` shows it. What is not known, or has no sense for this process, is `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// `_wfe`, `_sfe` or `_stream`.
    pub process: String,
    /// Which one.
    pub id: String,
    /// The operating system's id; none while it does not run.
    pub pid: Option<u32>,
    /// `starting`, `running`, `ending`, `restarting` or `set aside`.
    pub state: String,
    /// Clients that are connected through it; none for `_wfe`.
    pub clients: Option<u32>,
    /// Percent of one core, averaged over the last five seconds.
    pub cpu_percent: Option<f64>,
    /// Processor time since it was started.
    pub cpu_seconds: Option<f64>,
    /// Its own share of memory (PSS).
    pub memory_bytes: Option<u64>,
    /// What of it is in memory (RSS).
    pub resident_bytes: Option<u64>,
    /// Messages from clients per second, averaged over the last five seconds; none for `_wfe`.
    pub received_per_second: Option<f64>,
    /// Messages to clients per second, likewise.
    pub sent_per_second: Option<f64>,
    /// Messages from clients since it was started; none for `_wfe`.
    pub received: Option<u64>,
    /// Messages to clients since it was started; none for `_wfe`.
    pub sent: Option<u64>,
    /// Bytes that wait to be written to clients or to other processes; none for `_wfe`.
    pub waiting_bytes: Option<u64>,
    /// Seconds since it was started.
    pub uptime_seconds: u64,
    /// How often it was started again because it had ended by itself, since the server started.
    pub restarts: u64,
    /// What it takes too much of.
    pub rogue: Option<TooMuch>,
    /// How often the server has restarted it because it was rogue.
    pub rogue_restarts: u64,
    /// It was rogue again after so many restarts that the server restarts it no more.
    pub left_alone: bool,
}

impl ProcessStatus {
    /// What is to be told of a process, which may not run, and its clients; `is_set_aside` if it is not to run.
    pub(super) fn new(
        id: ProcessId,
        (child, clients): (Option<&Child>, Option<u32>),
        restarts: u64,
        is_set_aside: bool,
        measured: &Measured,
    ) -> Self {
        let now = clock::now();
        let state = match child {
            Some(child) if child.ending => "ending",
            Some(child) if child.ready => "running",
            Some(_) => "starting",
            None if is_set_aside => "set aside",
            None => "restarting",
        };
        let taken = measured.of(id, child);
        let load = (id != ProcessId::Wfe).then(|| child.map(|child| child.load).unwrap_or_default());
        let of_clients = taken.filter(|_| load.is_some());
        let (rogue_restarts, left_alone) = measured.rogue_restarts(id);
        Self {
            process: id.kind().into(),
            id: id.number(),
            pid: child.map(|child| child.pid),
            state: state.into(),
            clients,
            cpu_percent: taken.map(|taken| rounded(taken.cpu_percent)),
            cpu_seconds: taken.map(|taken| taken.cpu.as_secs_f64()),
            memory_bytes: taken.map(|taken| taken.memory_bytes),
            resident_bytes: taken.map(|taken| taken.resident_bytes),
            received_per_second: of_clients.map(|taken| rounded(taken.received_per_second)),
            sent_per_second: of_clients.map(|taken| rounded(taken.sent_per_second)),
            received: load.map(|load| load.received),
            sent: load.map(|load| load.sent),
            waiting_bytes: load.map(|load| load.waiting_bytes),
            uptime_seconds: child.map_or(0, |child| now.saturating_duration_since(child.since).as_secs()),
            restarts,
            rogue: taken.and_then(|taken| taken.rogue),
            rogue_restarts,
            left_alone,
        }
    }

    /// As a line of an [`super::admin::Answer`].
    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).expect("plain fields always encode")
    }
}

/// To a tenth.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
