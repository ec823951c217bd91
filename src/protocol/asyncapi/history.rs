//! The messages of the actions that go back and forth in a Thing's history, and of `rename`.

use std::borrow::Cow;

use super::{Document, message::Subject, messages::example_patch};
use crate::protocol::{
    action::{Action, Changed, Changes, EditPush, History, PastChange, Rename, Restore, Undo},
    codec::Blob,
};

/// Adds all of them.
pub(super) fn all(document: &mut Document) {
    let key = || Some("0f7b9c0e".to_owned());
    let rename = Subject::action(Action::Rename);
    document.request(
        rename
            .request("Rename a Thing", "Give a Thing another title.")
            .always(&["thing"])
            .takes(&[Rename { title: "Boat".into(), key: None }]),
        stored(rename, "Renamed", "The new title is stored."),
    );
    told(document, rename, "Somebody renamed the Thing", "A Thing that you have open has another title.");

    let restore = Subject::action(Action::Restore);
    document.request(
        restore
            .request("Restore a Thing", "Go back to what a Thing was after an earlier change. This is a change too.")
            .always(&["thing"])
            .takes(&[Restore { offset: 3, key: None }, Restore { offset: 3, key: key() }]),
        stored(restore, "Restored", "The Thing is what it was then."),
    );
    told(document, restore, "Somebody restored the Thing", "A Thing that you have open is what it was earlier.");

    let (undo, redo) = (Subject::action(Action::Undo), Subject::action(Action::Redo));
    document.request(
        undo.request("Undo", "Take back your own last change of a Thing. What others did stays.")
            .always(&["thing"])
            .may_take(&[Undo::default(), Undo { before: Some(6), key: key() }]),
        stored(undo, "Undone", "The change is taken back."),
    );
    told(document, undo, "Somebody undid a change", "Somebody took back a change of theirs, or you did.");
    document.request(
        redo.request("Redo", "Make the change again that you have taken back last.")
            .always(&["thing"])
            .may_take(&[Undo::default(), Undo { before: Some(6), key: key() }]),
        stored(redo, "Redone", "The change is made again."),
    );
    told(
        document,
        redo,
        "Somebody redid a change",
        "Somebody made a change again that they had taken back, or you did.",
    );

    let history = Subject::action(Action::History);
    let change = PastChange {
        offset: 5,
        user: "grace".into(),
        at: 1_800_000_000_000,
        action: Action::Edit.short_name().into(),
        changed: Some(vec!["/meta/title".into()]),
    };
    document.request(
        history
            .request("See the history", "Who changed what of a Thing, and when.")
            .always(&["thing"])
            .may_take(&[History::default(), History { before: Some(6), limit: Some(1) }]),
        history
            .reply("History", "A page of the changes, the newest first.")
            .always(&["id", "thing"])
            .perhaps(&["join"])
            .sends(&[Changes { changes: vec![change], next: Some(5) }]),
    );
}

fn stored(of: Subject, title: &'static str, summary: &'static str) -> super::message::Message {
    of.reply(title, summary).always(&["id", "thing", "offset"]).perhaps(&["join"]).sends(&[Changed { offset: 5 }])
}

fn told(document: &mut Document, of: Subject, title: &'static str, summary: &'static str) {
    let user = || "grace".into();
    document.push(of.push(title, summary).always(&["thing", "join", "offset"]).sends(&[
        EditPush { user: user(), patch: Some(Cow::Owned(example_patch())), update: None },
        EditPush { user: user(), patch: None, update: Some(Blob(vec![0, 0].into())) },
    ]));
}
