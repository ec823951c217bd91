//! `widgetapp config check`: the settings, read as the server would read them.

use std::fmt::Write as _;

use serde_json::json;

use super::{CliError, output, serve::Serve};
use crate::{config::Config, data, supervisor::upgrade::Successor, wfe};

/// What to do with the settings.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Read the settings as `widgetapp serve` with these options would, and say whether they are good
    Check(Serve),
}

pub(super) fn run(Command::Check(serve): Command) -> Result<(), CliError> {
    let takes_over = serve.take_over.is_some();
    let sources = serve.sources();
    let read = sources.names();
    let config = Config::load(&sources)?;
    if let (Some(certificate), Some(key)) = (&config.server.tls_cert, &config.server.tls_key) {
        wfe::tls(certificate, key).map_err(CliError::Certificate)?;
    }
    if takes_over {
        data::demand_known(&config.server.data)?;
        let successor = json!(Successor::of(&config));
        return Ok(output::write(format!("{successor}\n").as_bytes())?);
    }
    let mut text = match read.as_slice() {
        [] => "the settings are good: nothing is set\n".into(),
        read => format!("the settings are good; read from {}\n", read.join(", ")),
    };
    for (key, value) in config.changed() {
        let _ = writeln!(text, "{key} = {value}");
    }
    for warning in config.warnings() {
        let _ = writeln!(text, "warning: {warning}");
    }
    Ok(output::write(text.as_bytes())?)
}
