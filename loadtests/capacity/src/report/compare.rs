//! This run beside an earlier one: the steps that both have made.

use super::rows::{micros, rate};
use crate::{
    measured::{Measured, Run},
    units::{show_bytes, show_number},
};

/// The steps that two runs have in common.
#[derive(Clone, Debug)]
pub struct Comparison {
    pairs: Vec<(Measured, Measured)>,
    /// Why the two can hardly be compared.
    pub doubts: Vec<String>,
}

impl Comparison {
    /// `earlier` and `run`, step by step.
    pub fn of(earlier: &Run, run: &Run) -> Self {
        let pair = |step: &Measured| {
            let before = earlier.steps.iter().find(|before| before.plan == step.plan)?;
            Some((before.clone(), step.clone()))
        };
        let mut doubts = Vec::new();
        if earlier.machine != run.machine {
            doubts.push("the machines, or the builds, differ".to_owned());
        }
        if earlier.mix != run.mix {
            doubts.push("not the same clients took part".into());
        }
        if earlier.server.settings != run.server.settings {
            doubts.push("the settings differ".into());
        }
        Self { pairs: run.steps.iter().filter_map(pair).collect(), doubts }
    }

    /// Rows for people.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let heads = ["clients", "", "earlier", "now", "change"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        for (before, now) in &self.pairs {
            let mut clients = Some(show_number(now.plan.clients.into()));
            let mut row = |name: &str, of: &dyn Fn(&Measured) -> Option<f64>, show: &dyn Fn(f64) -> String| {
                let (Some(before), Some(now)) = (of(before), of(now)) else { return };
                let change =
                    if before > 0.0 { format!("{:+.0} %", (now / before - 1.0) * 100.0) } else { String::new() };
                rows.push(vec![clients.take().unwrap_or_default(), name.to_owned(), show(before), show(now), change]);
            };
            row("p50", &|step| Some(step.figures.propagation.p50_us), &micros);
            row("p99", &|step| Some(step.figures.propagation.p99_us), &micros);
            row("deliveries/s", &|step| Some(step.figures.deliveries_per_second), &rate);
            row("deliveries per CPU s", &Measured::deliveries_per_cpu_second, &rate);
            row("memory", &|step| step.server_memory().map(|bytes| bytes as f64), &show_bytes);
        }
        rows
    }
}
