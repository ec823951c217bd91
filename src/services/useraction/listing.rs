//! Keeps the list of Things, and what a search finds, up to date with their content: what was changed last stands
//! first, under its title of now. Written a little later and many at once, for neither need be durable: the log is, and
//! what was not written when the process ended is written when the next one starts.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{
    clock,
    limiter::seldom,
    log::Log,
    open_things::{Command, OpenThings, texts_now},
    protocol::ThingId,
    store::{Searched, Store, StoreError, Texts},
};

/// How long a change may be unknown to the list and to searches.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// Things of which it is known what a search finds of them already.
const WORDS_AT_HAND: usize = 16 * 1024;
/// Things that are looked at, and written, at once when the process starts.
const AT_ONCE: u32 = 200;

/// A date before any other: it moves nothing in the list.
const LISTED: u64 = 0;

/// What is still to be written.
pub(super) struct Listing(Rc<Inner>);

struct Inner {
    store: Store,
    things: Rc<OpenThings>,
    changed: RefCell<BTreeMap<ThingId, u64>>,
    /// What the words of these Things come to, as they are written: most changes move something and say nothing new.
    words: RefCell<HashMap<ThingId, u64>>,
}

impl Listing {
    /// Nothing yet, but for what the process before left behind. Must be called inside a `LocalSet`.
    pub fn start(store: Store, log: Arc<dyn Log>, things: Rc<OpenThings>) -> Self {
        let inner =
            Rc::new(Inner { store: store.clone(), things, changed: RefCell::default(), words: RefCell::default() });
        let writing = inner.clone();
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(WRITE_EVERY).await;
                writing.write().await;
            }
        });
        // A thread of its own: nothing waits for it, the end of the process neither.
        let catching_up =
            std::thread::Builder::new().name("catch-up".into()).spawn(move || match catch_up(&store, &*log) {
                Ok(0) => {}
                Ok(things) => tracing::error!(
                    things,
                    "log.db is older than store.db, and lacks changes of Things; put the backup back whole"
                ),
                Err(error) => seldom!(error, %error, "what was changed before the start cannot all be found yet"),
            });
        if let Err(error) = catching_up {
            seldom!(error, %error, "what was changed before the start cannot be found yet");
        }
        Self(inner)
    }

    /// A Thing has been changed just now.
    pub fn note(&self, thing: ThingId) {
        self.0.changed.borrow_mut().insert(thing, clock::unix_millis());
    }

    /// A Thing has been made, which the list knows already, and searches do not.
    pub fn note_new(&self, thing: ThingId) {
        self.0.changed.borrow_mut().entry(thing).or_insert(LISTED);
    }

    /// Writes what is still to be written.
    pub async fn write(&self) {
        self.0.write().await;
    }
}

impl Inner {
    async fn write(&self) {
        let changed = self.changed.take();
        if changed.is_empty() {
            return;
        }
        let mut rows = Vec::with_capacity(changed.len());
        for (thing, at_ms) in changed {
            let (answer, texts) = oneshot::channel();
            let answer = Box::new(move |texts| drop(answer.send(texts)));
            self.things.ask(thing, Command::Texts { answer });
            // A Thing that cannot be read keeps its old title in the list.
            let texts = texts.await.ok().and_then(Result::ok);
            let words_changed = texts.as_ref().is_some_and(|texts| self.says_anew(thing, texts));
            rows.push(Searched { thing, at_ms, texts, words_changed });
        }
        let store = self.store.clone();
        let written = tokio::task::spawn_blocking(move || store.note_changes(&rows)).await;
        if let Ok(Err(error)) = written {
            seldom!(error, %error, "the list of Things cannot be written");
            self.words.borrow_mut().clear();
        }
    }

    fn says_anew(&self, thing: ThingId, texts: &Texts) -> bool {
        let mut hasher = DefaultHasher::new();
        (&texts.title, &texts.labels, &texts.notes).hash(&mut hasher);
        let mut words = self.words.borrow_mut();
        if words.len() >= WORDS_AT_HAND {
            words.clear();
        }
        let now = hasher.finish();
        words.insert(thing, now) != Some(now)
    }
}

/// Looks through all Things that have changed since a search last looked through them, and tells how many of them have
/// lost changes since.
fn catch_up(store: &Store, log: &dyn Log) -> Result<u64, StoreError> {
    let (mut row, mut cut_short) = (0, 0);
    loop {
        let things = store.searched_after(row, AT_ONCE)?;
        let Some((last_row, ..)) = things.last() else { return Ok(cut_short) };
        row = *last_row;
        let mut rows = Vec::new();
        for (_, thing, searched_until) in things {
            // What cannot be read now is told of when somebody opens it.
            let Ok(last) = log.last(thing) else { continue };
            // A Thing is in the log before it is in the list, with one change at least.
            cut_short += u64::from(last.unwrap_or(0) < searched_until.max(1));
            let changed = last.is_some_and(|last| last > searched_until);
            let texts = if changed { texts_now(log, thing).ok().flatten() } else { None };
            rows.extend(texts.map(|texts| Searched { thing, at_ms: LISTED, texts: Some(texts), words_changed: true }));
        }
        if !rows.is_empty() {
            store.note_changes(&rows)?;
        }
    }
}
