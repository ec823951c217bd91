//! `cargo run -p book -- snapshot | bump | report`, and without any of these mdBook's preprocessor.

use std::process::ExitCode;

use book::commands;
use clap::{Parser, Subcommand};

/// What ties the guides to the program.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write down what proves each claim, after a run in which all of it passed
    Snapshot,
    /// Raise the revision of claims, so that whatever names them must be looked at again
    Bump {
        /// Claims; without any, those whose sentence has changed since the snapshot
        ids: Vec<String>,
        /// Raise what names them too: the meaning is the same
        #[arg(long)]
        links: bool,
    },
    /// Print what is claimed and what of it is proven
    Report {
        /// One line of JSON for each claim
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let done = match Options::parse().command {
        Command::Snapshot => commands::snapshot(),
        Command::Bump { ids, links } => commands::bump(&ids, links),
        Command::Report { json } => commands::report(json),
    };
    match done {
        Ok(text) => {
            println!("{}", text.trim_end());
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::FAILURE
        }
    }
}
