//! Those who come and go: at moments of their own, however long the server takes.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use capacity::load::{mix::Role, schedule::Schedule};
use goose::goose::GooseUser;
use serde_json::{Map, Value, json};
use tokio::{sync::watch, time::timeout};
use widgetapp::{
    client::{Client, Credentials, Http, Login},
    clock as time,
    protocol::action::Action,
};

use crate::{
    clock,
    server::accounts::Person,
    step::{Phase, Scene, Shared},
};

/// Visits per second of each.
const PER_SECOND: f64 = 0.5;
/// Newcomers log in, which costs the server a password check on purpose.
const NEWCOMERS_PER_SECOND: f64 = 0.1;
/// Their moments are not those of any editor.
const VISITORS_FROM: u64 = 1 << 32;
/// A visit that takes longer has failed.
const VISIT_WITHIN: Duration = Duration::from_secs(30);

/// Visits until the step is over. `user` lends its HTTP client.
pub async fn visit(scene: Shared, number: usize, role: Role, user: &GooseUser) {
    let mut phase = scene.phase.clone();
    let visitor = Visitor { scene: &scene, person: scene.person(number).clone(), number, http: &user.client };
    scene.tally.ready.fetch_add(1, Relaxed);
    let Some(from_nanos) = editing_begins(&mut phase).await else { return };
    let per_second = if role == Role::Newcomer { NEWCOMERS_PER_SECOND } else { PER_SECOND };
    let mut schedule = Schedule::new(scene.load.seed, VISITORS_FROM + number as u64, per_second);
    loop {
        let due = from_nanos + u64::try_from(schedule.next().as_nanos()).unwrap_or(u64::MAX / 2);
        schedule.advance();
        let wait = Duration::from_nanos(due.saturating_sub(clock::nanos()));
        tokio::select! {
            _ = phase.changed() => return,
            () = tokio::time::sleep(wait) => {}
        }
        visitor.come(role).await;
    }
}

async fn editing_begins(phase: &mut watch::Receiver<Phase>) -> Option<u64> {
    let begins = phase.wait_for(|phase| *phase != Phase::Gathering).await.ok()?;
    match *begins {
        Phase::Editing { from_nanos, .. } => Some(from_nanos),
        _ => None,
    }
}

struct Visitor<'a> {
    scene: &'a Scene,
    person: Person,
    number: usize,
    http: &'a reqwest::Client,
}

impl Visitor<'_> {
    async fn come(&self, role: Role) {
        match role {
            Role::Browser => {
                self.timed("scroll", self.action(Action::Scroll, json!({"limit": 20}))).await;
                self.timed("search", self.action(Action::Search, json!({"q": "load test"}))).await;
            }
            Role::Legacy => {
                self.timed("old API: list", self.old_api("/api/1.0/things?limit=20".into())).await;
                let thing = &self.scene.things[self.number % self.scene.things.len()];
                self.timed("old API: one", self.old_api(format!("/api/1.0/things/{thing}"))).await;
            }
            Role::Newcomer => self.timed("log in, open, leave", self.arrive()).await,
            Role::Editor | Role::Viewer | Role::Reconnector => {}
        }
    }

    async fn timed(&self, what: &'static str, visit: impl Future<Output = Result<(), String>>) {
        let began = time::now();
        let ended = timeout(VISIT_WITHIN, visit).await.unwrap_or_else(|_| Err("it took too long".into()));
        self.scene.tally.visited(self.number, what, ended.map(|()| time::now() - began));
    }

    /// A user action over `_ajax`, as the pages do it.
    async fn action(&self, action: Action, body: Value) -> Result<(), String> {
        let body: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
        self.person.login.call(action, None, body).await.map(|_| ()).map_err(|error| error.to_string())
    }

    /// As programs of release 1.0 do it: with name and password each time.
    async fn old_api(&self, path: String) -> Result<(), String> {
        let url = format!("{}{path}", self.scene.url.trim_end_matches('/'));
        let request = self.http.get(url);
        let request = match self.person.password() {
            Some((name, password)) => request.basic_auth(name, Some(password)),
            None => request.bearer_auth(self.person.login.access_token().await.map_err(|error| error.to_string())?),
        };
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        answer.bytes().await.map_err(|error| error.to_string())?;
        if status.is_success() { Ok(()) } else { Err(format!("answered with {status}")) }
    }

    /// From the login page to a Thing, and away.
    async fn arrive(&self) -> Result<(), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let http = Http::new(&self.scene.url, None).map_err(|error| text(&error))?;
        let login = match self.person.password() {
            Some((name, password)) => {
                let (name, password) = (name.to_owned(), password.to_owned());
                Login::new(http, Credentials::User { name, password })
            }
            None => self.person.login.clone(),
        };
        let (client, events) = Client::connect(&self.scene.url, login).await.map_err(|error| text(&error))?;
        // Nothing of what happens on the Thing is wanted.
        drop(events);
        let thing = &self.scene.things[self.number % self.scene.things.len()];
        let opened = client.open(thing, self.scene.style.form).await;
        client.close_stream().await;
        opened.map(|_| ()).map_err(|error| text(&error))
    }
}
