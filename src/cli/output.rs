//! JSON on standard output.

use std::io::{self, IsTerminal as _, Write as _};

use serde_json::Value;

/// Prints a value: for people if they read it, else as one line.
pub(super) fn print(value: &Value) -> io::Result<()> {
    let text = match io::stdout().is_terminal() {
        true => format!("{value:#}\n"),
        false => format!("{value}\n"),
    };
    write(text.as_bytes())
}

/// Writes and flushes; unlike `println!`, it does not panic when nobody reads any more.
pub(super) fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
