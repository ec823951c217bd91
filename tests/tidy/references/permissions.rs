//! The page of permissions, from the table that `tests/sockets` tries cell by cell.

use std::fmt::Write as _;

#[path = "../../permissions/mod.rs"]
#[expect(dead_code, reason = "the tests of sockets use more of it")]
mod table;

const HEAD: &str = "# Permissions

<!-- Made from the table that the tests try against the program. Write it anew with
     SNAPSHOTS=overwrite cargo test --test tidy -->

{{#claim permissions-tried}} {{#claim one-decision}}

An answer is `ok` or the name of the [error code](codes.md). The columns say who asks, and how they stand towards
the Thing:

";

pub fn page() -> String {
    let table = table::Table::read();
    let mut page = HEAD.to_owned();
    for caller in &table.callers {
        let _ = writeln!(page, "- **{caller}**: {}", table.explained[caller]);
    }
    for door in &table.door {
        let _ = write!(page, "\n## {}\n\n{}\n\n| ", door.title, door.opening.trim());
        // Columns in which nothing can be tried at this door are left out.
        let shown: Vec<usize> =
            (0..table.callers.len()).filter(|&at| door.actions.iter().any(|row| row[at + 1] != "-")).collect();
        for &at in &shown {
            let _ = write!(page, "| {} ", table.callers[at]);
        }
        let _ = writeln!(page, "|\n|---{}|", "|---".repeat(shown.len()));
        for row in &door.actions {
            let _ = write!(page, "| {} ", row[0]);
            for &at in &shown {
                let cell = &row[at + 1];
                let _ = if cell == "ok" { write!(page, "| ok ") } else { write!(page, "| `{cell}` ") };
            }
            let _ = writeln!(page, "|");
        }
    }
    page
}
