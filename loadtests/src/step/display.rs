//! What is shown while the load is on: one line that changes, on a terminal; elsewhere a line now and then.

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use capacity::{
    calibration::Kind,
    measured::Second,
    units::{show_bytes, show_number, show_seconds},
};

use crate::clock;

/// Where lines stay, they come this often at most, in seconds.
const STAYING_EVERY: u64 = 10;

/// The display. It is on standard error, so that the answer can be read by programs.
pub struct Display {
    terminal: bool,
    quiet: bool,
    last: AtomicU64,
}

impl Display {
    /// On this terminal, if it is one.
    pub fn new(quiet: bool) -> Self {
        Self { terminal: stderr().is_terminal(), quiet, last: AtomicU64::new(0) }
    }

    /// What is going on.
    pub fn now(&self, text: &str) {
        if self.quiet {
            return;
        }
        if self.terminal {
            eprint!("\r\x1b[2K{text}");
            let _ = stderr().flush();
            return;
        }
        let second = clock::seconds() as u64;
        if second >= self.last.load(Relaxed) + STAYING_EVERY {
            self.last.store(second, Relaxed);
            eprintln!("{text}");
        }
    }

    /// What stays to be read.
    pub fn line(&self, text: &str) {
        if self.quiet {
            return;
        }
        if self.terminal {
            eprint!("\r\x1b[2K");
        }
        eprintln!("{text}");
        self.last.store(clock::seconds() as u64, Relaxed);
    }

    /// The second that has just passed.
    pub fn second(&self, title: &str, second: &Second) {
        let cores = |kind: &Kind| format!("{} {:.2}", kind.name(), second.cpu.get(kind).copied().unwrap_or_default());
        let memory: u64 = second.resident_bytes.values().sum();
        let processes = if second.cpu.is_empty() {
            String::new()
        } else {
            let cores: Vec<String> = Kind::ALL.iter().map(cores).collect();
            format!(" | {} cores, {}", cores.join(" "), show_bytes(memory as f64))
        };
        self.now(&format!(
            "{title}: {} clients, {} edits/s, {} deliveries/s, p50 {}, p99 {}{processes} | generator {:.2} cores, {}",
            show_number(second.clients.into()),
            show_number(second.edits as f64),
            show_number(second.deliveries as f64),
            show_seconds(second.p50_us / 1e6),
            show_seconds(second.p99_us / 1e6),
            second.generator_cpu,
            show_bytes(second.generator_bytes as f64),
        ));
    }
}
