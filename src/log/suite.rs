//! What every engine of the log is held to. An engine calls [`keeps_its_promises`] with a way to
//! open it, and again after a crash.

use std::collections::HashMap;

use bytes::Bytes;
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use uuid::Uuid;

use super::{Change, ChangeKind, Log, LogError, NewChange, Receipt, Stored};
use crate::protocol::ThingId;

/// Runs the whole suite. `fresh` starts an empty log and returns how to open it; what it opened
/// before is dropped first, like a process that died.
pub(super) fn keeps_its_promises<L: Log, O: Fn() -> L>(fresh: impl Fn() -> O) {
    offsets_have_no_hole(&fresh()());
    keys_are_used_once(&fresh()());
    a_thing_is_opened_from_its_snapshot(&fresh()());
    reads_stop_at_their_limits(&fresh()());
    any_history_is_kept(fresh);
}

/// The `n`th Thing of a test.
pub(super) fn thing(n: u8) -> ThingId {
    ThingId(Uuid::from_bytes([n; 16]))
}

/// An edit with some bytes.
pub(super) fn edit(key: Option<&str>, update: &[u8]) -> NewChange {
    NewChange {
        user: "Ada".into(),
        principal: "acme/ada".into(),
        key: key.map(str::to_owned),
        kind: ChangeKind::Edit,
        update: Bytes::copy_from_slice(update),
        at_millis: 1_700_000_000_000,
    }
}

/// Waits for a receipt.
pub(super) fn wait(receipt: Receipt) -> Result<(), LogError> {
    receipt.blocking_recv().unwrap_or(Err(LogError::Closed))
}

fn logged(offset: u64, change: NewChange) -> Change {
    Change {
        offset,
        user: change.user,
        principal: change.principal,
        key: change.key,
        kind: change.kind,
        update: change.update,
        at_millis: change.at_millis,
    }
}

fn offsets_have_no_hole(log: &impl Log) {
    assert_eq!(log.load(thing(1)), Ok(None));
    assert_eq!(log.last(thing(1)), Ok(None));
    assert!(matches!(wait(log.append(thing(1), 1, edit(None, b"x"))), Err(LogError::WrongOffset { .. })));
    assert_eq!(wait(log.create(thing(1), "e".into(), edit(None, b"1"))), Ok(()));
    assert_eq!(wait(log.create(thing(1), "f".into(), edit(None, b"1"))), Err(LogError::Exists));
    let in_flight = [2, 3, 5, 4, 4].map(|offset| log.append(thing(1), offset, edit(None, b"n")));
    let answers = in_flight.map(wait);
    let wrong = |expected| Err(LogError::WrongOffset { expected });
    assert_eq!(answers, [Ok(()), Ok(()), wrong(4), Ok(()), wrong(5)]);
    assert_eq!(log.last(thing(1)), Ok(Some(4)));
    assert_eq!(log.load(thing(1)).unwrap().unwrap().epoch, "e");
}

fn keys_are_used_once(log: &impl Log) {
    for n in [1, 2] {
        wait(log.create(thing(n), "e".into(), edit(Some("k1"), b"1"))).unwrap();
    }
    assert_eq!(wait(log.append(thing(1), 2, edit(Some("k1"), b"2"))), Err(LogError::KeyUsed));
    let other = NewChange { principal: "acme/grace".into(), ..edit(Some("k1"), b"2") };
    assert_eq!(wait(log.append(thing(1), 2, other)), Ok(()));
    assert_eq!(wait(log.append(thing(1), 3, edit(None, b"3"))), Ok(()));
    assert_eq!(wait(log.append(thing(1), 4, edit(None, b"4"))), Ok(()));
    assert_eq!(log.find_key(thing(1), "acme/ada", "k1"), Ok(Some(1)));
    assert_eq!(log.find_key(thing(1), "acme/grace", "k1"), Ok(Some(2)));
    assert_eq!(log.find_key(thing(1), "acme/grace", "k2"), Ok(None));
}

fn a_thing_is_opened_from_its_snapshot(log: &impl Log) {
    wait(log.create(thing(1), "e".into(), edit(None, b"1"))).unwrap();
    for offset in 2..=9 {
        wait(log.append(thing(1), offset, edit(None, &[u8::try_from(offset).unwrap()]))).unwrap();
    }
    for offset in [2, 4, 7] {
        let state = Bytes::from(format!("state {offset}"));
        assert_eq!(wait(log.put_snapshot(thing(1), offset, state)), Ok(()));
    }
    assert!(wait(log.put_snapshot(thing(1), 10, Bytes::new())).is_err());
    assert!(wait(log.put_snapshot(thing(3), 1, Bytes::new())).is_err());
    let stored = log.load(thing(1)).unwrap().unwrap();
    assert_eq!(stored.snapshot.unwrap().state, "state 7");
    assert_eq!(stored.changes, [logged(8, edit(None, &[8])), logged(9, edit(None, &[9]))]);
    let at = |offset| log.snapshot_at_or_before(thing(1), offset).unwrap().map(|snapshot| snapshot.offset);
    assert_eq!([at(1), at(3), at(6), at(7), at(99)], [None, None, Some(4), Some(7), Some(7)]);
}

fn reads_stop_at_their_limits(log: &impl Log) {
    wait(log.create(thing(1), "e".into(), edit(None, &[0; 10]))).unwrap();
    for offset in 2..=9 {
        wait(log.append(thing(1), offset, edit(None, &[0; 10]))).unwrap();
    }
    let offsets = |after, changes, bytes| {
        let read = log.read(thing(1), after, changes, bytes).unwrap();
        read.iter().map(|change| change.offset).collect::<Vec<_>>()
    };
    assert_eq!(offsets(6, 100, 1_000), [7, 8, 9]);
    assert_eq!(offsets(0, 2, 1_000), [1, 2]);
    assert_eq!(offsets(0, 100, 20), [1, 2]);
    assert_eq!(offsets(3, 100, 1), [4]);
    assert_eq!(offsets(9, 100, 1_000), [0; 0]);
}

#[derive(Debug, Clone)]
enum Step {
    Create(u8),
    /// Thing, how far from the next offset, key, length.
    Append(u8, i8, Option<u8>, u16),
    Snapshot(u8, u8),
    Crash,
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    let off = prop_oneof![8 => Just(0i8), 1 => -2..3i8];
    prop_oneof![
        2 => (0..3u8).prop_map(Step::Create),
        12 => (0..3u8, off, proptest::option::of(0..6u8), 0..3_000u16)
            .prop_map(|(thing, off, key, len)| Step::Append(thing, off, key, len)),
        2 => (0..3u8, any::<u8>()).prop_map(|(thing, back)| Step::Snapshot(thing, back)),
        1 => Just(Step::Crash),
        2 => Just(Step::Settle),
    ]
}

/// What the log should hold, and the answers that are still to come.
#[derive(Default)]
struct Model {
    things: HashMap<u8, Vec<Change>>,
    due: Vec<(Receipt, bool)>,
}

impl Model {
    /// Does the same in the log and here.
    fn take<L: Log>(&mut self, log: &L, step: &Step) {
        match *step {
            Step::Create(n) => {
                let first = edit(None, &[n]);
                let receipt = log.create(thing(n), format!("epoch {n}"), first.clone());
                let expected = !self.things.contains_key(&n);
                self.things.entry(n).or_insert_with(|| vec![logged(1, first)]);
                self.due.push((receipt, expected));
            }
            Step::Append(n, off, key, len) => {
                let known = self.things.get_mut(&n);
                let next = known.as_ref().map_or(1, |changes| changes.len() as u64 + 1);
                let offset = next.saturating_add_signed(i64::from(off));
                let key = key.map(|key| format!("k{key}"));
                let change = edit(key.as_deref(), &vec![n; usize::from(len)]);
                let receipt = log.append(thing(n), offset, change.clone());
                let fits = known.is_some_and(|changes| {
                    let used = key.is_some() && changes.iter().any(|change| change.key == key);
                    let fits = offset == next && !used;
                    if fits {
                        changes.push(logged(offset, change));
                    }
                    fits
                });
                self.due.push((receipt, fits));
            }
            Step::Snapshot(n, back) => {
                let len = self.things.get(&n).map_or(0, Vec::len) as u64;
                let offset = len.saturating_sub(u64::from(back) % 8);
                let receipt = log.put_snapshot(thing(n), offset, Bytes::from(offset.to_string()));
                self.due.push((receipt, offset > 0));
            }
            Step::Crash | Step::Settle => {}
        }
    }

    fn settle(&mut self) {
        for (receipt, expected) in self.due.drain(..) {
            let answer = wait(receipt);
            assert_eq!(answer.is_ok(), expected, "{answer:?}");
        }
    }

    fn matches<L: Log>(&self, log: &L) {
        for n in 0..3 {
            let changes = self.things.get(&n).cloned().unwrap_or_default();
            assert_eq!(log.read(thing(n), 0, usize::MAX, usize::MAX).unwrap(), changes);
            assert_eq!(log.last(thing(n)).unwrap(), changes.last().map(|change| change.offset));
            for change in changes.iter().filter(|change| change.key.is_some()) {
                let key = change.key.as_deref().unwrap();
                assert_eq!(log.find_key(thing(n), &change.principal, key).unwrap(), Some(change.offset));
            }
            let Some(Stored { epoch, snapshot, changes: tail, last }) = log.load(thing(n)).unwrap() else {
                assert!(changes.is_empty());
                continue;
            };
            let after = snapshot.as_ref().map_or(0, |snapshot| snapshot.offset);
            assert_eq!((epoch, last), (format!("epoch {n}"), changes.len() as u64));
            assert_eq!(tail, changes[usize::try_from(after).unwrap()..]);
            if let Some(snapshot) = snapshot {
                assert_eq!(snapshot.state, after.to_string());
            }
        }
    }
}

fn any_history_is_kept<L: Log, O: Fn() -> L>(fresh: impl Fn() -> O) {
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) });
    let run = runner.run(&vec(step(), 1..60), |steps| {
        let open = fresh();
        let mut log = Some(open());
        let mut model = Model::default();
        for step in &steps {
            model.take(log.as_ref().unwrap(), step);
            match step {
                Step::Crash => {
                    drop(log.take());
                    log = Some(open());
                    model.settle();
                    model.matches(log.as_ref().unwrap());
                }
                Step::Settle => {
                    model.settle();
                    model.matches(log.as_ref().unwrap());
                }
                _ => {}
            }
        }
        model.settle();
        model.matches(log.as_ref().unwrap());
        Ok(())
    });
    run.unwrap();
}
