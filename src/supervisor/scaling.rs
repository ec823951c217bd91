//! How many instances of the SFE run. Pure: time and what happens are passed in, starts and ends come out.
//!
//! An instance is one `_sfe` with its `_stream`s. As many run as the clients need, between a floor and a ceiling.
//! More start at once and together. Fewer run when that many were not needed for the whole cool-down: so a number
//! of clients that goes up and down around a boundary starts one instance and stops none.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::config::Sfe;

/// How many instances there should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// One more instance for each of so many clients.
    pub clients_per_instance: u32,
    /// Never fewer.
    pub floor: u16,
    /// Never more.
    pub ceiling: u16,
    /// An instance ends when it was not needed for so long.
    pub cool_down: Duration,
}

impl Rule {
    /// As the settings say.
    pub fn new(settings: &Sfe) -> Self {
        Self {
            clients_per_instance: settings.clients_per_instance,
            floor: settings.min_instances,
            ceiling: settings.max_instances,
            cool_down: Duration::from_secs(settings.scale_down_after_seconds),
        }
    }

    /// The number of instances for so many clients.
    pub fn wanted(&self, clients: u64) -> u16 {
        let needed = 1 + clients / u64::from(self.clients_per_instance.max(1));
        u16::try_from(needed).unwrap_or(u16::MAX).clamp(self.floor, self.ceiling.max(self.floor))
    }
}

/// What is to be done with an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Start a new one.
    Start(u16),
    /// Let it take nothing new, send its clients to the others, and end it.
    Retire(u16),
}

/// What an instance is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// It serves clients.
    Serving,
    /// It died again and again, and is not started until somebody asks for it. It keeps its place: whatever broke
    /// it is not given another one to break.
    SetAside,
    /// It is on its way out.
    Retiring,
}

/// The instances, by their numbers.
#[derive(Debug)]
pub struct Scaling {
    rule: Rule,
    instances: BTreeMap<u16, Instance>,
    /// Since when there are more instances than needed: the first is the time for one more, the second for two more.
    /// Each is later than those behind it, as the needs fall step by step.
    surplus_since: Vec<Instant>,
}

#[derive(Debug)]
struct Instance {
    place: Place,
    clients: u32,
}

impl Scaling {
    /// No instance is there yet.
    pub fn new(rule: Rule) -> Self {
        Self { rule, instances: BTreeMap::new(), surplus_since: Vec::new() }
    }

    /// These instances are there, as far as they are known from before.
    pub fn with(mut self, places: impl IntoIterator<Item = (u16, Place)>) -> Self {
        let instance = |(number, place)| (number, Instance { place, clients: 0 });
        self.instances = places.into_iter().map(instance).collect();
        self
    }

    /// So many clients are with an instance now.
    pub fn set_clients(&mut self, instance: u16, clients: u32) {
        if let Some(known) = self.instances.get_mut(&instance) {
            known.clients = clients;
        }
    }

    /// What has to change. Nothing is told twice.
    pub fn decide(&mut self, now: Instant) -> Vec<Change> {
        let (wanted, places) = (self.wanted(), self.places());
        let surplus = usize::from(places.saturating_sub(wanted));
        // Forgets that the first ones were too many, for they are needed again.
        let needed_again = self.surplus_since.len().saturating_sub(surplus);
        self.surplus_since.drain(..needed_again);
        let newly = surplus - self.surplus_since.len();
        self.surplus_since.splice(..0, std::iter::repeat_n(now, newly));
        let cool_down = self.rule.cool_down;
        let cooled = |since: &&Instant| now.saturating_duration_since(**since) >= cool_down;
        let over = self.surplus_since.iter().rev().take_while(cooled).count();

        let mut changes: Vec<Change> = (places..wanted).map(|_| self.add()).collect();
        for instance in self.least_used(over) {
            changes.push(self.retire(instance));
        }
        changes
    }

    /// How many there should be.
    pub fn wanted(&self) -> u16 {
        self.rule.wanted(self.clients())
    }

    /// Clients of one instance.
    pub fn clients_of(&self, instance: u16) -> u32 {
        self.instances.get(&instance).map_or(0, |instance| instance.clients)
    }

    /// Clients of all instances.
    pub fn clients(&self) -> u64 {
        self.instances.values().map(|instance| u64::from(instance.clients)).sum()
    }

    /// How many there are, those that are set aside included.
    pub fn places(&self) -> u16 {
        let there = self.instances.values().filter(|instance| instance.place != Place::Retiring).count();
        u16::try_from(there).unwrap_or(u16::MAX)
    }

    /// How many serve clients.
    pub fn serving(&self) -> usize {
        self.instances.values().filter(|instance| instance.place == Place::Serving).count()
    }

    /// The rule, as it is now.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// From now on there are never fewer than this.
    pub fn set_floor(&mut self, floor: u16) {
        self.rule.floor = floor;
    }

    /// One more, with the lowest number that is free.
    pub fn add(&mut self) -> Change {
        let number = (1..=u16::MAX).find(|number| !self.instances.contains_key(number)).unwrap_or(u16::MAX);
        self.instances.insert(number, Instance { place: Place::Serving, clients: 0 });
        Change::Start(number)
    }

    /// It is to end; its number is free again after [`Scaling::ended`].
    pub fn retire(&mut self, instance: u16) -> Change {
        self.set_place(instance, Place::Retiring);
        // One that was too many is so no more.
        self.surplus_since.pop();
        Change::Retire(instance)
    }

    /// All processes of an instance that was to end have ended.
    pub fn ended(&mut self, instance: u16) {
        self.instances.remove(&instance);
    }

    /// It is given up for the time being, or taken back.
    pub fn set_place(&mut self, instance: u16, place: Place) {
        if let Some(known) = self.instances.get_mut(&instance) {
            known.place = place;
        }
    }

    /// What an instance is there for; none if there is no such instance.
    pub fn place(&self, instance: u16) -> Option<Place> {
        self.instances.get(&instance).map(|instance| instance.place)
    }

    /// All numbers, the lowest first.
    pub fn numbers(&self) -> Vec<u16> {
        self.instances.keys().copied().collect()
    }

    /// Those that serve and have no clients, the highest number first.
    pub fn idle(&self) -> Vec<u16> {
        let idle = self.instances.iter().rev().filter(|(_, it)| it.place == Place::Serving && it.clients == 0);
        idle.map(|(number, _)| *number).collect()
    }

    /// Up to so many of those that serve: those with the fewest clients, of equals the highest numbers. One is
    /// always left.
    fn least_used(&self, count: usize) -> Vec<u16> {
        let mut serving: Vec<_> = self.instances.iter().filter(|(_, it)| it.place == Place::Serving).collect();
        serving.sort_by_key(|(number, it)| (it.clients, std::cmp::Reverse(**number)));
        let count = count.min(serving.len().saturating_sub(1));
        serving.into_iter().take(count).map(|(number, _)| *number).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock;

    const COOL_DOWN: Duration = Duration::from_secs(60);

    fn rule() -> Rule {
        Rule { clients_per_instance: 10, floor: 1, ceiling: 8, cool_down: COOL_DOWN }
    }

    /// The instances as they are after a decision: starts and ends done at once.
    struct Played {
        scaling: Scaling,
        now: Instant,
        /// What was decided, and when.
        decided: Vec<(Instant, Change)>,
        /// The most that were started by one decision.
        together: usize,
    }

    impl Played {
        fn new(rule: Rule) -> Self {
            let (now, scaling) = (clock::now(), Scaling::new(rule));
            let mut played = Self { scaling, now, decided: Vec::new(), together: 0 };
            played.decide();
            played
        }

        fn decide(&mut self) {
            let (mut started, now) = (0, self.now);
            for change in self.scaling.decide(now) {
                self.decided.push((now, change));
                match change {
                    Change::Start(_) => started += 1,
                    Change::Retire(instance) => {
                        // Its clients come back, to those with the fewest.
                        let clients = self.scaling.instances[&instance].clients;
                        self.scaling.ended(instance);
                        (0..clients).for_each(|_| self.join());
                    }
                }
            }
            self.together = self.together.max(started);
        }

        fn starts(&self) -> usize {
            self.decided.iter().filter(|(_, change)| matches!(change, Change::Start(_))).count()
        }

        fn ends(&self) -> usize {
            self.decided.len() - self.starts()
        }

        fn join(&mut self) {
            let serving = self.scaling.instances.values_mut().filter(|instance| instance.place == Place::Serving);
            serving.min_by_key(|instance| instance.clients).unwrap().clients += 1;
        }

        fn clients(&mut self, count: u32) {
            self.scaling.instances.values_mut().for_each(|instance| instance.clients = 0);
            (0..count).for_each(|_| self.join());
            self.decide();
        }

        fn after(&mut self, seconds: u64) {
            self.now += Duration::from_secs(seconds);
            self.decide();
        }
    }

    #[test]
    fn one_more_for_every_ten_clients() {
        for (clients, instances) in [(0, 1), (9, 1), (10, 2), (19, 2), (20, 3), (69, 7), (70, 8), (100_000, 8)] {
            assert_eq!(rule().wanted(clients), instances, "{clients} clients");
        }
        assert_eq!(Rule { floor: 3, ..rule() }.wanted(0), 3);
    }

    #[test]
    fn all_that_are_needed_start_at_once_and_end_after_the_cool_down() {
        let mut played = Played::new(rule());
        played.clients(45);
        assert_eq!((played.scaling.places(), played.together), (5, 4));
        played.clients(0);
        played.after(59);
        assert_eq!(played.scaling.places(), 5);
        played.after(1);
        assert_eq!(played.scaling.numbers(), [1]);
    }

    #[test]
    fn around_a_boundary_nothing_flaps() {
        let mut played = Played::new(rule());
        for _ in 0..100 {
            played.clients(10);
            played.after(30);
            played.clients(9);
            played.after(30);
        }
        assert_eq!((played.starts(), played.ends()), (2, 0));
    }

    #[test]
    fn what_was_needed_in_the_meantime_stays_for_its_own_cool_down() {
        let mut played = Played::new(rule());
        played.clients(45);
        played.clients(5);
        played.after(50);
        played.clients(25);
        played.clients(5);
        played.after(10);
        assert_eq!(played.scaling.places(), 3, "a third was needed 10 s ago, a fourth 60 s ago");
        played.after(50);
        assert_eq!(played.scaling.places(), 1);
    }

    #[test]
    fn the_one_with_the_fewest_clients_ends_first() {
        let mut played = Played::new(rule());
        played.clients(20);
        for (instance, clients) in [(1, 2), (2, 9), (3, 4)] {
            played.scaling.set_clients(instance, clients);
        }
        played.after(0);
        played.now += COOL_DOWN;
        assert_eq!(played.scaling.decide(played.now), [Change::Retire(1)]);
        assert_eq!((played.scaling.places(), played.scaling.numbers()), (2, vec![1, 2, 3]));
        assert_eq!(played.scaling.decide(played.now), [], "nothing is told twice");
    }

    #[test]
    fn one_that_is_set_aside_keeps_its_place_and_the_last_that_serves_stays() {
        let mut played = Played::new(Rule { floor: 2, ..rule() });
        played.scaling.set_place(2, Place::SetAside);
        played.after(1);
        assert_eq!((played.starts(), played.scaling.serving()), (2, 1), "no third one takes its place");
        played.scaling.set_floor(1);
        played.after(0);
        played.after(60);
        assert_eq!((played.ends(), played.scaling.serving()), (0, 1));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Clients(u32),
        /// A `_stream` dies, and the clients of its instance are not counted for a moment.
        Crash(u16),
        Passes(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0u32..120).prop_map(Step::Clients),
            (1u16..9).prop_map(Step::Crash),
            (0u64..90).prop_map(Step::Passes),
        ]
    }

    proptest! {
        #[test]
        fn the_number_follows_the_clients_and_never_flaps(
            steps in proptest::collection::vec(step(), 1..120),
            floor in 1u16..4,
            last in 0u32..120,
        ) {
            let rule = Rule { floor, ..rule() };
            let mut played = Played::new(rule);
            for step in steps {
                match step {
                    Step::Clients(count) => played.clients(count),
                    Step::Crash(instance) => {
                        let clients = played.scaling.instances.get(&instance).map_or(0, |instance| instance.clients);
                        played.scaling.set_clients(instance, 0);
                        played.decide();
                        played.scaling.set_clients(instance, clients);
                        played.decide();
                    }
                    Step::Passes(seconds) => played.after(seconds),
                }
                let there = played.scaling.places();
                prop_assert!((floor..=rule.ceiling).contains(&there), "{there} instances");
                prop_assert!(there >= played.scaling.wanted(), "too few for the clients");
            }
            let mut last_start = None;
            for (at, change) in &played.decided {
                match change {
                    Change::Start(_) => last_start = Some(*at),
                    Change::Retire(_) => {
                        let after = last_start.map(|start| at.duration_since(start));
                        prop_assert!(after.is_none_or(|after| after >= COOL_DOWN), "ended {after:?} after a start");
                    }
                }
            }
            // Whatever came before: it converges.
            played.clients(last);
            played.after(COOL_DOWN.as_secs());
            prop_assert_eq!(played.scaling.places(), rule.wanted(last.into()));
        }
    }
}
