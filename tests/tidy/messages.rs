//! The page of messages: every line by which the program tells an administrator that something is wrong is on it, with
//! what to do, and no other.

use std::{collections::BTreeSet, fs, path::PathBuf};

use regex::{Regex, RegexBuilder};

const PAGE: &str = "book/src/admin/messages.md";

/// Where messages are made that reach an administrator; those of the log are made everywhere.
const FOR_ADMINISTRATORS: [&str; 15] = [
    "bin/widgetapp_admin",
    "cli/backup.rs",
    "cli/config.rs",
    "cli/fsck.rs",
    "cli/serve.rs",
    "config",
    "data",
    "log",
    "store",
    "supervisor",
    "wfe/administration.rs",
    "wfe/demo.rs",
    "wfe/oauth/administration.rs",
    "wfe/oauth/mod.rs",
    "wfe/process.rs",
];

/// What stands before the text of a refusal.
const BEFORE: [&str; 13] = [
    r"#\[error\(",
    r"Err\(",
    r"bail!\(",
    r"context\((?:\|\|)?",
    r"refused?\((?:reply,)?\s*&?",
    r"invalid\([^;]*?,",
    r"InUse\(",
    r"ok_or(?:_else)?\((?:\|\|)?",
    r"eprintln!\(",
    r"fail\(",
    r#"problem\([^;"]*?"#,
    r"let why = (?:\|\|)?",
    r"map_err\(\|[^|]*\|",
];
const TEXT: &str = r#"\s*(?:&?format!\(\s*)?"((?:[^"\\]|\\.)*)""#;
const LOGGED: &str = r#"(?:tracing::(?:error|warn)!|seldom!)\([^;]*?"((?:[^"\\]|\\.)*)"\s*,?\s*\)"#;

fn pattern(text: &str) -> Regex {
    RegexBuilder::new(text).dot_matches_new_line(true).build().unwrap()
}

/// A message as it stands on the page; none for what is no sentence, such as two values with a colon between.
fn shown(literal: &str) -> Option<String> {
    let joined = pattern(r"\\\n\s*").replace_all(literal, "").replace("\\\"", "\"").replace("\\n", " ");
    let whole = joined.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let open = pattern(r"\{[^}]*\}").replace_all(&whole, "...").replace('\u{1}', "{").replace('\u{2}', "}");
    let open = pattern(r"\.\.\.(?:\s*\.\.\.)+").replace_all(&open, "...").trim().to_owned();
    let letters: String = open.chars().filter(|letter| letter.is_ascii_alphabetic() || *letter == ' ').collect();
    (letters.split_whitespace().count() >= 2).then_some(open)
}

/// The sources of all modules whose lines reach the server's log.
fn of_the_log() -> Vec<(PathBuf, String)> {
    let modules = super::modules().into_iter().filter(|module| !["client", "thing"].contains(&module.as_str()));
    let place = |module: String| {
        let file = format!("{module}.rs");
        if super::root().join("src").join(&file).is_file() { file } else { module }
    };
    let sources = modules.map(place).flat_map(|place| super::sources(&place));
    sources.filter(|(path, _)| !is_test(path)).collect()
}

fn messages() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut collect = |code: &str, patterns: &[Regex]| {
        let texts = patterns.iter().flat_map(|pattern| pattern.captures_iter(code));
        found.extend(texts.filter_map(|text| shown(&text[1])));
    };
    let refusals: Vec<_> = BEFORE.iter().map(|before| pattern(&format!("{before}{TEXT}"))).collect();
    for folder in FOR_ADMINISTRATORS.into_iter().chain(["worker.rs"]) {
        super::sources(folder).iter().filter(|(path, _)| !is_test(path)).for_each(|(_, code)| collect(code, &refusals));
    }
    let logged = [pattern(LOGGED)];
    of_the_log().iter().for_each(|(_, code)| collect(code, &logged));
    found
}

fn is_test(path: &std::path::Path) -> bool {
    let name = path.file_stem().unwrap().to_string_lossy();
    name.ends_with("tests") || ["fixture", "suite", "test_issuer", "forgeries"].contains(&&*name)
}

/// The first cells of the page's tables.
fn rows() -> Vec<String> {
    let page = fs::read_to_string(super::root().join(PAGE)).unwrap();
    let cells = page.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once("` | ")?.0));
    cells.map(|cell| cell.trim_matches('`').to_owned()).collect()
}

#[test]
fn every_message_for_an_administrator_is_explained() {
    let (messages, rows) = (messages(), rows());
    let known: BTreeSet<String> = rows.iter().cloned().collect();
    assert_eq!(known.len(), rows.len(), "a message stands on the page twice");
    let list =
        |of: &BTreeSet<String>, less: &BTreeSet<String>| -> Vec<String> { of.difference(less).cloned().collect() };
    let (missing, gone) = (list(&messages, &known), list(&known, &messages));
    assert!(missing.is_empty(), "{PAGE} does not say what to do about:\n  {}", missing.join("\n  "));
    assert!(gone.is_empty(), "the program has no such message as {PAGE} explains:\n  {}", gone.join("\n  "));
}

#[test]
fn the_log_speaks_in_words_and_not_as_rust_prints_values() {
    let (line, debug) = (pattern(LOGGED), pattern(r"[(,=]\s*\?[a-z]|\{[^}]*:#?\?\}"));
    for (path, code) in of_the_log() {
        let raw: Vec<&str> =
            line.find_iter(&code).map(|line| line.as_str()).filter(|line| debug.is_match(line)).collect();
        assert!(raw.is_empty(), "{}: write these with % and Display: {raw:#?}", path.display());
    }
}

#[test]
fn messages_are_found_as_people_read_them() {
    let messages = messages();
    for message in [
        "... alone owns ...; say with -to NAME whose they become, or delete them first",
        "cannot make the data directory ...; choose another with --data DIR",
        "a process has ended",
        "must be at least 1",
    ] {
        assert!(messages.contains(message), "{message}: {messages:#?}");
    }
}
