//! The checker: what clients were told, held against the log as it is read back afterwards. Pure.
//!
//! It knows nothing of the server. It takes linear time, so it may be given hours of a session.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    time::Instant,
};

use serde_json::Value;

/// What one client did and heard of one Thing.
#[derive(Clone, Debug)]
pub struct History {
    pub client: String,
    pub thing: String,
    /// All that it sent, in order.
    pub edits: Vec<Edit>,
    /// All that it heard, in order, its own edits at the places of their answers.
    pub seen: Vec<Seen>,
    /// The content that it had in the end.
    pub replica: Value,
}

/// An edit that a client sent.
#[derive(Clone, Debug)]
pub struct Edit {
    pub key: String,
    /// When it was sent first.
    pub sent: Instant,
    /// When it was acknowledged, and at which offset.
    pub acknowledged: Option<(Instant, u64)>,
}

/// Something that a client heard.
#[derive(Clone, Debug)]
pub enum Seen {
    /// The whole state as of an offset, in place of what came before.
    Whole(u64),
    /// One change.
    Change(u64, Mark),
}

/// By what a client knows a change again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// The key, which each edit of a test writes into the content.
    Key(String),
    /// A hash of the Yjs update.
    Update(u64),
}

/// A Thing as the log has it.
#[derive(Clone, Debug)]
pub struct Stored {
    pub thing: String,
    pub changes: Vec<StoredChange>,
    /// What its changes come to.
    pub content: Value,
}

/// A change in the log.
#[derive(Clone, Debug)]
pub struct StoredChange {
    pub offset: u64,
    pub key: Option<String>,
    pub update: u64,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// The log has another offset where this one should be.
    Hole { thing: String, offset: u64 },
    /// An acknowledged edit is not in the log.
    Lost { client: String, key: String },
    /// An acknowledged edit is in the log, but at another offset.
    Moved { key: String, acknowledged: u64, stored: u64 },
    /// One key is in the log twice.
    AppliedTwice { key: String, offsets: [u64; 2] },
    /// A client was sent a change that it had.
    HeardTwice { client: String, offset: u64 },
    /// A client was sent a change before those in front of it.
    OutOfOrder { client: String, after: u64, offset: u64 },
    /// A client was sent something else than the log has at this offset.
    OtherThanStored { client: String, offset: u64, heard: Mark, stored: Option<String> },
    /// An edit was sent after another one was acknowledged, and stands before it.
    Overtook { sent_later: u64, acknowledged: u64, thing: String },
    /// A client did not hear of the last changes.
    Behind { client: String, at: u64, of: u64 },
    /// A client has other content than the log.
    Differs { client: String },
}

impl Violation {
    /// Whether it says no more than that a client was cut off before it had heard of everything.
    pub fn is_of_the_end(&self) -> bool {
        matches!(self, Self::Behind { .. } | Self::Differs { .. })
    }
}

/// What was checked, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub acknowledged: usize,
    pub unanswered: usize,
    pub stored: usize,
    pub heard: usize,
    pub violations: Vec<Violation>,
}

impl Verdict {
    fn count(&self, is: impl Fn(&Violation) -> bool) -> usize {
        self.violations.iter().filter(|violation| is(violation)).count()
    }

    /// Acknowledged, but missing or elsewhere: in the log or with any client.
    pub fn lost(&self) -> usize {
        use Violation::{Behind, Differs, Hole, Lost, Moved, OtherThanStored};
        self.count(|violation| {
            matches!(
                violation,
                Lost { .. } | Moved { .. } | Hole { .. } | OtherThanStored { .. } | Behind { .. } | Differs { .. }
            )
        })
    }

    /// Acknowledged edits that are not where they were acknowledged to be.
    pub fn lost_edits(&self) -> usize {
        self.count(|violation| matches!(violation, Violation::Lost { .. } | Violation::Moved { .. }))
    }

    /// One key at two offsets, or one offset delivered twice.
    pub fn twice(&self) -> usize {
        self.count(|violation| matches!(violation, Violation::AppliedTwice { .. } | Violation::HeardTwice { .. }))
    }

    /// Heard or stored in another order than the one order that there is.
    pub fn out_of_order(&self) -> usize {
        self.count(|violation| matches!(violation, Violation::OutOfOrder { .. } | Violation::Overtook { .. }))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, unanswered, heard, .. } = self;
        let (lost, twice, out_of_order) = (self.lost(), self.twice(), self.out_of_order());
        write!(
            f,
            "{acknowledged} edits acknowledged, {unanswered} not, {heard} changes heard: \
             lost {lost}, twice {twice}, out of order {out_of_order}"
        )
    }
}

/// Checks all histories against all Things.
pub fn check(histories: &[History], things: &[Stored]) -> Verdict {
    let mut verdict = Verdict::default();
    for stored in things {
        let of_thing: Vec<&History> = histories.iter().filter(|history| history.thing == stored.thing).collect();
        Checking { stored, verdict: &mut verdict }.check(&of_thing);
    }
    verdict.violations.sort();
    verdict
}

struct Checking<'a> {
    stored: &'a Stored,
    verdict: &'a mut Verdict,
}

impl Checking<'_> {
    fn check(&mut self, histories: &[&History]) {
        self.verdict.stored += self.stored.changes.len();
        self.offsets_rise_by_one();
        let places = self.places_of_keys();
        for history in histories {
            self.acknowledged_is_stored(history, &places);
            self.heard_is_stored(history);
            if history.replica != self.stored.content {
                self.found(Violation::Differs { client: history.client.clone() });
            }
        }
        self.time_is_kept(histories, &places);
    }

    fn found(&mut self, violation: Violation) {
        self.verdict.violations.push(violation);
    }

    fn offsets_rise_by_one(&mut self) {
        for (change, offset) in self.stored.changes.iter().zip(1..) {
            if change.offset != offset {
                // What follows is moved by as much; it is the first that tells where.
                return self.found(Violation::Hole { thing: self.stored.thing.clone(), offset });
            }
        }
    }

    fn places_of_keys(&mut self) -> HashMap<String, u64> {
        let mut places = HashMap::new();
        for change in &self.stored.changes {
            if let Some(key) = &change.key
                && let Some(first) = places.insert(key.clone(), change.offset)
            {
                let offsets = [first, change.offset];
                self.verdict.violations.push(Violation::AppliedTwice { key: key.clone(), offsets });
            }
        }
        places
    }

    fn acknowledged_is_stored(&mut self, history: &History, places: &HashMap<String, u64>) {
        for Edit { key, acknowledged, .. } in &history.edits {
            let Some((_, offset)) = acknowledged else {
                self.verdict.unanswered += 1;
                continue;
            };
            self.verdict.acknowledged += 1;
            match places.get(key) {
                Some(stored) if stored == offset => {}
                Some(stored) => {
                    self.found(Violation::Moved { key: key.clone(), acknowledged: *offset, stored: *stored });
                }
                None => self.found(Violation::Lost { client: history.client.clone(), key: key.clone() }),
            }
        }
    }

    fn heard_is_stored(&mut self, history: &History) {
        let client = || history.client.clone();
        let by_offset: BTreeMap<u64, &StoredChange> =
            self.stored.changes.iter().map(|change| (change.offset, change)).collect();
        let mut last = None;
        for seen in &history.seen {
            let (Seen::Whole(offset) | Seen::Change(offset, _)) = seen;
            match (seen, last) {
                (Seen::Whole(_), None) => {}
                (Seen::Whole(_), Some(last)) if *offset >= last => {}
                (Seen::Change(..), Some(last)) if *offset == last + 1 => {}
                (Seen::Change(..), Some(last)) if *offset == last => {
                    self.found(Violation::HeardTwice { client: client(), offset: *offset });
                }
                (_, after) => {
                    let after = after.unwrap_or(0);
                    self.found(Violation::OutOfOrder { client: client(), after, offset: *offset });
                }
            }
            last = Some(*offset);
            self.verdict.heard += 1;
            if let Seen::Change(offset, mark) = seen
                && !by_offset.get(offset).is_some_and(|change| change.is_marked(mark))
            {
                let stored = by_offset.get(offset).and_then(|change| change.key.clone());
                self.found(Violation::OtherThanStored {
                    client: client(),
                    offset: *offset,
                    heard: mark.clone(),
                    stored,
                });
            }
        }
        let (at, of) = (last.unwrap_or(0), self.stored.changes.last().map_or(0, |change| change.offset));
        if at < of {
            self.found(Violation::Behind { client: client(), at, of });
        }
    }

    /// Whatever was sent after something else had been acknowledged stands behind it. Walks from the end of the
    /// log to its beginning with the earliest acknowledgement of all that stands behind.
    fn time_is_kept(&mut self, histories: &[&History], places: &HashMap<String, u64>) {
        let mut by_offset = BTreeMap::new();
        for edit in histories.iter().flat_map(|history| &history.edits) {
            if let Some(offset) = places.get(&edit.key) {
                by_offset.insert(*offset, edit);
            }
        }
        let mut earliest: Option<(Instant, u64)> = None;
        for (offset, edit) in by_offset.into_iter().rev() {
            if let Some((at, acknowledged)) = earliest
                && at < edit.sent
            {
                let thing = self.stored.thing.clone();
                self.found(Violation::Overtook { sent_later: offset, acknowledged, thing });
            }
            if let Some((at, _)) = edit.acknowledged
                && earliest.is_none_or(|(earliest, _)| at < earliest)
            {
                earliest = Some((at, offset));
            }
        }
    }
}

impl StoredChange {
    fn is_marked(&self, mark: &Mark) -> bool {
        match mark {
            Mark::Key(key) => self.key.as_ref() == Some(key),
            Mark::Update(update) => self.update == *update,
        }
    }
}

#[cfg(test)]
#[path = "checker_tests.rs"]
mod tests;
