//! A Yjs change as a JSON Patch: what the library's events name is read again from the document, so
//! that the patch holds what is there now, whatever the update looked like.
//!
//! Knows the roots of a Thing; writes nothing.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use yrs::{
    DeepObservable as _, GetString as _, Map as _, MapRef, Out, ReadTxn, TextRef, TransactionMut,
    types::{EntryChange, Event, Events, PathSegment},
};

use super::json;

/// The roots of a Thing, taken once: asking the library for them inside a transaction deadlocks.
#[derive(Clone)]
pub(super) struct Roots {
    pub(super) meta: MapRef,
    pub(super) parts: MapRef,
    pub(super) notes: TextRef,
}

/// Collects what transactions change, while it is told to.
#[derive(Clone, Default)]
pub(super) struct Touched(Arc<Mutex<Option<Vec<Touch>>>>);

/// A place in the content that changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Touch {
    path: Vec<Arc<str>>,
    /// Whether there was anything before.
    existed: bool,
}

impl Touched {
    /// Subscribes to all roots.
    pub(super) fn new(roots: &Roots) -> Self {
        const KEY: &str = "patch";
        let touched = Self::default();
        let on = |name: &'static str| {
            let touched = touched.clone();
            move |txn: &TransactionMut<'_>, events: &Events<'_>| touched.note(name, txn, events)
        };
        roots.meta.observe_deep(KEY, on("meta"));
        roots.parts.observe_deep(KEY, on("parts"));
        roots.notes.observe_deep(KEY, on("notes"));
        touched
    }

    /// Collects from now on, or does not.
    pub(super) fn collect(&self, wanted: bool) {
        *self.lock() = wanted.then(Vec::new);
    }

    fn note(&self, root: &'static str, txn: &TransactionMut<'_>, events: &Events<'_>) {
        let mut collected = self.lock();
        let Some(touches) = collected.as_mut() else { return };
        for event in events.iter() {
            let mut path: Vec<Arc<str>> = vec![Arc::from(root)];
            let segments = event.path();
            let keys = segments.iter().map_while(|segment| match segment {
                PathSegment::Key(key) => Some(Arc::clone(key)),
                PathSegment::Index(_) => None,
            });
            path.extend(keys);
            // A list and what is inside it are sent as a whole.
            let inside_list = path.len() <= segments.len();
            match event {
                Event::Map(map) if !inside_list => {
                    for (key, change) in map.keys(txn) {
                        touches.push(Touch {
                            path: path.iter().chain([key]).map(Arc::clone).collect(),
                            existed: !matches!(change, EntryChange::Inserted(_)),
                        });
                    }
                }
                _ => touches.push(Touch { path, existed: true }),
            }
        }
    }

    /// The patch for what was collected, and stops collecting. `None` if nothing was to be.
    pub(super) fn patch<T: ReadTxn>(&self, txn: &T, roots: &Roots) -> Option<Value> {
        let mut touches = mem::take(&mut *self.lock())?;
        for touch in &mut touches {
            shorten(txn, roots, touch);
        }
        // Shorter paths come first, and what lies below one is in it already.
        touches.sort();
        let mut kept: Vec<Touch> = Vec::new();
        for touch in touches {
            match kept.last() {
                Some(last) if touch.path.starts_with(&last.path) => {}
                _ => kept.push(touch),
            }
        }
        Some(kept.iter().filter_map(|touch| operation(txn, roots, touch)).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Touch>>> {
        // Held over a panic of the library only when the whole document is lost anyway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cuts a path that leads into something that JSON shows as one value.
fn shorten<T: ReadTxn>(txn: &T, roots: &Roots, touch: &mut Touch) {
    for len in 1..touch.path.len() {
        match find(txn, roots, &touch.path[..len]) {
            Some(Out::YMap(_)) | None => {}
            Some(_) => {
                touch.path.truncate(len);
                touch.existed = true;
                return;
            }
        }
    }
}

fn find<T: ReadTxn>(txn: &T, roots: &Roots, path: &[Arc<str>]) -> Option<Out> {
    let (root, keys) = path.split_first()?;
    let mut found = match &**root {
        "meta" => Out::YMap(roots.meta.clone()),
        "parts" => Out::YMap(roots.parts.clone()),
        _ => Out::YText(roots.notes.clone()),
    };
    for key in keys {
        let Out::YMap(map) = found else { return None };
        found = map.get(txn, key)?;
    }
    Some(found)
}

fn operation<T: ReadTxn>(txn: &T, roots: &Roots, touch: &Touch) -> Option<Value> {
    let path = pointer(touch.path.iter().map(|key| &**key));
    let value = find(txn, roots, &touch.path).map(|out| json::read(txn, &out));
    Some(match (touch.existed, value) {
        (true, Some(value)) => json!({"op": "replace", "path": path, "value": value}),
        (false, Some(value)) => json!({"op": "add", "path": path, "value": value}),
        (true, None) => json!({"op": "remove", "path": path}),
        (false, None) => return None,
    })
}

/// A JSON Pointer (RFC 6901).
fn pointer<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    keys.flat_map(|key| ["/".to_owned(), key.replace('~', "~0").replace('/', "~1")]).collect()
}

/// The whole content.
pub(super) fn content<T: ReadTxn>(txn: &T, roots: &Roots) -> Value {
    json!({
        "meta": json::read_map(txn, &roots.meta),
        "parts": json::read_map(txn, &roots.parts),
        "notes": roots.notes.get_string(txn),
    })
}
