use proptest::prelude::*;

use super::*;
use crate::synthetic;

fn question(clients: u32, edits_per_second: f64, per_thing: u32) -> Question {
    let workload = Workload { clients, edits_per_second, per_thing };
    Question::new(workload, "p99<100ms".parse().unwrap(), &synthetic::calibration())
}

fn answer(question: &Question) -> Plan {
    question.answer(&synthetic::calibration()).unwrap()
}

fn of(plan: &Plan, name: Name) -> &Constraint {
    plan.constraints.iter().find(|constraint| constraint.name == name).unwrap()
}

#[test]
fn an_easy_load_needs_one_instance_and_one_to_lose() {
    let plan = answer(&question(300, 1.0, 10));
    assert!(plan.met && plan.instances == 2 && plan.binding.is_empty() && plan.extrapolated.is_empty(), "{plan:?}");
    assert_eq!(plan.instances_by_default, 31);
    assert_eq!(instances_by_rule(300, plan.clients_per_instance), 2);
    assert!(plan.show().contains("MET with 2 _sfe: one does everything, and one to lose"), "{}", plan.show());
}

/// By hand: a `_stream` has 0.8 · 1,024 files, 15 of its own and one for each client, so two are needed for 1,500
/// clients.
#[test]
fn the_constraint_that_needs_the_most_decides() {
    let plan = answer(&question(1_500, 0.5, 10));
    assert_eq!((plan.met, plan.instances, plan.binding.as_slice()), (true, 3, [Name::OpenFiles].as_slice()));
    let without = answer(&Question { spare: false, ..question(1_500, 0.5, 10) });
    assert_eq!(without.instances, 2);
}

/// By hand: 15,000 deliveries/s of 8 us each and little else make some 0.14 core of `_stream`.
#[test]
fn less_cpu_for_each_process_needs_more_of_them() {
    let question = Question { open_files: 1e6, ..question(1_000, 1.0, 16) };
    let plan = answer(&Question { cpu: 0.25, ..question.clone() });
    let tight = answer(&Question { cpu: 0.12, ..question });
    assert_eq!((plan.met, plan.instances, plan.binding.as_slice()), (true, 2, [].as_slice()));
    assert_eq!((tight.met, tight.instances, tight.binding.as_slice()), (true, 3, [Name::StreamCpu].as_slice()));
}

/// By hand: an edit takes 100 us of `_wfe`, so 10,000 of them a second take a whole core.
#[test]
fn what_wfe_takes_is_not_helped_by_instances() {
    let plan = answer(&question(2_000, 5.0, 10));
    assert!(!plan.met && plan.binding.contains(&Name::WfeCpu), "{plan:?}");
    assert_eq!(of(&plan, Name::WfeCpu).needed, Needed::Never);
    let text = plan.show();
    assert!(text.contains("MISSED, however many _sfe run: CPU of _wfe"), "{text}");
    assert!(text.contains("All Things are in one _wfe"), "{text}");
    assert!(!text.contains("-start") && plan.instances > 1, "what does not help is not advised: {text}");
}

#[test]
fn no_more_start_by_default_than_may() {
    let plan = answer(&question(2_000, 0.1, 10));
    assert_eq!(plan.instances_by_default, DEFAULT_MAX_INSTANCES);
    let text = plan.show();
    assert!(
        text.contains("64 _sfe: one, and one more for every 10 clients, but no more than sfe.max_instances"),
        "{text}"
    );
}

#[test]
fn what_no_number_of_processes_takes_is_told() {
    let plan = answer(&Question { cpu: 1e-6, ..question(300, 1.0, 10) });
    assert!(plan.binding.contains(&Name::SfeCpu), "{plan:?}");
    assert!(plan.show().contains("Not even 1,000 _sfe share the work thinly enough"), "{}", plan.show());
}

#[test]
fn a_smaller_machine_is_too_small() {
    for (question, name) in [
        (Question { memory_bytes: 30e6, ..question(300, 1.0, 10) }, Name::Memory),
        (Question { network_bits: 1e6, ..question(300, 1.0, 10) }, Name::Network),
        (Question { processors: 0.05, ..question(300, 1.0, 10) }, Name::Processors),
    ] {
        let plan = answer(&question);
        assert_eq!((plan.met, plan.binding.as_slice()), (false, [name].as_slice()));
        assert!(plan.show().contains("A larger machine is needed"), "{}", plan.show());
    }
    let plan = answer(&Question { open_files: 10.0, ..question(300, 1.0, 10) });
    assert!(!plan.met && plan.show().contains("Raise the number of files"), "{}", plan.show());
}

#[test]
fn a_latency_that_the_way_alone_exceeds_is_missed() {
    let edge = "constant:60ms".parse().unwrap();
    let plan = answer(&Question { edge, ..question(300, 1.0, 10) });
    assert_eq!((plan.met, plan.binding.as_slice()), (false, [Name::Latency].as_slice()));
    assert!(of(&plan, Name::Latency).takes.estimate > 0.12, "{plan:?}");
    assert!(plan.show().contains("with clients that are nearer (--edge)"), "{}", plan.show());
}

#[test]
fn the_simulated_latency_is_stretched_to_what_was_measured() {
    let mut calibration = synthetic::calibration();
    let exact = of(&question(300, 1.0, 10).answer(&calibration).unwrap(), Name::Latency).takes.estimate;
    calibration.steps.iter_mut().for_each(|step| step.propagation.p99_us *= 20.0);
    let slow = question(300, 1.0, 10).answer(&calibration).unwrap();
    assert!(of(&slow, Name::Latency).takes.estimate > 5.0 * exact, "{slow:?}");
    assert!(slow.show().contains("the simulated latency is multiplied by"), "{}", slow.show());
}

#[test]
fn what_was_not_measured_is_marked() {
    let plan = answer(&question(20_000, 0.01, 10));
    assert_eq!(plan.extrapolated.iter().map(|beyond| beyond.what).next(), Some("clients"));
    let text = plan.show();
    assert!(text.contains("EXTRAPOLATED") && text.contains("clients: 20,000 asked, 1,000 measured at most"), "{text}");
    let marked: Vec<bool> =
        answer(&question(300, 1.0, 10)).sensitivity.iter().map(|variant| variant.extrapolated).collect();
    assert_eq!(marked, [false, false, false, false, true]);
}

#[test]
fn doubts_are_told() {
    let mut calibration = synthetic::calibration();
    calibration.machine.build_profile = "dev".into();
    calibration.steps[0].invalid.push("the generator was too busy".into());
    let text = question(300, 1.0, 10).answer(&calibration).unwrap().show();
    assert!(
        text.contains("a dev build was measured") && text.contains("1 of 10 measured steps do not count"),
        "{text}"
    );
}

#[test]
fn stages_that_were_not_measured_are_taken_from_the_cpu() {
    let mut calibration = synthetic::calibration();
    calibration.stages = crate::calibration::Stages::default();
    assert!(question(300, 1.0, 10).answer(&calibration).unwrap().met);
}

#[test]
fn the_commands_and_settings_are_given() {
    let text = answer(&question(1_500, 0.5, 10)).show();
    assert!(text.contains("widgetapp_admin -process _sfe -n 3 -start"), "{text}");
    assert!(text.contains("[sfe]\n  clients_per_instance = 750\n"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// What is to be set makes the product start as many as were planned, or more.
    #[test]
    fn the_setting_starts_what_was_planned(clients in 2u32..3_000, rate in 0.01f64..1.0, company in 1u32..40) {
        let plan = answer(&question(clients, rate, company.min(clients)));
        prop_assert!(instances_by_rule(clients, plan.clients_per_instance) >= plan.instances.min(clients));
    }

    /// More clients never need fewer instances.
    #[test]
    fn more_clients_need_no_fewer_instances(clients in 10u32..2_000, rate in 0.01f64..1.0) {
        let (some, more) = (answer(&question(clients, rate, 5)), answer(&question(clients * 2, rate, 5)));
        prop_assert!(more.instances >= some.instances, "{} and {}", some.instances, more.instances);
    }
}
