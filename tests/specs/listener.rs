//! A program that listens to server-sent events over plain HTTP, and parses them as HTML, section 9.2, says.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::{Client, Response, header::HeaderMap, redirect::Policy};
use serde_json::Value;

use crate::{
    described,
    scene::{Scene, in_time, until},
    web::Answer,
    wording::like,
};

/// What came.
#[derive(Default)]
struct Heard {
    /// The messages with their ids.
    events: Vec<(Option<String>, Value)>,
    /// What was not as the guides describe it.
    complaint: Option<String>,
    over: bool,
}

/// A program that listens.
pub struct Listener {
    pub headers: HeaderMap,
    heard: Arc<Mutex<Heard>>,
    /// How many events the feature has spoken of already.
    cursor: usize,
}

/// The answer was none of events.
pub struct Refused {
    pub answer: Answer,
}

impl Listener {
    /// Asks for events.
    pub async fn open(scene: &Scene, path: &str, headers: &[(&str, String)]) -> Result<Self, Refused> {
        let client = Client::builder().redirect(Policy::none()).build().expect("a plain client");
        let request = client.get(format!("{}{path}", scene.url()));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let answer = in_time("the server answers", request.send()).await.expect("the server answers");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        if status != 200 {
            let answer = Answer { status, headers, text: answer.text().await.expect("text") };
            check(path, &answer);
            return Err(Refused { answer });
        }
        check(path, &Answer { status, headers: headers.clone(), text: String::new() });
        let heard = Arc::new(Mutex::new(Heard::default()));
        tokio::spawn(read(answer, Arc::clone(&heard)));
        Ok(Self { headers, heard, cursor: 0 })
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        let heard = locked(&self.heard);
        if let Some(complaint) = &heard.complaint {
            panic!("{complaint}");
        }
        heard
    }

    /// Waits for a message that is like this one, after those that were spoken of before.
    pub async fn receive(&mut self, expected: &Value) {
        let from = self.cursor;
        let at = until(&format!("an event like {expected}"), || {
            let heard = self.heard();
            let mut events = heard.events.iter().enumerate().skip(from);
            events.find(|(_, (_, message))| like(expected, message)).map(|(at, _)| at)
        })
        .await;
        self.cursor = at + 1;
    }

    /// Waits for an event with this id.
    pub async fn has_id(&self, id: &str) {
        until(&format!("an event with the id {id}"), || {
            self.heard().events.iter().any(|(has, _)| has.as_deref() == Some(id)).then_some(())
        })
        .await;
    }

    /// The last id that came.
    pub fn last_id(&self) -> Option<String> {
        self.heard().events.iter().rev().find_map(|(id, _)| id.clone())
    }

    /// The ids of the events about changes.
    pub fn ids_of_changes(&self) -> Vec<String> {
        self.heard().events.iter().filter_map(|(id, _)| id.clone()).collect()
    }

    /// Waits until the server has ended the connection.
    pub async fn ended(&self) {
        until("the events end", || self.is_over().then_some(())).await;
    }

    /// Whether the connection is over.
    pub fn is_over(&self) -> bool {
        self.heard().over
    }
}

fn check(path: &str, answer: &Answer) {
    let request = described::Request { method: "GET", path, content_type: "", body: None };
    described::exchange(&request, answer).unwrap_or_else(|complaint| panic!("{complaint}"));
}

async fn read(mut answer: Response, heard: Arc<Mutex<Heard>>) {
    let mut text = Vec::new();
    while let Ok(Some(bytes)) = answer.chunk().await {
        text.extend_from_slice(&bytes);
        while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
            let event = String::from_utf8_lossy(&text[..end]).into_owned();
            text.drain(..end + 2);
            locked(&heard).take(&event);
        }
    }
    locked(&heard).over = true;
}

impl Heard {
    fn take(&mut self, event: &str) {
        let field = |name: &str| {
            let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(|value| value.strip_prefix(' ').unwrap_or(value).to_owned())
        };
        // A comment alone says nothing.
        let Some(data) = field("data") else { return };
        let message = serde_json::from_str(&data).unwrap_or(Value::Null);
        self.complaint = self.complaint.take().or(described::told(&message).err());
        self.events.push((field("id"), message));
    }
}

fn locked(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
