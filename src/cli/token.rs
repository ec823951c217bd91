//! `widgetapp token`: prints an access token, for use with other programs.

use super::{CliError, options::ServerArgs, output};

/// The command line of `token`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// The user whose token it is [default: ada]
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// The OAuth client whose token it is
    #[arg(long, value_name = "CLIENT", conflicts_with = "user")]
    client: Option<String>,
}

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    let server = args.server.find()?;
    let login = server.login(args.user.as_deref(), args.client.as_deref())?;
    let token = login.access_token().await?;
    Ok(output::write(format!("{token}\n").as_bytes())?)
}
