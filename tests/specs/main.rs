//! The guides' claims, as scenarios in `features/` and in the pages, and the guides' examples: each against a
//! fresh product of its own. A run of all of them proves every claim of the ledger, or fails.
//!
//! Understands libtest's options, so that `cargo test NAME` and `cargo nextest run` treat a scenario
//! as they do any other test. Steps share one thread: what blocks goes through [`scene::aside`].
//!
//! | file | what it is |
//! |---|---|
//! | `catalogue` | the scenarios that there are, and those that are wanted |
//! | `report` | what is printed and left as evidence, and whether all is well |
//! | `scene` | what a scenario knows: the product, people, programs, the last answer |
//! | `person`, `program` | who takes part: through the Rust client, or by bare messages |
//! | `editor` | an editor built on Yjs, by y-websocket |
//! | `listener` | a program that listens to server-sent events |
//! | `browser/` | a person's real browser |
//! | `application` | an application that acts for people, and their browser |
//! | `test_issuer` | an identity provider that does as it is told |
//! | `screen` | a command that shows a picture |
//! | `web` | plain HTTP |
//! | `described` | whether what goes over the wire is what the guides describe |
//! | `wording` | JSON as the features write it, and whether a message is like it |
//! | `examples/` | the executed examples |
//! | `steps/` | what the sentences mean |

mod application;
mod browser;
mod catalogue;
#[path = "../../book/examples/client-rust/client.rs"]
mod client_rust;
mod described;
mod editor;
mod examples;
mod listener;
mod nginx;
mod person;
#[path = "../product/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod product;
mod program;
mod report;
mod scene;
mod screen;
mod steps;
#[path = "../../src/wfe/oauth/external/test_issuer.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod test_issuer;
mod web;
mod wording;

use std::{
    collections::BTreeSet,
    process::{ExitCode, Termination as _},
};

use book::ledger::Ledger;
use cucumber::World as _;
use libtest_mimic::Arguments;

use self::{catalogue::Catalogue, report::Report, scene::Scene};

/// Scenarios at once. Each has a product of several processes.
const AT_ONCE: usize = 8;
/// As libtest exits when a test failed.
const FAILED: u8 = 101;

/// Under this name the program is the guides' example of a client, so that it is never older than its source.
const CLIENT_RUST: &str = "client-rust";

fn main() -> ExitCode {
    if std::env::args().next().is_some_and(|name| name.ends_with(CLIENT_RUST)) {
        return client_rust::main().report();
    }
    let arguments = Arguments::from_args();
    let catalogue = match Catalogue::read() {
        Ok(catalogue) => catalogue,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let wanted = catalogue.wanted(&arguments);
    if arguments.list {
        for name in wanted.keys() {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    if wanted.is_empty() && !is_filtered(&arguments) {
        eprintln!("there are no scenarios in {}", book::features::FOLDER);
        return ExitCode::FAILURE;
    }
    let ledger = match Ledger::read() {
        Ok(ledger) => ledger,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    // The TLS library wants to be told which cryptography to use, also where no TLS is spoken.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let filtered_out = catalogue.len().saturating_sub(wanted.len());
    let names: BTreeSet<String> = wanted.keys().cloned().collect();
    let report = Report::new(wanted, filtered_out, ledger, &arguments);
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let report = runtime.block_on(
        Scene::cucumber::<&str>()
            .with_parser::<Catalogue, ()>(catalogue)
            .with_writer(report)
            .with_default_cli()
            .after(|_, _, _, _, scene| Box::pin(async move { scene.into_iter().for_each(|scene| scene.conclude()) }))
            .max_concurrent_scenarios(arguments.test_threads.unwrap_or(AT_ONCE).max(1))
            .filter_run((), move |feature, _, scenario| names.contains(&catalogue::name(feature, scenario))),
    );
    // Clients and products of the last scenarios may still be at work.
    runtime.shutdown_background();
    browser::Chromium::end_shared();
    steps::guides::remove();
    if report.conclude() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

fn is_filtered(arguments: &Arguments) -> bool {
    arguments.filter.is_some() || !arguments.skip.is_empty() || arguments.ignored || arguments.bench
}
