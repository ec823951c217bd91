//! The report in Markdown.

use super::{Comparison, rows};
use crate::measured::Run;

pub(super) fn text(run: &Run, comparison: Option<&Comparison>) -> String {
    let verdict = run.verdict();
    let mut text = format!("# Load test: {}\n\n", verdict.word);
    for reason in &verdict.reasons {
        text += &format!("- {reason}\n");
    }
    text += "\n| | |\n|---|---|\n";
    for (name, value) in rows::facts(run) {
        text += &format!("| {name} | {} |\n", escaped(&value));
    }
    let mut section = |title: &str, rows: &[Vec<String>]| {
        if rows.len() > 1 {
            text += &format!("\n## {title}\n\n{}", table(rows));
        }
    };
    section("Steps", &rows::steps(run));
    section("Whole and in order", &rows::whole(run));
    section("Processes", &rows::processes(run));
    section("What happened", &rows::incidents(run));
    section("Visits", &rows::visits(run));
    section("Complaints", &rows::complaints(run));
    if let Some(validation) = &run.validation {
        section("Predicted from the lighter steps", &validation.rows());
    }
    if let Some(comparison) = comparison {
        section("Beside the earlier run", &comparison.rows());
    }
    text
}

pub(super) fn table(rows: &[Vec<String>]) -> String {
    let line =
        |cells: &[String]| format!("| {} |\n", cells.iter().map(|cell| escaped(cell)).collect::<Vec<_>>().join(" | "));
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        text += &line(row);
        if number == 0 {
            text += &format!("|{}\n", "---|".repeat(row.len()));
        }
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;").replace("_sfe", "`_sfe`")
}
