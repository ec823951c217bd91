//! What is remembered of roles, standings, groups and grants, and forgotten at every write that could change them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

use crate::{
    access::{Principal, Role, Standing},
    protocol::ThingId,
};

/// Answers kept before all are forgotten: about 20 MB at the most.
const MOST: usize = 100_000;

#[derive(Default)]
pub(super) struct Cache(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    /// Rises with every write that could change an answer.
    generation: u64,
    size: usize,
    roles: HashMap<ThingId, HashMap<Principal, Option<Role>>>,
    standings: HashMap<Principal, Standing>,
    groups: HashMap<Principal, Vec<String>>,
    /// Those that are live, and whose.
    grants: HashMap<Uuid, Principal>,
}

impl Cache {
    /// The role if it is remembered, else the generation to give to [`Cache::remember_role`].
    pub fn role(&self, who: &Principal, thing: ThingId) -> Result<Option<Role>, u64> {
        self.with(|kept| {
            let role = kept.roles.get(&thing).and_then(|roles| roles.get(who)).copied();
            role.ok_or(kept.generation)
        })
    }

    /// Keeps an answer, unless something was written since `generation` was read.
    pub fn remember_role(&self, who: &Principal, thing: ThingId, role: Option<Role>, generation: u64) {
        self.with(|kept| {
            if kept.generation == generation {
                kept.make_room();
                kept.roles.entry(thing).or_default().insert(who.clone(), role);
            }
        });
    }

    /// As [`Cache::role`].
    pub fn standing(&self, who: &Principal) -> Result<Standing, u64> {
        self.with(|kept| kept.standings.get(who).copied().ok_or(kept.generation))
    }

    /// As [`Cache::remember_role`].
    pub fn remember_standing(&self, who: &Principal, standing: Standing, generation: u64) {
        self.with(|kept| {
            if kept.generation == generation {
                kept.make_room();
                kept.standings.insert(who.clone(), standing);
            }
        });
    }

    /// As [`Cache::role`], for the names of the groups.
    pub fn groups(&self, who: &Principal) -> Result<Vec<String>, u64> {
        self.with(|kept| kept.groups.get(who).cloned().ok_or(kept.generation))
    }

    /// As [`Cache::remember_role`].
    pub fn remember_groups(&self, who: &Principal, groups: &[String], generation: u64) {
        self.with(|kept| {
            if kept.generation == generation {
                kept.make_room();
                kept.groups.insert(who.clone(), groups.to_vec());
            }
        });
    }

    /// Whether a grant is remembered as live and this one's, else the generation to give to [`Cache::remember_grant`].
    pub fn grant(&self, id: Uuid, of: &Principal) -> Result<(), u64> {
        self.with(|kept| if kept.grants.get(&id) == Some(of) { Ok(()) } else { Err(kept.generation) })
    }

    /// As [`Cache::remember_role`].
    pub fn remember_grant(&self, id: Uuid, of: &Principal, generation: u64) {
        self.with(|kept| {
            if kept.generation == generation {
                kept.make_room();
                kept.grants.insert(id, of.clone());
            }
        });
    }

    /// Forgets which grants are live, also what is being looked up at this moment.
    pub fn forget_grants(&self) {
        self.with(|kept| {
            kept.generation += 1;
            kept.grants.clear();
        });
    }

    /// Forgets everything, also what is being looked up at this moment.
    pub fn forget_all(&self) {
        self.with(|kept| {
            kept.generation += 1;
            kept.clear();
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Remembered) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Remembered {
    fn make_room(&mut self) {
        if self.size >= MOST {
            self.clear();
        }
        self.size += 1;
    }

    fn clear(&mut self) {
        self.size = 0;
        self.roles.clear();
        self.standings.clear();
        self.groups.clear();
        self.grants.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Kind;

    #[test]
    fn an_answer_older_than_a_write_is_not_kept() {
        let cache = Cache::default();
        let thing = ThingId(crate::clock::new_id());
        let who = Principal { kind: Kind::User, name: "ada".into(), organisation: "acme".into() };
        let generation = cache.role(&who, thing).unwrap_err();
        cache.forget_all();
        cache.remember_role(&who, thing, Some(Role::Owner), generation);
        let generation = cache.role(&who, thing).unwrap_err();
        cache.remember_role(&who, thing, None, generation);
        assert_eq!(cache.role(&who, thing), Ok(None));
    }
}
