//! `widgetapp`: the server, its processes, and the client at a terminal. Picks the role; no logic.

use std::process::ExitCode;

use widgetapp::{cli, worker};

fn main() -> ExitCode {
    match std::env::args().next() {
        Some(name) if worker::NAMES.contains(&name.as_str()) => worker::main(&name),
        _ => cli::main(),
    }
}
