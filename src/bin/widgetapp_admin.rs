//! `widgetapp_admin`: the administrator's command. Talks to the running server over its socket in the
//! data directory.

use std::{io::ErrorKind, path::PathBuf, process::ExitCode};

use clap::{ArgGroup, Parser};
use widgetapp::{
    cli::single_dash,
    ipc::control::AdminRequest,
    supervisor::admin::{self, Answer, ProcessStatus, Request},
};

const REFUSED: u8 = 1;
const NO_SERVER: u8 = 3;

/// Watches and manages a running WidgetApp server.
///
/// Long options may be written with one dash or two. Exit codes: 0 done, 1 refused or failed,
/// 2 wrong usage, 3 no server runs there.
#[derive(Parser)]
#[command(name = "widgetapp_admin", version)]
#[command(group(ArgGroup::new("what").required(true).args(["status", "restart", "groups", "approve", "withdraw"])))]
struct Options {
    /// The server's data directory.
    #[arg(long, value_name = "DIR", default_value = "widgetapp-data", env = "WIDGETAPP_SERVER__DATA")]
    data: PathBuf,

    /// Show every process of the server.
    #[arg(long)]
    status: bool,
    /// With -status: one JSON object per line.
    #[arg(long, requires = "status")]
    json: bool,

    /// The kind of process to restart.
    #[arg(long, value_name = "NAME", value_parser = widgetapp::worker::NAMES)]
    process: Option<String>,
    /// Which one, as -status shows it: K of an _sfe, K.M of a _stream.
    #[arg(long, value_name = "ID", requires = "process")]
    id: Option<String>,
    /// Replace the process named by -process and -id by a new one. Connections are kept; those of a
    /// _stream come back and resume.
    #[arg(long, requires = "process")]
    restart: bool,

    /// Show all groups and whether they are approved for streaming.
    #[arg(long)]
    groups: bool,
    /// The group to approve or withdraw.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Approve the group named by -group for streaming.
    #[arg(long, requires = "group")]
    approve: bool,
    /// Withdraw the approval of the group named by -group. Its members' streams end at once.
    #[arg(long, requires = "group")]
    withdraw: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = single_dash::parse::<Options>();
    let request = match (&options.process, &options.group) {
        (Some(kind), _) => Request::Restart { kind: kind.clone(), number: options.id.clone().unwrap_or_default() },
        (None, Some(group)) => Request::Ask(AdminRequest::Approve { group: group.clone(), approved: options.approve }),
        (None, None) if options.groups => Request::Ask(AdminRequest::Groups),
        (None, None) => Request::Status,
    };
    match admin::ask(&options.data, &request).await {
        Ok(answer) => print(&options, answer),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            eprintln!("no server runs with the data directory {}; name another with -data DIR", options.data.display());
            ExitCode::from(NO_SERVER)
        }
        Err(error) => {
            eprintln!("the server could not be asked: {error}");
            ExitCode::from(REFUSED)
        }
    }
}

fn print(options: &Options, answer: Answer) -> ExitCode {
    match answer {
        Ok(lines) if options.status && !options.json => println!("{}", table(&lines)),
        Ok(lines) => lines.iter().for_each(|line| println!("{line}")),
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(REFUSED);
        }
    }
    ExitCode::SUCCESS
}

fn table(lines: &[String]) -> String {
    let mut rows = vec![["PROCESS", "ID", "PID", "STATE", "UPTIME", "RESTARTS"].map(str::to_owned)];
    for status in lines.iter().filter_map(|line| serde_json::from_str::<ProcessStatus>(line).ok()) {
        let pid = status.pid.map_or_else(|| "-".into(), |pid| pid.to_string());
        let uptime = format!("{} s", status.uptime_seconds);
        rows.push([status.process, status.id, pid, status.state, uptime, status.restarts.to_string()]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |row: &[String; 6]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
