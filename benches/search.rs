//! A search as somebody types it, among 100,000 Things: `cargo bench --bench search`.
//!
//! Ada may see all of them, Grace a hundred. Each Thing has a title of three words, ten labels and notes of sixty words,
//! drawn from 5,000 words, the first of them far more often than the last.

use std::{fmt, sync::LazyLock};

use divan::{Bencher, black_box};
use rusqlite::{Connection, params};
use widgetapp::{
    access::{Kind, Principal},
    protocol::ThingId,
    store::{self, Searched, Store, Texts},
};

const THINGS: u32 = 100_000;
const THINGS_OF_GRACE: u32 = 100;
const WORDS: u32 = 5_000;

fn main() {
    divan::main();
}

struct Measured {
    store: Store,
    _directory: tempfile::TempDir,
}

static MEASURED: LazyLock<Measured> = LazyLock::new(set_up);

fn person(name: &str) -> Principal {
    Principal { kind: Kind::User, name: name.into(), organisation: "acme".into() }
}

fn set_up() -> Measured {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path()).expect("a store");
    store.add_organisation("acme").expect("an organisation");
    for name in ["ada", "grace"] {
        store.add_user(name, "acme", "no hash").expect("a user");
    }
    fill(&directory.path().join(store::FILE)).expect("rows");
    let mut chance = Chance(7);
    for first in (1..=THINGS).step_by(1_000) {
        let changed: Vec<_> = (first..first + 1_000).map(|number| thing(number, &mut chance)).collect();
        store.note_changes(&changed).expect("they are noted");
    }
    Measured { store, _directory: directory }
}

/// The rows of the Things: one transaction for all, where the server takes one for each.
fn fill(file: &std::path::Path) -> rusqlite::Result<()> {
    let mut db = Connection::open(file)?;
    let rows = db.transaction()?;
    for number in 1..=THINGS {
        let id = uuid::Uuid::from_u128(number.into());
        rows.prepare_cached(
            "INSERT INTO things (id, organisation, title, created_at, changed_at) VALUES (?1, 1, '', 0, 0)",
        )?
        .execute([id.as_bytes()])?;
        let mut share =
            rows.prepare_cached("INSERT INTO principal_shares (principal, thing, role) VALUES (?1, ?2, 3)")?;
        share.execute(params![1, number])?;
        if number.is_multiple_of(THINGS / THINGS_OF_GRACE) {
            share.execute(params![2, number])?;
        }
    }
    rows.commit()
}

fn thing(number: u32, chance: &mut Chance) -> Searched {
    let mut words = |count: u32| (0..count).map(|_| word(chance.rare())).collect::<Vec<_>>().join(" ");
    let texts = Texts { offset: 1, title: words(3), labels: words(10), notes: words(60) };
    let id = ThingId(uuid::Uuid::from_u128(number.into()));
    Searched { thing: id, at_ms: number.into(), texts: Some(texts), words_changed: true }
}

/// Numbers that look drawn, the same each time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).expect("31 bits")
    }

    /// Small numbers far more often than large ones.
    fn rare(&mut self) -> u32 {
        let (one, other, third) = (self.next() % WORDS, self.next() % WORDS, self.next() % WORDS);
        one.min(other).min(third)
    }
}

/// Words of two to four syllables.
fn word(number: u32) -> String {
    const SYLLABLES: [&str; 16] =
        ["la", "mp", "ta", "ble", "cha", "ir", "so", "fa", "de", "sk", "sh", "elf", "bo", "at", "ri", "ng"];
    let mut word = String::new();
    let mut rest = number + 16;
    while rest > 0 {
        word += SYLLABLES[rest as usize % 16];
        rest /= 16;
    }
    word
}

/// Who searches, and what they have typed so far.
struct Typed(&'static str, &'static str);

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} types {:?}", self.0, self.1)
    }
}

#[divan::bench(sample_count = 20, sample_size = 1, args = [
    Typed("ada", "l"), Typed("ada", "la"), Typed("ada", "lam"), Typed("ada", "lamp"), Typed("ada", "lampla ta"),
    Typed("ada", "xyz"), Typed("grace", "l"), Typed("grace", "lam"), Typed("grace", "lampla ta"),
])]
fn search(bencher: Bencher<'_, '_>, typed: &Typed) {
    let who = person(typed.0);
    bencher.bench(|| MEASURED.store.search(black_box(&who), black_box(typed.1), 20).expect("it is searched"));
}

#[divan::bench(sample_count = 50, sample_size = 1)]
fn note_a_change_of_words(bencher: Bencher<'_, '_>) {
    let mut chance = Chance(11);
    let mut offset = 1;
    bencher
        .with_inputs(|| {
            offset += 1;
            let mut changed = thing(1 + chance.next() % THINGS, &mut chance);
            changed.texts.iter_mut().for_each(|texts| texts.offset = offset);
            changed
        })
        .bench_local_refs(|changed| MEASURED.store.note_changes(std::slice::from_ref(changed)).expect("it is noted"));
}
