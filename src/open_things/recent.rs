//! The last changes of an open Thing, as those who come back are told of them. When all clients come back at once,
//! the log is read for the first of them only.

use std::collections::VecDeque;

use serde_json::Value;

use super::{Missed, MissedChange};
use crate::protocol::{action::Form, limits};

/// Most bytes that are kept in each form.
const MOST_BYTES: usize = 128 * 1024;
/// Most changes that are kept in each form: more are not told one by one anyway.
const MOST_CHANGES: usize = limits::MAX_MISSED_CHANGES as usize;

/// The last changes, in each form without a hole up to the newest.
#[derive(Default)]
pub(super) struct Recent {
    json: Changes,
    yjs: Changes,
}

#[derive(Default)]
struct Changes {
    kept: VecDeque<Missed>,
    bytes: usize,
}

impl Recent {
    /// The changes after `after` up to `until`, if they are here.
    pub fn between(&self, after: u64, until: u64, form: Form) -> Option<Vec<Missed>> {
        if after == until {
            return Some(Vec::new());
        }
        let kept = &self.of(form).kept;
        let first = kept.front().map(|change| change.offset).filter(|first| *first <= after + 1)?;
        let (from, to) = (usize::try_from(after + 1 - first).ok()?, usize::try_from(until + 1 - first).ok()?);
        (to <= kept.len()).then(|| kept.range(from..to).cloned().collect())
    }

    /// A change was made: in both forms, if both are at hand.
    pub fn made(&mut self, json: Option<Missed>, yjs: Missed) {
        match json {
            Some(json) => self.json.push(json),
            None => self.json = Changes::default(),
        }
        self.yjs.push(yjs);
    }

    /// Changes were read from the log; kept if they reach further back than what is here, and up to it.
    pub fn read(&mut self, form: Form, read: &[Missed]) {
        let changes = self.of_mut(form);
        let (Some(first), Some(last)) = (read.first(), read.last()) else { return };
        let newer = match changes.kept.front() {
            Some(front) if first.offset >= front.offset || last.offset + 1 < front.offset => return,
            _ => std::mem::take(&mut changes.kept),
        };
        changes.bytes = 0;
        let newer = newer.into_iter().filter(|change| change.offset > last.offset);
        for change in read.iter().cloned().chain(newer) {
            changes.push(change);
        }
    }

    fn of(&self, form: Form) -> &Changes {
        match form {
            Form::Json => &self.json,
            Form::Yjs => &self.yjs,
        }
    }

    fn of_mut(&mut self, form: Form) -> &mut Changes {
        match form {
            Form::Json => &mut self.json,
            Form::Yjs => &mut self.yjs,
        }
    }
}

impl Changes {
    fn push(&mut self, change: Missed) {
        self.bytes += weight(&change);
        self.kept.push_back(change);
        while self.bytes > MOST_BYTES || self.kept.len() > MOST_CHANGES {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.bytes -= weight(&oldest);
        }
    }
}

/// About how many bytes a change takes.
fn weight(change: &Missed) -> usize {
    const OVERHEAD: usize = 64;
    let what = match &change.what {
        MissedChange::Patch(patch) => weight_of(patch),
        MissedChange::Update(update) => update.len(),
        MissedChange::Deleted => 0,
    };
    OVERHEAD + change.user.len() + what
}

fn weight_of(value: &Value) -> usize {
    const VALUE: usize = 32;
    VALUE
        + match value {
            Value::String(text) => text.len(),
            Value::Array(values) => values.iter().map(weight_of).sum(),
            Value::Object(fields) => fields.iter().map(|(key, value)| key.len() + weight_of(value)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::ChangeKind;

    fn change(offset: u64, size: usize) -> Missed {
        Missed { offset, user: "ada".into(), kind: ChangeKind::Edit, what: MissedChange::Update(vec![0; size].into()) }
    }

    fn offsets(recent: &Recent, after: u64, until: u64) -> Option<Vec<u64>> {
        let found = recent.between(after, until, Form::Yjs)?;
        Some(found.iter().map(|change| change.offset).collect())
    }

    #[test]
    fn what_was_made_is_told_and_what_was_before_is_not_known() {
        let mut recent = Recent::default();
        assert_eq!(offsets(&recent, 7, 7), Some(vec![]), "who missed nothing needs no log");
        (5..8).for_each(|offset| recent.made(None, change(offset, 1)));
        assert_eq!(offsets(&recent, 4, 7), Some(vec![5, 6, 7]));
        assert_eq!(offsets(&recent, 5, 6), Some(vec![6]));
        assert_eq!(offsets(&recent, 3, 7), None);
        assert_eq!(offsets(&recent, 4, 8), None, "what is not made yet");
        assert!(recent.between(4, 7, Form::Json).is_none(), "in the form that was not at hand");
    }

    #[test]
    fn what_was_read_joins_what_was_made() {
        let mut recent = Recent::default();
        (5..8).for_each(|offset| recent.made(None, change(offset, 1)));
        recent.read(Form::Yjs, &[change(1, 1), change(2, 1)]);
        assert_eq!(offsets(&recent, 0, 7), None, "there would be a hole");
        recent.read(Form::Yjs, &(2..=6).map(|offset| change(offset, 1)).collect::<Vec<_>>());
        assert_eq!(offsets(&recent, 1, 7), Some(vec![2, 3, 4, 5, 6, 7]));
        recent.made(None, change(8, 1));
        assert_eq!(offsets(&recent, 1, 8), Some((2..=8).collect()));
    }

    #[test]
    fn it_is_bounded() {
        let mut recent = Recent::default();
        (1..=3000).for_each(|offset| recent.made(None, change(offset, 1)));
        assert_eq!(recent.yjs.kept.len(), MOST_CHANGES);
        (3001..3100).for_each(|offset| recent.made(None, change(offset, MOST_BYTES / 4)));
        assert!(recent.yjs.bytes <= MOST_BYTES && offsets(&recent, 3097, 3099).is_some());
        recent.made(None, change(3100, 2 * MOST_BYTES));
        assert!(recent.yjs.kept.is_empty() && recent.yjs.bytes == 0);
    }
}
