//! `widgetapp backup`: a copy of the data directory.

use std::{fmt::Write as _, path::PathBuf};

use super::{CliError, output};
use crate::data::backup::{Copied, back_up};

/// What to copy, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "The settings are not in it: keep widgetapp.toml and the certificates elsewhere.")]
pub struct Args {
    /// Where the backup goes: a directory that is not there yet
    #[arg(value_name = "TARGET_DIR")]
    target: PathBuf,
    #[command(flatten)]
    data: super::DataArgs,
}

pub(super) fn run(Args { target, data: super::DataArgs { data } }: &Args) -> Result<(), CliError> {
    let mut text = String::new();
    for Copied { file, bytes } in back_up(data, target)? {
        let _ = writeln!(text, "{file}: {bytes} bytes");
    }
    let (data, target) = (data.display(), target.display());
    let _ = writeln!(text, "{data} is backed up in {target}; to check it: widgetapp fsck --data {target}");
    Ok(output::write(text.as_bytes())?)
}
