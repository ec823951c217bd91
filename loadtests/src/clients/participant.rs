//! A client that has a stream and a Thing open from the beginning of a step to its end.

use std::{
    pin::Pin,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use capacity::{
    load::{mix::Role, schedule::Schedule},
    measured::order::Order,
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::{sync::watch, time::timeout};
use widgetapp::{
    client::{Client, Event, Events, NewEdit, RequestError},
    clock as time,
    protocol::action::{Edited, Opened, Position},
};

use super::{mark, writing::Pen};
use crate::{
    clock,
    step::{Phase, Scene, Shared},
};

/// Opening a stream and a Thing takes no longer, also if the server asks to come again later.
const CONNECT_WITHIN: Duration = Duration::from_secs(60);
/// Events that wait for a client; more wait in its socket.
const WAITING_EVENTS: usize = 256;
/// Edits of one client that may be under way; those that become due meanwhile are late.
const UNDER_WAY: i64 = 100;
/// A client that comes and goes stays for so long.
const STAYS: Duration = Duration::from_secs(5);
/// How often those who have finished look whether the others have.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The wait before an edit is sent again that the server has put off.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// See the module.
struct Participant {
    scene: Shared,
    number: usize,
    thing: usize,
    client: Client,
    events: Events,
    epoch: String,
    order: Order,
    editing: Option<Editing>,
    /// When it leaves and comes again, if it does.
    leaves_at: Option<Instant>,
    is_away: bool,
}

struct Editing {
    pen: Pen,
    /// Those that are not answered.
    answers: FuturesUnordered<Answer>,
    schedule: Schedule,
    from_nanos: u64,
    until_nanos: u64,
    under_way: i64,
}

/// An edit, and what became of it.
type Answer = Pin<Box<dyn Future<Output = (NewEdit, Result<Edited, RequestError>)> + Send>>;

/// Takes part, from connecting to leaving.
pub async fn take_part(scene: Shared, number: usize, role: Role) {
    let mut phase = scene.phase.clone();
    let began = time::now();
    let joined = timeout(CONNECT_WITHIN, join(&scene, number, None)).await;
    let (client, events, opened) = match joined.unwrap_or_else(|_| Err("it took too long".into())) {
        Ok(joined) => joined,
        Err(why) => {
            scene.tally.complain(format!("connecting: {why}"));
            scene.tally.failed.fetch_add(1, Relaxed);
            return;
        }
    };
    scene.tally.connected(number, time::now() - began, Some(&client));
    scene.tally.ready.fetch_add(1, Relaxed);
    scene.tally.staying.fetch_add(1, Relaxed);
    let thing = scene.thing(number);
    let order = Order::from(opened.offset);
    scene.tally.last[thing].fetch_max(opened.offset, Relaxed);
    let me = Participant {
        scene,
        number,
        thing,
        client,
        events,
        epoch: opened.epoch,
        order,
        editing: None,
        leaves_at: None,
        is_away: false,
    };
    me.stay(role, &mut phase).await;
}

/// Opens a stream and the Thing on it.
async fn join(scene: &Scene, number: usize, since: Option<Position>) -> Result<(Client, Events, Opened), String> {
    let login = scene.person(number).login.clone();
    let builder = Client::builder(&scene.url, login).codec(scene.style.codec()).keep_trying(true);
    let (client, mut events) =
        builder.max_waiting_events(WAITING_EVENTS).connect().await.map_err(|error| error.to_string())?;
    let (thing, form) = (&scene.things[scene.thing(number)], scene.style.form);
    let opening = async |client: Client| {
        let opened = match since {
            None => client.open(thing, form).await,
            Some(since) => client.open_since(thing, form, since).await,
        };
        opened.map(|opened| (client, opened))
    };
    // Presence may be told before the answer comes; who does not listen hears no answer either.
    let mut opening = std::pin::pin!(opening(client));
    let (client, opened) = loop {
        tokio::select! {
            biased;
            opened = &mut opening => break opened.map_err(|error| error.to_string())?,
            event = events.recv() => {
                if event.is_none() {
                    return Err("the stream ended".into());
                }
            }
        }
    };
    Ok((client, events, opened))
}

impl Participant {
    async fn stay(mut self, role: Role, phase: &mut watch::Receiver<Phase>) {
        let mut waiting = Vec::with_capacity(WAITING_EVENTS);
        let mut finishing = None;
        let mut alarm = std::pin::pin!(tokio::time::sleep(Duration::ZERO));
        loop {
            alarm.as_mut().reset(self.next_alarm(finishing).into());
            tokio::select! {
                biased;
                changed = phase.changed() => {
                    let now = *phase.borrow_and_update();
                    match now {
                        _ if changed.is_err() => break,
                        Phase::Gathering => {}
                        Phase::Editing { from_nanos, until_nanos } => self.begin(role, from_nanos, until_nanos),
                        Phase::Finishing { until_nanos } => {
                            (finishing, self.leaves_at) = (Some(until_nanos), None);
                        }
                    }
                }
                count = self.events.recv_many(&mut waiting, WAITING_EVENTS) => {
                    let now = clock::nanos();
                    for event in waiting.drain(..) {
                        self.hear(event, now);
                    }
                    if count == 0 {
                        break;
                    }
                }
                Some(answer) = next_answer(&mut self.editing) => self.answered(answer),
                () = &mut alarm => {}
            }
            if let Some(until_nanos) = finishing
                && (self.has_all() || clock::nanos() > until_nanos)
            {
                break;
            }
            self.edit().await;
            if self.leaves_at.is_some_and(|at| at <= time::now()) && !self.leave_and_return().await {
                break;
            }
        }
        self.conclude().await;
    }

    fn begin(&mut self, role: Role, from_nanos: u64, until_nanos: u64) {
        match role {
            Role::Editor => {
                let scene = &self.scene;
                let schedule = Schedule::new(scene.load.seed, self.number as u64, scene.plan.edits_per_second);
                let pen = Pen::new(&scene.style, self.number);
                let answers = FuturesUnordered::new();
                let editing = Editing { pen, answers, schedule, from_nanos, until_nanos, under_way: 0 };
                scene.tally.asked(editing.all_due());
                self.editing = Some(editing);
            }
            // Not all at once.
            Role::Reconnector => {
                self.leaves_at = Some(time::now() + STAYS.mul_f64(0.2 + 0.1 * (self.number % 9) as f64))
            }
            _ => {}
        }
    }

    fn next_alarm(&self, finishing: Option<u64>) -> Instant {
        let now = time::now();
        if finishing.is_some() {
            return now + LOOK_EVERY;
        }
        let due = self.editing.as_ref().filter(|editing| editing.under_way < UNDER_WAY).and_then(Editing::next_due);
        let edit = due.map(|due| now + Duration::from_nanos(due.saturating_sub(clock::nanos())));
        [edit, self.leaves_at].into_iter().flatten().fold(now + Duration::from_secs(3600), Instant::min)
    }

    /// Makes the edits that are due.
    async fn edit(&mut self) {
        let Some(editing) = &mut self.editing else { return };
        while let Some(due) = editing.next_due()
            && due <= clock::nanos()
            && editing.under_way < UNDER_WAY
        {
            editing.schedule.advance();
            let change = editing.pen.write(due);
            let key = format!("{:x}-{}-{due}", self.scene.run, self.number);
            let edit = NewEdit { key: Some(key), seen: None, change };
            self.scene.tally.sent(self.number, due, clock::nanos());
            self.scene.tally.unanswered.fetch_add(1, Relaxed);
            self.scene.tally.unsent.fetch_sub(1, Relaxed);
            editing.under_way += 1;
            let thing = &self.scene.things[self.thing];
            // It goes out at once, so that edits keep their order; its answer is waited for apart.
            match self.client.start_edit(thing, edit.clone()).await {
                Ok(reply) => editing.answers.push(Box::pin(async move { (edit, reply.await) })),
                Err(error) => {
                    self.scene.tally.complain(format!("editing: {error}"));
                    let unsent = i64::try_from(editing.all_due().count()).unwrap_or_default();
                    self.scene.tally.unsent.fetch_sub(unsent, Relaxed);
                    self.editing = None;
                    return;
                }
            }
        }
    }

    /// What was put off is sent again under its key, as the contract wants it; what was refused is not.
    fn answered(&mut self, (edit, answer): (NewEdit, Result<Edited, RequestError>)) {
        let (Err(error), Some(editing)) = (answer, &mut self.editing) else { return };
        self.scene.tally.complain(format!("an edit was refused: {error}"));
        if !error.temporary() {
            return;
        }
        let (client, thing) = (self.client.clone(), self.scene.things[self.thing].clone());
        editing.answers.push(Box::pin(async move {
            tokio::time::sleep(AGAIN_AFTER).await;
            let reply = match client.start_edit(&thing, edit.clone()).await {
                Ok(reply) => reply.await,
                Err(error) => Err(error),
            };
            (edit, reply)
        }));
    }

    fn hear(&mut self, event: Event, now_nanos: u64) {
        let scene = &self.scene;
        match event {
            Event::Message(message) => {
                let Some(offset) = message.offset else { return };
                if self.order.take(offset)
                    && let Some(due) = mark::in_body(&message.body)
                {
                    scene.tally.delivered(self.number, due, now_nanos);
                }
            }
            Event::Update { offset, update, .. } => {
                if self.order.take(offset)
                    && let Some(due) = mark::in_bytes(&update)
                {
                    scene.tally.delivered(self.number, due, now_nanos);
                }
            }
            Event::Acked { offset, key, change, .. } => {
                // Without a change it comes, or came, among those that were missed.
                if change.is_some() {
                    self.order.take(offset);
                }
                scene.tally.last[self.thing].fetch_max(offset, Relaxed);
                scene.tally.unanswered.fetch_sub(1, Relaxed);
                if let Some(due) = key.rsplit('-').next().and_then(|due| due.parse().ok()) {
                    scene.tally.acknowledged(self.number, due, now_nanos);
                }
                if let Some(editing) = &mut self.editing {
                    editing.under_way -= 1;
                }
            }
            Event::Reset { opened, .. } => self.order.restart(opened.offset),
            Event::Disconnected { .. } if !self.is_away => {
                self.is_away = true;
                scene.tally.away.fetch_add(1, Relaxed);
                scene.tally.dropped.fetch_add(1, Relaxed);
            }
            Event::Reconnected if self.is_away => {
                self.is_away = false;
                scene.tally.away.fetch_sub(1, Relaxed);
            }
            Event::Lost { error, .. } => scene.tally.complain(format!("a Thing was lost: {}", error.message)),
            Event::Ended(why) => scene.tally.complain(format!("a stream ended: {why}")),
            Event::Welcome(_) | Event::Disconnected { .. } | Event::Reconnected => {}
        }
    }

    /// Goes away, comes again, and takes what it has missed. Says whether it is back.
    async fn leave_and_return(&mut self) -> bool {
        self.client.close_stream().await;
        while let Some(event) = self.events.recv().await {
            if !matches!(event, Event::Ended(_)) {
                self.hear(event, clock::nanos());
            }
        }
        let began = time::now();
        let since = Position { epoch: self.epoch.clone(), offset: self.order.known() };
        let back = timeout(CONNECT_WITHIN, join(&self.scene, self.number, Some(since))).await;
        let scene = &self.scene;
        match back.unwrap_or_else(|_| Err("it took too long".into())) {
            Ok((client, events, opened)) => {
                scene.tally.visited(self.number, "resume", Ok(time::now() - began));
                scene.tally.connected(self.number, time::now() - began, Some(&client));
                let now = clock::nanos();
                for missed in opened.missed.iter().flatten() {
                    let is_new = missed["offset"].as_u64().is_some_and(|offset| self.order.take(offset));
                    if is_new && let Some(due) = mark::in_body(&missed["body"]) {
                        scene.tally.delivered(self.number, due, now);
                    }
                }
                if !opened.recovered {
                    self.order.restart(opened.offset);
                }
                (self.client, self.events, self.epoch) = (client, events, opened.epoch);
                self.leaves_at = Some(time::now() + STAYS);
                true
            }
            Err(why) => {
                scene.tally.visited(self.number, "resume", Err(why));
                false
            }
        }
    }

    /// Whether nothing more can come.
    fn has_all(&self) -> bool {
        let tally = &self.scene.tally;
        let is_quiet = tally.unsent.load(Relaxed) <= 0 && tally.unanswered.load(Relaxed) <= 0;
        is_quiet && self.order.known() >= tally.last[self.thing].load(Relaxed)
    }

    async fn conclude(self) {
        let last = self.scene.tally.last[self.thing].load(Relaxed);
        let misplaced = self.order.conclude(last);
        if misplaced.lost > 0 {
            let (number, known, away) = (self.number, self.order.known(), self.is_away);
            let state = if away { ", without a connection" } else { "" };
            self.scene.tally.complain(format!("client {number} ends at change {known} of {last}{state}"));
        }
        self.scene.tally.concluded(self.number, misplaced);
        if self.is_away {
            self.scene.tally.away.fetch_sub(1, Relaxed);
        }
        self.client.close_stream().await;
    }
}

impl Editing {
    /// All edits that are still to be made.
    fn all_due(&self) -> impl Iterator<Item = u64> {
        let mut schedule = self.schedule.clone();
        let (from_nanos, until_nanos) = (self.from_nanos, self.until_nanos);
        std::iter::from_fn(move || {
            let due = due(&schedule, from_nanos);
            schedule.advance();
            Some(due)
        })
        .take_while(move |due| *due < until_nanos)
    }

    fn next_due(&self) -> Option<u64> {
        Some(due(&self.schedule, self.from_nanos)).filter(|due| *due < self.until_nanos)
    }
}

async fn next_answer(editing: &mut Option<Editing>) -> Option<(NewEdit, Result<Edited, RequestError>)> {
    match editing {
        Some(editing) if !editing.answers.is_empty() => editing.answers.next().await,
        _ => std::future::pending().await,
    }
}

fn due(schedule: &Schedule, from_nanos: u64) -> u64 {
    from_nanos + u64::try_from(schedule.next().as_nanos()).unwrap_or(u64::MAX / 2)
}
