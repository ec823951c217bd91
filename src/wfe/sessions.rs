//! Who is connected, and over which SFE they are reached.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
};

use uuid::Uuid;

use crate::{
    access::Principal,
    ipc::{link, messages::WfeDown},
    open_things::Listener,
};

/// The sessions of all SFEs; told anew by each of them over every new link.
#[derive(Default)]
pub struct Sessions {
    inner: RefCell<Inner>,
}

#[derive(Default)]
struct Inner {
    links: BTreeMap<u64, Link>,
    of: HashMap<Principal, HashSet<(u64, Uuid)>>,
}

struct Link {
    sender: link::Sender<WfeDown>,
    sessions: HashMap<Uuid, Principal>,
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
            for (session, principal) in gone.sessions {
                inner.forget(&principal, link, session);
            }
        }
    }

    /// A session is there.
    pub fn connected(&self, link: u64, session: Uuid, principal: Principal) {
        let mut inner = self.inner.borrow_mut();
        inner.of.entry(principal.clone()).or_default().insert((link, session));
        if let Some(link) = inner.links.get_mut(&link) {
            link.sessions.insert(session, principal);
        }
    }

    /// A session is over.
    pub fn gone(&self, link: u64, session: Uuid) {
        let mut inner = self.inner.borrow_mut();
        let principal = inner.links.get_mut(&link).and_then(|link| link.sessions.remove(&session));
        if let Some(principal) = principal {
            inner.forget(&principal, link, session);
        }
    }

    /// How many sessions are reached over a link.
    pub fn count(&self, link: u64) -> usize {
        self.inner.borrow().links.get(&link).map_or(0, |link| link.sessions.len())
    }

    /// Everyone who has a session.
    pub fn principals(&self) -> Vec<Principal> {
        self.inner.borrow().of.keys().cloned().collect()
    }

    /// The sessions of these principals, by the link over which they are reached.
    pub fn of(&self, principals: &[Principal], except: Option<Uuid>) -> Vec<(link::Sender<WfeDown>, Vec<Uuid>)> {
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
    fn forget(&mut self, principal: &Principal, link: u64, session: Uuid) {
        if let Some(sessions) = self.of.get_mut(principal) {
            sessions.remove(&(link, session));
            if sessions.is_empty() {
                self.of.remove(principal);
            }
        }
    }
}
