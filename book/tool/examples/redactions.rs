//! What differs from run to run, and the placeholders that stand for it in the examples.
//!
//! A placeholder such as `[EPOCH]` stands for one value within an example: the first that is seen. `[EPOCH:2]` is
//! the second. `[THING]` is the demonstration's, `[TOKEN]` and `[PASSWORD]` are Ada's, `[TOKEN:grace]` and the like
//! are whose they say; `[BASIC]` is Ada's name and password as HTTP Basic wants them, `[SECRET]` that of
//! `demo-external-system`.
//! `[TIME]`, `[PID]`, `[CPU]`, `[SIZE]`, `[RATE]`, `[PORT]` and `[NODE]` stand for anything that there may be, as nobody comes back to it.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::{Captures, Regex};

/// Where readers have their server.
pub const ADDRESS: &str = "127.0.0.1:8080";
/// [`ADDRESS`]'s port.
const PORT: &str = "8080";
/// Where readers have their metrics.
pub const METRICS: &str = "127.0.0.1:9090";
/// [`METRICS`]'s port.
const METRICS_PORT: &str = "9090";
/// What ids and epochs begin with that are the examples' own.
const MADE_UP: &str = "00000000";

/// What is recognised wherever it stands: by this pattern, whose group `it` is replaced.
struct Rule {
    placeholder: &'static str,
    /// Whether it stands for one value within an example.
    keeps: bool,
    pattern: Regex,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    const UUID: &str = "(?<it>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})";
    let uuid_in = |key: &str| format!("\"{key}\": ?\"{UUID}\"");
    let rules = [
        ("TOKEN", true, r"\b(?<it>eyJ[\w-]+\.[\w-]+\.[\w-]+)".to_owned()),
        ("REFRESH", true, r#""refresh_token": ?"(?<it>[\w.-]+)""#.to_owned()),
        ("EPOCH", true, r#""epoch": ?"(?<it>[0-9a-f]{8,})""#.to_owned()),
        ("SESSION", true, uuid_in("session")),
        ("KEY", true, uuid_in("key")),
        ("THING", true, uuid_in("thing")),
        ("ID", true, UUID.to_owned()),
        ("NODE", false, r#""node": ?"(?<it>[^"\[]+)""#.to_owned()),
        ("TIME", false, r#""(?:\w+_)?(?:at|seconds)": ?(?<it>\d[\d.]*)"#.to_owned()),
        ("TIME", false, r#""retry_after_ms": ?(?<it>\d+)"#.to_owned()),
        ("TIME", false, r"(?<it>\b\d{4}-\d\d-\d\dT[\d:.]+Z)".to_owned()),
        ("TIME", false, r"\bin (?<it>\d+\.\d) s\b".to_owned()),
        ("CPU", false, r#""cpu_percent": ?(?<it>[\d.]+|null)"#.to_owned()),
        ("SIZE", false, r#""(?:memory|resident)_bytes": ?(?<it>\d+|null)"#.to_owned()),
        ("PID", false, r#""pid": ?(?<it>\d+)"#.to_owned()),
        ("PID", false, r"\bpid (?<it>\d+)".to_owned()),
        ("PORT", false, r"127\.0\.0\.1:(?<it>\d+)".to_owned()),
    ];
    let rule = |(placeholder, keeps, pattern): (_, _, String)| Rule {
        placeholder,
        keeps,
        pattern: Regex::new(&pattern).expect("a pattern"),
    };
    rules.map(rule).into()
});

static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\[([A-Z]+(?::[a-z0-9-]+)?)\]").expect("a pattern"));

/// The values of one run.
#[derive(Clone, Debug, Default)]
pub struct Redactions {
    /// By placeholder, without brackets.
    values: BTreeMap<String, String>,
    /// Where the server is in truth.
    address: Option<String>,
    /// Where its metrics are in truth.
    metrics: Option<String>,
}

impl Redactions {
    /// The server of this run.
    pub fn server_is_at(&mut self, address: &str) {
        self.address = Some(address.to_owned());
    }

    /// The metrics of this run.
    pub fn metrics_are_at(&mut self, address: &str) {
        self.metrics = Some(address.to_owned());
    }

    /// What a placeholder, without its brackets, stands for from now on.
    pub fn know(&mut self, placeholder: &str, value: &str) {
        self.values.insert(placeholder.to_owned(), value.to_owned());
    }

    /// The placeholders in this text that stand for nothing yet.
    pub fn unknown_in(&self, text: &str) -> Vec<String> {
        let named = PLACEHOLDER.captures_iter(text).map(|found| found[1].to_owned());
        named.filter(|placeholder| !self.values.contains_key(placeholder)).collect()
    }

    /// What this text means in this run. Unknown placeholders stay.
    pub fn fill_in(&self, text: &str) -> String {
        let value = |found: &Captures| self.values.get(&found[1]).cloned().unwrap_or_else(|| found[0].to_owned());
        let text = PLACEHOLDER.replace_all(text, value);
        let addresses = [(ADDRESS, &self.address), (METRICS, &self.metrics)];
        addresses.into_iter().fold(text.into_owned(), |text, (readers, own)| match own {
            Some(own) => text.replace(readers, own),
            None => text,
        })
    }

    /// This text as it would be in any other run.
    pub fn redact(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        let mut values: Vec<_> = self.values.iter().collect();
        // A value may be a part of another.
        values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        for (placeholder, value) in values {
            text = text.replace(value, &format!("[{placeholder}]"));
        }
        if let Some((host, port)) = self.address.as_deref().and_then(|address| address.rsplit_once(':')) {
            text = text.replace(&format!("{host}:{port}"), ADDRESS);
            let alone = Regex::new(&format!(r"\bport {port}\b")).expect("a pattern");
            text = alone.replace_all(&text, format!("port {PORT}")).into_owned();
        }
        if let Some(metrics) = &self.metrics {
            text = text.replace(metrics, METRICS);
        }
        for rule in RULES.iter() {
            text = self.follow(rule, &text);
        }
        table_of_processes(&text)
    }

    fn follow(&mut self, rule: &Rule, text: &str) -> String {
        let mut redacted = String::new();
        let mut done = 0;
        for found in rule.pattern.captures_iter(text).filter_map(|found| found.name("it")) {
            let is_readers_port = rule.placeholder == "PORT" && [PORT, METRICS_PORT].contains(&found.as_str());
            if is_readers_port || found.as_str().starts_with(MADE_UP) {
                continue;
            }
            let placeholder = match rule.keeps {
                true => self.placeholder_of(rule.placeholder, found.as_str()),
                false => rule.placeholder.to_owned(),
            };
            redacted += &text[done..found.start()];
            redacted += &format!("[{placeholder}]");
            done = found.end();
        }
        redacted + &text[done..]
    }

    /// The placeholder of a value, which gets the next one if it has none.
    fn placeholder_of(&mut self, kind: &str, value: &str) -> String {
        if let Some((placeholder, _)) = self.values.iter().find(|(_, known)| *known == value) {
            return placeholder.clone();
        }
        let numbered = (2..).map(|number| format!("{kind}:{number}"));
        let mut all = std::iter::once(kind.to_owned()).chain(numbered);
        let placeholder = all.find(|name| !self.values.contains_key(name)).expect("there is always another number");
        self.know(&placeholder, value);
        placeholder
    }
}

/// Whether a line of the table is of a process that has to do with clients' messages.
fn is_of_clients(line: &str) -> bool {
    ["_sfe", "_stream"].iter().any(|kind| line.starts_with(kind))
}

/// Replaces what differs in the table of `widgetapp_admin -status`, and sets its columns anew.
fn table_of_processes(text: &str) -> String {
    let Some((above, table)) = text.find("PROCESS  ").map(|at| text.split_at(at)) else { return text.to_owned() };
    let head = table.lines().next().unwrap_or_default();
    let names: Vec<&str> = head.split_whitespace().collect();
    let starts: Vec<usize> = names.iter().filter_map(|name| head.find(name)).collect();
    let rows: Vec<Vec<String>> = table
        .lines()
        .map(|line| {
            let cell = |column: usize| {
                let end = starts.get(column + 1).copied().unwrap_or(line.len()).min(line.len());
                let cell = line.get(starts[column]..end).unwrap_or_default().trim();
                let is_number = cell.starts_with(|first: char| first.is_ascii_digit());
                match names[column] {
                    "PID" if is_number => "[PID]".to_owned(),
                    "UPTIME" if is_number => "[TIME]".to_owned(),
                    // Some have not been measured yet, some have just said something.
                    "IN/S" | "OUT/S" if is_of_clients(line) => "[RATE]".to_owned(),
                    "QUEUE" if is_of_clients(line) => "[SIZE]".to_owned(),
                    "CPU" if !cell.is_empty() && cell != "CPU" => "[CPU]".to_owned(),
                    "MEMORY" if !cell.is_empty() && cell != "MEMORY" => "[SIZE]".to_owned(),
                    _ => cell.to_owned(),
                }
            };
            (0..names.len()).map(cell).collect()
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    above.to_owned() + &rows.iter().map(line).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_placeholder_and_another_gets_the_next() {
        let mut redactions = Redactions::default();
        assert_eq!(
            redactions.redact(r#"{"epoch":"0a1b2c3d","other": {"epoch": "ffffffff"}}"#),
            r#"{"epoch":"[EPOCH]","other": {"epoch": "[EPOCH:2]"}}"#
        );
        assert_eq!(redactions.redact("0a1b2c3d ffffffff"), "[EPOCH] [EPOCH:2]");
        assert_eq!(redactions.fill_in("[EPOCH:2] [EPOCH] [EPOCH:3]"), "ffffffff 0a1b2c3d [EPOCH:3]");
        assert_eq!(redactions.unknown_in("[EPOCH:2] [EPOCH:3]"), ["EPOCH:3"]);
    }

    #[test]
    fn ids_end_in_any_digit_and_made_up_ones_stay() {
        let mut redactions = Redactions::default();
        let id = |head: &str| format!("\"session\": \"{head}-21b1-4f44-a7fa-3a3ccd48b3d3\"");
        assert_eq!(redactions.redact(&id("4985c220")), "\"session\": \"[SESSION]\"");
        assert_eq!(redactions.redact(&id("00000000")), id("00000000"));
    }

    #[test]
    fn times_and_numbers_of_processes_are_all_alike() {
        let mut redactions = Redactions::default();
        assert_eq!(
            redactions.redact(r#"{"expires_at":17,"pid":4} (pid 5), trying again in 0.7 s, 2026-11-21T11:22:33.4Z"#),
            r#"{"expires_at":[TIME],"pid":[PID]} (pid [PID]), trying again in [TIME] s, [TIME]"#
        );
    }

    #[test]
    fn the_server_is_where_readers_have_theirs() {
        let mut redactions = Redactions::default();
        redactions.server_is_at("127.0.0.1:41234");
        assert_eq!(redactions.fill_in("http://127.0.0.1:8080/_stream"), "http://127.0.0.1:41234/_stream");
        assert_eq!(
            redactions.redact("on http://127.0.0.1:41234, port 41234, not http://127.0.0.1:5"),
            "on http://127.0.0.1:8080, port 8080, not http://127.0.0.1:[PORT]"
        );
    }

    #[test]
    fn a_table_has_the_same_columns_in_every_run() {
        let table = |pid: &str, wide: usize| {
            let (head, pid) = (format!("{:<wide$}", "PID"), format!("{pid:<wide$}"));
            format!("PROCESS  ID   {head}  UPTIME  RESTARTS\n_wfe          {pid}  12 s    0\n_stream  1.1  -\n")
        };
        let redact = |text: &str| Redactions::default().redact(text);
        assert_eq!(redact(&table("7", 3)), redact(&table("123456", 6)));
        assert_eq!(
            redact(&table("77", 3)),
            "PROCESS  ID   PID    UPTIME  RESTARTS\n_wfe          [PID]  [TIME]  0\n_stream  1.1  -\n"
        );
    }

    proptest::proptest! {
        #[test]
        fn what_was_redacted_can_be_filled_in_again(epoch in "[0-9a-f]{8}", note in "[a-z ]{0,9}") {
            let mut redactions = Redactions::default();
            let text = format!("{{\"epoch\": \"{epoch}\", \"notes\": \"{note}\"}}");
            let redacted = redactions.redact(&text);
            proptest::prop_assert_eq!(redactions.fill_in(&redacted), text);
        }
    }
}
