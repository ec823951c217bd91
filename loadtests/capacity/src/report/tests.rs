use super::*;
use crate::{measured::fixture, validate::Validation};

#[test]
fn a_report_is_read_as_it_was_written() {
    let run = fixture::run(&[(10, 2.0), (20, 5.0)]);
    assert!(Run::parse(&run.to_json()).unwrap() == run);
    let error = Run::parse(&run.to_json().replacen("\"schema\":1", "\"schema\":9", 1)).unwrap_err();
    assert!(error.contains("schema 9"), "{error}");
}

#[test]
fn the_page_needs_nothing_else_and_shows_everything() {
    let mut run = fixture::run(&[(10, 2.0), (20, 5.0)]);
    run.validation = Some(Validation::of(&crate::synthetic::calibration(), 1).unwrap());
    let page = html(&run, Some(&Comparison::of(&run.clone(), &run)));
    for what in ["http://", "https://", "src=", "href=", "@import", "<script"] {
        // The address of the server that was tested is text, and here it was started for this.
        assert!(!page.contains(what), "{what}");
    }
    for what in [
        "Load test <span class=\"word good\">MET</span>",
        "20 clients: p99 5.00 ms",
        "<svg",
        "a _stream was killed",
        "sfe.clients_per_instance=100",
        "Predicted from the lighter steps",
        "Beside the earlier run",
        "Seed",
        "SYNTHETIC",
    ] {
        assert!(page.contains(what), "{what}");
    }
}

#[test]
fn markdown_has_the_same_tables() {
    let run = fixture::run(&[(10, 2.0), (20, 50.0)]);
    let text = markdown(&run, None);
    for what in [
        "# Load test: MISSED",
        "- 20 clients: p99 50.0 ms",
        "## Steps",
        "## Whole and in order",
        "## Processes",
        "| p99 &lt; 10.0 ms |",
    ] {
        assert!(text.contains(what), "{what}\n{text}");
    }
    assert!(!text.contains("## Visits"), "there were none");
}

#[test]
fn two_runs_are_compared_step_by_step() {
    let (earlier, now) = (fixture::run(&[(10, 2.0), (20, 4.0)]), fixture::run(&[(20, 5.0), (40, 9.0)]));
    let comparison = Comparison::of(&earlier, &now);
    assert!(comparison.doubts.is_empty());
    let rows = comparison.rows();
    assert_eq!(rows.len(), 6, "one step is common: {rows:?}");
    assert_eq!(rows[1][0], "20");
    assert!(rows.iter().any(|row| row[1] == "p99" && row[4] == "+25 %"), "{rows:?}");
}

#[test]
fn the_summary_ends_with_the_verdict() {
    let text = summary(&fixture::run(&[(10, 2.0)]));
    assert!(
        text.contains("clients") && text.ends_with("MET\n  10 clients: p99 2.00 ms, wanted p99 < 10.0 ms\n"),
        "{text}"
    );
}
