//! What every process but the supervisor does first: takes its name, ties its life to the supervisor's,
//! and hears how to start.

use std::process::ExitCode;

use anyhow::Context;
use rustix::process::Signal;
use tokio::{runtime::Builder, task::LocalSet};

use crate::{
    config::LogFormat,
    ipc::{
        control::{Control, Report},
        load,
    },
    sfe, stream, telemetry, wfe,
};

/// The names of the processes, as `ps` and `top` show them.
pub const NAMES: [&str; 3] = ["_wfe", "_sfe", "_stream"];

/// Runs the process with this name to its end.
pub fn main(name: &str) -> ExitCode {
    // Also those that are caught, such as of a document that a hostile update has broken: one line in the log.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked: {}", panic.payload_as_str().unwrap_or("without a text"));
    }));
    match run(name) {
        Ok(code) => code,
        Err(error) => {
            // Unless it runs already.
            telemetry::start(LogFormat::default(), name);
            tracing::error!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str) -> anyhow::Result<ExitCode> {
    // Even a supervisor that is killed leaves no process behind.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_name(&std::ffi::CString::new(name)?)?;
    let number = std::env::args().nth(1).unwrap_or_default();
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    LocalSet::new().block_on(&runtime, async {
        let (control, commands, start) = Control::from_stdin()
            .await
            .context("this is a process of the server, started by `widgetapp`, not by hand")?;
        telemetry::start(start.config.logging.format, &format!("{name} {number}"));
        let result = match name {
            "_wfe" => wfe::run(control.clone(), commands, start).await,
            "_sfe" => sfe::run(control.clone(), commands, number.parse()?, &start.config).await.map_err(Into::into),
            _ => stream::run(control.clone(), commands, &start.config).await.map_err(Into::into),
        };
        load::count(&control).await;
        let Err(error) = result else { return Ok(ExitCode::SUCCESS) };
        // The supervisor tells it: to whoever starts the server, and later in its log. If it is gone, this process
        // ends because of that, which is nothing to tell.
        if control.report(&Report::Failed(format!("{error:#}"))).await.is_err() {
            tracing::debug!("{name}: {error:#}");
        }
        Ok(ExitCode::FAILURE)
    })
}
