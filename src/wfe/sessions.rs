//! Who is connected, by which right, what they have open, and over which SFE they are reached.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use uuid::Uuid;

use super::organisation::Connected;
use crate::{
    access::{Caller, Principal, Proof, Role},
    ipc::{link, messages::WfeDown},
    open_things::Listener,
    protocol::ThingId,
};

/// The sessions of all SFEs; told anew by each of them over every new link.
#[derive(Default)]
pub struct Sessions {
    inner: RefCell<Inner>,
}

/// A session, by the number of the link over which it is reached.
pub type Place = (u64, Uuid);

#[derive(Default)]
struct Inner {
    links: BTreeMap<u64, Link>,
    of: HashMap<Principal, HashSet<Place>>,
    holders: HashMap<ThingId, HashSet<Place>>,
}

struct Link {
    sender: link::Sender<WfeDown>,
    sessions: HashMap<Uuid, Session>,
}

struct Session {
    caller: Arc<Caller>,
    /// How its connection is named in logs.
    request_id: Rc<str>,
    /// The Things that are open, in the roles that the client was told of.
    open: HashMap<ThingId, Role>,
    /// Its end was asked for: nothing more is taken from it.
    ended: bool,
}

impl Sessions {
    /// A link to an SFE is there.
    pub fn open(&self, listener: &Listener) {
        let link = Link { sender: listener.sender.clone(), sessions: HashMap::new() };
        self.inner.borrow_mut().links.insert(listener.link, link);
    }

    /// A link is over, and its sessions are unknown until they are told anew.
    pub fn close(&self, link: u64) {
        let mut inner = self.inner.borrow_mut();
        if let Some(gone) = inner.links.remove(&link) {
            for (id, session) in gone.sessions {
                inner.forget(&session, (link, id));
            }
        }
    }

    /// A session is there.
    pub fn connected(&self, (link, id): Place, caller: Caller, open: Vec<(ThingId, Role)>, request_id: String) {
        let mut inner = self.inner.borrow_mut();
        inner.of.entry(caller.principal.clone()).or_default().insert((link, id));
        for (thing, _) in &open {
            inner.holders.entry(*thing).or_default().insert((link, id));
        }
        if let Some(link) = inner.links.get_mut(&link) {
            let (caller, open) = (Arc::new(caller), open.into_iter().collect());
            let session = Session { caller, request_id: request_id.into(), open, ended: false };
            link.sessions.insert(id, session);
        }
    }

    /// A session is over.
    pub fn gone(&self, place: Place) {
        let mut inner = self.inner.borrow_mut();
        let session = inner.links.get_mut(&place.0).and_then(|link| link.sessions.remove(&place.1));
        if let Some(session) = session {
            inner.forget(&session, place);
        }
    }

    /// A session has another right from now on.
    pub fn renewed(&self, place: Place, caller: Caller) {
        if let Some(session) = self.inner.borrow_mut().session(place) {
            session.caller = Arc::new(caller);
        }
    }

    /// A session has opened a Thing, or has another role on one that it has open. Without a role it is not open
    /// any more.
    pub fn set_role(&self, place: Place, thing: ThingId, role: Option<Role>) {
        let mut inner = self.inner.borrow_mut();
        let Some(session) = inner.session(place) else { return };
        match role {
            Some(role) => {
                session.open.insert(thing, role);
                inner.holders.entry(thing).or_default().insert(place);
            }
            None => {
                session.open.remove(&thing);
                inner.leave(thing, place);
            }
        }
    }

    /// Its end is asked for: it counts for nothing any more. Tells whether it counted until now.
    pub fn end(&self, place: Place) -> bool {
        let mut inner = self.inner.borrow_mut();
        inner.session(place).is_some_and(|session| !std::mem::replace(&mut session.ended, true))
    }

    /// Who calls over a session; none if it has ended, or its end was asked for.
    pub fn caller(&self, place: Place) -> Option<Arc<Caller>> {
        let mut inner = self.inner.borrow_mut();
        inner.session(place).filter(|session| !session.ended).map(|session| session.caller.clone())
    }

    /// How the connection of a session is named in logs.
    pub fn request_id(&self, place: Place) -> Option<Rc<str>> {
        self.inner.borrow_mut().session(place).map(|session| session.request_id.clone())
    }

    /// What a session has open, in which roles.
    pub fn opened_by(&self, place: Place) -> Vec<(ThingId, Role)> {
        let mut inner = self.inner.borrow_mut();
        inner
            .session(place)
            .map(|session| session.open.iter().map(|(thing, role)| (*thing, *role)).collect())
            .unwrap_or_default()
    }

    /// The way to a session's SFE.
    pub fn link(&self, link: u64) -> Option<link::Sender<WfeDown>> {
        self.inner.borrow().links.get(&link).map(|link| link.sender.clone())
    }

    /// How many sessions are reached over a link.
    pub fn count(&self, link: u64) -> usize {
        self.inner.borrow().links.get(&link).map_or(0, |link| link.sessions.len())
    }

    /// How many sessions there are.
    pub fn total(&self) -> usize {
        self.inner.borrow().links.values().map(|link| link.sessions.len()).sum()
    }

    /// The sessions of an organisation's users and clients.
    pub fn of_organisation(&self, organisation: &str) -> Vec<Connected> {
        let inner = self.inner.borrow();
        let all = inner.links.values().flat_map(|link| link.sessions.values());
        all.filter(|session| session.caller.principal.organisation == organisation && !session.ended)
            .map(|session| Connected { name: session.caller.principal.name.clone(), things: session.open.len() })
            .collect()
    }

    /// The sessions that were opened by such a proof.
    pub fn by(&self, such: impl Fn(&Proof) -> bool) -> Vec<Place> {
        let inner = self.inner.borrow();
        let all = inner.links.iter().flat_map(|(number, link)| link.sessions.iter().map(move |found| (*number, found)));
        all.filter(|(_, (_, session))| such(&session.caller.proof)).map(|(link, (id, _))| (link, *id)).collect()
    }

    /// The sessions of a user or client.
    pub fn of(&self, who: &Principal) -> Vec<Place> {
        self.inner.borrow().of.get(who).into_iter().flatten().copied().collect()
    }

    /// The sessions that have a Thing open.
    pub fn holding(&self, thing: ThingId) -> Vec<Place> {
        self.inner.borrow().holders.get(&thing).into_iter().flatten().copied().collect()
    }

    /// The sessions of these users and clients, by the link over which they are reached.
    pub fn reached(&self, principals: &[Principal], except: Option<Uuid>) -> Vec<(link::Sender<WfeDown>, Vec<Uuid>)> {
        let inner = self.inner.borrow();
        let mut by_link: BTreeMap<u64, Vec<Uuid>> = BTreeMap::new();
        for (link, session) in principals.iter().filter_map(|principal| inner.of.get(principal)).flatten() {
            if Some(*session) != except {
                by_link.entry(*link).or_default().push(*session);
            }
        }
        let reach = |(link, sessions)| Some((inner.links.get(&link)?.sender.clone(), sessions));
        by_link.into_iter().filter_map(reach).collect()
    }
}

impl Inner {
    fn session(&mut self, (link, id): Place) -> Option<&mut Session> {
        self.links.get_mut(&link)?.sessions.get_mut(&id)
    }

    fn forget(&mut self, session: &Session, place: Place) {
        session.open.keys().for_each(|thing| self.leave(*thing, place));
        if let Some(sessions) = self.of.get_mut(&session.caller.principal) {
            sessions.remove(&place);
            if sessions.is_empty() {
                self.of.remove(&session.caller.principal);
            }
        }
    }

    fn leave(&mut self, thing: ThingId, place: Place) {
        if let Some(holders) = self.holders.get_mut(&thing) {
            holders.remove(&place);
            if holders.is_empty() {
                self.holders.remove(&thing);
            }
        }
    }
}
