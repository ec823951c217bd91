//! How fast the product is, beside what the machine can do at all.
//!
//! `cargo bench --bench live` runs everything; `-- a d` runs the measurements named. Each figure is
//! taken in the same run as its bare limit: a plain TCP broadcaster in a process of its own, which
//! writes frames that were encoded beforehand. So each ratio compares two programs on one machine at
//! one time, whatever machine it is.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

mod bare;
mod broadcast;
mod connections;
mod machine;
mod receiver;
mod sender;
mod server;
mod stored;
mod things;
mod trace;
mod writers;

use std::time::Duration;

/// How long each measurement runs.
const RUN: Duration = Duration::from_secs(5);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--bare") {
        return bare::main(&arguments[1..]);
    }
    // cargo passes `--bench`; what else is there names measurements.
    let named: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|wanted| *wanted == name);
    println!("{}\n", machine::describe());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let measure = |name: &str, work: &mut dyn FnMut() -> std::pin::Pin<Box<dyn Future<Output = ()>>>| {
        if wanted(name) {
            tokio::task::LocalSet::new().block_on(&runtime, work());
            println!();
        }
    };
    measure("a", &mut || Box::pin(broadcast::steady()));
    measure("b", &mut || Box::pin(broadcast::flat_out()));
    measure("c", &mut || Box::pin(things::many()));
    measure("d", &mut || Box::pin(writers::acknowledged()));
    measure("e", &mut || Box::pin(trace::typed()));
    measure("f", &mut || Box::pin(connections::idle_and_new()));
    measure("g", &mut || Box::pin(stored::backed_up()));
}
