//! What the server's processes take of the processors and of memory, as the system tells it of each of them.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use capacity::calibration::{Kind, Usage};
use widgetapp::supervisor::{
    admin::{ProcessStatus, Request},
    measure::procfs,
};

use super::Server;

/// Adds up what processes take, also of those that have ended meanwhile.
#[derive(Debug, Default)]
pub struct Meter {
    /// CPU that each process had taken when it was last looked at.
    seen: HashMap<u32, Duration>,
    /// Taken by all processes of a kind since the meter began.
    taken: BTreeMap<Kind, Duration>,
    /// Taken by each process since the meter began.
    of_each: HashMap<u32, (Kind, Duration)>,
}

/// One look at all processes.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// CPU since the meter began.
    pub cpu: BTreeMap<Kind, Duration>,
    /// What is in memory (RSS).
    pub resident_bytes: BTreeMap<Kind, u64>,
    /// Processes that do their work.
    pub running: BTreeMap<Kind, u32>,
}

impl Meter {
    /// A meter that begins now; nothing is read of a server that is elsewhere.
    pub async fn begin(server: &Server) -> Self {
        let mut meter = Self::default();
        for (_, pid) in processes(server).await {
            if let Some(usage) = procfs::usage(pid) {
                meter.seen.insert(pid, usage.cpu);
            }
        }
        meter
    }

    /// Looks again.
    pub async fn look(&mut self, server: &Server) -> Look {
        let mut look = Look::default();
        for (kind, pid) in processes(server).await {
            let Some(usage) = procfs::usage(pid) else { continue };
            let before = self.seen.insert(pid, usage.cpu).unwrap_or_default();
            let added = usage.cpu.saturating_sub(before);
            *self.taken.entry(kind).or_default() += added;
            self.of_each.entry(pid).or_insert((kind, Duration::ZERO)).1 += added;
            *look.resident_bytes.entry(kind).or_default() += usage.resident_bytes;
            *look.running.entry(kind).or_default() += 1;
        }
        look.cpu.clone_from(&self.taken);
        look
    }

    /// What all took in `seconds`, with their memory as it is now; empty for a server that is elsewhere.
    pub async fn conclude(&mut self, server: &Server, seconds: f64) -> (BTreeMap<Kind, Usage>, BTreeMap<Kind, f64>) {
        let look = self.look(server).await;
        let mut usages = BTreeMap::new();
        for (kind, pid) in processes(server).await {
            let usage = usages.entry(kind).or_insert(Usage { count: 0, cpu: 0.0, memory_bytes: 0, descriptors: 0 });
            usage.count += 1;
            usage.memory_bytes += procfs::share_bytes(pid).unwrap_or_default();
            usage.descriptors += procfs::descriptors(pid).unwrap_or_default();
        }
        for (kind, usage) in &mut usages {
            usage.cpu = look.cpu.get(kind).copied().unwrap_or_default().as_secs_f64() / seconds;
        }
        let mut busiest = BTreeMap::new();
        for (kind, cpu) in self.of_each.values() {
            let most: &mut f64 = busiest.entry(*kind).or_default();
            *most = most.max(cpu.as_secs_f64() / seconds);
        }
        (usages, busiest)
    }
}

/// What the server says of its processes.
pub async fn statuses(server: &Server) -> Vec<ProcessStatus> {
    let lines = server.ask(&Request::Status).await.unwrap_or_default();
    lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

async fn processes(server: &Server) -> Vec<(Kind, u32)> {
    let of = |status: ProcessStatus| Some((kind(&status.process)?, status.pid?));
    statuses(server).await.into_iter().filter_map(of).collect()
}

fn kind(name: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.name() == name)
}
