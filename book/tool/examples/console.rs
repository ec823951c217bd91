//! Commands in terminals, as `session.console` writes them down. Knows not how they are run.
//!
//! ```text
//! # A remark for the reader.
//! $ widgetapp call search --ajax \
//!     q=boat
//! what the command prints, until the next command
//! ? 1
//!
//! ada$ widgetapp listen --thing welcome
//! what is printed by a command that goes on
//!
//! grace$ widgetapp call edit --thing welcome --as grace /notes=Hello
//! what it prints
//!
//! ada:
//! what the command that goes on in this terminal has printed meanwhile
//! ^C
//! ```
//!
//! A command ends with exit code 0, unless `? N` below its output says otherwise. It goes on, and another
//! terminal has its turn, if `ada:` or `^C` follows later.

/// Its name in an example's folder.
pub const FILE: &str = "session.console";

/// As readers see it: without exit codes, and a terminal that goes on as a remark.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for line in text.lines().filter(|line| !line.starts_with("? ")) {
        let goes_on = line.strip_suffix(':').is_some_and(is_name);
        shown += &if goes_on { format!("# {line}\n") } else { format!("{line}\n") };
    }
    shown
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}
