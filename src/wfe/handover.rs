//! Hands authorised connections over to the SFEs: the open socket itself, what the client has already
//! sent, and who it is.
//!
//! WFE keeps its own copy of the socket until a `_stream` has said that it holds the connection, so
//! neither a killed `_sfe` nor a lost link loses a client on the way.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    io::Write,
    net::TcpStream,
    os::fd::OwnedFd,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio_seqpacket::UnixSeqpacket;
use uuid::Uuid;

use super::{process, sessions::Sessions};
use crate::{
    clock,
    ipc::{Admission, control::Instance, messages::Handover, passing},
    protocol::{ErrorBody, ErrorCode},
};

/// How long a connection waits for an SFE before it is refused with 503.
const PLACED_WITHIN: Duration = Duration::from_secs(10);
/// Waiting connections are looked at this often.
const TICK: Duration = Duration::from_secs(1);
/// Connections that may wait at once.
const MAX_WAITING: usize = 16 * 1024;

/// A connection that WFE has let through.
#[derive(Debug)]
pub struct Passenger {
    /// Who it is.
    pub admission: Admission,
    /// What it has sent behind its request head.
    pub read: bytes::Bytes,
    /// Its socket.
    pub socket: OwnedFd,
}

/// The connections on their way.
pub struct Handovers {
    sessions: Rc<Sessions>,
    /// All instances that there are, and whether each takes new connections.
    instances: RefCell<BTreeMap<u16, bool>>,
    sfes: RefCell<BTreeMap<u16, Sfe>>,
    waiting: RefCell<HashMap<Uuid, Waiting>>,
    /// How many of them are on their way to each SFE.
    coming: RefCell<BTreeMap<u16, usize>>,
}

struct Sfe {
    link: u64,
    channel: Rc<UnixSeqpacket>,
}

struct Waiting {
    passenger: Rc<(Handover, OwnedFd)>,
    sfe: Option<u16>,
    until: Instant,
}

impl Handovers {
    /// None is on its way.
    pub fn new(sessions: Rc<Sessions>) -> Self {
        Self {
            sessions,
            instances: RefCell::default(),
            sfes: RefCell::default(),
            waiting: RefCell::default(),
            coming: RefCell::default(),
        }
    }

    /// These instances there are. What waits for any is handed over to one that takes new connections, and so is
    /// what was on its way to one that is gone for good: nobody else holds it any more.
    pub fn set_instances(self: &Rc<Self>, instances: &[Instance]) {
        let instances: BTreeMap<u16, bool> = instances.iter().map(|known| (known.number, known.open)).collect();
        let again = self.on_their_way(|sfe| sfe.is_none_or(|sfe| !instances.contains_key(&sfe)));
        *self.instances.borrow_mut() = instances;
        again.into_iter().for_each(|session| self.send(session, None));
    }

    /// An SFE is there. What was on its way to it, and what waits for any, is handed over.
    pub fn open(self: &Rc<Self>, sfe: u16, link: u64, channel: UnixSeqpacket) {
        self.sfes.borrow_mut().insert(sfe, Sfe { link, channel: Rc::new(channel) });
        self.on_their_way(|to| to == Some(sfe)).into_iter().for_each(|session| self.send(session, Some(sfe)));
        self.on_their_way(|to| to.is_none()).into_iter().for_each(|session| self.send(session, None));
    }

    fn on_their_way(&self, to_such: impl Fn(Option<u16>) -> bool) -> Vec<Uuid> {
        let waiting = self.waiting.borrow();
        waiting.iter().filter(|(_, waiting)| to_such(waiting.sfe)).map(|(session, _)| *session).collect()
    }

    /// A link to an SFE is over. What was on its way there waits for the next link to the same SFE, which
    /// may hold it already.
    pub fn close(&self, sfe: u16, link: u64) {
        let mut sfes = self.sfes.borrow_mut();
        if sfes.get(&sfe).is_some_and(|open| open.link == link) {
            sfes.remove(&sfe);
        }
    }

    /// Hands a connection over to the SFE with the fewest clients, those on their way to it included.
    pub fn begin(self: &Rc<Self>, Passenger { admission, read, socket }: Passenger) {
        let session = admission.session;
        if self.waiting.borrow().len() >= MAX_WAITING {
            return refuse(&socket);
        }
        let passenger = Rc::new((Handover { admission, read }, socket));
        let until = clock::now() + PLACED_WITHIN;
        self.waiting.borrow_mut().insert(session, Waiting { passenger, sfe: None, until });
        self.send(session, None);
    }

    /// The connection is in other hands, or over: WFE's copy of the socket is closed.
    pub fn arrived(&self, session: Uuid) {
        if let Some(arrived) = self.waiting.borrow_mut().remove(&session) {
            self.redirect(arrived.sfe, None);
        }
    }

    /// The socket did not reach its `_stream`.
    pub fn lost(self: &Rc<Self>, session: Uuid) {
        self.send(session, None);
    }

    /// Nobody has room for the connection.
    pub fn refuse(&self, session: Uuid) {
        if let Some(waiting) = self.waiting.borrow_mut().remove(&session) {
            refuse(&waiting.passenger.1);
            self.redirect(waiting.sfe, None);
        }
    }

    fn send(self: &Rc<Self>, session: Uuid, to: Option<u16>) {
        let to = to.or_else(|| self.fewest());
        let sfes = self.sfes.borrow();
        let mut waiting = self.waiting.borrow_mut();
        let Some(entry) = waiting.get_mut(&session) else { return };
        self.redirect(std::mem::replace(&mut entry.sfe, to), to);
        let Some(sfe) = entry.sfe.and_then(|sfe| sfes.get(&sfe)) else { return };
        let (channel, passenger) = (sfe.channel.clone(), entry.passenger.clone());
        tokio::task::spawn_local(async move {
            let (handover, socket) = &*passenger;
            if let Err(error) = passing::send(&channel, handover, &[socket]).await {
                // Its link is over too; the next one sends it again.
                tracing::debug!(%error, "a connection did not reach its SFE");
            }
        });
    }

    /// Of those that take new connections, the one with the fewest. Many that come at once are spread as well: those
    /// on their way count, for a moment twice.
    fn fewest(&self) -> Option<u16> {
        let (sfes, instances, coming) = (self.sfes.borrow(), self.instances.borrow(), self.coming.borrow());
        let open = sfes.iter().filter(|(number, _)| instances.get(number).is_some_and(|open| *open));
        let load = |number, link| self.sessions.count(link) + coming.get(number).copied().unwrap_or(0);
        open.min_by_key(|(number, sfe)| load(*number, sfe.link)).map(|(number, _)| *number)
    }

    /// A connection that was on its way to one SFE is on its way to another, or to none any more.
    fn redirect(&self, from: Option<u16>, to: Option<u16>) {
        let mut coming = self.coming.borrow_mut();
        if let Some(count) = from.and_then(|sfe| coming.get_mut(&sfe)) {
            *count -= 1;
        }
        if let Some(sfe) = to {
            *coming.entry(sfe).or_default() += 1;
        }
    }

    /// Refuses what has waited too long.
    pub async fn watch(self: Rc<Self>) {
        loop {
            tokio::time::sleep(TICK).await;
            let now = clock::now();
            self.waiting.borrow_mut().retain(|session, waiting| {
                let keep = now < waiting.until;
                if !keep {
                    crate::limiter::seldom!(warn, %session, "no SFE took a connection in time");
                    refuse(&waiting.passenger.1);
                    self.redirect(waiting.sfe, None);
                }
                keep
            });
        }
    }
}

/// Answers 503 on a raw socket and ends the connection for all who hold the socket.
fn refuse(socket: &OwnedFd) {
    let error = ErrorBody::from(ErrorCode::Unavailable).retry_after(1000);
    if let Ok(socket) = socket.try_clone() {
        let mut stream = TcpStream::from(socket);
        // The client may have gone; then there is nobody to tell.
        let _ = stream.write_all(&process::raw_refusal(&error));
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
}
