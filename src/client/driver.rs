//! The task that owns the connection: moves bytes between the socket and the [`Session`], and connects
//! again. What is said, and in which order, is the session's business.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::sleep_until,
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    back_off::BackOff,
    connect::{ConnectError, Target},
    event::Event,
    frame::Frame,
    line::Line,
    session::{Call, CallBody, Output, RequestError, Session},
    token::{Source, TokenFuture, TokenSource},
    traffic::Counters,
};
use crate::{
    clock,
    protocol::{
        Codec, limits,
        session::{self, Refresh},
    },
};

/// Requests that wait for their replies; while there are so many, callers wait.
pub const MAX_UNANSWERED: usize = 128;
/// Requests taken from their callers at once.
const MAX_TAKEN_AT_ONCE: usize = 64;
/// The wait before a fresh token is asked for again while a connection stands.
const TOKEN_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// As good as never.
const A_LONG_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the reply to a request goes; `None` for those of the client itself.
pub(super) type ReplyTo = Option<oneshot::Sender<Result<Frame, RequestError>>>;

pub(super) enum Command {
    Call(Call, ReplyTo),
    /// Use this token from now on.
    Token(String, ReplyTo),
}

pub(super) struct Driver {
    pub target: Target,
    pub codec: Codec,
    pub tokens: TokenSource,
    /// Whether the very first connection is tried until it stands.
    pub keep_trying: bool,
    pub commands: mpsc::Receiver<Command>,
    /// Turns true, or loses its sender, when the program wants no more.
    pub stop: watch::Receiver<bool>,
    pub events: mpsc::Sender<Event>,
    /// Told once: that the first connection stands, or why there is none.
    pub ready: Option<oneshot::Sender<Result<(), ConnectError>>>,
    pub ended: Arc<OnceLock<ConnectError>>,
    pub counters: Arc<Counters>,
}

/// Why a connection, or the wait for one, is over.
enum Parting {
    Lost(ConnectError),
    /// The server asked to come back.
    Left,
    Stopped,
}

pub(super) async fn run(driver: Driver) {
    let session = Session::new(driver.codec);
    let state = Running {
        driver,
        session,
        backlog: VecDeque::new(),
        batch: Vec::with_capacity(MAX_TAKEN_AT_ONCE),
        back_off: BackOff::default(),
        silence: limits::PING_EVERY + limits::PONG_WITHIN,
        leave_at: None,
        fetching: None,
        fetch_at: None,
    };
    state.run().await;
}

struct Running {
    driver: Driver,
    session: Session<ReplyTo>,
    /// Events that did not fit into the channel. While there are any, the socket is not read.
    backlog: VecDeque<Event>,
    batch: Vec<Command>,
    back_off: BackOff,
    /// If nothing comes for so long, the connection is dead.
    silence: Duration,
    /// When to come back, if the server named a time.
    leave_at: Option<Instant>,
    fetching: Option<TokenFuture>,
    fetch_at: Option<Instant>,
}

impl Running {
    async fn run(mut self) {
        loop {
            let reason = match self.connect_and_converse().await {
                Parting::Stopped => return self.finish(ConnectError::ByCaller).await,
                Parting::Left => continue,
                Parting::Lost(reason) => reason,
            };
            let first_failed = self.driver.ready.is_some() && !self.driver.keep_trying;
            if first_failed || !reason.temporary() {
                return self.finish(reason).await;
            }
            let now = clock::now();
            let retry_in = match self.leave_at.take() {
                Some(at) => at.saturating_duration_since(now),
                None => self.back_off.after_failure(reason.retry_after(), clock::jitter),
            };
            self.session.disconnected(reason, retry_in);
            if self.wait_until(now + retry_in).await {
                return self.finish(ConnectError::ByCaller).await;
            }
        }
    }

    async fn connect_and_converse(&mut self) -> Parting {
        let (fetching, driver) = (&mut self.fetching, &mut self.driver);
        (*fetching, self.fetch_at, self.leave_at) = (None, None, None);
        let connecting = async {
            let token = driver.tokens.token().await?;
            driver.target.connect(&token).await
        };
        let connected = tokio::select! {
            connected = connecting => connected,
            // Both a change and the loss of the sender say stop.
            _ = driver.stop.changed() => return Parting::Stopped,
        };
        match connected {
            Err(reason) => Parting::Lost(reason),
            Ok(socket) => {
                let mut line = Line::new(socket, driver.codec);
                let parting = self.converse(&mut line).await;
                match &parting {
                    Parting::Lost(ConnectError::Closed { .. }) => line.answer_close().await,
                    Parting::Lost(_) => {}
                    Parting::Left | Parting::Stopped => line.close().await,
                }
                parting
            }
        }
    }

    async fn converse(&mut self, line: &mut Line) -> Parting {
        let mut last_heard = clock::now();
        let mut alarm = std::pin::pin!(sleep_until(last_heard.into()));
        loop {
            self.act(Some(line));
            let (reading, room) = (self.backlog.is_empty(), self.room());
            // A deadline that moves away is looked at when the old one has passed: setting an alarm for
            // each message would cost more than the message.
            let deadline = self.deadline(last_heard, reading);
            if deadline < alarm.deadline().into_std() || alarm.is_elapsed() {
                alarm.as_mut().reset(deadline.into());
            }
            tokio::select! {
                _ = self.driver.stop.changed() => return Parting::Stopped,
                () = std::future::poll_fn(|cx| line.poll(cx, reading)) => {
                    last_heard = clock::now();
                    if let Err(error) = self.take_in(line, last_heard) {
                        // What came before the end counts: a welcome, for example.
                        self.act(None);
                        return Parting::Lost(error);
                    }
                }
                taken = self.driver.commands.recv_many(&mut self.batch, MAX_TAKEN_AT_ONCE), if room => {
                    if taken == 0 {
                        return Parting::Stopped;
                    }
                    self.take_commands();
                }
                room = has_room(&self.driver.events), if !reading => {
                    self.deliver(room);
                    // What was not read meanwhile does not count as silence.
                    last_heard = clock::now();
                }
                token = fetched(&mut self.fetching) => {
                    self.fetching = None;
                    match token {
                        Ok(token) => self.session.request(refresh(token), None),
                        Err(error) => {
                            self.fetch_at = error.temporary.then(|| clock::now() + TOKEN_AGAIN_AFTER);
                        }
                    }
                }
                () = &mut alarm => {
                    if let Some(parting) = self.alarm(last_heard, reading) {
                        return parting;
                    }
                }
            }
        }
    }

    fn deadline(&self, last_heard: Instant, reading: bool) -> Instant {
        // Whoever does not listen cannot tell silence.
        let silence = if reading { self.silence } else { A_LONG_TIME };
        [self.session.deadline(), self.leave_at, self.fetch_at]
            .into_iter()
            .flatten()
            .fold(last_heard + silence, Instant::min)
    }

    /// Something may be due.
    fn alarm(&mut self, last_heard: Instant, reading: bool) -> Option<Parting> {
        let now = clock::now();
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.session.deadline()) {
            self.session.tick(now);
        }
        if due(self.fetch_at) {
            self.fetch_at = None;
            self.fetching = self.driver.tokens.fresh();
        }
        if due(self.leave_at) {
            self.leave_at = None;
            let reason = ConnectError::Dropped("the server asked to reconnect".into());
            self.session.disconnected(reason, Duration::ZERO);
            return Some(Parting::Left);
        }
        let silent = reading && now >= last_heard + self.silence;
        silent.then(|| Parting::Lost(ConnectError::Dropped("nothing came for too long".into())))
    }

    /// Takes what the line has read.
    fn take_in(&mut self, line: &mut Line, now: Instant) -> Result<(), ConnectError> {
        for message in line.inbox.drain(..) {
            if message.is_text() || message.is_binary() {
                self.driver.counters.received(message.len());
            }
            let frame = match &message {
                Message::Text(text) => Frame::decode(Codec::Json, text.as_bytes()),
                Message::Binary(bytes) => Frame::decode(Codec::Cbor, bytes),
                _ => continue,
            };
            let frame = frame.map_err(|error| ConnectError::Protocol(error.to_string()))?;
            self.session.received(now, frame);
        }
        self.driver.counters.out_of_place(self.session.repeated(), self.session.gaps());
        line.gone.take().map_or(Ok(()), Err)
    }

    fn room(&self) -> bool {
        self.session.unanswered() < MAX_UNANSWERED
    }

    fn take_commands(&mut self) {
        for command in self.batch.drain(..) {
            match command {
                Command::Call(call, reply) => self.session.request(call, reply),
                Command::Token(token, reply) => {
                    if let Source::Fixed(fixed) = &mut self.driver.tokens.0 {
                        fixed.clone_from(&token);
                    }
                    self.session.request(refresh(token), reply);
                }
            }
        }
    }

    /// Does what the session wants done.
    fn act(&mut self, mut line: Option<&mut Line>) {
        while let Some(output) = self.session.output() {
            match output {
                Output::Send(message) => {
                    if let Some(line) = &mut line {
                        self.driver.counters.sent(message.len());
                        line.send(message);
                    }
                }
                Output::Event(event) => self.tell(event),
                Output::Reply(Some(reply), result) => {
                    // Whoever asked may have gone away meanwhile.
                    let _ = reply.send(result);
                }
                Output::Reply(None, _) => {}
                Output::TokenWanted => self.fetching = self.fetching.take().or_else(|| self.driver.tokens.fresh()),
                Output::Leave(delay) => self.leave_at = Some(clock::now() + delay),
            }
        }
    }

    fn tell(&mut self, event: Event) {
        if let Event::Welcome(welcome) = &event {
            self.silence = Duration::from_millis(welcome.ping_ms.saturating_add(welcome.pong_ms).max(1));
            self.back_off.succeeded();
            if let Some(ready) = self.driver.ready.take() {
                let _ = ready.send(Ok(()));
            }
        }
        if !self.backlog.is_empty() {
            self.backlog.push_back(event);
        } else if let Err(mpsc::error::TrySendError::Full(event)) = self.driver.events.try_send(event) {
            self.backlog.push_back(event);
        }
    }

    /// Moves waiting events to the program; `false` says that it listens no more.
    fn deliver(&mut self, listening: bool) {
        if !listening {
            self.backlog.clear();
        }
        while let Some(event) = self.backlog.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(event)) = self.driver.events.try_send(event) {
                return self.backlog.push_front(event);
            }
        }
    }

    /// Waits without a connection; requests are taken meanwhile, and sent when there is one. Returns
    /// true if the program wants no more.
    async fn wait_until(&mut self, at: Instant) -> bool {
        let mut alarm = std::pin::pin!(sleep_until(at.into()));
        loop {
            self.act(None);
            let (heard, room) = (self.backlog.is_empty(), self.room());
            tokio::select! {
                _ = self.driver.stop.changed() => return true,
                taken = self.driver.commands.recv_many(&mut self.batch, MAX_TAKEN_AT_ONCE), if room => {
                    if taken == 0 {
                        return true;
                    }
                    self.take_commands();
                }
                room = has_room(&self.driver.events), if !heard => self.deliver(room),
                () = &mut alarm => return false,
            }
        }
    }

    async fn finish(mut self, reason: ConnectError) {
        // Only this task sets it, and only here.
        let _ = self.driver.ended.set(reason.clone());
        if let Some(ready) = self.driver.ready.take() {
            let _ = ready.send(Err(reason.clone()));
        }
        self.driver.commands.close();
        while let Some(command) = self.driver.commands.recv().await {
            let (Command::Call(_, reply) | Command::Token(_, reply)) = command;
            if let Some(reply) = reply {
                let _ = reply.send(Err(RequestError::Ended(reason.clone())));
            }
        }
        self.session.ended(reason);
        self.act(None);
        for event in self.backlog {
            if self.driver.events.send(event).await.is_err() {
                return;
            }
        }
    }
}

async fn has_room(events: &mpsc::Sender<Event>) -> bool {
    events.reserve().await.is_ok()
}

async fn fetched(fetching: &mut Option<TokenFuture>) -> Result<String, super::TokenError> {
    match fetching {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

fn refresh(token: String) -> Call {
    Call {
        port: session::PORT,
        name: "refresh".into(),
        thing: None,
        body: CallBody::Value(serde_json::to_value(Refresh { token }).expect("a struct of strings")),
    }
}
