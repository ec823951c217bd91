use proptest::prelude::*;

use super::*;

fn workload(clients: u32, edits_per_second: f64, per_thing: u32) -> Workload {
    Workload { clients, edits_per_second, per_thing }
}

/// Some time everywhere.
fn times() -> Times {
    let time = |text: &str| text.parse().unwrap();
    Times {
        edge: time("2ms"),
        link: Duration::from_millis(1),
        request: time("10us"),
        edit: time("60us"),
        commit: time("300us"),
        change: time("10us"),
        delivery: time("constant:8us"),
        opening: time("100us"),
    }
}

fn losses() -> impl Strategy<Value = Option<Loss>> {
    let what = prop::sample::select(vec![Lost::Wfe, Lost::Sfe, Lost::Stream, Lost::Instance]);
    let loss = (what, 0.0f64..1.9, 0.0f64..3.0);
    prop::option::of(loss.prop_map(|(what, at_seconds, restart_seconds)| Loss { what, at_seconds, restart_seconds }))
}

prop_compose! {
    fn setups()(
        clients in 1u32..120, rate in 0.1f64..20.0, company in 1u32..30, nodes in 1u32..4, instances in 1u32..4,
        streams_per_instance in 1u32..3, wfe_workers in 1u32..4, sfe_workers in 1u32..4, loss in losses(),
        admissions in prop::option::of(5.0f64..200.0), seed: u64,
    ) -> Setup {
        Setup {
            nodes, instances, streams_per_instance, wfe_workers, sfe_workers, loss, seed,
            seconds: 2.0,
            warm_up_seconds: 0.0,
            admissions_per_second: admissions,
            ..Setup::new(workload(clients, rate, company.min(clients)), times())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever is lost, every edit reaches everyone else on its Thing once, and Little's law holds everywhere:
    /// `run` fails otherwise.
    #[test]
    fn nothing_is_lost_and_nothing_comes_twice(setup in setups()) {
        let outcome = setup.run().unwrap();
        prop_assert_eq!(outcome.propagation.count, outcome.deliveries);
        prop_assert_eq!(outcome.acknowledgement.count, outcome.edits);
    }

    #[test]
    fn the_same_seed_gives_the_same_outcome(setup in setups()) {
        prop_assert_eq!(setup.run(), setup.run());
    }
}

#[test]
fn without_work_an_edit_takes_the_way_there_and_back() {
    let edge = "constant:5ms".parse().unwrap();
    let outcome = Setup::new(workload(100, 2.0, 10), Times { edge, ..Times::none() }).run().unwrap();
    assert!((outcome.propagation.p50 - 0.01).abs() < 1e-4, "{:?}", outcome.propagation);
    assert!((outcome.propagation.max - outcome.propagation.p50).abs() < 1e-4, "{:?}", outcome.propagation);
}

#[test]
fn processes_are_as_busy_as_the_work_says() {
    let outcome = Setup { instances: 2, seconds: 60.0, ..Setup::new(workload(1_000, 2.0, 10), times()) }.run().unwrap();
    let busy = |name| outcome.stations.iter().find(|busy| busy.name == name).unwrap().utilisation;
    // 2,000 edits/s of 60 us; 18,000 deliveries/s of 8 us in two processes.
    assert!((busy("_wfe") - 0.12).abs() < 0.01, "{}", busy("_wfe"));
    assert!((busy("_stream") - 0.072).abs() < 0.005, "{}", busy("_stream"));
    assert_eq!(outcome.overloaded(), Vec::<&str>::new());
}

#[test]
fn too_much_work_is_told() {
    let outcome = Setup::new(workload(1_000, 20.0, 2), times()).run().unwrap();
    assert_eq!(outcome.overloaded(), ["_wfe"]);
    assert!(outcome.show().contains("OVERLOADED: _wfe does not keep up"));
}

#[test]
fn edits_that_wait_for_the_disk_go_there_together() {
    let commit = "constant:100ms".parse().unwrap();
    let outcome = Setup::new(workload(1_000, 2.0, 2), Times { commit, ..Times::none() }).run().unwrap();
    // One by one, 2,000 a second would need 200 seconds each second; together they wait for at most two groups.
    assert!(outcome.propagation.max < 0.2001, "{:?}", outcome.propagation);
}

fn lost(what: Lost, admissions_per_second: Option<f64>) -> outcome::Recovery {
    let loss = Some(Loss { what, at_seconds: 10.0, restart_seconds: 0.5 });
    let setup = Setup { instances: 4, seconds: 60.0, loss, ..Setup::new(workload(2_000, 0.5, 10), times()) };
    Setup { admissions_per_second, ..setup }.run().unwrap().recovery.unwrap()
}

#[test]
fn a_lost_stream_drops_its_clients_and_they_come_back() {
    let recovery = lost(Lost::Stream, None);
    assert_eq!((recovery.dropped, recovery.refused), (500, 0));
    assert!(recovery.all_back_seconds > 0.3 && recovery.all_back_seconds < 0.7, "{recovery:?}");
    assert!(recovery.settled_seconds.is_some_and(|seconds| seconds <= 2.0), "{recovery:?}");
}

#[test]
fn a_lost_sfe_drops_nobody() {
    let recovery = lost(Lost::Sfe, None);
    assert_eq!((recovery.dropped, recovery.all_back_seconds), (0, 0.0));
    assert!(recovery.settled_seconds.is_some_and(|seconds| seconds > 0.0), "{recovery:?}");
}

#[test]
fn a_bound_on_new_connections_stretches_the_return() {
    let bounded = lost(Lost::Stream, Some(50.0));
    assert!(bounded.refused > 0 && bounded.all_back_seconds > 5.0, "{bounded:?}");
    assert!(bounded.settled_seconds > lost(Lost::Stream, None).settled_seconds);
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    let setup = Setup::new(workload(100, 1.0, 10), times());
    for (setup, what) in [
        (Setup { workload: workload(0, 1.0, 1), ..setup.clone() }, "0 clients"),
        (Setup { workload: workload(5, 1.0, 10), ..setup.clone() }, "10 clients on a Thing"),
        (Setup { instances: 0, ..setup.clone() }, "0 `_stream` processes"),
        (Setup { seconds: 0.0, ..setup.clone() }, "0 seconds"),
        (Setup { warm_up_seconds: 10.0, ..setup.clone() }, "warm-up"),
        (Setup { workload: workload(1_000_000, 100.0, 10), ..setup.clone() }, "simulate fewer seconds"),
        (Setup { admissions_per_second: Some(0.0), ..setup }, "more than 0"),
    ] {
        let error = setup.run().unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn losses_are_read() {
    let loss: Loss = "stream@30s".parse().unwrap();
    assert_eq!((loss.what, loss.at_seconds), (Lost::Stream, 30.0));
    assert!("stream".parse::<Loss>().unwrap_err().contains("stream@30s"));
    assert!("disk@3s".parse::<Loss>().unwrap_err().contains("wfe, sfe, stream or instance"));
    assert!("sfe@soon".parse::<Loss>().unwrap_err().contains("duration"));
}
