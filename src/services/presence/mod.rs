//! Port 202: who has a Thing open, and where in it they point. Nothing of it is stored.
//!
//! The sessions and where they are come from the SFEs, anew over each new link. What is told goes over the links at
//! once, not through the owner of the Thing; only what somebody says of themselves waits for the changes before it, so
//! that a cursor never comes before the part that it is on.

mod people;
mod room;
mod stamp;
mod wording;

use std::{cell::RefCell, rc::Rc};

use tokio::sync::Notify;
use uuid::Uuid;

use self::people::{People, Refused, Say, What};
use super::call::{Call, Place};
use crate::{
    access::Principal,
    clock,
    ipc::messages::{Holding, Push, WfeDown, Whereabouts},
    open_things::{Command, OpenThings},
    protocol::{ErrorBody, ErrorCode, ThingId, message::Empty, presence::Cursor, sync::Sync, yjs},
    wfe::sessions::{self, Sessions},
};

/// The service.
pub struct Presence {
    people: RefCell<People>,
    sessions: Rc<Sessions>,
    /// There is something new to wait for.
    wake: Notify,
}

impl Presence {
    /// Nobody is there yet.
    pub fn new(sessions: Rc<Sessions>) -> Self {
        Self { people: RefCell::default(), sessions, wake: Notify::new() }
    }

    /// Tells what is to be told later, as long as the process lives.
    pub async fn keep_time(self: Rc<Self>) {
        loop {
            let due = self.people.borrow().next_due();
            match due {
                Some(due) => tokio::select! {
                    () = tokio::time::sleep_until(due.into()) => {}
                    () = self.wake.notified() => continue,
                },
                None => {
                    self.wake.notified().await;
                    continue;
                }
            }
            let say = self.people.borrow_mut().tick(clock::now());
            self.say(say);
        }
    }

    /// A session has opened a Thing.
    pub fn opened(&self, place: sessions::Place, thing: ThingId, who: &Principal) {
        let say = self.people.borrow_mut().opened(thing, place, who, clock::now());
        self.say(say);
    }

    /// A session is told of over a new link.
    pub fn told(&self, place: sessions::Place, who: &Principal, open: &[Holding]) {
        let open = open.iter().map(|holding| (holding.thing, holding.whereabouts.clone()));
        self.people.borrow_mut().told(place, who, open, clock::now());
        self.wake.notify_one();
    }

    /// A link is lost.
    pub fn lost(&self, link: u64) {
        self.people.borrow_mut().lost(link, clock::now());
        self.wake.notify_one();
    }

    /// Sessions have closed a Thing, or may see it no more.
    pub fn left(&self, thing: ThingId, sessions: &[Uuid]) {
        let say = self.people.borrow_mut().left(thing, sessions, clock::now());
        self.say(say);
    }

    /// Sessions are over.
    pub fn gone(&self, sessions: &[Uuid]) {
        let say = self.people.borrow_mut().gone(sessions, clock::now());
        self.say(say);
    }

    /// `cursor`: the sender points elsewhere.
    pub fn cursor(self: &Rc<Self>, things: &Rc<OpenThings>, mut call: Call) {
        let asked = call.on().and_then(|(thing, _)| {
            let invalid = |error: ErrorBody| ErrorBody::new(ErrorCode::InvalidCursor, error.message);
            let cursor: Cursor = call.body().map_err(invalid)?;
            if cursor.fits() { Ok((thing, cursor)) } else { Err(ErrorCode::InvalidCursor.into()) }
        });
        let (thing, cursor) = match asked {
            Ok(asked) => asked,
            Err(error) => return call.answer.refuse(error),
        };
        let cursor = serde_json::json!(cursor).to_string();
        self.behind(things, thing, call, move |people, session| {
            Ok(people.cursor(thing, session, cursor, clock::now())?)
        });
    }

    /// The awareness update of a client of y-websocket.
    pub fn awareness(self: &Rc<Self>, things: &Rc<OpenThings>, mut call: Call) {
        let asked = call.on().and_then(|(thing, _)| Ok((thing, call.body::<Sync>()?.data.0)));
        let (thing, data) = match asked {
            Ok(asked) => asked,
            Err(error) => return call.answer.refuse(error),
        };
        self.behind(things, thing, call, move |people, session| {
            let entries = yjs::read_awareness(&data).map_err(|_| ErrorCode::InvalidAwareness)?;
            Ok(people.awareness(thing, session, &entries, clock::now())?)
        });
    }

    /// A client of y-websocket asks who is there.
    pub fn query(self: &Rc<Self>, things: &Rc<OpenThings>, call: Call) {
        let thing = match call.on() {
            Ok((thing, _)) => thing,
            Err(error) => return call.answer.refuse(error),
        };
        self.behind(things, thing, call, move |people, session| {
            Ok((None, Some(people.state(thing, session, clock::now())?)))
        });
    }

    /// Does something behind all that was asked of a Thing before, and answers.
    fn behind(
        self: &Rc<Self>,
        things: &Rc<OpenThings>,
        thing: ThingId,
        call: Call,
        act: impl FnOnce(&mut People, Uuid) -> Result<(Option<Whereabouts>, Option<Say>), ErrorCode> + 'static,
    ) {
        let presence = self.clone();
        let answer = Box::new(move |come: Result<(), ErrorBody>| {
            let session = call.session().ok_or_else(|| ErrorBody::from(ErrorCode::NotOpen));
            let done = come.and(session).and_then(|session| Ok(act(&mut presence.people.borrow_mut(), session)?));
            let (whereabouts, say) = match done {
                Ok(done) => done,
                Err(error) => return call.answer.refuse(error),
            };
            let place = Place { whereabouts: whereabouts.as_ref(), ..Place::default() };
            call.answer.finish(Ok(Empty {}), place);
            presence.say(say);
        });
        things.ask(thing, Command::Behind { answer });
    }

    fn say(&self, say: impl IntoIterator<Item = Say>) {
        for Say { thing, to, what, links } in say {
            let newest_of = if let What::Moved(person, _) = &what { Some(person.session) } else { None };
            for encoded in wording::encode(thing, &what, to) {
                let push = WfeDown::Push(Push { thing, change: None, to, newest_of, encoded });
                links.iter().filter_map(|link| self.sessions.link(*link)).for_each(|link| link.send(&push));
            }
        }
        self.wake.notify_one();
    }
}

impl From<Refused> for ErrorCode {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotHere => Self::NotOpen,
            Refused::Unfit => Self::InvalidAwareness,
        }
    }
}
