//! What the processes take, and which of them take too much.
//!
//! Once a second the processor time and the resident memory of each process are read from one file of procfs. The
//! share of memory that is its own (PSS: pages that several processes share count in part) is dearer, as the kernel
//! walks all its pages: it is read every ten seconds, and sooner of a process whose resident memory has changed much, or
//! is enough to be rogue. Clients, messages and queues are told by the processes themselves.
//!
//! | module | what it is |
//! |---|---|
//! | `procfs` | reads the files |
//! | `window` | pure: rates over the last seconds |
//! | `rogue` | pure: when a process is rogue, and how often it may be restarted for that |

pub mod procfs;
mod rogue;
mod window;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use self::{
    procfs::Usage,
    rogue::{Restarts, Rule},
    window::{Sample, Window},
};
use super::child::Child;
use crate::{
    config,
    ipc::ProcessId,
    metrics::{self, TooMuch},
};

/// Everything is measured this often.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// The own share of memory is read at least this often.
const SHARE_EVERY: Duration = Duration::from_secs(10);
/// It is read sooner if what is resident has changed by more than one part in so many.
const MUCH: u64 = 8;
/// What is shown is the average over this time.
const SHOWN_OVER: Duration = Duration::from_secs(5);

/// What a process takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Taken {
    /// Percent of one core.
    pub cpu_percent: f64,
    /// Processor time since its start.
    pub cpu: Duration,
    /// Its own share of memory (PSS), in bytes.
    pub memory_bytes: u64,
    /// What of it is in memory (RSS), shared pages included, in bytes.
    pub resident_bytes: u64,
    /// Messages from clients, per second.
    pub received_per_second: f64,
    /// Messages to clients, per second.
    pub sent_per_second: f64,
    /// What it takes too much of.
    pub rogue: Option<TooMuch>,
}

/// The measurements of all processes.
#[derive(Debug)]
pub struct Measured {
    rule: Rule,
    restart_rogue: bool,
    sampled_at: Option<Instant>,
    meters: BTreeMap<ProcessId, Meter>,
    restarts: BTreeMap<ProcessId, Restarts>,
}

/// The measurements of one process.
#[derive(Debug)]
struct Meter {
    pid: u32,
    window: Window,
    taken: Taken,
    /// When its share of memory was read, and what was resident then.
    share_read: Option<(Instant, u64)>,
}

impl Measured {
    /// Nothing has been measured yet.
    pub fn new(settings: &config::Supervisor) -> Self {
        let memory_limit_bytes = settings.memory_limit_bytes.unwrap_or_else(procfs::memory_of_machine);
        let rule = Rule {
            cpu_percent: settings.rogue_cpu_percent.into(),
            over: Duration::from_secs(settings.rogue_seconds),
            memory_bytes: memory_limit_bytes / 2,
        };
        let (meters, restarts) = Default::default();
        Self { rule, restart_rogue: settings.restart_rogue, sampled_at: None, meters, restarts }
    }

    /// What a process takes, if it was measured.
    pub fn of(&self, id: ProcessId, child: Option<&Child>) -> Option<Taken> {
        self.meters.get(&id).filter(|meter| child.is_some_and(|child| child.pid == meter.pid)).map(|meter| meter.taken)
    }

    /// How often a process was restarted because it was rogue, and whether that was too often to do it again.
    pub fn rogue_restarts(&self, id: ProcessId) -> (u64, bool) {
        self.restarts.get(&id).map_or((0, false), |restarts| (restarts.count, restarts.given_up))
    }

    /// Somebody restarts the process by hand: if it is rogue again, it may be restarted again.
    pub fn forgive(&mut self, id: ProcessId) {
        if let Some(restarts) = self.restarts.get_mut(&id) {
            restarts.forgive();
        }
    }

    /// Measures what runs, if it is time to. To be asked often.
    pub fn sample<'a>(&mut self, now: Instant, running: impl Iterator<Item = (ProcessId, &'a Child)>) {
        if self.sampled_at.is_some_and(|at| now < at + SAMPLE_EVERY) {
            return;
        }
        self.sampled_at = Some(now);
        let mut before = std::mem::take(&mut self.meters);
        for (id, child) in running {
            let Some(usage) = procfs::usage(child.pid) else { continue };
            let meter = before.remove(&id).filter(|meter| meter.pid == child.pid);
            let meter = meter.unwrap_or_else(|| Meter::new(child.pid, &self.rule));
            self.meters.insert(id, meter.measured(now, id, child, &usage, &self.rule));
        }
    }

    /// The rogue processes that the server may restart by itself; those come first that it has restarted least often.
    pub fn to_restart(&self) -> Vec<ProcessId> {
        let is_rogue = |(_, meter): &(&ProcessId, &Meter)| self.restart_rogue && meter.taken.rogue.is_some();
        let mut rogues: Vec<ProcessId> = self.meters.iter().filter(is_rogue).map(|(id, _)| *id).collect();
        rogues.sort_by_key(|id| self.rogue_restarts(*id));
        rogues
    }

    /// Whether a rogue process may be restarted now; it is counted as restarted if so.
    pub fn may_restart(&mut self, now: Instant, id: ProcessId) -> bool {
        let may = self.restarts.entry(id).or_default().may(now, id);
        if may {
            metrics::ROGUE_RESTARTS.add(1);
            tracing::warn!(process = %id, "a rogue process is restarted (supervisor.restart_rogue)");
        }
        may
    }
}

impl Meter {
    fn new(pid: u32, rule: &Rule) -> Self {
        Self { pid, window: Window::new(rule.over.max(SHOWN_OVER)), taken: Taken::default(), share_read: None }
    }

    /// The same with one more sample.
    fn measured(mut self, now: Instant, id: ProcessId, child: &Child, usage: &Usage, rule: &Rule) -> Self {
        let (received, sent) = (child.load.received, child.load.sent);
        self.window.add(Sample { at: now, cpu: usage.cpu, received, sent });
        let resident = usage.resident_bytes;
        let is_due = self.share_read.is_none_or(|(at, before)| {
            now >= at + SHARE_EVERY || resident.abs_diff(before) > before / MUCH || resident >= rule.memory_bytes
        });
        let mut memory_bytes = self.taken.memory_bytes;
        if is_due {
            memory_bytes = procfs::share_bytes(child.pid).unwrap_or(resident);
            self.share_read = Some((now, resident));
        }
        let rates = self.window.recent(SHOWN_OVER);
        let rogue = rule.judge(&self.window, memory_bytes);
        if rogue != self.taken.rogue {
            tell(id, child.pid, rogue, rates.cpu_percent, memory_bytes);
        }
        self.taken = Taken {
            cpu_percent: rates.cpu_percent,
            cpu: usage.cpu,
            memory_bytes,
            resident_bytes: resident,
            received_per_second: rates.received_per_second,
            sent_per_second: rates.sent_per_second,
            rogue,
        };
        self
    }
}

/// Says and counts that a process has become rogue, or is not any more.
fn tell(id: ProcessId, pid: u32, rogue: Option<TooMuch>, cpu_percent: f64, memory_bytes: u64) {
    let Some(too_much) = rogue else {
        return tracing::info!(process = %id, pid, "a process is not rogue any more");
    };
    metrics::rogue(too_much);
    let cpu_percent = cpu_percent.round();
    tracing::warn!(process = %id, pid, cpu_percent, memory_bytes, "a process is rogue: it takes too much {too_much}");
}
