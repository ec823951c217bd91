//! `widgetapp_admin`: the administrator's command. Talks to the running server over its socket in the
//! data directory.

mod options;
mod table;
mod watch;

use std::{
    io::{self, ErrorKind},
    process::ExitCode,
};

use clap::{CommandFactory, error::ErrorKind as Usage};
use serde_json::Value;
use widgetapp::{
    cli::single_dash,
    ipc::control::{Account, AdminRequest, LISTED_AT_ONCE, OauthRequest},
    supervisor::admin::{self, Answer, Named, Request},
};

use options::Options;

const REFUSED: u8 = 1;
const NO_SERVER: u8 = 3;

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
    if options.json && options.add && options.client.is_none() {
        return Err("-json goes with -client NAME -add, and with no other -add");
    }
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
    if options.rename.is_some() || options.remove {
        return ask(renamed_or_removed(options)?);
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

fn renamed_or_removed(options: &Options) -> Result<AdminRequest, &'static str> {
    let (account, name) = match (&options.user, &options.client, &options.group[..], &options.organisation) {
        (Some(user), None, [], None) => (Account::User, user),
        (None, Some(client), [], None) => (Account::Client, client),
        (None, None, [group], None) => (Account::Group, group),
        (None, None, [], Some(organisation)) => (Account::Organisation, organisation),
        _ => return Err("-rename and -remove go with one of -user, -client, -group and -organisation"),
    };
    let name = name.clone();
    match (&options.rename, &options.to, account) {
        (Some(to), _, _) => Ok(AdminRequest::Rename { account, name, to: to.clone() }),
        (None, Some(_), Account::Group | Account::Organisation) => Err("-to goes with -user NAME or -client NAME"),
        (None, heir, _) => Ok(AdminRequest::Remove { account, name, heir: heir.clone() }),
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
        return Err(
            "-user NAME goes with -add, -rename, -remove, -disable, -enable, -administrator, -no-administrator or -password",
        );
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
        return Err("-client NAME goes with -add, -rename, -remove, -revoke, -enable or -secret");
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
