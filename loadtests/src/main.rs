//! The load tester and capacity planner. Not built yet, and it says so.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("the load tester is not part of this release; `cargo bench --bench live` measures the product meanwhile");
    ExitCode::from(2)
}
