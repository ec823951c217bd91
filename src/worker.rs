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
            tracing::error!("{name}: {}", in_one_line(&error));
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
        let why = in_one_line(&error);
        if control.report(&Report::Failed(why.clone())).await.is_err() {
            tracing::debug!("{name}: {why}");
        }
        Ok(ExitCode::FAILURE)
    })
}

/// An error and its causes. Some texts end with their cause already, which is then not said again.
fn in_one_line(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        said if said.ends_with(&cause) => said.to_owned(),
        said => format!("{said}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{store::StoreError, wfe::DemoError};

    #[test]
    fn each_cause_is_said_once() {
        let damaged = serde_json::from_str::<u8>("").unwrap_err();
        let error = anyhow::Error::from(DemoError::Damaged(damaged));
        assert_eq!(in_one_line(&error), "demo.json is damaged: EOF while parsing a value at line 1 column 0");
        let full = std::io::Error::other("the disk is full");
        let error = anyhow::Error::from(StoreError::Directory(full)).context("cannot use store.db");
        assert_eq!(in_one_line(&error), "cannot use store.db: cannot use the data directory: the disk is full");
    }
}
