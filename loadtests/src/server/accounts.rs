//! Those who take part, and the Things they share.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};
use widgetapp::{
    client::{Credentials, Http, Login},
    ipc::control::AdminRequest,
    protocol::action::Action,
    supervisor::admin::{self, Request},
};

use super::ServerOptions;
use crate::commands::WrongUsage;

/// Their organisation and their group on a server that is started.
const ORGANISATION: &str = "load";
const GROUP: &str = "load-testers";
/// Things that are made or removed at the same time.
const AT_ONCE: usize = 8;

/// Those who take part.
pub struct Accounts {
    people: Vec<Person>,
    /// Things that all of them may edit.
    things: Vec<String>,
    /// Whether Things are shared with the group.
    shared: bool,
}

/// One of them.
#[derive(Clone)]
pub struct Person {
    credentials: Credentials,
    /// Shared by all clients that are this person.
    pub login: Login,
}

impl Person {
    fn new(url: &str, credentials: Credentials) -> anyhow::Result<Self> {
        let login = Login::new(Http::new(url, None)?, credentials.clone());
        Ok(Self { credentials, login })
    }

    /// Name and password; none for an OAuth client.
    pub fn password(&self) -> Option<(&str, &str)> {
        match &self.credentials {
            Credentials::User { name, password } => Some((name, password)),
            Credentials::Client { .. } => None,
        }
    }
}

impl Accounts {
    /// New users on a server that was started for this.
    pub(super) async fn made(url: &str, data: &Path, users: u32) -> anyhow::Result<Self> {
        let organisation = || Some(ORGANISATION.to_owned());
        let group = || GROUP.to_owned();
        ask(data, AdminRequest::AddOrganisation { name: ORGANISATION.into() }).await?;
        ask(data, AdminRequest::AddGroup { group: group(), organisation: organisation() }).await?;
        ask(data, AdminRequest::Approve { group: group(), approved: true }).await?;
        let mut people = Vec::new();
        for number in 1..=users {
            let name = format!("tester-{number}");
            let request =
                AdminRequest::AddUser { name: name.clone(), organisation: organisation(), groups: vec![group()] };
            let lines = ask(data, request).await?;
            let password = lines.iter().find_map(|line| line.strip_prefix("password: "));
            let password = password.context("a new user has a password")?.to_owned();
            people.push(Person::new(url, Credentials::User { name, password })?);
        }
        Ok(Self { people, things: Vec::new(), shared: true })
    }

    /// The one account that was named.
    pub(super) fn given(url: &str, options: &ServerOptions) -> anyhow::Result<Self> {
        let secret = match &options.password_file {
            Some(path) => std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
            None => std::env::var("WIDGETAPP_PASSWORD").unwrap_or_default(),
        };
        let secret = secret.trim().to_owned();
        let wrong = |why: &str| WrongUsage(why.to_owned());
        if secret.is_empty() {
            return Err(wrong("--server needs a password: --password-file FILE, or WIDGETAPP_PASSWORD").into());
        }
        let credentials = match (&options.user, &options.client) {
            (Some(name), _) => Credentials::User { name: name.clone(), password: secret },
            (None, Some(id)) => Credentials::Client { id: id.clone(), secret },
            (None, None) => return Err(wrong("--server needs --user NAME or --client ID").into()),
        };
        Ok(Self { people: vec![Person::new(url, credentials)?], things: Vec::new(), shared: false })
    }

    /// The server has another address now.
    pub(super) fn moved_to(&mut self, url: &str) -> anyhow::Result<()> {
        for person in &mut self.people {
            *person = Person::new(url, person.credentials.clone())?;
        }
        Ok(())
    }

    /// All of them.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Who the client with this number is.
    fn person(&self, number: usize) -> &Person {
        &self.people[number % self.people.len()]
    }

    /// The Things that there are.
    pub fn things(&self) -> &[String] {
        &self.things
    }

    /// Makes Things until there are so many.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn make_things(&mut self, count: usize) -> anyhow::Result<()> {
        while self.things.len() < count {
            let first = self.things.len();
            let batch = (first..count.min(first + AT_ONCE)).map(|number| self.make_thing(number));
            let made = futures_util::future::try_join_all(batch).await?;
            self.things.extend(made);
        }
        Ok(())
    }

    async fn make_thing(&self, number: usize) -> anyhow::Result<String> {
        let owner = &self.person(number).login;
        let title = object(json!({"title": format!("Load test {number}")}));
        let created = owner.call(Action::Create, None, title).await.context("a Thing cannot be made")?;
        let Some(thing) = created["thing"].as_str() else { bail!("the new Thing has no id") };
        if self.shared {
            let invited = object(json!({"group": GROUP, "role": "editor"}));
            owner.call(Action::Invite, Some(thing), invited).await.context("a Thing cannot be shared")?;
        }
        Ok(thing.to_owned())
    }

    /// Removes all Things; one that stays is no reason to fail.
    pub(super) async fn remove_things(&self) {
        for (first, things) in self.things.chunks(AT_ONCE).enumerate() {
            let removed = things.iter().enumerate().map(|(place, thing)| {
                let owner = &self.person(first * AT_ONCE + place).login;
                owner.call(Action::Delete, Some(thing), Map::new())
            });
            futures_util::future::join_all(removed).await;
        }
    }
}

async fn ask(data: &Path, request: AdminRequest) -> anyhow::Result<Vec<String>> {
    let answer = admin::ask(data, &Request::Ask(request)).await.context("the server's admin socket does not answer")?;
    answer.map_err(|why| anyhow::anyhow!("the server refuses: {why}"))
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
