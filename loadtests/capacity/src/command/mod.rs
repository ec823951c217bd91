//! `loadtest plan` and `loadtest simulate`: what is asked on the command line, and the exit codes.
//!
//! They print to where they are told to, so that tests run them without starting a program.

mod plan;
mod simulate;

use std::{ffi::OsString, io, path::Path};

use clap::Parser as _;

/// What was wanted is met, or nothing was wanted.
pub const MET: u8 = 0;
/// What was wanted is missed.
pub const MISSED: u8 = 1;
/// The question is wrong.
pub const USAGE: u8 = 2;
/// The calibration cannot answer it.
pub const INVALID: u8 = 3;

/// The commands that measure nothing.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Say how many `_sfe` processes a number of clients needs, from what was measured
    ///
    /// Exit codes: 0 the objective can be met, 1 it cannot, 2 wrong usage, 3 the calibration cannot answer.
    Plan(plan::Args),
    /// Play the way of edits through the processes in virtual time, also while one of them is lost
    ///
    /// Exit codes: 0 done, or the objective is met, 1 it is missed, 2 wrong usage, 3 the calibration cannot answer.
    Simulate(simulate::Args),
}

/// Why there is no answer, and the exit code.
struct Refusal(u8, String);

impl Refusal {
    fn usage(error: impl ToString) -> Self {
        Self(USAGE, error.to_string())
    }

    fn invalid(error: impl ToString) -> Self {
        Self(INVALID, error.to_string())
    }
}

impl Command {
    /// The calibration that has to be measured first: none was named, and none lies where it would be looked for.
    pub fn calibration_to_make(&self) -> Option<&Path> {
        match self {
            Self::Plan(args) => args.calibration_to_make(),
            Self::Simulate(_) => None,
        }
    }

    /// Runs it and gives the exit code.
    pub fn run(&self, output: &mut dyn io::Write, errors: &mut dyn io::Write) -> u8 {
        let answer = match self {
            Self::Plan(args) => args.answer(),
            Self::Simulate(args) => args.answer(),
        };
        // Nobody may be reading any more, as in `loadtest plan | head`; the exit code still tells.
        match answer {
            Ok((code, text)) => {
                let _ = output.write_all(text.as_bytes());
                code
            }
            Err(Refusal(code, why)) => {
                let _ = writeln!(errors, "loadtest: {why}");
                code
            }
        }
    }
}

/// What a command came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code.
    pub code: u8,
    /// What it printed.
    pub output: String,
    /// Its complaints.
    pub errors: String,
}

/// Runs a command line, which begins with the program's name, as the program would.
pub fn execute<W: Into<OsString> + Clone>(words: impl IntoIterator<Item = W>) -> Ended {
    #[derive(clap::Parser)]
    #[command(name = "loadtest")]
    struct Program {
        #[command(subcommand)]
        command: Command,
    }
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let code = match Program::try_parse_from(words) {
        Ok(Program { command }) => command.run(&mut output, &mut errors),
        Err(error) => {
            let into = if error.use_stderr() { &mut errors } else { &mut output };
            into.extend_from_slice(error.to_string().as_bytes());
            if error.use_stderr() { USAGE } else { MET }
        }
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code, output: text(output), errors: text(errors) }
}

#[cfg(test)]
mod tests;
