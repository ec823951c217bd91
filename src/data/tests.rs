//! A data directory that is copied while it is written, and one that is damaged in every way that is looked for.

use std::{
    fs,
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use rusqlite::Connection;
use serde_json::json;

use super::{
    backup::{BackupError, back_up},
    check::{CheckError, Checked, check},
    demand_whole,
};
use crate::{
    clock,
    log::{ChangeKind, Durability, Log, NewChange, SqliteLog, sqlite},
    protocol::ThingId,
    store::{self, fixture::Fixture},
    thing::Document,
};

/// Changes of the Thing that is damaged; snapshots are taken at half of them and at all of them.
const CHANGES: u64 = 8;

/// People, and the log of their Things, in one directory.
struct Data {
    people: Fixture,
    log: SqliteLog,
}

impl Data {
    fn new() -> Self {
        let people = Fixture::new();
        let log = SqliteLog::open(people.dir.path().join(sqlite::FILE), Durability::Os).unwrap();
        Self { people, log }
    }

    fn path(&self) -> &Path {
        self.people.dir.path()
    }

    /// A Thing with so many changes, first in the log and then in the list, as the server makes it.
    fn thing(&self, changes: u64) -> ThingId {
        let thing = ThingId(clock::new_id());
        let (mut document, first) = Document::initial("Boat", None, 1).unwrap();
        self.log.create(thing, "e".into(), change(first.update)).blocking_recv().unwrap().unwrap();
        self.people.store.add_thing(thing, &self.people.ada, "Boat", 1).unwrap();
        for offset in 2..=changes {
            let patch = json!([{"op": "replace", "path": "/notes", "value": format!("note {offset}")}]);
            let update = document.apply_patch(&patch, false).unwrap().update;
            self.log.append(thing, offset, change(update)).blocking_recv().unwrap().unwrap();
            if offset % (CHANGES / 2) == 0 {
                self.log.put_snapshot(thing, offset, document.state().into()).blocking_recv().unwrap().unwrap();
            }
        }
        thing
    }
}

fn change(update: Vec<u8>) -> NewChange {
    NewChange {
        user: "ada".into(),
        principal: "user:ada".into(),
        key: None,
        kind: ChangeKind::Edit,
        update: update.into(),
        at_millis: 1,
    }
}

fn problems(data: &Path) -> (Vec<String>, Checked) {
    let mut problems = Vec::new();
    let checked = check(data, &mut |problem| problems.push(problem.to_owned())).unwrap();
    assert_eq!(problems.len() as u64, checked.problems);
    (problems, checked)
}

#[test]
fn a_backup_of_what_is_being_written_fits_together() {
    book::claims!("backup-running", 2);
    let data = Data::new();
    data.thing(CHANGES);
    let writing = AtomicBool::new(true);
    let target = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while writing.load(Ordering::Relaxed) {
                data.thing(CHANGES);
            }
        });
        let mut things = 0;
        for number in 0..20 {
            let copy = target.path().join(number.to_string());
            back_up(data.path(), &copy).unwrap();
            let (found, checked) = problems(&copy);
            assert_eq!(found, [""; 0]);
            assert!(checked.things >= things, "{checked:?}, and {things} Things before");
            things = checked.things;
        }
        assert!(things > 1, "nothing was written meanwhile");
        writing.store(false, Ordering::Relaxed);
    });
    let copy = target.path().join("in the end");
    back_up(data.path(), &copy).unwrap();
    assert_eq!(problems(&copy), problems(data.path()));
}

#[test]
fn the_things_of_a_backup_have_another_epoch() {
    book::claims!("backup-restored", 1);
    let data = Data::new();
    let thing = data.thing(CHANGES);
    let target = tempfile::tempdir().unwrap();
    let copy = target.path().join("copy");
    back_up(data.path(), &copy).unwrap();
    let copy = SqliteLog::open(copy.join(sqlite::FILE), Durability::Fsync).unwrap();
    let (was, is) = (data.log.load(thing).unwrap().unwrap(), copy.load(thing).unwrap().unwrap());
    assert_ne!(was.epoch, is.epoch);
    assert_eq!((was.last, was.changes, was.snapshot), (is.last, is.changes, is.snapshot));
}

#[test]
fn a_backup_is_for_its_owner_and_leaves_no_journal() {
    book::claims!("backup-private", 1);
    let data = Data::new();
    fs::write(data.path().join("demo.json"), "{}").unwrap();
    let target = tempfile::tempdir().unwrap();
    let copy = target.path().join("copy");
    let copied = back_up(data.path(), &copy).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&copy), 0o700);
    let mut files: Vec<_> = fs::read_dir(&copy).unwrap().map(|entry| entry.unwrap()).collect();
    files.sort_by_key(fs::DirEntry::file_name);
    let shown = |file: &fs::DirEntry| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len());
    let mut told: Vec<_> = copied.iter().map(|copied| (copied.file.to_owned(), copied.bytes)).collect();
    told.sort();
    assert_eq!(files.iter().map(shown).collect::<Vec<_>>(), told);
    files.iter().for_each(|file| assert_eq!(mode(&file.path()), 0o600));
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 1);
}

#[test]
fn a_backup_takes_nothing_that_is_there() {
    let data = Data::new();
    let target = tempfile::tempdir().unwrap();
    let copy = target.path().join("copy");
    fs::create_dir(&copy).unwrap();
    back_up(data.path(), &copy).unwrap();
    assert!(matches!(back_up(data.path(), &copy), Err(BackupError::Occupied(_))));
    let other = target.path().join("other");
    fs::create_dir(target.path().join("other.incomplete")).unwrap();
    assert!(matches!(back_up(data.path(), &other), Err(BackupError::Unfinished(_))));
    let absent = target.path().join("absent");
    assert!(matches!(back_up(&absent, &other), Err(BackupError::Data(_))));
    assert!(matches!(check(&absent, &mut |_| {}), Err(CheckError::Data(_))));
}

#[test]
fn a_backup_that_fails_leaves_nothing() {
    let Data { people, log } = Data::new();
    // Its journal goes with it, which would make good what follows.
    drop(log);
    let target = tempfile::tempdir().unwrap();
    fs::write(people.dir.path().join(sqlite::FILE), "this is no database".repeat(100)).unwrap();
    let copy = target.path().join("copy");
    let failed = back_up(people.dir.path(), &copy);
    assert!(matches!(failed, Err(BackupError::Database { file: sqlite::FILE, .. })), "{failed:?}");
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0);
}

/// What is done to a database, with `thing` in place of the Thing, and what is told of it.
const DAMAGES: &[(&str, &str, &str)] = &[
    (sqlite::FILE, "DELETE FROM change WHERE \"offset\" = 3", "change 3 is missing"),
    (sqlite::FILE, "DELETE FROM change WHERE \"offset\" IN (2, 3)", "changes 2 to 3 are missing"),
    (sqlite::FILE, "UPDATE change SET update_v1 = x'ff01' WHERE \"offset\" = 8", "change 8 cannot be applied"),
    (sqlite::FILE, "UPDATE change SET kind = 99 WHERE \"offset\" = 8", "change 8 cannot be applied"),
    (
        sqlite::FILE,
        "UPDATE change SET update_v1 = CAST(replace(update_v1, 'ote', 'oat') AS BLOB) WHERE \"offset\" = 2",
        "snapshot 4 is not what its changes add up to",
    ),
    (
        sqlite::FILE,
        "UPDATE snapshot SET state = (SELECT state FROM snapshot WHERE \"offset\" = 4) WHERE \"offset\" = 8",
        "snapshot 8 is not what its changes add up to",
    ),
    (sqlite::FILE, "UPDATE snapshot SET state = x'ff01' WHERE \"offset\" = 8", "snapshot 8 cannot be read"),
    (sqlite::FILE, "UPDATE snapshot SET \"offset\" = 9 WHERE \"offset\" = 8", "snapshot 9 is of no change"),
    (sqlite::FILE, "DELETE FROM thing", "has changes and no beginning"),
    (sqlite::FILE, "DELETE FROM change", "it has no changes"),
    (sqlite::FILE, "DELETE FROM thing; DELETE FROM change; DELETE FROM snapshot", "store.db: Thing"),
    (store::FILE, "DELETE FROM things", "1 rows of principal_shares refer to rows of things that are not there"),
    (store::FILE, "DELETE FROM things", "1 rows of texts refer to rows of things that are not there"),
    (store::FILE, "DELETE FROM principals WHERE name = 'grace'", "1 rows of memberships refer to rows of principals"),
    (store::FILE, "DELETE FROM groups WHERE name = 'spies'", "1 rows of memberships refer to rows of groups"),
    (store::FILE, "DELETE FROM texts", "1 rows of things are not found by any search"),
    (
        store::FILE,
        "UPDATE oauth_grants SET client = 'nobody'",
        "1 rows of oauth_grants refer to clients that are not there",
    ),
];

#[test]
fn every_kind_of_damage_is_found() {
    book::claims!("fsck", 1);
    let data = Data::new();
    data.thing(CHANGES);
    data.people.grant(&data.people.ada, crate::wfe::FIRST_PARTY_CLIENT, 1);
    let (found, checked) = problems(data.path());
    assert_eq!(found, [""; 0]);
    assert_eq!(checked, Checked { things: 1, changes: CHANGES, snapshots: 2, problems: 0 });
    let copies = tempfile::tempdir().unwrap();
    for (number, (file, damage, told)) in DAMAGES.iter().enumerate() {
        let copy = copies.path().join(number.to_string());
        back_up(data.path(), &copy).unwrap();
        let database = Connection::open(copy.join(file)).unwrap();
        database.pragma_update(None, "foreign_keys", false).unwrap();
        database.execute_batch(damage).unwrap();
        assert!(database.changes() > 0, "{damage} changes nothing");
        drop(database);
        let (found, _) = problems(&copy);
        assert!(found.iter().any(|problem| problem.contains(told)), "{damage}: {found:?}");
    }
}

#[test]
fn a_file_that_is_broken_is_a_problem_and_no_failure() {
    let data = Data::new();
    for _ in 0..50 {
        data.thing(CHANGES);
    }
    let copies = tempfile::tempdir().unwrap();
    // In the first page is what the file is; the others are rows and indexes.
    for (number, (file, page)) in
        [(sqlite::FILE, 0), (sqlite::FILE, 3), (store::FILE, 0), (store::FILE, 5)].into_iter().enumerate()
    {
        let copy = copies.path().join(number.to_string());
        back_up(data.path(), &copy).unwrap();
        let broken = fs::File::options().write(true).open(copy.join(file)).unwrap();
        broken.write_all_at(&[0xa5; 4096], page * 4096).unwrap();
        let (found, _) = problems(&copy);
        assert!(found.iter().any(|problem| problem.starts_with(file)), "{file}, page {page}: {found:?}");
    }
}

#[test]
fn data_of_another_release_is_not_judged() {
    let data = Data::new();
    let set_version = |file, version| {
        Connection::open(data.path().join(file)).unwrap().pragma_update(None, "user_version", version).unwrap();
    };
    set_version(sqlite::FILE, 99);
    assert!(matches!(check(data.path(), &mut |_| {}), Err(CheckError::Log(_))));
    for version in [1, 99] {
        set_version(store::FILE, version);
        assert!(matches!(check(data.path(), &mut |_| {}), Err(CheckError::Store(_))));
    }
}

#[test]
fn a_server_begins_and_goes_on_but_not_with_half_of_its_data() {
    book::claims!("data-whole", 1);
    let empty = tempfile::tempdir().unwrap();
    demand_whole(empty.path()).unwrap();
    let without_things = Fixture::new();
    demand_whole(without_things.dir.path()).unwrap();
    let data = Data::new();
    data.thing(1);
    demand_whole(data.path()).unwrap();
    let says_missing = |file: &str| {
        let aside = data.path().join("aside");
        fs::rename(data.path().join(file), &aside).unwrap();
        let error = demand_whole(data.path()).unwrap_err().to_string();
        fs::rename(aside, data.path().join(file)).unwrap();
        assert!(error.starts_with(&format!("{file} is missing in ")), "{error}");
    };
    [sqlite::FILE, store::FILE].into_iter().for_each(says_missing);
}
