//! What the clients of one step have seen, added up. They share it, so it is cut into pieces that are locked for a few
//! additions each.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use capacity::{
    calibration::{LONGEST_NS, histogram},
    measured::Misplaced,
};
use hdrhistogram::Histogram;
use widgetapp::client::{Client, Traffic};

/// Pieces. A client always uses the same.
const PIECES: usize = 4;
/// Different complaints that are kept.
const MOST_COMPLAINTS: usize = 5;
/// For so long after an incident propagation is looked at.
const AFTERMATH: Duration = Duration::from_secs(10);

/// See the module.
pub struct Tally {
    pieces: Vec<Mutex<Piece>>,
    /// The measured part of the step.
    from: AtomicU64,
    until: AtomicU64,
    /// Edits that are due in it.
    pub due: AtomicU64,
    /// Clients that are where they should be.
    pub ready: AtomicU32,
    /// Those of them that have a place on a Thing.
    pub staying: AtomicU32,
    /// Clients that gave up.
    pub failed: AtomicU32,
    /// Clients whose connection is lost and not yet back.
    pub away: AtomicI64,
    /// Connections that were lost.
    pub dropped: AtomicU32,
    /// Edits that are to be sent yet, also those whose time has passed.
    pub unsent: AtomicI64,
    /// Edits that are not answered yet.
    pub unanswered: AtomicI64,
    /// The last change of each Thing that was acknowledged.
    pub last: Vec<AtomicU64>,
    /// When something was done to the server, and the longest propagation since.
    incident: AtomicU64,
    longest: AtomicU64,
    /// To be asked what has gone over them.
    clients: Mutex<Vec<Client>>,
    complaints: Mutex<Vec<String>>,
}

/// What some of the clients have seen.
#[derive(Debug)]
pub struct Piece {
    /// Edits that were due in the measured part.
    pub measured: Seen,
    /// Whatever has come since the last second.
    pub second: Seen,
    /// Opening a stream and a Thing.
    pub connecting: Histogram<u64>,
    /// What others did, by name: how long it took, and how often it failed.
    pub visits: BTreeMap<&'static str, (Histogram<u64>, u64)>,
    /// Of those who are done.
    pub misplaced: Misplaced,
}

/// Times in nanoseconds.
#[derive(Debug)]
pub struct Seen {
    /// From when an edit was due until a receiver had it.
    pub propagation: Histogram<u64>,
    /// From when an edit was due until its author had the answer.
    pub acknowledgement: Histogram<u64>,
    /// From when an edit was due until it was sent.
    pub lateness: Histogram<u64>,
}

impl Seen {
    fn new() -> Self {
        Self { propagation: histogram(), acknowledgement: histogram(), lateness: histogram() }
    }

    fn add(&mut self, other: &Self) {
        add(&mut self.propagation, &other.propagation);
        add(&mut self.acknowledgement, &other.acknowledgement);
        add(&mut self.lateness, &other.lateness);
    }

    fn reset(&mut self) {
        self.propagation.reset();
        self.acknowledgement.reset();
        self.lateness.reset();
    }
}

fn add(all: &mut Histogram<u64>, some: &Histogram<u64>) {
    all.add(some).expect("all histograms have the same bounds");
}

/// What took longer than an hour took an hour.
fn record(times: &mut Histogram<u64>, nanos: u64) {
    times.record(nanos.clamp(1, LONGEST_NS)).expect("it is within the bounds");
}

impl Piece {
    fn new() -> Self {
        Self {
            measured: Seen::new(),
            second: Seen::new(),
            connecting: histogram(),
            visits: BTreeMap::new(),
            misplaced: Misplaced::default(),
        }
    }
}

impl Tally {
    /// For clients on so many Things.
    pub fn new(things: usize) -> Self {
        Self {
            pieces: (0..PIECES).map(|_| Mutex::new(Piece::new())).collect(),
            from: AtomicU64::new(u64::MAX),
            until: AtomicU64::new(u64::MAX),
            ready: AtomicU32::new(0),
            staying: AtomicU32::new(0),
            due: AtomicU64::new(0),
            failed: AtomicU32::new(0),
            away: AtomicI64::new(0),
            dropped: AtomicU32::new(0),
            unsent: AtomicI64::new(0),
            unanswered: AtomicI64::new(0),
            last: (0..things).map(|_| AtomicU64::new(0)).collect(),
            incident: AtomicU64::new(u64::MAX),
            longest: AtomicU64::new(0),
            clients: Mutex::new(Vec::new()),
            complaints: Mutex::new(Vec::new()),
        }
    }

    /// Edits that are due then are measured.
    pub fn measure(&self, from_nanos: u64, until_nanos: u64) {
        self.from.store(from_nanos, Relaxed);
        self.until.store(until_nanos, Relaxed);
    }

    /// These edits are to be made.
    pub fn asked(&self, due_nanos: impl Iterator<Item = u64>) {
        for due in due_nanos {
            self.unsent.fetch_add(1, Relaxed);
            self.due.fetch_add(u64::from(self.is_measured(due)), Relaxed);
        }
    }

    fn is_measured(&self, due_nanos: u64) -> bool {
        due_nanos >= self.from.load(Relaxed) && due_nanos < self.until.load(Relaxed)
    }

    fn piece(&self, client: usize) -> MutexGuard<'_, Piece> {
        locked(&self.pieces[client % PIECES])
    }

    /// An edit reached somebody.
    pub fn delivered(&self, client: usize, due_nanos: u64, now_nanos: u64) {
        let took = now_nanos.saturating_sub(due_nanos);
        let mut piece = self.piece(client);
        record(&mut piece.second.propagation, took);
        if self.is_measured(due_nanos) {
            record(&mut piece.measured.propagation, took);
        }
        let incident = self.incident.load(Relaxed);
        if due_nanos >= incident && due_nanos - incident < AFTERMATH.as_nanos() as u64 {
            self.longest.fetch_max(took, Relaxed);
        }
    }

    /// An edit was sent.
    pub fn sent(&self, client: usize, due_nanos: u64, now_nanos: u64) {
        if self.is_measured(due_nanos) {
            record(&mut self.piece(client).measured.lateness, now_nanos.saturating_sub(due_nanos));
        }
    }

    /// An edit was acknowledged.
    pub fn acknowledged(&self, client: usize, due_nanos: u64, now_nanos: u64) {
        let took = now_nanos.saturating_sub(due_nanos);
        let mut piece = self.piece(client);
        record(&mut piece.second.acknowledgement, took);
        if self.is_measured(due_nanos) {
            record(&mut piece.measured.acknowledgement, took);
        }
    }

    /// A client is where it should be.
    pub fn connected(&self, number: usize, took: Duration, client: Option<&Client>) {
        record(&mut self.piece(number).connecting, nanos(took));
        locked(&self.clients).extend(client.cloned());
    }

    /// A visit ended.
    pub fn visited(&self, number: usize, what: &'static str, took: Result<Duration, String>) {
        let mut piece = self.piece(number);
        let (times, failed) = piece.visits.entry(what).or_insert_with(|| (histogram(), 0));
        match took {
            Ok(took) => record(times, nanos(took)),
            Err(why) => {
                *failed += 1;
                drop(piece);
                self.complain(format!("{what}: {why}"));
            }
        }
    }

    /// A receiver is done.
    pub fn concluded(&self, number: usize, misplaced: Misplaced) {
        self.piece(number).misplaced += misplaced;
    }

    /// Something went wrong, to be told once.
    pub fn complain(&self, why: String) {
        let mut complaints = locked(&self.complaints);
        if complaints.len() < MOST_COMPLAINTS && !complaints.contains(&why) {
            complaints.push(why);
        }
    }

    /// What went wrong.
    pub fn complaints(&self) -> Vec<String> {
        locked(&self.complaints).clone()
    }

    /// What has gone over all connections so far.
    pub fn traffic(&self) -> Traffic {
        locked(&self.clients).iter().fold(Traffic::default(), |all, client| {
            let one = client.traffic();
            Traffic {
                received_messages: all.received_messages + one.received_messages,
                received_bytes: all.received_bytes + one.received_bytes,
                sent_messages: all.sent_messages + one.sent_messages,
                sent_bytes: all.sent_bytes + one.sent_bytes,
                repeated: all.repeated + one.repeated,
                gaps: all.gaps + one.gaps,
            }
        })
    }

    /// Takes out what has come since the last second.
    pub fn second(&self) -> Seen {
        let mut all = Seen::new();
        for piece in &self.pieces {
            let mut piece = locked(piece);
            all.add(&piece.second);
            piece.second.reset();
        }
        all
    }

    /// All that was measured.
    pub fn conclude(&self) -> Piece {
        let mut all = Piece::new();
        for piece in &self.pieces {
            let piece = locked(piece);
            all.measured.add(&piece.measured);
            add(&mut all.connecting, &piece.connecting);
            for (what, (times, failed)) in &piece.visits {
                let visits = all.visits.entry(what).or_insert_with(|| (histogram(), 0));
                add(&mut visits.0, times);
                visits.1 += failed;
            }
            all.misplaced += piece.misplaced;
        }
        let traffic = self.traffic();
        all.misplaced.duplicate += traffic.repeated;
        all.misplaced.out_of_order += traffic.gaps;
        all
    }

    /// Something is done to the server now.
    pub fn incident(&self, now_nanos: u64) {
        self.longest.store(0, Relaxed);
        self.incident.store(now_nanos, Relaxed);
    }

    /// The longest propagation since then, in nanoseconds.
    pub fn longest_since_incident(&self) -> u64 {
        self.longest.load(Relaxed)
    }
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
