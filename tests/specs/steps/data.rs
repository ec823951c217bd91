//! What is in the data directory.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use cucumber::{gherkin::Step, given, then, when};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::Name;
use crate::{
    product::FileSystem,
    report::NotHere,
    scene::{Scene, aside},
    web,
};

#[then(expr = "the data directory has the file(s) {string}")]
async fn has_files(scene: &mut Scene, names: String) {
    let data = scene.product().data().to_owned();
    for name in names.split(", ") {
        assert!(data.join(name).exists(), "there is no {name}");
    }
}

#[then(expr = "the data directory has no file {string}")]
async fn has_no_file(scene: &mut Scene, name: String) {
    assert!(!scene.product().data().join(name).exists());
}

#[then(expr = "nobody but the owner can read {string}")]
async fn is_private(scene: &mut Scene, name: String) {
    let path = scene.product().data().join(name);
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
}

#[then(expr = "{string} has the tables:")]
async fn has_tables(scene: &mut Scene, file: String, step: &Step) {
    let database = open(scene, &file);
    let mut query = database
        .prepare(
            "SELECT name FROM pragma_table_list WHERE type IN ('table', 'virtual') AND schema = 'main' AND name NOT LIKE 'sqlite_%'",
        )
        .expect("a query");
    let rows = query.query_map([], |row| row.get::<_, String>(0)).expect("it can be read");
    let found: BTreeSet<String> = rows.map(|name| name.expect("a name")).collect();
    let table = step.table.as_ref().expect("the tables are given");
    let expected: BTreeSet<String> = table.rows.iter().skip(1).map(|row| row[0].clone()).collect();
    assert_eq!(found, expected);
}

#[then(expr = "{string} has {int} changes of the Thing by {person}")]
async fn has_changes(scene: &mut Scene, file: String, count: i64, name: Name) {
    let thing = u128::from_str_radix(&scene.thing.replace('-', ""), 16).expect("an id").to_be_bytes();
    let query = "SELECT count(*) FROM change WHERE thing = ?1 AND user = ?2 AND key IS NOT NULL AND at_millis > 0";
    let found: i64 = open(scene, &file)
        .query_row(query, (&thing[..], name.to_lowercase()), |row| row.get(0))
        .expect("it can be read");
    assert_eq!(found, count);
}

fn open(scene: &Scene, file: &str) -> Connection {
    let path = scene.product().data().join(file);
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("it is a database")
}

#[then(expr = "the password of {person} stands in no file but {string}")]
async fn password_stands(scene: &mut Scene, name: Name, only: String) {
    let password = web::password(scene, &name);
    let data = scene.product().data().to_owned();
    let holds = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes.windows(password.len()).any(|window| window == password.as_bytes())
    };
    let files = fs::read_dir(&data).expect("it can be read").map(|entry| entry.expect("an entry").path());
    let found: Vec<PathBuf> = files.filter(holds).collect();
    assert_eq!(found, [data.join(only)]);
}

#[when("the server is stopped and started on a copy of its data")]
async fn started_on_copy(scene: &mut Scene) {
    scene.start_again_on("TERM", |data| copied(&data, TempDir::new().expect("a temporary directory"))).await;
}

#[given("the data are on a disk of their own")]
async fn on_own_disk(scene: &mut Scene) {
    let disk = aside(FileSystem::in_a_file).await.unwrap_or_else(|why| std::panic::panic_any(NotHere(why)));
    let there = TempDir::new_in(disk.path()).expect("a directory");
    scene.disk = Some(disk);
    scene.start_again_on("TERM", |data| copied(&data, there)).await;
}

#[when("the power fails and comes back")]
async fn power_fails(scene: &mut Scene) {
    scene.cut_power().await;
}

fn copied(data: &TempDir, copy: TempDir) -> TempDir {
    for entry in fs::read_dir(data.path()).expect("it can be read") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a kind").is_file() {
            let file = copy.path().join(entry.file_name());
            fs::copy(entry.path(), &file).expect("it can be copied");
            fs::File::open(file).and_then(|file| file.sync_all()).expect("it is on the disk");
        }
    }
    copy
}

#[when(expr = "the server is stopped and started on the backup {string}")]
async fn started_on_backup(scene: &mut Scene, name: String) {
    let backup = backup(scene, &name);
    let moved = move |_| {
        let place = TempDir::new().expect("a temporary directory");
        fs::rename(backup, place.path()).expect("it can be moved to an empty place");
        place
    };
    scene.start_again_on("TERM", moved).await;
}

#[when(expr = "the server is stopped and started with nothing but {string} of the backup {string}")]
async fn started_on_part(scene: &mut Scene, file: String, name: String) {
    let from = backup(scene, &name).join(&file);
    let replaced = move |data: TempDir| {
        lose(&data.path().join(&file));
        fs::copy(from, data.path().join(file)).expect("it can be copied");
        data
    };
    scene.start_again_on("TERM", replaced).await;
}

#[when(expr = "{string} is lost")]
async fn is_lost(scene: &mut Scene, file: String) {
    lose(&scene.product().data().join(file));
}

/// Takes a database away, with its journals if it has any.
fn lose(database: &Path) {
    fs::remove_file(database).expect("it is there");
    for journal in ["wal", "shm"] {
        let _ = fs::remove_file(format!("{}-{journal}", database.display()));
    }
}

fn backup(scene: &Scene, name: &str) -> PathBuf {
    scene.folder.as_ref().expect("the administrator ran the program").path().join(name)
}

/// The files in a directory, in the order of their names.
fn files(directory: &PathBuf) -> Vec<fs::DirEntry> {
    let mut files: Vec<_> =
        fs::read_dir(directory).expect("it can be read").map(|entry| entry.expect("an entry")).collect();
    files.sort_by_key(fs::DirEntry::file_name);
    files
}

#[then(expr = "nobody but the owner can enter the backup {string}, or read what is in it")]
async fn backup_is_private(scene: &mut Scene, name: String) {
    let directory = backup(scene, &name);
    let paths = files(&directory).into_iter().map(|file| file.path()).chain([directory]);
    for path in paths {
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
}

#[then(expr = "the backup {string} has the files {string}")]
async fn backup_has(scene: &mut Scene, name: String, expected: String) {
    let found = files(&backup(scene, &name));
    let found: Vec<String> = found.iter().map(|file| file.file_name().into_string().expect("text")).collect();
    assert_eq!(found.join(", "), expected);
}

#[when(expr = "the administrator copies {string} alone")]
async fn copies_alone(scene: &mut Scene, file: String) {
    let folder = TempDir::new().expect("a temporary directory");
    fs::copy(scene.product().data().join(&file), folder.path().join(&file)).expect("it can be copied");
    scene.folder = Some(folder);
}

#[then(expr = "the copy of {string} lacks the last change")]
async fn lacks_the_last(scene: &mut Scene, file: String) {
    let last = |database: Connection| -> Option<i64> {
        // The copy may not even have its tables yet.
        database.query_row("SELECT max(\"offset\") FROM change", [], |row| row.get(0)).ok()
    };
    let copy = Connection::open(backup(scene, &file)).expect("it is a database");
    let (copied, stored) = (last(copy), last(open(scene, &file)));
    assert!(copied < stored && stored.is_some(), "{copied:?} of {stored:?}");
}

#[when(expr = "{string} is damaged: {string}")]
async fn is_damaged(scene: &mut Scene, file: String, damage: String) {
    let database = Connection::open(scene.product().data().join(file)).expect("it is a database");
    database.pragma_update(None, "foreign_keys", false).expect("a setting of the connection");
    database.execute_batch(&damage).expect("it can be written");
}

#[when(expr = "{string} is overwritten")]
async fn is_overwritten(scene: &mut Scene, file: String) {
    let path = scene.product().data().join(file);
    fs::write(&path, "no database at all".repeat(1000)).expect("it can be written");
    // It has the whole file anew, and would make it good.
    fs::remove_file(format!("{}-wal", path.display())).expect("a server that was killed leaves its journal");
}
