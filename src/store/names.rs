//! Renaming and removing organisations, groups, users and clients, and the names that they have given up.
//!
//! A row keeps its id under another name, and with it all that refers to it. Some things go by a name instead: logins,
//! tokens, the record, the log. So it is kept until when a name was somebody else's: whoever takes it later gets
//! nothing of what was issued or done under it before.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Result, Store, StoreError,
    accounts::{kind_name, known_id_of, principal},
    checked_name,
    login_sessions::USER_OF_LOGIN,
    named_once, shares, signed, unsigned,
};
use crate::{
    access::{Change, Kind, Principal, Role},
    clock,
};

/// Most names or titles in the reason for a refusal.
const MOST_NAMED: usize = 5;

impl Store {
    /// Gives a user or client another name. A user's logins go on under it; a client has to show the new one, so its
    /// tokens end. Access tokens name their user: those of a renamed one count for nothing, and are refreshed.
    ///
    /// # Errors
    /// There is no such user or client, or the new name is taken or cannot be used.
    pub fn rename_principal(&self, kind: Kind, name: &str, to: &str) -> Result<()> {
        const CONSENTS: &str = "UPDATE OR REPLACE oauth_consents SET client = ?2 WHERE client = ?1";
        let logins = format!(
            "UPDATE login_sessions SET data = json_set(data, '$.\"axum-login.data\".user_id', ?2)
                WHERE {USER_OF_LOGIN} = ?1"
        );
        checked_name(to)?;
        self.change_access(|db| {
            let (id, who) = row_of(db, kind, name)?;
            let taken = || format!("a user or client named {to}");
            if name == to {
                return Err(StoreError::Exists(taken()));
            }
            named_once(db.execute("UPDATE principals SET name = ?2 WHERE id = ?1", params![id, to]), taken)?;
            end_codes(db, &who)?;
            match kind {
                Kind::User => drop(db.execute(&logins, [name, to])?),
                Kind::Client => {
                    db.execute("DELETE FROM oauth_grants WHERE client = ?1", [name])?;
                    db.execute(CONSENTS, [name, to])?;
                }
            }
            give_up(db, name, Kept::Principal, &who.organisation)?;
            take(db, id)?;
            Ok(((), Some(if kind == Kind::Client { Change::Client(who) } else { Change::Renamed(vec![who]) })))
        })
    }

    /// Gives a group another name.
    ///
    /// # Errors
    /// There is no such group, or the new name is taken or cannot be used.
    pub fn rename_group(&self, name: &str, to: &str) -> Result<()> {
        checked_name(to)?;
        self.change_access(|db| {
            let (id, organisation) = group_row(db, name)?;
            let taken = || format!("a group named {to}");
            if name == to {
                return Err(StoreError::Exists(taken()));
            }
            named_once(db.execute("UPDATE groups SET name = ?2 WHERE id = ?1", params![id, to]), taken)?;
            give_up(db, name, Kept::Group, &organisation)?;
            Ok(((), Some(Change::Groups(vec![name.to_owned(), to.to_owned()]))))
        })
    }

    /// Gives an organisation another name. Access tokens name it: they are refreshed.
    ///
    /// # Errors
    /// There is no such organisation, or the new name is taken or cannot be used.
    pub fn rename_organisation(&self, name: &str, to: &str) -> Result<()> {
        const MEMBERS: &str = "SELECT p.kind, p.name, o.name FROM principals p
            JOIN organisations o ON o.id = p.organisation WHERE o.id = ?1";
        checked_name(to)?;
        self.change_access(|db| {
            let id = organisation_row(db, name)?;
            let taken = || format!("an organisation named {to}");
            if name == to {
                return Err(StoreError::Exists(taken()));
            }
            let members: Vec<Principal> = {
                let mut query = db.prepare_cached(MEMBERS)?;
                query.query_map([id], super::accounts::principal_of)?.collect::<rusqlite::Result<_>>()?
            };
            named_once(db.execute("UPDATE organisations SET name = ?2 WHERE id = ?1", params![id, to]), taken)?;
            db.execute("DELETE FROM oauth_codes WHERE json_extract(code, '$.user.organisation') = ?1", [name])?;
            Ok(((), Some(Change::Renamed(members))))
        })
    }

    /// Removes a user or client, with their logins and tokens. Things that nobody else owns become `heir`'s; tells how
    /// many these were.
    ///
    /// # Errors
    /// There is no such user, client or heir in their organisation; or there are such Things and no heir.
    pub fn remove_principal(&self, kind: Kind, name: &str, heir: Option<&str>) -> Result<usize> {
        // Through groups too, and whether they are disabled or not. Who is disabled owns nothing that they could use.
        const ALONE: &str = "SELECT t.number, t.title FROM things t WHERE NOT t.deleted
            AND (t.number IN (SELECT thing FROM principal_shares WHERE principal = ?1 AND role = ?2)
                OR t.number IN (SELECT s.thing FROM group_shares s JOIN memberships m ON m.grp = s.grp
                    WHERE m.principal = ?1 AND s.role = ?2))
            AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.thing = t.number AND g.role = ?2 AND g.principal <> ?1)
            ORDER BY t.changed_at DESC, t.number DESC";
        let logins = format!("DELETE FROM login_sessions WHERE {USER_OF_LOGIN} = ?1");
        self.change_access(|db| {
            let (id, who) = row_of(db, kind, name)?;
            let heir = heir.map(|heir| heir_of(db, &who, heir)).transpose()?;
            let alone: Vec<(i64, String)> = {
                let mut query = db.prepare_cached(ALONE)?;
                let rows = query
                    .query_map(params![id, shares::role_number(Role::Owner)], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect::<rusqlite::Result<_>>()?
            };
            if let (None, false) = (&heir, alone.is_empty()) {
                let titles = alone.iter().map(|(_, title)| format!("{title:?}"));
                return Err(StoreError::InUse(format!(
                    "{name} alone owns {}; say with -to NAME whose they become, or delete them first",
                    some(titles.collect(), "Things")
                )));
            }
            for (thing, _) in &alone {
                let (to, _) = heir.as_ref().expect("without an heir there are none");
                shares::grant(db, *thing, *to, Role::Owner)?;
            }
            end_codes(db, &who)?;
            match kind {
                Kind::User => drop(db.execute(&logins, [name])?),
                Kind::Client => {
                    db.execute("DELETE FROM oauth_grants WHERE client = ?1", [name])?;
                    db.execute("DELETE FROM oauth_consents WHERE client = ?1", [name])?;
                }
            }
            // What else refers to the row goes with it.
            db.execute("DELETE FROM principals WHERE id = ?1", [id])?;
            give_up(db, name, Kept::Principal, &who.organisation)?;
            let gone = if kind == Kind::Client { Change::Client(who) } else { Change::Of(vec![who]) };
            let given = heir.map(|(_, heir)| Change::Of(vec![heir]));
            Ok((alone.len(), [Some(gone), given].into_iter().flatten().collect::<Vec<_>>()))
        })
    }

    /// Removes a group in which nobody is.
    ///
    /// # Errors
    /// There is no such group, somebody is in it, or it alone owns Things.
    pub fn remove_group(&self, name: &str) -> Result<()> {
        const MEMBERS: &str = "SELECT p.name FROM memberships m JOIN principals p ON p.id = m.principal
            WHERE m.grp = ?1 ORDER BY p.name";
        const ALONE: &str = "SELECT t.title FROM group_shares s JOIN things t ON t.number = s.thing
            WHERE s.grp = ?1 AND s.role = ?2 AND NOT t.deleted
                AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.thing = t.number AND g.role = ?2)
            ORDER BY t.changed_at DESC, t.number DESC";
        self.change_access(|db| {
            let (id, organisation) = group_row(db, name)?;
            let members = texts(db, MEMBERS, params![id])?;
            if !members.is_empty() {
                return Err(StoreError::InUse(format!(
                    "{name} still has {}; take them out first with -remove-member NAME",
                    some(members, "members")
                )));
            }
            let alone = texts(db, ALONE, params![id, shares::role_number(Role::Owner)])?;
            if !alone.is_empty() {
                let titles = alone.iter().map(|title| format!("{title:?}")).collect();
                return Err(StoreError::InUse(format!(
                    "{name} alone owns {}; put somebody into it who makes others their owners, or deletes them",
                    some(titles, "Things")
                )));
            }
            db.execute("DELETE FROM groups WHERE id = ?1", [id])?;
            give_up(db, name, Kept::Group, &organisation)?;
            Ok(((), Some(Change::Groups(vec![name.to_owned()]))))
        })
    }

    /// Removes an organisation in which nothing is any more. Of its deleted Things nothing is listed then, not even
    /// that they were there.
    ///
    /// # Errors
    /// There is no such organisation, or something is in it.
    pub fn remove_organisation(&self, name: &str) -> Result<()> {
        const IN_IT: [(&str, &str); 4] = [
            ("users", "SELECT name FROM principals WHERE kind = 'user' AND organisation = ?1 ORDER BY name"),
            ("applications", "SELECT name FROM principals WHERE kind = 'client' AND organisation = ?1 ORDER BY name"),
            ("groups", "SELECT name FROM groups WHERE organisation = ?1 ORDER BY name"),
            ("Things", "SELECT title FROM things WHERE NOT deleted AND organisation = ?1 ORDER BY number"),
        ];
        self.write(|db| {
            let id = organisation_row(db, name)?;
            for (what, query) in IN_IT {
                let found = texts(db, query, params![id])?;
                if !found.is_empty() {
                    let found = found.iter().map(|name| name.escape_debug().to_string()).collect();
                    let why = format!("{name} still has {}; remove them first", some(found, what));
                    return Err(StoreError::InUse(why));
                }
            }
            db.execute("DELETE FROM things WHERE organisation = ?1", [id])?;
            db.execute("DELETE FROM organisations WHERE id = ?1", [id])?;
            Ok(())
        })
    }

    /// Since when somebody's name is theirs, milliseconds since 1970: what was done under it until then was done by
    /// another, who had it before. 0 for a name that nobody had before.
    ///
    /// # Errors
    /// The database failed.
    pub fn named_since(&self, who: &Principal) -> Result<u64> {
        const QUERY: &str = "SELECT ifnull(max(until), 0) FROM former_names WHERE name = ?1 AND NOT of_group";
        self.read(|db| Ok(unsigned(db.prepare_cached(QUERY)?.query_row([&who.name], |row| row.get(0))?)))
    }
}

/// Takes over, within a write, what holds for a name that somebody had before: tokens of another issuer that were
/// issued to them count for nothing.
pub(super) fn take(db: &Connection, id: i64) -> Result<()> {
    const UPDATE: &str = "UPDATE principals SET tokens_after = max(tokens_after, ifnull((
            SELECT max(until) / 1000 FROM former_names f WHERE f.name = principals.name AND NOT of_group), 0))
        WHERE id = ?1";
    db.execute(UPDATE, [id])?;
    Ok(())
}

/// SQL for the row of the organisation to which a name belonged at `at`. All three are SQL.
pub(super) fn organisation_at(name: &str, of_group: bool, at: &str) -> String {
    let (of_group, now) = if of_group { (1, "groups") } else { (0, "principals") };
    let former = format!("FROM former_names f WHERE f.name = {name} AND f.of_group = {of_group} AND f.until >= {at}");
    format!(
        "CASE WHEN EXISTS (SELECT 1 {former}) THEN (SELECT f.organisation {former} ORDER BY f.until LIMIT 1)
            ELSE (SELECT organisation FROM {now} WHERE name = {name}) END"
    )
}

/// Which of the two sets of names.
#[derive(Clone, Copy)]
enum Kept {
    Principal,
    Group,
}

fn give_up(db: &Connection, name: &str, kept: Kept, organisation: &str) -> Result<()> {
    const INSERT: &str = "INSERT OR REPLACE INTO former_names (name, of_group, until, organisation)
        SELECT ?1, ?2, ?3, id FROM organisations WHERE name = ?4";
    let of_group = matches!(kept, Kept::Group);
    db.execute(INSERT, params![name, of_group, signed(clock::unix_millis()), organisation])?;
    Ok(())
}

/// Codes that were sent and not exchanged yet, which name their user and their client.
fn end_codes(db: &Connection, who: &Principal) -> Result<()> {
    let field = if who.kind == Kind::Client { "$.client_id" } else { "$.user.name" };
    db.execute("DELETE FROM oauth_codes WHERE json_extract(code, ?2) = ?1", [who.name.as_str(), field])?;
    Ok(())
}

fn row_of(db: &Connection, kind: Kind, name: &str) -> Result<(i64, Principal)> {
    const QUERY: &str = "SELECT p.id, o.name FROM principals p JOIN organisations o ON o.id = p.organisation
        WHERE p.name = ?1 AND p.kind = ?2";
    let row: Option<(i64, String)> =
        db.query_row(QUERY, [name, kind_name(kind)], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let what = if kind == Kind::Client { "application" } else { "user" };
    let (id, organisation) = row.ok_or_else(|| StoreError::Absent(format!("{what} named {name}")))?;
    Ok((id, principal(kind, name, &organisation)))
}

/// Who gets the Things of somebody: another user or client of their organisation, who is not disabled.
fn heir_of(db: &Connection, who: &Principal, heir: &str) -> Result<(i64, Principal)> {
    let absent = || StoreError::Absent(format!("other user or client named {heir} in {}", who.organisation));
    let kind: Option<String> =
        db.query_row("SELECT kind FROM principals WHERE name = ?1", [heir], |row| row.get(0)).optional()?;
    let kind = if kind.as_deref() == Some(kind_name(Kind::Client)) { Kind::Client } else { Kind::User };
    let heir = principal(kind, heir, &who.organisation);
    if heir == *who {
        return Err(absent());
    }
    match known_id_of(db, &heir) {
        Err(StoreError::Absent(_)) => Err(absent()),
        found => found.map(|id| (id, heir)),
    }
}

fn group_row(db: &Connection, name: &str) -> Result<(i64, String)> {
    const QUERY: &str = "SELECT g.id, o.name FROM groups g JOIN organisations o ON o.id = g.organisation
        WHERE g.name = ?1";
    let row = db.query_row(QUERY, [name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    row.ok_or_else(|| StoreError::Absent(format!("group named {name}")))
}

fn organisation_row(db: &Connection, name: &str) -> Result<i64> {
    let row = db.query_row("SELECT id FROM organisations WHERE name = ?1", [name], |row| row.get(0)).optional()?;
    row.ok_or_else(|| StoreError::Absent(format!("organisation named {name}")))
}

fn texts(db: &Connection, query: &str, parameters: impl rusqlite::Params) -> Result<Vec<String>> {
    let mut query = db.prepare_cached(query)?;
    Ok(query.query_map(parameters, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// How many there are, and the first of them by name.
fn some(all: Vec<String>, what: &str) -> String {
    let count = all.len();
    let what = if count == 1 { what.trim_end_matches('s') } else { what };
    let more = if count > MOST_NAMED { format!(" and {} more", count - MOST_NAMED) } else { String::new() };
    format!("{count} {what}: {}{more}", all[..count.min(MOST_NAMED)].join(", "))
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
