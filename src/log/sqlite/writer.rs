//! The thread that writes: takes what is queued, writes it in one transaction, commits, and answers
//! all of it. The only place that changes the file.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::Receiver,
    },
};

use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, params};
use tokio::sync::oneshot;

use super::{Durability, id, last_offset, schema, signed};
use crate::{
    limiter::seldom,
    log::{LogError, NewChange},
    metrics,
    protocol::ThingId,
};

/// Most writes in one transaction.
const BATCH_JOBS: usize = 1_024;
/// Once a transaction has this many bytes, it takes no more.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Things whose last offsets are remembered; beyond it all are forgotten, and asked for again.
const REMEMBERED: usize = 100_000;

/// One thing to write.
pub(super) enum Command {
    Create(ThingId, String, NewChange),
    Append(ThingId, u64, NewChange),
    Snapshot(ThingId, u64, Bytes),
    #[cfg(test)]
    LimitPages(Option<u32>),
}

impl Command {
    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Create(_, _, change) | Self::Append(_, _, change) => change.update.len() + 256,
            Self::Snapshot(_, _, state) => state.len() + 256,
            #[cfg(test)]
            Self::LimitPages(_) => 0,
        }
    }
}

/// A command, and who waits for it.
pub(super) struct Job {
    pub(super) command: Command,
    pub(super) reply: oneshot::Sender<Result<(), LogError>>,
}

impl Job {
    /// Tells whoever waits, if anybody still does.
    pub(super) fn answer(self, answer: Result<(), LogError>) {
        let _ = self.reply.send(answer);
    }
}

/// The state of the writing thread.
pub(super) struct Writer {
    path: PathBuf,
    durability: Durability,
    /// `None` after a failure, until the file could be opened again.
    connection: Option<Connection>,
    last: HashMap<ThingId, u64>,
    /// Since the last transaction that failed none has succeeded.
    is_failing: bool,
    #[cfg(test)]
    max_pages: Option<u32>,
}

impl Writer {
    pub(super) fn open(path: &Path, durability: Durability) -> Result<Self, LogError> {
        Ok(Self {
            connection: Some(schema::open_writer(path, durability)?),
            path: path.to_owned(),
            durability,
            last: HashMap::new(),
            is_failing: false,
            #[cfg(test)]
            max_pages: None,
        })
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self, jobs: &Receiver<Job>, queued_bytes: &AtomicUsize) {
        while let Ok(first) = jobs.recv() {
            let mut bytes = first.command.bytes();
            let mut batch = vec![first];
            while batch.len() < BATCH_JOBS
                && bytes < BATCH_BYTES
                && let Ok(job) = jobs.try_recv()
            {
                bytes += job.command.bytes();
                batch.push(job);
            }
            queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.write(batch);
        }
    }

    /// Writes a batch and answers it. Either all that is in order is durable, or nothing of it.
    fn write(&mut self, batch: Vec<Job>) {
        // A snapshot may be lost, an edit may not: so what happens to one never decides the other.
        let (snapshots, changes): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|job| matches!(job.command, Command::Snapshot(..)));
        self.write_changes(changes);
        for job in snapshots {
            let answer = self.in_transaction(|writer, connection| writer.carry_out(connection, &job.command));
            job.answer(answer.and_then(|refused| refused));
        }
    }

    fn write_changes(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let answers = metrics::LOG_COMMIT.time(|| {
            self.in_transaction(|writer, connection| {
                let carry_out = |job: &Job| writer.carry_out(connection, &job.command);
                jobs.iter().map(carry_out).collect::<Result<Vec<_>, _>>()
            })
        });
        match answers {
            Ok(answers) => jobs.into_iter().zip(answers).for_each(|(job, answer)| job.answer(answer)),
            Err(failed) => jobs.into_iter().for_each(|job| job.answer(Err(failed.clone()))),
        }
    }

    /// Runs `work` in a transaction. If it or the commit fails, nothing is tried twice: the
    /// connection is given up, and the next batch starts from what the file then says.
    fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &Connection) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen().inspect_err(|error| self.failed(error))?,
        };
        if self.last.len() > REMEMBERED {
            self.last.clear();
        }
        let done = (|| {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            let answer = work(self, &connection)?;
            connection.execute_batch("COMMIT")?;
            Ok(answer)
        })();
        match &done {
            Ok(_) => {
                self.connection = Some(connection);
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("the log can be written again");
                }
            }
            Err(error) => {
                self.failed(error);
                self.last.clear();
            }
        }
        done
    }

    fn failed(&mut self, error: &LogError) {
        self.is_failing = true;
        seldom!(error, %error, "the log could not be written, so edits are refused; is the disk full?");
    }

    fn reopen(&self) -> Result<Connection, LogError> {
        let connection = schema::open_writer(&self.path, self.durability)?;
        #[cfg(test)]
        if let Some(pages) = self.max_pages {
            connection.pragma_update(None, "max_page_count", pages)?;
        }
        Ok(connection)
    }

    /// Carries out one command. The outer error fails the whole transaction, the inner one is the
    /// answer to this command alone.
    fn carry_out(&mut self, connection: &Connection, command: &Command) -> Result<Result<(), LogError>, LogError> {
        match command {
            Command::Create(thing, epoch, first) => {
                if self.last(connection, *thing)?.is_some() {
                    return Ok(Err(LogError::Exists));
                }
                connection
                    .prepare_cached("INSERT INTO thing (thing, epoch) VALUES (?1, ?2)")?
                    .execute(params![id(*thing), epoch])?;
                self.insert(connection, *thing, 1, first)
            }
            Command::Append(thing, offset, change) => {
                let expected = self.last(connection, *thing)?.map(|last| last + 1);
                if expected != Some(*offset) {
                    let expected = expected.unwrap_or(0);
                    return Ok(Err(LogError::WrongOffset { expected }));
                }
                self.insert(connection, *thing, *offset, change)
            }
            Command::Snapshot(thing, offset, state) => {
                let last = self.last(connection, *thing)?.unwrap_or(0);
                if *offset == 0 || *offset > last {
                    return Ok(Err(LogError::WrongOffset { expected: last }));
                }
                connection
                    .prepare_cached("INSERT OR REPLACE INTO snapshot (thing, \"offset\", state) VALUES (?1, ?2, ?3)")?
                    .execute(params![id(*thing), signed(*offset), &state[..]])?;
                connection
                    .prepare_cached(
                        "DELETE FROM snapshot WHERE thing = ?1 AND \"offset\" NOT IN \
                         (SELECT \"offset\" FROM snapshot WHERE thing = ?1 ORDER BY \"offset\" DESC LIMIT 2)",
                    )?
                    .execute([id(*thing)])?;
                Ok(Ok(()))
            }
            #[cfg(test)]
            Command::LimitPages(pages) => {
                self.max_pages = *pages;
                // The default of SQLite.
                connection.pragma_update(None, "max_page_count", pages.unwrap_or(0xffff_fffe))?;
                Ok(Ok(()))
            }
        }
    }

    fn insert(
        &mut self,
        connection: &Connection,
        thing: ThingId,
        offset: u64,
        change: &NewChange,
    ) -> Result<Result<(), LogError>, LogError> {
        const SQL: &str = "INSERT INTO change (thing, \"offset\", user, principal, key, kind, update_v1, at_millis) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let inserted = connection.prepare_cached(SQL)?.execute(params![
            id(thing),
            signed(offset),
            change.user,
            change.principal,
            change.key,
            change.kind.number(),
            &change.update[..],
            signed(change.at_millis),
        ]);
        match inserted {
            Ok(_) => {
                self.last.insert(thing, offset);
                Ok(Ok(()))
            }
            // The offset is the next one, so it can only be the key; the transaction goes on.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Ok(Err(LogError::KeyUsed))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn last(&mut self, connection: &Connection, thing: ThingId) -> Result<Option<u64>, LogError> {
        if let Some(last) = self.last.get(&thing) {
            return Ok(Some(*last));
        }
        let last = last_offset(connection, thing)?;
        if let Some(last) = last {
            self.last.insert(thing, last);
        }
        Ok(last)
    }
}
