//! Everything that can befall the server, at random, while clients edit.

use std::{ops::Range, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom as _};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use widgetapp::clock;

use super::{
    SETTINGS, TWO_OF_EACH, alone, assert_kept,
    figures::{Blow, Figures, pauses_by_kind},
    load::{Load, Size},
    minutes, verdict,
};
use crate::product::{Product, is_alive, kill};

/// The processes that can be hit.
const KINDS: [&str; 4] = ["_wfe", "_sfe", "_stream", "widgetapp"];

/// How the blows follow one another.
#[derive(Clone, Debug)]
struct Pace {
    /// How long a process stands still.
    stopped_for: Duration,
    /// How long the disk is full, or there are no descriptors.
    scarce_for: Duration,
    /// Seconds to recover, between two blows.
    between: Range<f64>,
}

/// One upon the other: many are met while the one before is still felt.
const QUICK: Pace =
    Pace { stopped_for: Duration::from_millis(1500), scarce_for: Duration::from_millis(1500), between: 0.3..1.3 };
/// With time to recover, so that each has a pause of its own; what stands still for so long is found and replaced.
const CALM: Pace = Pace { stopped_for: Duration::from_secs(7), scarce_for: Duration::from_secs(3), between: 3.0..6.0 };

/// One thing that befalls the server.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// A process is killed.
    Kill(&'static str),
    /// A process stands still for a while: SIGSTOP, SIGCONT.
    Stop(&'static str),
    /// The disk takes nothing for a while.
    DiskFull,
    /// A process can open nothing for a while.
    NoDescriptors(&'static str),
    /// All processes are killed, and the server is started again.
    KillAll,
}

impl Fault {
    /// All of them in an order of chance, so that even a short run has each.
    fn all(random: &mut StdRng) -> Vec<Self> {
        let each = KINDS.into_iter().flat_map(|kind| [Self::Stop(kind), Self::NoDescriptors(kind)]);
        let kills = KINDS[..3].iter().map(|kind| Self::Kill(kind));
        let all: Vec<Self> = each.chain(kills).chain([Self::DiskFull, Self::KillAll]).collect();
        all.choose_multiple(random, all.len()).copied().collect()
    }

    /// As it stands in the figures.
    fn name(self, pace: &Pace) -> String {
        match self {
            Self::Kill(kind) => format!("kill {kind}"),
            Self::Stop(kind) => format!("stop {kind} for {:?}", pace.stopped_for),
            Self::DiskFull => format!("disk full for {:?}", pace.scarce_for),
            Self::NoDescriptors(kind) => format!("no descriptors in {kind} for {:?}", pace.scarce_for),
            Self::KillAll => "kill all".into(),
        }
    }

    /// Lets it happen, and pass.
    fn befall(self, product: &mut Product, random: &mut StdRng, pace: &Pace) {
        match self {
            Self::Kill(kind) => one_of(product, kind, random).into_iter().for_each(|pid| kill("KILL", pid)),
            Self::Stop(kind) => {
                let Some(pid) = one_of(product, kind, random) else { return };
                kill("STOP", pid);
                std::thread::sleep(pace.stopped_for);
                // It may have been found hung meanwhile, and replaced.
                kill("CONT", pid);
            }
            Self::DiskFull => limited(one_of(product, "_wfe", random), Resource::Fsize, 0, pace.scarce_for),
            Self::NoDescriptors(kind) => {
                limited(one_of(product, kind, random), Resource::Nofile, 3, pace.scarce_for);
            }
            Self::KillAll => product.start_again(),
        }
    }
}

/// A process of this kind.
fn one_of(product: &Product, kind: &str, random: &mut StdRng) -> Option<u32> {
    if kind == "widgetapp" {
        return Some(product.pid());
    }
    product.processes(kind).choose(random).map(|(_, pid)| *pid)
}

/// Takes something away from a process for a while.
fn limited(pid: Option<u32>, resource: Resource, most: u64, lasts: Duration) {
    let Some(pid) = pid.filter(|pid| is_alive(*pid)) else { return };
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let enough = getrlimit(resource);
    // It may have ended in this moment.
    let _ = prlimit(process, resource, Rlimit { current: Some(most), maximum: enough.maximum });
    std::thread::sleep(lasts);
    let _ = prlimit(process, resource, enough);
}

/// Lets everything happen for so long, at least once each; what happened when.
fn befall_all(product: &mut Product, load: &Load, seed: u64, (pace, lasts): (&Pace, Duration)) -> Vec<Blow> {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut blows, until) = (Vec::new(), clock::now() + lasts);
    loop {
        for fault in Fault::all(&mut random) {
            std::thread::sleep(Duration::from_secs_f64(random.random_range(pace.between.clone())));
            assert!(load.goes_on(), "the clients ended after {:?}", blows.last());
            blows.push(Blow { at: clock::now(), what: fault.name(pace) });
            fault.befall(product, &mut random, pace);
        }
        if clock::now() >= until {
            std::thread::sleep(Duration::from_secs_f64(pace.between.end));
            return blows;
        }
    }
}

fn survives(name: &'static str, size: Size, pace: &Pace, lasts: Duration) {
    let _alone = alone();
    let mut figures = Figures::new(name);
    let seed = std::env::var("SEED")
        .map_or_else(|_| u64::from_le_bytes(clock::random_bytes()), |seed| seed.parse().expect("SEED is a number"));
    eprintln!("{name}: SEED={seed}");
    let mut product = Product::start_with_env(&[], &[SETTINGS.as_slice(), &TWO_OF_EACH].concat());
    let load = Load::start(&product, size);
    let start = clock::now();
    let blows = befall_all(&mut product, &load, seed, (pace, lasts));
    let outcome = load.finish();
    let lasted = start.elapsed();
    let verdict = verdict(&mut product, &outcome);
    figures
        .note("seed", seed.to_string())
        .note("clients", size.clients)
        .note("things", size.things)
        .note("seconds", lasted.as_secs())
        .note("blows", blows.len())
        .note("connections_lost", outcome.partings().len())
        .note("put_off", outcome.participants.iter().map(|one| one.put_off).sum::<usize>())
        .verdict(&verdict)
        .note("pauses", pauses_by_kind(&blows, &outcome.waits()))
        .publish();
    assert_kept(&verdict);
}

#[test]
fn nothing_is_lost_whatever_befalls_the_server() {
    book::claims!("edit-kept", 1);
    survives("faults-short", Size { clients: 40, things: 8, per_second: 5.0 }, &QUICK, Duration::ZERO);
}

#[test]
#[ignore = "takes MINUTES, ten if not said"]
fn nothing_is_lost_by_two_hundred_clients_whatever_befalls_the_server() {
    survives("faults", Size { clients: 200, things: 20, per_second: 1.0 }, &CALM, minutes(10.0));
}
