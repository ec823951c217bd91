//! Undo and redo: which change of somebody's own is taken back. The log alone tells it, so that it is the same after a
//! restart, and whichever program or device somebody undoes from.
//!
//! The changes of one author are brackets: an undo closes the last that is open, a redo closes the last undo. So what
//! the author did after the one that is sought cancels itself out in pairs.

use super::{
    Among,
    owner::{Owner, unreadable},
    past::{self, Own},
};
use crate::{
    log::ChangeKind,
    protocol::{ErrorBody, ErrorCode},
    thing::Change,
};

/// Whether a change of one's own is taken back, or made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undoing {
    Undo,
    Redo,
}

/// The change that is to be taken back, of all those of one author, the newest first: its offset and kind. What a
/// Thing began with is nobody's to undo.
pub(super) fn sought(own: impl IntoIterator<Item = (u64, ChangeKind)>, what: Undoing) -> Option<u64> {
    const FIRST: u64 = 1;
    let mut pairs: usize = 0;
    for (offset, kind) in own {
        match (what, kind) {
            _ if offset == FIRST => return None,
            (Undoing::Undo, ChangeKind::Undo) | (Undoing::Redo, ChangeKind::Redo) => pairs += 1,
            (Undoing::Redo, ChangeKind::Undo) | (Undoing::Undo, _) if pairs == 0 => return Some(offset),
            (Undoing::Redo, ChangeKind::Undo) | (Undoing::Undo, _) => pairs -= 1,
            (Undoing::Redo, _) => return None,
        }
    }
    None
}

/// Whether somebody counts this change who takes back by themselves what they have done from the change `until` on.
fn counts((offset, kind): (u64, ChangeKind), until: Option<u64>) -> bool {
    matches!(kind, ChangeKind::Undo | ChangeKind::Redo) || until.is_none_or(|until| offset < until)
}

impl Owner {
    /// Takes back the last change of `author` that is not taken back, or the last taking back.
    pub(super) fn take_back(&mut self, author: &str, among: Among, what: Undoing) -> Result<Change, ErrorBody> {
        let nothing = || match what {
            Undoing::Undo => ErrorBody::from(ErrorCode::NothingToUndo),
            Undoing::Redo => ErrorBody::from(ErrorCode::NothingToRedo),
        };
        let coming: Vec<Own> = self.emissions.changes().map(Own::of_unstored).collect();
        let found = past::around(&*self.log, self.thing, self.stored(), coming, |changes| {
            let own =
                changes.iter().rev().filter(|change| change.principal == author && change.at_millis > among.since);
            let own = own.map(|change| (change.offset, change.kind));
            sought(own.filter(|change| counts(*change, among.before)), what)
        });
        let (before, after) = found.map_err(|error| unreadable(self.thing, &error))?.ok_or_else(nothing)?;
        let want_patch = self.audience.wants_patches();
        self.document.take_back(&before, &after, want_patch).map_err(|error| self.refused(&error))
    }
}

#[cfg(test)]
#[path = "undoing_properties.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    /// The offsets that are taken back one after the other, as letters say: e is an edit, u undoes, r redoes.
    fn taken_back(steps: &str) -> Vec<Option<u64>> {
        let (mut log, mut found) = (vec![(1, ChangeKind::Edit)], Vec::new());
        for step in steps.chars() {
            let (what, kind) = match step {
                'u' => (Undoing::Undo, ChangeKind::Undo),
                'r' => (Undoing::Redo, ChangeKind::Redo),
                _ => {
                    log.push((log.len() as u64 + 1, ChangeKind::Edit));
                    continue;
                }
            };
            let target = sought(log.iter().rev().copied(), what);
            found.push(target);
            if target.is_some() {
                log.push((log.len() as u64 + 1, kind));
            }
        }
        found
    }

    #[test]
    fn undo_goes_back_step_by_step_and_redo_comes_forward_again() {
        assert_eq!(taken_back("eeuuu"), [Some(3), Some(2), None]);
        assert_eq!(taken_back("eeuurrr"), [Some(3), Some(2), Some(5), Some(4), None]);
        assert_eq!(taken_back("eur"), [Some(2), Some(3)]);
        assert_eq!(taken_back("euru"), [Some(2), Some(3), Some(4)], "what was made again is undone again");
    }

    #[test]
    fn what_was_done_since_is_left_alone_if_it_is_asked_so() {
        let edits = |offsets: std::ops::RangeInclusive<u64>| offsets.map(|offset| (offset, ChangeKind::Edit));
        let until_4 = |log: &[(u64, ChangeKind)], what| {
            sought(log.iter().rev().copied().filter(|change| counts(*change, Some(4))), what)
        };
        let mut log: Vec<_> = edits(1..=6).collect();
        assert_eq!(until_4(&log, Undoing::Undo), Some(3));
        log.push((7, ChangeKind::Undo));
        assert_eq!(until_4(&log, Undoing::Undo), Some(2), "an undo of what was before counts, whenever it was made");
        assert_eq!(until_4(&log, Undoing::Redo), Some(7));
        log.extend(edits(8..=8));
        assert_eq!(until_4(&log, Undoing::Redo), Some(7), "as if nothing had been done since");
        log.push((9, ChangeKind::Redo));
        assert_eq!((until_4(&log, Undoing::Undo), until_4(&log, Undoing::Redo)), (Some(9), None));
    }

    #[test]
    fn a_new_edit_ends_what_could_be_redone() {
        assert_eq!(taken_back("euer"), [Some(2), None]);
        assert_eq!(taken_back("eueuu"), [Some(2), Some(4), None], "what is undone is not undone again");
    }
}
