//! What holds for any edits of several authors, and any undoing and redoing among them.

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::{Undoing, sought};
use crate::{log::ChangeKind, thing::Document};

/// Each author types letters of their own, and each of them once, so that it can be told who typed what.
const FIRST_LETTERS: [u32; 2] = ['\u{4e00}' as u32, '\u{ac00}' as u32];
const LETTERS: u32 = 1_000;

/// A Thing, and its log.
struct Thing {
    document: Document,
    log: Vec<(usize, ChangeKind, Vec<u8>)>,
    /// What somebody has who follows the patches.
    mirror: Value,
    /// Letters that were typed.
    typed: u32,
}

impl Thing {
    fn new() -> Self {
        let content = json!({"parts": {"shared": {"label": "-"}}, "notes": "--"});
        let (document, first) = Document::initial("Thing", Some(content), 7).unwrap();
        let mirror = document.content();
        // Nobody's own: what it began with cannot be undone.
        Self { document, log: vec![(0, ChangeKind::Edit, first.update)], mirror, typed: 0 }
    }

    fn edit(&mut self, author: usize, patch: &Value) {
        if let Ok(change) = self.document.apply_patch(patch, true) {
            self.add(author, ChangeKind::Edit, change);
        }
    }

    fn add(&mut self, author: usize, kind: ChangeKind, change: crate::thing::Change) {
        let patch: json_patch::Patch = serde_json::from_value(change.patch.unwrap()).unwrap();
        json_patch::patch(&mut self.mirror, &patch).unwrap();
        assert_eq!(self.mirror, self.document.content());
        self.log.push((author, kind, change.update));
    }

    fn take_back(&mut self, author: usize, what: Undoing) -> bool {
        let own =
            (1..).zip(&self.log).filter(|(_, (who, ..))| *who == author).map(|(offset, (_, kind, _))| (offset, *kind));
        let own: Vec<_> = own.collect();
        let Some(offset) = sought(own.into_iter().rev(), what) else { return false };
        let mut past = Document::new(9);
        let at = usize::try_from(offset).unwrap() - 1;
        self.log[..at].iter().for_each(|(_, _, update)| past.replay(update).unwrap());
        let before = past.content();
        past.replay(&self.log[at].2).unwrap();
        let change = self.document.take_back(&before, &past.content(), true).unwrap();
        let kind = if what == Undoing::Undo { ChangeKind::Undo } else { ChangeKind::Redo };
        self.add(author, kind, change);
        true
    }

    /// One of many kinds of edit, of what only this author touches.
    fn any_edit(&mut self, author: usize, kind: u8, number: u8) {
        self.typed += 1;
        let letter = char::from_u32(FIRST_LETTERS[author] + self.typed).unwrap();
        let typed = |text: &str| {
            let mut letters: Vec<char> = text.chars().collect();
            letters.insert(usize::from(number) % (letters.len() + 1), letter);
            String::from_iter(letters)
        };
        let own = format!("/parts/{author}");
        let patch = match kind % 8 {
            0 | 1 => {
                json!([{"op": "replace", "path": "/notes", "value": typed(self.mirror["notes"].as_str().unwrap())}])
            }
            2 => {
                let notes = self.mirror["notes"].as_str().unwrap();
                let Some(own) = notes.chars().find(|letter| is_of(author, *letter)) else { return };
                json!([{"op": "replace", "path": "/notes", "value": notes.replace(own, "")}])
            }
            3 => {
                let label = typed(self.mirror["parts"]["shared"]["label"].as_str().unwrap());
                json!([{"op": "replace", "path": "/parts/shared/label", "value": label}])
            }
            4 => json!([{"op": "add", "path": own, "value": {"kind": "box", "x": number, "label": "own"}}]),
            5 => json!([{"op": "remove", "path": own}]),
            6 => json!([{"op": "add", "path": format!("{own}/x"), "value": number}]),
            _ => json!([{"op": "add", "path": format!("/parts/shared/{author}"), "value": number}]),
        };
        self.edit(author, &patch);
    }
}

fn is_of(author: usize, letter: char) -> bool {
    (FIRST_LETTERS[author]..FIRST_LETTERS[author] + LETTERS).contains(&u32::from(letter))
}

/// What is left of a content if one author has never been there.
fn without(author: usize, content: &Value) -> Value {
    let mut content = content.clone();
    let strip = |text: &mut Value| *text = text.as_str().unwrap().replace(|letter| is_of(author, letter), "").into();
    strip(&mut content["notes"]);
    strip(&mut content["parts"]["shared"]["label"]);
    content["parts"].as_object_mut().unwrap().remove(&author.to_string());
    content["parts"]["shared"].as_object_mut().unwrap().remove(&author.to_string());
    content
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn undoing_takes_back_ones_own_and_leaves_what_others_did(
        steps in vec((0..2usize, any::<u8>(), any::<u8>()), 1..40),
    ) {
        book::claims!("undo-own", 1);
        let mut thing = Thing::new();
        for (author, kind, number) in steps {
            match kind % 16 {
                0..=2 => { thing.take_back(author, Undoing::Undo); }
                3 | 4 => { thing.take_back(author, Undoing::Redo); }
                kind => thing.any_edit(author, kind, number),
            }
        }
        let mut replica = Document::new(8);
        thing.log.iter().for_each(|(_, _, update)| replica.replay(update).unwrap());
        prop_assert!(replica.is_same_as(&thing.document), "who follows the log has the same");

        for author in 0..2 {
            let before = thing.mirror.clone();
            if thing.take_back(author, Undoing::Undo) {
                prop_assert!(thing.take_back(author, Undoing::Redo));
                prop_assert_eq!(&thing.mirror, &before, "undo and redo come to nothing");
            }
        }

        let before = thing.mirror.clone();
        let mut undone = 0;
        while thing.take_back(1, Undoing::Undo) {
            undone += 1;
        }
        prop_assert_eq!(&thing.mirror, &without(1, &before), "all of one author is gone, and nothing else");
        for _ in 0..undone {
            prop_assert!(thing.take_back(1, Undoing::Redo));
        }
        prop_assert_eq!(&thing.mirror, &before, "and comes back");
    }
}
