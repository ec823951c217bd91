//! The `_stream` process: holds the websockets of one SFE instance, and the server-sent events. Frames in, frames out, one bounded
//! queue for each client.
//!
//! It alone knows who is connected, what they have open, how far they have got and which of their
//! messages are unanswered; so it can tell a new `_sfe` everything, and clients notice nothing of the
//! change. It knows neither services nor access, looks into no message, and has no files open.

mod connection;
mod events;
mod outbox;
mod socket;
mod topics;
mod websocket;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    os::fd::OwnedFd,
    rc::Rc,
    time::Duration,
};

use tokio::sync::{Mutex, Notify};
use tokio_seqpacket::UnixSeqpacket;
use uuid::Uuid;

use self::{
    connection::{Bounds, Connection, frame},
    outbox::About,
    topics::Topics,
};
use crate::{
    clock,
    config::Config,
    ipc::{
        control::{Command, Commands, Control, LinkEnd, LinkId, Report},
        link,
        load::{self, Load},
        messages::{Effect, Framing, Held, Placement, StreamDown, StreamUp},
        passing,
    },
    limiter::seldom,
    metrics,
    protocol::{CloseCode, Codec, Outgoing, limits, session},
};

/// How much is read from a socket at once; one buffer serves all connections.
const READ_BYTES: usize = 32 * 1024;
/// Pings and time-outs are looked at this often.
const TICK: Duration = Duration::from_millis(500);
/// How long a new link waits until all is read that came over the one before, which mostly has ended already.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(500);
/// How long draining waits for answers and for clients to take them.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);
/// Clients of a process that ends are asked to come back within this time, spread evenly.
const RETURN_WITHIN: Duration = Duration::from_secs(2);

/// Runs the process until the supervisor ends or drains it.
///
/// # Errors
/// The channel to the supervisor broke.
pub async fn run(control: Control, mut commands: Commands, config: &Config) -> io::Result<()> {
    let holder = Rc::new(Holder {
        bounds: Bounds {
            max_frame_bytes: if config.server.echo {
                limits::MAX_ECHO_FRAME_BYTES
            } else {
                config.stream.max_frame_bytes
            },
            max_queue_bytes: config.stream.max_queue_bytes,
            ping_every: Duration::from_millis(config.stream.ping_ms),
            pong_within: Duration::from_millis(config.stream.pong_ms),
        },
        connections: RefCell::default(),
        topics: RefCell::default(),
        link: RefCell::default(),
        scratch: RefCell::new(vec![0; READ_BYTES].into()),
        draining: Cell::new(false),
        following: Mutex::default(),
        clients_changed: Rc::default(),
        received: Cell::new(0),
        sent: Cell::new(0),
    });
    let (telling, changed) = (holder.clone(), holder.clients_changed.clone());
    tokio::task::spawn_local(load::tell(control.clone(), changed, move || telling.load()));
    control.report(&Report::Ready).await?;
    tokio::task::spawn_local(tick(holder.clone()));
    while let Some((command, sockets)) = commands.next().await? {
        match command {
            Command::Link(link) => {
                match LinkEnd::from_sockets(sockets) {
                    Ok(end) => tokio::task::spawn_local(serve_link(holder.clone(), control.clone(), link, end)),
                    Err(error) => tokio::task::spawn_local(control.clone().link_again(link, error)),
                };
            }
            Command::Drain => return drain(&holder).await,
            Command::Start { .. } | Command::Instances(_) | Command::GiveWay | Command::Ask(_) | Command::Status(_) => {
            }
        }
    }
    Ok(())
}

struct Holder {
    bounds: Bounds,
    connections: RefCell<HashMap<Uuid, Rc<Connection>>>,
    topics: RefCell<Topics>,
    link: RefCell<Option<link::Sender<StreamUp>>>,
    scratch: RefCell<Box<[u8]>>,
    draining: Cell<bool>,
    /// Held while a link is followed.
    following: Mutex<()>,
    /// Rung when clients have come or gone.
    clients_changed: Rc<Notify>,
    /// Messages of clients, since the start.
    received: Cell<u64>,
    /// Messages to clients, since the start.
    sent: Cell<u64>,
}

async fn tick(holder: Rc<Holder>) {
    loop {
        tokio::time::sleep(TICK).await;
        let now = clock::now();
        holder.connections.borrow().values().for_each(|connection| connection.tick(now));
    }
}

/// Serves one link to the SFE until it ends; then asks the supervisor for the next.
async fn serve_link(holder: Rc<Holder>, control: Control, link: LinkId, end: LinkEnd) {
    // What the SFE before has still said counts: a message that it has answered is not to be asked again.
    let alone = tokio::time::timeout(LAST_WORDS_WITHIN, holder.following.lock()).await;
    if let Err(error) = follow(&holder, end).await {
        tracing::debug!(%error, "the link to the SFE is over");
    }
    drop(alone);
    // Without a supervisor this process ends anyway.
    let _ = control.report(&Report::LinkLost(link)).await;
}

/// It also ends when there is a newer link: everything was told over that, so whatever is still said here is said
/// there again.
async fn follow(holder: &Rc<Holder>, end: LinkEnd) -> io::Result<()> {
    let (sender, mut receiver) = link::open::<StreamUp, StreamDown>(end.messages)?;
    let mut sockets = passing::Receiver::new(UnixSeqpacket::try_from(end.sockets)?.into());
    holder.attach(&sender);
    let (mut messages, mut written, mut placing) = (Vec::new(), Vec::new(), true);
    loop {
        tokio::select! {
            came = receiver.receive(&mut messages) => {
                came?;
                if !holder.is_attached(&sender) {
                    break Ok(());
                }
                for message in messages.drain(..) {
                    holder.obey(message, &mut written);
                }
                holder.sent.set(holder.sent.get() + written.len() as u64);
                for connection in written.drain(..) {
                    connection.flush();
                }
            }
            placed = sockets.receive::<Placement>(), if placing => match placed? {
                Some(_) if !holder.is_attached(&sender) => break Ok(()),
                Some((placement, sockets)) => holder.place(placement, sockets),
                // Its last messages may still be unread.
                None => placing = false,
            },
        }
    }
}

impl Holder {
    /// Tells a new SFE all that this process knows, and makes it the one that is told.
    fn attach(&self, sender: &link::Sender<StreamUp>) {
        let topics = self.topics.borrow();
        for connection in self.connections.borrow().values() {
            sender.send(&StreamUp::Held(Held {
                session: connection.session,
                context: connection.context(),
                open: topics.opened_by(connection),
                unanswered: connection.unanswered(),
            }));
        }
        sender.send(&StreamUp::AllHeld);
        *self.link.borrow_mut() = Some(sender.clone());
    }

    fn is_attached(&self, sender: &link::Sender<StreamUp>) -> bool {
        self.link.borrow().as_ref().is_some_and(|link| link.is_same(sender))
    }

    fn load(&self) -> Load {
        let connections = self.connections.borrow();
        let waiting: usize = connections.values().map(|connection| connection.waiting_bytes()).sum();
        Load {
            clients: u32::try_from(connections.len()).unwrap_or(u32::MAX),
            received: self.received.get(),
            sent: self.sent.get(),
            waiting_bytes: waiting as u64,
        }
    }

    fn tell(&self, message: &StreamUp) {
        // Without an SFE nothing is lost: the next one is told everything.
        if let Some(link) = &*self.link.borrow() {
            link.send(message);
        }
    }

    /// Takes a client's socket over.
    fn place(self: &Rc<Self>, placement: Placement, mut sockets: Vec<OwnedFd>) {
        if self.draining.get() {
            // It is still on its way, so it is handed over again when this process has ended.
            return;
        }
        let (session, now) = (placement.session, clock::now());
        tracing::debug!(%session, request_id = placement.request_id, "a client's socket is here");
        let connection = sockets.pop().map(|socket| Connection::new(&placement, socket, self.bounds, now));
        match connection {
            Some(Ok(connection)) => {
                let connection = Rc::new(connection);
                self.connections.borrow_mut().insert(session, connection.clone());
                self.clients_changed.notify_one();
                metrics::STREAMS.add(1);
                self.tell(&StreamUp::Taken(session));
                connection.flush();
                if let Some(opening) = placement.opening {
                    self.forward(session, connection.begin_with(&opening), opening);
                }
                connection.take(&placement.read, now, |sequence, message| self.forward(session, sequence, message));
                tokio::task::spawn_local(serve(self.clone(), connection));
            }
            other => {
                let error = other.and_then(Result::err).unwrap_or_else(|| rustix::io::Errno::MFILE.into());
                seldom!(error, %error, "no descriptors are left: new clients are refused; allow more open files");
                self.tell(&StreamUp::NoRoom(session));
            }
        }
    }

    fn forward(&self, session: Uuid, sequence: u64, message: bytes::Bytes) {
        self.received.set(self.received.get() + 1);
        self.tell(&StreamUp::Message { session, sequence, message });
    }

    /// Does what the SFE says; connections with something to write are added to `written`.
    fn obey(&self, message: StreamDown, written: &mut Vec<Rc<Connection>>) {
        let now = clock::now();
        let find = |session: Uuid| self.connections.borrow().get(&session).cloned();
        match message {
            StreamDown::Send { session, answers, effect, about, message } => {
                let Some(connection) = find(session) else { return };
                if let Some(sequence) = answers {
                    connection.answered(sequence);
                }
                let offset = match &effect {
                    Some(Effect::Opened(open)) => Some(open.offset),
                    _ => None,
                };
                if let Some(effect) = effect {
                    self.topics.borrow_mut().apply(&connection, effect, now);
                }
                if let Some(message) = message {
                    let about =
                        about.map_or(About::Nothing, if answers.is_some() { About::Reply } else { About::Push });
                    connection.queue(frame(connection.framing, connection.codec, &message, offset), about, now);
                    written.push(connection);
                }
            }
            StreamDown::Push(push) => self.topics.borrow_mut().push(&push, now, written),
            StreamDown::Gap(thing) => self.topics.borrow_mut().close_all(thing, now),
            StreamDown::Context { session, context } => {
                if let Some(connection) = find(session) {
                    connection.set_context(context);
                }
            }
            StreamDown::Close { session, code, reason } => {
                if let Some(connection) = find(session) {
                    connection.close(code, &reason, now);
                }
            }
        }
    }
}

/// Reads one client until its connection is over.
async fn serve(holder: Rc<Holder>, connection: Rc<Connection>) {
    while !connection.is_over() {
        if connection.ready().await {
            let mut scratch = holder.scratch.borrow_mut();
            connection.read(&mut scratch, clock::now(), |sequence, message| {
                holder.forward(connection.session, sequence, message);
            });
        }
    }
    connection.flush();
    tracing::debug!(session = %connection.session, request_id = connection.request_id, "a client's connection is over");
    holder.topics.borrow_mut().forget(&connection);
    holder.connections.borrow_mut().remove(&connection.session);
    holder.clients_changed.notify_one();
    holder.tell(&StreamUp::Gone(connection.session));
}

/// Takes nothing new, waits for what is open, and sends the clients away to come back elsewhere.
async fn drain(holder: &Holder) -> io::Result<()> {
    holder.draining.set(true);
    let until = clock::now() + DRAIN_WITHIN;
    let all = || holder.connections.borrow().values().cloned().collect::<Vec<_>>();
    all().iter().for_each(|connection| connection.stop_reading());
    while clock::now() < until && !all().iter().all(|connection| connection.is_settled()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for connection in all() {
        let wait = u64::try_from(clock::jitter(RETURN_WITHIN).as_millis()).unwrap_or(0);
        if connection.codec != Codec::Yjs {
            let drain = Outgoing::push(session::PORT, "drain", session::Drain { retry_after_ms: wait });
            if connection.framing == Framing::Events {
                connection.queue(events::retry(wait), About::Nothing, clock::now());
            }
            let frame = frame(connection.framing, connection.codec, &connection.codec.encode(&drain), None);
            connection.queue(frame, About::Nothing, clock::now());
        }
        connection.close(CloseCode::Restart.number(), CloseCode::Restart.message(), clock::now());
    }
    while clock::now() < until && !holder.connections.borrow().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
