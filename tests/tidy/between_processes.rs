//! What the processes say to each other, held to the number that tells whether those of two programs understand each
//! other. The shapes are committed beside this file; if they change, so must `VERSION` in `src/ipc/mod.rs`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use widgetapp::{
    ipc::VERSION,
    metrics::{self, Kind},
};

const FILE: &str = "tests/tidy/between_processes.txt";
/// Modules whose messages go from process to process, or come back to the next process of the same kind.
const SAID: [&str; 2] = ["ipc", "sfe"];
/// Modules of which they consist.
const PARTS: [&str; 3] = ["access", "protocol", "metrics"];

/// Every type that is read from bytes, by its name: its text without comments.
fn types(module: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (_, code) in super::sources(module) {
        let mut lines = code.lines();
        while let Some(line) = lines.next() {
            if !(line.starts_with("#[derive(") && line.contains("Deserialize")) {
                continue;
            }
            let (mut text, mut name) = (String::new(), None);
            for line in lines.by_ref() {
                let words: Vec<&str> = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
                let at = words.iter().position(|word| ["struct", "enum"].contains(word));
                name = name.or_else(|| words.get(at? + 1).map(|name| (*name).to_owned()));
                writeln!(text, "{line}").unwrap();
                if name.is_some() && (line.starts_with('}') || line.ends_with(';') || line.ends_with("{}")) {
                    break;
                }
            }
            found.insert(name.expect("a type has a name"), text);
        }
    }
    found
}

/// All shapes: those that are said, and whatever they consist of.
fn shapes() -> String {
    let parts: BTreeMap<_, _> = PARTS.iter().flat_map(|module| types(module)).collect();
    let mut all: BTreeMap<_, _> = SAID.iter().flat_map(|module| types(module)).collect();
    let mut new: Vec<String> = all.values().cloned().collect();
    while let Some(text) = new.pop() {
        // Types stand behind the name of a field or variant.
        let types = text.lines().filter_map(|line| line.split_once([':', '(']));
        let words: BTreeSet<&str> =
            types.flat_map(|(_, types)| types.split(|it: char| !it.is_alphanumeric())).collect();
        for (name, text) in words.iter().filter_map(|word| parts.get_key_value(*word)) {
            if all.insert(name.clone(), text.clone()).is_none() {
                new.push(text.clone());
            }
        }
    }
    let mut shapes = all.into_values().collect::<Vec<_>>().join("\n");
    // What is counted is told by its place.
    for metric in metrics::ALL {
        let series = match metric.kind {
            Kind::Counter(series) => series().iter().map(|labels| format!("{labels:?}\n")).collect(),
            Kind::Histogram(buckets) => format!("{buckets:?}\n"),
        };
        write!(shapes, "\n{}\n{series}", metric.name).unwrap();
    }
    shapes
}

#[test]
fn whatever_changes_what_the_processes_say_to_each_other_raises_its_version() {
    let made = format!("VERSION = {VERSION}\n\n{}", shapes());
    let path = super::root().join(FILE);
    let committed = fs::read_to_string(&path).unwrap_or_default();
    if made == committed {
        return;
    }
    let version =
        |text: &str| text.lines().next().and_then(|line| line.strip_prefix("VERSION = ")?.parse::<u16>().ok());
    assert!(
        version(&committed).is_none_or(|before| before < VERSION),
        "processes of two programs would misunderstand each other: raise VERSION in src/ipc/mod.rs",
    );
    let overwrite = std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite");
    assert!(overwrite, "{FILE} is not what the program makes; SNAPSHOTS=overwrite cargo test --test tidy");
    fs::write(&path, made).unwrap();
}

#[test]
fn a_message_and_what_it_consists_of_are_found() {
    let shapes = shapes();
    for part in ["enum Command {", "enum StreamUp {", "struct ThingId(", "enum Proof {", "widgetapp_closes_total"] {
        assert!(shapes.contains(part), "{part}");
    }
}
