//! How many clients do how much, and what follows from that. Arithmetic alone.

use serde::Serialize;

/// What clients are expected to do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Workload {
    /// Clients connected at the same time, `N`.
    pub clients: u32,
    /// Edits per second of each of them, `r`.
    pub edits_per_second: f64,
    /// How many of them have the same Thing open, `k`; each has one Thing open.
    pub per_thing: u32,
}

impl Workload {
    /// Edits per second that reach the server: `E = N·r`.
    pub fn edits(&self) -> f64 {
        f64::from(self.clients) * self.edits_per_second
    }

    /// Deliveries per second, each edit going to everyone on its Thing but its author: `D = E·(k−1)`.
    pub fn deliveries(&self) -> f64 {
        self.edits() * f64::from(self.per_thing.saturating_sub(1))
    }

    /// Things that are open.
    pub fn things(&self) -> f64 {
        f64::from(self.clients) / f64::from(self.per_thing.max(1))
    }
}

/// In how many of so many processes an edit is heard on average, if the people of a Thing are spread over the
/// processes by chance: `n·(1 − (1 − 1/n)^k)`. Each of these processes takes its copy of the edit.
pub fn processes_that_hear(processes: f64, per_thing: f64) -> f64 {
    if processes <= 1.0 {
        return processes;
    }
    processes * (1.0 - (1.0 - 1.0 / processes).powf(per_thing))
}

/// The number of `_sfe` instances that the product runs by itself: one, and one more for every so many clients.
pub fn instances_by_rule(clients: u32, clients_per_instance: u32) -> u32 {
    1 + clients / clients_per_instance.max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn deliveries_follow_from_edits_and_company() {
        let workload = Workload { clients: 2_000, edits_per_second: 5.0, per_thing: 10 };
        assert_eq!((workload.edits(), workload.deliveries(), workload.things()), (10_000.0, 90_000.0, 200.0));
        assert_eq!(Workload { per_thing: 1, ..workload }.deliveries(), 0.0);
    }

    #[test]
    fn the_rule_starts_another_at_each_ten() {
        let instances: Vec<u32> =
            [0, 9, 10, 19, 20, 2_000].iter().map(|clients| instances_by_rule(*clients, 10)).collect();
        assert_eq!(instances, [1, 1, 2, 2, 3, 201]);
    }

    proptest! {
        /// Never in more processes than there are, nor in more than there are people.
        #[test]
        fn an_edit_is_heard_where_somebody_is(processes in 1u32..500, people in 1u32..500) {
            let heard = processes_that_hear(processes.into(), people.into());
            prop_assert!(heard >= 0.999_999 && heard <= f64::from(processes.min(people)) + 1e-6, "{}", heard);
        }
    }
}
