//! Live access is judged again whenever something about it has changed: who is let in no longer is closed, who
//! has another role is told, and what they have open ends with their role.
//!
//! Changes come from the store, after they are stored; sessions come from the SFEs, anew over each new link.
//! So neither a change made while a process was away, nor a process that ends between a change and its
//! telling, leaves anyone with what they have no more.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use tokio::sync::mpsc;
use uuid::Uuid;

use super::sessions::{Place, Sessions};
use crate::{
    access::{self, Caller, Change, Proof, Records as _, Sharee},
    ipc::messages::{Holding, WfeDown},
    protocol::{CloseCode, ThingId},
    services::{
        notification::{self, Told},
        presence::Presence,
    },
    store::Store,
};

/// Sessions that are judged in one go; then others have their turn.
const AT_ONCE: usize = 256;

/// Judges what is live.
pub struct LiveAccess {
    store: Store,
    sessions: Rc<Sessions>,
    presence: Rc<Presence>,
    changes: RefCell<mpsc::UnboundedReceiver<Change>>,
    /// Streams that were ended since the server started.
    ended: Cell<usize>,
    /// With `--echo` nobody is anybody.
    echo: bool,
}

/// Sessions that nobody sees any more. Others are told of it when all are judged: until then it would be told to
/// those as well who are about to leave, and there may be hundreds of them.
#[derive(Default)]
struct Leaving {
    of: BTreeMap<ThingId, Vec<Uuid>>,
    all: Vec<Uuid>,
}

impl Leaving {
    fn tell(self, presence: &Presence) {
        presence.gone(&self.all);
        self.of.iter().for_each(|(thing, sessions)| presence.left(*thing, sessions));
    }
}

impl LiveAccess {
    /// Judges by this store. None if another does already.
    pub fn new(store: Store, sessions: Rc<Sessions>, presence: Rc<Presence>, echo: bool) -> Option<Self> {
        let changes = RefCell::new(store.watch()?);
        Some(Self { store, sessions, presence, changes, ended: Cell::new(0), echo })
    }

    /// Follows what changes, as long as the process lives.
    pub async fn follow(self: Rc<Self>) {
        loop {
            // Taken out of the cell only while it is there for the taking: `catch_up` may come between.
            let next = std::future::poll_fn(|context| self.changes.borrow_mut().poll_recv(context)).await;
            let Some(change) = next else { return };
            let mut leaving = Leaving::default();
            for places in self.changed(change, &mut leaving).chunks(AT_ONCE) {
                places.iter().for_each(|place| self.judge(*place, &mut leaving));
                tokio::task::yield_now().await;
            }
            leaving.tell(&self.presence);
        }
    }

    /// Does at once what follows from changes that are stored. Tells how many streams were ended by that.
    pub fn catch_up(&self) -> usize {
        let before = self.ended.get();
        loop {
            let Ok(change) = self.changes.borrow_mut().try_recv() else { break };
            let mut leaving = Leaving::default();
            let places = self.changed(change, &mut leaving);
            places.into_iter().for_each(|place| self.judge(place, &mut leaving));
            leaving.tell(&self.presence);
        }
        self.ended.get() - before
    }

    /// A session is there, or there again.
    pub fn connected(&self, place: Place, caller: Caller, open: &[Holding], request_id: String) {
        tracing::debug!(session = %place.1, request_id, "a session is connected");
        self.presence.told(place, &caller.principal, open);
        let open = open.iter().map(|holding| (holding.thing, holding.role)).collect();
        self.sessions.connected(place, caller, open, request_id);
        let mut leaving = Leaving::default();
        self.judge(place, &mut leaving);
        leaving.tell(&self.presence);
    }

    /// Tells those whom a change concerns; returns the sessions to be judged.
    fn changed(&self, change: Change, leaving: &mut Leaving) -> Vec<Place> {
        match change {
            Change::Shared { thing, with, role, by } => {
                let told = Told::Share { thing, by: by.name, with: &with, given: role.is_some() };
                notification::tell(&self.store, &self.sessions, &self.reached_by(&with), &told);
                self.sessions.holding(thing)
            }
            Change::Approved { group, approved } => {
                let mut members: BTreeSet<_> = self.store.members(&group).unwrap_or_default().into_iter().collect();
                // Those who are in it by what another issuer says.
                let by_token = self.sessions.by(|proof| proof.groups().is_some_and(|groups| groups.contains(&group)));
                members.extend(
                    by_token.into_iter().filter_map(|place| Some(self.sessions.caller(place)?.principal.clone())),
                );
                let members: Vec<_> = members.into_iter().collect();
                notification::tell(&self.store, &self.sessions, &members, &Told::Approval { group: &group, approved });
                members.iter().flat_map(|member| self.sessions.of(member)).collect()
            }
            Change::Deleted(thing) => self.sessions.holding(thing),
            Change::Of(principals) => principals.iter().flat_map(|who| self.sessions.of(who)).collect(),
            Change::Renamed(were) => {
                // Nothing is taken from them: they come back, under the name that they have now.
                let places: Vec<_> = were.iter().flat_map(|who| self.sessions.of(who)).collect();
                places.into_iter().for_each(|place| self.end(place, CloseCode::Restart, leaving));
                Vec::new()
            }
            Change::Groups(names) => {
                let by_name =
                    |proof: &Proof| proof.groups().is_some_and(|all| all.iter().any(|one| names.contains(one)));
                self.sessions.by(by_name)
            }
            Change::LoggedOut(hash) => self.sessions.by(|proof| matches!(proof, Proof::Login(login) if *login == hash)),
            Change::Grant(id) => self.sessions.by(|proof| matches!(proof, Proof::Token { grant, .. } if *grant == id)),
            Change::Client(client) => {
                let of_client = |proof: &Proof| matches!(proof, Proof::Token { client: to, .. } if *to == client.name);
                [self.sessions.by(of_client), self.sessions.of(&client)].concat()
            }
        }
    }

    fn reached_by(&self, with: &Sharee) -> Vec<access::Principal> {
        match with {
            Sharee::Principal(who) => vec![who.clone()],
            Sharee::Group(group) => self.store.members(group).unwrap_or_default(),
        }
    }

    /// Whether a session may go on, and in which roles.
    fn judge(&self, place: Place, leaving: &mut Leaving) {
        if self.echo {
            return;
        }
        let Some(caller) = self.sessions.caller(place) else { return };
        if let Err(denied) = access::may_stream(&self.store, &caller) {
            return self.end(place, denied.close_code(), leaving);
        }
        for (thing, told) in self.sessions.opened_by(place) {
            match self.store.role(&caller.principal, thing) {
                Ok(role) if role == Some(told) => {}
                Ok(role) => {
                    self.sessions.set_role(place, thing, role);
                    if role.is_none() {
                        leaving.of.entry(thing).or_default().push(place.1);
                    }
                    self.tell(place, &WfeDown::Access { session: place.1, thing, role });
                }
                Err(error) => {
                    // No proven right; the client comes back and asks again.
                    crate::limiter::seldom!(error, %error, "a role cannot be read");
                    return self.end(place, CloseCode::Restart, leaving);
                }
            }
        }
    }

    fn end(&self, place: Place, code: CloseCode, leaving: &mut Leaving) {
        if self.sessions.end(place) {
            leaving.all.push(place.1);
            self.ended.set(self.ended.get() + 1);
            let close = WfeDown::Close { session: place.1, code: code.number(), reason: code.message().into() };
            self.tell(place, &close);
        }
    }

    fn tell(&self, place: Place, message: &WfeDown) {
        if let Some(link) = self.sessions.link(place.0) {
            link.send(message);
        }
    }
}
