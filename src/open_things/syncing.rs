//! What the owner of a Thing does for Yjs clients, which compare what they have with what there is.

use bytes::Bytes;

use super::{
    Compare, Compared, Merge, Merged,
    audience::HeardChange,
    owner::{Owner, Saying, whether},
};
use crate::{
    log::ChangeKind,
    protocol::{
        ErrorBody, ErrorCode,
        action::{Edited, Form},
    },
    thing::ThingError,
};

impl Owner {
    /// Takes over what is new of it, as an edit. What is known already makes no change.
    pub(super) fn merge(&mut self, merge: Merge) {
        let Merge { by, update, session, answer } = merge;
        let want_patch = self.audience.wants_patches();
        let change = match self.document.apply_update(&update, want_patch) {
            Ok(change) => change,
            Err(error) => {
                let error = self.refused(&error);
                return self.in_order(move |_| answer(Err(error)));
            }
        };
        if change.is_empty() {
            let merged = Merged { epoch: self.epoch.to_string(), offset: self.applied, is_new: false };
            return self.in_order(move |stored| answer(whether(stored).map(|()| merged)));
        }
        let update = Bytes::from(change.update);
        let what = HeardChange::Edited { update: update.clone(), patch: change.patch };
        let merged = |Edited { epoch, offset, .. }| Merged { epoch, offset, is_new: true };
        let answer = Box::new(move |edited: Result<_, _>| answer(edited.map(merged)));
        self.append(&by, None, ChangeKind::Edit, update, Saying { what, session, answer, merged: None });
    }

    /// Tells what there is, and what the client lacks of it.
    pub(super) fn compare(&mut self, Compare { state_vector, join, answer }: Compare) {
        if let Some((listener, codec)) = &join {
            self.audience.join(listener, [(*codec, Form::Yjs)]);
        }
        let compared = self.compared(state_vector.as_deref()).map_err(|error| match error {
            ThingError::InvalidUpdate(_) => ErrorBody::from(ErrorCode::InvalidSync),
            error => ErrorBody::new(error.code(), error.to_string()),
        });
        self.in_order(move |stored| answer(whether(stored).and(compared)));
    }

    fn compared(&self, theirs: Option<&[u8]>) -> Result<Compared, ThingError> {
        Ok(Compared {
            epoch: self.epoch.to_string(),
            offset: self.applied,
            missing: theirs.map_or(Ok(Vec::new()), |theirs| self.document.missing(theirs))?.into(),
            state_vector: self.document.state_vector().into(),
            lacks: theirs.map_or(Ok(false), |theirs| self.document.lacks(theirs))?,
        })
    }
}
