//! The load tester and capacity planner.
//!
//! What measures nothing is in the package `capacity`, which is tested without what makes load. Here is what makes it:
//!
//! | module | what it is |
//! |---|---|
//! | `commands` | `run`, `validate`, `calibrate` and `check` |
//! | `server` | the server under test: started, or one that runs; its accounts, its processes |
//! | `clients` | those who take part |
//! | `step` | one load that is held for a while, from the first connection to the last |
//! | `clock` | moments as numbers that travel inside edits |

mod clients;
mod clock;
mod commands;
mod server;
mod step;

use std::{io, process::ExitCode};

use capacity::command::{self, Command};
use clap::Parser as _;

use self::{
    commands::{calibrate, check, run, validate},
    server::product,
};

/// Measures, plans and simulates how much load WidgetApp carries.
///
/// Without a command it starts the product on a free port, puts a short ramp of clients on it and tells what it carries.
///
/// Exit codes: 0 the wanted latency is met, 1 it is missed or a change was lost, 2 wrong usage, 3 the run is not valid:
/// the load was not the one that was asked for.
#[derive(clap::Parser)]
#[command(name = "loadtest", version, args_conflicts_with_subcommands = true)]
struct Program {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    run: run::Args,
}

#[derive(clap::Subcommand)]
enum Role {
    /// Put load on a server and measure, as without a command
    Run(run::Args),
    /// Measure light and heavy loads, and tell how well the planner predicts the heavy from the light
    ///
    /// Exit codes: 0 the errors are as small as they should be, 1 they are not, 2 wrong usage, 3 the run is not valid.
    Validate(validate::Args),
    /// Measure what a client, an edit and a delivery cost on this machine, for the planner
    Calibrate(calibrate::Args),
    /// Compare the work done for each second of CPU with a baseline: a short load test for every change
    ///
    /// Exit codes: 0 it is not much worse, 1 it is or a change was lost, 2 wrong usage, 3 the run is not valid.
    Check(check::Args),
    #[command(flatten)]
    Pure(Command),
}

fn main() -> ExitCode {
    // This program is the product as well, so that what is tested is what was built with it.
    match std::env::args().next().as_deref() {
        Some(name) if widgetapp::worker::NAMES.contains(&name) => return widgetapp::worker::main(name),
        Some(product::NAME) => return product::serve(),
        _ => {}
    }
    let Program { role, run } = Program::parse();
    let result = match role {
        None => run.run(),
        Some(Role::Run(args)) => args.run(),
        Some(Role::Validate(args)) => args.run(),
        Some(Role::Calibrate(args)) => args.run(),
        Some(Role::Check(args)) => args.run(),
        Some(Role::Pure(command)) => pure(&command),
    };
    match result {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            let usage = error.is::<commands::WrongUsage>();
            if usage { command::USAGE } else { command::INVALID }.into()
        }
    }
}

fn pure(command: &Command) -> anyhow::Result<u8> {
    if let Some(path) = command.calibration_to_make() {
        eprintln!("There is no calibration: {} is measured now, which takes about two minutes.", path.display());
        let code = calibrate::quick(path)?;
        if code != command::MET {
            return Ok(code);
        }
    }
    Ok(command.run(&mut io::stdout().lock(), &mut io::stderr().lock()))
}
