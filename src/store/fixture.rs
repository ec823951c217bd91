//! A store with the people of the demonstration, for tests.

use tempfile::TempDir;
use uuid::Uuid;

use super::{FirstTokens, NewGrant, Searched, Store, Texts};
use crate::{access::Principal, clock, protocol::ThingId};

pub(crate) struct Fixture {
    pub store: Store,
    pub ada: Principal,
    pub grace: Principal,
    pub linus: Principal,
    pub mallory: Principal,
    pub dir: TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        for (organisation, group, approved) in
            [("acme", "designers", true), ("acme", "reviewers", false), ("rivals", "spies", true)]
        {
            let _ = store.add_organisation(organisation);
            store.add_group(group, organisation).unwrap();
            store.set_approved(group, approved).unwrap();
        }
        let user = |name, organisation, group| {
            let user = store.add_user(name, organisation, "no hash").unwrap();
            store.join_group(group, &user).unwrap();
            user
        };
        Self {
            ada: user("ada", "acme", "designers"),
            grace: user("grace", "acme", "designers"),
            linus: user("linus", "acme", "reviewers"),
            mallory: user("mallory", "rivals", "spies"),
            store,
            dir,
        }
    }

    /// A new grant with an access token until then.
    pub fn grant(&self, who: &Principal, client: &str, access_until: u64) -> Uuid {
        let grant = NewGrant {
            id: clock::new_id(),
            principal: who.clone(),
            client: client.into(),
            scopes: "stream".into(),
            first: FirstTokens { access_until, refresh: None },
        };
        self.store.add_grant(&grant, 0).unwrap();
        grant.id
    }

    /// A Thing was changed, and perhaps its title with it.
    pub fn change(&self, thing: ThingId, title: Option<&str>, at_ms: u64) {
        let texts = title.map(|title| Texts { title: title.into(), ..Texts::default() });
        self.store.note_changes(&[Searched { thing, at_ms, texts, words_changed: true }]).unwrap();
    }

    /// A new Thing of `owner`, changed last at `at_ms`.
    pub fn thing(&self, owner: &Principal, title: &str, at_ms: u64) -> ThingId {
        let thing = ThingId(clock::new_id());
        self.store.add_thing(thing, owner, title, at_ms).unwrap();
        thing
    }
}
