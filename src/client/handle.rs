//! What a program holds: it asks here, and the [`driver`](super::driver) does it.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    builder::Builder,
    connect::ConnectError,
    driver::Command,
    event::{EditBody, Events},
    frame::Frame,
    session::{Call, CallBody, RequestError},
    token::TokenSource,
    traffic::{Counters, Traffic},
};
use crate::{
    clock,
    protocol::{
        action::{
            Action, Create, Created, Edited, Form, Open, Opened, Position, Refresh, Scroll, Search, Selected, Things,
        },
        codec::Blob,
        message::Incoming,
        session::ExpiresAt,
    },
};

/// A connection to `/_stream` that comes back by itself. Cloning it gives another handle to the same
/// connection, which ends when the last handle is dropped, or at [`Client::close_stream`].
#[derive(Clone, Debug)]
pub struct Client(pub(super) Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    pub commands: mpsc::Sender<Command>,
    pub stop: watch::Sender<bool>,
    pub ended: Arc<OnceLock<ConnectError>>,
    pub counters: Arc<Counters>,
}

/// An edit to send.
#[derive(Clone, Debug)]
pub struct NewEdit {
    /// The client's own name for it; made up if there is none.
    pub key: Option<String>,
    /// The offset up to which its author had seen the Thing; the newest that the client has received,
    /// if there is none.
    pub seen: Option<u64>,
    /// The change.
    pub change: EditBody,
}

impl From<EditBody> for NewEdit {
    fn from(change: EditBody) -> Self {
        let (key, seen) = (None, None);
        Self { key, seen, change }
    }
}

impl Client {
    /// Connects to the server at `server` (`http://...` or `https://...`) and waits until it welcomes us.
    ///
    /// # Errors
    /// The server cannot be reached or refuses. To wait for a server that is not there yet, see
    /// [`Builder::keep_trying`].
    pub async fn connect(server: &str, token: impl Into<TokenSource>) -> Result<(Self, Events), ConnectError> {
        Self::builder(server, token).connect().await
    }

    /// The same with more to choose.
    pub fn builder(server: &str, token: impl Into<TokenSource>) -> Builder {
        Builder::new(server, token.into())
    }

    /// Opens a Thing: from now on its changes come as events, also after a reconnect, until it is closed.
    ///
    /// # Errors
    /// The request was refused, or the connection ended.
    pub async fn open(&self, thing: &str, form: Form) -> Result<Opened, RequestError> {
        self.open_body(thing, Open { since: None, form }).await
    }

    /// Opens a Thing of which the program already has everything up to `since`.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn open_since(&self, thing: &str, form: Form, since: Position) -> Result<Opened, RequestError> {
        let since = Some(since);
        self.open_body(thing, Open { since, form }).await
    }

    async fn open_body(&self, thing: &str, open: Open) -> Result<Opened, RequestError> {
        let call = Call::action(Action::Open, Some(thing), CallBody::Open(open));
        let reply: Reply<()> = self.call(call).await?;
        let mut frame = reply.frame().await?;
        let update = frame.body.take_update();
        let mut opened: Opened = decode(frame.body.value)?;
        opened.update = update.map(Blob);
        Ok(opened)
    }

    /// Closes a Thing.
    ///
    /// # Errors
    /// The request was refused, or the connection ended.
    pub async fn close(&self, thing: &str) -> Result<(), RequestError> {
        self.act(Action::Close, Some(thing), &serde_json::Map::new()).await.map(|_: Value| ())
    }

    /// Edits a Thing, and waits until the change is durable.
    ///
    /// # Errors
    /// The edit was refused, or the connection ended for good. A lost connection is not an error: the
    /// edit is sent again under its key.
    pub async fn edit(&self, thing: &str, change: EditBody) -> Result<Edited, RequestError> {
        self.start_edit(thing, change).await?.await
    }

    /// Starts an edit, without waiting for its acknowledgement: the reply is awaited apart, or dropped.
    /// Edits reach the server in the order in which they were started. While 128 requests
    /// ([`MAX_UNANSWERED`](super::MAX_UNANSWERED)) are unanswered, this waits.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn start_edit(&self, thing: &str, edit: impl Into<NewEdit>) -> Result<Reply<Edited>, RequestError> {
        let NewEdit { key, seen, change } = edit.into();
        let key = key.unwrap_or_else(|| clock::new_id().to_string());
        let body = CallBody::Edit(change.with_key(key), seen);
        self.call(Call::action(Action::Edit, Some(thing), body)).await
    }

    /// Looks at a Thing without opening it.
    ///
    /// # Errors
    /// The request was refused, or the connection ended.
    pub async fn select(&self, thing: &str) -> Result<Selected, RequestError> {
        self.act(Action::Select, Some(thing), &serde_json::Map::new()).await
    }

    /// Makes a new Thing.
    ///
    /// # Errors
    /// As [`Client::select`]; [`RequestError::ConnectionLost`] if it is not known whether it was made.
    pub async fn create(&self, new: &Create) -> Result<Created, RequestError> {
        self.act(Action::Create, None, new).await
    }

    /// A page of the home page's feed.
    ///
    /// # Errors
    /// As [`Client::select`].
    pub async fn scroll(&self, page: &Scroll) -> Result<Things, RequestError> {
        self.act(Action::Scroll, None, page).await
    }

    /// Shows the collaborators of an open Thing where in it this user looks.
    ///
    /// # Errors
    /// As [`Client::select`].
    pub async fn look_at(&self, thing: &str, view: Value) -> Result<(), RequestError> {
        let place = Scroll { view: Some(view), ..Scroll::default() };
        self.act(Action::Scroll, Some(thing), &place).await.map(|_: Value| ())
    }

    /// Searches what the user may see.
    ///
    /// # Errors
    /// As [`Client::select`].
    pub async fn search(&self, query: &Search) -> Result<Things, RequestError> {
        self.act(Action::Search, None, query).await
    }

    /// Fetches a Thing anew, and asks its collaborators to do the same.
    ///
    /// # Errors
    /// As [`Client::select`].
    pub async fn refresh(&self, thing: &str, since: Option<Position>) -> Result<Value, RequestError> {
        self.act(Action::Refresh, Some(thing), &Refresh { since }).await
    }

    /// Deletes a Thing.
    ///
    /// # Errors
    /// As [`Client::create`].
    pub async fn delete(&self, thing: &str) -> Result<Value, RequestError> {
        self.act(Action::Delete, Some(thing), &serde_json::Map::new()).await
    }

    /// Replaces the access token on the live connection, and for those after it. Only for programs that
    /// gave a fixed token: a [`TokenSource::from_fn`] is asked in time.
    ///
    /// # Errors
    /// The token was refused, or the connection ended.
    pub async fn refresh_token(&self, token: impl Into<String>) -> Result<ExpiresAt, RequestError> {
        let (sender, receiver) = oneshot::channel();
        self.send(Command::Token(token.into(), Some(sender))).await?;
        self.reply(receiver).await
    }

    /// Any request of any port, and its reply as it came.
    ///
    /// # Errors
    /// As [`Client::select`]; [`RequestError::ConnectionLost`] for what is not safe to send twice: all but
    /// what the contract says is safe.
    pub async fn request(
        &self,
        port: u16,
        name: &str,
        thing: Option<&str>,
        body: Value,
    ) -> Result<Incoming, RequestError> {
        let reply: Reply<()> = self.call(Call::named(port, name.into(), thing, body)).await?;
        Ok(reply.frame().await?.into_incoming())
    }

    /// Ends the connection at once; requests without a reply fail. The other handles are of no use then.
    pub async fn close_stream(&self) {
        self.0.stop.send_replace(true);
        self.0.commands.closed().await;
    }

    /// Why the connection has ended for good, if it has.
    pub fn ended(&self) -> Option<&ConnectError> {
        self.0.ended.get()
    }

    /// What has gone over its websockets so far.
    pub fn traffic(&self) -> Traffic {
        self.0.counters.read()
    }

    async fn act<T: DeserializeOwned>(
        &self,
        action: Action,
        thing: Option<&str>,
        body: &impl Serialize,
    ) -> Result<T, RequestError> {
        let body = serde_json::to_value(body).expect("the protocol's types have string keys");
        let call = Call::action(action, thing, CallBody::Value(body));
        self.call(call).await?.await
    }

    async fn call<T>(&self, call: Call) -> Result<Reply<T>, RequestError> {
        let (sender, receiver) = oneshot::channel();
        self.send(Command::Call(call, Some(sender))).await?;
        Ok(self.reply(receiver))
    }

    async fn send(&self, command: Command) -> Result<(), RequestError> {
        let sent = self.0.commands.send(command).await;
        sent.map_err(|_| end_of(&self.0.ended))
    }

    fn reply<T>(&self, receiver: oneshot::Receiver<Result<Frame, RequestError>>) -> Reply<T> {
        Reply { receiver, ended: Arc::clone(&self.0.ended), decoded_as: PhantomData }
    }
}

/// The reply to come of a request under way. Dropping it does not take the request back.
#[derive(Debug)]
pub struct Reply<T> {
    receiver: oneshot::Receiver<Result<Frame, RequestError>>,
    ended: Arc<OnceLock<ConnectError>>,
    decoded_as: PhantomData<fn() -> T>,
}

impl<T> Reply<T> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, RequestError>> {
        let received = std::task::ready!(Pin::new(&mut self.receiver).poll(cx));
        Poll::Ready(received.unwrap_or_else(|_| Err(end_of(&self.ended))))
    }

    async fn frame(mut self) -> Result<Frame, RequestError> {
        std::future::poll_fn(|cx| self.poll_frame(cx)).await
    }
}

impl<T: DeserializeOwned> Future for Reply<T> {
    type Output = Result<T, RequestError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let frame = std::task::ready!(self.poll_frame(cx));
        Poll::Ready(frame.and_then(|frame| decode(frame.body.into_value())))
    }
}

fn decode<T: DeserializeOwned>(body: Value) -> Result<T, RequestError> {
    serde_json::from_value(body).map_err(|error| RequestError::BadReply(error.to_string()))
}

fn end_of(ended: &OnceLock<ConnectError>) -> RequestError {
    // Without a reason the task was torn down with its runtime.
    RequestError::Ended(ended.get().cloned().unwrap_or(ConnectError::ByCaller))
}
