//! Where it is measured.

use std::fs;

use capacity::calibration::Machine;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use widgetapp::supervisor::measure::procfs;

/// How this program was built, and the server with it.
pub fn profile() -> &'static str {
    if cfg!(debug_assertions) { "dev" } else { "release" }
}

/// This machine.
pub fn describe() -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu_info = read("/proc/cpuinfo");
    let model = cpu_info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Machine {
        processors: std::thread::available_parallelism().map_or(1, |number| number.get() as u32),
        model: model.map_or("unknown", |(_, model)| model).trim().into(),
        kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
        memory_bytes: procfs::memory_of_machine(),
        open_files: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
        build_profile: profile().into(),
    }
}

/// Lets this program, and the server that it starts, open as many files as the system allows it at all.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // With the old limit there may be too few connections, which is told then.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
