//! What load is to be put on a server: from options, from a plan file, or from what a calibration needs.
//!
//! Pure: it says what is to be done, and makes no load.
//!
//! | module | what it is |
//! |---|---|
//! | [`mix`] | who takes part |
//! | [`options`] | the command line and the plan file |
//! | [`schedule`] | when each editor edits |
//! | [`search`] | the steps one after the other, also those that look for the maximum |

pub mod mix;
pub mod options;
pub mod schedule;
pub mod search;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::mix::Mix;
use crate::{slo::Slo, workload::Workload};

/// One load to be held for a while.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepPlan {
    /// Clients, whatever they do.
    pub clients: u32,
    /// Edits per second of each editor.
    pub edits_per_second: f64,
    /// Clients on each Thing.
    pub per_thing: u32,
    /// So many `_sfe`, no more and no fewer; as the server decides if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
}

/// All that is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// One after the other; with `find_max` the first is where the search begins.
    pub steps: Vec<StepPlan>,
    /// For how long each is measured.
    pub step: Duration,
    /// Who takes part.
    pub mix: Mix,
    /// The wanted latency.
    pub slo: Slo,
    /// Look for the largest load that meets it.
    pub find_max: bool,
    /// No more clients than this.
    pub most_clients: u32,
    /// Where chance begins.
    pub seed: u64,
}

impl Load {
    /// What the planner would call this step.
    pub fn workload(&self, plan: &StepPlan) -> Workload {
        Workload {
            clients: plan.clients,
            edits_per_second: plan.edits_per_second * self.mix.editors(),
            per_thing: plan.per_thing,
        }
    }

    /// How long a step is warmed up before it is measured: a fifth of it, between one and ten seconds.
    pub fn warm_up(&self) -> Duration {
        (self.step / 5).clamp(Duration::from_secs(1), Duration::from_secs(10))
    }
}

/// Steps that tell the costs of a client, an edit, a delivery and a process apart: clients, edits per second of each,
/// clients on each Thing, `_sfe`. From the lightest to the heaviest by deliveries.
const TELLING: [(u32, f64, u32, u32); 12] = [
    (60, 1.0, 2, 1),
    (100, 0.4, 5, 1),
    (40, 2.0, 4, 2),
    (200, 0.2, 10, 2),
    (100, 2.0, 4, 1),
    (60, 1.0, 20, 4),
    (200, 2.0, 4, 4),
    (200, 1.0, 10, 1),
    (300, 1.0, 10, 2),
    (320, 2.0, 8, 4),
    (400, 1.5, 10, 1),
    (500, 1.0, 20, 2),
];

/// Steps for a calibration: so many of the lightest.
pub fn telling(most: usize) -> Vec<StepPlan> {
    let step = |&(clients, edits_per_second, per_thing, instances): &(u32, f64, u32, u32)| StepPlan {
        clients,
        edits_per_second,
        per_thing,
        instances: Some(instances),
    };
    TELLING.iter().take(most).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telling_steps_rise_by_deliveries() {
        let deliveries =
            |step: &StepPlan| f64::from(step.clients) * step.edits_per_second * f64::from(step.per_thing - 1);
        let steps: Vec<f64> = telling(usize::MAX).iter().map(deliveries).collect();
        assert!(steps.is_sorted(), "{steps:?}");
        assert!(telling(usize::MAX).iter().all(|step| step.clients % step.per_thing == 0));
    }
}
