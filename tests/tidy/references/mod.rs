//! The parts of the guides that are made from the program. They are committed, so that they can be read and
//! compared; `SNAPSHOTS=overwrite cargo test --test tidy` writes them anew.

mod capacity;
mod codes;
mod commands;
mod configuration;
mod metrics;
mod permissions;

use std::fs;

/// Asserts that a file below `book/src` is as the program makes it.
fn is_up_to_date(file: &str, made: &str) {
    let path = super::root().join("book/src").join(file);
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        fs::write(&path, made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(made.lines()).position(|(one, other)| one != other);
    assert!(
        committed == made,
        "book/src/{file} is not what the program makes (see its line {}); write it anew with\n  \
         SNAPSHOTS=overwrite cargo test --test tidy",
        differs.unwrap_or(committed.lines().count()) + 1,
    );
}

#[test]
fn the_page_of_permissions_is_the_table_that_is_tried() {
    is_up_to_date("api/permissions.md", &permissions::page());
}

#[test]
fn the_page_of_codes_is_that_of_the_program() {
    is_up_to_date("api/codes.md", &codes::page());
}

#[test]
fn the_page_of_settings_is_that_of_the_program() {
    is_up_to_date("admin/configuration.md", &configuration::page());
}

#[test]
fn the_page_of_metrics_is_that_of_the_program() {
    is_up_to_date("admin/metrics.md", &metrics::page());
}

#[test]
fn the_page_of_commands_is_that_of_the_programs() {
    is_up_to_date("admin/commands.md", &commands::page());
}

#[test]
fn the_page_of_what_was_measured_is_that_of_the_reports() {
    is_up_to_date("admin/capacity-measured.md", &capacity::page());
    let (committed, measured) = capacity::calibration();
    assert!(committed == measured, "the calibration is not the one of the validation");
}

#[test]
fn the_errors_of_the_planner_are_those_of_the_planner_as_it_is_now() {
    let (then, now) = capacity::predicted_again();
    assert_eq!(format!("{:.2?}", then.errors()), format!("{:.2?}", now.errors()));
}

#[test]
fn the_description_of_the_urls_is_that_of_the_program() {
    is_up_to_date("api/openapi.json", &as_text(&widgetapp::wfe::openapi::document()));
}

#[test]
fn the_description_of_the_stream_is_that_of_the_program() {
    is_up_to_date("api/asyncapi.json", &as_text(&widgetapp::protocol::asyncapi::document()));
}

fn as_text(document: &serde_json::Value) -> String {
    format!("{document:#}\n")
}
