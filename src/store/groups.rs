//! User groups, who is in them, and their approval for streaming.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Result, Store, StoreError,
    accounts::{any_id_of, found, id_of, principal_of},
    checked_name, named_once,
};
use crate::access::{Change, Principal};

/// A user group.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Group {
    /// Its name, given once in the installation.
    pub name: String,
    /// Its organisation.
    pub organisation: String,
    /// Whether its members may stream.
    pub approved: bool,
    /// Names of its members.
    pub members: Vec<String>,
}

impl Store {
    /// Adds a group, not approved.
    ///
    /// # Errors
    /// The name is taken or cannot be used, or there is no such organisation.
    pub fn add_group(&self, name: &str, organisation: &str) -> Result<()> {
        const INSERT: &str = "INSERT INTO groups (name, organisation) SELECT ?1, id FROM organisations WHERE name = ?2";
        checked_name(name)?;
        self.write(|db| {
            let mut added = 0;
            let result = db.execute(INSERT, [name, organisation]).inspect(|&rows| added = rows);
            named_once(result, || format!("a group named {name}"))?;
            found(added, || format!("organisation named {organisation}"))
        })
    }

    /// Puts a user or client into a group of their organisation. Doing it again changes nothing.
    ///
    /// # Errors
    /// One of them does not exist, or they are of different organisations.
    pub fn join_group(&self, group: &str, who: &Principal) -> Result<()> {
        self.change_access(|db| {
            let group = group_id(db, group, &who.organisation)?;
            let insert = "INSERT OR IGNORE INTO memberships (principal, grp) VALUES (?1, ?2)";
            db.execute(insert, params![any_id_of(db, who)?, group])?;
            Ok(((), Some(Change::Of(vec![who.clone()]))))
        })
    }

    /// Takes a user or client out of a group.
    ///
    /// # Errors
    /// One of them does not exist.
    pub fn leave_group(&self, group: &str, who: &Principal) -> Result<()> {
        self.change_access(|db| {
            let group = group_id(db, group, &who.organisation)?;
            let delete = "DELETE FROM memberships WHERE principal = ?1 AND grp = ?2";
            db.execute(delete, params![any_id_of(db, who)?, group])?;
            Ok(((), Some(Change::Of(vec![who.clone()]))))
        })
    }

    /// Approves a group for streaming, or withdraws that.
    ///
    /// # Errors
    /// There is no such group.
    pub fn set_approved(&self, group: &str, approved: bool) -> Result<()> {
        self.change_access(|db| {
            let changed = db.execute("UPDATE groups SET approved = ?2 WHERE name = ?1", params![group, approved])?;
            found(changed, || format!("group named {group}"))?;
            Ok(((), Some(Change::Approved { group: group.to_owned(), approved })))
        })
    }

    /// All groups, by name.
    ///
    /// # Errors
    /// The database failed.
    pub fn groups(&self) -> Result<Vec<Group>> {
        const QUERY: &str = "SELECT g.name, o.name, g.approved, (SELECT group_concat(p.name, ' ' ORDER BY p.name)
                FROM memberships m JOIN principals p ON p.id = m.principal WHERE m.grp = g.id)
            FROM groups g JOIN organisations o ON o.id = g.organisation ORDER BY g.name";
        self.read(|db| {
            let mut query = db.prepare_cached(QUERY)?;
            let rows = query.query_map([], |row| {
                let members: Option<String> = row.get(3)?;
                Ok(Group {
                    name: row.get(0)?,
                    organisation: row.get(1)?,
                    approved: row.get(2)?,
                    members: members.iter().flat_map(|names| names.split(' ')).map(str::to_owned).collect(),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Names of the groups that someone is in.
    ///
    /// # Errors
    /// The database failed.
    pub fn groups_of(&self, who: &Principal) -> Result<Vec<String>> {
        let generation = match self.0.cache.groups(who) {
            Ok(groups) => return Ok(groups),
            Err(generation) => generation,
        };
        let groups: Vec<String> = self.read(|db| {
            let Some(id) = id_of(db, who)? else {
                return Ok(Vec::new());
            };
            names_of_groups(db, id)
        })?;
        self.0.cache.remember_groups(who, &groups, generation);
        Ok(groups)
    }

    /// The names of all groups that someone was put into, by name: also of somebody who is disabled, for whom they do
    /// not count.
    ///
    /// # Errors
    /// There is nobody like that, or the database failed.
    pub fn memberships(&self, who: &Principal) -> Result<Vec<String>> {
        self.read(|db| names_of_groups(db, any_id_of(db, who)?))
    }

    /// Those of these names that are groups of an organisation, by name.
    ///
    /// # Errors
    /// The database failed.
    pub fn groups_among(&self, names: &[String], organisation: &str) -> Result<Vec<String>> {
        const QUERY: &str = "SELECT g.name FROM groups g JOIN organisations o ON o.id = g.organisation
            WHERE o.name = ?1 AND g.name IN (SELECT value FROM json_each(?2)) ORDER BY g.name";
        self.read(|db| {
            let mut query = db.prepare_cached(QUERY)?;
            let rows = query.query_map([organisation, &json(names)], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Whether one of these groups of an organisation is approved for streaming.
    pub(super) fn one_is_approved(&self, organisation: &str, names: &[String]) -> Result<bool> {
        const QUERY: &str = "SELECT 1 FROM groups g JOIN organisations o ON o.id = g.organisation
            WHERE g.approved AND o.name = ?1 AND g.name IN (SELECT value FROM json_each(?2))";
        self.read(|db| Ok(db.prepare_cached(QUERY)?.exists([organisation, &json(names)])?))
    }

    /// Everyone in a group, by name; those whose live access an approval or withdrawal changes.
    ///
    /// # Errors
    /// The database failed.
    pub fn members(&self, group: &str) -> Result<Vec<Principal>> {
        const QUERY: &str = "SELECT p.kind, p.name, o.name FROM groups g JOIN memberships m ON m.grp = g.id
            JOIN principals p ON p.id = m.principal JOIN organisations o ON o.id = p.organisation
            WHERE g.name = ?1 ORDER BY p.name";
        self.read(|db| {
            let mut query = db.prepare_cached(QUERY)?;
            let rows = query.query_map([group], principal_of)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn names_of_groups(db: &Connection, principal: i64) -> Result<Vec<String>> {
    const QUERY: &str = "SELECT g.name FROM memberships m JOIN groups g ON g.id = m.grp
        WHERE m.principal = ?1 ORDER BY g.name";
    let mut query = db.prepare_cached(QUERY)?;
    let rows = query.query_map([principal], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn json(names: &[String]) -> String {
    serde_json::to_string(names).expect("texts are JSON")
}

/// The row of a group of this organisation. One of another answers as one that does not exist.
pub(super) fn group_id(db: &Connection, group: &str, organisation: &str) -> Result<i64> {
    const QUERY: &str = "SELECT g.id FROM groups g JOIN organisations o ON o.id = g.organisation
        WHERE g.name = ?1 AND o.name = ?2";
    let mut query = db.prepare_cached(QUERY)?;
    let id = query.query_row([group, organisation], |row| row.get(0)).optional()?;
    id.ok_or_else(|| StoreError::Absent(format!("group named {group}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::Records, store::fixture::Fixture};

    #[test]
    fn approval_takes_effect_with_the_next_question() {
        let Fixture { store, ada, linus, .. } = Fixture::new();
        assert!(store.standing(&ada).unwrap().approved);
        assert!(!store.standing(&linus).unwrap().approved);
        store.set_approved("designers", false).unwrap();
        assert!(!store.standing(&ada).unwrap().approved);
        store.join_group("reviewers", &ada).unwrap();
        store.set_approved("reviewers", true).unwrap();
        assert!(store.standing(&ada).unwrap().approved && store.standing(&linus).unwrap().approved);
        store.leave_group("reviewers", &ada).unwrap();
        assert!(!store.standing(&ada).unwrap().approved);
    }

    #[test]
    fn nobody_joins_a_group_of_another_organisation() {
        let Fixture { store, ada, .. } = Fixture::new();
        assert!(matches!(store.join_group("spies", &ada), Err(StoreError::Absent(_))));
        assert_eq!(store.groups_of(&ada).unwrap(), ["designers"]);
    }

    #[test]
    fn groups_named_by_another_count_where_they_are_groups_of_the_organisation() {
        let Fixture { store, .. } = Fixture::new();
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let all = named(&["spies", "reviewers", "designers", "nobodies", "a'b\"c"]);
        assert_eq!(store.groups_among(&all, "acme").unwrap(), ["designers", "reviewers"]);
        assert!(store.groups_among(&all, "nowhere").unwrap().is_empty());
        for (organisation, names, approved) in [
            ("acme", &["designers"][..], true),
            ("acme", &["reviewers", "designers"], true),
            ("acme", &["reviewers"], false),
            ("acme", &["spies"], false),
            ("rivals", &["spies"], true),
            ("acme", &[], false),
        ] {
            assert_eq!(store.one_is_approved(organisation, &named(names)).unwrap(), approved, "{names:?}");
        }
    }

    #[test]
    fn the_groups_of_someone_are_remembered_until_they_change() {
        let Fixture { store, ada, .. } = Fixture::new();
        assert_eq!(store.groups_of(&ada).unwrap(), ["designers"]);
        store.join_group("reviewers", &ada).unwrap();
        assert_eq!(store.groups_of(&ada).unwrap(), ["designers", "reviewers"]);
        store.leave_group("designers", &ada).unwrap();
        assert_eq!(store.groups_of(&ada).unwrap(), ["reviewers"]);
    }

    #[test]
    fn groups_are_listed_with_their_members() {
        let Fixture { store, ada, .. } = Fixture::new();
        let groups = store.groups().unwrap();
        let names: Vec<_> = groups.iter().map(|group| (group.name.as_str(), group.members.join(" "))).collect();
        let expected = [("designers", "ada grace"), ("reviewers", "linus"), ("spies", "mallory")];
        assert_eq!(names, expected.map(|(group, members)| (group, members.to_owned())));
        assert!(store.members("designers").unwrap().contains(&ada));
        assert!(matches!(store.add_group("spies", "acme"), Err(StoreError::Exists(_))));
        assert!(matches!(store.set_approved("nobody", true), Err(StoreError::Absent(_))));
    }
}
