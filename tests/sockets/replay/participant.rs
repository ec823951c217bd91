//! One client of the session: an author, or one that only listens.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use widgetapp::{
    client::{Client, EditBody, Event, Events, NewEdit, Reply},
    clock,
    protocol::action::{Edited, Form},
};

use super::{NAMES, author::Author, session::Step};
use crate::product::PATIENCE;

/// Edits that may be made before everyone has heard of them. Who missed more than 1,000 changes is sent the
/// whole state, which does not tell an author what the other had typed at a certain time.
const AHEAD: u64 = 800;

/// How far everyone is.
#[derive(Default)]
pub struct Pace {
    sent: AtomicU64,
    heard: [AtomicU64; 3],
}

impl Pace {
    fn allows_more(&self) -> bool {
        let slowest = self.heard.iter().map(|heard| heard.load(Ordering::Relaxed)).min().unwrap_or(0);
        self.sent.load(Ordering::Relaxed) < slowest + AHEAD
    }
}

pub struct Participant {
    number: usize,
    thing: String,
    client: Client,
    events: Events,
    author: Author,
    heard: Vec<u64>,
    reconnects: usize,
    pace: Arc<Pace>,
}

/// What came of it for one client.
pub struct Outcome {
    pub number: usize,
    pub text: String,
    /// Offsets in the order in which they came.
    pub heard: Vec<u64>,
    /// Keys and offsets, as the replies said.
    pub acknowledged: HashMap<String, u64>,
    /// The longest time in which an edit waited and none was acknowledged.
    pub longest_pause: Duration,
    pub reconnects: usize,
}

impl Participant {
    pub async fn open(number: usize, client: Client, events: Events, thing: &str, pace: Arc<Pace>) -> Self {
        let opened = client.open(thing, Form::Yjs).await.expect("the Thing opens");
        let author = Author::new(number as u64);
        author.apply(&opened.update.expect("its state").0);
        Self { number, thing: thing.into(), client, events, author, heard: vec![], reconnects: 0, pace }
    }

    /// Types all steps, listens up to the last change.
    pub async fn run(mut self, steps: Vec<Step>, last: u64) -> Outcome {
        let (replies, arriving) = mpsc::unbounded_channel();
        let mut collecting = tokio::spawn(collect(arriving));
        for (n, step) in steps.iter().enumerate() {
            while !self.author.merge(step.after_other) || !self.pace.allows_more() {
                // Others may have come further meanwhile, which no event tells.
                let _ = tokio::time::timeout(Duration::from_millis(2), self.listen()).await;
            }
            let key = format!("{}-{n}", self.number);
            let change = EditBody::Update(self.author.type_in(&step.patches));
            let reply = self.start(NewEdit { key: Some(key.clone()), seen: None, change }).await;
            self.pace.sent.fetch_add(1, Ordering::Relaxed);
            replies.send((key, reply)).expect("they are collected");
        }
        drop(replies);
        let mut collected = None;
        while self.heard.last() != Some(&last) || collected.is_none() {
            tokio::select! {
                done = &mut collecting, if collected.is_none() => collected = Some(done.expect("every edit is acknowledged")),
                () = self.listen() => {}
            }
        }
        let (acknowledged, longest_pause) = collected.expect("the loop ends with it");
        self.author.merge(usize::MAX);
        let (text, heard, reconnects) = (self.author.text(), self.heard, self.reconnects);
        Outcome { number: self.number, text, heard, acknowledged, longest_pause, reconnects }
    }

    /// Starts an edit, listening meanwhile: a client whose events nobody reads does not read either.
    async fn start(&mut self, edit: NewEdit) -> Reply<Edited> {
        let (client, thing) = (self.client.clone(), self.thing.clone());
        let mut starting = pin!(client.start_edit(&thing, edit));
        while let Some(event) = self.events.try_recv() {
            self.hear(event);
        }
        loop {
            tokio::select! {
                biased;
                reply = &mut starting => return reply.expect("an edit can be sent"),
                () = self.listen() => {}
            }
        }
    }

    async fn listen(&mut self) {
        let event = self.events.recv().await.expect("the connection does not end");
        self.hear(event);
        while let Some(event) = self.events.try_recv() {
            self.hear(event);
        }
    }

    fn hear(&mut self, event: Event) {
        let offset = match event {
            Event::Update { offset, update, body, .. } => {
                let is_own = NAMES.get(self.number).is_some_and(|name| body["user"] == *name);
                if !is_own {
                    self.author.hear(update);
                }
                offset
            }
            // Without a change it comes as an update.
            Event::Acked { offset, change: Some(_), .. } => offset,
            Event::Reset { .. } | Event::Lost { .. } | Event::Ended(_) => panic!("client {}: {event:?}", self.number),
            Event::Disconnected { reason, .. } => {
                println!("client {} lost its connection: {reason}", self.number);
                self.reconnects += 1;
                return;
            }
            _ => return,
        };
        self.heard.push(offset);
        self.pace.heard[self.number].store(self.heard.len() as u64, Ordering::Relaxed);
    }
}

/// Waits for the replies; keys, offsets, and the longest time without one.
async fn collect(mut arriving: mpsc::UnboundedReceiver<(String, Reply<Edited>)>) -> (HashMap<String, u64>, Duration) {
    let (mut acknowledged, mut longest) = (HashMap::new(), Duration::ZERO);
    while let Some((key, reply)) = arriving.recv().await {
        let waiting_since: Instant = clock::now();
        let reply = tokio::time::timeout(PATIENCE, reply).await;
        let reply = reply.unwrap_or_else(|_| panic!("the edit {key} is not answered within {PATIENCE:?}"));
        let edited = reply.unwrap_or_else(|error| panic!("the edit {key} was refused: {error}"));
        assert!(edited.durable);
        longest = longest.max(waiting_since.elapsed());
        assert_eq!(acknowledged.insert(key, edited.offset), None);
    }
    (acknowledged, longest)
}
