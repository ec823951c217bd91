//! `cargo run -p book -- snapshot | bump | report`, and without any of these mdBook's preprocessor.

use std::process::ExitCode;

use book::{commands, preprocessor};
use clap::{Parser, Subcommand};

/// What ties the guides to the program.
#[derive(Parser)]
struct Options {
    /// Without any, a book from mdBook is awaited on standard input
    #[command(subcommand)]
    command: Option<Command>,
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
    /// Say whether pages are prepared for a renderer of mdBook
    #[command(hide = true)]
    Supports {
        /// Its name
        renderer: String,
    },
}

fn main() -> ExitCode {
    let done = match Options::parse().command {
        Some(Command::Snapshot) => commands::snapshot(),
        Some(Command::Bump { ids, links }) => commands::bump(&ids, links),
        Some(Command::Report { json }) => commands::report(json),
        Some(Command::Supports { renderer }) => preprocessor::supports(&renderer),
        None => preprocessor::answer_mdbook().map(|()| String::new()),
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
