//! The record of who did what to whose access. Rows are added and, when there are too many or they are too
//! old, the oldest are dropped, which is recorded too; no row is ever changed.
//!
//! Holds names and addresses; no password, token or secret is ever given to it.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::{Result, Store, locked, names::organisation_at, signed, unsigned};
use crate::access::Principal;

/// The one who works with the administrator's command.
pub const ADMINISTRATOR: &str = "administrator";

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What.
    pub what: Event,
    /// Who did it: [`ADMINISTRATOR`], or a [`Principal::id`]; empty if that is not known.
    pub who: String,
    /// On whom or what.
    pub target: String,
    /// How it ended: `done`, or the name of the error.
    pub outcome: String,
    /// From which address.
    pub address: Option<IpAddr>,
    /// The request's or session's id, which is in the logs too.
    pub request: Option<String>,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum Event {
    GroupAdded,
    GroupApproved,
    GroupWithdrawn,
    MemberAdded,
    MemberRemoved,
    GroupRenamed,
    GroupRemoved,
    OrganisationAdded,
    OrganisationRenamed,
    OrganisationRemoved,
    UserAdded,
    UserRenamed,
    UserRemoved,
    AdministratorAdded,
    AdministratorRemoved,
    UserDisabled,
    UserEnabled,
    PasswordChanged,
    ClientAdded,
    ClientRevoked,
    ClientEnabled,
    ClientRenamed,
    ClientRemoved,
    ClientSecretChanged,
    /// A user has allowed an application something.
    ConsentGiven,
    ConsentRefused,
    /// A user has ended all that they had allowed an application.
    ConsentWithdrawn,
    /// Tokens were revoked, or ended because one of them had leaked.
    GrantEnded,
    KeysRotated,
    Invited,
    Uninvited,
    LoggedIn,
    LoginFailed,
    LoggedOut,
    StreamRefused,
    /// Older rows were dropped; how many is the target.
    AuditTrimmed,
    /// More happened at once than could be recorded; how many is the target.
    EventsLost,
}

impl Event {
    /// The name in the list.
    pub fn name(self) -> &'static str {
        match self {
            Self::GroupAdded => "group_added",
            Self::GroupApproved => "group_approved",
            Self::GroupWithdrawn => "group_withdrawn",
            Self::MemberAdded => "member_added",
            Self::MemberRemoved => "member_removed",
            Self::GroupRenamed => "group_renamed",
            Self::GroupRemoved => "group_removed",
            Self::OrganisationAdded => "organisation_added",
            Self::OrganisationRenamed => "organisation_renamed",
            Self::OrganisationRemoved => "organisation_removed",
            Self::UserAdded => "user_added",
            Self::UserRenamed => "user_renamed",
            Self::UserRemoved => "user_removed",
            Self::AdministratorAdded => "administrator_added",
            Self::AdministratorRemoved => "administrator_removed",
            Self::UserDisabled => "user_disabled",
            Self::UserEnabled => "user_enabled",
            Self::PasswordChanged => "password_changed",
            Self::ClientAdded => "client_added",
            Self::ClientRevoked => "client_revoked",
            Self::ClientEnabled => "client_enabled",
            Self::ClientRenamed => "client_renamed",
            Self::ClientRemoved => "client_removed",
            Self::ClientSecretChanged => "client_secret_changed",
            Self::ConsentGiven => "consent_given",
            Self::ConsentRefused => "consent_refused",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::GrantEnded => "grant_ended",
            Self::KeysRotated => "keys_rotated",
            Self::Invited => "invited",
            Self::Uninvited => "uninvited",
            Self::LoggedIn => "logged_in",
            Self::LoginFailed => "login_failed",
            Self::LoggedOut => "logged_out",
            Self::StreamRefused => "stream_refused",
            Self::AuditTrimmed => "audit_trimmed",
            Self::EventsLost => "events_lost",
        }
    }
}

impl Entry {
    /// The outcome of what was done.
    pub const DONE: &str = "done";

    /// What an administrator did.
    pub fn of_administrator(what: Event, target: impl Into<String>) -> Self {
        let (who, outcome) = (ADMINISTRATOR.to_owned(), Self::DONE.to_owned());
        Self { what, who, target: target.into(), outcome, address: None, request: None }
    }

    /// What a user or client did.
    pub fn of(who: &Principal, what: Event, target: impl Into<String>) -> Self {
        Self { who: who.id(), ..Self::of_administrator(what, target) }
    }

    /// The same with another outcome than [`Entry::DONE`].
    pub fn ended(self, outcome: impl Into<String>) -> Self {
        Self { outcome: outcome.into(), ..self }
    }
}

/// A row as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see Entry")]
pub struct Recorded {
    /// Milliseconds since 1970.
    pub at: u64,
    pub what: String,
    pub who: String,
    pub target: String,
    pub outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Days; a day more may be there.
    pub days: u64,
    /// Rows.
    pub rows: u64,
}

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// An entry that is to be recorded together with what it tells of.
#[derive(Clone)]
pub(super) struct Waiting(Arc<Mutex<Option<(u64, Entry, Keep)>>>);

impl Waiting {
    /// Records it within a write, unless that has been done.
    pub fn record(&self, db: &Connection) -> Result<()> {
        match locked(&self.0).take() {
            Some((at, entry, keep)) => add(db, &[(at, entry)], keep),
            None => Ok(()),
        }
    }
}

impl Store {
    /// Adds to the record, and drops what is older or more than is to be kept.
    ///
    /// # Errors
    /// The database failed; nothing was added.
    pub fn record(&self, entries: &[(u64, Entry)], keep: Keep) -> Result<()> {
        self.write(|db| add(db, entries, keep))
    }

    /// Makes a change through the store that `change` is given, and records it in the same transaction: afterwards
    /// both are there, or neither. If nothing had to be written, the entry is recorded by itself.
    ///
    /// # Errors
    /// As those of the change; or the entry could not be recorded.
    pub fn recording(
        &self,
        (at, entry, keep): (u64, Entry, Keep),
        change: impl FnOnce(&Self) -> Result<()>,
    ) -> Result<()> {
        let waiting = Waiting(Arc::new(Mutex::new(Some((at, entry, keep)))));
        change(&Self(self.0.clone(), Some(waiting.clone())))?;
        self.write(|db| waiting.record(db))
    }

    /// What happened since then, the oldest first; of all or of one user, as the one who did it or to whom it
    /// was done.
    ///
    /// # Errors
    /// The database failed.
    pub fn recorded(&self, since_millis: u64, user: Option<&str>, most: u64) -> Result<Vec<Recorded>> {
        const QUERY: &str = "SELECT at, what, who, target, outcome, address, request FROM audit
            WHERE at >= ?1 AND (?2 IS NULL OR who = 'user:' || ?2 OR who = 'client:' || ?2
                OR target = ?2 OR target LIKE ?2 || ' %' OR target LIKE '% ' || ?2 OR target LIKE '% ' || ?2 || ' %')
            ORDER BY number DESC LIMIT ?3";
        self.read(|db| rows(db, QUERY, params![signed(since_millis), user, signed(most)]))
    }

    /// The last rows about an organisation, the oldest first: what its users and applications did, and what was done
    /// to them and to its groups; under the names that they had then.
    ///
    /// # Errors
    /// The database failed.
    pub fn recorded_of(&self, organisation: &str, most: u64) -> Result<Vec<Recorded>> {
        // The target begins with the name of whom or what it is about.
        let query = format!(
            "WITH of AS (SELECT id FROM organisations WHERE name = ?1),
                named AS (SELECT *, substr(who, instr(who, ':') + 1) AS by_name,
                    substr(target, 1, instr(target || ' ', ' ') - 1) AS on_name,
                    what LIKE 'group%' OR what LIKE 'member%' AS on_group FROM audit)
            SELECT at, what, who, target, outcome, address, request FROM named
                WHERE (instr(who, ':') > 0 AND {by} IN of) OR (on_group AND {group} IN of) OR (NOT on_group AND {on} IN of)
                ORDER BY number DESC LIMIT ?2",
            by = organisation_at("by_name", false, "at"),
            group = organisation_at("on_name", true, "at"),
            on = organisation_at("on_name", false, "at"),
        );
        self.read(|db| rows(db, &query, params![organisation, signed(most)]))
    }
}

/// The rows that a query finds, the newest first, turned around.
fn rows(db: &Connection, query: &str, parameters: impl rusqlite::Params) -> Result<Vec<Recorded>> {
    let mut query = db.prepare_cached(query)?;
    let rows = query.query_map(parameters, |row: &Row<'_>| {
        Ok(Recorded {
            at: unsigned(row.get(0)?),
            what: row.get(1)?,
            who: row.get(2)?,
            target: row.get(3)?,
            outcome: row.get(4)?,
            address: row.get(5)?,
            request: row.get(6)?,
        })
    })?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    rows.reverse();
    Ok(rows)
}

fn add(db: &Connection, entries: &[(u64, Entry)], keep: Keep) -> Result<()> {
    entries.iter().try_for_each(|(at, entry)| insert(db, *at, entry))?;
    let now = entries.iter().map(|(at, _)| *at).max().unwrap_or(0);
    let dropped = trim(db, now, keep)?;
    if dropped > 0 {
        insert(db, now, &Entry::of_administrator(Event::AuditTrimmed, format!("{dropped} rows")))?;
    }
    Ok(())
}

fn insert(db: &Connection, at: u64, entry: &Entry) -> Result<()> {
    const INSERT: &str = "INSERT INTO audit (at, who, what, target, outcome, address, request)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Entry { what, who, target, outcome, address, request } = entry;
    let address = address.map(|address| address.to_string());
    db.prepare_cached(INSERT)?.execute(params![signed(at), who, what.name(), target, outcome, address, request])?;
    Ok(())
}

/// A tenth more than needed goes at once, so that this is not done, and recorded, for each row.
fn trim(db: &Connection, now: u64, keep: Keep) -> Result<usize> {
    let first_last = "SELECT ifnull(min(number), 0), ifnull(max(number), 0), ifnull(min(at), 0) FROM audit";
    let (first, last, oldest): (i64, i64, i64) =
        db.query_row(first_last, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut dropped = 0;
    if unsigned(oldest) + (keep.days + 1) * DAY_MILLIS < now {
        let until = signed(now.saturating_sub(keep.days * DAY_MILLIS));
        dropped += db.execute("DELETE FROM audit WHERE at < ?1", [until])?;
    }
    let rows = unsigned(last - first + 1);
    // One row for the record of the trimming itself.
    if rows + 1 > keep.rows {
        let until = last - signed(keep.rows - keep.rows / 10);
        dropped += db.execute("DELETE FROM audit WHERE number <= ?1", [until])?;
    }
    Ok(dropped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::Records as _, store::fixture::Fixture};

    const NOW: u64 = 1_000 * DAY_MILLIS;

    fn entry(target: &str) -> Entry {
        Entry::of_administrator(Event::UserAdded, target)
    }

    fn targets(fixture: &Fixture, user: Option<&str>) -> Vec<String> {
        let rows = fixture.store.recorded(0, user, 1000).unwrap();
        rows.into_iter().map(|row| row.target).collect()
    }

    #[test]
    fn what_happened_is_read_back_by_time_and_by_user() {
        let fixture = Fixture::new();
        let keep = Keep { days: 90, rows: 100 };
        let mut invited = Entry::of(&fixture.ada, Event::Invited, "T grace editor");
        invited.address = Some([127, 0, 0, 1].into());
        fixture.store.record(&[(NOW, invited), (NOW + 1, entry("eve"))], keep).unwrap();
        fixture.store.record(&[(NOW + 2, entry("gracey"))], keep).unwrap();
        assert_eq!(targets(&fixture, None), ["T grace editor", "eve", "gracey"]);
        assert_eq!(targets(&fixture, Some("grace")), ["T grace editor"]);
        assert_eq!(targets(&fixture, Some("ada")), ["T grace editor"]);
        let since = fixture.store.recorded(NOW + 1, None, 1).unwrap();
        assert_eq!((since.len(), since[0].target.as_str(), since[0].who.as_str()), (1, "gracey", "administrator"));
    }

    #[test]
    fn a_change_and_its_entry_are_both_there_or_neither() {
        let fixture = Fixture::new();
        let (store, ada) = (&fixture.store, &fixture.ada);
        let keep = Keep { days: 90, rows: 100 };
        let withdraw = |store: &Store| store.set_approved("designers", false);
        let count = || store.recorded(0, None, 1000).unwrap().len();
        let fails = store.recording((NOW, entry("nobody"), keep), |store| store.set_approved("nobody", false));
        assert!(fails.is_err() && count() == 0, "no change, no entry");

        store.write(|db| Ok(db.execute_batch("ALTER TABLE audit RENAME TO elsewhere")?)).unwrap();
        assert!(store.recording((NOW, entry("designers"), keep), withdraw).is_err());
        assert!(store.standing(ada).unwrap().approved, "no entry, no change");
        store.write(|db| Ok(db.execute_batch("ALTER TABLE elsewhere RENAME TO audit")?)).unwrap();

        store.recording((NOW, entry("designers"), keep), withdraw).unwrap();
        assert!(!store.standing(ada).unwrap().approved && count() == 1);
        store.recording((NOW, entry("nothing"), keep), |_| Ok(())).unwrap();
        let both = |store: &Store| withdraw(store).and_then(|()| withdraw(store));
        store.recording((NOW, entry("once"), keep), both).unwrap();
        assert_eq!(targets(&fixture, None), ["designers", "nothing", "once"]);
    }

    #[test]
    fn the_oldest_rows_go_and_that_is_recorded() {
        book::claims!("audit-bounded", 1);
        let usual = crate::config::Audit::default();
        assert_eq!((usual.keep_days, usual.keep_rows), (90, 100_000));
        let fixture = Fixture::new();
        let keep = Keep { days: 90, rows: 20 };
        for n in 0..100_u64 {
            fixture.store.record(&[(NOW + n, entry(&n.to_string()))], keep).unwrap();
            assert!(targets(&fixture, None).len() <= 20, "never more than is to be kept");
        }
        let rows = fixture.store.recorded(0, None, 1000).unwrap();
        assert!(rows.len() >= 17 && rows.iter().any(|row| row.what == "audit_trimmed"), "{rows:?}");
        assert_eq!(rows.iter().rfind(|row| row.what == "user_added").unwrap().target, "99");

        let later = NOW + 92 * DAY_MILLIS;
        fixture.store.record(&[(later, entry("later"))], keep).unwrap();
        let rows = fixture.store.recorded(0, None, 1000).unwrap();
        assert_eq!(rows.iter().map(|row| row.what.as_str()).collect::<Vec<_>>(), ["user_added", "audit_trimmed"]);
    }
}
