//! An editor built on Yjs: a document, and what y-websocket's provider does to keep it together with the server's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{
    client_async,
    tungstenite::{self, Message, client::IntoClientRequest as _, http::HeaderValue},
};
use widgetapp::protocol::yjs;
use yrs::{
    Doc, GetString as _, ReadTxn as _, StateVector, Text as _, Transact as _, Update,
    updates::{decoder::Decode as _, encoder::Encode as _},
};

use crate::scene::in_time;

/// An editor, and what it shows.
pub struct Editor {
    /// Messages on their way to the server, if it is connected.
    sender: Option<mpsc::UnboundedSender<bytes::Bytes>>,
    screen: Arc<Mutex<Screen>>,
    clock: u32,
}

/// What an editor shows.
pub struct Screen {
    doc: Doc,
    /// The awareness states of others, by their clients' ids.
    pub others: HashMap<u64, Value>,
    /// Reasons for which something was refused.
    pub denied: Vec<String>,
    /// Whether the server has told what this editor lacked.
    pub synced: bool,
    /// The close codes of its connections.
    pub closed: Vec<u16>,
}

impl Editor {
    /// An editor with an empty document, not connected.
    pub fn new() -> Self {
        let screen =
            Screen { doc: Doc::new(), others: HashMap::new(), denied: Vec::new(), synced: false, closed: Vec::new() };
        Self { sender: None, screen: Arc::new(Mutex::new(screen)), clock: 0 }
    }

    /// Connects as the provider does, and says what it has.
    pub async fn connect(
        &mut self,
        address: &str,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> Result<(), tungstenite::Error> {
        let mut request = format!("ws://{address}{path}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).expect("plain text"));
        }
        let socket = TcpStream::connect(address).await.expect("the server listens");
        let (websocket, _) = in_time("the server answers the handshake", client_async(request, socket)).await?;
        let (mut writer, mut reader) = websocket.split();
        let (sender, mut sending) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(message) = sending.recv().await {
                if writer.send(Message::Binary(message)).await.is_err() {
                    return;
                }
            }
            let _ = writer.close().await;
        });
        self.screen().synced = false;
        let state_vector = self.screen().doc.transact().state_vector().encode_v1();
        let _ = sender.send(yjs::sync_message(&yjs::step_1(&state_vector)));
        let (screen, answers) = (Arc::clone(&self.screen), sender.downgrade());
        self.sender = Some(sender);
        tokio::spawn(async move {
            let mut code = 0;
            while let Some(message) = reader.next().await {
                match message {
                    Ok(Message::Binary(message)) => {
                        if let (Some(answer), Some(answers)) = (locked(&screen).take(&message), answers.upgrade()) {
                            let _ = answers.send(answer);
                        }
                    }
                    Ok(Message::Close(frame)) => code = frame.map_or(1005, |frame| frame.code.into()),
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
            locked(&screen).closed.push(code);
        });
        Ok(())
    }

    /// Sends a message of y-websocket, or whatever it is.
    pub fn send(&self, message: impl Into<bytes::Bytes>) {
        if let Some(sender) = &self.sender {
            // What the server thinks of it is told otherwise.
            let _ = sender.send(message.into());
        }
    }

    /// Loses its connection.
    pub fn disconnect(&mut self) {
        self.sender = None;
    }

    /// Types at the beginning of the notes; what it does not send it keeps.
    pub fn types(&self, text: &str) {
        let update = {
            let screen = locked(&self.screen);
            let before = screen.doc.transact().state_vector();
            let notes = screen.doc.get_or_insert_text("notes");
            notes.insert(&mut screen.doc.transact_mut(), 0, text);
            screen.doc.transact().encode_state_as_update_v1(&before)
        };
        self.send(yjs::update_message(&update));
    }

    /// Says of itself, as JSON.
    pub fn says(&mut self, state: &str) {
        self.clock += 1;
        let client = self.id();
        self.send(yjs::awareness_message(&[yjs::Awareness { client, clock: self.clock, state }]));
    }

    /// The id of its client.
    pub fn id(&self) -> u64 {
        locked(&self.screen).doc.client_id().get()
    }

    /// What it shows.
    pub fn screen(&self) -> MutexGuard<'_, Screen> {
        locked(&self.screen)
    }
}

impl Screen {
    /// The notes.
    pub fn notes(&self) -> String {
        self.doc.get_or_insert_text("notes").get_string(&self.doc.transact())
    }

    /// Takes a message of the server; what to answer.
    fn take(&mut self, message: &[u8]) -> Option<bytes::Bytes> {
        if let Some(refused) = message.strip_prefix(&[2, 0]) {
            // Behind the length; reasons are short.
            self.denied.push(String::from_utf8_lossy(&refused[1..]).into_owned());
            return None;
        }
        match yjs::read(message).expect("a message of y-websocket") {
            yjs::Message::Sync(data) => match yjs::read_sync(data).expect("it was read") {
                yjs::Sync::Step1(theirs) => {
                    let theirs = StateVector::decode_v1(theirs).expect("a state vector");
                    let update = self.doc.transact().encode_state_as_update_v1(&theirs);
                    return Some(yjs::sync_message(&yjs::step_2(&update)));
                }
                yjs::Sync::Update(update) => {
                    self.synced |= data[0] == 1;
                    let update = Update::decode_v1(update).expect("a Yjs update");
                    self.doc.transact_mut().apply_update(update).expect("it fits");
                }
            },
            yjs::Message::Awareness(data) => {
                for entry in yjs::read_awareness(data).expect("an awareness update") {
                    match serde_json::from_str(entry.state).expect("JSON") {
                        Value::Null => drop(self.others.remove(&entry.client)),
                        state => drop(self.others.insert(entry.client, state)),
                    }
                }
            }
            yjs::Message::QueryAwareness => {}
        }
        None
    }
}

fn locked(screen: &Mutex<Screen>) -> MutexGuard<'_, Screen> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}
