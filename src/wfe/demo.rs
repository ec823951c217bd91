//! The demonstration: two organisations, four users, two clients and a Thing, for a first look.
//!
//! Owns `demo.json`, which tells the random passwords to whoever may read the data directory.

use std::{collections::BTreeMap, io, os::unix::fs::OpenOptionsExt, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    FIRST_PARTY_REDIRECT,
    passwords::{Passwords, secret},
    secret_hash,
};
use crate::{
    access::{Kind, Principal, Role, Scopes, Sharee},
    protocol::{ErrorBody, ThingId},
    store::{NewClient, Store, StoreError},
};

/// The file's name in the data directory.
pub const FILE: &str = "demo.json";

const GROUPS: [(&str, &str, bool); 3] =
    [("designers", "acme", true), ("reviewers", "acme", false), ("spies", "rivals", true)];
const USERS: [(&str, &str, &str); 4] = [
    ("ada", "acme", "designers"),
    ("grace", "acme", "designers"),
    ("linus", "acme", "reviewers"),
    ("mallory", "rivals", "spies"),
];
const PUBLIC_CLIENT: &str = "demo-app";
const CONFIDENTIAL_CLIENT: &str = "demo-external-system";
const THING: &str = "welcome";

/// The content of `demo.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demo {
    /// Where the server is.
    pub url: String,
    /// By name.
    pub users: BTreeMap<String, DemoUser>,
    /// By id.
    pub clients: BTreeMap<String, DemoClient>,
    /// By nickname: the Things' ids.
    pub things: BTreeMap<String, String>,
}

/// A user of the demonstration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoUser {
    /// Random.
    pub password: String,
    /// Their organisation.
    pub organisation: String,
    /// Their groups.
    pub groups: Vec<String>,
}

/// An OAuth client of the demonstration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoClient {
    /// Its id.
    pub client_id: String,
    /// Random; none for the public client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
}

/// Why there is no demonstration.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// `demo.json` cannot be read or written.
    #[error("{FILE}: {0}")]
    File(#[from] io::Error),
    /// `demo.json` is not what this program writes.
    #[error("{FILE} is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
    /// The accounts could not be made.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The Thing could not be made.
    #[error("the Thing {THING} could not be made: {}", .0.message)]
    Thing(ErrorBody),
    /// Too many passwords were being hashed.
    #[error("too busy to hash passwords")]
    Busy,
}

impl Demo {
    /// Sets the demonstration up in an empty store, finishes what an earlier start could not, and
    /// corrects the address in `demo.json`. Does nothing, and returns none, where other data is.
    ///
    /// `create_thing` makes a Thing with that title and content, of which the user becomes the owner.
    ///
    /// # Errors
    /// See [`DemoError`]. The next start tries again.
    pub async fn set_up(
        store: &Store,
        passwords: &Passwords,
        data: &Path,
        url: &str,
        create_thing: impl AsyncFn(&Principal, &str, Value) -> Result<ThingId, ErrorBody>,
    ) -> Result<Option<Self>, DemoError> {
        let path = data.join(FILE);
        let mut demo = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Err(_) if !store.is_empty()? => return Ok(None),
            Err(_) => Self::invent(),
        };
        if demo.url != url {
            demo.url = url.into();
            // The passwords reach the disk before the accounts do: a crash in between loses none.
            demo.write(&path)?;
        }
        if !demo.things.contains_key(THING) {
            demo.make_accounts(store, passwords).await?;
            let thing = make_thing(store, create_thing).await?;
            demo.things.insert(THING.into(), thing.to_string());
            demo.write(&path)?;
        }
        Ok(Some(demo))
    }

    fn invent() -> Self {
        let user = |&(name, organisation, group): &(&str, &str, &str)| {
            let user =
                DemoUser { password: secret::<18>(), organisation: organisation.into(), groups: vec![group.into()] };
            (name.to_owned(), user)
        };
        let client = |id: &str, client_secret| {
            let client_id = id.to_owned();
            (id.to_owned(), DemoClient { client_id, client_secret })
        };
        Self {
            users: USERS.iter().map(user).collect(),
            clients: BTreeMap::from([client(PUBLIC_CLIENT, None), client(CONFIDENTIAL_CLIENT, Some(secret::<32>()))]),
            ..Self::default()
        }
    }

    async fn make_accounts(&self, store: &Store, passwords: &Passwords) -> Result<(), DemoError> {
        for (group, organisation, approved) in GROUPS {
            unless_there(store.add_organisation(organisation))?;
            unless_there(store.add_group(group, organisation))?;
            store.set_approved(group, approved)?;
        }
        for (name, user) in &self.users {
            let hash = passwords.hash(&user.password).await.map_err(|_| DemoError::Busy)?;
            unless_there(store.add_user(name, &user.organisation, &hash))?;
            for group in &user.groups {
                store.join_group(group, &principal(Kind::User, name, &user.organisation))?;
            }
        }
        for client in self.clients.values() {
            let redirects = [FIRST_PARTY_REDIRECT.to_owned()];
            let secret_hash = client.client_secret.as_deref().map(secret_hash);
            unless_there(store.add_client(&NewClient {
                id: &client.client_id,
                organisation: "acme",
                display_name: None,
                secret_hash: secret_hash.as_ref().map(|hash| &hash[..]),
                redirect_uris: if secret_hash.is_none() { &redirects } else { &[] },
                scopes: &Scopes::ALL.to_string(),
            }))?;
        }
        store.join_group("designers", &principal(Kind::Client, CONFIDENTIAL_CLIENT, "acme"))?;
        Ok(())
    }

    /// Whole or not at all, and readable by the owner only.
    fn write(&self, path: &Path) -> Result<(), DemoError> {
        let new = path.with_extension("json.new");
        // Left by a crash; `create_new` also sees to it that nobody else made the file.
        let _ = std::fs::remove_file(&new);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        Ok(())
    }
}

async fn make_thing(
    store: &Store,
    create_thing: impl AsyncFn(&Principal, &str, Value) -> Result<ThingId, ErrorBody>,
) -> Result<ThingId, DemoError> {
    let user = |name| principal(Kind::User, name, "acme");
    let content = json!({
        "meta": {"title": "Welcome", "description": "A Thing to try things out on"},
        "parts": {
            "table": {"kind": "box", "x": 40, "y": 40, "w": 200, "h": 90, "label": "A table", "color": "#7a9e7e"},
            "lamp": {"kind": "circle", "x": 280, "y": 30, "w": 60, "h": 60, "label": "A lamp", "color": "#e0b354"}
        },
        "notes": "Ada owns this, Grace can change it, Linus can look at it.\n"
    });
    let ada = user("ada");
    let thing = create_thing(&ada, "Welcome", content).await.map_err(DemoError::Thing)?;
    store.share(thing, &Sharee::Principal(user("grace")), Role::Editor, &ada)?;
    store.share(thing, &Sharee::Principal(user("linus")), Role::Viewer, &ada)?;
    Ok(thing)
}

fn unless_there<T>(added: Result<T, StoreError>) -> Result<(), StoreError> {
    match added {
        Ok(_) | Err(StoreError::Exists(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn principal(kind: Kind, name: &str, organisation: &str) -> Principal {
    Principal { kind, name: name.into(), organisation: organisation.into() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{access::Records, clock};

    #[tokio::test]
    async fn a_first_start_sets_up_what_the_contract_describes_and_a_later_one_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let passwords = Passwords::new();
        let failing = async |_: &Principal, _: &str, _| Err(crate::protocol::ErrorCode::Unavailable.into());
        let first = Demo::set_up(&store, &passwords, dir.path(), "http://127.0.0.1:1", failing).await;
        assert!(matches!(first, Err(DemoError::Thing(_))), "killed half way");

        let working = async |owner: &Principal, title: &str, _| {
            let thing = ThingId(clock::new_id());
            store.add_thing(thing, owner, title, 1).unwrap();
            Ok(thing)
        };
        let demo = Demo::set_up(&store, &passwords, dir.path(), "http://127.0.0.1:2", working).await.unwrap().unwrap();
        assert_eq!(demo.url, "http://127.0.0.1:2");
        assert_eq!(std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        let thing = demo.things["welcome"].parse().unwrap();
        let role = |kind, name, organisation| store.role(&principal(kind, name, organisation), thing).unwrap();
        assert_eq!(role(Kind::User, "ada", "acme"), Some(Role::Owner));
        assert_eq!(role(Kind::User, "grace", "acme"), Some(Role::Editor));
        assert_eq!(role(Kind::User, "linus", "acme"), Some(Role::Viewer));
        assert_eq!(role(Kind::User, "mallory", "rivals"), None);
        let approved =
            |kind, name, organisation| store.standing(&principal(kind, name, organisation)).unwrap().approved;
        assert!(approved(Kind::User, "ada", "acme") && approved(Kind::Client, CONFIDENTIAL_CLIENT, "acme"));
        assert!(approved(Kind::User, "mallory", "rivals") && !approved(Kind::User, "linus", "acme"));
        let hash = store.login("ada").unwrap().unwrap().password_hash;
        assert!(passwords.verify(Some(&hash), &demo.users["ada"].password).await.unwrap());

        let again = Demo::set_up(&store, &passwords, dir.path(), "http://127.0.0.1:3", failing).await.unwrap().unwrap();
        assert_eq!((again.users, again.things), (demo.users, demo.things));
        assert_eq!(again.url, "http://127.0.0.1:3");
    }

    #[tokio::test]
    async fn data_of_others_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.add_organisation("mine").unwrap();
        let never = async |_: &Principal, _: &str, _| unreachable!();
        let demo = Demo::set_up(&store, &Passwords::new(), dir.path(), "http://x", never).await.unwrap();
        assert_eq!(demo, None);
        assert!(!dir.path().join(FILE).exists());
    }
}
