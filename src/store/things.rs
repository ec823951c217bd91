//! The index of Things: titles and dates, and the feed of the home page.
//!
//! What is in a Thing is the log's; this knows only what lists show.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::{
    Result, Store, StoreError,
    accounts::{found, id_of, known_id_of},
    shares::{grant, role_from},
    signed, unsigned,
};
use crate::{
    access::{Change, Principal, Role},
    protocol::{
        ThingId,
        action::{ThingEntry, Things},
        limits::MAX_PAGE_THINGS,
    },
};

impl Store {
    /// Enters a new Thing, of which `owner` is the owner.
    ///
    /// # Errors
    /// The owner does not exist, or the id is taken.
    pub fn add_thing(&self, thing: ThingId, owner: &Principal, title: &str, at_ms: u64) -> Result<()> {
        const INSERT: &str = "INSERT INTO things (id, organisation, title, created_at, changed_at)
            SELECT ?1, organisation, ?3, ?4, ?4 FROM principals WHERE id = ?2";
        self.change_access(|db| {
            let owner = known_id_of(db, owner)?;
            db.execute(INSERT, params![thing.0.as_bytes(), owner, title, signed(at_ms)])?;
            let number = db.last_insert_rowid();
            db.execute(
                "INSERT INTO texts (rowid, title, labels, notes) VALUES (?1, ?2, '', '')",
                params![number, title],
            )?;
            grant(db, number, owner, Role::Owner)?;
            Ok(((), None))
        })
    }

    /// Deletes a Thing: from now on it answers as one that does not exist.
    ///
    /// # Errors
    /// There is no such Thing.
    pub fn delete_thing(&self, thing: ThingId) -> Result<()> {
        self.change_access(|db| {
            let update = "UPDATE things SET deleted = 1 WHERE id = ?1 AND NOT deleted RETURNING number";
            let number: Option<i64> = db.query_row(update, [thing.0.as_bytes()], |row| row.get(0)).optional()?;
            found(number.iter().len(), || "such Thing".into())?;
            db.execute("DELETE FROM texts WHERE rowid = ?1", params![number])?;
            Ok(((), Some(Change::Deleted(thing))))
        })
    }

    /// The title of a Thing that is not deleted, as it is listed.
    ///
    /// # Errors
    /// There is no such Thing.
    pub fn title(&self, thing: ThingId) -> Result<String> {
        let query = "SELECT title FROM things WHERE id = ?1 AND NOT deleted";
        let title = self
            .read(|db| Ok(db.prepare_cached(query)?.query_row([thing.0.as_bytes()], |row| row.get(0)).optional()?))?;
        title.ok_or_else(|| StoreError::Absent("such Thing".into()))
    }

    /// The Things that someone may see, the last changed first, from where the page before ended.
    ///
    /// # Errors
    /// The database failed.
    pub fn feed(&self, who: &Principal, cursor: Option<Cursor>, limit: usize) -> Result<Things> {
        const QUERY: &str = "SELECT t.id, t.title, max(g.role), t.changed_at, t.number
            FROM grants g JOIN things t ON t.number = g.thing
            WHERE g.principal = ?1 AND (t.changed_at, t.number) < (?2, ?3)
            GROUP BY t.number ORDER BY t.changed_at DESC, t.number DESC LIMIT ?4";
        let (changed_at, number) = cursor.map_or((i64::MAX, i64::MAX), |at| (at.changed_at, at.number));
        let limit = limit.clamp(1, MAX_PAGE_THINGS);
        self.read(|db| {
            let Some(id) = id_of(db, who)? else {
                return Ok(Things::default());
            };
            let mut query = db.prepare_cached(QUERY)?;
            let ask_for = signed(limit as u64 + 1);
            let rows = query.query_map(params![id, changed_at, number, ask_for], |row| {
                let at = Cursor { changed_at: row.get(3)?, number: row.get(4)? };
                Ok((entry(row)?, at))
            })?;
            let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let more = rows.len() > limit;
            rows.truncate(limit);
            let next = rows.last().filter(|_| more).map(|(_, at)| at.write());
            let things = rows.into_iter().map(|(entry, _)| entry).collect();
            Ok(Things { things, next })
        })
    }
}

pub(super) fn entry(row: &Row<'_>) -> rusqlite::Result<ThingEntry> {
    Ok(ThingEntry {
        thing: ThingId(Uuid::from_bytes(row.get(0)?)).to_string(),
        title: row.get(1)?,
        role: role_from(row.get(2)?).map_or("", Role::name).into(),
        changed_at: unsigned(row.get(3)?),
    })
}

/// Where a page of the feed ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Cursor {
    changed_at: i64,
    number: i64,
}

impl Cursor {
    fn write(&self) -> String {
        let bytes = [self.changed_at.to_be_bytes(), self.number.to_be_bytes()].concat();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What was given away as `next`; none if it was not.
    pub fn read(text: &str) -> Option<Self> {
        let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (changed_at, number) = bytes.split_at(8);
        Some(Self {
            changed_at: i64::from_be_bytes(changed_at.try_into().ok()?),
            number: i64::from_be_bytes(number.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::Sharee, store::fixture::Fixture};

    fn titles(things: &Things) -> Vec<&str> {
        things.things.iter().map(|entry| entry.title.as_str()).collect()
    }

    #[test]
    fn the_feed_comes_in_pages_the_last_changed_first() {
        book::claims!("action-scroll", 2);
        let fixture = Fixture::new();
        for n in 0..5 {
            fixture.thing(&fixture.ada, &format!("T{n}"), 10);
        }
        let newest = fixture.thing(&fixture.ada, "old", 1);
        fixture.change(newest, Some("new"), 99);
        let first = fixture.store.feed(&fixture.ada, None, 4).unwrap();
        assert_eq!(titles(&first), ["new", "T4", "T3", "T2"]);
        // A change between two pages moves what it changes, and disturbs nothing else.
        fixture.change(newest, None, 100);
        let second = fixture.store.feed(&fixture.ada, first.next.as_deref().and_then(Cursor::read), 4).unwrap();
        assert_eq!((titles(&second), &second.next), (vec!["T1", "T0"], &None));
    }

    #[test]
    fn a_page_that_ends_with_the_last_thing_has_no_next() {
        let fixture = Fixture::new();
        fixture.thing(&fixture.ada, "A", 1);
        fixture.thing(&fixture.ada, "B", 2);
        assert_eq!(fixture.store.feed(&fixture.ada, None, 2).unwrap().next, None);
        assert!(fixture.store.feed(&fixture.ada, None, 1).unwrap().next.is_some());
        assert_eq!(Cursor::read("nonsense"), None);
    }

    #[test]
    fn lists_name_the_role_of_the_one_who_asks() {
        let fixture = Fixture::new();
        let thing = fixture.thing(&fixture.ada, "Bridge", 7);
        fixture.store.share(thing, &Sharee::Group("designers".into()), Role::Viewer, &fixture.ada).unwrap();
        let role = |who| fixture.store.feed(who, None, 1).unwrap().things[0].role.clone();
        assert_eq!([role(&fixture.ada), role(&fixture.grace)], ["owner", "viewer"]);
        assert_eq!(fixture.store.feed(&fixture.mallory, None, 1).unwrap(), Things::default());
    }
}
