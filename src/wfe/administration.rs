//! What the administrator's command asks of WFE: organisations, groups and their approval, users, and the
//! record of what was done. Each answer is lines to print, or one line that says why not. What is asked of the
//! authorisation server is answered there.

use std::{net::IpAddr, rc::Rc};

use serde::Serialize;

use super::{
    App, FIRST_PARTY_CLIENT, live_access::LiveAccess, oauth::administration as applications, passwords::secret,
};
use crate::{
    access::{Charge, Kind, Principal},
    clock,
    ipc::control::{Account, AdminRequest, LISTED_AT_ONCE},
    store::{
        Group, Store, StoreError, User,
        audit::{Entry, Event, Keep, Recorded},
    },
};

/// Most rows of the record in one answer.
const MOST_ROWS: u64 = 10_000;

/// Answers the administrator.
pub(super) struct Administration {
    pub app: App,
    pub live_access: Rc<LiveAccess>,
    pub keep: Keep,
}

/// Lines to print, or why not.
pub(super) type Answer = Result<Vec<String>, String>;

impl Administration {
    /// Answers one question.
    pub async fn answer(&self, request: AdminRequest) -> Answer {
        match request {
            AdminRequest::Groups { json, skip } => {
                let groups = self.store().groups();
                let (name, of) = widths(&groups, |group| (&group.name, &group.organisation));
                lines(groups, json, skip, |Group { name: group, organisation, approved, members }| {
                    let state = if *approved { "approved" } else { "not approved" };
                    format!("{group:name$}  {organisation:of$}  {state:12}  {}", members.join(" "))
                })
            }
            AdminRequest::Users { json, skip } => {
                let users = self.store().users();
                let (name, of) = widths(&users, |user| (&user.name, &user.organisation));
                lines(users, json, skip, |User { name: user, organisation, disabled, administrator, groups }| {
                    let state = match (disabled, administrator) {
                        (true, true) => "disabled administrator",
                        (true, false) => "disabled",
                        (false, true) => "administrator",
                        (false, false) => "enabled",
                    };
                    format!("{user:name$}  {organisation:of$}  {state:8}  {}", groups.join(" "))
                })
            }
            AdminRequest::Audit { since_seconds, user, json, skip } => {
                let since = since_seconds.map_or(0, |seconds| clock::unix_millis().saturating_sub(seconds * 1000));
                lines(self.store().recorded(since, user.as_deref(), MOST_ROWS), json, skip, shown)
            }
            AdminRequest::AddOrganisation { name } => {
                self.done(Event::OrganisationAdded, &name, |store| store.add_organisation(&name))?;
                Ok(vec![format!("organisation {name} is added")])
            }
            AdminRequest::AddGroup { group, organisation } => {
                let organisation = self.organisation(organisation)?;
                self.done(Event::GroupAdded, &group, |store| store.add_group(&group, &organisation))?;
                Ok(vec![format!("group {group} of {organisation} is added, not approved")])
            }
            AdminRequest::Approve { group, approved } => {
                let event = if approved { Event::GroupApproved } else { Event::GroupWithdrawn };
                let ended = self.done(event, &group, |store| store.set_approved(&group, approved))?;
                Ok(vec![match approved {
                    true => format!("{group} is approved for streaming"),
                    false => format!("{group} is not approved for streaming any more; {}", connections(ended)),
                }])
            }
            AdminRequest::Member { group, name, add } => self.member(&group, &name, add),
            AdminRequest::AddUser { name, organisation, groups } => {
                self.add_user(&name, self.organisation(organisation)?, &groups).await
            }
            AdminRequest::Disable { user, disabled } => {
                let (event, state) =
                    if disabled { (Event::UserDisabled, "disabled") } else { (Event::UserEnabled, "enabled") };
                let ended = self.done(event, &user, |store| {
                    self.known_user(&user).and_then(|_| store.set_disabled(&user, disabled))
                })?;
                Ok(vec![format!("{user} is {state}{}", and_connections(ended))])
            }
            AdminRequest::Administrator { user, administrator } => {
                let event = if administrator { Event::AdministratorAdded } else { Event::AdministratorRemoved };
                self.done(event, &user, |store| store.set_administrator(&user, administrator))?;
                let no_more = if administrator { "is" } else { "is no longer" };
                Ok(vec![format!("{user} {no_more} an administrator of their organisation")])
            }
            AdminRequest::Rename { account, name, to } => self.rename(account, &name, &to),
            AdminRequest::Remove { account, name, heir } => self.remove(account, &name, heir.as_deref()),
            AdminRequest::Oauth(request) => applications::answer(self, request),
            AdminRequest::NewPassword { user } => {
                let (password, hash) = self.new_password().await?;
                let ended = self.done(Event::PasswordChanged, &user, |store| store.set_password(&user, &hash))?;
                let changed = format!("{user} has a new password{}", and_connections(ended));
                Ok(vec![changed, format!("password: {password}")])
            }
        }
    }

    /// Approves a group of the organisation that somebody looks after, or withdraws that; how many streams that ended.
    pub fn approve_for(&self, charge: &Charge, group: &str, approved: bool, address: IpAddr) -> Result<usize, String> {
        let event = if approved { Event::GroupApproved } else { Event::GroupWithdrawn };
        let entry = Entry { address: Some(address), ..Entry::of(charge.caller(), event, group) };
        self.done_as(entry, |store| {
            if self.organisation_of(group)? != charge.organisation() {
                return Err(StoreError::Absent(format!("group named {group}")));
            }
            store.set_approved(group, approved)
        })
    }

    pub fn store(&self) -> &Store {
        self.app.store()
    }

    fn rename(&self, account: Account, name: &str, to: &str) -> Answer {
        let event = match account {
            Account::Organisation => Event::OrganisationRenamed,
            Account::Group => Event::GroupRenamed,
            Account::User => Event::UserRenamed,
            Account::Client => Event::ClientRenamed,
        };
        if account == Account::Client && to == FIRST_PARTY_CLIENT {
            return Err(format!("there is already a client named {to}, which is built in"));
        }
        let ended = self.done(event, &format!("{name} {to}"), |store| match account {
            Account::Organisation => store.rename_organisation(name, to),
            Account::Group => store.rename_group(name, to),
            Account::User => store.rename_principal(Kind::User, name, to),
            Account::Client => store.rename_principal(Kind::Client, name, to),
        })?;
        let mut lines = vec![format!("{name} is named {to} now{}", and_connections(ended))];
        if account == Account::Client {
            lines.push(format!("it has to ask for tokens as client_id {to} from now on"));
        }
        if account == Account::Organisation && self.app.config().oauth.external.organisation.as_deref() == Some(name) {
            lines.push(format!(
                "oauth.external.organisation still says {name}; write {to} there and restart the server"
            ));
        }
        Ok(lines)
    }

    fn remove(&self, account: Account, name: &str, heir: Option<&str>) -> Answer {
        let mut given = 0;
        let event = match account {
            Account::Organisation => Event::OrganisationRemoved,
            Account::Group => Event::GroupRemoved,
            Account::User => Event::UserRemoved,
            Account::Client => Event::ClientRemoved,
        };
        let target = heir.map_or_else(|| name.to_owned(), |heir| format!("{name} {heir}"));
        let ended = self.done(event, &target, |store| match account {
            Account::Organisation => store.remove_organisation(name),
            Account::Group => store.remove_group(name),
            Account::User => store.remove_principal(Kind::User, name, heir).map(|count| given = count),
            Account::Client => store.remove_principal(Kind::Client, name, heir).map(|count| given = count),
        })?;
        let given = match (heir, given) {
            (None, _) => String::new(),
            (Some(heir), 1) => format!("; 1 Thing is {heir}'s now"),
            (Some(heir), given) => format!("; {given} Things are {heir}'s now"),
        };
        Ok(vec![format!("{name} is removed{given}{}", and_connections(ended))])
    }

    fn member(&self, group: &str, name: &str, add: bool) -> Answer {
        let (event, said) = if add { (Event::MemberAdded, "is in") } else { (Event::MemberRemoved, "is not in") };
        let ended = self.done(event, &format!("{group} {name}"), |store| {
            let organisation = self.organisation_of(group)?;
            let who = store.principal(name, &organisation)?;
            let who =
                who.ok_or_else(|| StoreError::Absent(format!("user or client named {name} in {organisation}")))?;
            if add { store.join_group(group, &who) } else { store.leave_group(group, &who) }
        })?;
        Ok(vec![format!("{name} {said} {group}{}", and_connections(ended))])
    }

    async fn add_user(&self, name: &str, organisation: String, groups: &[String]) -> Answer {
        for group in groups {
            if self.organisation_of(group).map_err(|error| error.to_string())? != organisation {
                return Err(format!("there is no group named {group} in {organisation}"));
            }
        }
        let (password, hash) = self.new_password().await?;
        self.done(Event::UserAdded, &[&[name.to_owned()], groups].concat().join(" "), |store| {
            let user = store.add_user(name, &organisation, &hash)?;
            groups.iter().try_for_each(|group| store.join_group(group, &user))
        })?;
        let of_groups = if groups.is_empty() { "in no group yet".into() } else { format!("in {}", groups.join(", ")) };
        Ok(vec![format!("{name} is added to {organisation}, {of_groups}"), format!("password: {password}")])
    }

    async fn new_password(&self) -> Result<(String, String), String> {
        let password = secret::<18>();
        let hash = self.app.passwords().hash(&password).await.map_err(|_| "too busy to hash a password; try again")?;
        Ok((password, hash))
    }

    /// The organisation that is named, or the only one there is.
    pub fn organisation(&self, named: Option<String>) -> Result<String, String> {
        if let Some(name) = named {
            return Ok(name);
        }
        let mut all = self.store().organisations().map_err(|error| error.to_string())?;
        match (all.pop(), all.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                all.push(last);
                Err(format!("name one of the organisations with -organisation: {}", all.join(", ")))
            }
            (None, _) => Err("there is no organisation yet; add one with -organisation NAME -add".into()),
        }
    }

    pub fn organisation_of(&self, group: &str) -> Result<String, StoreError> {
        let found = self.store().groups()?.into_iter().find(|other| other.name == group);
        found.map(|group| group.organisation).ok_or_else(|| StoreError::Absent(format!("group named {group}")))
    }

    fn known_user(&self, name: &str) -> Result<Principal, StoreError> {
        let login = self.store().login(name)?;
        login.map(|login| login.principal).ok_or_else(|| StoreError::Absent(format!("user named {name}")))
    }

    /// Makes a change and records it, or that it was refused, and sees to it that it has its effect on what is live;
    /// how many streams that ended.
    pub fn done(
        &self,
        event: Event,
        target: &str,
        change: impl FnOnce(&Store) -> Result<(), StoreError>,
    ) -> Result<usize, String> {
        self.done_as(Entry::of_administrator(event, target), change)
    }

    /// The same, whoever does it.
    fn done_as(&self, entry: Entry, change: impl FnOnce(&Store) -> Result<(), StoreError>) -> Result<usize, String> {
        let done = self.store().recording((clock::unix_millis(), entry.clone(), self.keep), change);
        let ended = self.live_access.catch_up();
        done.map(|()| ended).map_err(|error| {
            let refused = [(clock::unix_millis(), entry.ended("refused"))];
            if let Err(error) = self.store().record(&refused, self.keep) {
                tracing::error!(%error, "what was refused to the administrator could not be recorded");
            }
            error.to_string()
        })
    }
}

fn connections(ended: usize) -> String {
    match ended {
        1 => "1 connection was ended".into(),
        ended => format!("{ended} connections were ended"),
    }
}

/// The same behind something else, if there is something to tell.
pub(super) fn and_connections(ended: usize) -> String {
    if ended == 0 { String::new() } else { format!("; {}", connections(ended)) }
}

/// The widths of the first two columns.
fn widths<T>(all: &Result<Vec<T>, StoreError>, columns: impl Fn(&T) -> (&str, &str)) -> (usize, usize) {
    let all = || all.iter().flatten().map(&columns);
    (all().map(|(one, _)| one.len()).max().unwrap_or(0), all().map(|(_, two)| two.len()).max().unwrap_or(0))
}

fn lines<T: Serialize>(
    all: Result<Vec<T>, StoreError>,
    json: bool,
    skip: usize,
    shown: impl Fn(&T) -> String,
) -> Answer {
    let all = all.map_err(|error| error.to_string())?;
    let line = |one: &T| {
        if json { serde_json::to_string(one).expect("plain fields are JSON") } else { shown(one).trim_end().to_owned() }
    };
    Ok(all.iter().skip(skip).take(LISTED_AT_ONCE).map(line).collect())
}

fn shown(row: &Recorded) -> String {
    let at = i64::try_from(row.at).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    let at = at.map_or_else(String::new, |at| format!("{at:.3}"));
    let Recorded { what, who, target, outcome, address, request, .. } = row;
    let who = if who.is_empty() { "-" } else { who };
    let mut line = format!("{at}  {what}  {who}  {target}  {outcome}");
    for more in [address, request].into_iter().flatten() {
        line += &format!("  {more}");
    }
    line
}
