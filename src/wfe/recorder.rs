//! Writes the record of who did what to whose access, many entries at once, so that neither a login nor a
//! refusal waits for the disk. What comes faster than it can be written is counted, and the count recorded.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

use crate::{
    clock,
    store::{
        Store,
        audit::{Entry, Event, Keep},
    },
};

/// Entries that may wait.
const MOST_WAITING: usize = 4096;
/// How long entries gather before they are written.
const GATHER: Duration = Duration::from_secs(1);

/// Where everyone notes what happened. Clones share it.
#[derive(Clone, Debug)]
pub struct Audit {
    notes: mpsc::Sender<Note>,
    lost: Arc<AtomicU64>,
}

/// Its other end.
pub struct Recorder {
    store: Store,
    keep: Keep,
    notes: mpsc::Receiver<Note>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Note {
    /// What happened, and when.
    Happened(u64, Entry),
    /// Somebody wants to know when all before this is written.
    Written(oneshot::Sender<()>),
}

impl Audit {
    /// Both ends.
    pub fn new(store: Store, keep: Keep) -> (Self, Recorder) {
        let (sender, notes) = mpsc::channel(MOST_WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        (Self { notes: sender, lost: lost.clone() }, Recorder { store, keep, notes, lost })
    }

    /// Notes what happened just now.
    pub fn note(&self, entry: Entry) {
        if self.notes.try_send(Note::Happened(clock::unix_millis(), entry)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all that was noted is written.
    pub async fn finish(&self) {
        let (written, is_written) = oneshot::channel();
        // It fails only if nobody writes any more.
        if self.notes.send(Note::Written(written)).await.is_ok() {
            let _ = is_written.await;
        }
    }
}

impl Recorder {
    /// Writes what is noted until nobody notes anything any more.
    pub async fn run(mut self) {
        let mut notes = Vec::new();
        while self.notes.recv_many(&mut notes, MOST_WAITING).await > 0 {
            let (mut entries, mut waiting) = (Vec::new(), Vec::new());
            for note in notes.drain(..) {
                match note {
                    Note::Happened(at, entry) => entries.push((at, entry)),
                    Note::Written(told) => waiting.push(told),
                }
            }
            let in_haste = !waiting.is_empty();
            self.write(entries).await;
            for told in waiting {
                let _ = told.send(());
            }
            if !in_haste {
                tokio::time::sleep(GATHER).await;
            }
        }
    }

    async fn write(&self, mut entries: Vec<(u64, Entry)>) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let entry = Entry::of_administrator(Event::EventsLost, format!("{lost} events"));
            entries.push((clock::unix_millis(), entry));
        }
        if entries.is_empty() {
            return;
        }
        let (store, keep, entries) = (self.store.clone(), self.keep, told_once(entries));
        let written = tokio::task::spawn_blocking(move || store.record(&entries, keep)).await;
        let why = match written {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        crate::limiter::seldom!(error, error = why, "what happened to somebody's access could not be recorded");
    }
}

/// What happened many times at once becomes one entry: whoever tries again and again must not push out what others did.
fn told_once(entries: Vec<(u64, Entry)>) -> Vec<(u64, Entry)> {
    let mut once: Vec<(u64, Entry, u64)> = Vec::new();
    for (at, entry) in entries {
        let alike = |known: &Entry| {
            let of = |entry: &Entry| {
                (entry.what, entry.who.clone(), entry.target.clone(), entry.outcome.clone(), entry.address)
            };
            of(known) == of(&entry)
        };
        match once.iter_mut().find(|(_, known, _)| alike(known)) {
            Some((_, _, times)) => *times += 1,
            None => once.push((at, entry, 1)),
        }
    }
    let tell = |(at, entry, times): (u64, Entry, u64)| match times {
        1 => (at, entry),
        _ => {
            let outcome = format!("{} ({times} times)", entry.outcome);
            (at, entry.ended(outcome))
        }
    };
    once.into_iter().map(tell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    #[tokio::test]
    async fn what_is_noted_is_written_and_repetition_counted() {
        let fixture = Fixture::new();
        let (audit, recorder) = Audit::new(fixture.store.clone(), Keep { days: 1, rows: 1000 });
        for name in ["ada", "ada", "grace"] {
            audit.note(Entry::of_administrator(Event::LoginFailed, name).ended("wrong_credentials"));
        }
        tokio::spawn(recorder.run());
        audit.finish().await;
        let rows = fixture.store.recorded(0, None, 10).unwrap();
        let shown: Vec<_> = rows.iter().map(|row| (row.target.as_str(), row.outcome.as_str())).collect();
        assert_eq!(shown, [("ada", "wrong_credentials (2 times)"), ("grace", "wrong_credentials")]);
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted() {
        let fixture = Fixture::new();
        let (audit, recorder) = Audit::new(fixture.store.clone(), Keep { days: 1, rows: 10_000 });
        (0..MOST_WAITING + 5).for_each(|n| audit.note(Entry::of_administrator(Event::UserAdded, n.to_string())));
        tokio::spawn(recorder.run());
        audit.finish().await;
        let rows = fixture.store.recorded(0, None, 10_000).unwrap();
        assert_eq!(rows.last().map(|row| (row.what.as_str(), row.target.as_str())), Some(("events_lost", "5 events")));
    }
}
