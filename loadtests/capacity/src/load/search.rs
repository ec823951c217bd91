//! Which step comes next: those of the plan, or those that close in on the largest load that still meets what is wanted.

use super::{Load, StepPlan};

/// The search ends when what is known to be met and what is known to be missed are so close.
const CLOSE: f64 = 0.1;
/// More steps are not made.
const MOST_STEPS: usize = 24;

/// The steps of one load test.
#[derive(Clone, Debug)]
pub struct Steps {
    planned: std::collections::VecDeque<StepPlan>,
    search: Option<Search>,
}

#[derive(Clone, Debug)]
struct Search {
    /// Each further step is like this one, with other clients.
    like: StepPlan,
    met: Option<u32>,
    missed: Option<u32>,
    most: u32,
    left: usize,
}

impl Steps {
    /// Of this load.
    pub fn new(load: &Load) -> Self {
        let like = load.steps.last().copied().filter(|_| load.find_max);
        let search =
            like.map(|like| Search { like, met: None, missed: None, most: load.most_clients, left: MOST_STEPS });
        Self { planned: load.steps.iter().copied().collect(), search }
    }

    /// The step to make now; none if all is known.
    pub fn next_plan(&mut self) -> Option<StepPlan> {
        let Some(search) = &mut self.search else { return self.planned.pop_front() };
        // As soon as something is missed the rest of the plan, which is larger, tells nothing.
        if search.missed.is_none()
            && let Some(planned) = self.planned.pop_front()
        {
            return Some(planned);
        }
        search.left = search.left.checked_sub(1)?;
        search.next().map(|clients| StepPlan { clients, ..search.like })
    }

    /// What came of it.
    pub fn took(&mut self, clients: u32, met: bool) {
        let Some(search) = &mut self.search else { return };
        if met {
            search.met = search.met.max(Some(clients));
        } else {
            search.missed = Some(search.missed.map_or(clients, |missed| missed.min(clients)));
        }
    }
}

impl Search {
    /// Doubles until something is missed, and halves the distance after that. Full Things only.
    fn next(&self) -> Option<u32> {
        let whole = |clients: u32| (clients / self.like.per_thing).max(1) * self.like.per_thing;
        match (self.met, self.missed) {
            (Some(met), None) if met >= self.most => None,
            (Some(met), None) => Some(whole(met.saturating_mul(2).min(self.most)).max(met + 1).min(self.most)),
            (met, Some(missed)) => {
                let met = met.unwrap_or(0);
                let close = (f64::from(met) * CLOSE).max(self.like.per_thing.into());
                let between = whole(met + (missed.saturating_sub(met)) / 2);
                (f64::from(missed.saturating_sub(met)) > close && between > met && between < missed).then_some(between)
            }
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn load(ramp: &[u32], find_max: bool) -> Load {
        let step =
            |clients: &u32| StepPlan { clients: *clients, edits_per_second: 1.0, per_thing: 10, instances: None };
        Load {
            steps: ramp.iter().map(step).collect(),
            step: Duration::from_secs(1),
            mix: "editor=1".parse().unwrap(),
            slo: "p99<100ms".parse().unwrap(),
            find_max,
            most_clients: 5_000,
            seed: 1,
        }
    }

    /// A server that carries so many clients.
    fn steps(load: &Load, carries: u32) -> Vec<u32> {
        let mut steps = Steps::new(load);
        let mut made = Vec::new();
        while let Some(plan) = steps.next_plan() {
            made.push(plan.clients);
            steps.took(plan.clients, plan.clients <= carries);
        }
        made
    }

    #[test]
    fn a_plan_is_made_step_by_step() {
        assert_eq!(steps(&load(&[10, 20, 500], false), 15), [10, 20, 500]);
    }

    #[test]
    fn the_maximum_is_closed_in_on() {
        assert_eq!(steps(&load(&[100], true), 730), [100, 200, 400, 800, 600, 700, 750]);
        assert_eq!(steps(&load(&[100], true), 9_999), [100, 200, 400, 800, 1_600, 3_200, 5_000]);
        assert_eq!(steps(&load(&[100, 200, 400], true), 50), [100, 50, 70, 60], "the rest of the ramp tells nothing");
    }

    proptest! {
        /// What is found is met, and a tenth more, or one Thing more, is not.
        #[test]
        fn what_is_found_is_the_maximum(carries in 20u32..5_000) {
            let made = steps(&load(&[10], true), carries);
            let best = *made.iter().filter(|clients| **clients <= carries).max().unwrap();
            let missed = *made.iter().filter(|clients| **clients > carries).min().unwrap_or(&5_001);
            let most = f64::max(f64::from(best) * 1.1, f64::from(best) + 10.0) + 10.0;
            prop_assert!(f64::from(missed) <= most || best == 5_000, "{:?}", made);
        }
    }
}
