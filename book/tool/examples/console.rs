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
//! terminal has its turn, if `ada:` follows later; below that, `? N` says that it ends now.

use super::json;

/// Its name in an example's folder.
pub const FILE: &str = "session.console";
/// The user has pressed Ctrl and C.
const INTERRUPT: &str = "^C";
/// How long a line of JSON may become for readers.
const WIDTH: usize = 100;

/// What happens in the terminals, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// One after the other.
    pub steps: Vec<Step>,
    /// What stands below the last one.
    tail: String,
}

/// A command, or more from one that goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Its lines as they were written, with the remarks and empty lines above.
    head: String,
    /// The terminal; empty if there is only one.
    pub terminal: String,
    /// None for more from the last command in this terminal.
    pub command: Option<String>,
    /// What is printed.
    pub output: String,
    /// What is printed after it was interrupted, if it was.
    pub interrupted: Option<String>,
    /// The exit code, where it is written down.
    pub exit: Option<i32>,
}

impl Session {
    /// Reads a file's text.
    pub fn parse(text: &str) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        // Remarks and empty lines belong to the command that follows them, if one does.
        let mut loose = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let known = |name: &&str| steps.iter().any(|step| step.terminal == *name && !name.is_empty());
            let more = line.strip_suffix(':').filter(known).map(|terminal| (terminal, None));
            if let Some((terminal, mut command)) = prompt(line).or(more) {
                let mut head = std::mem::take(&mut loose) + line + "\n";
                while let Some(unfinished) = command.as_mut().filter(|command| command.ends_with('\\')) {
                    let Some(line) = lines.next() else { break };
                    *unfinished += &format!("\n{line}");
                    head += &format!("{line}\n");
                }
                steps.push(Step { head, terminal: terminal.to_owned(), command, ..Step::default() });
                continue;
            }
            let Some(step) = steps.last_mut().filter(|_| !line.is_empty() && !line.starts_with("# ")) else {
                loose += &format!("{line}\n");
                continue;
            };
            if let Some(code) = line.strip_prefix("? ").and_then(|code| code.parse().ok()) {
                step.exit = Some(code);
            } else if line == INTERRUPT {
                step.interrupted = Some(String::new());
            } else {
                let output = step.interrupted.as_mut().unwrap_or(&mut step.output);
                *output += &(std::mem::take(&mut loose) + line + "\n");
            }
        }
        Self { steps, tail: loose }
    }

    /// The file's text.
    pub fn render(&self) -> String {
        self.steps.iter().map(Step::render).collect::<String>() + &self.tail
    }

    /// Whether the command of this step does not end with it: there is more of it, or this was not its end.
    pub fn goes_on(&self, index: usize) -> bool {
        let Some((step, later)) = self.steps.get(index..).and_then(<[Step]>::split_first) else { return false };
        let next = later.iter().find(|later| later.terminal == step.terminal);
        next.is_some_and(|next| next.command.is_none())
            || step.command.is_none() && step.interrupted.is_none() && step.exit.is_none()
    }
}

impl Step {
    fn render(&self) -> String {
        let Self { head, output, .. } = self;
        let interrupted = self.interrupted.as_ref().map(|rest| format!("{INTERRUPT}\n{rest}")).unwrap_or_default();
        let exit = self.exit.map(|code| format!("? {code}\n")).unwrap_or_default();
        format!("{head}{output}{interrupted}{exit}")
    }
}

fn laid_out(line: &str) -> String {
    if line.len() > WIDTH { json::laid_out(line, WIDTH) } else { line.to_owned() }
}

/// The terminal and the command, if this line begins one.
fn prompt(line: &str) -> Option<(&str, Option<String>)> {
    let (terminal, command) = line.split_once("$ ")?;
    terminal.bytes().all(|byte| byte.is_ascii_lowercase()).then(|| (terminal, Some(command.to_owned())))
}

/// As readers see it: without exit codes, a terminal that goes on as a remark, and long JSON on several lines.
pub(super) fn shown(text: &str) -> String {
    let mut session = Session::parse(text);
    for step in &mut session.steps {
        step.exit = None;
        step.output = step.output.lines().map(|line| laid_out(line) + "\n").collect();
        if step.command.is_none() {
            let line = format!("{}:\n", step.terminal);
            step.head = step.head.replace(&line, &format!("# {line}"));
        }
    }
    session.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# Two terminals.
ada$ widgetapp listen \\
    --thing welcome
{\"port\": 0}

grace$ widgetapp call dance
error: no

Usage: call
? 2

# It goes on.
ada:
# is no remark
{}
^C
bye
";

    #[test]
    fn commands_output_and_exit_codes_are_told_apart() {
        let session = Session::parse(TEXT);
        let [listen, dance, more] = &session.steps[..] else { panic!("{session:?}") };
        assert_eq!(listen.command.as_deref(), Some("widgetapp listen \\\n    --thing welcome"));
        assert_eq!((listen.terminal.as_str(), listen.output.as_str()), ("ada", "{\"port\": 0}\n"));
        assert_eq!((dance.output.as_str(), dance.exit), ("error: no\n\nUsage: call\n", Some(2)));
        assert_eq!((&more.command, more.output.as_str()), (&None, "# is no remark\n{}\n"));
        assert_eq!(more.interrupted.as_deref(), Some("bye\n"));
        assert_eq!([0, 1, 2].map(|index| session.goes_on(index)), [true, false, false]);
    }

    #[test]
    fn what_was_read_is_written_as_it_was() {
        for text in [TEXT, "", "$ true\n", "# Nothing but a remark.\n", "\n\n$ echo\n\n# The end.\n"] {
            assert_eq!(Session::parse(text).render(), text);
        }
    }

    #[test]
    fn readers_see_long_json_on_several_lines() {
        let long = "x".repeat(90);
        assert_eq!(
            shown(&format!("$ x\n{{\"a\":\"{long}\",\"b\":1}}\n{{\"a\":1}}\n[x]\n")),
            format!("$ x\n{{\"a\": \"{long}\",\n \"b\": 1}}\n{{\"a\":1}}\n[x]\n")
        );
    }

    #[test]
    fn readers_see_no_exit_codes() {
        assert_eq!(shown("ada$ x\ny:\n? 2\n\nada:\nz\n"), "ada$ x\ny:\n\n# ada:\nz\n");
    }
}
