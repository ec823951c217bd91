//! The table of processes: its columns, and what stands in their cells.

use widgetapp::supervisor::admin::ProcessStatus;

/// The columns, in order.
pub const HEAD: [&str; 13] = [
    "PROCESS", "ID", "PID", "STATE", "CLIENTS", "CPU", "MEMORY", "IN/S", "OUT/S", "QUEUE", "UPTIME", "RESTARTS",
    "ROGUE",
];

/// The cells of one process. What is not known, or has no sense for it, is a dash.
pub fn cells(status: &ProcessStatus) -> [String; HEAD.len()] {
    fn or_dash<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
        value.map_or_else(|| "-".into(), show)
    }
    let rate = |per_second: f64| format!("{per_second:.1}");
    let rogue = match (status.rogue, status.left_alone) {
        (None, _) => "no".into(),
        (Some(too_much), false) => too_much.to_string(),
        (Some(too_much), true) => format!("{too_much}, left alone"),
    };
    [
        status.process.clone(),
        status.id.clone(),
        or_dash(status.pid, |pid| pid.to_string()),
        status.state.clone(),
        or_dash(status.clients, |clients| clients.to_string()),
        or_dash(status.cpu_percent, |percent| format!("{percent:.1} %")),
        or_dash(status.memory_bytes, size),
        or_dash(status.received_per_second, rate),
        or_dash(status.sent_per_second, rate),
        or_dash(status.waiting_bytes, size),
        format!("{} s", status.uptime_seconds),
        status.restarts.to_string(),
        rogue,
    ]
}

/// The table as text.
pub fn text(processes: &[ProcessStatus]) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(processes.iter().map(cells));
    let widths = widths(&rows);
    let line = |row: &[String; HEAD.len()]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// How wide each column has to be.
pub fn widths(rows: &[[String; HEAD.len()]]) -> [usize; HEAD.len()] {
    std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0))
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    let kibibytes = bytes as f64 / 1024.0;
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{kibibytes:.1} KiB"),
        _ => format!("{:.1} MiB", kibibytes / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_to_what_people_read() {
        assert_eq!(
            [0, 1023, 1024, 1_500_000, 1 << 31].map(size),
            ["0 B", "1023 B", "1.0 KiB", "1.4 MiB", "2048.0 MiB"]
        );
    }
}
