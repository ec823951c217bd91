//! The open Things: one owner task for each, which gives its changes their order.
//!
//! Everything that concerns the content of a Thing goes through its owner's mailbox, so nothing here
//! needs a lock. A Thing that nobody uses is unloaded; the log has all of it. This module knows neither
//! HTTP nor sessions: those who ask have been let through by `access` already.

mod audience;
mod emission;
mod history;
mod own_edits;
mod owner;
mod past;
mod recent;
mod syncing;
#[cfg(test)]
mod tests;
mod undoing;

use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;

pub use self::history::{changes_before, content_at, texts_now};
use crate::{
    access::Principal,
    ipc::{
        link,
        messages::{Encoded, WfeDown},
    },
    log::{ChangeKind, Log},
    protocol::{
        Codec, ErrorBody, ErrorCode, ThingId,
        action::{Edited, Form, Position},
    },
    store::Texts,
};

/// Commands that may wait for one owner.
const MAX_WAITING_COMMANDS: usize = 16 * 1024;

/// Where an answer goes. It is called at the answer's place in the Thing's order.
pub type Answer<T> = Box<dyn FnOnce(Result<T, ErrorBody>)>;

/// Finds the owner of a Thing, or opens it.
pub struct OpenThings {
    log: Arc<dyn Log>,
    idle: Duration,
    mailboxes: RefCell<HashMap<ThingId, mpsc::Sender<Command>>>,
}

/// What an owner can be asked.
pub enum Command {
    /// Change the content.
    Edit(Edit),
    /// End the Thing's life.
    Delete {
        /// Who.
        by: Principal,
        /// The offset of the deletion.
        answer: Answer<u64>,
    },
    /// See the content, or what was missed, and perhaps hear of all that follows.
    Read(Read),
    /// Take over what a Yjs client has.
    Merge(Merge),
    /// Tell a Yjs client what there is.
    Compare(Compare),
    /// Say something behind all that was asked before.
    Behind {
        /// Called then.
        answer: Answer<()>,
    },
    /// What does a search look through?
    Texts {
        /// The texts.
        answer: Answer<Texts>,
    },
    /// A link is new: send again what came after `after`, then all that follows.
    Resume {
        /// The link.
        listener: Listener,
        /// The life of the log that the sessions behind it know.
        epoch: String,
        /// The last change that all of them have.
        after: u64,
        /// How they want it.
        wanted: Vec<(Codec, Form)>,
    },
    /// Nobody behind this link has the Thing open.
    Leave(u64),
    /// Tell those who have it open something that is not stored.
    Push {
        /// The session that hears of it by its reply.
        except: Option<Uuid>,
        /// The message.
        encoded: Vec<Encoded>,
    },
}

/// A change of the content.
pub struct Edit {
    /// Who makes it.
    pub by: Principal,
    /// Its name, which makes it safe to send again; none for callers that cannot.
    pub key: Option<String>,
    /// What it is.
    pub change: NewContent,
    /// The session that hears of it by its answer.
    pub session: Option<Uuid>,
    /// Where it stands. Called when it is durable.
    pub answer: Answer<Edited>,
}

/// What a change makes of the content.
pub enum NewContent {
    /// JSON Patch, made on the content as it was at `seen` if that is known, and what its author has added since.
    Patch {
        /// RFC 6902.
        patch: Value,
        /// The last change that its author had seen.
        seen: Option<u64>,
    },
    /// A Yjs update.
    Update(Bytes),
    /// Other content in place of all that is there.
    Replace {
        /// The content as JSON.
        content: Value,
        /// Only if this is the last change.
        only_at: Option<u64>,
    },
    /// Another title.
    Title(String),
    /// The content of before, as JSON, in place of all that is there.
    Restored(Value),
    /// What its author did last is taken back.
    Undone(Among),
    /// What its author took back last is made again.
    Redone(Among),
}

/// Among which of the changes under one name that is sought which is to be taken back.
#[derive(Clone, Copy, Debug)]
pub struct Among {
    /// Since when the name is the author's, milliseconds since 1970: what was done before was done by another.
    pub since: u64,
    /// Only the changes before this one, and what was taken back of them, whenever that was.
    pub before: Option<u64>,
}

impl NewContent {
    /// What stands in the log of it.
    fn kind(&self) -> ChangeKind {
        match self {
            Self::Patch { .. } | Self::Update(_) | Self::Replace { .. } => ChangeKind::Edit,
            Self::Title(_) => ChangeKind::Rename,
            Self::Restored(_) => ChangeKind::Restore,
            Self::Undone(_) => ChangeKind::Undo,
            Self::Redone(_) => ChangeKind::Redo,
        }
    }
}

/// What a Yjs client has, to be taken over as far as it is new here. It has no key: sent again, it is not new.
pub struct Merge {
    /// Who sends it.
    pub by: Principal,
    /// A Yjs update.
    pub update: Bytes,
    /// The session that hears of it by its answer.
    pub session: Option<Uuid>,
    /// Called when all of it is durable.
    pub answer: Answer<Merged>,
}

/// What a Yjs client sent is stored.
#[derive(Debug)]
pub struct Merged {
    /// The life of the log.
    pub epoch: String,
    /// All of it is stored here.
    pub offset: u64,
    /// Something was new, and stands at this place in the log.
    pub is_new: bool,
}

/// A comparison of what a Yjs client has with what there is.
pub struct Compare {
    /// What the client has, if it wants what it lacks: a state vector.
    pub state_vector: Option<Bytes>,
    /// Who wants to hear of all that follows, and how it is encoded.
    pub join: Option<(Listener, Codec)>,
    /// What there is.
    pub answer: Answer<Compared>,
}

/// What there is, compared with what a Yjs client has.
#[derive(Debug)]
pub struct Compared {
    /// The life of the log.
    pub epoch: String,
    /// It is as of this change.
    pub offset: u64,
    /// What the client lacks, as a Yjs update; empty if it did not ask.
    pub missing: Bytes,
    /// What is here, as a state vector.
    pub state_vector: Bytes,
    /// The client has something that is not here.
    pub lacks: bool,
}

/// A look at the content.
pub struct Read {
    /// Only what came after this, if that can be told.
    pub since: Option<Position>,
    /// In which form.
    pub form: Form,
    /// Who wants to hear of all that follows, and how it is encoded.
    pub join: Option<(Listener, Codec)>,
    /// What there is to see.
    pub answer: Answer<View>,
}

/// What there was to see.
#[derive(Debug)]
pub struct View {
    /// The life of the log.
    pub epoch: String,
    /// The content is as of this change.
    pub offset: u64,
    /// The title.
    pub title: String,
    /// The changes since; else the whole is in `whole`.
    pub missed: Option<Vec<Missed>>,
    /// The whole, as JSON or as an update.
    pub whole: Option<Whole>,
}

/// The whole content in one form.
#[derive(Debug)]
pub enum Whole {
    /// As JSON.
    Content(Value),
    /// As one Yjs update.
    Update(Bytes),
}

/// A change that somebody missed.
#[derive(Clone, Debug)]
pub struct Missed {
    /// Its place.
    pub offset: u64,
    /// Who made it.
    pub user: String,
    /// What they did.
    pub kind: ChangeKind,
    /// What it is.
    pub what: MissedChange,
}

/// What somebody missed.
#[derive(Clone, Debug)]
pub enum MissedChange {
    /// A change of the content, as JSON Patch.
    Patch(Value),
    /// A change of the content, as Yjs update.
    Update(Bytes),
    /// The Thing was deleted.
    Deleted,
}

/// A link to an SFE that hears of changes.
#[derive(Clone)]
pub struct Listener {
    /// Tells it from the links before and after it.
    pub link: u64,
    /// Where messages go.
    pub sender: link::Sender<WfeDown>,
}

impl OpenThings {
    /// None is open yet. Things are unloaded when nobody has used them for `idle`.
    pub fn new(log: Arc<dyn Log>, idle: Duration) -> Self {
        Self { log, idle, mailboxes: RefCell::default() }
    }

    /// Asks the owner of a Thing. Must be called inside a `LocalSet`.
    pub fn ask(self: &Rc<Self>, thing: ThingId, command: Command) {
        let mailbox = self.mailbox(thing);
        if let Err(refused) = mailbox.try_send(command) {
            let error = ErrorBody::from(ErrorCode::Unavailable).retry_after(1000);
            match refused.into_inner() {
                Command::Edit(edit) => (edit.answer)(Err(error)),
                Command::Merge(merge) => (merge.answer)(Err(error)),
                Command::Compare(compare) => (compare.answer)(Err(error)),
                Command::Behind { answer } => answer(Err(error)),
                Command::Read(read) => (read.answer)(Err(error)),
                Command::Delete { answer, .. } => answer(Err(error)),
                Command::Texts { answer } => answer(Err(error)),
                Command::Resume { listener, .. } => listener.sender.send(&WfeDown::Gap(thing)),
                // Each is about what the owner forgets when it is gone, or is not promised to arrive.
                Command::Leave(_) | Command::Push { .. } => {}
            }
        }
    }

    fn mailbox(self: &Rc<Self>, thing: ThingId) -> mpsc::Sender<Command> {
        let mut mailboxes = self.mailboxes.borrow_mut();
        if let Some(mailbox) = mailboxes.get(&thing)
            && !mailbox.is_closed()
        {
            return mailbox.clone();
        }
        let (mailbox, commands) = mpsc::channel(MAX_WAITING_COMMANDS);
        mailboxes.insert(thing, mailbox.clone());
        let things = self.clone();
        tokio::task::spawn_local(async move {
            owner::run(thing, things.log.clone(), things.idle, commands).await;
            // A successor may have its mailbox here already.
            let mut mailboxes = things.mailboxes.borrow_mut();
            if mailboxes.get(&thing).is_some_and(mpsc::Sender::is_closed) {
                mailboxes.remove(&thing);
            }
        });
        mailbox
    }

    /// Tells a Thing something, if it is open.
    pub fn tell_if_open(&self, thing: ThingId, command: Command) {
        if let Some(mailbox) = self.mailboxes.borrow().get(&thing) {
            // A full or closed mailbox: see `ask`.
            let _ = mailbox.try_send(command);
        }
    }

    /// A link is over: nobody hears over it any more.
    pub fn forget(&self, link: u64) {
        for mailbox in self.mailboxes.borrow().values() {
            let _ = mailbox.try_send(Command::Leave(link));
        }
    }
}
