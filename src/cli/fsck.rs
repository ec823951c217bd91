//! `widgetapp fsck`: whether what is stored fits together.

use std::process::ExitCode;

use super::{DataArgs, output};
use crate::data::check::{CheckError, Checked, check};

/// It could not be told.
const UNTOLD: u8 = 2;

/// What to check.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 all is well, 1 problems were found, 2 it could not be told.")]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(Args { data: DataArgs { data } }: &Args) -> ExitCode {
    // Whoever reads the output may have had enough; what was found is in the exit code still.
    let print = |line: &str| drop(output::write(format!("{line}\n").as_bytes()));
    match told(check(data, &mut |problem| print(problem))) {
        Ok((line, code)) => {
            print(&format!("{}: {line}", data.display()));
            code
        }
        Err(error) => {
            eprintln!("widgetapp: {error}");
            ExitCode::from(UNTOLD)
        }
    }
}

fn told(checked: Result<Checked, CheckError>) -> Result<(String, ExitCode), CheckError> {
    let Checked { things, changes, snapshots, problems } = checked?;
    let (found, code) = match problems {
        0 => ("all is well".into(), ExitCode::SUCCESS),
        1 => ("1 problem".into(), ExitCode::FAILURE),
        _ => (format!("{problems} problems"), ExitCode::FAILURE),
    };
    Ok((format!("{found}; {things} Things, {changes} changes and {snapshots} snapshots were checked"), code))
}
