//! Copies of the data of a server at work: those that `widgetapp backup` makes, and those that `cp` makes.

use std::{
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use tempfile::TempDir;
use widgetapp::clock;

use super::{
    SETTINGS, alone, assert_kept,
    checker::{self, History, Verdict},
    figures::{Figures, spread},
    load::{Load, Outcome, Size},
    verdict,
};
use crate::product::Product;

const SIZE: Size = Size { clients: 20, things: 4, per_second: 10.0 };

/// A copy, and when it was begun.
struct Taken {
    at: Instant,
    copy: TempDir,
}

fn widgetapp(arguments: &[&str], data: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_widgetapp"));
    command.args(arguments).arg("--data").arg(data).output().expect("it runs")
}

/// Takes copies at random moments. The copy goes into the directory, which is there and empty, under the name `copy`.
fn take(copies: usize, random: &mut StdRng, take: impl Fn(&Path)) -> (Vec<Taken>, Vec<Duration>) {
    let mut lasted = Vec::new();
    let taken = (0..copies).map(|_| {
        std::thread::sleep(Duration::from_millis(random.random_range(0..200)));
        let copy = TempDir::new().expect("a directory");
        let at = clock::now();
        take(&copy.path().join("copy"));
        lasted.push(at.elapsed());
        Taken { at, copy }
    });
    (taken.collect(), lasted)
}

/// What clients had been told when a copy was begun, held against the copy; it may have more.
fn as_of(at: Instant, outcome: &Outcome, data: &Path) -> Verdict {
    let told_before = |history: History| History {
        edits: history.edits.into_iter().filter(|edit| edit.acknowledged.is_some_and(|(when, _)| when < at)).collect(),
        seen: Vec::new(),
        ..history
    };
    let histories: Vec<History> = outcome.histories().into_iter().map(told_before).collect();
    let mut verdict = checker::check(&histories, &outcome.stored(data));
    verdict.violations.retain(|violation| !violation.is_of_the_end());
    verdict
}

fn copies(name: &'static str, backups: usize, plain: usize) {
    let _alone = alone();
    let mut figures = Figures::new(name);
    let mut random = StdRng::seed_from_u64(1);
    let mut product = Product::start_with_env(&[], &SETTINGS);
    let load = Load::start(&product, SIZE);
    let data = product.data().to_owned();
    let (backed_up, lasted) = take(backups, &mut random, |target| {
        let done = widgetapp(&["backup", target.to_str().expect("text")], &data);
        assert!(done.status.success(), "{done:?}");
    });
    let (copied, _) = take(plain, &mut random, |target| {
        let done = Command::new("cp").arg("-a").arg(&data).arg(target).output().expect("it runs");
        // Files that SQLite removes meanwhile are no failure of the copy: what is missing is found below.
        assert!(target.is_dir(), "{done:?}");
    });
    let outcome = load.finish();
    assert_kept(&verdict(&mut product, &outcome));
    for Taken { at, copy } in backed_up {
        let data = copy.path().join("copy");
        let checked = widgetapp(&["fsck"], &data);
        assert!(checked.status.success(), "a backup: {checked:?}");
        assert_kept(&as_of(at, &outcome, &data));
    }
    let mut refused = 0;
    for Taken { at, copy } in copied {
        let data = copy.path().join("copy");
        if widgetapp(&["fsck"], &data).status.success() {
            assert_kept(&as_of(at, &outcome, &data));
        } else {
            refused += 1;
        }
    }
    figures
        .note("backups", json!({"made": backups, "whole": backups, "each_took": spread(lasted)}))
        .note("plain_copies", json!({"made": plain, "whole": plain - refused, "refused_by_fsck": refused}))
        .publish();
}

#[test]
fn a_backup_has_all_that_was_acknowledged_before_it_and_a_plain_copy_never_lacks_it_unnoticed() {
    book::claims!("backup-running", 2);
    copies("copies-short", 2, 5);
}

#[test]
#[ignore = "ten backups and fifty copies"]
fn b2_fifty_copies_of_a_server_at_work_are_whole_or_refused() {
    copies("b2", 10, 50);
}
