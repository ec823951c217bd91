//! Step 1: takes the connections that WFE hands over and places each in a `_stream`.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    io,
    os::fd::OwnedFd,
    rc::Rc,
    time::Instant,
};

use tokio::sync::Notify;
use tokio_seqpacket::UnixSeqpacket;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use uuid::Uuid;

use super::{
    events, filter_chain,
    front::{self, Front},
    request_context::RequestContext,
    split, yjs,
};
use crate::{
    clock,
    config::Config,
    ipc::{
        load::Load,
        messages::{Becomes, Framing, Handover, Placement, WfeUp},
        passing,
    },
    limiter::seldom,
    protocol::{Codec, Outgoing, session},
    proxies::Proxies,
};

/// Where connections come in.
pub struct Door {
    number: u16,
    node: String,
    echo: bool,
    welcome: WelcomeTerms,
    proxies: Proxies,
    /// The sessions behind it.
    pub front: Rc<RefCell<Front>>,
    /// Channels for sockets, of the `_stream`s that are there.
    channels: RefCell<BTreeMap<u16, Rc<UnixSeqpacket>>>,
    /// How many `_stream`s this instance has.
    streams: u16,
    /// Until all of them have told what they hold, it is not known which connections are here already.
    all_attached: Cell<bool>,
    waiting: RefCell<Vec<(Handover, OwnedFd)>>,
    /// Sockets on their way to a `_stream`.
    travelling: RefCell<HashMap<Uuid, u16>>,
    /// Rung when clients have come or gone.
    pub clients_changed: Rc<Notify>,
    /// Messages of clients, since the start.
    pub received: Cell<u64>,
    /// Messages of WFE on their way to clients, since the start.
    pub sent: Cell<u64>,
}

struct WelcomeTerms {
    ping_ms: u64,
    pong_ms: u64,
    max_frame_bytes: usize,
    max_things: usize,
}

impl Door {
    /// The door of instance `number`.
    pub fn new(number: u16, config: &Config, front: Rc<RefCell<Front>>) -> Self {
        Self {
            number,
            node: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            echo: config.server.echo,
            welcome: WelcomeTerms {
                ping_ms: config.stream.ping_ms,
                pong_ms: config.stream.pong_ms,
                max_frame_bytes: config.stream.max_frame_bytes,
                max_things: config.stream.max_things,
            },
            proxies: Proxies::new(config.server.trusted_proxies.clone()),
            front,
            channels: RefCell::default(),
            streams: config.sfe.streams_per_instance,
            all_attached: Cell::new(false),
            waiting: RefCell::default(),
            travelling: RefCell::default(),
            clients_changed: Rc::default(),
            received: Cell::new(0),
            sent: Cell::new(0),
        }
    }

    /// What this process has to do.
    pub fn load(&self) -> Load {
        let front = self.front.borrow();
        Load {
            clients: u32::try_from(front.sessions()).unwrap_or(u32::MAX),
            received: self.received.get(),
            sent: self.sent.get(),
            waiting_bytes: front.waiting_bytes() as u64,
        }
    }

    /// A `_stream` is there and can take sockets.
    ///
    /// # Errors
    /// Its channel cannot be used.
    pub fn open_stream(self: &Door, stream: u16, sockets: &OwnedFd) -> io::Result<()> {
        let channel = UnixSeqpacket::try_from(sockets.try_clone()?)?;
        self.channels.borrow_mut().insert(stream, Rc::new(channel));
        if self.channels.borrow().len() >= usize::from(self.streams) {
            self.all_attached.set(true);
        }
        if self.all_attached.get() {
            for (handover, socket) in self.waiting.take() {
                self.place(handover, socket);
            }
        }
        Ok(())
    }

    /// A `_stream` is gone: what was on its way there has to be handed over again.
    pub fn lose_stream(&self, stream: u16) {
        self.channels.borrow_mut().remove(&stream);
        let mut front = self.front.borrow_mut();
        self.travelling.borrow_mut().retain(|session, to| {
            if *to == stream {
                front.tell_wfe(&WfeUp::Lost(*session));
            }
            *to != stream
        });
        front.lose_stream(stream);
    }

    /// A socket has reached its `_stream`, or is closed.
    pub fn arrived(&self, session: Uuid) {
        self.clients_changed.notify_one();
        self.travelling.borrow_mut().remove(&session);
    }

    /// WFE hands a connection over.
    pub fn knock(&self, handover: Handover, mut sockets: Vec<OwnedFd>) {
        let Some(socket) = sockets.pop() else {
            // It came without: this process has no descriptors left.
            let session = handover.admission.session;
            seldom!(error, "no descriptors are left: new clients are refused; allow more open files");
            return self.front.borrow().tell_wfe(&WfeUp::NoRoom(session));
        };
        if self.all_attached.get() && !self.channels.borrow().is_empty() {
            self.place(handover, socket);
        } else {
            self.waiting.borrow_mut().push((handover, socket));
        }
    }

    fn place(&self, handover: Handover, socket: OwnedFd) {
        let session = handover.admission.session;
        if self.front.borrow().has(session) {
            // It was placed before this process or its link to WFE was new; only the word of it was lost.
            if !self.travelling.borrow().contains_key(&session) {
                self.front.borrow().tell_wfe(&WfeUp::Taken(session));
            }
            return;
        }
        let now = clock::now();
        let stream = self.front.borrow().least_loaded();
        let found = stream.and_then(|stream| Some((stream, self.channels.borrow().get(&stream)?.clone())));
        let Some((stream, channel)) = found else {
            self.waiting.borrow_mut().push((handover, socket));
            return;
        };
        let placement = self.placement(handover, stream, now);
        self.travelling.borrow_mut().insert(session, stream);
        tokio::task::spawn_local(async move {
            if let Err(error) = passing::send(&channel, &placement, &[&socket]).await {
                // The link to this `_stream` is over too, which has the connection handed over again.
                tracing::debug!(%error, "a socket did not reach its _stream");
            }
        });
    }

    fn placement(&self, handover: Handover, stream: u16, now: Instant) -> Placement {
        let Handover { admission, read } = handover;
        let (codec, session, becomes) = (admission.codec, admission.session, admission.becomes.clone());
        let context = filter_chain::build(admission, &self.proxies);
        tracing::debug!(
            session = %session, request_id = context.request_id, client = %context.client_address,
            user = context.principal().name, stream, "a session begins"
        );
        let (answer, framing, opening) = match becomes {
            Becomes::Websocket { key, subprotocol } => {
                let answer = switching_protocols(&key, subprotocol.as_deref()).into();
                (answer, Framing::Websocket, context.thing.map(yjs::opening))
            }
            Becomes::Events { since } => {
                let opening = context.thing.map(|thing| events::opening(thing, since));
                (events::head(&context.request_id), Framing::Events, opening)
            }
        };
        let welcome = (!self.echo && codec != Codec::Yjs)
            .then(|| codec.encode(&Outgoing::push(session::PORT, "welcome", self.welcome(&context, stream))).into());
        let (encoded, request_id) = (front::encode_context(&context), context.request_id.clone());
        self.front.borrow_mut().begin(stream, context, &[], now);
        let (context, echo) = (encoded, self.echo);
        Placement { session, request_id, context, codec, framing, echo, answer, welcome, opening, read }
    }

    fn welcome(&self, context: &RequestContext, stream: u16) -> session::Welcome {
        session::Welcome {
            session: context.session.to_string(),
            user: context.principal().name.clone(),
            organisation: context.principal().organisation.clone(),
            expires_at: context.expires_at,
            ping_ms: self.welcome.ping_ms,
            pong_ms: self.welcome.pong_ms,
            max_frame_bytes: self.welcome.max_frame_bytes,
            max_things: self.welcome.max_things,
            ports: split::PORTS.into_iter().map(|(name, port)| (name.to_owned(), port)).collect(),
            sfe: self.number.to_string(),
            stream: format!("{}.{stream}", self.number),
            node: self.node.clone(),
        }
    }
}

/// RFC 6455, section 4.2.2.
fn switching_protocols(key: &str, subprotocol: Option<&str>) -> String {
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
        derive_accept_key(key.as_bytes())
    );
    if let Some(subprotocol) = subprotocol {
        answer += &format!("Sec-WebSocket-Protocol: {subprotocol}\r\n");
    }
    answer + "\r\n"
}
