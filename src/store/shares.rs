//! Who has which role on a Thing.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Result, Store, StoreError,
    accounts::{any_id_of, id_of, known_id_of, principal_of},
    groups::group_id,
};
use crate::{
    access::{Change, Principal, Role, Sharee},
    protocol::ThingId,
};

impl Store {
    /// The highest role that someone has on a Thing, by themselves or through a group. None if it is
    /// not shared with them, deleted, absent, or of another organisation. From memory, mostly.
    pub(super) fn role_on(&self, who: &Principal, thing: ThingId) -> Result<Option<Role>> {
        let generation = match self.0.cache.role(who, thing) {
            Ok(role) => return Ok(role),
            Err(generation) => generation,
        };
        const QUERY: &str = "SELECT max(g.role) FROM grants g JOIN things t ON t.number = g.thing
            WHERE g.principal = ?1 AND t.id = ?2";
        let role = self.read(|db| {
            let Some(id) = id_of(db, who)? else { return Ok(None) };
            let found: Option<i64> =
                db.prepare_cached(QUERY)?.query_row(params![id, thing.0.as_bytes()], |row| row.get(0))?;
            Ok(found.and_then(role_from))
        })?;
        self.0.cache.remember_role(who, thing, role, generation);
        Ok(role)
    }

    /// Shares a Thing; a role given before is replaced. Tells whether anything changed.
    ///
    /// # Errors
    /// There is no such Thing, or no such user, client or group in its organisation; or nobody would be its owner.
    pub fn share(&self, thing: ThingId, with: &Sharee, role: Role, by: &Principal) -> Result<bool> {
        const PRINCIPAL: &str = "INSERT INTO principal_shares (principal, thing, role) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET role = excluded.role WHERE role <> excluded.role";
        const GROUP: &str = "INSERT INTO group_shares (grp, thing, role) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET role = excluded.role WHERE role <> excluded.role";
        self.change_share(thing, with, Some(role), by, |db, number, organisation| {
            let (insert, id) = match with {
                Sharee::Principal(who) if who.organisation != organisation => {
                    return Err(StoreError::Absent(format!("user or client named {}", who.name)));
                }
                Sharee::Principal(who) => (PRINCIPAL, known_id_of(db, who)?),
                Sharee::Group(group) => (GROUP, group_id(db, group, organisation)?),
            };
            Ok(db.execute(insert, params![id, number, role_number(role)])?)
        })
    }

    /// Ends a share. Without such a share nothing changes. Tells whether anything changed.
    ///
    /// # Errors
    /// There is no such Thing, user, client or group; or nobody would be its owner.
    pub fn unshare(&self, thing: ThingId, with: &Sharee, by: &Principal) -> Result<bool> {
        const PRINCIPAL: &str = "DELETE FROM principal_shares WHERE principal = ?1 AND thing = ?2";
        const GROUP: &str = "DELETE FROM group_shares WHERE grp = ?1 AND thing = ?2";
        self.change_share(thing, with, None, by, |db, number, organisation| {
            let (delete, id) = match with {
                Sharee::Principal(who) => (PRINCIPAL, any_id_of(db, who)?),
                Sharee::Group(group) => (GROUP, group_id(db, group, organisation)?),
            };
            Ok(db.execute(delete, [id, number])?)
        })
    }

    fn change_share(
        &self,
        thing: ThingId,
        with: &Sharee,
        role: Option<Role>,
        by: &Principal,
        write: impl FnOnce(&Connection, i64, &str) -> Result<usize>,
    ) -> Result<bool> {
        const OWNED: &str = "SELECT EXISTS (SELECT 1 FROM grants WHERE thing = ?1 AND role = ?2)";
        self.change_access(|db| {
            let (number, organisation) = thing_row(db, thing)?;
            if write(db, number, &organisation)? == 0 {
                return Ok((false, None));
            }
            if !db.query_row(OWNED, [number, role_number(Role::Owner)], |row| row.get::<_, bool>(0))? {
                return Err(StoreError::LastOwner);
            }
            Ok((true, Some(Change::Shared { thing, with: with.clone(), role, by: by.clone() })))
        })
    }

    /// Everyone who has a role on the Thing, by name; nobody if it is deleted or absent.
    ///
    /// # Errors
    /// The database failed.
    pub fn entitled(&self, thing: ThingId) -> Result<Vec<Principal>> {
        const QUERY: &str = "SELECT DISTINCT p.kind, p.name, o.name FROM things t JOIN grants g ON g.thing = t.number
            JOIN principals p ON p.id = g.principal JOIN organisations o ON o.id = p.organisation
            WHERE t.id = ?1 ORDER BY p.name";
        self.read(|db| {
            let mut query = db.prepare_cached(QUERY)?;
            let rows = query.query_map([thing.0.as_bytes()], principal_of)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// Gives one user or client a role.
pub(super) fn grant(db: &Connection, thing: i64, principal: i64, role: Role) -> Result<()> {
    db.execute(
        "INSERT OR REPLACE INTO principal_shares (principal, thing, role) VALUES (?1, ?2, ?3)",
        params![principal, thing, role_number(role)],
    )?;
    Ok(())
}

pub(super) fn role_from(number: i64) -> Option<Role> {
    [Role::Viewer, Role::Editor, Role::Owner].into_iter().find(|&role| role_number(role) == number)
}

pub(super) fn role_number(role: Role) -> i64 {
    match role {
        Role::Viewer => 1,
        Role::Editor => 2,
        Role::Owner => 3,
    }
}

/// The row of a Thing that is not deleted, and its organisation's name.
fn thing_row(db: &Connection, thing: ThingId) -> Result<(i64, String)> {
    const QUERY: &str = "SELECT t.number, o.name FROM things t JOIN organisations o ON o.id = t.organisation
        WHERE t.id = ?1 AND NOT t.deleted";
    let mut query = db.prepare_cached(QUERY)?;
    let row = query.query_row([thing.0.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)));
    row.optional()?.ok_or_else(|| StoreError::Absent("such Thing".into()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{access::Records, store::fixture::Fixture};

    #[test]
    fn the_highest_of_own_and_group_roles_counts() {
        let fixture = Fixture::new();
        let Fixture { store, ada, grace, linus, .. } = &fixture;
        let thing = fixture.thing(ada, "Bridge", 1);
        assert_eq!(store.role(ada, thing).unwrap(), Some(Role::Owner));
        assert_eq!(store.role(grace, thing).unwrap(), None);
        store.share(thing, &Sharee::Principal(grace.clone()), Role::Viewer, ada).unwrap();
        assert_eq!(store.role(grace, thing).unwrap(), Some(Role::Viewer));
        store.share(thing, &Sharee::Group("designers".into()), Role::Editor, ada).unwrap();
        assert_eq!(store.role(grace, thing).unwrap(), Some(Role::Editor));
        assert_eq!(store.role(linus, thing).unwrap(), None);
        store.leave_group("designers", grace).unwrap();
        assert_eq!(store.role(grace, thing).unwrap(), Some(Role::Viewer));
        assert!(store.unshare(thing, &Sharee::Principal(grace.clone()), ada).unwrap());
        assert!(!store.unshare(thing, &Sharee::Principal(grace.clone()), ada).unwrap(), "done already");
        assert_eq!(store.role(grace, thing).unwrap(), None);
        assert_eq!(store.entitled(thing).unwrap(), std::slice::from_ref(ada));
    }

    #[test]
    fn a_deleted_thing_is_nobodys() {
        let fixture = Fixture::new();
        let thing = fixture.thing(&fixture.ada, "Bridge", 1);
        assert_eq!(fixture.store.role(&fixture.ada, thing).unwrap(), Some(Role::Owner));
        fixture.store.delete_thing(thing).unwrap();
        assert_eq!(fixture.store.role(&fixture.ada, thing).unwrap(), None);
        assert!(fixture.store.entitled(thing).unwrap().is_empty());
        let again = fixture.store.share(thing, &Sharee::Principal(fixture.grace.clone()), Role::Viewer, &fixture.ada);
        assert!(matches!(again, Err(StoreError::Absent(_))));
    }

    #[test]
    fn nothing_is_shared_across_organisations() {
        let fixture = Fixture::new();
        let thing = fixture.thing(&fixture.ada, "Bridge", 1);
        for sharee in [Sharee::Principal(fixture.mallory.clone()), Sharee::Group("spies".into())] {
            assert!(matches!(
                fixture.store.share(thing, &sharee, Role::Viewer, &fixture.ada),
                Err(StoreError::Absent(_))
            ));
        }
        assert_eq!(fixture.store.role(&fixture.mallory, thing).unwrap(), None);
    }

    /// What can happen to shares, in numbers: people and groups by index.
    #[derive(Clone, Debug)]
    enum Step {
        Share(usize, usize, Role),
        Unshare(usize, usize),
        ShareGroup(usize, usize, Role),
        Join(usize, usize),
        Leave(usize, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let role = prop_oneof![Just(Role::Viewer), Just(Role::Editor), Just(Role::Owner)];
        prop_oneof![
            (0..2_usize, 0..4_usize, role.clone()).prop_map(|(t, p, r)| Step::Share(t, p, r)),
            (0..2_usize, 0..4_usize).prop_map(|(t, p)| Step::Unshare(t, p)),
            (0..2_usize, 0..3_usize, role).prop_map(|(t, g, r)| Step::ShareGroup(t, g, r)),
            (0..3_usize, 0..4_usize).prop_map(|(g, p)| Step::Join(g, p)),
            (0..3_usize, 0..4_usize).prop_map(|(g, p)| Step::Leave(g, p)),
        ]
    }

    type Roles = HashMap<(usize, usize), Role>;

    /// Whether somebody owns the Thing in the model.
    fn owned(t: usize, own: &Roles, of_group: &Roles, member: &HashMap<(usize, usize), ()>) -> bool {
        let is = |role: Option<&Role>| role == Some(&Role::Owner);
        (0..4).any(|p| is(own.get(&(t, p)))) || member.keys().any(|&(g, _)| is(of_group.get(&(t, g))))
    }

    fn restore(roles: &mut Roles, at: (usize, usize), before: Option<Role>) {
        match before {
            Some(role) => roles.insert(at, role),
            None => roles.remove(&at),
        };
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Roles, feed and search against a model of two maps, after every step, with a warm memory.
        #[test]
        fn roles_feed_and_search_agree_with_a_plain_model(steps in proptest::collection::vec(step(), 1..24)) {
            let fixture = Fixture::new();
            let store = &fixture.store;
            let people = [&fixture.ada, &fixture.grace, &fixture.linus, &fixture.mallory];
            let groups = [("designers", "acme"), ("reviewers", "acme"), ("spies", "rivals")];
            let owners = [&fixture.ada, &fixture.mallory];
            let things = owners.map(|owner| fixture.thing(owner, "Bridge", 1));
            let mut own = HashMap::from([((0, 0), Role::Owner), ((1, 3), Role::Owner)]);
            let mut of_group = HashMap::new();
            let mut member = HashMap::from([((0, 0), ()), ((0, 1), ()), ((1, 2), ()), ((2, 3), ())]);

            for step in steps {
                match step {
                    Step::Share(t, p, role) => {
                        let done = store.share(things[t], &Sharee::Principal(people[p].clone()), role, owners[t]);
                        let before = own.insert((t, p), role);
                        let keeps_owner = owned(t, &own, &of_group, &member);
                        let same = owners[t].organisation == people[p].organisation;
                        prop_assert_eq!(done.is_ok(), same && (before == Some(role) || keeps_owner), "{:?}", done);
                        if done.is_err() { restore(&mut own, (t, p), before); }
                    }
                    Step::Unshare(t, p) => {
                        let done = store.unshare(things[t], &Sharee::Principal(people[p].clone()), owners[t]);
                        let before = own.remove(&(t, p));
                        prop_assert_eq!(done.is_ok(), before.is_none() || owned(t, &own, &of_group, &member));
                        if done.is_err() { restore(&mut own, (t, p), before); }
                    }
                    Step::ShareGroup(t, g, role) => {
                        let done = store.share(things[t], &Sharee::Group(groups[g].0.into()), role, owners[t]);
                        let before = of_group.insert((t, g), role);
                        let same = owners[t].organisation == groups[g].1;
                        let unchanged = before == Some(role);
                        prop_assert_eq!(done.is_ok(), same && (unchanged || owned(t, &own, &of_group, &member)));
                        if done.is_err() { restore(&mut of_group, (t, g), before); }
                    }
                    Step::Join(g, p) => {
                        if store.join_group(groups[g].0, people[p]).is_ok() { member.insert((g, p), ()); }
                    }
                    Step::Leave(g, p) => {
                        if store.leave_group(groups[g].0, people[p]).is_ok() { member.remove(&(g, p)); }
                    }
                }
                for (p, who) in people.iter().enumerate() {
                    let mut visible = 0;
                    for (t, &thing) in things.iter().enumerate() {
                        let through = (0..groups.len()).filter(|&g| member.contains_key(&(g, p)));
                        let expected = through.filter_map(|g| of_group.get(&(t, g))).chain(own.get(&(t, p))).max().copied();
                        prop_assert_eq!(store.role(who, thing).unwrap(), expected);
                        prop_assert_eq!(store.entitled(thing).unwrap().contains(who), expected.is_some());
                        visible += usize::from(expected.is_some());
                    }
                    prop_assert_eq!(store.feed(who, None, 10).unwrap().things.len(), visible);
                    prop_assert_eq!(store.search(who, "bri", 10).unwrap().things.len(), visible);
                }
            }
        }
    }
}
