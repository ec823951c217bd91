//! The report of a load test: one page that needs nothing else, and the same in Markdown.
//!
//! | module | what it is |
//! |---|---|
//! | `page`, `plot` | the page, and the drawings in it |
//! | `markdown` | the tables alone |
//! | `compare` | this run beside an earlier one |
//! | `rows` | what stands in the tables |

mod compare;
mod markdown;
mod page;
mod plot;
mod rows;

pub use self::compare::Comparison;
use crate::{measured::Run, validate::Validation};

/// The page.
pub fn html(run: &Run, comparison: Option<&Comparison>) -> String {
    page::page(run, comparison).into_string()
}

/// The same without drawings, in Markdown.
pub fn markdown(run: &Run, comparison: Option<&Comparison>) -> String {
    markdown::text(run, comparison)
}

/// The table of the steps alone, in Markdown.
pub fn steps(run: &Run) -> String {
    markdown::table(&rows::steps(run))
}

/// The steps that two runs have in common, in Markdown.
pub fn compared(comparison: &Comparison) -> String {
    markdown::table(&comparison.rows())
}

/// What was predicted, and what came, in Markdown.
pub fn predicted(validation: &Validation) -> String {
    markdown::table(&validation.rows())
}

/// One step in one line, for the display.
pub fn row(run: &Run, step: usize) -> String {
    let rows = rows::steps(run);
    let (heads, row) = (&rows[0], &rows[step + 1]);
    let cells = heads.iter().zip(row).filter(|(head, _)| SHOWN.contains(&head.as_str()));
    cells.map(|(head, cell)| format!("{head} {cell}").trim().to_owned()).collect::<Vec<_>>().join(", ")
}

/// Those of its figures that are shown there.
const SHOWN: [&str; 8] = ["clients", "edits/s", "deliveries/s", "p50", "p99", "server, cores", "memory", ""];

/// What is printed at the end: a row for each step, and the verdict.
pub fn summary(run: &Run) -> String {
    let verdict = run.verdict();
    let mut text = crate::table::render(&rows::steps(run));
    text += &format!("\n{}\n", verdict.word);
    for reason in verdict.reasons {
        text += &format!("  {reason}\n");
    }
    text
}

#[cfg(test)]
mod tests;
