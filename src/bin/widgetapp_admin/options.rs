//! What can be written behind the command's name.

use std::path::PathBuf;

use clap::{ArgGroup, Parser};

/// Watches and manages a running WidgetApp server.
///
/// Long options may be written with one dash or two. Exit codes: 0 done, 1 refused or failed,
/// 2 wrong usage, 3 no server runs there.
#[derive(Parser)]
#[command(name = "widgetapp_admin", version)]
#[command(group(ArgGroup::new("what").required(true).args(WHAT)))]
pub struct Options {
    /// The server's data directory.
    #[arg(long, value_name = "DIR", default_value = "widgetapp-data", env = "WIDGETAPP_SERVER__DATA")]
    pub data: PathBuf,

    /// Show every process of the server: its clients, what it takes of the processor and of memory, its messages, and
    /// whether it is rogue.
    #[arg(long)]
    pub status: bool,
    /// The same, anew each second; q ends it. Where the output is no terminal, the table is printed each second.
    #[arg(long)]
    pub watch: bool,
    /// Show the settings in effect, and where each of them came from.
    #[arg(long)]
    pub config: bool,
    /// With -status, -watch, -config or a list, or for a new secret: one JSON object per line.
    #[arg(long, conflicts_with_all = all_but(&["status", "watch", "config", "groups", "users", "audit", "clients", "tokens", "add", "secret"]))]
    pub json: bool,

    /// Replace the running program by the one that has taken the place of its file. Connections are kept. If the new
    /// program cannot take over, nothing changes.
    #[arg(long)]
    pub upgrade: bool,

    /// The kind of process to start, restart or stop.
    #[arg(long, value_name = "NAME", value_parser = widgetapp::worker::NAMES, conflicts_with_all = all_but(&["start", "restart", "stop"]))]
    pub process: Option<String>,
    /// Which one, as -status shows it: K of an _sfe, K.M of a _stream.
    #[arg(long, value_name = "ID", requires = "process", conflicts_with_all = all_but(&["restart", "stop"]))]
    pub id: Option<String>,
    /// With -process _sfe: replace the instances one by one by fresh ones, until at least as many run as -n says; there
    /// are never fewer until the next -n N -start, or until the server stops. Connections are kept.
    #[arg(long, requires_all = ["process", "count"])]
    pub start: bool,
    /// How many _sfe processes -start is to run.
    #[arg(short = 'n', value_name = "COUNT", requires = "start", conflicts_with_all = all_but(&["start"]), value_parser = clap::value_parser!(u16).range(1..))]
    pub count: Option<u16>,
    /// Replace the process named by -process and -id by a fresh one. Connections are kept; those of a _stream come back
    /// and resume. Also takes back an _sfe that was set aside.
    #[arg(long, requires = "process")]
    pub restart: bool,
    /// Stop the _sfe named by -id: its clients come back at the others and resume.
    #[arg(long, requires = "process")]
    pub stop: bool,

    /// Show all groups, whether they are approved for streaming, and their members.
    #[arg(long)]
    pub groups: bool,
    /// The group to add, approve, withdraw, or change the members of; with -user -add or -client -add: a group for
    /// the new user or application, may be repeated.
    #[arg(long, value_name = "NAME", conflicts_with_all = all_but(&["approve", "withdraw", "add_member", "remove_member", "add", "rename", "remove"]))]
    pub group: Vec<String>,
    /// Approve the group named by -group for streaming.
    #[arg(long, requires = "group")]
    pub approve: bool,
    /// Withdraw the approval of the group named by -group. Its members' streams end at once.
    #[arg(long, requires = "group")]
    pub withdraw: bool,
    /// Put a user or application into the group named by -group.
    #[arg(long, value_name = "NAME", requires = "group")]
    pub add_member: Option<String>,
    /// Take a user or application out of the group named by -group. What they had by it ends at once.
    #[arg(long, value_name = "NAME", requires = "group")]
    pub remove_member: Option<String>,

    /// Show all users, their organisations and groups, and whether they are disabled.
    #[arg(long)]
    pub users: bool,
    /// The user to add, disable, enable or give a new password; with -tokens or -audit: only what concerns them.
    #[arg(long, value_name = "NAME", conflicts_with = "client", conflicts_with_all = all_but(OF_USER))]
    pub user: Option<String>,
    /// Shut out the user named by -user. Their streams end at once.
    #[arg(long, requires = "user")]
    pub disable: bool,
    /// Make the user named by -user an administrator of their organisation, who has the page /admin for it.
    #[arg(long, requires = "user")]
    pub administrator: bool,
    /// Make the user named by -user an administrator no more.
    #[arg(long, requires = "user")]
    pub no_administrator: bool,
    /// Give the user named by -user a new random password, which is printed once. Their logins, tokens and
    /// streams end at once.
    #[arg(long, requires = "user")]
    pub password: bool,
    /// Add the user, application, group or organisation that is named. A new user's password, and an application's
    /// secret, are printed once.
    #[arg(long)]
    pub add: bool,
    /// Give the user, application, group or organisation that is named this name instead. What they have stays theirs.
    #[arg(long, value_name = "NEW_NAME")]
    pub rename: Option<String>,
    /// Remove the user, application, group or organisation that is named, for good. A group must be empty, and so must
    /// an organisation.
    #[arg(long)]
    pub remove: bool,
    /// With -user -remove or -client -remove: whose the Things become that nobody else owns.
    #[arg(long, value_name = "NAME", requires = "remove", conflicts_with_all = all_but(&["remove"]))]
    pub to: Option<String>,
    /// The organisation of the new user, application or group; or the one to add, rename or remove. May be left out if
    /// there is only one.
    #[arg(long, value_name = "NAME", conflicts_with_all = all_but(&["add", "rename", "remove"]))]
    pub organisation: Option<String>,

    /// Show all applications (OAuth clients): organisation, kind, state, scopes, groups, redirect addresses.
    #[arg(long)]
    pub clients: bool,
    /// The application to add, revoke, let in again or give a new secret.
    #[arg(long, value_name = "NAME", conflicts_with = "token", conflicts_with_all = all_but(&["add", "rename", "remove", "secret", "enable", "revoke"]))]
    pub client: Option<String>,
    /// What people read when the new application asks them for something [default: its NAME].
    #[arg(long, value_name = "TEXT", requires_all = ["client", "add"], conflicts_with_all = all_but(&["add"]))]
    pub display_name: Option<String>,
    /// An address to which the new application may have codes sent; may be repeated.
    #[arg(long, value_name = "URI", requires_all = ["client", "add"], conflicts_with_all = all_but(&["add"]))]
    pub redirect: Vec<String>,
    /// What the new application may ask for [default: all scopes]; may be repeated.
    #[arg(long, value_name = "SCOPE", requires_all = ["client", "add"], conflicts_with_all = all_but(&["add"]))]
    pub scope: Vec<String>,
    /// The new application cannot keep a secret, as one in a browser or on people's own computers.
    #[arg(long, requires_all = ["client", "add"], conflicts_with_all = all_but(&["add"]))]
    pub public: bool,
    /// Give the application named by -client a new secret, which is printed once.
    #[arg(long, requires = "client")]
    pub secret: bool,
    /// Let the user named by -user, or the application named by -client, in again. What has ended stays ended.
    #[arg(long)]
    pub enable: bool,
    /// With -client: end all its tokens and give it no more. With -token: end what this token belongs to, named
    /// by the id that -tokens shows, by the token's own id (jti), or by the token; - reads it from the input.
    #[arg(long, value_name = "ID_OR_TOKEN", num_args = 0..=1, default_missing_value = "")]
    pub revoke: Option<String>,

    /// Show who has tokens: what users have allowed applications, and what applications hold for themselves.
    #[arg(long)]
    pub tokens: bool,
    /// With -revoke or -rotate-keys: a matter of tokens.
    #[arg(long, conflicts_with_all = all_but(&["revoke", "rotate_keys"]))]
    pub token: bool,
    /// With -token: sign access tokens with a new key. Those that are out stay good until they expire.
    #[arg(long, requires = "token")]
    pub rotate_keys: bool,

    /// Show who did what to whose access: approvals, invitations, logins, refused streams, users, applications.
    #[arg(long)]
    pub audit: bool,
    /// With -audit: not older than this, as 90s, 30m, 1h or 7d.
    #[arg(long, value_name = "AGE", requires = "audit", conflicts_with_all = all_but(&["audit"]), value_parser = age)]
    pub since: Option<u64>,
}

/// What can be asked for; one of them at a time.
const WHAT: [&str; 27] = [
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
    "rename",
    "remove",
    "clients",
    "secret",
    "enable",
    "revoke",
    "tokens",
    "rotate_keys",
    "audit",
];

/// What `-user` goes with.
const OF_USER: &[&str] = &[
    "tokens",
    "audit",
    "disable",
    "enable",
    "administrator",
    "no_administrator",
    "password",
    "add",
    "rename",
    "remove",
];

/// What an option has no sense with that goes with these alone. What it *requires* is not enough to say so: that is not
/// asked for where something else stands that cannot be together with it.
fn all_but(with: &[&str]) -> Vec<&'static str> {
    WHAT.into_iter().filter(|what| !with.contains(what)).collect()
}

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
