//! The tables of `store.db`, and how a file of an earlier release is brought up to date.

use std::{cmp::Ordering, time::Duration};

use rusqlite::{Connection, TransactionBehavior};

use super::{Result, StoreError};

/// One step for each version: the step at index N makes version N + 1 of version N.
/// A step that has been released is never changed.
const STEPS: &[&str] =
    &[VERSION_1, GRANTS, AUDIT, EXTERNAL_TOKENS, DISPLAY_NAMES, SEARCHED_TEXTS, ADMINISTRATORS, FORMER_NAMES];

const VERSION_1: &str = "
CREATE TABLE organisations (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Users and clients share one set of names, so that a name in a message or token means one of them.
CREATE TABLE principals (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'client')),
    name TEXT NOT NULL UNIQUE,
    organisation INTEGER NOT NULL REFERENCES organisations,
    disabled INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE users (
    principal INTEGER PRIMARY KEY REFERENCES principals ON DELETE CASCADE,
    password_hash TEXT NOT NULL
) STRICT;

CREATE TABLE clients (
    principal INTEGER PRIMARY KEY REFERENCES principals ON DELETE CASCADE,
    secret_hash BLOB,                  -- SHA-256 of a random secret; null for a public client
    redirect_uris TEXT NOT NULL,       -- JSON list
    scopes TEXT NOT NULL
) STRICT;

-- Named once in the installation, because the admin command names a group alone.
CREATE TABLE groups (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    organisation INTEGER NOT NULL REFERENCES organisations,
    approved INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE memberships (
    principal INTEGER NOT NULL REFERENCES principals ON DELETE CASCADE,
    grp INTEGER NOT NULL REFERENCES groups ON DELETE CASCADE,
    PRIMARY KEY (principal, grp)
) STRICT, WITHOUT ROWID;
CREATE INDEX members ON memberships (grp);

CREATE TABLE things (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    organisation INTEGER NOT NULL REFERENCES organisations,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The row id is the Thing's number.
CREATE VIRTUAL TABLE titles USING fts5 (title, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');

CREATE TABLE principal_shares (
    principal INTEGER NOT NULL REFERENCES principals ON DELETE CASCADE,
    thing INTEGER NOT NULL REFERENCES things ON DELETE CASCADE,
    role INTEGER NOT NULL CHECK (role BETWEEN 1 AND 3),
    PRIMARY KEY (principal, thing)
) STRICT, WITHOUT ROWID;
CREATE INDEX shared_with_principals ON principal_shares (thing);

CREATE TABLE group_shares (
    grp INTEGER NOT NULL REFERENCES groups ON DELETE CASCADE,
    thing INTEGER NOT NULL REFERENCES things ON DELETE CASCADE,
    role INTEGER NOT NULL CHECK (role BETWEEN 1 AND 3),
    PRIMARY KEY (grp, thing)
) STRICT, WITHOUT ROWID;
CREATE INDEX shared_with_groups ON group_shares (thing);

-- Everyone's grants, their own and those through groups. Never across organisations, whatever is shared.
CREATE VIEW grants (principal, thing, role) AS
    SELECT s.principal, s.thing, s.role
        FROM principal_shares s JOIN principals p ON p.id = s.principal JOIN things t ON t.number = s.thing
        WHERE NOT t.deleted AND NOT p.disabled AND t.organisation = p.organisation
    UNION ALL
    SELECT m.principal, s.thing, s.role
        FROM memberships m JOIN group_shares s ON s.grp = m.grp
            JOIN principals p ON p.id = m.principal JOIN things t ON t.number = s.thing
        WHERE NOT t.deleted AND NOT p.disabled AND t.organisation = p.organisation;

CREATE TABLE oauth_codes (
    hash BLOB PRIMARY KEY,
    code TEXT NOT NULL,                -- JSON
    expires_at INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE login_sessions (
    hash BLOB PRIMARY KEY,             -- SHA-256 of the id in the cookie
    data TEXT NOT NULL,                -- JSON
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY,
    pkcs8 BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
";

const GRANTS: &str = "
-- What one authorisation gave to a client. All its tokens carry its id, and end with it.
CREATE TABLE oauth_grants (
    id BLOB PRIMARY KEY,
    client TEXT NOT NULL,              -- not a reference: the built-in client is no principal
    principal INTEGER NOT NULL REFERENCES principals ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    access_until INTEGER NOT NULL,     -- when its last access token expires
    family BLOB,                       -- SHA-256; null without a refresh token
    turn BLOB,                         -- SHA-256
    refresh_until INTEGER NOT NULL,
    refresh_until_at_most INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_of_principals ON oauth_grants (principal);
CREATE INDEX grants_of_clients ON oauth_grants (client);

CREATE TABLE oauth_consents (
    principal INTEGER NOT NULL REFERENCES principals ON DELETE CASCADE,
    client TEXT NOT NULL,
    scopes TEXT NOT NULL,
    PRIMARY KEY (principal, client)
) STRICT, WITHOUT ROWID;

-- Null for the key that signs.
ALTER TABLE signing_keys ADD COLUMN verifies_until INTEGER;

-- They live a minute, and now stand for more.
DELETE FROM oauth_codes;
";

const AUDIT: &str = "
-- Who did what to whose access. Rows are added and, the oldest first, dropped; never changed.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,               -- milliseconds since 1970
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL,
    address TEXT,
    request TEXT
) STRICT;
CREATE INDEX audit_by_time ON audit (at);
";

const EXTERNAL_TOKENS: &str = "
-- Seconds since 1970. Tokens of another issuer that are not younger count for nothing.
ALTER TABLE principals ADD COLUMN tokens_after INTEGER NOT NULL DEFAULT 0;
";

const DISPLAY_NAMES: &str = "
-- How people know an application; null for its id.
ALTER TABLE clients ADD COLUMN display_name TEXT;
";

const SEARCHED_TEXTS: &str = "
DROP TABLE titles;
-- What a search looks through; the row id is the Thing's number. Only the index is kept, not the texts.
CREATE VIRTUAL TABLE texts USING fts5 (title, labels, notes, content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3');
-- The change as of which they are; 0 while only the title is there. Where it is not the last one of the log, the server
-- looks again when it starts.
ALTER TABLE things ADD COLUMN searched_until INTEGER NOT NULL DEFAULT 0;
INSERT INTO texts (rowid, title, labels, notes) SELECT number, title, '', '' FROM things WHERE NOT deleted;
";

const ADMINISTRATORS: &str = "
-- Users who look after their organisation.
ALTER TABLE users ADD COLUMN administrator INTEGER NOT NULL DEFAULT 0;
";

const FORMER_NAMES: &str = "
-- Until when (milliseconds since 1970) a name was that of somebody, or of a group, who has another one now or is gone.
CREATE TABLE former_names (
    name TEXT NOT NULL,
    of_group INTEGER NOT NULL,
    until INTEGER NOT NULL,
    organisation INTEGER REFERENCES organisations ON DELETE SET NULL,
    PRIMARY KEY (name, of_group, until)
) STRICT, WITHOUT ROWID;
";

/// Sets what holds for one connection.
pub(super) fn configure(db: &Connection) -> Result<()> {
    db.busy_timeout(Duration::from_secs(5))?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Refuses a file of another release than this one.
pub(super) fn demand_current(db: &Connection) -> Result<()> {
    let known = i64::try_from(STEPS.len()).expect("a handful");
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match found.cmp(&known) {
        Ordering::Less => Err(StoreError::TooOld { found, known }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(StoreError::TooNew { found, known }),
    }
}

/// Brings the file to this release's version.
pub(super) fn prepare(db: &mut Connection) -> Result<()> {
    configure(db)?;
    let known = i64::try_from(STEPS.len()).expect("a handful");
    // Immediate, so that of two processes that start at once the second finds the first one's work.
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let Some(steps) = usize::try_from(found).ok().and_then(|done| STEPS.get(done..)) else {
        return Err(StoreError::TooNew { found, known });
    };
    for step in steps {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}
