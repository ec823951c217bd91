//! The owner of one open Thing.

use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    Command, Edit, Listener, Missed, MissedChange, NewContent, Read, View, Whole,
    audience::{self, Audience, Heard, HeardChange},
    emission::{Emission, Emissions, Unstored},
    own_edits::OwnEdits,
    past::{self, PastError, writer},
    recent::Recent,
    undoing::Undoing,
};
use crate::{
    access::Principal,
    clock,
    ipc::messages::WfeDown,
    limiter::seldom,
    log::{ChangeKind, Log, NewChange},
    protocol::{
        Codec, ErrorBody, ErrorCode, ThingId,
        action::{Edited, Form, Position},
    },
    thing::{Change, Document, ThingError},
};

/// Commands that are handled in one go; their changes are stored together.
const COMMANDS_AT_ONCE: usize = 256;
/// Changes between two snapshots: so many are replayed at most when a Thing is opened.
const SNAPSHOT_EVERY: u64 = 256;
/// Keys of edits that are known without asking the log.
const KEYS_AT_HAND: usize = 4096;

/// Serves the mailbox until the Thing has been idle for a while.
pub(super) async fn run(thing: ThingId, log: Arc<dyn Log>, idle: Duration, mut mailbox: mpsc::Receiver<Command>) {
    let mut owner = match load(thing, log.clone()).await {
        Ok(owner) => owner,
        Err(error) => return refuse_all(&mut mailbox, &error).await,
    };
    let mut commands = Vec::with_capacity(COMMANDS_AT_ONCE);
    loop {
        tokio::select! {
            biased;
            result = owner.emissions.settled(), if !owner.emissions.is_empty() => {
                if let Err(error) = owner.settle(result) {
                    return refuse_all(&mut mailbox, &error).await;
                }
            }
            count = mailbox.recv_many(&mut commands, COMMANDS_AT_ONCE) => {
                if count == 0 {
                    return;
                }
                for command in commands.drain(..) {
                    owner.handle(command);
                }
            }
            () = tokio::time::sleep(idle), if owner.audience.is_empty() && owner.emissions.is_empty() => {
                mailbox.close();
                // What came in the meantime is still done; senders from now on open the Thing anew.
                if mailbox.is_empty() {
                    return;
                }
            }
        }
    }
}

/// The Thing cannot be opened or its log cannot be written: whoever waits is told, and the next to ask
/// tries again.
async fn refuse_all(mailbox: &mut mpsc::Receiver<Command>, error: &ErrorBody) {
    mailbox.close();
    while let Some(command) = mailbox.recv().await {
        match command {
            Command::Edit(edit) => (edit.answer)(Err(error.clone())),
            Command::Merge(merge) => (merge.answer)(Err(error.clone())),
            Command::Compare(compare) => (compare.answer)(Err(error.clone())),
            Command::Behind { answer } => answer(Err(error.clone())),
            Command::Read(read) => (read.answer)(Err(error.clone())),
            Command::Delete { answer, .. } => answer(Err(error.clone())),
            Command::Texts { answer } => answer(Err(error.clone())),
            Command::Resume { .. } | Command::Leave(_) | Command::Push { .. } => {}
        }
    }
}

/// What is to be said of a change, and to whom, once it is stored.
pub(super) struct Saying {
    pub what: HeardChange,
    pub session: Option<Uuid>,
    pub answer: super::Answer<Edited>,
    /// What the edit came to, if that is not what its author sent.
    pub merged: Option<serde_json::Value>,
}

pub(super) struct Owner {
    pub thing: ThingId,
    pub log: Arc<dyn Log>,
    pub epoch: Rc<str>,
    pub document: Document,
    /// The last change that is in the document; those after the log's last are in `emissions`.
    pub applied: u64,
    snapshot_at: u64,
    pub audience: Audience,
    pub emissions: Emissions,
    keys: HashMap<(String, String), u64>,
    own_edits: OwnEdits,
    /// What was said last.
    recent: Rc<RefCell<Recent>>,
}

async fn load(thing: ThingId, log: Arc<dyn Log>) -> Result<Owner, ErrorBody> {
    let reading = log.clone();
    let loaded = tokio::task::spawn_blocking(move || {
        let stored = reading.load(thing).map_err(|error| unreadable(thing, &error))?;
        let stored = stored.ok_or_else(|| ErrorBody::from(ErrorCode::ThingNotFound))?;
        let (snapshot_at, mut document) = match &stored.snapshot {
            Some(snapshot) => {
                (snapshot.offset, Document::load(&snapshot.state, writer()).map_err(|error| unreadable(thing, &error))?)
            }
            None => (0, Document::new(writer())),
        };
        for change in &stored.changes {
            past::replay(&mut document, change).map_err(|error| unreadable(thing, &error))?;
        }
        Ok::<_, ErrorBody>((stored.epoch, stored.last, snapshot_at, document))
    });
    let (epoch, applied, snapshot_at, document) = loaded.await.map_err(|error| unreadable(thing, &error))??;
    Ok(Owner {
        thing,
        log,
        epoch: epoch.into(),
        document,
        applied,
        snapshot_at,
        audience: Audience::of(thing),
        emissions: Emissions::default(),
        keys: HashMap::new(),
        own_edits: OwnEdits::default(),
        recent: Rc::default(),
    })
}

/// What waited for a change can only hold if that was stored.
pub(super) fn whether(stored: bool) -> Result<(), ErrorBody> {
    stored.then_some(()).ok_or_else(|| ErrorCode::NotDurable.into())
}

pub(super) fn unreadable(thing: ThingId, error: &dyn std::fmt::Display) -> ErrorBody {
    seldom!(error, %thing, %error, "a Thing cannot be read");
    ErrorCode::Internal.into()
}

impl Owner {
    fn handle(&mut self, command: Command) {
        match command {
            Command::Edit(edit) => self.edit(edit),
            Command::Merge(merge) => self.merge(merge),
            Command::Compare(compare) => self.compare(compare),
            Command::Behind { answer } => self.in_order(move |stored| answer(whether(stored))),
            Command::Delete { by, answer } => self.delete(&by, answer),
            Command::Read(read) => self.read(read),
            Command::Texts { answer } => {
                let texts = past::texts(&self.document, self.applied);
                self.in_order(move |stored| answer(whether(stored).map(|()| texts)));
            }
            Command::Resume { listener, epoch, after, wanted } => self.resume(listener, &epoch, after, wanted),
            Command::Leave(link) => self.audience.leave(link),
            Command::Push { except, encoded } => self.audience.tell(except, encoded),
        }
    }

    fn edit(&mut self, edit: Edit) {
        let scope = edit.by.id();
        if let Some(key) = &edit.key {
            match self.offset_of(&scope, key) {
                Ok(None) => {}
                Ok(Some(offset)) => {
                    self.know_again(edit.session, offset);
                    let edited = Edited { epoch: self.epoch.to_string(), offset, durable: true, patch: None };
                    return self.in_order(move |stored| (edit.answer)(whether(stored).map(|()| edited)));
                }
                Err(error) => return self.in_order(move |_| (edit.answer)(Err(error))),
            }
        }
        let kind = edit.change.kind();
        let (change, is_merged) = match self.apply(&scope, edit.session, edit.change) {
            Ok(applied) => applied,
            Err(error) => return self.in_order(move |_| (edit.answer)(Err(error))),
        };
        let update = Bytes::from(change.update);
        if let Some(session) = edit.session {
            self.own_edits.made(session, self.applied + 1, update.clone());
        }
        if let Some(key) = &edit.key {
            if self.keys.len() >= KEYS_AT_HAND {
                self.keys.clear();
            }
            self.keys.insert((scope, key.clone()), self.applied + 1);
        }
        let merged = if is_merged { change.patch.clone() } else { None };
        let what = HeardChange::Edited { update: update.clone(), patch: change.patch };
        let saying = Saying { what, session: edit.session, answer: edit.answer, merged };
        self.append(&edit.by, edit.key, kind, update, saying);
    }

    /// The first offset of an edit with this key.
    fn offset_of(&self, scope: &str, key: &str) -> Result<Option<u64>, ErrorBody> {
        let at_hand = self.keys.get(&(scope.to_owned(), key.to_owned()));
        if at_hand.is_some() {
            return Ok(at_hand.copied());
        }
        self.log.find_key(self.thing, scope, key).map_err(|error| unreadable(self.thing, &error))
    }

    /// An edit came again: whoever sends it builds on it, on this connection too.
    fn know_again(&mut self, session: Option<Uuid>, offset: u64) {
        let Some(session) = session else { return };
        let coming = self.emissions.changes().find(|change| change.offset == offset);
        let update = match coming.and_then(Unstored::update) {
            Some(update) => Ok(Some(update.clone())),
            None => past::read(&*self.log, self.thing, offset - 1, offset)
                .map(|changes| changes.into_iter().next().map(|change| change.update)),
        };
        match update {
            Ok(Some(update)) => self.own_edits.made(session, offset, update),
            Ok(None) => {}
            Err(error) => drop(unreadable(self.thing, &error)),
        }
    }

    /// Applies a change of `author`; tells what it came to, and whether it was merged with what they had not seen.
    fn apply(&mut self, author: &str, session: Option<Uuid>, change: NewContent) -> Result<(Change, bool), ErrorBody> {
        let want_patch = self.audience.wants_patches();
        let applied = match change {
            NewContent::Update(update) => self.document.apply_update(&update, want_patch),
            NewContent::Replace { only_at: Some(offset), .. } if offset != self.applied => {
                return Err(ErrorCode::ChangedMeanwhile.into());
            }
            NewContent::Replace { content, .. } | NewContent::Restored(content) => {
                self.document.replace_content(content, want_patch)
            }
            NewContent::Title(title) => {
                let patch = serde_json::json!([{"op": "add", "path": "/meta/title", "value": title}]);
                self.document.apply_patch(&patch, want_patch)
            }
            NewContent::Undone(among) => return Ok((self.take_back(author, among, Undoing::Undo)?, false)),
            NewContent::Redone(among) => return Ok((self.take_back(author, among, Undoing::Redo)?, false)),
            NewContent::Patch { patch, seen } => {
                let seen = seen.filter(|seen| *seen < self.applied && self.document.needs_base(&patch));
                let own = seen.map(|seen| self.own_edits.since(session, seen)).unwrap_or_default();
                // If only its author has changed something since, it was made on what is here.
                let seen = seen.filter(|seen| own.len() as u64 != self.applied - seen);
                let base = match seen {
                    Some(seen) => past::recent_base(&*self.log, self.thing, seen)
                        .map_err(|error| unreadable(self.thing, &error))?,
                    None => None,
                };
                if let Some(base) = base {
                    let merged = base.with(&own, |base| self.document.apply_patch_on(base, &patch, writer(), true));
                    return merged.map(|change| (change, true)).map_err(|error| self.refused(&error));
                }
                self.document.apply_patch(&patch, want_patch)
            }
        };
        applied.map(|change| (change, false)).map_err(|error| self.refused(&error))
    }

    pub(super) fn refused(&mut self, error: &ThingError) -> ErrorBody {
        if error.poisons() {
            self.rebuild();
        }
        ErrorBody::new(error.code(), error.to_string())
    }

    /// Throws the document away and makes it anew from what is stored and what is on its way there.
    fn rebuild(&mut self) {
        let rebuilt = past::document_at(&*self.log, self.thing, self.stored()).and_then(|mut document| {
            for update in self.emissions.changes().filter_map(Unstored::update) {
                document.replay(update)?;
            }
            Ok(document)
        });
        match rebuilt {
            Ok(document) => self.document = document,
            Err(error) => drop(unreadable(self.thing, &error)),
        }
    }

    /// The last change that is in the log; those after it are on their way there.
    pub(super) fn stored(&self) -> u64 {
        self.applied - self.emissions.changes().count() as u64
    }

    fn delete(&mut self, by: &Principal, answer: super::Answer<u64>) {
        let answer = Box::new(move |edited: Result<Edited, ErrorBody>| answer(edited.map(|edited| edited.offset)));
        let saying = Saying { what: HeardChange::Deleted, session: None, answer, merged: None };
        self.append(by, None, ChangeKind::Delete, Bytes::new(), saying);
    }

    pub(super) fn append(
        &mut self,
        by: &Principal,
        key: Option<String>,
        kind: ChangeKind,
        update: Bytes,
        saying: Saying,
    ) {
        self.applied += 1;
        let offset = self.applied;
        let change =
            NewChange { user: by.name.clone(), principal: by.id(), key, kind, update, at_millis: clock::unix_millis() };
        let stored = self.log.append(self.thing, offset, change);
        let snapshot = (offset >= self.snapshot_at + SNAPSHOT_EVERY).then(|| {
            self.snapshot_at = offset;
            Bytes::from(self.document.state())
        });
        let (user, principal) = (by.name.clone(), by.id());
        let Saying { what, session, answer, merged } = saying;
        let unstored = Unstored { offset, stored, user, principal, kind, what, session, answer, merged, snapshot };
        self.emissions.push(Emission::Change(Box::new(unstored)));
    }

    /// Says something behind all that is still to be said.
    pub(super) fn in_order(&mut self, then: impl FnOnce(bool) + 'static) {
        if self.emissions.is_empty() {
            then(true);
        } else {
            self.emissions.push(Emission::Then(Box::new(then)));
        }
    }

    /// The first change is stored, or is not; says all that can be said now.
    ///
    /// # Errors
    /// A change could not be stored, and the log cannot be read either.
    fn settle(&mut self, mut result: Result<(), crate::log::LogError>) -> Result<(), ErrorBody> {
        loop {
            if let Err(error) = result {
                seldom!(error, thing = %self.thing, %error, "a change could not be stored");
                return self.fail_all();
            }
            match self.emissions.pop() {
                Some(Emission::Change(unstored)) => self.say(*unstored),
                Some(Emission::Then(then)) => then(true),
                None => return Ok(()),
            }
            match self.emissions.already_settled() {
                Some(next) => result = next,
                None => return Ok(()),
            }
        }
    }

    fn say(&mut self, unstored: Unstored) {
        let Unstored { offset, user, kind, what, .. } = &unstored;
        let heard = Heard { offset: *offset, user, kind: *kind, what };
        self.audience.hear(&self.epoch, &heard, unstored.session);
        remember(&mut self.recent.borrow_mut(), &unstored);
        let epoch = self.epoch.to_string();
        (unstored.answer)(Ok(Edited { epoch, offset: unstored.offset, durable: true, patch: unstored.merged }));
        if let Some(state) = unstored.snapshot {
            self.log.put_snapshot(self.thing, unstored.offset, state);
        }
    }

    /// Nothing that waits will be stored, for the log refuses what follows a hole. Those who listen have
    /// heard of none of it; the document goes back to where the log is.
    fn fail_all(&mut self) -> Result<(), ErrorBody> {
        while let Some(emission) = self.emissions.pop() {
            match emission {
                Emission::Change(unstored) => (unstored.answer)(Err(ErrorCode::NotDurable.into())),
                Emission::Then(then) => then(false),
            }
        }
        self.keys.clear();
        self.own_edits.clear();
        self.audience.hear_all();
        let last = self.log.last(self.thing).map_err(|error| unreadable(self.thing, &error))?;
        self.applied = last.unwrap_or(0);
        self.document =
            past::document_at(&*self.log, self.thing, self.applied).map_err(|error| unreadable(self.thing, &error))?;
        Ok(())
    }

    fn read(&mut self, Read { since, form, join, answer }: Read) {
        if let Some((listener, codec)) = &join {
            self.audience.join(listener, [(*codec, form)]);
        }
        let known = |since: &Position| since.epoch.is_empty() || *since.epoch == *self.epoch;
        let since = since.filter(|since| known(since) && since.offset <= self.applied);
        let mut view = View {
            epoch: self.epoch.to_string(),
            offset: self.applied,
            title: self.document.title().unwrap_or_default(),
            missed: None,
            whole: since.is_none().then(|| whole(&self.document, form)),
        };
        let (log, thing, recent) = (self.log.clone(), self.thing, self.recent.clone());
        self.in_order(move |stored| {
            if !stored {
                return answer(Err(ErrorCode::NotDurable.into()));
            }
            // Only now is the last of what was missed in the log.
            let mut recent = recent.borrow_mut();
            let completed = since.map_or(Ok(()), |since| complete(&mut view, &mut recent, &*log, thing, &since, form));
            drop(recent);
            answer(completed.map(|()| view).map_err(|error| unreadable(thing, &error)));
        });
    }

    fn resume(&mut self, listener: Listener, epoch: &str, after: u64, wanted: Vec<(Codec, Form)>) {
        self.audience.join_after(&listener, wanted.iter().copied(), self.applied);
        let (log, thing, until) = (self.log.clone(), self.thing, self.applied);
        let known = *epoch == *self.epoch && after <= until;
        let epoch = self.epoch.clone();
        self.in_order(move |stored| {
            let again = || -> Result<bool, PastError> {
                let until = if stored { until } else { log.last(thing)?.unwrap_or(0) };
                let changes = if known { past::changes(&*log, thing, after, until)? } else { None };
                let Some(changes) = changes else { return Ok(false) };
                audience::send_again(&*log, thing, &epoch, &changes, &wanted, &listener.sender)
            };
            match again() {
                Ok(true) => {}
                Ok(false) => {
                    seldom!(
                        warn, %thing, after, until, known,
                        "what a front end missed cannot be told change by change: those who have the Thing open come back"
                    );
                    listener.sender.send(&WfeDown::Gap(thing));
                }
                Err(error) => {
                    unreadable(thing, &error);
                    listener.sender.send(&WfeDown::Gap(thing));
                }
            }
        });
    }
}

/// A change is said: who comes back from now on may have missed it.
fn remember(recent: &mut Recent, Unstored { offset, user, kind, what, .. }: &Unstored) {
    let missed = |what| Missed { offset: *offset, user: user.clone(), kind: *kind, what };
    match what {
        HeardChange::Edited { update, patch } => {
            let patch = patch.clone().map(|patch| missed(MissedChange::Patch(patch)));
            recent.made(patch, missed(MissedChange::Update(update.clone())));
        }
        HeardChange::Deleted => recent.made(Some(missed(MissedChange::Deleted)), missed(MissedChange::Deleted)),
    }
}

fn whole(document: &Document, form: Form) -> Whole {
    match form {
        Form::Json => Whole::Content(document.content()),
        Form::Yjs => Whole::Update(document.state().into()),
    }
}

/// Adds what was missed since, or the whole if that is too much.
fn complete(
    view: &mut View,
    recent: &mut Recent,
    log: &dyn Log,
    thing: ThingId,
    since: &Position,
    form: Form,
) -> Result<(), PastError> {
    view.missed = recent.between(since.offset, view.offset, form);
    if view.missed.is_none()
        && let Some(changes) = past::changes(log, thing, since.offset, view.offset)?
    {
        view.missed = past::in_form(log, thing, &changes, form)?;
        recent.read(form, view.missed.as_deref().unwrap_or_default());
    }
    if view.missed.is_none() {
        view.whole = Some(whole(&past::document_at(log, thing, view.offset)?, form));
    }
    Ok(())
}
