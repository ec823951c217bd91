//! The report as one page of HTML: no script, nothing from elsewhere, so that it can be sent and kept.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    Comparison,
    plot::{Line, Plot},
    rows,
};
use crate::{
    calibration::{Distribution, Kind},
    measured::{Measured, Run, Second},
};

const STYLE: &str = "
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:1060px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .5rem;border-bottom:1px solid #ccc}
.word{display:inline-block;padding:0 .5em;border:2px solid;border-radius:4px}
.good{color:#1c6b3a}.bad{color:#a3261f}
table{border-collapse:collapse;display:block;overflow-x:auto}
th,td{padding:.2rem .7rem .2rem 0;text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
th{font-weight:600;border-bottom:1px solid #999;vertical-align:bottom}
td:first-child,th:first-child,.facts td{text-align:left}.facts td{white-space:normal;vertical-align:top}
.plots{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;flex:1 1 440px;max-width:640px}
figure.wide{max-width:none;flex-basis:100%}figcaption{font-weight:600}
svg text{font:11px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}.mark{stroke:#a3261f;stroke-dasharray:3 3}
.legend{margin:0;font-size:.85rem}.legend span{margin-right:1.2em;white-space:nowrap}
.key{width:30px;height:6px;margin-right:.4em;vertical-align:middle}
";

pub(super) fn page(run: &Run, comparison: Option<&Comparison>) -> Markup {
    let verdict = run.verdict();
    let class = if verdict.code == 0 { "word good" } else { "word bad" };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { "Load test: " (verdict.word) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Load test " span class=(class) { (verdict.word) } }
                ul { @for reason in &verdict.reasons { li { (reason) } } }
                table.facts {
                    @for (name, value) in rows::facts(run) { tr { td { b { (name) } } td { (value) } } }
                }
                h2 { "Against the load" }
                div.plots { @for plot in against_load(run) { (plot.draw()) } }
                (section("Steps", &rows::steps(run)))
                p {
                    "Propagation counts from the moment at which an edit was to be sent until a receiver had it, for each "
                    "receiver. The generator and, if it was started for this, the server share the machine's processors."
                }
                (section("Whole and in order", &rows::whole(run)))
                h2 { "Second by second" }
                div.plots { @for plot in over_time(run) { (plot.draw()) } }
                (section("What happened", &rows::incidents(run)))
                (section("Processes", &rows::processes(run)))
                (section("Visits", &rows::visits(run)))
                (section("Complaints", &rows::complaints(run)))
                @if let Some(validation) = &run.validation {
                    (section("Predicted from the lighter steps", &validation.rows()))
                    p {
                        "Allowed are 15 % for CPU, memory and throughput, and 25 % for p99: "
                        @if validation.holds() { "held." } @else { "not held." }
                    }
                }
                @if let Some(comparison) = comparison {
                    (section("Beside the earlier run", &comparison.rows()))
                    @for doubt in &comparison.doubts { p { "Note: " (doubt) "." } }
                }
            }
        }
    }
}

/// A table with its heading; nothing if it has no rows.
fn section(title: &str, rows: &[Vec<String>]) -> Markup {
    let Some((heads, rows)) = rows.split_first().filter(|(_, rows)| !rows.is_empty()) else { return html! {} };
    html! {
        h2 { (title) }
        table {
            tr { @for head in heads { th { (head) } } }
            @for row in rows { tr { @for cell in row { td { (cell) } } } }
        }
    }
}

fn line(name: &str, points: impl Iterator<Item = (f64, f64)>) -> Line {
    Line { name: name.into(), points: points.collect() }
}

fn against_load(run: &Run) -> Vec<Plot> {
    let mut steps: Vec<&Measured> = run.steps.iter().collect();
    steps.sort_by(|a, b| a.figures.deliveries_per_second.total_cmp(&b.figures.deliveries_per_second));
    let per_step = |name: &str, of: &dyn Fn(&Measured) -> f64| {
        line(name, steps.iter().map(|step| (step.figures.deliveries_per_second, of(step))))
    };
    let x = "deliveries/s";
    let latency =
        |name: &str, of: fn(&Distribution) -> f64| per_step(name, &|step| of(&step.figures.propagation) / 1e3);
    let cpu = |kind: Kind| {
        per_step(kind.name(), &|step| step.figures.processes.get(&kind).map_or(f64::NAN, |usage| usage.cpu))
    };
    let memory = |kind: Kind| {
        let bytes = move |step: &Measured| step.figures.processes.get(&kind).map(|usage| usage.memory_bytes);
        per_step(kind.name(), &|step| bytes(step).map_or(f64::NAN, |bytes| bytes as f64 / 1_048_576.0))
    };
    let mut cores: Vec<Line> = Kind::ALL.map(cpu).into();
    cores.push(per_step("generator", &|step| step.figures.generator_cpu));
    vec![
        Plot {
            title: "Propagation",
            x,
            y: "ms",
            lines: vec![
                latency("p50", |times| times.p50_us),
                latency("p90", |times| times.p90_us),
                latency("p99", |times| times.p99_us),
                latency("p99.9", |times| times.p99_9_us),
            ],
            marks: vec![],
        },
        Plot {
            title: "Throughput",
            x,
            y: "edits/s",
            lines: vec![
                per_step("asked", &|step| step.figures.edits_per_second_asked),
                per_step("acknowledged", &|step| step.figures.edits_per_second),
            ],
            marks: vec![],
        },
        Plot { title: "CPU", x, y: "cores", lines: cores, marks: vec![] },
        Plot { title: "Memory", x, y: "MiB", lines: Kind::ALL.map(memory).into(), marks: vec![] },
    ]
}

fn over_time(run: &Run) -> Vec<Plot> {
    let seconds = || run.steps.iter().flat_map(|step| &step.timeline);
    let over =
        |name: &str, of: &dyn Fn(&Second) -> f64| line(name, seconds().map(|second| (second.at_seconds, of(second))));
    let incidents = run.steps.iter().flat_map(|step| &step.incidents);
    let marks: Vec<(f64, String)> = incidents.map(|incident| (incident.at_seconds, incident.what.clone())).collect();
    let x = "seconds";
    let of_kind =
        |kind: Kind, of: &dyn Fn(&Second) -> Option<f64>| over(kind.name(), &|second| of(second).unwrap_or(f64::NAN));
    let mut cores: Vec<Line> = Kind::ALL.map(|kind| of_kind(kind, &|second| second.cpu.get(&kind).copied())).into();
    cores.push(over("generator", &|second| second.generator_cpu));
    let memory =
        |kind: Kind| of_kind(kind, &|second| second.resident_bytes.get(&kind).map(|bytes| *bytes as f64 / 1_048_576.0));
    let mut resident: Vec<Line> = Kind::ALL.map(memory).into();
    resident.push(over("generator", &|second| second.generator_bytes as f64 / 1_048_576.0));
    let plot = |title, y, lines| Plot { title, x, y, lines, marks: marks.clone() };
    vec![
        plot("Clients", "connected", vec![over("clients", &|second| second.clients.into())]),
        plot(
            "Edits and deliveries",
            "per second",
            vec![over("edits", &|second| second.edits as f64), over("deliveries", &|second| second.deliveries as f64)],
        ),
        plot(
            "Propagation",
            "ms",
            vec![over("p50", &|second| second.p50_us / 1e3), over("p99", &|second| second.p99_us / 1e3)],
        ),
        plot("CPU", "cores", cores),
        plot("Memory (RSS, shared pages counted for each)", "MiB", resident),
    ]
}
