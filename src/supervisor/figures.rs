//! What the metrics tell of each process, beside what the processes count: a figure for each, labelled with its kind
//! and number.

use super::admin::ProcessStatus;
use crate::metrics::{Labels, Totals, exposition::Text};

/// One figure of every process.
#[derive(Debug)]
pub struct Figure {
    /// As Prometheus knows it.
    pub name: &'static str,
    /// `gauge` or `counter`.
    pub kind: &'static str,
    /// What it means, in one sentence.
    pub help: &'static str,
    value: fn(&ProcessStatus) -> Option<f64>,
}

/// What tells of the program itself.
#[derive(Debug)]
pub struct Build {
    /// As Prometheus knows it.
    pub name: &'static str,
    /// What it means, in one sentence.
    pub help: &'static str,
    /// Its label.
    pub label: &'static str,
}

/// The version of the program.
pub const BUILD: Build =
    Build { name: "widgetapp_build_info", help: "Always 1; the label tells the version.", label: "version" };

/// All of them.
pub const ALL: [Figure; 12] = [
    Figure {
        name: "widgetapp_process_up",
        kind: "gauge",
        help: "1 while the process does its work, 0 while it starts, ends or is set aside.",
        value: |status| Some(f64::from(u8::from(status.state == "running"))),
    },
    Figure {
        name: "widgetapp_process_clients",
        kind: "gauge",
        help: "Clients connected through the process; each is counted by its _stream and by its _sfe.",
        value: |status| status.clients.map(f64::from),
    },
    Figure {
        name: "widgetapp_process_cpu_seconds_total",
        kind: "counter",
        help: "Processor time since the process was started.",
        value: |status| status.cpu_seconds,
    },
    Figure {
        name: "widgetapp_process_memory_bytes",
        kind: "gauge",
        help: "The process's own share of memory (PSS), read every ten seconds.",
        value: |status| status.memory_bytes.map(|bytes| bytes as f64),
    },
    Figure {
        name: "widgetapp_process_resident_memory_bytes",
        kind: "gauge",
        help: "What of the process is in memory (RSS), with the pages that it shares with others.",
        value: |status| status.resident_bytes.map(|bytes| bytes as f64),
    },
    Figure {
        name: "widgetapp_process_messages_received_total",
        kind: "counter",
        help: "Messages from clients since the process was started.",
        value: |status| status.received.map(|count| count as f64),
    },
    Figure {
        name: "widgetapp_process_messages_sent_total",
        kind: "counter",
        help: "Messages to clients since the process was started; an _sfe sends one that goes to many once.",
        value: |status| status.sent.map(|count| count as f64),
    },
    Figure {
        name: "widgetapp_process_waiting_bytes",
        kind: "gauge",
        help: "Bytes that wait to be written to clients or to other processes.",
        value: |status| status.waiting_bytes.map(|bytes| bytes as f64),
    },
    Figure {
        name: "widgetapp_process_uptime_seconds",
        kind: "gauge",
        help: "Time since the process was started.",
        value: |status| Some(status.uptime_seconds as f64),
    },
    Figure {
        name: "widgetapp_process_restarts_total",
        kind: "counter",
        help: "How often the process was started again because it had ended by itself.",
        value: |status| Some(status.restarts as f64),
    },
    Figure {
        name: "widgetapp_process_rogue",
        kind: "gauge",
        help: "1 while the process takes too much processor time or memory, else 0.",
        value: |status| Some(f64::from(u8::from(status.rogue.is_some()))),
    },
    Figure {
        name: "widgetapp_process_rogue_restarts_total",
        kind: "counter",
        help: "How often the server has restarted the process because it was rogue.",
        value: |status| Some(status.rogue_restarts as f64),
    },
];

/// All that is scraped.
pub fn text(totals: &Totals, processes: &[ProcessStatus]) -> String {
    let mut text = Text::default();
    let version = [(vec![(BUILD.label, env!("CARGO_PKG_VERSION").to_owned())], 1.0)];
    text.metric(BUILD.name, "gauge", BUILD.help, version.into_iter());
    text.totals(totals);
    for Figure { name, kind, help, value } in &ALL {
        let series = processes.iter().filter_map(|status| Some((labels(status), value(status)?)));
        text.metric(name, kind, help, series);
    }
    text.finish()
}

fn labels(status: &ProcessStatus) -> Labels {
    vec![("process", status.process.clone()), ("id", status.id.clone())]
}
