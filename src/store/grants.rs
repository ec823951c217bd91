//! Grants: what one authorisation gave to a client. Every token belongs to one, and ends with it.
//!
//! This is all that has to be kept of tokens: a row as long as a token of the grant may be used. A refresh
//! token is kept as two hashes, one of what all of the grant's refresh tokens share and one of what only the
//! present one has, so that one that was used before is known without keeping it.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{Result, Store, accounts, accounts::principal_of, signed, unsigned};
use crate::{
    access::{Change, Kind, Principal},
    clock,
};

/// What a client was allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: Uuid,
    /// For whom the client acts: a user, or itself.
    pub principal: Principal,
    /// The client.
    pub client: String,
    /// Names with spaces between.
    pub scopes: String,
    /// Since when, seconds since 1970.
    pub created_at: u64,
    /// When its last access token was issued.
    pub used_at: u64,
    /// When its last token of any kind expires, if none is issued until then.
    pub expires_at: u64,
    /// When its refresh token expires; 0 if it has none.
    pub refresh_until: u64,
}

/// A grant to be added.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// Its id.
    pub id: Uuid,
    /// For whom the client acts.
    pub principal: Principal,
    /// The client.
    pub client: String,
    /// Names with spaces between.
    pub scopes: String,
    /// The tokens that it begins with.
    pub first: FirstTokens,
}

/// The tokens that a grant begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstTokens {
    /// When the access token expires.
    pub access_until: u64,
    /// The refresh token, if there is one.
    pub refresh: Option<FirstRefresh>,
}

/// A grant's first refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstRefresh {
    /// Its hashes.
    pub hashes: RefreshHashes,
    /// When it expires unless it is used.
    pub until: u64,
    /// When those that follow it expire at the latest.
    pub until_at_most: u64,
}

/// What is kept of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshHashes {
    /// Of what all refresh tokens of the grant share.
    pub family: [u8; 32],
    /// Of what this one alone has.
    pub turn: [u8; 32],
}

/// A refresh token that was presented, and what is to take its place.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    /// The grant that it names.
    pub grant: Uuid,
    /// Its hashes.
    pub presented: RefreshHashes,
    /// Who presents it.
    pub client: &'a str,
    /// The next one's.
    pub next: [u8; 32],
    /// How long the next one may lie unused.
    pub idle_seconds: u64,
    /// When the access token expires that is issued with it.
    pub access_until: u64,
}

/// What became of a refresh token that was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turned<R> {
    /// It was the right one, and is replaced.
    Done(Grant),
    /// It was the right one, but what was asked is not given; it stays.
    Refused(R),
    /// It was used before: two have it. The grant is ended.
    Reused,
    /// It is none of this client, or has expired.
    Unknown,
}

const COLUMNS: &str = "p.kind, p.name, o.name, g.id, g.client, g.scopes, g.created_at, g.used_at,
    g.access_until, g.refresh_until
    FROM oauth_grants g JOIN principals p ON p.id = g.principal JOIN organisations o ON o.id = p.organisation";

impl Store {
    /// Adds a grant; throws away those whose last token has expired.
    ///
    /// # Errors
    /// There is no such user or client, or they are disabled.
    pub fn add_grant(&self, grant: &NewGrant, now: u64) -> Result<()> {
        self.write(|db| insert(db, grant, now))
    }

    /// Whether a grant is there and was not ended, and is somebody's under the name that they have. From memory,
    /// mostly.
    ///
    /// # Errors
    /// The database failed.
    pub fn grant_is_live(&self, id: Uuid, of: &Principal) -> Result<bool> {
        const QUERY: &str = "SELECT 1 FROM oauth_grants WHERE id = ?1 AND principal = ?2";
        let generation = match self.0.cache.grant(id, of) {
            Ok(()) => return Ok(true),
            Err(generation) => generation,
        };
        let live = self.read(|db| {
            let Some(principal) = accounts::id_of(db, of)? else { return Ok(false) };
            Ok(db.prepare_cached(QUERY)?.exists(params![id.as_bytes(), principal])?)
        })?;
        if live {
            self.0.cache.remember_grant(id, of, generation);
        }
        Ok(live)
    }

    /// Whether a token of another issuer was issued after all that somebody had was ended, if it ever was. A second
    /// is as near as tokens tell it: one of the same second counts for nothing.
    ///
    /// # Errors
    /// The database failed.
    pub(super) fn takes_tokens_of(&self, who: &Principal, issued_at: u64) -> Result<bool> {
        const QUERY: &str = "SELECT 1 FROM principals WHERE id = ?1 AND tokens_after < ?2";
        self.read(|db| {
            let Some(id) = accounts::id_of(db, who)? else { return Ok(false) };
            Ok(db.prepare_cached(QUERY)?.exists(params![id, signed(issued_at)])?)
        })
    }

    /// A grant that was not ended.
    ///
    /// # Errors
    /// The database failed.
    pub fn grant(&self, id: Uuid) -> Result<Option<Grant>> {
        self.read(|db| find(db, id))
    }

    /// The grant that a refresh token belongs to, and whether it is the present one.
    ///
    /// # Errors
    /// The database failed.
    pub fn grant_of_refresh(&self, id: Uuid, hashes: RefreshHashes) -> Result<Option<(Grant, bool)>> {
        self.read(|db| {
            let Some(kept) = kept_hashes(db, id)?.filter(|kept| kept.family == hashes.family) else {
                return Ok(None);
            };
            Ok(find(db, id)?.map(|grant| (grant, kept.turn == hashes.turn)))
        })
    }

    /// The grants that are not over, the one used last first; of one user or client, or of all.
    ///
    /// # Errors
    /// The database failed.
    pub fn grants(&self, of: Option<&str>, now: u64) -> Result<Vec<Grant>> {
        let query = format!(
            "SELECT {COLUMNS} WHERE max(g.access_until, g.refresh_until) > ?1 AND (?2 IS NULL OR p.name = ?2)
            ORDER BY g.used_at DESC, g.client, p.name"
        );
        self.read(|db| {
            let mut query = db.prepare_cached(&query)?;
            let rows = query.query_map(params![signed(now), of], grant_of)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Replaces a refresh token by the next one: of any number of calls with the same token, one is
    /// [`Turned::Done`], and any other ends the grant. `may` is asked before anything changes.
    ///
    /// # Errors
    /// The database failed.
    pub fn turn_refresh<R>(
        &self,
        turn: &Turn<'_>,
        now: u64,
        may: impl FnOnce(&Grant) -> std::result::Result<(), R>,
    ) -> Result<Turned<R>> {
        const UPDATE: &str = "UPDATE oauth_grants SET turn = ?2, refresh_until = min(?3, refresh_until_at_most),
            used_at = ?4, access_until = max(access_until, ?5) WHERE id = ?1";
        self.change_grants(|db| {
            let Some(kept) = kept_hashes(db, turn.grant)? else { return Ok((Turned::Unknown, None)) };
            let Some(grant) = find(db, turn.grant)? else { return Ok((Turned::Unknown, None)) };
            if kept.family != turn.presented.family || grant.client != turn.client {
                return Ok((Turned::Unknown, None));
            }
            if kept.turn != turn.presented.turn {
                delete(db, turn.grant)?;
                return Ok((Turned::Reused, Some(Change::Grant(turn.grant))));
            }
            if grant.refresh_until <= now {
                return Ok((Turned::Unknown, None));
            }
            if let Err(why) = may(&grant) {
                return Ok((Turned::Refused(why), None));
            }
            let until = signed(now.saturating_add(turn.idle_seconds));
            let id = turn.grant.as_bytes();
            db.execute(UPDATE, params![id, turn.next, until, signed(now), signed(turn.access_until)])?;
            Ok((Turned::Done(grant), None))
        })
    }

    /// Ends a grant with all its tokens; whether there was one.
    ///
    /// # Errors
    /// The database failed.
    pub fn end_grant(&self, id: Uuid) -> Result<bool> {
        self.change_grants(|db| {
            let ended = delete(db, id)?;
            Ok((ended, ended.then_some(Change::Grant(id))))
        })
    }
}

/// Adds a grant within a write.
pub(super) fn insert(db: &Connection, grant: &NewGrant, now: u64) -> Result<()> {
    const INSERT: &str = "INSERT INTO oauth_grants (id, client, principal, scopes, created_at, used_at, access_until,
        family, turn, refresh_until, refresh_until_at_most) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10)";
    db.execute("DELETE FROM oauth_grants WHERE max(access_until, refresh_until) <= ?1", [signed(now)])?;
    let refresh = grant.first.refresh.as_ref();
    db.execute(
        INSERT,
        params![
            grant.id.as_bytes(),
            grant.client,
            accounts::known_id_of(db, &grant.principal)?,
            grant.scopes,
            signed(now),
            signed(grant.first.access_until),
            refresh.map(|refresh| refresh.hashes.family),
            refresh.map(|refresh| refresh.hashes.turn),
            refresh.map_or(0, |refresh| signed(refresh.until.min(refresh.until_at_most))),
            refresh.map_or(0, |refresh| signed(refresh.until_at_most)),
        ],
    )?;
    Ok(())
}

/// Ends a grant within a write; whether there was one.
pub(super) fn delete(db: &Connection, id: Uuid) -> Result<bool> {
    Ok(db.execute("DELETE FROM oauth_grants WHERE id = ?1", [id.as_bytes()])? > 0)
}

/// Ends, within a write, what was granted by or for a user, or to a client by anyone. Tokens of another issuer that
/// they have by now end with it.
pub(super) fn delete_all_of(db: &Connection, who: &Principal) -> Result<()> {
    db.execute("DELETE FROM oauth_grants WHERE principal = (SELECT id FROM principals WHERE name = ?1)", [&who.name])?;
    let now = signed(clock::unix_seconds());
    db.execute("UPDATE principals SET tokens_after = ?2 WHERE name = ?1", params![who.name, now])?;
    if who.kind == Kind::Client {
        db.execute("DELETE FROM oauth_grants WHERE client = ?1", [&who.name])?;
        db.execute("DELETE FROM oauth_consents WHERE client = ?1", [&who.name])?;
    }
    Ok(())
}

fn find(db: &Connection, id: Uuid) -> Result<Option<Grant>> {
    let mut query = db.prepare_cached(&format!("SELECT {COLUMNS} WHERE g.id = ?1 AND NOT p.disabled"))?;
    Ok(query.query_row([id.as_bytes()], grant_of).optional()?)
}

fn kept_hashes(db: &Connection, id: Uuid) -> Result<Option<RefreshHashes>> {
    let mut query = db.prepare_cached("SELECT family, turn FROM oauth_grants WHERE id = ?1 AND turn IS NOT NULL")?;
    let hashes = |row: &Row<'_>| Ok(RefreshHashes { family: row.get(0)?, turn: row.get(1)? });
    Ok(query.query_row([id.as_bytes()], hashes).optional()?)
}

fn grant_of(row: &Row<'_>) -> rusqlite::Result<Grant> {
    let seconds = |column| Ok::<_, rusqlite::Error>(unsigned(row.get(column)?));
    let (access_until, refresh_until) = (seconds(8)?, seconds(9)?);
    Ok(Grant {
        principal: principal_of(row)?,
        id: Uuid::from_bytes(row.get(3)?),
        client: row.get(4)?,
        scopes: row.get(5)?,
        created_at: seconds(6)?,
        used_at: seconds(7)?,
        expires_at: access_until.max(refresh_until),
        refresh_until,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    const HASHES: RefreshHashes = RefreshHashes { family: [1; 32], turn: [0; 32] };

    fn granted(fixture: &Fixture, now: u64) -> Uuid {
        let first = FirstRefresh { hashes: HASHES, until: now + 100, until_at_most: now + 250 };
        let grant = NewGrant {
            id: clock::new_id(),
            principal: fixture.ada.clone(),
            client: "app".into(),
            scopes: "stream".into(),
            first: FirstTokens { access_until: now + 10, refresh: Some(first) },
        };
        fixture.store.add_grant(&grant, now).unwrap();
        grant.id
    }

    fn turn(grant: Uuid, turn: u8, next: u8, now: u64) -> Turn<'static> {
        Turn {
            grant,
            presented: RefreshHashes { turn: [turn; 32], ..HASHES },
            client: "app",
            next: [next; 32],
            idle_seconds: 100,
            access_until: now + 10,
        }
    }

    fn fine(_: &Grant) -> std::result::Result<(), ()> {
        Ok(())
    }

    #[test]
    fn a_refresh_token_is_replaced_at_each_use_until_its_absolute_end() {
        let fixture = Fixture::new();
        let grant = granted(&fixture, 1000);
        for (number, now) in [(0, 1090), (1, 1180)] {
            let turned = fixture.store.turn_refresh(&turn(grant, number, number + 1, now), now, fine).unwrap();
            assert!(matches!(turned, Turned::Done(_)), "{number}");
        }
        assert_eq!(fixture.store.grant(grant).unwrap().unwrap().refresh_until, 1250);
        let late = fixture.store.turn_refresh(&turn(grant, 2, 3, 1250), 1250, fine).unwrap();
        assert_eq!(late, Turned::Unknown);
    }

    #[test]
    fn an_idle_refresh_token_expires() {
        let fixture = Fixture::new();
        let grant = granted(&fixture, 1000);
        assert_eq!(fixture.store.turn_refresh(&turn(grant, 0, 1, 1100), 1100, fine).unwrap(), Turned::Unknown);
    }

    #[test]
    fn a_refresh_token_used_twice_ends_its_grant_and_says_so() {
        let fixture = Fixture::new();
        let grant = granted(&fixture, 1000);
        assert!(fixture.store.grant_is_live(grant, &fixture.ada).unwrap());
        let mut endings = fixture.store.watch().unwrap();
        assert!(matches!(fixture.store.turn_refresh(&turn(grant, 0, 1, 1001), 1001, fine), Ok(Turned::Done(_))));
        assert_eq!(fixture.store.turn_refresh(&turn(grant, 0, 2, 1002), 1002, fine).unwrap(), Turned::Reused);
        assert!(!fixture.store.grant_is_live(grant, &fixture.ada).unwrap());
        assert_eq!(endings.try_recv().unwrap(), Change::Grant(grant));
        assert_eq!(fixture.store.turn_refresh(&turn(grant, 1, 3, 1003), 1003, fine).unwrap(), Turned::Unknown);
    }

    #[test]
    fn of_uses_of_a_refresh_token_at_the_same_moment_one_wins_and_the_grant_is_over() {
        let fixture = Fixture::new();
        for _ in 0..20 {
            let (store, grant) = (&fixture.store, granted(&fixture, 1000));
            let start = std::sync::Barrier::new(8);
            let outcomes = std::thread::scope(|scope| {
                let start = &start;
                let all: Vec<_> = (1..=8)
                    .map(|next| {
                        scope.spawn(move || {
                            start.wait();
                            store.turn_refresh(&turn(grant, 0, next, 1001), 1001, fine).unwrap()
                        })
                    })
                    .collect();
                all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
            });
            let count = |wanted: fn(&Turned<()>) -> bool| outcomes.iter().filter(|outcome| wanted(outcome)).count();
            let won = count(|outcome| matches!(outcome, Turned::Done(_)));
            // Once it is over there is nothing left that the others could use twice.
            let (reused, unknown) =
                (count(|outcome| *outcome == Turned::Reused), count(|outcome| *outcome == Turned::Unknown));
            assert_eq!((won, reused, unknown), (1, 1, 6), "{outcomes:?}");
            assert!(!store.grant_is_live(grant, &fixture.ada).unwrap());
        }
    }

    #[test]
    fn what_is_not_this_clients_refresh_token_changes_nothing() {
        let fixture = Fixture::new();
        let grant = granted(&fixture, 1000);
        let other = Turn { client: "other", ..turn(grant, 9, 1, 1001) };
        let mut stranger = turn(grant, 9, 1, 1001);
        stranger.presented.family = [2; 32];
        for wrong in [other, stranger, turn(clock::new_id(), 0, 1, 1001)] {
            assert_eq!(fixture.store.turn_refresh(&wrong, 1001, fine).unwrap(), Turned::Unknown);
        }
        assert_eq!(fixture.store.turn_refresh(&turn(grant, 0, 1, 1001), 1001, |_| Err(7)).unwrap(), Turned::Refused(7));
        assert!(matches!(fixture.store.turn_refresh(&turn(grant, 0, 1, 1001), 1001, fine), Ok(Turned::Done(_))));
    }

    #[test]
    fn grants_end_with_their_user_and_with_their_client() {
        let fixture = Fixture::new();
        let client = crate::store::NewClient { id: "app", organisation: "acme", ..Default::default() };
        fixture.store.add_client(&client).unwrap();
        for name in ["ada", "app"] {
            let grant = granted(&fixture, 1000);
            assert!(fixture.store.grant_is_live(grant, &fixture.ada).unwrap());
            fixture.store.set_disabled(name, true).unwrap();
            fixture.store.set_disabled(name, false).unwrap();
            assert!(
                !fixture.store.grant_is_live(grant, &fixture.ada).unwrap(),
                "enabled again, what had ended stays ended"
            );
        }
    }

    #[test]
    fn what_another_issuer_gave_ends_with_the_users_own_grants() {
        let fixture = Fixture::new();
        let (store, ada) = (&fixture.store, &fixture.ada);
        let before = clock::unix_seconds();
        assert!(store.takes_tokens_of(ada, before).unwrap());
        store.set_disabled("ada", true).unwrap();
        assert!(!store.takes_tokens_of(ada, before + 1_000).unwrap(), "disabled");
        store.set_disabled("ada", false).unwrap();
        assert!(!store.takes_tokens_of(ada, before).unwrap(), "enabled again, what had ended stays ended");
        assert!(store.takes_tokens_of(ada, clock::unix_seconds() + 1).unwrap());
        assert!(store.takes_tokens_of(&fixture.grace, before).unwrap());
    }

    #[test]
    fn grants_are_listed_by_user_while_a_token_of_theirs_can_be_used() {
        let fixture = Fixture::new();
        let grant = granted(&fixture, 1000);
        let ids = |of, now| -> Vec<Uuid> {
            fixture.store.grants(of, now).unwrap().into_iter().map(|grant| grant.id).collect()
        };
        assert_eq!(ids(None, 1001), [grant]);
        assert_eq!(ids(Some("ada"), 1099), [grant]);
        assert!(ids(Some("grace"), 1001).is_empty() && ids(None, 1100).is_empty());
        granted(&fixture, 2000);
        assert!(fixture.store.grant(grant).unwrap().is_none(), "thrown away when the next one is added");
    }
}
