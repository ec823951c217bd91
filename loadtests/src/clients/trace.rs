//! A recorded editing session, typed again edit by edit.
//!
//! The form is that of josephg/editing-traces: JSON, also gzipped, with `startContent` and `txns`, each with `patches` of
//! `[position, deleted, inserted]`. Sessions of one author are typed; those of several have no one order.

use std::{fs::File, io::Read, path::Path};

use serde::Deserialize;
use yrs::{Text as _, TextRef, TransactionMut};

/// Larger recordings are not read.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The session.
#[derive(Debug, Deserialize)]
pub struct Trace {
    #[serde(rename = "startContent", default)]
    start: String,
    #[serde(rename = "txns")]
    transactions: Vec<Transaction>,
}

#[derive(Debug, Deserialize)]
struct Transaction {
    #[serde(default)]
    agent: u32,
    patches: Vec<(u32, u32, String)>,
}

impl Trace {
    /// Reads a recording.
    ///
    /// # Errors
    /// It cannot be read, is none, or has several authors.
    pub fn read(path: &Path) -> Result<Self, String> {
        let named = |why: &dyn std::fmt::Display| format!("--trace: {}: {why}", path.display());
        let file = File::open(path).map_err(|error| named(&error))?;
        let mut text = String::new();
        let gzipped = path.extension().is_some_and(|extension| extension == "gz");
        let mut reader: Box<dyn Read> =
            if gzipped { Box::new(flate2::read::GzDecoder::new(file)) } else { Box::new(file) };
        reader.by_ref().take(MAX_BYTES).read_to_string(&mut text).map_err(|error| named(&error))?;
        let trace: Self = serde_json::from_str(&text).map_err(|error| named(&error))?;
        if trace.transactions.iter().any(|transaction| transaction.agent != 0) {
            return Err(named(&"it has several authors; only a session of one can be typed"));
        }
        if !trace.start.is_ascii()
            || trace.transactions.iter().flat_map(|each| &each.patches).any(|(_, _, text)| !text.is_ascii())
        {
            // Its positions are code points, ours are UTF-16 units.
            return Err(named(&"only recordings in ASCII can be typed"));
        }
        if trace.transactions.is_empty() { Err(named(&"nothing is typed in it")) } else { Ok(trace) }
    }

    /// Types what comes next into this text, and begins anew after the end.
    pub fn type_next(&self, next: &mut usize, text: &TextRef, writing: &mut TransactionMut<'_>) {
        let place = *next % self.transactions.len();
        if place == 0 {
            let length = yrs::GetString::get_string(text, writing).len();
            text.remove_range(writing, 0, u32::try_from(length).unwrap_or_default());
            text.insert(writing, 0, &self.start);
        }
        for (position, deleted, inserted) in &self.transactions[place].patches {
            text.remove_range(writing, *position, *deleted);
            text.insert(writing, *position, inserted);
        }
        *next += 1;
    }
}
