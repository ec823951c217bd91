//! The full-text search over titles, labels and notes (SQLite FTS5), and how it is kept up to date.
//!
//! It is no more than an index: what is in a Thing is the log's, and all of this can be made anew from that.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::{Result, Store, accounts::id_of, locked, signed, things::entry, unsigned};
use crate::{
    access::Principal,
    protocol::{
        ThingId,
        action::{ThingEntry, Things},
        limits::{MAX_PAGE_THINGS, MAX_QUERY_CHARS},
    },
};

/// Most words of a search text that are looked for.
const MAX_WORDS: usize = 16;
/// Where all words have to be, the best first.
const RANKS: [&str; 3] = ["{title} : ", "{title labels} : ", ""];
/// Somebody with no more Things than this has them looked up once; for the others, what fits is looked up one by one.
const FEW: i64 = 2_000;

/// What a search looks through in a Thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Texts {
    /// The change as of which they are.
    pub offset: u64,
    /// Its title.
    pub title: String,
    /// What the labels of its parts say, and its description.
    pub labels: String,
    /// Its notes.
    pub notes: String,
}

/// A Thing that was changed.
#[derive(Clone, Debug)]
pub struct Searched {
    /// Which.
    pub thing: ThingId,
    /// When, in milliseconds since 1970. A date before the noted one is ignored.
    pub at_ms: u64,
    /// What it says now, if that is known.
    pub texts: Option<Texts>,
    /// Whether that may be other words than before.
    pub words_changed: bool,
}

impl Store {
    /// Notes that Things were changed: when, what they are called, and what a search finds them by. A Thing that is
    /// not there any more is passed over, and so are texts that are older than the noted ones.
    ///
    /// # Errors
    /// The database failed; nothing was noted.
    pub fn note_changes(&self, changed: &[Searched]) -> Result<()> {
        const TOUCH: &str = "UPDATE things SET changed_at = max(changed_at, ?2) WHERE id = ?1 AND NOT deleted";
        const UPDATE: &str = "UPDATE things SET title = ?2, searched_until = ?3
            WHERE id = ?1 AND NOT deleted AND searched_until <= ?3 RETURNING number";
        const REPLACE: &str = "INSERT OR REPLACE INTO texts (rowid, title, labels, notes) VALUES (?1, ?2, ?3, ?4)";
        self.write(|db| {
            for Searched { thing, at_ms, texts, words_changed } in changed {
                let id = thing.0.as_bytes();
                db.prepare_cached(TOUCH)?.execute(params![id, signed(*at_ms)])?;
                let Some(Texts { offset, title, labels, notes }) = texts else { continue };
                let mut update = db.prepare_cached(UPDATE)?;
                let updated = update.query_row(params![id, title, signed(*offset)], |row| row.get(0));
                let number: Option<i64> = updated.optional()?;
                if let Some(number) = number.filter(|_| *words_changed) {
                    db.prepare_cached(REPLACE)?.execute(params![number, title, labels, notes])?;
                }
            }
            Ok(())
        })
    }

    /// Things after the row `after`, in the order of their rows, at most `limit`: row, id, and the change as of which
    /// a search looks through them.
    ///
    /// # Errors
    /// The database failed.
    pub fn searched_after(&self, after: i64, limit: u32) -> Result<Vec<(i64, ThingId, u64)>> {
        const QUERY: &str =
            "SELECT number, id, searched_until FROM things WHERE number > ?1 AND NOT deleted ORDER BY number LIMIT ?2";
        self.read(|db| {
            let mut query = db.prepare_cached(QUERY)?;
            let rows = query.query_map(params![after, limit], |row| {
                Ok((row.get(0)?, ThingId(Uuid::from_bytes(row.get(1)?)), unsigned(row.get(2)?)))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The Things that someone may see and that have words that begin with those of `text`, the best first: what has all
    /// of them in the title, then what has them there or in labels, then what has them anywhere. Of those that fit
    /// alike, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub fn search(&self, who: &Principal, text: &str, limit: usize) -> Result<Things> {
        let Some(words) = words(text) else {
            return Ok(Things::default());
        };
        let db = locked(&self.0.searcher);
        let Some(id) = id_of(&db, who)? else {
            return Ok(Things::default());
        };
        let mine = if granted(&db, id, FEW + 1)? <= FEW { Some(things_of(&db, id)?) } else { None };
        let things = ranked(&db, id, mine.as_ref(), &words, limit.clamp(1, MAX_PAGE_THINGS))?;
        Ok(Things { things, next: None })
    }
}

/// How many grants someone has, counted no further than `most`.
fn granted(db: &Connection, who: i64, most: i64) -> Result<i64> {
    const COUNT: &str = "SELECT count(*) FROM (SELECT 1 FROM grants WHERE principal = ?1 LIMIT ?2)";
    Ok(db.prepare_cached(COUNT)?.query_row(params![who, most], |row| row.get(0))?)
}

fn things_of(db: &Connection, who: i64) -> Result<HashSet<i64>> {
    let mut query = db.prepare_cached("SELECT thing FROM grants WHERE principal = ?1")?;
    let things = query.query_map([who], |row| row.get(0))?;
    Ok(things.collect::<rusqlite::Result<_>>()?)
}

/// What fits, the best first, of what someone may see. `mine` are their Things, if they are few: of what fits, most may
/// be others'.
fn ranked(
    db: &Connection,
    who: i64,
    mine: Option<&HashSet<i64>>,
    words: &str,
    limit: usize,
) -> Result<Vec<ThingEntry>> {
    const FITTING: &str = "SELECT rowid FROM texts WHERE texts MATCH ?1 ORDER BY rowid DESC";
    const MAY_SEE: &str = "SELECT t.id, t.title, max(g.role), t.changed_at
        FROM grants g JOIN things t ON t.number = g.thing WHERE g.principal = ?1 AND g.thing = ?2 GROUP BY g.thing";
    let (mut fitting, mut may_see) = (db.prepare_cached(FITTING)?, db.prepare_cached(MAY_SEE)?);
    let (mut known, mut found) = (HashSet::new(), Vec::with_capacity(limit));
    for rank in RANKS {
        let mut rows = fitting.query([format!("{rank}({words})")])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            if mine.is_some_and(|mine| !mine.contains(&number)) || !known.insert(number) {
                continue;
            }
            found.extend(may_see.query_row(params![who, number], entry).optional()?);
            if found.len() == limit {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// Each word as a quoted prefix, all of them demanded: nothing of FTS5's own syntax gets through.
fn words(text: &str) -> Option<String> {
    let text: String = text.chars().take(MAX_QUERY_CHARS).collect();
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<_> = words.take(MAX_WORDS).map(|word| format!("\"{word}\"*")).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{Role, Sharee},
        store::fixture::Fixture,
    };

    fn titles(things: &Things) -> Vec<&str> {
        things.things.iter().map(|entry| entry.title.as_str()).collect()
    }

    fn note(fixture: &Fixture, thing: ThingId, offset: u64, [title, labels, notes]: [&str; 3]) {
        let texts = Texts { offset, title: title.into(), labels: labels.into(), notes: notes.into() };
        let changed = Searched { thing, at_ms: offset, texts: Some(texts), words_changed: true };
        fixture.store.note_changes(&[changed]).unwrap();
    }

    #[test]
    fn the_search_finds_beginnings_of_words_in_any_case_and_accent() {
        book::claims!("action-search", 2);
        let fixture = Fixture::new();
        fixture.thing(&fixture.ada, "Café Bridge", 1);
        fixture.thing(&fixture.ada, "Cable car", 2);
        let search = |text| fixture.store.search(&fixture.ada, text, 10).unwrap().things.len();
        assert_eq!([search("ca"), search("cafe"), search("BRI ca"), search("idge")], [2, 1, 1, 0]);
        assert_eq!([search(""), search("\"*"), search("ca*) OR title:(x"), search("c\0a")], [0, 0, 0, 0]);
    }

    #[test]
    fn a_word_in_the_title_counts_more_than_in_a_label_and_that_more_than_in_the_notes() {
        book::claims!("search-ranked", 1);
        let fixture = Fixture::new();
        let things = ["One", "Two", "A lamp", "Four"].map(|title| fixture.thing(&fixture.ada, title, 1));
        note(&fixture, things[0], 2, ["One", "", "there is a lamp in the corner"]);
        note(&fixture, things[1], 2, ["Two", "a lamp", ""]);
        note(&fixture, things[3], 2, ["Four", "a table", "and a chair"]);
        let search = |text| fixture.store.search(&fixture.ada, text, 10).unwrap();
        assert_eq!(titles(&search("lam")), ["A lamp", "Two", "One"]);
        assert_eq!(titles(&search("chair tab")), ["Four"], "the words may stand in different places");
        assert_eq!(fixture.store.search(&fixture.ada, "lam", 2).unwrap().things.len(), 2);
    }

    #[test]
    fn a_thing_is_found_as_it_is_now_and_a_deleted_one_not_at_all() {
        let fixture = Fixture::new();
        let thing = fixture.thing(&fixture.ada, "Bridge", 1);
        note(&fixture, thing, 3, ["Tunnel", "north gate", ""]);
        note(&fixture, thing, 2, ["Ferry", "", ""]);
        let search = |text| fixture.store.search(&fixture.ada, text, 10).unwrap().things.len();
        assert_eq!([search("bridge"), search("tunnel"), search("gate"), search("ferry")], [0, 1, 1, 0]);
        assert_eq!(fixture.store.searched_after(0, 9).unwrap(), [(1, thing, 3)]);
        fixture.store.delete_thing(thing).unwrap();
        assert_eq!((search("tunnel"), fixture.store.searched_after(0, 9).unwrap()), (0, vec![]));
        assert!(fixture.store.delete_thing(thing).is_err());
    }

    #[test]
    fn nobody_finds_what_they_may_not_see_by_either_way_of_searching() {
        let fixture = Fixture::new();
        let thing = fixture.thing(&fixture.ada, "Bridge", 7);
        fixture.store.share(thing, &Sharee::Group("designers".into()), Role::Viewer, &fixture.ada).unwrap();
        let db = locked(&fixture.store.0.searcher);
        let roles = |who, few: bool| {
            let id = id_of(&db, who).unwrap().unwrap();
            let mine = few.then(|| things_of(&db, id).unwrap());
            let found = ranked(&db, id, mine.as_ref(), "\"bridge\"*", 9).unwrap();
            found.into_iter().map(|entry| entry.role).collect::<Vec<_>>()
        };
        for few in [true, false] {
            assert_eq!([roles(&fixture.ada, few), roles(&fixture.grace, few)], [["owner"], ["viewer"]]);
            assert!(roles(&fixture.linus, few).is_empty() && roles(&fixture.mallory, few).is_empty());
        }
    }
}
