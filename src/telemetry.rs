//! Logs: one line per event on standard error, so that standard output stays the program's own.
//!
//! Owns the choice of what is logged. Must not be given tokens, passwords or tickets.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_FILTER: &str = "warn,widgetapp=info";

/// Starts logging in this process. A second call changes nothing.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    // Fails only if logging runs already, which is what was asked for.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        // It would complain on standard error, and panic if even that fails: a full disk, a closed terminal.
        .log_internal_errors(false)
        .try_init();
}
