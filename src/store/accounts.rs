//! Organisations and users.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Result, Store, StoreError, checked_name, grants, login_sessions::USER_OF_LOGIN, named_once, names};
use crate::{
    access::{Caller, Change, Kind, Principal, Proof, Records, Role, Standing},
    protocol::ThingId,
};

/// What is needed to check a user's password.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user.
    pub principal: Principal,
    /// The Argon2 hash in PHC form.
    pub password_hash: String,
    /// Disabled users cannot log in.
    pub disabled: bool,
}

/// A user, as the administrator sees them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct User {
    /// Their name.
    pub name: String,
    /// Their organisation.
    pub organisation: String,
    /// Names of their groups.
    pub groups: Vec<String>,
    /// Whether they are shut out.
    pub disabled: bool,
    /// Whether they look after their organisation.
    pub administrator: bool,
}

impl Store {
    /// Adds an organisation.
    ///
    /// # Errors
    /// The name is taken or cannot be used.
    pub fn add_organisation(&self, name: &str) -> Result<()> {
        checked_name(name)?;
        self.write(|db| {
            let added = db.execute("INSERT INTO organisations (name) VALUES (?1)", [name]);
            named_once(added, || format!("an organisation named {name}"))
        })
    }

    /// Adds a user; `password_hash` is an Argon2 hash in PHC form.
    ///
    /// # Errors
    /// The name is taken or cannot be used, or there is no such organisation.
    pub fn add_user(&self, name: &str, organisation: &str, password_hash: &str) -> Result<Principal> {
        self.change_access(|db| {
            let id = add_principal(db, Kind::User, name, organisation)?;
            db.execute("INSERT INTO users (principal, password_hash) VALUES (?1, ?2)", params![id, password_hash])?;
            Ok((principal(Kind::User, name, organisation), None))
        })
    }

    /// What is needed to check this user's password; none if there is no such user.
    ///
    /// # Errors
    /// The database failed.
    pub fn login(&self, user: &str) -> Result<Option<Login>> {
        const QUERY: &str = "SELECT p.name, o.name, u.password_hash, p.disabled FROM users u
            JOIN principals p ON p.id = u.principal JOIN organisations o ON o.id = p.organisation WHERE p.name = ?1";
        self.read(|db| {
            let login = |row: &Row<'_>| {
                Ok(Login {
                    principal: principal(Kind::User, &row.get::<_, String>(0)?, &row.get::<_, String>(1)?),
                    password_hash: row.get(2)?,
                    disabled: row.get(3)?,
                })
            };
            Ok(db.prepare_cached(QUERY)?.query_row([user], login).optional()?)
        })
    }

    /// Gives a user a new password, which ends their logins and takes back all tokens that were issued to them.
    ///
    /// # Errors
    /// There is no such user.
    pub fn set_password(&self, user: &str, password_hash: &str) -> Result<()> {
        let logins = format!("DELETE FROM login_sessions WHERE {USER_OF_LOGIN} = ?1");
        const CODES: &str = "DELETE FROM oauth_codes WHERE json_extract(code, '$.user.name') = ?1";
        self.change_access(|db| {
            let changed = db.execute(
                "UPDATE users SET password_hash = ?2 WHERE principal = (SELECT id FROM principals WHERE name = ?1)",
                [user, password_hash],
            )?;
            found(changed, || format!("user named {user}"))?;
            let who = named(db, user)?;
            grants::delete_all_of(db, &who)?;
            db.execute(&logins, [user])?;
            db.execute(CODES, [user])?;
            Ok(((), Some(Change::Of(vec![who]))))
        })
    }

    /// Disables or enables a user or client. Their logins count for nothing meanwhile; their tokens, and for a
    /// client those that users allowed it, have ended for good.
    ///
    /// # Errors
    /// There is no such user or client.
    pub fn set_disabled(&self, name: &str, disabled: bool) -> Result<()> {
        self.change_access(|db| {
            let changed = db.execute("UPDATE principals SET disabled = ?2 WHERE name = ?1", params![name, disabled])?;
            found(changed, || format!("user or client named {name}"))?;
            let who = named(db, name)?;
            if disabled {
                grants::delete_all_of(db, &who)?;
            }
            let change = if who.kind == Kind::Client { Change::Client(who) } else { Change::Of(vec![who]) };
            Ok(((), Some(change)))
        })
    }

    /// Lets a user look after their organisation, or no more.
    ///
    /// # Errors
    /// There is no such user.
    pub fn set_administrator(&self, user: &str, administrator: bool) -> Result<()> {
        const UPDATE: &str = "UPDATE users SET administrator = ?2
            WHERE principal = (SELECT id FROM principals WHERE name = ?1)";
        self.write(|db| {
            let changed = db.execute(UPDATE, params![user, administrator])?;
            found(changed, || format!("user named {user}"))
        })
    }

    /// The user or client of this name, disabled or not; none if there is none in this organisation.
    ///
    /// # Errors
    /// The database failed.
    pub fn principal(&self, name: &str, organisation: &str) -> Result<Option<Principal>> {
        const QUERY: &str = "SELECT p.kind, p.name, o.name FROM principals p
            JOIN organisations o ON o.id = p.organisation WHERE p.name = ?1 AND o.name = ?2";
        self.read(|db| Ok(db.prepare_cached(QUERY)?.query_row([name, organisation], principal_of).optional()?))
    }

    /// All users, by name.
    ///
    /// # Errors
    /// The database failed.
    pub fn users(&self) -> Result<Vec<User>> {
        const QUERY: &str = "SELECT p.name, o.name, p.disabled, u.administrator,
                (SELECT group_concat(g.name, ' ' ORDER BY g.name) FROM memberships m JOIN groups g ON g.id = m.grp
                    WHERE m.principal = p.id)
            FROM users u JOIN principals p ON p.id = u.principal JOIN organisations o ON o.id = p.organisation
            ORDER BY p.name";
        self.read(|db| {
            let mut query = db.prepare_cached(QUERY)?;
            let rows = query.query_map([], |row| {
                let groups: Option<String> = row.get(4)?;
                Ok(User {
                    name: row.get(0)?,
                    organisation: row.get(1)?,
                    disabled: row.get(2)?,
                    administrator: row.get(3)?,
                    groups: groups.iter().flat_map(|groups| groups.split(' ')).map(str::to_owned).collect(),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// All organisations, by name.
    ///
    /// # Errors
    /// The database failed.
    pub fn organisations(&self) -> Result<Vec<String>> {
        self.read(|db| {
            let mut query = db.prepare_cached("SELECT name FROM organisations ORDER BY name")?;
            Ok(query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn read_standing(&self, who: &Principal) -> Result<Standing> {
        const QUERY: &str = "SELECT EXISTS (SELECT 1 FROM memberships m JOIN groups g ON g.id = m.grp
            WHERE m.principal = p.id AND g.approved AND g.organisation = p.organisation) FROM principals p WHERE id = ?1";
        self.read(|db| {
            let Some(id) = id_of(db, who)? else {
                return Ok(Standing::default());
            };
            let approved = db.prepare_cached(QUERY)?.query_row([id], |row| row.get(0))?;
            Ok(Standing { active: true, approved })
        })
    }
}

/// Standing and role come from memory, mostly.
impl Records for Store {
    type Error = StoreError;

    fn standing(&self, who: &Principal) -> Result<Standing> {
        let generation = match self.0.cache.standing(who) {
            Ok(standing) => return Ok(standing),
            Err(generation) => generation,
        };
        let standing = self.read_standing(who)?;
        self.0.cache.remember_standing(who, standing, generation);
        Ok(standing)
    }

    fn role(&self, who: &Principal, thing: ThingId) -> Result<Option<Role>> {
        self.role_on(who, thing)
    }

    fn holds(&self, caller: &Caller) -> Result<bool> {
        match &caller.proof {
            Proof::Login(hash) => self.login_is_there(hash, &caller.principal),
            Proof::Token { grant, .. } => self.grant_is_live(*grant, &caller.principal),
            Proof::External { issued_at, .. } => self.takes_tokens_of(&caller.principal, *issued_at),
            Proof::ThisOnce => Ok(true),
        }
    }

    fn administers(&self, who: &Principal) -> Result<bool> {
        self.read(|db| {
            let Some(id) = id_of(db, who)? else {
                return Ok(false);
            };
            let mut query = db.prepare_cached("SELECT administrator FROM users WHERE principal = ?1")?;
            Ok(query.query_row([id], |row| row.get(0)).optional()?.unwrap_or(false))
        })
    }

    fn approves(&self, organisation: &str, groups: &[String]) -> Result<bool> {
        self.one_is_approved(organisation, groups)
    }
}

/// Adds a user or client, within a write; its row.
pub(super) fn add_principal(db: &Connection, kind: Kind, name: &str, organisation: &str) -> Result<i64> {
    checked_name(name)?;
    let organisation: Option<i64> =
        db.query_row("SELECT id FROM organisations WHERE name = ?1", [organisation], |row| row.get(0)).optional()?;
    let organisation = organisation.ok_or_else(|| StoreError::Absent("organisation of this name".into()))?;
    let added = db.execute(
        "INSERT INTO principals (kind, name, organisation) VALUES (?1, ?2, ?3)",
        params![kind_name(kind), name, organisation],
    );
    named_once(added, || format!("a user or client named {name}"))?;
    let id = db.last_insert_rowid();
    names::take(db, id)?;
    Ok(id)
}

/// The row of a user or client that exists as named, in that organisation, and is not disabled.
pub(super) fn id_of(db: &Connection, who: &Principal) -> Result<Option<i64>> {
    const QUERY: &str = "SELECT p.id FROM principals p JOIN organisations o ON o.id = p.organisation
        WHERE p.name = ?1 AND p.kind = ?2 AND o.name = ?3 AND NOT p.disabled";
    let mut query = db.prepare_cached(QUERY)?;
    let id = query.query_row(params![who.name, kind_name(who.kind), who.organisation], |row| row.get(0));
    Ok(id.optional()?)
}

/// The same, disabled or not.
pub(super) fn any_id_of(db: &Connection, who: &Principal) -> Result<i64> {
    const QUERY: &str = "SELECT p.id FROM principals p JOIN organisations o ON o.id = p.organisation
        WHERE p.name = ?1 AND p.kind = ?2 AND o.name = ?3";
    let mut query = db.prepare_cached(QUERY)?;
    let id = query.query_row(params![who.name, kind_name(who.kind), who.organisation], |row| row.get(0)).optional()?;
    id.ok_or_else(|| StoreError::Absent(format!("user or client named {}", who.name)))
}

/// The same where it must exist and be enabled.
pub(super) fn known_id_of(db: &Connection, who: &Principal) -> Result<i64> {
    id_of(db, who)?.ok_or_else(|| StoreError::Absent(format!("user or client named {}", who.name)))
}

/// Reads kind, name and organisation from the first three columns.
pub(super) fn principal_of(row: &Row<'_>) -> rusqlite::Result<Principal> {
    let kind = match row.get_ref(0)?.as_str()? {
        "client" => Kind::Client,
        _ => Kind::User,
    };
    Ok(principal(kind, &row.get::<_, String>(1)?, &row.get::<_, String>(2)?))
}

/// The user or client of this name, wherever it belongs.
fn named(db: &Connection, name: &str) -> Result<Principal> {
    const QUERY: &str = "SELECT p.kind, p.name, o.name FROM principals p
        JOIN organisations o ON o.id = p.organisation WHERE p.name = ?1";
    Ok(db.prepare_cached(QUERY)?.query_row([name], principal_of)?)
}

pub(super) fn principal(kind: Kind, name: &str, organisation: &str) -> Principal {
    Principal { kind, name: name.into(), organisation: organisation.into() }
}

pub(super) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "user",
        Kind::Client => "client",
    }
}

pub(super) fn found(changed: usize, what: impl FnOnce() -> String) -> Result<()> {
    if changed == 0 { Err(StoreError::Absent(what())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{NewClient, fixture::Fixture};

    #[test]
    fn users_and_clients_share_one_set_of_names() {
        let fixture = Fixture::new();
        let client = NewClient { id: "ada", organisation: "rivals", ..NewClient::default() };
        assert!(matches!(fixture.store.add_client(&client), Err(StoreError::Exists(_))));
        assert!(matches!(fixture.store.add_user("eve", "nowhere", "x"), Err(StoreError::Absent(_))));
    }

    #[test]
    fn a_disabled_user_is_not_active_from_the_next_call_on() {
        let fixture = Fixture::new();
        assert!(fixture.store.standing(&fixture.ada).unwrap().active);
        fixture.store.set_disabled("ada", true).unwrap();
        assert_eq!(fixture.store.standing(&fixture.ada).unwrap(), Standing::default());
        assert!(fixture.store.login("ada").unwrap().unwrap().disabled);
    }

    #[test]
    fn a_user_claimed_to_be_of_another_organisation_is_nobody() {
        let fixture = Fixture::new();
        let claimed = Principal { organisation: "rivals".into(), ..fixture.ada.clone() };
        assert!(!fixture.store.standing(&claimed).unwrap().active);
    }

    #[test]
    fn users_are_listed_with_their_groups() {
        let fixture = Fixture::new();
        fixture.store.join_group("reviewers", &fixture.ada).unwrap();
        fixture.store.set_disabled("linus", true).unwrap();
        let users = fixture.store.users().unwrap();
        let shown: Vec<_> =
            users.iter().map(|user| (user.name.as_str(), user.groups.join(" "), user.disabled)).collect();
        let expected = [("ada", "designers reviewers", false), ("grace", "designers", false)];
        assert_eq!(shown[..2], expected.map(|(name, groups, disabled)| (name, groups.to_owned(), disabled)));
        assert_eq!(shown[2], ("linus", "reviewers".to_owned(), true));
    }

    #[test]
    fn each_change_of_access_is_told_to_the_one_who_watches() {
        let Fixture { store, ada, grace, dir: _dir, .. } = &Fixture::new();
        let mut changes = store.watch().unwrap();
        assert!(store.watch().is_none());
        store.set_approved("designers", false).unwrap();
        assert_eq!(changes.try_recv().unwrap(), Change::Approved { group: "designers".into(), approved: false });
        store.set_password("ada", "new").unwrap();
        assert_eq!(changes.try_recv().unwrap(), Change::Of(vec![ada.clone()]));
        store.leave_group("designers", grace).unwrap();
        assert_eq!(changes.try_recv().unwrap(), Change::Of(vec![grace.clone()]));
        assert!(store.set_approved("nobody", true).is_err() && changes.try_recv().is_err());
    }
}
