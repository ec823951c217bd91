//! OAuth clients: the applications that may get tokens.

use rusqlite::{OptionalExtension, Row, params};

use super::{
    Result, Store, StoreError,
    accounts::{add_principal, found, principal, principal_of},
};
use crate::access::{Kind, Principal};

/// Longest name that people are shown.
const MAX_DISPLAY_NAME_CHARS: usize = 60;

/// An OAuth client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id and organisation.
    pub principal: Principal,
    /// How people know it, if it was registered with a name.
    pub display_name: Option<String>,
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
#[derive(Clone, Debug, Default)]
pub struct NewClient<'a> {
    /// Its id; users and clients share one set of names.
    pub id: &'a str,
    /// Its organisation.
    pub organisation: &'a str,
    /// How people know it; none for its id.
    pub display_name: Option<&'a str>,
    /// SHA-256 of the secret; none for a public client.
    pub secret_hash: Option<&'a [u8]>,
    /// Where it may have codes sent.
    pub redirect_uris: &'a [String],
    /// The scopes that it may have, names with spaces between.
    pub scopes: &'a str,
}

impl Client {
    /// What people are shown.
    pub fn shown(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.principal.name)
    }
}

impl Store {
    /// Registers an OAuth client.
    ///
    /// # Errors
    /// The id is taken or it or the name cannot be used, or there is no such organisation.
    pub fn add_client(&self, client: &NewClient<'_>) -> Result<Principal> {
        client.display_name.map_or(Ok(()), checked_display_name)?;
        let uris = serde_json::to_string(client.redirect_uris).expect("texts are JSON");
        self.change_access(|db| {
            let id = add_principal(db, Kind::Client, client.id, client.organisation)?;
            db.execute(
                "INSERT INTO clients (principal, secret_hash, redirect_uris, scopes, display_name)
                    VALUES (?1, ?2, ?3, ?4, ?5)",
                params![id, client.secret_hash, uris, client.scopes, client.display_name],
            )?;
            Ok((principal(Kind::Client, client.id, client.organisation), None))
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
        self.write(|db| {
            let changed = db.execute(UPDATE, params![id, secret_hash])?;
            found(changed, || format!("client named {id} that has a secret"))
        })
    }
}

const CLIENTS: &str =
    "SELECT p.kind, p.name, o.name, c.secret_hash, c.redirect_uris, c.scopes, p.disabled, c.display_name
    FROM clients c JOIN principals p ON p.id = c.principal JOIN organisations o ON o.id = p.organisation";

fn client_of(row: &Row<'_>) -> rusqlite::Result<Client> {
    Ok(Client {
        principal: principal_of(row)?,
        secret_hash: row.get(3)?,
        redirect_uris: serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default(),
        scopes: row.get(5)?,
        disabled: row.get(6)?,
        display_name: row.get(7)?,
    })
}

/// Refuses names that would not be read as they are written.
fn checked_display_name(name: &str) -> Result<()> {
    // These are not seen, or turn the text around.
    let hidden = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let length = name.chars().count();
    if name.trim() == name && (1..=MAX_DISPLAY_NAME_CHARS).contains(&length) && !name.contains(hidden) {
        return Ok(());
    }
    let name = name.escape_debug();
    Err(StoreError::BadName(format!(
        "\"{name}\" cannot be shown as a name: 1 to {MAX_DISPLAY_NAME_CHARS} letters that can be seen"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    #[test]
    fn a_client_is_read_as_it_was_registered() {
        let fixture = Fixture::new();
        let uris = ["https://app.example/cb".to_owned()];
        let new = NewClient {
            id: "app",
            organisation: "acme",
            display_name: Some("Planning board"),
            secret_hash: Some(&[7; 32]),
            redirect_uris: &uris,
            scopes: "stream",
        };
        let principal = fixture.store.add_client(&new).unwrap();
        let client = fixture.store.client("app").unwrap().unwrap();
        assert_eq!((client.principal, client.redirect_uris), (principal, uris.to_vec()));
        assert_eq!((client.display_name.as_deref(), client.secret_hash.is_some()), (Some("Planning board"), true));
        assert_eq!(client.secret_hash.unwrap(), [7; 32]);
        assert!(fixture.store.client("ada").unwrap().is_none());
    }

    #[test]
    fn names_that_would_deceive_are_refused() {
        for bad in ["", " ", " Board", "Board\n", "Bo\u{200b}ard", "\u{202e}draoB", &"a".repeat(61)] {
            assert!(matches!(checked_display_name(bad), Err(StoreError::BadName(_))), "{bad:?}");
        }
        checked_display_name("Müllers Möbel-Planer <2>").unwrap();
    }
}
