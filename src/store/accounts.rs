//! Organisations, users and OAuth clients.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{About, Result, Store, StoreError, cache::Standing, checked_name, grants, named_once};
use crate::access::{AccessEnded, Kind, Principal};

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

/// An OAuth client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id and organisation.
    pub principal: Principal,
    /// SHA-256 of the secret; none for a public client.
    pub secret_hash: Option<Vec<u8>>,
    /// Where it may have codes sent.
    pub redirect_uris: Vec<String>,
    /// The scopes that it may have, names with spaces between.
    pub scopes: String,
    /// Disabled clients get no tokens.
    pub disabled: bool,
}

/// An OAuth client to be registered.
#[derive(Clone, Debug)]
pub struct NewClient<'a> {
    /// Its id; users and clients share one set of names.
    pub id: &'a str,
    /// Its organisation.
    pub organisation: &'a str,
    /// SHA-256 of the secret; none for a public client.
    pub secret_hash: Option<&'a [u8]>,
    /// Where it may have codes sent.
    pub redirect_uris: &'a [String],
    /// The scopes that it may have, names with spaces between.
    pub scopes: &'a str,
}

impl Store {
    /// Adds an organisation.
    ///
    /// # Errors
    /// The name is taken or cannot be used.
    pub fn add_organisation(&self, name: &str) -> Result<()> {
        checked_name(name)?;
        self.write(About::Other, |db| {
            let added = db.execute("INSERT INTO organisations (name) VALUES (?1)", [name]);
            named_once(added, || format!("an organisation named {name}"))
        })
    }

    /// Adds a user; `password_hash` is an Argon2 hash in PHC form.
    ///
    /// # Errors
    /// The name is taken or cannot be used, or there is no such organisation.
    pub fn add_user(&self, name: &str, organisation: &str, password_hash: &str) -> Result<Principal> {
        self.write(About::Access, |db| {
            let id = add_principal(db, Kind::User, name, organisation)?;
            db.execute("INSERT INTO users (principal, password_hash) VALUES (?1, ?2)", params![id, password_hash])?;
            Ok(principal(Kind::User, name, organisation))
        })
    }

    /// Registers an OAuth client.
    ///
    /// # Errors
    /// The id is taken or cannot be used, or there is no such organisation.
    pub fn add_client(&self, client: &NewClient<'_>) -> Result<Principal> {
        let uris = serde_json::to_string(client.redirect_uris).expect("texts are JSON");
        self.write(About::Access, |db| {
            let id = add_principal(db, Kind::Client, client.id, client.organisation)?;
            db.execute(
                "INSERT INTO clients (principal, secret_hash, redirect_uris, scopes) VALUES (?1, ?2, ?3, ?4)",
                params![id, client.secret_hash, uris, client.scopes],
            )?;
            Ok(principal(Kind::Client, client.id, client.organisation))
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

    /// Gives a user a new password, which ends their logins.
    ///
    /// # Errors
    /// There is no such user.
    pub fn set_password(&self, user: &str, password_hash: &str) -> Result<()> {
        self.write(About::Access, |db| {
            let changed = db.execute(
                "UPDATE users SET password_hash = ?2 WHERE principal = (SELECT id FROM principals WHERE name = ?1)",
                [user, password_hash],
            )?;
            found(changed, || format!("user named {user}"))
        })
    }

    /// Disables or enables a user or client. Their logins count for nothing meanwhile; their tokens, and for a
    /// client those that users allowed it, have ended for good.
    ///
    /// # Errors
    /// There is no such user or client.
    pub fn set_disabled(&self, name: &str, disabled: bool) -> Result<()> {
        const QUERY: &str = "SELECT p.kind, p.name, o.name FROM principals p
            JOIN organisations o ON o.id = p.organisation WHERE p.name = ?1";
        let who = self.write(About::Access, |db| {
            let changed = db.execute("UPDATE principals SET disabled = ?2 WHERE name = ?1", params![name, disabled])?;
            found(changed, || format!("user or client named {name}"))?;
            let who = db.query_row(QUERY, [name], principal_of)?;
            if disabled {
                grants::delete_all_of(db, &who)?;
            }
            Ok(who)
        })?;
        if disabled && who.kind == Kind::Client {
            self.tell_ended(AccessEnded::Client(who.name.clone()));
        }
        if disabled {
            self.tell_ended(AccessEnded::Principal(who));
        }
        Ok(())
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

    /// All users and clients, with whether they are disabled, by name.
    ///
    /// # Errors
    /// The database failed.
    pub fn principals(&self) -> Result<Vec<(Principal, bool)>> {
        const QUERY: &str = "SELECT p.kind, p.name, o.name, p.disabled FROM principals p
            JOIN organisations o ON o.id = p.organisation ORDER BY p.name";
        self.read(|db| {
            let mut query = db.prepare_cached(QUERY)?;
            let rows = query.query_map([], |row| Ok((principal_of(row)?, row.get(3)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The OAuth client with this id.
    ///
    /// # Errors
    /// The database failed.
    pub fn client(&self, id: &str) -> Result<Option<Client>> {
        let query = format!("{CLIENTS} WHERE p.name = ?1");
        self.read(|db| Ok(db.prepare_cached(&query)?.query_row([id], client_of).optional()?))
    }

    /// All OAuth clients, by id.
    ///
    /// # Errors
    /// The database failed.
    pub fn clients(&self) -> Result<Vec<Client>> {
        self.read(|db| {
            let mut query = db.prepare_cached(&format!("{CLIENTS} ORDER BY p.name"))?;
            let rows = query.query_map([], client_of)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Gives a confidential client a new secret; the old one counts no more.
    ///
    /// # Errors
    /// There is no such client, or it has no secret.
    pub fn set_client_secret(&self, id: &str, secret_hash: &[u8]) -> Result<()> {
        const UPDATE: &str = "UPDATE clients SET secret_hash = ?2 WHERE secret_hash IS NOT NULL
            AND principal = (SELECT id FROM principals WHERE name = ?1)";
        self.write(About::Other, |db| {
            let changed = db.execute(UPDATE, params![id, secret_hash])?;
            found(changed, || format!("client named {id} that has a secret"))
        })
    }

    /// Whether this user or client exists in that organisation and is not disabled. From memory, mostly.
    ///
    /// # Errors
    /// The database failed.
    pub fn is_active(&self, who: &Principal) -> Result<bool> {
        Ok(self.standing(who)?.active)
    }

    /// Whether they are in a group that is approved for streaming. From memory, mostly.
    ///
    /// # Errors
    /// The database failed.
    pub fn streaming_approved(&self, who: &Principal) -> Result<bool> {
        Ok(self.standing(who)?.approved)
    }

    fn standing(&self, who: &Principal) -> Result<Standing> {
        let generation = match self.0.cache.standing(who) {
            Ok(standing) => return Ok(standing),
            Err(generation) => generation,
        };
        const QUERY: &str = "SELECT EXISTS (SELECT 1 FROM memberships m JOIN groups g ON g.id = m.grp
            WHERE m.principal = ?1 AND g.approved AND g.organisation = (SELECT organisation FROM principals WHERE id = ?1))";
        let standing = self.read(|db| {
            let Some(id) = id_of(db, who)? else {
                return Ok(Standing { active: false, approved: false });
            };
            let approved = db.prepare_cached(QUERY)?.query_row([id], |row| row.get(0))?;
            Ok(Standing { active: true, approved })
        })?;
        self.0.cache.remember_standing(who, standing, generation);
        Ok(standing)
    }
}

const CLIENTS: &str = "SELECT p.kind, p.name, o.name, c.secret_hash, c.redirect_uris, c.scopes, p.disabled
    FROM clients c JOIN principals p ON p.id = c.principal JOIN organisations o ON o.id = p.organisation";

fn client_of(row: &Row<'_>) -> rusqlite::Result<Client> {
    Ok(Client {
        principal: principal_of(row)?,
        secret_hash: row.get(3)?,
        redirect_uris: serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default(),
        scopes: row.get(5)?,
        disabled: row.get(6)?,
    })
}

fn add_principal(db: &Connection, kind: Kind, name: &str, organisation: &str) -> Result<i64> {
    checked_name(name)?;
    let organisation: Option<i64> =
        db.query_row("SELECT id FROM organisations WHERE name = ?1", [organisation], |row| row.get(0)).optional()?;
    let organisation = organisation.ok_or_else(|| StoreError::Absent("organisation of this name".into()))?;
    let added = db.execute(
        "INSERT INTO principals (kind, name, organisation) VALUES (?1, ?2, ?3)",
        params![kind_name(kind), name, organisation],
    );
    named_once(added, || format!("a user or client named {name}"))?;
    Ok(db.last_insert_rowid())
}

/// The row of a user or client that exists as named, in that organisation, and is not disabled.
pub(super) fn id_of(db: &Connection, who: &Principal) -> Result<Option<i64>> {
    const QUERY: &str = "SELECT p.id FROM principals p JOIN organisations o ON o.id = p.organisation
        WHERE p.name = ?1 AND p.kind = ?2 AND o.name = ?3 AND NOT p.disabled";
    let mut query = db.prepare_cached(QUERY)?;
    let id = query.query_row(params![who.name, kind_name(who.kind), who.organisation], |row| row.get(0));
    Ok(id.optional()?)
}

/// The same where it must exist.
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

fn principal(kind: Kind, name: &str, organisation: &str) -> Principal {
    Principal { kind, name: name.into(), organisation: organisation.into() }
}

fn kind_name(kind: Kind) -> &'static str {
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
    use crate::store::fixture::Fixture;

    #[test]
    fn users_and_clients_share_one_set_of_names() {
        let fixture = Fixture::new();
        let client =
            NewClient { id: "ada", organisation: "rivals", secret_hash: None, redirect_uris: &[], scopes: "stream" };
        assert!(matches!(fixture.store.add_client(&client), Err(StoreError::Exists(_))));
        assert!(matches!(fixture.store.add_user("eve", "nowhere", "x"), Err(StoreError::Absent(_))));
    }

    #[test]
    fn a_client_is_read_as_it_was_registered() {
        let fixture = Fixture::new();
        let uris = ["https://app.example/cb".to_owned()];
        let new = NewClient {
            id: "app",
            organisation: "acme",
            secret_hash: Some(&[7; 32]),
            redirect_uris: &uris,
            scopes: "stream",
        };
        let principal = fixture.store.add_client(&new).unwrap();
        let client = fixture.store.client("app").unwrap().unwrap();
        assert_eq!((client.principal, client.redirect_uris), (principal, uris.to_vec()));
        assert_eq!(client.secret_hash.unwrap(), [7; 32]);
        assert!(fixture.store.client("ada").unwrap().is_none());
    }

    #[test]
    fn a_disabled_user_is_not_active_from_the_next_call_on() {
        let fixture = Fixture::new();
        assert!(fixture.store.is_active(&fixture.ada).unwrap());
        let mut endings = fixture.store.endings();
        fixture.store.set_disabled("ada", true).unwrap();
        assert_eq!(endings.try_recv().unwrap(), AccessEnded::Principal(fixture.ada.clone()));
        assert!(!fixture.store.is_active(&fixture.ada).unwrap());
        assert!(!fixture.store.streaming_approved(&fixture.ada).unwrap());
        assert!(fixture.store.login("ada").unwrap().unwrap().disabled);
    }

    #[test]
    fn a_user_claimed_to_be_of_another_organisation_is_nobody() {
        let fixture = Fixture::new();
        let claimed = Principal { organisation: "rivals".into(), ..fixture.ada.clone() };
        assert!(!fixture.store.is_active(&claimed).unwrap());
    }
}
