//! One client: its socket, its websocket or its server-sent events, its queue, and the messages that wait for an answer.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    io,
    os::fd::OwnedFd,
    time::Instant,
};

use bytes::Bytes;
use tokio::{io::Interest, sync::Notify};
use uuid::Uuid;

use super::{
    events,
    outbox::{About, Outbox},
    socket::Socket,
    websocket::{self, Ended, Received, Websocket},
};
use crate::{
    ipc::messages::{Framing, Placement},
    metrics,
    protocol::{CloseCode, Codec, ThingId, limits, yjs},
};

/// What the connections of this process have in common.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Largest message of a client.
    pub max_frame_bytes: usize,
    /// Most bytes that wait for a client.
    pub max_queue_bytes: usize,
    /// How often a client is pinged.
    pub ping_every: std::time::Duration,
    /// How long it may take to answer.
    pub pong_within: std::time::Duration,
}

/// A client's connection.
#[derive(Debug)]
pub struct Connection {
    /// The session.
    pub session: Uuid,
    /// How the connection is named in logs.
    pub request_id: String,
    /// How it encodes its messages.
    pub codec: Codec,
    /// How they stand on the connection.
    pub framing: Framing,
    /// Return every frame as it came.
    echo: bool,
    bounds: Bounds,
    socket: Socket,
    /// Wakes the task that serves this connection when there is something new for it to wait for.
    wake: Notify,
    phase: Cell<Phase>,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    /// None for server-sent events, where the client says nothing more.
    websocket: Option<Websocket>,
    outbox: Outbox,
    unanswered: VecDeque<(u64, Bytes)>,
    next_sequence: u64,
    context: Bytes,
    open: Vec<ThingId>,
    next_ping: Instant,
    pong_due: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// No new messages are taken; answers still go out.
    Draining,
    /// A close frame is in the outbox; wait for the client's, but not for ever.
    Closing(Instant),
    /// The client broke the protocol or has closed: what it sends is read and thrown away, so that what waits and
    /// the close frame reach it.
    Refusing(Instant),
    Over,
}

impl Connection {
    /// Takes over a client's socket. What the client has already sent is in `placement`, for
    /// [`Connection::take`].
    ///
    /// # Errors
    /// The socket cannot be used.
    pub fn new(placement: &Placement, socket: OwnedFd, bounds: Bounds, now: Instant) -> io::Result<Self> {
        let mut outbox = Outbox::default();
        outbox.push(placement.answer.clone());
        let (framing, codec) = (placement.framing, placement.codec);
        if let Some(welcome) = &placement.welcome {
            outbox.push(frame(framing, codec, welcome, None));
        }
        let socket = Socket::new(socket)?;
        if framing == Framing::Events {
            // No pong tells that the client is there; that it takes the comments does.
            socket.end_if_not_taken_within(bounds.ping_every + bounds.pong_within);
        }
        Ok(Self {
            session: placement.session,
            request_id: placement.request_id.clone(),
            codec,
            framing,
            echo: placement.echo,
            bounds,
            socket,
            wake: Notify::new(),
            phase: Cell::new(Phase::Open),
            state: RefCell::new(State {
                websocket: (framing == Framing::Websocket).then(|| Websocket::new(bounds.max_frame_bytes)),
                outbox,
                unanswered: VecDeque::new(),
                next_sequence: 0,
                context: placement.context.clone(),
                open: Vec::new(),
                next_ping: now + bounds.ping_every,
                pong_due: None,
            }),
        })
    }

    /// Waits until the socket can be read or written, or there is something new to wait for.
    /// Tells whether it can be read.
    pub async fn ready(&self) -> bool {
        let wants_to_write = !self.state.borrow().outbox.is_empty();
        let interest = match (self.wants_to_read(), wants_to_write) {
            (true, true) => Interest::READABLE | Interest::WRITABLE,
            (true, false) => Interest::READABLE,
            (false, true) => Interest::WRITABLE,
            (false, false) => {
                self.wake.notified().await;
                return false;
            }
        };
        tokio::select! {
            ready = self.socket.ready(interest) => match ready {
                Ok(ready) => {
                    if ready.is_writable() {
                        self.flush();
                    }
                    ready.is_readable() || ready.is_read_closed()
                }
                Err(_) => { self.phase.set(Phase::Over); false }
            },
            () = self.wake.notified() => false,
        }
    }

    /// A client whose requests are not answered yet, or who does not take what it is sent (its echo and pongs
    /// too), is not read.
    fn wants_to_read(&self) -> bool {
        let state = self.state.borrow();
        match self.phase.get() {
            Phase::Open => {
                state.outbox.bytes() < self.bounds.max_queue_bytes
                    && state.unanswered.len() < limits::MAX_PENDING_REQUESTS
            }
            Phase::Closing(_) | Phase::Refusing(_) => true,
            Phase::Draining | Phase::Over => false,
        }
    }

    /// Reads once into `scratch` and gives every message to `deliver` with its number.
    /// Tells whether there may be more to read.
    pub fn read(&self, scratch: &mut [u8], now: Instant, deliver: impl FnMut(u64, Bytes)) -> bool {
        if !self.wants_to_read() {
            return false;
        }
        match self.socket.try_read(scratch) {
            Ok(0) => self.phase.set(Phase::Over),
            Ok(length) => {
                self.take(&scratch[..length], now, deliver);
                return length == scratch.len();
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.phase.set(Phase::Over),
        }
        false
    }

    /// Takes bytes that the client has sent.
    pub fn take(&self, mut bytes: &[u8], now: Instant, mut deliver: impl FnMut(u64, Bytes)) {
        if bytes.is_empty() || matches!(self.phase.get(), Phase::Refusing(_) | Phase::Over) {
            return;
        }
        let mut guard = self.state.borrow_mut();
        let state = &mut *guard;
        state.pong_due = None;
        loop {
            let Some(websocket) = &mut state.websocket else { return };
            match websocket.receive(&mut bytes, &mut state.outbox) {
                Ok(None) => break,
                Ok(Some(Received::Alive)) => {}
                Ok(Some(_)) if self.phase.get() != Phase::Open => {}
                Ok(Some(received)) if self.echo => {
                    state.outbox.push(websocket::echo_header(&received));
                    let (Received::Text(message) | Received::Binary(message)) = received else { continue };
                    state.outbox.push(message);
                }
                Ok(Some(Received::Text(message))) if self.codec == Codec::Json => {
                    deliver(state.number(&message), message)
                }
                Ok(Some(Received::Binary(message))) if self.codec != Codec::Json => {
                    deliver(state.number(&message), message)
                }
                Ok(Some(_)) => {
                    let wanted = if self.codec == Codec::Json { "text" } else { "binary" };
                    let why = format!("{} is sent in {wanted} frames", self.codec.subprotocol());
                    websocket.close(CloseCode::ProtocolError.number(), &why, &mut state.outbox);
                    self.phase.set(Phase::Refusing(now + limits::CLOSE_WITHIN));
                    break;
                }
                Err(Ended::Closed) => {
                    self.phase.set(Phase::Refusing(now + limits::CLOSE_WITHIN));
                    break;
                }
                Err(Ended::Fault(code, why)) => {
                    websocket.close(code.number(), &why, &mut state.outbox);
                    self.phase.set(Phase::Refusing(now + limits::CLOSE_WITHIN));
                    break;
                }
            }
        }
        drop(guard);
        self.flush();
    }

    /// Takes a request that counts as the client's first message; its number.
    pub fn begin_with(&self, opening: &Bytes) -> u64 {
        self.state.borrow_mut().number(opening)
    }

    /// Puts a frame into the queue; it goes out with the next [`Connection::flush`].
    pub fn queue(&self, frame: Bytes, about: About, now: Instant) {
        if !matches!(self.phase.get(), Phase::Open | Phase::Draining) {
            return;
        }
        let mut state = self.state.borrow_mut();
        if state.outbox.bytes() + frame.len() > self.bounds.max_queue_bytes.max(2 * frame.len()) {
            drop(state);
            self.close(CloseCode::TooSlow.number(), CloseCode::TooSlow.message(), now);
        } else {
            state.outbox.push_about(frame, about);
        }
    }

    /// Sends nothing more of what waits about a Thing. A reply among it cannot be left out without the client's
    /// waiting for it in vain: then the connection is closed, and the client comes back.
    pub fn forget(&self, thing: ThingId, now: Instant) {
        self.flush();
        if self.state.borrow_mut().outbox.forget_about(thing) {
            self.close(CloseCode::Gap.number(), CloseCode::Gap.message(), now);
        }
    }

    /// Writes what waits, as far as the socket takes it.
    pub fn flush(&self) {
        let mut state = self.state.borrow_mut();
        match state.outbox.write_to(|frames| self.socket.try_write(frames)) {
            Ok(()) if matches!(self.phase.get(), Phase::Refusing(_)) => self.socket.shut_down_write(),
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wake.notify_one(),
            Err(_) => {
                self.phase.set(Phase::Over);
                self.wake.notify_one();
            }
        }
    }

    /// Closes with this code as soon as what has begun is written; what only waits is forgotten.
    pub fn close(&self, code: u16, reason: &str, now: Instant) {
        if matches!(self.phase.get(), Phase::Open | Phase::Draining) {
            let mut guard = self.state.borrow_mut();
            let state = &mut *guard;
            if code == CloseCode::TooSlow.number() {
                state.outbox.forget();
            }
            let until = now + limits::CLOSE_WITHIN;
            if let Some(websocket) = &mut state.websocket {
                websocket.close(code, reason, &mut state.outbox);
                self.phase.set(Phase::Closing(until));
            } else {
                metrics::close(code);
                self.phase.set(Phase::Refusing(until));
            }
            drop(guard);
            self.flush();
            self.wake.notify_one();
        }
    }

    /// A message is answered: it need not be sent again, and another one may be read.
    pub fn answered(&self, sequence: u64) {
        let mut state = self.state.borrow_mut();
        if let Some(index) = state.unanswered.iter().position(|(waiting, _)| *waiting == sequence) {
            state.unanswered.remove(index);
            if state.unanswered.is_empty() {
                state.unanswered.shrink_to(4);
            }
            if state.unanswered.len() + 1 == limits::MAX_PENDING_REQUESTS {
                self.wake.notify_one();
            }
        }
    }

    /// Messages that wait for an answer.
    pub fn unanswered(&self) -> Vec<(u64, Bytes)> {
        self.state.borrow().unanswered.iter().cloned().collect()
    }

    /// What a new SFE has to be told about the session.
    pub fn context(&self) -> Bytes {
        self.state.borrow().context.clone()
    }

    /// Replaces it.
    pub fn set_context(&self, context: Bytes) {
        self.state.borrow_mut().context = context;
    }

    /// The Things that are open here.
    pub fn open_things(&self) -> Vec<ThingId> {
        self.state.borrow().open.clone()
    }

    /// Notes that a Thing is open here, or not any more.
    pub fn set_open(&self, thing: ThingId, open: bool) {
        let mut state = self.state.borrow_mut();
        state.open.retain(|other| *other != thing);
        if open {
            state.open.push(thing);
        }
    }

    /// Takes no more messages; answers still go out.
    pub fn stop_reading(&self) {
        if self.phase.get() == Phase::Open {
            self.phase.set(Phase::Draining);
        }
    }

    /// Sends the pings that are due and gives up on clients that do not answer or do not close.
    pub fn tick(&self, now: Instant) {
        match self.phase.get() {
            Phase::Closing(until) | Phase::Refusing(until) => {
                if now >= until {
                    self.phase.set(Phase::Over);
                    self.wake.notify_one();
                }
            }
            Phase::Open | Phase::Draining => {
                let mut state = self.state.borrow_mut();
                if state.pong_due.is_some_and(|due| now >= due) {
                    drop(state);
                    self.close(CloseCode::NoPong.number(), CloseCode::NoPong.message(), now);
                } else if now >= state.next_ping && self.framing == Framing::Events {
                    state.next_ping = now + self.bounds.ping_every;
                    state.outbox.push(events::KEEP_ALIVE);
                    drop(state);
                    self.flush();
                } else if now >= state.next_ping {
                    state.next_ping = now + self.bounds.ping_every;
                    state.pong_due.get_or_insert(now + self.bounds.pong_within);
                    state.outbox.push(websocket::ping());
                    if self.codec == Codec::Yjs {
                        state.outbox.push(websocket::frame(Codec::Yjs, yjs::KEEP_ALIVE));
                    }
                    drop(state);
                    self.flush();
                }
            }
            Phase::Over => {}
        }
    }

    /// Bytes that wait to be written to the client.
    pub fn waiting_bytes(&self) -> usize {
        self.state.borrow().outbox.bytes()
    }

    /// Whether nothing more will come or go.
    pub fn is_over(&self) -> bool {
        self.phase.get() == Phase::Over
    }

    /// Whether nothing waits for this client any more.
    pub fn is_settled(&self) -> bool {
        let state = self.state.borrow();
        self.is_over() || state.unanswered.is_empty() && state.outbox.is_empty()
    }
}

/// A message as it stands on a connection; with its place in the Thing's order, where it has one.
pub fn frame(framing: Framing, codec: Codec, message: &[u8], offset: Option<u64>) -> Bytes {
    match framing {
        Framing::Websocket => websocket::frame(codec, message),
        Framing::Events => events::event(message, offset),
    }
}

impl State {
    fn number(&mut self, message: &Bytes) -> u64 {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        // A copy: the message shares its memory with whatever else was read with it.
        self.unanswered.push_back((sequence, Bytes::copy_from_slice(message)));
        sequence
    }
}
