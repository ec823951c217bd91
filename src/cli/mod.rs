//! The `widgetapp` program at a terminal: `serve`, what an administrator does with its data and its settings
//! (`backup`, `fsck`, `config`), and the client commands `token`, `listen` and `call`.
//!
//! The client commands are for people at a terminal and for the examples in the guides. They do what any other
//! program could do with the public API, through [`crate::client`], and know nothing of the server. The
//! only thing they read of it is `demo.json` in its data directory.

mod backup;
mod call;
mod config;
mod fields;
mod fsck;
mod listen;
mod options;
mod output;
mod serve;
pub mod single_dash;
mod token;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser as _;

use self::{options::OptionsError, serve::Serve};
use crate::{
    client::{ConnectError, DemoError, Distrust, HttpError, RequestError},
    config::ConfigError,
    data::{DataError, backup::BackupError},
};

/// Designs documents called Things, together and live.
///
/// Without a command it runs the server, as `widgetapp serve` does.
#[derive(Debug, clap::Parser)]
#[command(name = "widgetapp", version, args_conflicts_with_subcommands = true)]
struct Program {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, clap::Subcommand)]
enum Role {
    /// Run the server
    Serve(Serve),
    /// Copy the data directory, while the server runs or not
    Backup(backup::Args),
    /// Check that what is stored fits together, while the server runs or not; changes nothing
    Fsck(fsck::Args),
    /// Look at the settings
    #[command(subcommand)]
    Config(config::Command),
    #[command(flatten)]
    Client(Command),
}

/// Whose data.
#[derive(Clone, Debug, clap::Args)]
struct DataArgs {
    /// The server's data directory
    #[arg(long, value_name = "DIR", default_value = "widgetapp-data", env = "WIDGETAPP_SERVER__DATA")]
    data: PathBuf,
}

/// Runs the program as the command line says.
pub fn main() -> ExitCode {
    let Program { role, serve } = Program::parse();
    let result = match role {
        None => serve.run(),
        Some(Role::Serve(serve)) => serve.run(),
        Some(Role::Backup(args)) => backup::run(&args).map_err(Into::into),
        Some(Role::Config(command)) => config::run(command).map_err(Into::into),
        Some(Role::Fsck(args)) => return fsck::run(&args),
        Some(Role::Client(command)) => return run(command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("widgetapp: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command.run()),
        Err(error) => {
            eprintln!("widgetapp: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The client commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print an access token
    Token(token::Args),
    /// Print every message of a stream as one line of JSON
    Listen(listen::Args),
    /// Do one user action and print the reply
    Call(call::Args),
}

impl Command {
    /// Runs the command. Results go to standard output, and one line that says what went wrong to
    /// standard error. Exit codes: 0 done, 1 refused or failed; wrong usage (2) is found before.
    pub async fn run(self) -> ExitCode {
        let result = match self {
            Self::Token(args) => token::run(args).await,
            Self::Listen(args) => listen::run(args).await,
            Self::Call(args) => call::run(args).await,
        };
        match result {
            // Whoever read our output has had enough, as in `widgetapp listen | head`.
            Ok(()) | Err(CliError::OutputClosed) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("widgetapp: {error}{}", error.hint());
                ExitCode::FAILURE
            }
        }
    }
}

/// A command failed.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error("{0:#}")]
    Certificate(anyhow::Error),
    #[error("\"{0}\" goes over the stream only; leave out --ajax")]
    StreamOnly(&'static str),
    #[error("cannot write to standard output: {0}")]
    Output(std::io::Error),
    #[error("standard output was closed")]
    OutputClosed,
}

impl CliError {
    /// What to do about it, where the error cannot know.
    fn hint(&self) -> &'static str {
        let distrust = match self {
            Self::Http(HttpError::Unreachable { .. }) | Self::Connect(ConnectError::Unreachable { .. }) => {
                return "; is the server running? See --server";
            }
            Self::Http(HttpError::Untrusted(why)) | Self::Connect(ConnectError::Untrusted(why)) => Some(why),
            Self::Connect(ConnectError::Token(error)) => error.distrust.as_ref(),
            _ => None,
        };
        match distrust {
            Some(Distrust::UnknownIssuer) => "; if it is yours, trust its certificate with --tls-root FILE",
            Some(Distrust::Authority) => {
                "; make one for a server: openssl req -x509 -addext basicConstraints=CA:FALSE ..."
            }
            Some(Distrust::Other(_)) | None => "",
        }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Output(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Program::try_parse_from(line.split(' ')).map(|program| match program.role {
            Some(Role::Client(command)) => command,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_commands_of_the_contract_are_understood() {
        for line in [
            "widgetapp token",
            "widgetapp token --user grace",
            "widgetapp token --client demo-external-system --server http://127.0.0.1:1 --data d",
            "widgetapp listen",
            "widgetapp listen --port 200 --port 202 --thing welcome --as grace",
            "widgetapp call select --thing welcome --as linus --ajax",
            "widgetapp call widgetApp_useraction_search q=x",
            "widgetapp call edit --thing welcome /notes=Hello patch=[]",
        ] {
            assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
        }
    }

    #[test]
    fn wrong_usage_is_told_with_exit_code_2() {
        for line in [
            "widgetapp call",
            "widgetapp call dance",
            "widgetapp call search q",
            "widgetapp call search =x",
            "widgetapp call edit --thing welcome title=x",
            "widgetapp call edit --thing welcome",
            "widgetapp listen --port 70000",
            "widgetapp listen --as ada --token t",
            "widgetapp token --user ada --client demo-app",
        ] {
            // The last check of an edit needs all its fields, so it comes after clap's.
            let code = match parse(line) {
                Err(error) => error.exit_code(),
                Ok(Command::Call(args)) => args.body().map_or_else(|error| error.exit_code(), |_| 0),
                Ok(_) => 0,
            };
            assert_eq!(code, 2, "{line}");
        }
    }
}
