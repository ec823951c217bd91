//! The load tester and capacity planner.
//!
//! What measures nothing is in the package `capacity`, which is tested without what makes load.

use std::{io, process::ExitCode};

use capacity::command::{self, Command};
use clap::Parser as _;

/// Measures, plans and simulates how much load WidgetApp carries.
#[derive(clap::Parser)]
#[command(name = "loadtest", version)]
struct Program {
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(clap::Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is only one of it")]
enum Role {
    /// Put load on a server and measure (not part of this release)
    Run,
    /// Compare what was planned with what is measured (not part of this release)
    Validate,
    #[command(flatten)]
    Pure(Command),
}

fn main() -> ExitCode {
    match Program::parse().role.unwrap_or(Role::Run) {
        Role::Pure(command) => command.run(&mut io::stdout().lock(), &mut io::stderr().lock()).into(),
        Role::Run | Role::Validate => {
            eprintln!(
                "loadtest: measuring is not part of this release, only `plan` and `simulate`; `cargo bench --bench live` measures"
            );
            command::USAGE.into()
        }
    }
}
