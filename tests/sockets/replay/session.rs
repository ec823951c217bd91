//! A session of two authors: who typed what, on top of what.

use std::{io::Read, path::PathBuf};

use flate2::read::GzDecoder;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::Deserialize;

use super::author::Author;

/// One transaction of an author.
#[derive(Debug)]
pub struct Step {
    /// So many steps of the other author it is typed on top of, beside all earlier ones of its own.
    pub after_other: usize,
    pub patches: Vec<Patch>,
}

/// Position, deleted, inserted.
#[derive(Clone, Debug, Deserialize)]
pub struct Patch(pub u32, pub u32, pub String);

/// What both typed, and what must come of it.
pub struct Session {
    pub authors: [Vec<Step>; 2],
    pub end: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    end_content: String,
    txns: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Transaction {
    parents: Vec<usize>,
    agent: usize,
    patches: Vec<Patch>,
}

impl Session {
    /// The recorded session, if it is there.
    pub fn recorded() -> Option<Self> {
        let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/traces"));
        let folder = std::env::var_os("TRACE_DIR").map_or_else(beside, PathBuf::from);
        let file = std::fs::File::open(folder.join("friendsforever.json.gz")).ok()?;
        let mut text = String::new();
        GzDecoder::new(file).read_to_string(&mut text).expect("the trace can be unpacked");
        Some(Self::from_trace(serde_json::from_str(&text).expect("the trace is as described")))
    }

    fn from_trace(trace: Trace) -> Self {
        let mut authors = [vec![], vec![]];
        // How many steps of each author every transaction contains.
        let mut contains: Vec<[usize; 2]> = Vec::with_capacity(trace.txns.len());
        for Transaction { parents, agent, patches } in trace.txns {
            let mut known = [0, 0];
            for parent in parents {
                known = [known[0].max(contains[parent][0]), known[1].max(contains[parent][1])];
            }
            assert_eq!(known[agent], authors[agent].len(), "an author continues what they have typed");
            // Positions are code points, those of Yjs UTF-16 units: the same below 2^16.
            assert!(patches.iter().all(|patch| patch.2.chars().all(|char| u32::from(char) < 0x1_0000)));
            authors[agent].push(Step { after_other: known[1 - agent], patches });
            known[agent] += 1;
            contains.push(known);
        }
        Self { authors, end: trace.end_content }
    }

    /// A session of so many steps that two authors might have had, typing at once and merging now and then.
    pub fn invented(steps: usize, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut authors = [vec![], vec![]];
        let mut writers = [Author::new(0), Author::new(1)];
        for n in 0..steps {
            let agent = random.random_range(0..2);
            let has: usize = authors[1 - agent].len();
            if random.random_bool(0.05) {
                writers[agent].merge(random.random_range(writers[agent].merged()..=has));
            }
            let length = writers[agent].length();
            let at = random.random_range(0..=length);
            let deleted = if random.random_bool(0.3) { random.random_range(0..=(length - at).min(3)) } else { 0 };
            let patch = Patch(at, deleted, format!("{}", n % 10));
            let step = Step { after_other: writers[agent].merged(), patches: vec![patch] };
            let update = writers[agent].type_in(&step.patches);
            writers[1 - agent].hear(update);
            authors[agent].push(step);
        }
        writers[0].merge(usize::MAX);
        writers[1].merge(usize::MAX);
        assert_eq!(writers[0].text(), writers[1].text());
        Self { authors, end: writers[0].text() }
    }
}
