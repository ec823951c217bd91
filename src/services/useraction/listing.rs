//! Keeps the list of Things up to date with their content: what was changed last stands first, under its
//! title of now. Written a little later and many at once, for the list need not be durable: the log is.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use tokio::sync::oneshot;

use crate::{
    clock,
    open_things::{Command, OpenThings},
    protocol::ThingId,
    store::Store,
};

/// How long a change may be unknown to the list.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// What is still to be written.
pub(super) struct Listing(Rc<Inner>);

struct Inner {
    store: Store,
    things: Rc<OpenThings>,
    changed: RefCell<BTreeMap<ThingId, u64>>,
}

impl Listing {
    /// Nothing yet. Must be called inside a `LocalSet`.
    pub fn start(store: Store, things: Rc<OpenThings>) -> Self {
        let inner = Rc::new(Inner { store, things, changed: RefCell::default() });
        let writing = inner.clone();
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(WRITE_EVERY).await;
                writing.write().await;
            }
        });
        Self(inner)
    }

    /// A Thing has been changed just now.
    pub fn note(&self, thing: ThingId) {
        self.0.changed.borrow_mut().insert(thing, clock::unix_millis());
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
        for (thing, at_millis) in changed {
            let (answer, title) = oneshot::channel();
            let answer = Box::new(move |title| drop(answer.send(title)));
            self.things.ask(thing, Command::Title { answer });
            // A Thing that cannot be read keeps its old title in the list.
            rows.push((thing, title.await.ok().and_then(Result::ok), at_millis));
        }
        let store = self.store.clone();
        let written = tokio::task::spawn_blocking(move || store.touch_things(&rows)).await;
        if let Ok(Err(error)) = written {
            crate::limiter::seldom!(error, %error, "the list of Things cannot be written");
        }
    }
}
