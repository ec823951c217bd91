//! What a user has allowed applications, all grants of one application together, and the end of it.

use rusqlite::{Row, params};

use super::{Result, Store, accounts::known_id_of, signed, unsigned};
use crate::access::{Change, Principal, Scopes};

/// An application that works for a user, or may do so again without asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub client: String,
    /// How people know it, if it was registered with a name.
    pub display_name: Option<String>,
    /// All that it was allowed.
    pub scopes: Scopes,
    /// Since when it has tokens, seconds since 1970; none if it has none now.
    pub since: Option<u64>,
    /// When it got the last one.
    pub used_at: Option<u64>,
}

impl Store {
    /// The applications that work for a user, the one used last first.
    ///
    /// # Errors
    /// There is no such user, or the database failed.
    pub fn applications(&self, user: &Principal, now: u64) -> Result<Vec<Application>> {
        const QUERY: &str = "WITH allowed (client, scopes, since, used) AS (
                SELECT client, scopes, created_at, used_at FROM oauth_grants
                    WHERE principal = ?1 AND max(access_until, refresh_until) > ?2
                UNION ALL SELECT client, scopes, NULL, NULL FROM oauth_consents WHERE principal = ?1
            )
            SELECT a.client, c.display_name, group_concat(a.scopes, ' '), min(a.since), max(a.used) FROM allowed a
                LEFT JOIN principals p ON p.name = a.client LEFT JOIN clients c ON c.principal = p.id
                GROUP BY a.client ORDER BY max(a.used) DESC, a.client";
        self.read(|db| {
            let mut query = db.prepare_cached(QUERY)?;
            let rows = query.query_map(params![known_id_of(db, user)?, signed(now)], |row: &Row<'_>| {
                Ok(Application {
                    client: row.get(0)?,
                    display_name: row.get(1)?,
                    scopes: Scopes::parse(&row.get::<_, String>(2)?).unwrap_or_default(),
                    since: row.get::<_, Option<i64>>(3)?.map(unsigned),
                    used_at: row.get::<_, Option<i64>>(4)?.map(unsigned),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Ends all that a user has allowed an application: its tokens, codes that it has not used yet, and the leave to
    /// come back without asking. Whether there was anything.
    ///
    /// # Errors
    /// There is no such user, or the database failed.
    pub fn end_application(&self, user: &Principal, client: &str) -> Result<bool> {
        const CODES: &str = "DELETE FROM oauth_codes
            WHERE json_extract(code, '$.user.name') = ?1 AND json_extract(code, '$.client_id') = ?2";
        self.change_grants(|db| {
            let id = known_id_of(db, user)?;
            let mut ended = db.execute(CODES, params![user.name, client])?;
            for table in ["oauth_grants", "oauth_consents"] {
                let delete = format!("DELETE FROM {table} WHERE principal = ?1 AND client = ?2");
                ended += db.execute(&delete, params![id, client])?;
            }
            Ok((ended > 0, (ended > 0).then(|| Change::Of(vec![user.clone()]))))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock,
        store::{Code, Redeemed, fixture::Fixture},
    };

    const NOW: u64 = 1_000;

    #[test]
    fn an_application_is_shown_once_with_all_that_it_was_allowed() {
        let fixture = Fixture::new();
        let (store, ada) = (&fixture.store, &fixture.ada);
        for until in [NOW, NOW + 1, NOW + 2] {
            fixture.grant(ada, "board", until);
        }
        fixture.grant(&fixture.grace, "other", NOW + 1);
        store.remember_consent(ada, "board", "things:read").unwrap();
        store.remember_consent(ada, "planner", "stream").unwrap();
        let shown = store.applications(ada, NOW).unwrap();
        let names: Vec<_> = shown.iter().map(|one| (one.client.as_str(), one.scopes.to_string())).collect();
        assert_eq!(names, [("board", "stream things:read".to_owned()), ("planner", "stream".to_owned())]);
        assert_eq!((shown[0].since, shown[1].since), (Some(0), None));
    }

    #[test]
    fn the_end_of_an_application_leaves_nothing_of_it_and_everything_else() {
        let fixture = Fixture::new();
        let (store, ada, grace) = (&fixture.store, &fixture.ada, &fixture.grace);
        let ended = fixture.grant(ada, "board", NOW + 1);
        let others = [fixture.grant(grace, "board", NOW + 1), fixture.grant(ada, "planner", NOW + 1)];
        store.remember_consent(ada, "board", "stream").unwrap();
        store.remember_consent(grace, "board", "stream").unwrap();
        let code = |user: &Principal| Code {
            grant: clock::new_id(),
            client_id: "board".into(),
            user: user.clone(),
            redirect_uri: String::new(),
            challenge: String::new(),
            scopes: "stream".into(),
        };
        store.add_code("hers", &code(ada), NOW, NOW + 60, 0).unwrap();
        store.add_code("another's", &code(grace), NOW, NOW + 60, 0).unwrap();
        assert!(store.grant_is_live(ended, ada).unwrap(), "and is remembered");
        let mut changes = store.watch().unwrap();

        assert!(store.end_application(ada, "board").unwrap());
        assert_eq!(changes.try_recv().unwrap(), Change::Of(vec![ada.clone()]));
        assert!(!store.grant_is_live(ended, ada).unwrap() && store.consent(ada, "board").unwrap().is_none());
        assert_eq!(store.redeem_code("hers", NOW, |_| panic!("it is gone")).unwrap(), Redeemed::Unknown);
        assert!(others.iter().zip([grace, ada]).all(|(grant, of)| store.grant_is_live(*grant, of).unwrap()));
        assert!(store.consent(grace, "board").unwrap().is_some());
        assert_eq!(store.redeem_code("another's", NOW, |_| None).unwrap(), Redeemed::Refused);
        assert!(!store.end_application(ada, "board").unwrap() && changes.try_recv().is_err());
    }
}
