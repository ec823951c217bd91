//! Owners at work on a real log, which can be told to fail.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use tempfile::TempDir;
use tokio::{sync::oneshot, task::LocalSet};

use super::*;
use crate::{
    access::Kind,
    clock,
    ipc::messages::{Push, WfeUp},
    log::{Change, ChangeKind, Durability, LogError, NewChange, Receipt, Snapshot, SqliteLog, Stored},
    thing::Document,
};

const UNDONE: NewContent = NewContent::Undone(Among { since: 0, before: None });
const REDONE: NewContent = NewContent::Redone(Among { since: 0, before: None });

/// A log whose disk can be full.
struct Faulty {
    log: SqliteLog,
    full: AtomicBool,
    reads: AtomicUsize,
}

impl Log for Faulty {
    fn create(&self, thing: ThingId, epoch: String, first: NewChange) -> Receipt {
        self.log.create(thing, epoch, first)
    }

    fn append(&self, thing: ThingId, offset: u64, change: NewChange) -> Receipt {
        if self.full.load(Ordering::Relaxed) {
            let (answer, receipt) = oneshot::channel();
            let _ = answer.send(Err(LogError::Engine("the disk is full".into())));
            return receipt;
        }
        self.log.append(thing, offset, change)
    }

    fn put_snapshot(&self, thing: ThingId, offset: u64, state: Bytes) -> Receipt {
        self.log.put_snapshot(thing, offset, state)
    }

    fn load(&self, thing: ThingId) -> Result<Option<Stored>, LogError> {
        self.log.load(thing)
    }

    fn read(&self, thing: ThingId, after: u64, most: usize, bytes: usize) -> Result<Vec<Change>, LogError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.log.read(thing, after, most, bytes)
    }

    fn snapshot_at_or_before(&self, thing: ThingId, offset: u64) -> Result<Option<Snapshot>, LogError> {
        self.log.snapshot_at_or_before(thing, offset)
    }

    fn find_key(&self, thing: ThingId, principal: &str, key: &str) -> Result<Option<u64>, LogError> {
        self.log.find_key(thing, principal, key)
    }

    fn last(&self, thing: ThingId) -> Result<Option<u64>, LogError> {
        self.log.last(thing)
    }
}

/// A Thing with its log in a temporary directory.
struct Bench {
    _data: TempDir,
    log: Arc<Faulty>,
    things: Rc<OpenThings>,
    thing: ThingId,
}

fn ada() -> Principal {
    Principal { kind: Kind::User, name: "ada".into(), organisation: "acme".into() }
}

impl Bench {
    async fn with_idle(idle: Duration) -> Self {
        let data = TempDir::new().unwrap();
        let log = SqliteLog::open(data.path().join("log.db"), Durability::Os).unwrap();
        let log = Arc::new(Faulty { log, full: AtomicBool::new(false), reads: AtomicUsize::new(0) });
        let thing = ThingId(clock::new_id());
        let (_, first) = Document::initial("A Thing", Some(json!({"notes": "one"})), 1).unwrap();
        let change = NewChange {
            user: "ada".into(),
            principal: ada().id(),
            key: None,
            kind: ChangeKind::Edit,
            update: first.update.into(),
            at_millis: 0,
        };
        log.create(thing, "epoch".into(), change).await.unwrap().unwrap();
        let things = Rc::new(OpenThings::new(log.clone(), idle));
        Self { _data: data, log, things, thing }
    }

    fn edit(&self, key: &str, notes: &str) -> oneshot::Receiver<Result<Edited, ErrorBody>> {
        let patch = json!([{"op": "replace", "path": "/notes", "value": notes}]);
        self.change(key, NewContent::Patch { patch, seen: None })
    }

    fn change(&self, key: &str, change: NewContent) -> oneshot::Receiver<Result<Edited, ErrorBody>> {
        let (sender, answer) = oneshot::channel();
        let answer_to = Box::new(move |edited| drop(sender.send(edited)));
        let edit = Edit { by: ada(), key: Some(key.into()), change, session: None, answer: answer_to };
        self.things.ask(self.thing, Command::Edit(edit));
        answer
    }

    async fn view(&self, since: Option<u64>) -> View {
        let (sender, answer) = oneshot::channel();
        let since = since.map(|offset| Position { epoch: "epoch".into(), offset });
        let answer_to = Box::new(move |view| drop(sender.send(view)));
        self.things.ask(self.thing, Command::Read(Read { since, form: Form::Json, join: None, answer: answer_to }));
        answer.await.unwrap().unwrap()
    }

    async fn notes(&self) -> String {
        match self.view(None).await.whole {
            Some(Whole::Content(content)) => content["notes"].as_str().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    }
}

async fn offset(answer: oneshot::Receiver<Result<Edited, ErrorBody>>) -> Result<u64, u16> {
    answer.await.unwrap().map(|edited| edited.offset).map_err(|error| error.code)
}

#[tokio::test]
async fn a_read_waits_for_the_edits_before_it() {
    LocalSet::new()
        .run_until(async {
            let bench = Bench::with_idle(Duration::from_secs(60)).await;
            let answers: Vec<_> = (2..10).map(|number| bench.edit(&number.to_string(), &format!("{number}"))).collect();
            let view = bench.view(Some(1)).await;
            assert_eq!((view.offset, view.missed.map(|missed| missed.len())), (9, Some(8)));
            for (answer, expected) in answers.into_iter().zip(2..) {
                assert_eq!(offset(answer).await, Ok(expected));
            }
        })
        .await;
}

#[tokio::test]
async fn a_key_is_applied_once_even_if_it_comes_again_before_the_first_is_stored() {
    book::claims!("key-idempotent", 1);
    LocalSet::new()
        .run_until(async {
            let bench = Bench::with_idle(Duration::from_secs(60)).await;
            let (first, again) = (bench.edit("k", "two"), bench.edit("k", "three"));
            assert_eq!((offset(first).await, offset(again).await), (Ok(2), Ok(2)));
            assert_eq!(bench.notes().await, "two");
        })
        .await;
}

#[tokio::test]
async fn what_the_disk_refuses_is_not_made_and_the_thing_goes_on_when_there_is_room() {
    book::claims!("edit-not-stored", 1);
    LocalSet::new()
        .run_until(async {
            let bench = Bench::with_idle(Duration::from_secs(60)).await;
            bench.log.full.store(true, Ordering::Relaxed);
            let refused = [bench.edit("a", "lost"), bench.edit("b", "lost too")];
            for answer in refused {
                assert_eq!(offset(answer).await, Err(ErrorCode::NotDurable.number()));
            }
            assert_eq!(bench.notes().await, "one");
            bench.log.full.store(false, Ordering::Relaxed);
            assert_eq!(offset(bench.edit("a", "two")).await, Ok(2), "the same key may be used again");
            assert_eq!(bench.notes().await, "two");
        })
        .await;
}

#[tokio::test]
async fn what_is_written_after_the_disk_refused_can_be_told_to_who_was_away() {
    LocalSet::new()
        .run_until(async {
            let bench = Bench::with_idle(Duration::from_secs(60)).await;
            bench.log.full.store(true, Ordering::Relaxed);
            assert_eq!(offset(bench.edit("a", "lost")).await, Err(ErrorCode::NotDurable.number()));
            bench.log.full.store(false, Ordering::Relaxed);
            for (key, expected) in [("b", 2), ("c", 3)] {
                assert_eq!(offset(bench.edit(key, key)).await, Ok(expected));
            }
            assert_eq!(bench.view(Some(1)).await.missed.map(|missed| missed.len()), Some(2));
            assert_eq!(bench.notes().await, "c");
        })
        .await;
}

#[tokio::test]
async fn a_thing_that_nobody_uses_is_unloaded_and_comes_back() {
    LocalSet::new()
        .run_until(async {
            let bench = Bench::with_idle(Duration::from_millis(1)).await;
            assert_eq!(offset(bench.edit("a", "two")).await, Ok(2));
            while !bench.things.mailboxes.borrow().is_empty() {
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(bench.notes().await, "two");
            assert_eq!(offset(bench.edit("a", "three")).await, Ok(2), "its keys are known from the log");
        })
        .await;
}

#[tokio::test]
async fn an_undo_finds_changes_that_are_still_on_their_way_into_the_log() {
    book::claims!("undo-once", 1);
    LocalSet::new()
        .run_until(async {
            let bench = Bench::with_idle(Duration::from_secs(60)).await;
            let edits = [bench.edit("a", "two"), bench.edit("b", "three")];
            let undone = [("c", UNDONE), ("c", UNDONE), ("d", UNDONE)];
            let undone = undone.map(|(key, change)| bench.change(key, change));
            let none = bench.change("e", UNDONE);
            let redone = bench.change("f", REDONE);
            for (answer, expected) in edits.into_iter().chain(undone).zip([2, 3, 4, 4, 5]) {
                assert_eq!(offset(answer).await, Ok(expected));
            }
            assert_eq!(offset(none).await, Err(ErrorCode::NothingToUndo.number()));
            assert_eq!((offset(redone).await, bench.notes().await), (Ok(6), "two".into()));
        })
        .await;
}

#[tokio::test]
async fn what_can_be_undone_is_known_from_the_log_alone() {
    book::claims!("undo-anywhere", 1);
    LocalSet::new()
        .run_until(async {
            let mut bench = Bench::with_idle(Duration::from_secs(60)).await;
            // Further back than is looked at first.
            assert_eq!(offset(bench.edit("first", "two")).await, Ok(2));
            for number in 3..=70_u64 {
                let edited = bench.change(&number.to_string(), NewContent::Title(number.to_string()));
                assert_eq!(offset(edited).await, Ok(number));
            }
            for number in 71..=138_u64 {
                if number.is_multiple_of(30) {
                    bench.things = Rc::new(OpenThings::new(bench.log.clone(), Duration::from_secs(60)));
                }
                let undone = bench.change(&number.to_string(), UNDONE);
                assert_eq!(offset(undone).await, Ok(number));
            }
            let view = bench.view(None).await;
            assert_eq!((view.title.as_str(), bench.notes().await.as_str()), ("A Thing", "two"));
            assert_eq!(offset(bench.change("last", UNDONE)).await, Ok(139));
            assert_eq!(bench.notes().await, "one");
            assert_eq!(offset(bench.change("none", UNDONE)).await, Err(ErrorCode::NothingToUndo.number()));
        })
        .await;
}

#[tokio::test]
async fn the_past_is_told_and_comes_back() {
    LocalSet::new()
        .run_until(async {
            let bench = Bench::with_idle(Duration::from_secs(60)).await;
            for (offset, text) in [(2, "two"), (3, "three")] {
                assert_eq!(self::offset(bench.edit(text, text)).await, Ok(offset));
            }
            let content = content_at(&*bench.log, bench.thing, 2).unwrap();
            assert_eq!(content["notes"], "two");
            assert_eq!(offset(bench.change("r", NewContent::Restored(content))).await, Ok(4));
            assert_eq!(bench.notes().await, "two");
            for beyond in [0, 5] {
                let refused = content_at(&*bench.log, bench.thing, beyond).unwrap_err();
                assert_eq!(refused.code, ErrorCode::NoSuchChange.number());
            }
            let told = |before, limit| {
                let changes = changes_before(&*bench.log, bench.thing, before, limit).unwrap();
                changes.into_iter().map(|change| (change.offset, change.action)).collect::<Vec<_>>()
            };
            assert_eq!(told(None, 2), [(4, "restore".into()), (3, "edit".into())]);
            assert_eq!(told(Some(3), 9), [(2, "edit".into()), (1, "create".into())]);
            assert_eq!((told(Some(1), 9), told(Some(0), 9)), (vec![], vec![]));
            let texts = texts_now(&*bench.log, bench.thing).unwrap().unwrap();
            assert_eq!((texts.offset, texts.title.as_str(), texts.notes.as_str()), (4, "A Thing", "two"));
        })
        .await;
}

#[tokio::test]
async fn when_many_come_back_the_log_is_read_for_the_first_of_them() {
    book::claims!("storm-reads", 1);
    LocalSet::new()
        .run_until(async {
            let mut bench = Bench::with_idle(Duration::from_secs(60)).await;
            for number in 2..=100 {
                assert_eq!(offset(bench.edit(&number.to_string(), &number.to_string())).await, Ok(number));
            }
            // The process is another one, which knows of the log only.
            bench.things = Rc::new(OpenThings::new(bench.log.clone(), Duration::from_secs(60)));
            let first = bench.view(Some(50)).await;
            let reads = bench.log.reads.load(Ordering::Relaxed);
            for since in 50..=100 {
                let view = bench.view(Some(since)).await;
                assert_eq!(view.missed.map(|missed| missed.len() as u64), Some(100 - since));
            }
            assert_eq!(first.missed.map(|missed| missed.len()), Some(50));
            assert_eq!(bench.log.reads.load(Ordering::Relaxed), reads, "all others are told from memory");
            assert_eq!(offset(bench.edit("101", "101")).await, Ok(101));
            assert_eq!(bench.view(Some(50)).await.missed.map(|missed| missed.len()), Some(51));
        })
        .await;
}

/// Two processes behind the same link have lost sight of the Thing, one after the other; both edit meanwhile.
#[tokio::test]
async fn who_hears_already_has_every_earlier_change_before_an_answer_though_others_are_told_again() {
    LocalSet::new()
        .run_until(async {
            let bench = Bench::with_idle(Duration::from_secs(60)).await;
            let (here, there) = std::os::unix::net::UnixStream::pair().unwrap();
            let (sender, _requests) = link::open::<WfeDown, WfeUp>(here).unwrap();
            let (_up, mut heard) = link::open::<WfeUp, WfeDown>(there).unwrap();
            let resume = || {
                let listener = Listener { link: 1, sender: sender.clone() };
                let wanted = vec![(Codec::Json, Form::Json)];
                let (epoch, after) = ("epoch".into(), 1);
                bench.things.ask(bench.thing, Command::Resume { listener, epoch, after, wanted });
            };
            let edit = |number: u64| {
                let patch = json!([{"op": "replace", "path": "/notes", "value": number.to_string()}]);
                let to = sender.clone();
                let answer = Box::new(move |edited: Result<Edited, ErrorBody>| {
                    let (session, effect, message) = (Uuid::nil(), None, None);
                    to.send(&WfeDown::Reply { session, sequence: edited.unwrap().offset, effect, message });
                });
                let change = NewContent::Patch { patch, seen: None };
                let edit = Edit { by: ada(), key: Some(number.to_string()), change, session: None, answer };
                bench.things.ask(bench.thing, Command::Edit(edit));
            };
            resume();
            edit(2);
            edit(3);
            resume();
            let (mut messages, mut has) = (Vec::new(), 1);
            'answered: loop {
                heard.receive(&mut messages).await.unwrap();
                for message in messages.drain(..) {
                    match message {
                        WfeDown::Push(Push { change: Some(change), .. }) => {
                            assert!(change.offset <= has + 1, "{} after {has}", change.offset);
                            has = has.max(change.offset);
                        }
                        WfeDown::Reply { sequence: offset, .. } => {
                            assert!(offset <= has + 1, "the edit {offset} is answered after {has}");
                            if offset == 3 {
                                break 'answered;
                            }
                        }
                        other => panic!("{other:?}"),
                    }
                }
            }
        })
        .await;
}

#[tokio::test]
async fn who_was_away_for_long_gets_the_whole() {
    book::claims!("resume-limit", 1);
    LocalSet::new()
        .run_until(async {
            let bench = Bench::with_idle(Duration::from_secs(60)).await;
            let count = crate::protocol::limits::MAX_MISSED_CHANGES + 5;
            let answers: Vec<_> =
                (0..count).map(|number| bench.edit(&number.to_string(), &number.to_string())).collect();
            for answer in answers {
                offset(answer).await.unwrap();
            }
            let view = bench.view(Some(1)).await;
            assert!(view.missed.is_none() && view.whole.is_some());
            let view = bench.view(Some(view.offset - 300)).await;
            assert_eq!(view.missed.map(|missed| missed.len()), Some(300));
        })
        .await;
}
