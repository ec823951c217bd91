//! The index of Things: titles and dates, the feed of the home page, and the search.
//!
//! What is in a Thing is the log's; this knows only what lists show.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::{
    About, Result, Store,
    accounts::{found, id_of, known_id_of},
    shares::{grant, role_from},
    signed, unsigned,
};
use crate::{
    access::{Principal, Role},
    protocol::{
        ThingId,
        action::{ThingEntry, Things},
        limits::{MAX_PAGE_THINGS, MAX_QUERY_CHARS},
    },
};

/// Most words of a search text that are looked for.
const MAX_WORDS: usize = 16;

impl Store {
    /// Enters a new Thing, of which `owner` is the owner.
    ///
    /// # Errors
    /// The owner does not exist, or the id is taken.
    pub fn add_thing(&self, thing: ThingId, owner: &Principal, title: &str, at_ms: u64) -> Result<()> {
        const INSERT: &str = "INSERT INTO things (id, organisation, title, created_at, changed_at)
            SELECT ?1, organisation, ?3, ?4, ?4 FROM principals WHERE id = ?2";
        self.write(About::Access, |db| {
            let owner = known_id_of(db, owner)?;
            db.execute(INSERT, params![thing.0.as_bytes(), owner, title, signed(at_ms)])?;
            let number = db.last_insert_rowid();
            db.execute("INSERT INTO titles (rowid, title) VALUES (?1, ?2)", params![number, title])?;
            grant(db, number, owner, Role::Owner)
        })
    }

    /// Notes that Things were changed, when, and their titles where they are known. A date before the
    /// noted one is ignored, and so is a Thing that is not there any more.
    ///
    /// # Errors
    /// The database failed; nothing was noted.
    pub fn touch_things(&self, changed: &[(ThingId, Option<String>, u64)]) -> Result<()> {
        const UPDATE: &str = "UPDATE things SET changed_at = max(changed_at, ?2), title = coalesce(?3, title)
            WHERE id = ?1 AND NOT deleted RETURNING number";
        self.write(About::Other, |db| {
            for (thing, title, at_ms) in changed {
                let id = thing.0.as_bytes();
                let number: Option<i64> = db
                    .prepare_cached(UPDATE)?
                    .query_row(params![id, signed(*at_ms), title], |row| row.get(0))
                    .optional()?;
                if title.is_some() && number.is_some() {
                    db.execute("UPDATE titles SET title = ?2 WHERE rowid = ?1", params![number, title])?;
                }
            }
            Ok(())
        })
    }

    /// Deletes a Thing: from now on it answers as one that does not exist.
    ///
    /// # Errors
    /// There is no such Thing.
    pub fn delete_thing(&self, thing: ThingId) -> Result<()> {
        self.write(About::Access, |db| {
            let update = "UPDATE things SET deleted = 1 WHERE id = ?1 AND NOT deleted RETURNING number";
            let number: Option<i64> = db.query_row(update, [thing.0.as_bytes()], |row| row.get(0)).optional()?;
            found(number.iter().len(), || "such Thing".into())?;
            db.execute("DELETE FROM titles WHERE rowid = ?1", params![number])?;
            Ok(())
        })
    }

    /// The Things that someone may see, the last changed first, from where the page before ended.
    /// A cursor that is not one of ours starts at the beginning.
    ///
    /// # Errors
    /// The database failed.
    pub fn feed(&self, who: &Principal, cursor: Option<&str>, limit: usize) -> Result<Things> {
        const QUERY: &str = "SELECT t.id, t.title, max(g.role), t.changed_at, t.number
            FROM grants g JOIN things t ON t.number = g.thing
            WHERE g.principal = ?1 AND (t.changed_at, t.number) < (?2, ?3)
            GROUP BY t.number ORDER BY t.changed_at DESC, t.number DESC LIMIT ?4";
        let (changed_at, number) =
            cursor.and_then(Cursor::read).map_or((i64::MAX, i64::MAX), |at| (at.changed_at, at.number));
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

    /// The Things that someone may see whose titles have words that begin with those of `text`, the best first.
    ///
    /// # Errors
    /// The database failed.
    pub fn search(&self, who: &Principal, text: &str, limit: usize) -> Result<Things> {
        const QUERY: &str = "SELECT t.id, t.title, max(g.role), t.changed_at
            FROM titles f JOIN things t ON t.number = f.rowid JOIN grants g ON g.thing = t.number AND g.principal = ?1
            WHERE titles MATCH ?2 GROUP BY t.number ORDER BY f.rank, t.changed_at DESC LIMIT ?3";
        let Some(pattern) = pattern(text) else {
            return Ok(Things::default());
        };
        let limit = signed(limit.clamp(1, MAX_PAGE_THINGS) as u64);
        self.read(|db| {
            let Some(id) = id_of(db, who)? else {
                return Ok(Things::default());
            };
            let mut query = db.prepare_cached(QUERY)?;
            let rows = query.query_map(params![id, pattern, limit], entry)?;
            let things = rows.collect::<rusqlite::Result<_>>()?;
            Ok(Things { things, next: None })
        })
    }
}

/// Each word as a quoted prefix, all of them demanded: nothing of FTS5's own syntax gets through.
fn pattern(text: &str) -> Option<String> {
    let text: String = text.chars().take(MAX_QUERY_CHARS).collect();
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<_> = words.take(MAX_WORDS).map(|word| format!("\"{word}\"*")).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<ThingEntry> {
    Ok(ThingEntry {
        thing: ThingId(Uuid::from_bytes(row.get(0)?)).to_string(),
        title: row.get(1)?,
        role: role_from(row.get(2)?).map_or("", Role::name).into(),
        changed_at: unsigned(row.get(3)?),
    })
}

/// Where a page of the feed ended.
#[derive(Debug, PartialEq, Eq)]
struct Cursor {
    changed_at: i64,
    number: i64,
}

impl Cursor {
    fn write(&self) -> String {
        let bytes = [self.changed_at.to_be_bytes(), self.number.to_be_bytes()].concat();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read(text: &str) -> Option<Self> {
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
    use crate::store::{Sharee, fixture::Fixture};

    fn titles(things: &Things) -> Vec<&str> {
        things.things.iter().map(|entry| entry.title.as_str()).collect()
    }

    #[test]
    fn the_feed_comes_in_pages_the_last_changed_first() {
        book::claims!("action-scroll", 1);
        let fixture = Fixture::new();
        for n in 0..5 {
            fixture.thing(&fixture.ada, &format!("T{n}"), 10);
        }
        let newest = fixture.thing(&fixture.ada, "old", 1);
        fixture.store.touch_things(&[(newest, Some("new".into()), 99)]).unwrap();
        let first = fixture.store.feed(&fixture.ada, None, 4).unwrap();
        assert_eq!(titles(&first), ["new", "T4", "T3", "T2"]);
        // A change between two pages moves what it changes, and disturbs nothing else.
        fixture.store.touch_things(&[(newest, None, 100)]).unwrap();
        let second = fixture.store.feed(&fixture.ada, first.next.as_deref(), 4).unwrap();
        assert_eq!((titles(&second), &second.next), (vec!["T1", "T0"], &None));
    }

    #[test]
    fn a_page_that_ends_with_the_last_thing_has_no_next() {
        let fixture = Fixture::new();
        fixture.thing(&fixture.ada, "A", 1);
        fixture.thing(&fixture.ada, "B", 2);
        assert_eq!(fixture.store.feed(&fixture.ada, None, 2).unwrap().next, None);
        assert!(fixture.store.feed(&fixture.ada, None, 1).unwrap().next.is_some());
        assert_eq!(fixture.store.feed(&fixture.ada, Some("nonsense"), 2).unwrap().things.len(), 2);
    }

    #[test]
    fn the_search_finds_beginnings_of_words_in_any_case_and_accent() {
        book::claims!("action-search", 1);
        let fixture = Fixture::new();
        fixture.thing(&fixture.ada, "Café Bridge", 1);
        fixture.thing(&fixture.ada, "Cable car", 2);
        let search = |text| fixture.store.search(&fixture.ada, text, 10).unwrap().things.len();
        assert_eq!([search("ca"), search("cafe"), search("BRI ca"), search("idge")], [2, 1, 1, 0]);
        assert_eq!([search(""), search("\"*"), search("ca*) OR title:(x"), search("c\0a")], [0, 0, 0, 0]);
    }

    #[test]
    fn a_title_is_found_as_it_is_now_and_a_deleted_thing_not_at_all() {
        let fixture = Fixture::new();
        let thing = fixture.thing(&fixture.ada, "Bridge", 1);
        fixture.store.touch_things(&[(thing, Some("Tunnel".into()), 2)]).unwrap();
        let search = |text| fixture.store.search(&fixture.ada, text, 10).unwrap().things.len();
        assert_eq!([search("bridge"), search("tunnel")], [0, 1]);
        fixture.store.delete_thing(thing).unwrap();
        assert_eq!(search("tunnel"), 0);
        assert!(fixture.store.delete_thing(thing).is_err());
    }

    #[test]
    fn lists_name_the_role_of_the_one_who_asks() {
        let fixture = Fixture::new();
        let thing = fixture.thing(&fixture.ada, "Bridge", 7);
        fixture.store.share(thing, &Sharee::Group("designers"), Role::Viewer).unwrap();
        let role = |who| fixture.store.feed(who, None, 1).unwrap().things[0].role.clone();
        assert_eq!([role(&fixture.ada), role(&fixture.grace)], ["owner", "viewer"]);
        assert_eq!(fixture.store.feed(&fixture.mallory, None, 1).unwrap(), Things::default());
        assert_eq!(fixture.store.search(&fixture.mallory, "bridge", 1).unwrap(), Things::default());
    }
}
