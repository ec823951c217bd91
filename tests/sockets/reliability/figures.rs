//! What was measured: one line for people, and the same as JSON beside the other evidence.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::{checker::Verdict, load::Wait};

/// The figures of one test.
pub struct Figures {
    name: &'static str,
    values: Map<String, Value>,
}

impl Figures {
    /// Notes the machine, and how busy it is with other things.
    pub fn new(name: &'static str) -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let machine = json!({
            "cpus": std::thread::available_parallelism().map_or(0, usize::from),
            "kernel": kernel.trim(),
            "load_before": load.split(' ').next(),
            "build": if cfg!(debug_assertions) { "debug" } else { "release" },
        });
        Self { name, values: Map::from_iter([("machine".into(), machine)]) }
    }

    /// Notes a figure.
    pub fn note(&mut self, what: &str, value: impl Into<Value>) -> &mut Self {
        self.values.insert(what.into(), value.into());
        self
    }

    /// Notes what the checker found.
    pub fn verdict(&mut self, verdict: &Verdict) -> &mut Self {
        self.note("acknowledged", verdict.acknowledged)
            .note("unanswered", verdict.unanswered)
            .note("lost", verdict.lost())
            .note("twice", verdict.twice())
            .note("out_of_order", verdict.out_of_order())
    }

    /// Prints them and writes them down.
    pub fn publish(&self) {
        eprintln!("{}: {}", self.name, Value::Object(self.values.clone()));
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in target/").join("evidence/reliability");
        std::fs::create_dir_all(&folder).expect("target/ can be written");
        let text = serde_json::to_string_pretty(&self.values).expect("JSON");
        std::fs::write(folder.join(format!("{}.json", self.name)), text + "\n").expect("target/ can be written");
    }
}

/// p50, p99 and the largest, in milliseconds.
pub fn spread(mut times: Vec<Duration>) -> Value {
    times.sort();
    let at = |share: f64| {
        let index = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        times.get(index).map(|time| (time.as_secs_f64() * 10_000.0).round() / 10.0)
    };
    json!({"count": times.len(), "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0)})
}

/// What was done to the server, and when.
#[derive(Clone, Debug)]
pub struct Blow {
    pub at: Instant,
    pub what: String,
}

/// For each kind of blow, how long each client had to wait for an answer between it and the next one: the longest
/// wait of its edits, counted from when the edit was to be sent, or from the blow if that came later.
pub fn pauses(blows: &[Blow], clients: &[&[Wait]]) -> BTreeMap<String, Vec<Duration>> {
    let mut pauses: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for (number, blow) in blows.iter().enumerate() {
        let next = blows.get(number + 1).map(|next| next.at);
        for waits in clients {
            let since = |wait: &&Wait| wait.acknowledged >= blow.at && next.is_none_or(|next| wait.due < next);
            let longest = waits.iter().filter(since).map(|wait| wait.acknowledged - wait.due.max(blow.at)).max();
            pauses.entry(blow.what.clone()).or_default().extend(longest);
        }
    }
    pauses
}

/// The same as figures.
pub fn pauses_by_kind(blows: &[Blow], clients: &[&[Wait]]) -> Value {
    pauses(blows, clients).into_iter().map(|(what, times)| (what, spread(times))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use widgetapp::clock;

    use super::*;

    #[test]
    fn a_pause_is_the_longest_wait_since_the_blow() {
        let start = clock::now();
        let at = |millis| start + Duration::from_millis(millis);
        let wait = |due, acknowledged| Wait { due: at(due), acknowledged: at(acknowledged) };
        let blow = |what: &str, millis| Blow { at: at(millis), what: what.into() };
        let blows = [blow("kill", 1000), blow("stop", 3000)];
        // Answered before; under way when the blow came; after it; and across the second.
        let waits = [wait(800, 900), wait(950, 1400), wait(1200, 1500), wait(2900, 3800)];
        let pauses = pauses(&blows, &[&waits, &[]]);
        assert_eq!(pauses["kill"], [Duration::from_millis(900)]);
        assert_eq!(pauses["stop"], [Duration::from_millis(800)]);
    }

    #[test]
    fn a_spread_names_the_middle_and_the_end() {
        let spread = spread((1..=100).map(Duration::from_millis).collect());
        assert_eq!(spread, json!({"count": 100, "p50_ms": 51.0, "p99_ms": 100.0, "max_ms": 100.0}));
        assert_eq!(super::spread(vec![])["p50_ms"], Value::Null);
    }
}
