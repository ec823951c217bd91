//! The page of stored data explains every table of both databases, and no other.

use std::{collections::BTreeSet, fs};

const PAGE: &str = "book/src/admin/data.md";
const SCHEMAS: [&str; 2] = ["src/store/schema.rs", "src/log/sqlite/schema.rs"];

/// The tables that the schemas leave, when all their steps are done.
fn tables() -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for schema in SCHEMAS {
        let text = fs::read_to_string(super::root().join(schema)).unwrap();
        for line in text.lines().map(|line| line.trim().replace("VIRTUAL ", "").replace("IF NOT EXISTS ", "")) {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                tables.extend(rest.split_whitespace().next().map(str::to_owned));
            } else if let Some(name) = line.strip_prefix("DROP TABLE ") {
                assert!(tables.remove(name.trim_end_matches(';')), "{schema} drops {name}, which it did not make");
            }
        }
    }
    tables
}

#[test]
fn the_page_of_stored_data_explains_every_table() {
    let page = fs::read_to_string(super::root().join(PAGE)).unwrap();
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once("` | ")?.0.to_owned());
    let explained: Vec<String> = page.lines().filter_map(row).collect();
    assert_eq!(explained.iter().cloned().collect::<BTreeSet<_>>(), tables());
    assert_eq!(explained.len(), tables().len(), "{PAGE} explains a table twice");
}
