//! `widgetapp_admin`: the administrator's command. Talks to the running server over its socket in the
//! data directory.

mod table;
mod watch;

use std::{
    io::{self, ErrorKind},
    path::PathBuf,
    process::ExitCode,
};

use clap::{ArgGroup, CommandFactory, Parser, error::ErrorKind as Usage};
use serde_json::Value;
use widgetapp::{
    cli::single_dash,
    ipc::control::{AdminRequest, LISTED_AT_ONCE, OauthRequest},
    supervisor::admin::{self, Answer, Named, Request},
};

const REFUSED: u8 = 1;
const NO_SERVER: u8 = 3;

/// Watches and manages a running WidgetApp server.
///
/// Long options may be written with one dash or two. Exit codes: 0 done, 1 refused or failed,
/// 2 wrong usage, 3 no server runs there.
#[derive(Parser)]
#[command(name = "widgetapp_admin", version)]
#[command(group(ArgGroup::new("what").required(true).args(WHAT)))]
#[command(group(ArgGroup::new("as_json").multiple(true).args(["status", "watch", "config", "groups", "users", "audit", "clients", "tokens", "client"])))]
struct Options {
    /// The server's data directory.
    #[arg(long, value_name = "DIR", default_value = "widgetapp-data", env = "WIDGETAPP_SERVER__DATA")]
    data: PathBuf,

    /// Show every process of the server: its clients, what it takes of the processor and of memory, its messages, and
    /// whether it is rogue.
    #[arg(long)]
    status: bool,
    /// The same, anew each second; q ends it. Where the output is no terminal, the table is printed each second.
    #[arg(long)]
    watch: bool,
    /// Show the settings in effect, and where each of them came from.
    #[arg(long)]
    config: bool,
    /// With -status, -watch, -config or a list, or for a new secret: one JSON object per line.
    #[arg(long, requires = "as_json")]
    json: bool,

    /// Replace the running program by the one that has taken the place of its file. Connections are kept. If the new
    /// program cannot take over, nothing changes.
    #[arg(long)]
    upgrade: bool,

    /// The kind of process to start, restart or stop.
    #[arg(long, value_name = "NAME", value_parser = widgetapp::worker::NAMES)]
    process: Option<String>,
    /// Which one, as -status shows it: K of an _sfe, K.M of a _stream.
    #[arg(long, value_name = "ID", requires = "process")]
    id: Option<String>,
    /// With -process _sfe: replace the instances one by one by fresh ones, until at least as many run as -n says; there
    /// are never fewer until the server stops. Connections are kept.
    #[arg(long, requires_all = ["process", "count"], conflicts_with = "id")]
    start: bool,
    /// How many _sfe processes -start is to run.
    #[arg(short = 'n', value_name = "COUNT", requires = "start", value_parser = clap::value_parser!(u16).range(1..))]
    count: Option<u16>,
    /// Replace the process named by -process and -id by a fresh one. Connections are kept; those of a _stream come back
    /// and resume. Also takes back an _sfe that was set aside.
    #[arg(long, requires = "process")]
    restart: bool,
    /// Stop the _sfe named by -id: its clients come back at the others and resume.
    #[arg(long, requires = "process")]
    stop: bool,

    /// Show all groups, whether they are approved for streaming, and their members.
    #[arg(long)]
    groups: bool,
    /// The group to add, approve, withdraw, or change the members of; with -user -add or -client -add: a group for
    /// the new user or application, may be repeated.
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// Approve the group named by -group for streaming.
    #[arg(long, requires = "group")]
    approve: bool,
    /// Withdraw the approval of the group named by -group. Its members' streams end at once.
    #[arg(long, requires = "group")]
    withdraw: bool,
    /// Put a user or application into the group named by -group.
    #[arg(long, value_name = "NAME", requires = "group")]
    add_member: Option<String>,
    /// Take a user or application out of the group named by -group. What they had by it ends at once.
    #[arg(long, value_name = "NAME", requires = "group")]
    remove_member: Option<String>,

    /// Show all users, their organisations and groups, and whether they are disabled.
    #[arg(long)]
    users: bool,
    /// The user to add, disable, enable or give a new password; with -tokens or -audit: only what concerns them.
    #[arg(long, value_name = "NAME", conflicts_with = "client")]
    user: Option<String>,
    /// Shut out the user named by -user. Their streams end at once.
    #[arg(long, requires = "user")]
    disable: bool,
    /// Make the user named by -user an administrator of their organisation, who has the page /admin for it.
    #[arg(long, requires = "user")]
    administrator: bool,
    /// Make the user named by -user an administrator no more.
    #[arg(long, requires = "user")]
    no_administrator: bool,
    /// Give the user named by -user a new random password, which is printed once. Their logins, tokens and
    /// streams end at once.
    #[arg(long, requires = "user")]
    password: bool,
    /// Add the user, application, group or organisation that is named. A new user's password, and an application's
    /// secret, are printed once.
    #[arg(long)]
    add: bool,
    /// The organisation of the new user, application or group; or the one to add. May be left out if there is only
    /// one.
    #[arg(long, value_name = "NAME", requires = "add")]
    organisation: Option<String>,

    /// Show all applications (OAuth clients): organisation, kind, state, scopes, groups, redirect addresses.
    #[arg(long)]
    clients: bool,
    /// The application to add, revoke, let in again or give a new secret.
    #[arg(long, value_name = "NAME", conflicts_with = "token")]
    client: Option<String>,
    /// What people read when the new application asks them for something [default: its NAME].
    #[arg(long, value_name = "TEXT", requires_all = ["client", "add"])]
    display_name: Option<String>,
    /// An address to which the new application may have codes sent; may be repeated.
    #[arg(long, value_name = "URI", requires_all = ["client", "add"])]
    redirect: Vec<String>,
    /// What the new application may ask for [default: all scopes]; may be repeated.
    #[arg(long, value_name = "SCOPE", requires_all = ["client", "add"])]
    scope: Vec<String>,
    /// The new application cannot keep a secret, as one in a browser or on people's own computers.
    #[arg(long, requires_all = ["client", "add"])]
    public: bool,
    /// Give the application named by -client a new secret, which is printed once.
    #[arg(long, requires = "client")]
    secret: bool,
    /// Let the user named by -user, or the application named by -client, in again. What has ended stays ended.
    #[arg(long)]
    enable: bool,
    /// With -client: end all its tokens and give it no more. With -token: end what this token belongs to, named
    /// by the id that -tokens shows, by the token's own id (jti), or by the token; - reads it from the input.
    #[arg(long, value_name = "ID_OR_TOKEN", num_args = 0..=1, default_missing_value = "")]
    revoke: Option<String>,

    /// Show who has tokens: what users have allowed applications, and what applications hold for themselves.
    #[arg(long)]
    tokens: bool,
    /// With -revoke or -rotate-keys: a matter of tokens.
    #[arg(long)]
    token: bool,
    /// With -token: sign access tokens with a new key. Those that are out stay good until they expire.
    #[arg(long, requires = "token")]
    rotate_keys: bool,

    /// Show who did what to whose access: approvals, invitations, logins, refused streams, users, applications.
    #[arg(long)]
    audit: bool,
    /// With -audit: not older than this, as 90s, 30m, 1h or 7d.
    #[arg(long, value_name = "AGE", requires = "audit", value_parser = age)]
    since: Option<u64>,
}

/// What can be asked for; one of them at a time.
const WHAT: [&str; 25] = [
    "status",
    "watch",
    "config",
    "upgrade",
    "start",
    "restart",
    "stop",
    "groups",
    "approve",
    "withdraw",
    "add_member",
    "remove_member",
    "users",
    "disable",
    "administrator",
    "no_administrator",
    "password",
    "add",
    "clients",
    "secret",
    "enable",
    "revoke",
    "tokens",
    "rotate_keys",
    "audit",
];

/// Seconds of an age such as `1h`.
fn age(text: &str) -> Result<u64, String> {
    let (count, unit) = text.split_at(text.len().saturating_sub(1));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => 0,
    };
    let age = count.parse::<u64>().ok().and_then(|count| count.checked_mul(seconds)).filter(|age| *age > 0);
    age.ok_or_else(|| "write it as 90s, 30m, 1h or 7d".into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = single_dash::parse::<Options>();
    let request = match request(&options) {
        Ok(request) => request,
        Err(why) => Options::command().error(Usage::ArgumentConflict, why).exit(),
    };
    let done = match options.watch {
        true => watch::run(&options.data, options.json).await.map(|()| ExitCode::SUCCESS),
        false => ask(&options, request).await.map(|answer| print(&options, answer)),
    };
    match done {
        Ok(code) => code,
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

/// What the options ask for; or why they do not go together.
fn request(options: &Options) -> Result<Request, &'static str> {
    if let Some(kind) = &options.process {
        return of_process(options, kind);
    }
    if options.status || options.watch {
        return Ok(Request::Status);
    }
    if options.config {
        return Ok(Request::Config);
    }
    if options.upgrade {
        return Ok(Request::Upgrade);
    }
    let json = options.json;
    let of_oauth = |request| Ok(Request::Ask(AdminRequest::Oauth(request)));
    if options.clients {
        return of_oauth(OauthRequest::Clients { json, skip: 0 });
    }
    if options.tokens {
        return of_oauth(OauthRequest::Grants { user: options.user.clone(), json, skip: 0 });
    }
    let ask = |request| Ok(Request::Ask(request));
    if options.groups {
        return ask(AdminRequest::Groups { json, skip: 0 });
    }
    if options.users {
        return ask(AdminRequest::Users { json, skip: 0 });
    }
    if options.audit {
        let (since_seconds, user) = (options.since, options.user.clone());
        return ask(AdminRequest::Audit { since_seconds, user, json, skip: 0 });
    }
    if options.rotate_keys {
        return of_oauth(OauthRequest::RotateKeys);
    }
    if let Some(client) = &options.client {
        return of_oauth(of_client(options, client.clone())?);
    }
    match (&options.revoke, options.token) {
        (Some(token), true) if !token.is_empty() => {
            let token = if token == "-" { read_line()? } else { token.clone() };
            return of_oauth(OauthRequest::EndGrant { token });
        }
        (Some(_), true) => return Err("name what to revoke: -token -revoke ID_OR_TOKEN"),
        (Some(_), false) => return Err("name what to revoke: -client NAME -revoke, or -token -revoke ID_OR_TOKEN"),
        (None, _) => {}
    }
    match &options.user {
        Some(user) => ask(of_user(options, user.clone())?),
        None => ask(of_group(options)?),
    }
}

fn of_process(options: &Options, kind: &str) -> Result<Request, &'static str> {
    let named = Named { kind: kind.to_owned(), number: options.id.clone().unwrap_or_default() };
    match options.count {
        Some(count) if kind == "_sfe" => Ok(Request::Start(count)),
        Some(_) => Err("-n COUNT -start goes with -process _sfe; the others follow from it"),
        None if options.stop => Ok(Request::Stop(named)),
        None => Ok(Request::Restart(named)),
    }
}

fn of_user(options: &Options, user: String) -> Result<AdminRequest, &'static str> {
    if options.disable || options.enable {
        return Ok(AdminRequest::Disable { user, disabled: options.disable });
    }
    if options.administrator || options.no_administrator {
        return Ok(AdminRequest::Administrator { user, administrator: options.administrator });
    }
    if options.password {
        return Ok(AdminRequest::NewPassword { user });
    }
    if !options.add {
        return Err("-user NAME goes with -add, -disable, -enable, -administrator, -no-administrator or -password");
    }
    let (organisation, groups) = (options.organisation.clone(), options.group.clone());
    Ok(AdminRequest::AddUser { name: user, organisation, groups })
}

fn of_group(options: &Options) -> Result<AdminRequest, &'static str> {
    if options.enable {
        return Err("name the user with -user, or the application with -client");
    }
    let group = match (&options.group[..], &options.organisation) {
        ([one], _) => one.clone(),
        ([], Some(name)) if options.add => return Ok(AdminRequest::AddOrganisation { name: name.clone() }),
        ([], None) if options.add => return Err("name what to add with -user, -client, -group or -organisation"),
        _ => return Err("name one group with -group"),
    };
    Ok(match (&options.add_member, &options.remove_member) {
        (Some(name), _) => AdminRequest::Member { group, name: name.clone(), add: true },
        (None, Some(name)) => AdminRequest::Member { group, name: name.clone(), add: false },
        (None, None) if options.add => AdminRequest::AddGroup { group, organisation: options.organisation.clone() },
        (None, None) => AdminRequest::Approve { group, approved: options.approve },
    })
}

fn of_client(options: &Options, client: String) -> Result<OauthRequest, &'static str> {
    let json = options.json;
    match &options.revoke {
        Some(token) if !token.is_empty() => return Err("-client NAME -revoke takes nothing behind it"),
        Some(_) => return Ok(OauthRequest::DisableClient { client, disabled: true }),
        None => {}
    }
    if options.enable {
        return Ok(OauthRequest::DisableClient { client, disabled: false });
    }
    if options.secret {
        return Ok(OauthRequest::NewSecret { client, json });
    }
    if !options.add {
        return Err("-client NAME goes with -add, -revoke, -enable or -secret");
    }
    Ok(OauthRequest::AddClient {
        client,
        display_name: options.display_name.clone(),
        organisation: options.organisation.clone(),
        groups: options.group.clone(),
        redirect_uris: options.redirect.clone(),
        scopes: options.scope.clone(),
        public: options.public,
        json,
    })
}

/// A token on the command line would be there for every user of the machine to see.
fn read_line() -> Result<String, &'static str> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(|_| "the input cannot be read")?;
    Ok(line.trim().to_owned())
}

/// Asks; long lists part by part.
async fn ask(options: &Options, mut request: Request) -> io::Result<Answer> {
    let mut all = Vec::new();
    loop {
        let lines = match admin::ask(&options.data, &request).await? {
            Ok(lines) => lines,
            refused => return Ok(refused),
        };
        let full = lines.len() == LISTED_AT_ONCE;
        all.extend(lines);
        match &mut request {
            Request::Ask(
                AdminRequest::Groups { skip, .. }
                | AdminRequest::Users { skip, .. }
                | AdminRequest::Audit { skip, .. }
                | AdminRequest::Oauth(OauthRequest::Clients { skip, .. } | OauthRequest::Grants { skip, .. }),
            ) if full => *skip = all.len(),
            _ => return Ok(Ok(all)),
        }
    }
}

fn print(options: &Options, answer: Answer) -> ExitCode {
    match answer {
        Ok(lines) if options.status && !options.json => {
            let processes: Vec<_> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
            println!("{}", table::text(&processes));
        }
        Ok(lines) if options.config && !options.json => settings(&lines),
        Ok(lines) => lines.iter().for_each(|line| println!("{line}")),
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(REFUSED);
        }
    }
    ExitCode::SUCCESS
}

/// The settings as a table: key, value, and where it came from.
fn settings(lines: &[String]) {
    let lines: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let row = |line: &Value| (text(&line["key"]), line["value"].to_string(), text(&line["from"]));
    let rows: Vec<_> = lines.iter().map(row).collect();
    let width = |cell: fn(&(String, String, String)) -> usize| rows.iter().map(cell).max().unwrap_or(0);
    let (keys, values) = (width(|row| row.0.len()), width(|row| row.1.len()));
    rows.iter().for_each(|(key, value, from)| println!("{key:<keys$}  {value:<values$}  {from}"));
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
