//! What the kernel says of a process, in a few lines of proc(5).

use std::{fs, path::Path, time::Duration};

/// What a process has used of the processor, and has in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Processor time since its start, all its threads together.
    pub cpu: Duration,
    /// Bytes in memory (RSS), those included that it shares with others.
    pub resident_bytes: u64,
}

/// Reads one file; none if the process is gone.
pub fn usage(pid: u32) -> Option<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(&stat, rustix::param::clock_ticks_per_second(), rustix::param::page_size() as u64)
}

/// The name in parentheses may hold anything, so what is counted begins behind the last one: the state, field 3.
fn parse_stat(stat: &str, ticks_per_second: u64, page_bytes: u64) -> Option<Usage> {
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let field = |number: usize| fields.get(number - 3)?.trim_end().parse::<u64>().ok();
    let ticks = field(14)? + field(15)?;
    Some(Usage {
        cpu: Duration::from_secs_f64(ticks as f64 / ticks_per_second as f64),
        resident_bytes: field(24)? * page_bytes,
    })
}

/// The share of memory that is the process's own (PSS): a page that three processes share counts a third. The kernel
/// walks all pages for it.
pub fn share_bytes(pid: u32) -> Option<u64> {
    kibibytes(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?, "Pss:")
}

/// How many files it has open; none if that is not for us to see.
pub fn descriptors(pid: u32) -> Option<u64> {
    fs::read_dir(format!("/proc/{pid}/fd")).ok().map(|files| files.count() as u64)
}

/// The memory of the machine, or of the container or service that this process belongs to if that may have less.
pub fn memory_of_machine() -> u64 {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let machine = kibibytes(&meminfo, "MemTotal:").unwrap_or(u64::MAX);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    // Version 2 has one line: `0::/path`. Each group above may set a limit, too.
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let groups = Path::new(path).ancestors().map(|group| Path::new("/sys/fs/cgroup").join(group).join("memory.max"));
    let limits = groups.filter_map(|file| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok());
    limits.fold(machine, u64::min)
}

/// The number of a line such as `Pss:  1234 kB`, in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_stat_are_counted_from_behind_the_name() {
        let stat =
            "7 (a) R 1 b) S 1 7 7 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 4 0 99 1000000 300 18446744073709551615\n";
        let expected = Usage { cpu: Duration::from_secs(2), resident_bytes: 300 * 4096 };
        assert_eq!(parse_stat(stat, 100, 4096), Some(expected));
        assert_eq!(parse_stat("7 (a", 100, 4096), None);
        assert_eq!(parse_stat("7 (a) S 1", 100, 4096), None);
    }

    #[test]
    fn this_process_can_be_measured() {
        let pid = std::process::id();
        let usage = usage(pid).unwrap();
        let share = share_bytes(pid).unwrap();
        assert!(descriptors(pid).unwrap() >= 3 && descriptors(u32::MAX).is_none());
        assert!(share > 0 && usage.resident_bytes > 1024 * 1024, "{usage:?} {share}");
        assert!(memory_of_machine() > usage.resident_bytes);
        assert!(super::usage(u32::MAX).is_none() && share_bytes(u32::MAX).is_none());
    }
}
