//! The page on which the administrators of an organisation look after it: its groups, who is connected, what was
//! done, and how the server's processes are. Works without a script; with one it follows what happens.
//!
//! Who is an administrator is decided by `access`, and given by `widgetapp_admin` alone.

mod live;

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, StatusCode, header::CACHE_CONTROL};
use maud::{Markup, html};
use serde::Serialize;
use serde_json::Value;

pub use self::live::{Answers, Connected, LiveSide, Question};
use super::{App, body::Fields, caller, login::AuthSession, pages, peer::ClientAddress, problem::Problem};
use crate::{
    access::{self, Charge, Denied},
    protocol::ErrorCode,
    store::{Group, audit::Recorded},
};

/// Where the page is.
pub(super) const PATH: &str = "/admin";
/// Rows of the record on the page.
const ROWS: u64 = 50;
/// Streams on the page.
const MOST_CONNECTED: usize = 500;

/// What the page follows.
#[derive(Serialize)]
struct Now {
    /// Each process of the server, as `widgetapp_admin -status -json` prints it.
    processes: Vec<Value>,
    /// The streams of the organisation's users and applications, by name.
    connected: Vec<Connected>,
}

/// `GET /admin`.
pub(super) async fn page(State(app): State<App>, auth: AuthSession) -> Result<Response, Problem> {
    let charge = match charge(&app, &auth) {
        Ok(charge) => charge,
        Err(Refusal::NotLoggedIn) => return Ok(Redirect::to(&format!("/login?next={PATH}")).into_response()),
        Err(Refusal::Denied(denied)) => return Ok(refusal(denied)),
    };
    let groups: Vec<Group> =
        app.store().groups()?.into_iter().filter(|group| group.organisation == charge.organisation()).collect();
    let recorded = app.store().recorded_of(charge.organisation(), ROWS)?;
    let now = now(&app, &charge).await?;
    let content = html! {
        h1 { "Administration of " (charge.organisation()) }
        (groups_section(&groups))
        (processes_section(&now.processes))
        (connected_section(&now.connected))
        (record_section(&recorded))
        script type="module" src="/assets/admin.js" {}
    };
    Ok(pages::page(StatusCode::OK, "Administration", Some(charge.caller()), &content))
}

/// `GET /admin/now`: what the page follows.
pub(super) async fn follow(State(app): State<App>, auth: AuthSession) -> Result<Response, Problem> {
    let charge = charge(&app, &auth).map_err(Problem::from)?;
    let now = now(&app, &charge).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(now)).into_response())
}

/// `POST /admin`: a button of the groups.
pub(super) async fn approve(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    auth: AuthSession,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    app.site().demand_own_form(&headers)?;
    let charge = charge(&app, &auth).map_err(Problem::from)?;
    let form = Fields::parse(&body)?;
    let missing = |name: &str| Problem::new(ErrorCode::BadRequest, format!("\"{name}\" is missing"));
    let group = form.get("group").ok_or_else(|| missing("group"))?.to_owned();
    let approved = match form.get("approved").ok_or_else(|| missing("approved"))? {
        "true" => true,
        "false" => false,
        _ => return Err(Problem::new(ErrorCode::BadRequest, "\"approved\" is true or false")),
    };
    let asked = |answer| Question::Approve { charge, group, approved, address, answer };
    app.live_side().ask(asked).await?.map_err(|why| Problem::new(ErrorCode::BadRequest, why))?;
    Ok(Redirect::to(PATH).into_response())
}

async fn now(app: &App, charge: &Charge) -> Result<Now, Problem> {
    let asked = charge.clone();
    let mut connected = app.live_side().ask(|answer| Question::Connected(asked, answer)).await?;
    connected.sort();
    connected.truncate(MOST_CONNECTED);
    let lines = app.live_side().ask(Question::Processes).await?;
    let processes = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok(Now { processes, connected })
}

enum Refusal {
    NotLoggedIn,
    Denied(Denied),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotLoggedIn => ErrorCode::NotLoggedIn.into(),
            Refusal::Denied(Denied::NotAdministrator) => Self::new(ErrorCode::Forbidden, NOT_FOR_YOU),
            Refusal::Denied(denied) => denied.code().into(),
        }
    }
}

const NOT_FOR_YOU: &str = "only an administrator of your organisation may do that";

fn charge(app: &App, auth: &AuthSession) -> Result<Charge, Refusal> {
    let caller = caller::logged_in(auth).map(Arc::new).ok_or(Refusal::NotLoggedIn)?;
    access::may_administer(app.store(), &caller).map_err(Refusal::Denied)
}

fn refusal(denied: Denied) -> Response {
    match denied {
        Denied::Unreadable => Problem::from(denied.code()).into_response(),
        _ => pages::refusal(
            StatusCode::FORBIDDEN,
            "Not for you",
            "This page is for the administrators of your organisation. Whoever installed WidgetApp can make you one.",
        ),
    }
}

fn groups_section(groups: &[Group]) -> Markup {
    html! {
        section .wide tabindex="0" aria-labelledby="groups-title" {
            h2 #groups-title { "Groups" }
            table #groups {
                thead { tr { th scope="col" { "Group" } th scope="col" { "Members" } th scope="col" { "Live editing" } th scope="col" { "Change it" } } }
                tbody {
                    @for group in groups {
                        tr {
                            th scope="row" { (group.name) }
                            td { (group.members.join(", ")) }
                            td { @if group.approved { "approved" } @else { "not approved" } }
                            td { (button(group)) }
                        }
                    }
                }
            }
        }
    }
}

fn button(group: &Group) -> Markup {
    let (word, next) = if group.approved { ("Withdraw", "false") } else { ("Approve", "true") };
    html! {
        form method="post" action=(PATH) {
            input type="hidden" name="group" value=(group.name);
            input type="hidden" name="approved" value=(next);
            button type="submit" aria-label={ (word) " " (group.name) } { (word) }
        }
    }
}

fn processes_section(processes: &[Value]) -> Markup {
    let text = |process: &Value, field: &str| match &process[field] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        number => number.to_string(),
    };
    html! {
        section .wide tabindex="0" aria-labelledby="processes-title" {
            h2 #processes-title { "Processes of the server" }
            table #processes {
                thead {
                    tr {
                        th scope="col" { "Process" } th scope="col" { "State" } th scope="col" { "Clients" }
                        th scope="col" { "Processor" } th scope="col" { "Memory" } th scope="col" { "The last minute" }
                    }
                }
                tbody {
                    @for process in processes {
                        tr {
                            th scope="row" { (text(process, "process")) " " (text(process, "id")) }
                            td { (text(process, "state")) }
                            td { (text(process, "clients")) }
                            td { (text(process, "cpu_percent")) " %" }
                            td { @if let Some(bytes) = process["memory_bytes"].as_u64() { (bytes / 1_000_000) " MB" } @else { "-" } }
                            td {}
                        }
                    }
                }
            }
        }
    }
}

fn connected_section(connected: &[Connected]) -> Markup {
    html! {
        section .wide tabindex="0" aria-labelledby="connected-title" {
            h2 #connected-title { "Who works live" }
            table #connected {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Things open" } } }
                tbody {
                    @for Connected { name, things } in connected { tr { th scope="row" { (name) } td { (things) } } }
                }
            }
        }
    }
}

fn record_section(recorded: &[Recorded]) -> Markup {
    html! {
        section .wide tabindex="0" aria-labelledby="record-title" {
            h2 #record-title { "What was done lately" }
            table #record {
                thead { tr { th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "By" } th scope="col" { "On" } th scope="col" { "Outcome" } } }
                tbody {
                    @for row in recorded.iter().rev() {
                        tr {
                            td { (pages::date(row.at)) }
                            td { (row.what.replace('_', " ")) }
                            td { (row.who.split_once(':').map_or(row.who.as_str(), |(_, name)| name)) }
                            td { (row.target) }
                            td { (row.outcome) }
                        }
                    }
                }
            }
        }
    }
}
