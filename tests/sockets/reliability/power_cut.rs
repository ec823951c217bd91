//! The power cut: the file system under the data stops at once, and nothing that waits in memory reaches the disk.
//!
//! A killed process cannot show what is missing here, for the kernel still has what it wrote. So each round mounts
//! a file system of its own (ext4 in a file), edits, shuts the file system down as the tests of file systems do
//! (the ioctl behind `xfs_io -c shutdown`), kills the server, mounts it again and reads the log back. The setting
//! that promises less must be seen to lose something: else these rounds prove nothing about the other.

use std::{path::Path, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use rusqlite::Connection;
use tempfile::TempDir;
use widgetapp::clock;

use super::{
    SETTINGS, alone,
    checker::{self, Verdict},
    figures::Figures,
    load::{Load, Outcome, Size},
};
use crate::product::{FileSystem, Product, kill};

const SIZE: Size = Size { clients: 20, things: 4, per_second: 10.0 };
/// How long is edited before the cut.
const CUT_AFTER: std::ops::Range<f64> = 0.5..3.0;
/// In so many rounds the weaker setting has to lose something.
const MOST_CONTROLS: usize = 10;

/// What one cut left of what was acknowledged.
fn round(durability: &str, random: &mut StdRng) -> Verdict {
    let file_system = FileSystem::in_a_file().expect("a file system");
    let data = TempDir::new_in(file_system.path()).expect("a directory");
    let env = [SETTINGS.as_slice(), &[("WIDGETAPP_LOG__DURABILITY", durability)]].concat();
    let mut product = Product::start_in_with_env(data, &[], &env);
    let load = Load::start(&product, SIZE);
    std::thread::sleep(Duration::from_secs_f64(random.random_range(CUT_AFTER)));
    // Processors without power do nothing more either: a kernel that goes on may tell a process that what it has just
    // written is on the disk, though the file system was stopped under it.
    std::iter::once(product.pid()).chain(product.children()).for_each(|pid| kill("STOP", pid));
    file_system.cut_power();
    product.kill_all();
    let outcome = load.cut();
    file_system.come_back();
    // It starts by itself, whatever it finds.
    product.start_again();
    product.kill_all();
    assert_intact(product.data());
    kept(&outcome, product.data())
}

/// The clients were cut off as well: they may not have heard of what was stored last.
fn kept(outcome: &Outcome, data: &Path) -> Verdict {
    let mut verdict = checker::check(&outcome.histories(), &outcome.stored(data));
    verdict.violations.retain(|violation| !violation.is_of_the_end());
    verdict
}

fn assert_intact(data: &Path) {
    for file in ["log.db", "store.db"] {
        let database = Connection::open(data.join(file)).expect("a database");
        let found: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
        assert_eq!(found, "ok", "{file}");
    }
}

fn survives(name: &'static str, rounds: usize) {
    let _alone = alone();
    if let Err(why) = FileSystem::in_a_file() {
        return eprintln!("{name}: skipped: {why}");
    }
    let mut figures = Figures::new(name);
    let seed = u64::from_le_bytes(clock::random_bytes());
    eprintln!("{name}: seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (mut acknowledged, mut lost) = (0, 0);
    for number in 1..=rounds {
        let verdict = round("fsync", &mut random);
        eprintln!("{name}, round {number}: {verdict}");
        assert!(verdict.acknowledged > 0);
        assert_eq!(verdict.violations, [], "round {number}");
        acknowledged += verdict.acknowledged;
        lost += verdict.lost_edits();
    }
    figures.note("rounds", rounds).note("acknowledged", acknowledged).note("lost", lost);
    let mut controls = Vec::new();
    let seen = (1..=MOST_CONTROLS).any(|number| {
        let verdict = round("os", &mut random);
        eprintln!("{name}, control {number}: {verdict}");
        controls.push(verdict.lost_edits());
        verdict.lost_edits() > 0
    });
    figures.note("lost_by_control_in_each_round", controls).publish();
    assert!(seen, "in {MOST_CONTROLS} rounds durability = \"os\" has lost nothing: these cuts prove nothing");
}

#[test]
fn three_power_cuts_lose_nothing_that_was_acknowledged() {
    book::claims!("durability-power", 2);
    survives("power-cut-short", 3);
}

#[test]
#[ignore = "twenty rounds"]
fn b1_twenty_power_cuts_lose_nothing_that_was_acknowledged() {
    survives("b1", 20);
}
