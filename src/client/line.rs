//! One websocket: messages out in batches, messages in as they come.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Sink as _, SinkExt as _, Stream as _};
use tokio_tungstenite::tungstenite::{
    self, Message, Utf8Bytes,
    protocol::{CloseFrame, frame::coding},
};

use super::connect::{ConnectError, Socket};
use crate::protocol::{CloseCode, Codec};

/// Messages that are read before they are looked at.
const MAX_READ_AT_ONCE: usize = 64;
/// The goodbye may take this long; then the socket is dropped.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);
/// What RFC 6455 calls a close frame without a code.
const NO_CLOSE_CODE: u16 = 1005;

pub(super) struct Line {
    socket: Socket,
    codec: Codec,
    outbox: VecDeque<Vec<u8>>,
    unflushed: bool,
    /// What has been read.
    pub inbox: Vec<Message>,
    /// Why nothing more will be.
    pub gone: Option<ConnectError>,
}

impl Line {
    pub(super) fn new(socket: Socket, codec: Codec) -> Self {
        Self {
            socket,
            codec,
            outbox: VecDeque::new(),
            unflushed: false,
            inbox: Vec::with_capacity(MAX_READ_AT_ONCE),
            gone: None,
        }
    }

    /// Queues a message; it is sent by the next [`Self::poll`], together with its neighbours.
    pub(super) fn send(&mut self, message: Vec<u8>) {
        self.outbox.push_back(message);
    }

    /// Writes what is queued, and fills the inbox if `reading`. Ready when there is something in it, or
    /// when the line is gone.
    ///
    /// Writing never stops reading, nor the other way round: a server that waits until it is read would
    /// otherwise wait for ever.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, reading: bool) -> Poll<()> {
        if let Err(error) = self.write(cx) {
            // Why the server went is in what can still be read, if it said so.
            self.gone = Some(dropped(&error));
        }
        if reading || self.gone.is_some() {
            self.read(cx);
        }
        match self.inbox.is_empty() && self.gone.is_none() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), tungstenite::Error> {
        let mut socket = Pin::new(&mut self.socket);
        while !self.outbox.is_empty() && socket.as_mut().poll_ready(cx)?.is_ready() {
            if let Some(message) = self.outbox.pop_front() {
                socket.as_mut().start_send(framed(self.codec, message))?;
                self.unflushed = true;
            }
        }
        if self.unflushed && socket.poll_flush(cx)?.is_ready() {
            self.unflushed = false;
        }
        Ok(())
    }

    fn read(&mut self, cx: &mut Context<'_>) {
        while self.inbox.len() < MAX_READ_AT_ONCE {
            match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(Message::Close(frame)))) => {
                    self.gone = Some(closed(frame));
                    return;
                }
                Poll::Ready(Some(Ok(message))) => self.inbox.push(message),
                Poll::Ready(Some(Err(error))) => {
                    self.gone.get_or_insert_with(|| dropped(&error));
                    return;
                }
                Poll::Ready(None) => {
                    self.gone.get_or_insert_with(|| closed(None));
                    return;
                }
            }
        }
    }

    /// Says goodbye, without waiting for long.
    pub(super) async fn close(mut self) {
        let goodbye = async {
            let frame = CloseFrame { code: coding::CloseCode::Normal, reason: Utf8Bytes::default() };
            self.socket.send(Message::Close(Some(frame))).await?;
            // Until the server has answered: else what it still sends meets a closed socket, and the
            // reset may overtake our close frame.
            std::future::poll_fn(|cx| {
                while let Some(message) = std::task::ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                    message?;
                }
                Poll::Ready(Ok::<_, tungstenite::Error>(()))
            })
            .await
        };
        // Whatever fails here, the socket is dropped next.
        let _ = tokio::time::timeout(GOODBYE_WITHIN, goodbye).await;
    }

    /// Answers the server's close frame.
    pub(super) async fn answer_close(mut self) {
        let _ = tokio::time::timeout(GOODBYE_WITHIN, self.socket.flush()).await;
    }
}

fn framed(codec: Codec, message: Vec<u8>) -> Message {
    match codec {
        Codec::Json => Message::text(String::from_utf8(message).expect("serde_json writes UTF-8")),
        Codec::Cbor | Codec::Yjs => Message::binary(message),
    }
}

fn dropped(error: &tungstenite::Error) -> ConnectError {
    ConnectError::Dropped(error.to_string())
}

fn closed(frame: Option<CloseFrame>) -> ConnectError {
    let (code, reason) = frame.map_or((NO_CLOSE_CODE, Utf8Bytes::default()), |frame| (frame.code.into(), frame.reason));
    let known = CloseCode::ALL.iter().find(|known| known.number() == code);
    let reason = match (reason.as_str(), known) {
        ("", Some(known)) => known.message(),
        ("", None) => "it did not say why",
        (reason, _) => reason,
    };
    ConnectError::Closed { code, reason: reason.into() }
}
