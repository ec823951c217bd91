//! The table of who may do what, as it stands in `table.toml`.

use std::{collections::BTreeMap, path::Path};

use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use serde::Deserialize;

/// The table.
#[derive(Deserialize)]
pub struct Table {
    /// How somebody stands towards the Thing: the columns.
    pub callers: Vec<String>,
    /// What each of them means.
    pub explained: BTreeMap<String, String>,
    /// A part for each door.
    pub door: Vec<Door>,
}

/// What is answered at one door.
#[derive(Deserialize)]
pub struct Door {
    /// Its name.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// What is to be said of it.
    pub opening: String,
    /// The rows: an action, then an answer for each caller.
    pub actions: Vec<Vec<String>>,
}

impl Table {
    /// Reads it; every row has a cell for every caller.
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/permissions/table.toml");
        let text = std::fs::read_to_string(path).expect("the table is there");
        let table: Self = Figment::from(Toml::string(&text)).extract().expect("the table");
        assert!(table.callers.iter().all(|caller| table.explained.contains_key(caller)));
        for row in table.door.iter().flat_map(|door| &door.actions) {
            assert_eq!(row.len(), table.callers.len() + 1, "{row:?}");
        }
        table
    }
}
