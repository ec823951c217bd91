//! The page of metrics, from the tables by which the server counts and measures.

use std::fmt::Write as _;

use widgetapp::{
    metrics::{self, Kind},
    supervisor::figures,
};

const HEAD: &str = "# All metrics

This page is made from the program's own tables.

`GET /metrics` at the address of [`metrics.listen`](configuration.md#metrics) answers with these in the text format of
Prometheus. [Watching](watching.md#metrics) tells how to have them read, and what to be warned of.

## What the server counts

The sums of all processes since the server started; they never fall while it runs. A process tells what it has counted
once a second. What a killed process had not told yet is not in them.

| name | type | labels | what it means |
|---|---|---|---|
";

/// The page as it should be.
pub(super) fn page() -> String {
    let mut page = HEAD.to_owned();
    for metric in metrics::ALL {
        let (kind, labels) = match metric.kind {
            Kind::Counter(series) => ("counter", labels(&series())),
            Kind::Histogram(_) => ("histogram", "`le`".into()),
        };
        row(&mut page, metric.name, kind, &labels, metric.help);
    }
    page += "\n## What is measured of each process\n\n\
             Each has the labels `process`, which is `_wfe`, `_sfe` or `_stream`, and `id`, as `widgetapp_admin \
             -status` shows it. What a process has counted itself begins anew when it is started anew.\n\n\
             | name | type | what it means |\n|---|---|---|\n";
    for figure in &figures::ALL {
        writeln!(page, "| `{}` | {} | {} |", figure.name, figure.kind, figure.help).expect("text takes all text");
    }
    page += "\n## The program\n\n| name | type | labels | what it means |\n|---|---|---|---|\n";
    let figures::Build { name, help, label } = figures::BUILD;
    row(&mut page, name, "gauge", &format!("`{label}`"), help);
    page
}

fn row(page: &mut String, name: &str, kind: &str, labels: &str, help: &str) {
    writeln!(page, "| `{name}` | {kind} | {labels} | {help} |").expect("text takes all text");
}

/// The labels of a metric, with the values of those that have few.
fn labels(series: &[metrics::Labels]) -> String {
    const FEW: usize = 11;
    let first = series.first().map(Vec::as_slice).unwrap_or_default();
    let values = |label: usize| -> Vec<&str> { series.iter().map(|labels| labels[label].1.as_str()).collect() };
    let described = first.iter().enumerate().map(|(place, (name, _))| match &values(place)[..] {
        few if few.len() <= FEW => format!("`{name}`: {}", few.join(", ")),
        _ => format!("`{name}`"),
    });
    described.collect::<Vec<_>>().join("; ")
}
