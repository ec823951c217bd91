use std::fs;

use super::{
    super::suite::{edit, keeps_its_promises, thing, wait},
    *,
};

/// A folder that is removed in the end, with an opener of the log in it.
fn fresh(durability: Durability) -> impl Fn() -> SqliteLog {
    let folder = tempfile::tempdir().unwrap();
    move || SqliteLog::open(folder.path().join("log.db"), durability).unwrap()
}

#[test]
fn it_keeps_the_promises_of_a_log() {
    keeps_its_promises(|| fresh(Durability::Fsync));
    keeps_its_promises(|| fresh(Durability::Os));
}

#[test]
fn a_full_disk_fails_edits_leaves_no_hole_and_passes() {
    let open = fresh(Durability::Fsync);
    let log = open();
    wait(log.create(thing(1), "e".into(), edit(None, b"1"))).unwrap();
    log.limit_pages(Some(64));
    let mut acknowledged = 1;
    let (mut failures, mut next) = (0, 2);
    for _ in 0..60 {
        // The owner has several in flight, and goes on from what the log says after a failure.
        let in_flight: Vec<_> =
            (next..next + 5).map(|offset| log.append(thing(1), offset, edit(None, &[7; 4_000]))).collect();
        let answers: Vec<_> = in_flight.into_iter().map(wait).collect();
        let good = answers.iter().take_while(|answer| answer.is_ok()).count();
        assert!(answers[good..].iter().all(Result::is_err), "{answers:?}");
        failures += answers.len() - good;
        acknowledged += good as u64;
        assert_eq!(log.last(thing(1)), Ok(Some(acknowledged)));
        next = acknowledged + 1;
    }
    assert!(failures > 0 && acknowledged > 10, "{failures} failed, {acknowledged} stored");
    assert!(wait(log.put_snapshot(thing(1), 1, vec![0; 1_000_000].into())).is_err());
    log.limit_pages(None);
    assert_eq!(wait(log.append(thing(1), next, edit(None, &[7; 4_000]))), Ok(()));
    let stored = log.load(thing(1)).unwrap().unwrap();
    assert!(stored.changes.iter().map(|change| change.offset).eq(1..=next));
}

#[test]
fn a_copy_of_the_files_of_a_running_log_has_all_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("log.db"), Durability::Fsync).unwrap();
    wait(log.create(thing(1), "e".into(), edit(None, b"1"))).unwrap();
    for offset in 2..=50 {
        wait(log.append(thing(1), offset, edit(Some(&offset.to_string()), b"n"))).unwrap();
    }
    let copy = tempfile::tempdir().unwrap();
    for name in ["log.db", "log.db-wal"] {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let copy = SqliteLog::open(copy.path().join("log.db"), Durability::Fsync).unwrap();
    assert_eq!(copy.load(thing(1)), log.load(thing(1)));
}

#[test]
fn it_opens_while_somebody_reads_what_it_was_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let log = SqliteLog::open(&path, Durability::Fsync).unwrap();
    wait(log.create(thing(1), "e".into(), edit(None, b"1"))).unwrap();
    let backup = schema::open_reader(&path).unwrap();
    let count = || backup.query_row("SELECT count(*) FROM change", [], |row| row.get::<_, i64>(0)).unwrap();
    backup.execute_batch("BEGIN").unwrap();
    assert_eq!(count(), 1);
    wait(log.append(thing(1), 2, edit(None, b"2"))).unwrap();
    drop(log);
    let log = SqliteLog::open(&path, Durability::Fsync).unwrap();
    wait(log.append(thing(1), 3, edit(None, b"3"))).unwrap();
    assert_eq!((log.last(thing(1)), count()), (Ok(Some(3)), 1));
    backup.execute_batch("COMMIT").unwrap();
    assert_eq!(count(), 3);
}

#[test]
fn what_is_too_much_is_refused_and_not_queued() {
    let open = fresh(Durability::Os);
    let log = open();
    wait(log.create(thing(1), "e".into(), edit(None, b"1"))).unwrap();
    let state = Bytes::from(vec![0; QUEUE_BYTES / 4]);
    let answers: Vec<_> = (0..12).map(|_| log.put_snapshot(thing(1), 1, state.clone())).collect();
    let answers: Vec<_> = answers.into_iter().map(wait).collect();
    assert!(answers.contains(&Err(LogError::Busy)), "{answers:?}");
    assert_eq!(wait(log.append(thing(1), 2, edit(None, b"2"))), Ok(()));
}

#[test]
fn a_file_of_a_later_release_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    drop(SqliteLog::open(&path, Durability::Os).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(SqliteLog::open(&path, Durability::Os), Err(LogError::TooNew { found: 99, .. })));
}
