//! Someone who works with Things, through the Rust client.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use widgetapp::{
    client::{Client, ConnectError, Credentials, EditBody, Event, Http, Login, NewEdit},
    protocol::{
        Codec,
        action::{Action, Edited, Form},
        message::Incoming,
    },
};

use crate::scene::{Scene, in_time, until};

/// A person with a login, perhaps connected.
pub struct Person {
    /// Their login.
    pub login: Login,
    client: Option<Client>,
    certificate: Option<String>,
    screen: Arc<Mutex<Screen>>,
}

/// What a person has before them.
#[derive(Default)]
pub struct Screen {
    /// All that happened on the connection.
    pub events: Vec<Event>,
    /// The open Thing as its changes have made it.
    pub content: Value,
    /// The changes that were seen, in the order in which they came.
    pub offsets: Vec<u64>,
}

impl Person {
    /// Someone with the demonstration's password.
    pub fn new(scene: &Scene, name: &str) -> Self {
        let product = scene.product();
        let name = name.to_lowercase();
        let password = product.demo()["users"][&name]["password"].as_str().expect("a user").to_owned();
        let certificate = scene.certificate.clone();
        let trusted = certificate.as_deref().map(str::as_bytes);
        let http = Http::new(&scene.url(), trusted).expect("the product has a good address");
        let login = Login::new(http, Credentials::User { name, password });
        Self { login, client: None, certificate, screen: Arc::default() }
    }

    /// Opens a stream.
    pub async fn connect(&mut self, url: &str, codec: Codec) -> Result<(), ConnectError> {
        let mut builder = Client::builder(url, self.login.clone()).codec(codec);
        if let Some(certificate) = &self.certificate {
            builder = builder.tls_root(certificate.as_bytes());
        }
        let (client, mut events) = in_time("the stream opens", builder.connect()).await?;
        let screen = Arc::clone(&self.screen);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                screen.lock().unwrap_or_else(PoisonError::into_inner).show(event);
            }
        });
        self.client = Some(client);
        Ok(())
    }

    /// Opens a Thing; the epoch and offset at which it stands.
    pub async fn open(&self, thing: &str) -> (String, u64) {
        let opened = in_time("the Thing opens", self.client().open(thing, Form::Json)).await.expect("it may be opened");
        let mut screen = self.screen();
        screen.content = opened.content.expect("a Thing opened anew has its content");
        screen.offsets = vec![opened.offset];
        (opened.epoch, opened.offset)
    }

    /// The connection.
    pub fn client(&self) -> &Client {
        self.client.as_ref().expect("the feature has opened a stream for them")
    }

    /// Edits the Thing, and waits until the change is durable.
    pub async fn edit(&self, thing: &str, patch: Value) -> Edited {
        let edited = in_time("the edit is acknowledged", self.client().edit(thing, EditBody::Patch(patch))).await;
        edited.expect("the edit is taken")
    }

    /// Edits the Thing as it was at `seen`.
    pub async fn edit_as_of(&self, thing: &str, seen: u64, patch: Value) -> Edited {
        let edit = NewEdit { key: None, seen: Some(seen), change: EditBody::Patch(patch) };
        let reply = self.client().start_edit(thing, edit).await.expect("the connection stands");
        in_time("the edit is acknowledged", reply).await.expect("the edit is taken")
    }

    /// A user action on the pages of the product, as any browser asks for it.
    pub async fn ask(&self, action: Action, thing: Option<&str>, body: Value) -> Result<Value, String> {
        let body = body.as_object().cloned().unwrap_or_default();
        in_time("the page answers", self.login.call(action, thing, body)).await.map_err(|error| error.to_string())
    }

    /// What they have before them. A step that fails while it looks leaves it as it is.
    pub fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until they have this before them.
    pub async fn sees(&self, what: &str, is_there: impl Fn(&Screen) -> bool) {
        until(what, || is_there(&self.screen()).then_some(())).await;
    }

    /// For the report of a failure.
    pub fn account(&self) -> String {
        let screen = self.screen();
        let mut account = String::new();
        for event in &screen.events {
            let _ = writeln!(account, "  {event:?}");
        }
        let _ = writeln!(account, "  the Thing: {}\n  changes seen: {:?}", screen.content, screen.offsets);
        account
    }
}

impl Screen {
    fn show(&mut self, event: Event) {
        match &event {
            Event::Message(Incoming { offset: Some(offset), body, .. }) => self.change(*offset, &body["patch"]),
            Event::Acked { offset, change: Some(EditBody::Patch(patch)), .. } => self.change(*offset, patch),
            Event::Reset { opened, .. } => {
                self.content = opened.content.clone().unwrap_or_default();
                self.offsets.push(opened.offset);
            }
            _ => {}
        }
        self.events.push(event);
    }

    fn change(&mut self, offset: u64, patch: &Value) {
        self.offsets.push(offset);
        let patch: json_patch::Patch = serde_json::from_value(patch.clone()).unwrap_or_default();
        if let Err(error) = json_patch::patch(&mut self.content, &patch) {
            self.content = Value::String(format!("the change {offset} does not fit: {error}"));
        }
    }

    /// What was pushed: name and body.
    pub fn pushed(&self) -> impl Iterator<Item = &Incoming> {
        self.events.iter().filter_map(|event| match event {
            Event::Message(message) => Some(message),
            _ => None,
        })
    }

    /// How often a connection stood.
    pub fn welcomes(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Welcome(_))).count()
    }

    /// The close code with which the connection ended for good.
    pub fn ended(&self) -> Option<u16> {
        self.events.iter().find_map(|event| match event {
            Event::Ended(ConnectError::Closed { code, .. }) => Some(*code),
            _ => None,
        })
    }
}
