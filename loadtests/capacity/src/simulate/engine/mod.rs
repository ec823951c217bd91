//! The events of a run, and what each leads to.

mod ending;
mod loss;

use std::{cmp::Reverse, collections::BinaryHeap};

use hdrhistogram::Histogram;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{
    MAX_EVENTS, RunError, Setup, Times,
    clients::Clients,
    outcome::{Outcome, Recovery, Windows},
    service::ServiceTime,
    station::{Counted, Order, Service, Station},
};
use crate::calibration::histogram;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct EditId(u32);

struct Edit {
    made: u64,
    author: u32,
    offset: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    /// `_sfe`: an edit comes in.
    Request(EditId),
    /// `_wfe`: it is applied.
    Apply(EditId),
    /// `_sfe`: a change goes out.
    Change(EditId),
    /// `_stream`: it is written to everyone there.
    Deliver(EditId),
    /// `_stream`: one client gets the changes of its Thing from the first number to before the second.
    Resume(u32, u32, u32),
    /// `_wfe`: a connection is opened.
    Open(u32),
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Make,
    Arrive(usize, Job),
    Done(usize, Service),
    Committed(usize, u32),
    Attempt(u32),
    Lose,
    Restore,
    LoadEnds,
}

/// What waits for the disk.
#[derive(Default)]
struct Log {
    /// With the moment at which they came.
    waiting: Vec<(EditId, u64)>,
    committing: Vec<(EditId, u64)>,
    /// Rises with each loss.
    epoch: u32,
    counted: Counted,
}

/// One run. Places of stations: all `_wfe`, then what opens connections on each node, all `_sfe`, all `_stream`.
pub(super) struct Engine<'a> {
    setup: &'a Setup,
    chance: ChaCha8Rng,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Queued)>>,
    played: u64,
    queued: u64,
    stations: Vec<Station<Job>>,
    logs: Vec<Log>,
    clients: Clients,
    edits: Vec<Edit>,
    /// The changes of each Thing, in order.
    stored: Vec<Vec<EditId>>,
    /// For each `_sfe` and each `_stream`: the last edit that was sent there, so that it is sent once.
    told: Vec<Option<EditId>>,
    propagation: Histogram<u64>,
    acknowledgement: Histogram<u64>,
    deliveries: u64,
    windows: Windows,
    at_end: Option<(u64, Vec<Counted>, Vec<Counted>)>,
    admission: (f64, u64),
    recovery: Recovery,
}

/// An event in the heap; its order is that of its time and number alone.
#[derive(Clone, Copy, Debug)]
struct Queued(Event);

impl PartialEq for Queued {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Queued {}
impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Queued {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl<'a> Engine<'a> {
    pub(super) fn new(setup: &'a Setup) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(setup.seed);
        let (nodes, sfes) = (setup.nodes as usize, (setup.nodes * setup.instances) as usize);
        let streams = sfes * setup.streams_per_instance as usize;
        let sfe_order = if setup.sfe_workers > 1 { Order::TurnsOfKeys } else { Order::Arrival };
        let mut stations = Vec::new();
        stations.extend((0..nodes).map(|_| Station::new(setup.wfe_workers, Order::TurnsOfKeys)));
        stations.extend((0..nodes).map(|_| Station::new(1, Order::Arrival)));
        stations.extend((0..sfes).map(|_| Station::new(setup.sfe_workers, sfe_order)));
        stations.extend((0..streams).map(|_| Station::new(1, Order::Arrival)));
        let workload = &setup.workload;
        let stream_count = u32::try_from(streams).unwrap_or(u32::MAX);
        let clients = Clients::new(workload.clients, workload.per_thing, stream_count, &mut chance);
        let stored = (0..clients.things()).map(|_| Vec::new()).collect();
        let told = vec![None; stations.len()];
        Self {
            setup,
            chance,
            now: 0,
            events: BinaryHeap::new(),
            played: 0,
            queued: 0,
            stations,
            logs: (0..nodes).map(|_| Log::default()).collect(),
            clients,
            edits: Vec::new(),
            stored,
            told,
            propagation: histogram(),
            acknowledgement: histogram(),
            deliveries: 0,
            windows: Windows::new(),
            at_end: None,
            admission: (setup.admissions_per_second.unwrap_or(0.0).max(1.0), 0),
            recovery: Recovery { dropped: 0, refused: 0, all_back_seconds: 0.0, settled_seconds: None },
        }
    }

    pub(super) fn run(mut self) -> Result<Outcome, RunError> {
        let first = self.until_next_edit();
        self.queue(first, Event::Make);
        self.queue(nanos(self.setup.seconds), Event::LoadEnds);
        if let Some(loss) = self.setup.loss {
            self.queue(nanos(loss.at_seconds), Event::Lose);
            self.queue(nanos(loss.at_seconds + loss.restart_seconds), Event::Restore);
        }
        while let Some(Reverse((now, _, Queued(event)))) = self.events.pop() {
            self.now = now;
            self.played += 1;
            if self.played > MAX_EVENTS {
                return Err(RunError::TooLong);
            }
            self.play(event);
        }
        self.outcome()
    }

    fn play(&mut self, event: Event) {
        match event {
            Event::Make => self.make(),
            Event::Arrive(place, job) => {
                let key = self.key(job);
                self.stations[place].arrive(self.now, key, job);
                self.work(place);
            }
            Event::Done(place, service) => {
                if let Some((job, started)) = self.stations[place].finish(self.now, service) {
                    self.done(place, job, started);
                }
                self.work(place);
            }
            Event::Committed(node, epoch) => self.committed(node, epoch),
            Event::Attempt(client) => self.attempt(client),
            Event::Lose => self.lose(),
            Event::Restore => self.restore(),
            Event::LoadEnds => {
                let stations = self.stations.iter().map(|station| station.counted(self.now)).collect();
                let logs = self.logs.iter().map(|log| log.counted.at(self.now)).collect();
                self.at_end = Some((self.now, stations, logs));
            }
        }
    }

    fn make(&mut self) {
        let next = self.now + self.until_next_edit();
        if next < nanos(self.setup.seconds) {
            self.queue(next, Event::Make);
        }
        let author = self.chance.random_range(0..self.clients.count());
        // Who is not connected waits.
        let Some(stream) = self.clients.stream_of(author) else { return };
        let edit = EditId(u32::try_from(self.edits.len()).expect("the number of edits is bounded"));
        self.edits.push(Edit { made: self.now, author, offset: 0 });
        let at = self.now + self.draw(|times| &times.edge);
        self.queue(at, Event::Arrive(self.sfe_of(stream), Job::Request(edit)));
    }

    /// Begins what can begin at a station.
    fn work(&mut self, place: usize) {
        while let Some(started) = self.stations[place].start(self.now) {
            let takes = match started.job {
                Job::Request(_) => self.draw(|times| &times.request),
                Job::Apply(_) => self.draw(|times| &times.edit),
                Job::Change(_) => self.draw(|times| &times.change),
                Job::Open(_) => self.draw(|times| &times.opening),
                Job::Deliver(edit) => {
                    let receivers = self.receivers(place, edit).count();
                    (0..receivers).map(|_| self.draw(|times| &times.delivery)).sum()
                }
                Job::Resume(client, from, to) => {
                    let missed = self.missed(client, from, to).len();
                    (0..missed).map(|_| self.draw(|times| &times.delivery)).sum()
                }
            };
            self.queue(self.now + takes, Event::Done(place, started.service));
        }
    }

    fn done(&mut self, place: usize, job: Job, started: u64) {
        match job {
            Job::Request(edit) => {
                let node = self.node_of_thing(edit);
                let at = self.now + self.link(self.node_of_sfe(place), node);
                self.queue(at, Event::Arrive(node, Job::Apply(edit)));
            }
            Job::Apply(edit) => {
                let log = &mut self.logs[place];
                log.counted.come(self.now);
                log.waiting.push((edit, self.now));
                self.commit(place);
            }
            Job::Change(edit) => self.pass_on(place, edit),
            Job::Deliver(edit) => {
                let receivers: Vec<u32> = self.receivers(place, edit).collect();
                let offset = self.edits[edit.0 as usize].offset;
                receivers.iter().for_each(|client| self.clients.sent(*client, offset));
                self.deliver(started, &vec![edit; receivers.len()]);
            }
            Job::Resume(client, from, to) => {
                let missed = self.missed(client, from, to);
                self.deliver(started, &missed);
            }
            Job::Open(client) => self.opened(client),
        }
    }

    /// What was written one after the other from `started` until now has arrived.
    fn deliver(&mut self, started: u64, written: &[EditId]) {
        let (count, took) = (written.len() as u128, u128::from(self.now - started));
        for (place, edit) in (1..).zip(written) {
            let written = u64::try_from(took * place / count).unwrap_or(u64::MAX);
            let at = started.saturating_add(written) + self.draw(|times| &times.edge);
            let made = self.edits[edit.0 as usize].made;
            self.deliveries += 1;
            if made >= nanos(self.setup.warm_up_seconds) {
                self.propagation.saturating_record(at - made);
            }
            if self.setup.loss.is_some() {
                self.windows.record(at, at - made);
            }
        }
    }

    /// The log takes all that waits, if it is free.
    fn commit(&mut self, node: usize) {
        let log = &mut self.logs[node];
        if !log.committing.is_empty() || log.waiting.is_empty() || !self.stations[node].is_up() {
            return;
        }
        std::mem::swap(&mut log.committing, &mut log.waiting);
        log.counted.serve(self.now, 1);
        let epoch = log.epoch;
        let at = self.now + self.draw(|times| &times.commit);
        self.queue(at, Event::Committed(node, epoch));
    }

    /// A group is durable: authors are answered, and everybody is told.
    fn committed(&mut self, node: usize, epoch: u32) {
        let log = &mut self.logs[node];
        if log.epoch != epoch {
            return;
        }
        let group = std::mem::take(&mut log.committing);
        log.counted.serve(self.now, 0);
        for (edit, since) in &group {
            self.logs[node].counted.leave(self.now, *since);
            self.publish(node, *edit);
        }
        self.commit(node);
    }

    fn publish(&mut self, node: usize, edit: EditId) {
        let thing = self.thing_of(edit);
        let stored = &mut self.stored[thing as usize];
        let Edit { made, author, offset } = &mut self.edits[edit.0 as usize];
        *offset = u32::try_from(stored.len()).expect("the number of edits is bounded");
        stored.push(edit);
        let (made, author) = (*made, *author);
        let answered = self.now + self.draw(|times| &times.edge);
        if made >= nanos(self.setup.warm_up_seconds) {
            self.acknowledgement.saturating_record(answered - made);
        }
        for client in self.clients.people(thing).filter(|client| *client != author) {
            let Some(stream) = self.clients.stream_of(client) else { continue };
            let sfe = self.sfe_of(stream);
            if self.told[sfe].replace(edit) != Some(edit) {
                let at = self.now + self.link(node, self.node_of_sfe(sfe));
                self.queue(at, Event::Arrive(sfe, Job::Change(edit)));
            }
        }
    }

    /// An `_sfe` passes a change to each of its `_stream`s where somebody is to have it.
    fn pass_on(&mut self, sfe: usize, edit: EditId) {
        let author = self.edits[edit.0 as usize].author;
        for client in self.clients.people(self.thing_of(edit)).filter(|client| *client != author) {
            let Some(stream) = self.clients.stream_of(client) else { continue };
            let place = self.place_of_stream(stream);
            if self.sfe_of(stream) == sfe && self.told[place].replace(edit) != Some(edit) {
                self.queue(self.now, Event::Arrive(place, Job::Deliver(edit)));
            }
        }
    }

    /// Who gets a change at this `_stream`.
    fn receivers(&self, place: usize, edit: EditId) -> impl Iterator<Item = u32> {
        let Edit { author, offset, .. } = self.edits[edit.0 as usize];
        self.clients.receivers(self.thing_of(edit), self.stream_at(place), author, offset)
    }

    fn queue(&mut self, at: u64, event: Event) {
        self.queued += 1;
        self.events.push(Reverse((at, self.queued, Queued(event))));
    }

    fn draw(&mut self, of: impl FnOnce(&Times) -> &ServiceTime) -> u64 {
        of(&self.setup.times).draw(&mut self.chance)
    }

    /// All clients together are one source: chances of many add up to one.
    fn until_next_edit(&mut self) -> u64 {
        ServiceTime::exponential_seconds(1.0 / self.setup.workload.edits()).draw(&mut self.chance)
    }

    fn key(&self, job: Job) -> u32 {
        match job {
            Job::Request(edit) | Job::Apply(edit) | Job::Change(edit) | Job::Deliver(edit) => self.thing_of(edit),
            Job::Resume(client, ..) | Job::Open(client) => self.clients.thing_of(client),
        }
    }

    fn thing_of(&self, edit: EditId) -> u32 {
        self.clients.thing_of(self.edits[edit.0 as usize].author)
    }

    fn node_of_thing(&self, edit: EditId) -> usize {
        self.thing_of(edit) as usize % self.setup.nodes as usize
    }

    fn first_sfe(&self) -> usize {
        2 * self.setup.nodes as usize
    }

    fn first_stream(&self) -> usize {
        self.first_sfe() + (self.setup.nodes * self.setup.instances) as usize
    }

    fn place_of_stream(&self, stream: u32) -> usize {
        self.first_stream() + stream as usize
    }

    fn stream_at(&self, place: usize) -> u32 {
        u32::try_from(place - self.first_stream()).unwrap_or(u32::MAX)
    }

    fn sfe_of(&self, stream: u32) -> usize {
        self.first_sfe() + (stream / self.setup.streams_per_instance) as usize
    }

    fn node_of_sfe(&self, place: usize) -> usize {
        (place - self.first_sfe()) / self.setup.instances as usize
    }

    fn link(&self, from: usize, to: usize) -> u64 {
        if from == to { 0 } else { nanos(self.setup.times.link.as_secs_f64()) }
    }
}

fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}
