//! The simulator against what queueing theory knows exactly.
//!
//! Waiting times of M/M/1, M/D/1 and M/M/c: Kleinrock, "Queueing Systems", volume 1, sections 3.2, 3.5 and 5.6. Little's
//! law is checked by every run itself.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made is no proof")]

use std::{cmp::Reverse, collections::BinaryHeap};

use capacity::{
    simulate::{
        Setup, Times,
        service::ServiceTime,
        station::{Order, Service, Station},
    },
    workload::Workload,
};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

const JOBS: u32 = 400_000;
/// Waiting times of jobs that follow one another are alike, so that even so many leave some chance.
const TOLERANCE: f64 = 0.08;

/// The mean time that a job waits, in units of the mean service.
fn mean_wait(workers: u32, order: Order, utilisation: f64, service: &ServiceTime, seed: u64) -> f64 {
    const MEAN: f64 = 1e-3;
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let between = ServiceTime::exponential_seconds(MEAN / utilisation / f64::from(workers));
    let mut station = Station::new(workers, order);
    let mut ends: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    let mut services: Vec<Option<Service>> = Vec::new();
    let (mut now, mut next) = (0, 0);
    let mut job = 0;
    while job < JOBS || !ends.is_empty() {
        match ends.peek() {
            Some(Reverse((end, place))) if *end <= next || job == JOBS => {
                now = *end;
                let place = *place as usize;
                ends.pop();
                station.finish(now, services[place].take().unwrap());
            }
            _ => {
                now = next;
                // Every job is of another Thing.
                station.arrive(now, job, job);
                job += 1;
                next += between.draw(&mut chance);
            }
        }
        while let Some(started) = station.start(now) {
            let place = services.len();
            services.push(Some(started.service));
            ends.push(Reverse((now + service.draw(&mut chance), u32::try_from(place).unwrap())));
        }
    }
    let counted = station.counted(now);
    // Little's law over the whole run, counted two ways.
    assert_eq!((counted.present, counted.came), (counted.spent, counted.left));
    let waited = counted.spent - counted.served;
    waited as f64 / f64::from(JOBS) / 1e9 / MEAN
}

/// The chance that a job has to wait (Erlang's C formula).
fn erlang_c(workers: u32, utilisation: f64) -> f64 {
    let offered = f64::from(workers) * utilisation;
    // Erlang's B by its recursion.
    let blocked = (1..=workers).fold(1.0, |blocked, c| offered * blocked / (f64::from(c) + offered * blocked));
    blocked / (1.0 - utilisation * (1.0 - blocked))
}

fn near(found: f64, wanted: f64) -> Result<(), TestCaseError> {
    prop_assert!((found / wanted - 1.0).abs() < TOLERANCE, "{} instead of {}", found, wanted);
    Ok(())
}

fn exponential() -> ServiceTime {
    ServiceTime::exponential_seconds(1e-3)
}

fn orders() -> impl Strategy<Value = Order> {
    prop::sample::select(vec![Order::Arrival, Order::TurnsOfKeys])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn m_m_1_waits_as_long_as_it_should(utilisation in 0.1f64..0.8, order in orders(), seed: u64) {
        near(mean_wait(1, order, utilisation, &exponential(), seed), utilisation / (1.0 - utilisation))?;
    }

    #[test]
    fn m_d_1_waits_half_as_long(utilisation in 0.1f64..0.8, order in orders(), seed: u64) {
        let constant = ServiceTime::Constant(1e6);
        near(mean_wait(1, order, utilisation, &constant, seed), utilisation / 2.0 / (1.0 - utilisation))?;
    }

    #[test]
    fn m_m_c_waits_as_erlang_says(workers in 2u32..8, utilisation in 0.6f64..0.85, order in orders(), seed: u64) {
        let wanted = erlang_c(workers, utilisation) / f64::from(workers) / (1.0 - utilisation);
        near(mean_wait(workers, order, utilisation, &exponential(), seed), wanted)?;
    }

    /// The whole way, if only `_wfe` takes any time: what two people on a Thing see of each other is one M/M/1.
    #[test]
    fn the_whole_way_with_one_slow_stage_is_m_m_1(utilisation in 0.1f64..0.7, seed: u64) {
        let workload = Workload { clients: 20_000, edits_per_second: utilisation / 20.0, per_thing: 2 };
        let times = Times { edit: exponential(), ..Times::none() };
        let setup = Setup { seconds: 300.0, warm_up_seconds: 5.0, seed, ..Setup::new(workload, times) };
        near(setup.run().unwrap().propagation.mean * 1e3, 1.0 / (1.0 - utilisation))?;
    }

    #[test]
    fn a_busy_process_has_as_many_jobs_as_little_says(utilisation in 0.1f64..0.7, seed: u64) {
        let workload = Workload { clients: 20_000, edits_per_second: utilisation / 20.0, per_thing: 2 };
        let times = Times { edit: exponential(), ..Times::none() };
        let outcome = Setup { seconds: 300.0, seed, ..Setup::new(workload, times) }.run().unwrap();
        let wfe = &outcome.stations[0];
        near(wfe.mean_jobs, outcome.edits as f64 / 300.0 * wfe.mean_seconds)?;
        near(wfe.utilisation, utilisation)?;
    }
}

#[test]
fn erlang_knows_the_case_of_one_worker() {
    assert!((erlang_c(1, 0.7) - 0.7).abs() < 1e-12);
}
