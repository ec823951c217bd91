//! What runs out, and comes back: room on the disk, descriptors, memory.
//!
//! The server says so in its log, tells clients that they may try again, goes on with everything else, and goes on
//! with this as soon as it is there again, by itself.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;
use tempfile::TempDir;
use widgetapp::{clock, protocol::action::Action};

use super::{
    SETTINGS, alone, assert_kept,
    figures::{Figures, spread},
    load::{Load, Outcome, Size},
    slow, socket, verdict,
};
use crate::{
    live,
    product::{FileSystem, Product, eventually, is_alive},
};

const SIZE: Size = Size { clients: 20, things: 4, per_second: 5.0 };
/// How long it lasts.
const LASTS: Duration = Duration::from_secs(3);
/// Room on the small disk.
const DISK_BYTES: u64 = 16 << 20;
/// Lines about one thing that is lacking: the first one, and how often it came.
const MOST_LINES: usize = 6;

/// Sets what a process may have at most; gives back what it had.
fn limit(pid: u32, resource: Resource, most: u64) -> Rlimit {
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let maximum = getrlimit(resource).maximum;
    prlimit(process, resource, Rlimit { current: Some(most), maximum }).expect("it runs")
}

fn give_back(pid: u32, resource: Resource, enough: Rlimit) {
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
    prlimit(process, resource, enough).expect("it runs");
}

/// Edits go on while the disk is full for a while.
fn outlives_full_disk(name: &'static str, data: TempDir, mut set_full: impl FnMut(&Product, bool)) {
    let mut figures = Figures::new(name);
    let mut product = Product::start_in_with_env(data, &[], &SETTINGS);
    let pids = product.children();
    let (load, ada, thing) = (Load::start(&product, SIZE), live::login(&product, "ada"), product.welcome());
    let reads = || {
        let start = clock::now();
        let read = live::run(LASTS, ada.call(Action::Select, Some(&thing), Default::default()));
        read.map(|_| start.elapsed())
    };
    std::thread::sleep(Duration::from_secs(1));
    reads().expect("a Thing can be read");
    set_full(&product, true);
    let full = clock::now();
    std::thread::sleep(LASTS / 2);
    let read = reads().expect("a Thing can be read while the disk is full");
    std::thread::sleep(LASTS / 2);
    let freed = clock::now();
    set_full(&product, false);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(product.children(), pids, "no process has died");
    let outcome = load.finish();
    let lines = product.log().lines().filter(|line| line.contains("ERROR")).count();
    let told = product.log().contains("the log could not be written");
    let verdict = verdict(&mut product, &outcome);
    // What was on its way when the disk was full may still be acknowledged.
    let meanwhile = acknowledged(&outcome, full + Duration::from_millis(500), freed);
    let back = back_after(&outcome, freed);
    let longest = back.iter().max().copied().unwrap_or_default();
    figures
        .note("full_for_ms", LASTS.as_millis() as u64)
        .note("acknowledged_meanwhile", meanwhile)
        .note("put_off", outcome.participants.iter().map(|one| one.put_off).sum::<usize>())
        .note("read_meanwhile_ms", read.as_secs_f64() * 1000.0)
        .note("going_on_after", spread(back))
        .note("lines_of_errors", lines)
        .verdict(&verdict)
        .publish();
    assert_kept(&verdict);
    assert_eq!(meanwhile, 0, "edits were acknowledged while nothing could be stored");
    assert!(longest < Duration::from_secs(5), "edits went on after {longest:?}");
    // Where the log is limited as well nothing can be told.
    assert!((told || name == "j2-limit") && lines <= MOST_LINES, "{lines} lines of errors:\n{}", product.log());
}

fn acknowledged(outcome: &Outcome, from: Instant, to: Instant) -> usize {
    let within = |at: Instant| at > from && at < to;
    outcome.waits().into_iter().flatten().filter(|wait| within(wait.acknowledged)).count()
}

/// When each client had its first edit acknowledged after a moment.
fn back_after(outcome: &Outcome, at: Instant) -> Vec<Duration> {
    let first = |participant: &super::load::Participant| {
        participant.waits.iter().map(|wait| wait.acknowledged).find(|acknowledged| *acknowledged > at)
    };
    outcome.participants.iter().filter_map(first).map(|acknowledged| acknowledged - at).collect()
}

#[test]
fn j2_a_file_that_may_not_grow_puts_edits_off() {
    book::claims!("edit-not-stored", 1);
    let _alone = alone();
    let mut enough = None;
    outlives_full_disk("j2-limit", TempDir::new().expect("a directory"), |product, full| {
        let [(_, wfe)] = product.processes("_wfe")[..] else { panic!("one _wfe") };
        if full {
            enough = Some(limit(wfe, Resource::Fsize, 0));
        } else {
            give_back(wfe, Resource::Fsize, enough.expect("it was taken"));
        }
    });
}

#[test]
fn j2_a_full_disk_puts_edits_off() {
    let _alone = alone();
    let disk = match FileSystem::in_memory(DISK_BYTES) {
        Ok(disk) => disk,
        Err(why) => return eprintln!("j2, full disk: skipped: {why}"),
    };
    let data = TempDir::new_in(disk.path()).expect("a directory");
    let ballast: PathBuf = disk.path().join("ballast");
    outlives_full_disk("j2-disk", data, |_, full| {
        if full {
            let mut file = std::fs::File::create(&ballast).expect("a file");
            while file.write_all(&[0; 4096]).is_ok() {}
        } else {
            std::fs::remove_file(&ballast).expect("it is there");
        }
    });
}

/// Connects so many clients at once; how often each answer came.
fn connect_many(product: &Product, clients: usize) -> BTreeMap<String, usize> {
    let (address, token) = (product.address().to_owned(), live::token(product, "ada"));
    live::run(Duration::from_secs(60), async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..clients {
            let (address, token) = (address.clone(), token.clone());
            tasks.spawn(async move {
                let opened = tokio::time::timeout(LASTS, socket::open(&address, &token)).await;
                // Those that are open stay so until all have been answered.
                opened.map_or_else(|_| Err("no answer".to_owned()), |opened| opened.map_err(|refused| refused.why))
            });
        }
        let mut answers = BTreeMap::new();
        for answer in &tasks.join_all().await {
            let what = answer.as_ref().err().map_or("open", String::as_str);
            *answers.entry(what.to_owned()).or_default() += 1;
        }
        answers
    })
}

fn cpu(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
    // Fields 14 and 15 of proc(5), in ticks of 10 ms; the state is field 3.
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

fn outlives_lack_of_descriptors(name: &'static str, descriptors: u64, clients: usize) {
    let _alone = alone();
    let mut figures = Figures::new(name);
    for kind in ["_wfe", "_sfe", "_stream", "widgetapp"] {
        let mut product = Product::start_with_env(&[], &SETTINGS);
        let load = Load::start(&product, SIZE);
        let pids = product.children();
        let pid = if kind == "widgetapp" { product.pid() } else { product.processes(kind)[0].1 };
        let enough = limit(pid, Resource::Nofile, descriptors);
        let answers = connect_many(&product, clients);
        let (before, since) = (cpu(pid), clock::now());
        std::thread::sleep(LASTS);
        let busy = (cpu(pid) - before).as_secs_f64() / since.elapsed().as_secs_f64();
        give_back(pid, Resource::Nofile, enough);
        let freed = clock::now();
        let token = live::token(&product, "ada");
        eventually("a client can connect", || live::run(LASTS, socket::open(product.address(), &token)).ok().map(drop));
        let recovered = freed.elapsed();
        assert_eq!(product.children(), pids, "no process has ended");
        let outcome = load.finish();
        let closed = outcome.partings().len();
        let lines = product.log().lines().filter(|line| line.contains("no descriptors are left")).count();
        let verdict = verdict(&mut product, &outcome);
        figures.note(
            kind,
            json!({
                "answers": answers, "cpu_percent": (busy * 100.0).round(), "recovered_after_ms": recovered.as_millis() as u64,
                "connections_closed": closed, "lines": lines, "lost": verdict.lost(), "twice": verdict.twice(),
            }),
        );
        figures.publish();
        assert_kept(&verdict);
        assert_eq!(closed, 0, "streams were closed");
        // A build without optimisation also has its clients to serve meanwhile.
        assert!(
            busy < if cfg!(debug_assertions) { 0.5 } else { 0.2 },
            "the process that lacks descriptors spins: {busy}"
        );
        assert!(recovered < Duration::from_secs(2), "recovered after {recovered:?}");
        assert!(lines <= MOST_LINES, "{lines} lines");
        let refused =
            answers.keys().all(|answer| ["open", "503 with Retry-After", "no answer"].contains(&answer.as_str()));
        assert!(refused, "{kind}: {answers:?}");
    }
}

#[test]
fn j3_without_descriptors_new_clients_are_refused_and_the_others_go_on() {
    outlives_lack_of_descriptors("j3-short", 64, 100);
}

#[test]
#[ignore = "a minute"]
fn j3_five_hundred_clients_meet_256_descriptors() {
    outlives_lack_of_descriptors("j3", 256, 500);
}

/// A control group whose memory is limited (version 1).
struct MemoryLimit(PathBuf);

impl MemoryLimit {
    fn new(bytes: u64) -> Result<Self, String> {
        let group = PathBuf::from(format!("/sys/fs/cgroup/memory/widgetapp-{}", std::process::id()));
        std::fs::create_dir(&group).map_err(|error| format!("no control group for memory: {error}"))?;
        let limited = Self(group);
        let file = limited.0.join("memory.limit_in_bytes");
        std::fs::write(file, bytes.to_string()).map_err(|error| format!("memory cannot be limited: {error}"))?;
        Ok(limited)
    }

    fn take(&self, pid: u32) {
        std::fs::write(self.0.join("cgroup.procs"), pid.to_string()).expect("a process can be put into the group");
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        // It may still have a process that is about to end.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
#[ignore = "needs control groups"]
fn j4_a_process_that_takes_too_much_memory_dies_alone() {
    let _alone = alone();
    let mut figures = Figures::new("j4");
    let memory = match MemoryLimit::new(64 << 20) {
        Ok(memory) => memory,
        Err(why) => return eprintln!("j4: skipped: {why}"),
    };
    let queue = [("WIDGETAPP_STREAM__MAX_QUEUE_BYTES", "134217728"), ("WIDGETAPP_SFE__STREAMS_PER_INSTANCE", "2")];
    let mut product = Product::start_with_env(&[], &[SETTINGS.as_slice(), &queue].concat());
    let load = Load::start(&product, SIZE);
    let (_, victim) = product.processes("_stream")[0].clone();
    memory.take(victim);
    let others: Vec<u32> = product.children().into_iter().filter(|pid| *pid != victim).collect();
    let start = clock::now();
    let _asleep = slow::fill_queues(&product, 40, || !is_alive(victim));
    let died = start.elapsed();
    eventually("it is replaced", || (product.processes("_stream").len() == 2).then_some(()));
    assert!(others.iter().all(|pid| is_alive(*pid)), "another process has died");
    std::thread::sleep(Duration::from_secs(3));
    let outcome = load.finish();
    let (closed, clients) = (outcome.partings().len(), SIZE.clients);
    let verdict = verdict(&mut product, &outcome);
    figures
        .note("limit_mib", 64)
        .note("died_after_ms", died.as_millis() as u64)
        .note("connections_closed", format!("{closed} of {clients}"))
        .verdict(&verdict)
        .publish();
    assert_kept(&verdict);
    assert!(closed <= clients / 2 + 1, "{closed} of {clients} connections were closed");
}
