//! What stands in the tables of a report.

use crate::{
    calibration::Kind,
    measured::{Measured, Run},
    units::{show_bytes, show_number, show_seconds},
};

/// A row for each step, below their heads.
pub(super) fn steps(run: &Run) -> Vec<Vec<String>> {
    let heads = [
        "clients",
        "edits/s",
        "deliveries/s",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "_sfe",
        "server, cores",
        "memory",
        "deliveries per CPU s",
        "generator",
        "",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(run.steps.iter().map(|step| self::step(run, step)));
    rows
}

fn step(run: &Run, step: &Measured) -> Vec<String> {
    let figures = &step.figures;
    let times = &figures.propagation;
    let or_unknown = |figure: Option<String>| figure.unwrap_or_else(|| "not known".into());
    let mut row = vec![
        show_number(step.plan.clients.into()),
        rate(figures.edits_per_second),
        rate(figures.deliveries_per_second),
    ];
    row.extend([times.p50_us, times.p90_us, times.p99_us, times.p99_9_us, times.max_us].map(micros));
    row.push(or_unknown(figures.processes.get(&Kind::Sfe).map(|usage| usage.count.to_string())));
    row.push(or_unknown(step.server_cpu().map(|cpu| format!("{cpu:.2}"))));
    row.push(or_unknown(step.server_memory().map(|bytes| show_bytes(bytes as f64))));
    row.push(or_unknown(step.deliveries_per_cpu_second().map(rate)));
    row.push(format!("{:.2}", figures.generator_cpu));
    row.push(remark(run, step).into());
    row
}

fn remark(run: &Run, step: &Measured) -> &'static str {
    match (step.is_whole(), step.is_valid(), step.meets(&run.slo)) {
        (false, ..) => "BROKEN",
        (_, false, _) => "INVALID",
        (_, _, false) => "MISSED",
        _ => "met",
    }
}

/// What was lost, came twice or late, for each step.
pub(super) fn whole(run: &Run) -> Vec<Vec<String>> {
    let heads = [
        "clients",
        "lost",
        "duplicate",
        "out of order",
        "edits without an answer",
        "sent late, p99",
        "answered, p50",
        "answered, p99",
        "connected, p99",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(run.steps.iter().map(|step| {
        let mut row = vec![show_number(step.plan.clients.into())];
        let misplaced = step.misplaced;
        let counts = [misplaced.lost, misplaced.duplicate, misplaced.out_of_order, step.unanswered];
        row.extend(counts.map(|count| count.to_string()));
        let answered = &step.figures.acknowledgement;
        row.extend([step.lateness.p99_us, answered.p50_us, answered.p99_us, step.connecting.p99_us].map(micros));
        row
    }));
    rows
}

/// CPU and memory of each kind of process, for each step.
pub(super) fn processes(run: &Run) -> Vec<Vec<String>> {
    let heads = ["clients", "process", "how many", "cores", "busiest of them", "memory", "descriptors"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for step in &run.steps {
        for (kind, usage) in &step.figures.processes {
            rows.push(vec![
                show_number(step.plan.clients.into()),
                kind.name().into(),
                usage.count.to_string(),
                format!("{:.3}", usage.cpu),
                format!("{:.3}", step.busiest.get(kind).copied().unwrap_or_default()),
                show_bytes(usage.memory_bytes as f64),
                show_number(usage.descriptors as f64),
            ]);
        }
    }
    rows
}

/// What was done to the server, and what came of it.
pub(super) fn incidents(run: &Run) -> Vec<Vec<String>> {
    let heads = ["at", "what", "connections dropped", "all back after", "longest propagation"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for incident in run.steps.iter().flat_map(|step| &step.incidents) {
        rows.push(vec![
            show_seconds(incident.at_seconds),
            incident.what.clone(),
            incident.dropped.to_string(),
            incident.back_seconds.map_or_else(|| "not before the end".into(), show_seconds),
            micros(incident.longest_us),
        ]);
    }
    rows
}

/// Those who came and went.
pub(super) fn visits(run: &Run) -> Vec<Vec<String>> {
    let heads = ["clients", "what", "how many", "p50", "p99", "failed"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for step in &run.steps {
        for (name, visits) in &step.visits {
            rows.push(vec![
                show_number(step.plan.clients.into()),
                name.clone(),
                show_number(visits.took.count as f64),
                micros(visits.took.p50_us),
                micros(visits.took.p99_us),
                visits.failed.to_string(),
            ]);
        }
    }
    rows
}

/// What went wrong, in words.
pub(super) fn complaints(run: &Run) -> Vec<Vec<String>> {
    let mut rows = vec![["clients", "complaint"].map(str::to_owned).to_vec()];
    for step in &run.steps {
        let clients = show_number(step.plan.clients.into());
        rows.extend(step.complaints.iter().map(|why| vec![clients.clone(), why.clone()]));
    }
    rows
}

/// What was tested where, as names and values.
pub(super) fn facts(run: &Run) -> Vec<(&'static str, String)> {
    let machine = &run.machine;
    let settings = if run.server.settings.is_empty() { "defaults".into() } else { run.server.settings.join(", ") };
    let steps = run.steps.iter().map(|step| step.plan.clients.to_string()).collect::<Vec<_>>().join(", ");
    let plans = run.steps.iter().map(|step| (step.plan.edits_per_second, step.plan.per_thing));
    let mut rates: Vec<String> =
        plans.map(|(rate, company)| format!("{} edits/s each, {company} on a Thing", show_number(rate))).collect();
    rates.dedup();
    vec![
        (
            "Server",
            format!(
                "WidgetApp {}, {} build, {}",
                run.server.version,
                machine.build_profile,
                if run.server.own { "started for this" } else { run.server.url.as_str() }
            ),
        ),
        ("Settings", settings),
        ("Clients", steps),
        ("Who", run.mix.to_string()),
        ("What they do", rates.join("; ")),
        ("Wanted", run.slo.to_string()),
        (
            "Machine",
            format!(
                "{} processors, {}, {}, {}",
                machine.processors,
                machine.model,
                show_bytes(machine.memory_bytes as f64),
                machine.kernel
            ),
        ),
        ("Seed", run.seed.to_string()),
    ]
}

pub(super) fn micros(micros: f64) -> String {
    show_seconds(micros / 1e6)
}

pub(super) fn rate(per_second: f64) -> String {
    show_number(if per_second >= 100.0 { per_second.round() } else { (per_second * 10.0).round() / 10.0 })
}
