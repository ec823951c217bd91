//! The page of one Thing. What happens in it is done by its script (`src/wfe/web`); this is what stands around it.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{OriginalUri, Path, State},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde_json::json;

use super::{
    App,
    body::Fields,
    caller, guides,
    login::{self, AuthSession},
    pages,
    problem::Problem,
};
use crate::{
    access::{self, Door},
    protocol::{ErrorCode, action::Action},
};

/// What the button says that makes a copy.
const KEEP: &str = "Keep a copy as a new Thing";

/// `GET /things/{id}`.
pub(super) async fn page(
    State(app): State<App>,
    auth: AuthSession,
    OriginalUri(uri): OriginalUri,
    Path(thing): Path<String>,
) -> Result<Response, Problem> {
    let Some(caller) = caller::logged_in(&auth).map(Arc::new) else {
        return Ok(Redirect::to(&format!("/login?next={}", uri.path())).into_response());
    };
    if let Err(error) = access::decide(app.store(), &caller, Door::Http, Action::Select, Some(&thing)) {
        if error.code != ErrorCode::ThingNotFound.number() {
            return Err(error.into());
        }
        let content = absent(&thing, &caller.principal.name);
        return Ok(pages::page(StatusCode::NOT_FOUND, "No such Thing", Some(&caller.principal), &content));
    }
    let thing = thing.parse().map_err(|_| ErrorCode::ThingNotFound)?;
    let title = app.store().title(thing)?;
    let live = access::may_stream(app.store(), &caller).is_ok();
    let login = login::kept_id(&auth).map(|login| BASE64_URL_SAFE_NO_PAD.encode(login)).unwrap_or_default();
    let content = content(&thing.to_string(), &caller.principal.name, &login, live);
    Ok(guides::may_show(&app, pages::full(&title, &heading(&title), &content)))
}

/// `POST /things`: the form of the home page, for browsers without its script.
pub(super) async fn create(
    State(app): State<App>,
    auth: AuthSession,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let caller = caller::of_action(&app, &auth, &headers, "", true).await?;
    let title = Fields::parse(&body)?.get("title").map(str::trim).filter(|title| !title.is_empty()).map(str::to_owned);
    let permit = caller::permit(&app, &caller, Action::Create, None)?;
    let created = app.services().call(permit, json!({"title": title.as_deref().unwrap_or("Untitled")})).await?;
    let thing = created["thing"].as_str().unwrap_or_default();
    Ok(Redirect::to(&format!("/things/{thing}")).into_response())
}

/// Where there is no such Thing for somebody, their device may still keep a copy of it.
fn absent(thing: &str, user: &str) -> Markup {
    html! {
        h1 { "No such Thing" }
        p { "There is no such Thing, or it is not shared with you. Ask whoever sent you here to share it." }
        div #kept data-thing=(thing) data-user=(user) hidden {
            p { "This device has a copy of it, as you saw it last." }
            button #keep-copy type="button" { (KEEP) }
            output role="status" {}
        }
        script type="module" src="/assets/kept.js" {}
    }
}

fn heading(title: &str) -> Markup {
    html! {
        a href="/" { "WidgetApp" }
        h1 .unseen { "Thing" }
        input #title value=(title) maxlength="200" aria-label="Title" autocomplete="off" readonly;
        span #status role="status" { "Opening" }
        button #open-share type="button" hidden { "Share" }
    }
}

/// `login` stays the same if somebody is renamed, and tells nothing of the cookie.
fn content(thing: &str, user: &str, login: &str, live: bool) -> Markup {
    let tools = [("select", "Select", "V"), ("box", "Box", "B"), ("circle", "Circle", "C"), ("note", "Note", "N")];
    html! {
        section #explained aria-label="What you should know" hidden {
            p #explanation role="status" {}
            a #log-in href="/login" target="_blank" hidden { "Log in" }
            button #keep-copy type="button" hidden { (KEEP) }
            output role="status" {}
        }
        main #editor data-thing=(thing) data-user=(user) data-login=(login) data-live=(live) {
            section #work aria-label="Drawing" {
                div .tools role="toolbar" aria-label="Tools" {
                    @for (tool, name, key) in tools {
                        button type="button" data-tool=(tool) data-changes[tool != "select"] aria-pressed="false"
                            aria-keyshortcuts=(key) title={ (name) " (" (key) ")" } { (name) }
                    }
                    span .gap {}
                    button #undo type="button" disabled aria-keyshortcuts="Control+Z" { "Undo" }
                    button #redo type="button" disabled aria-keyshortcuts="Control+Y" { "Redo" }
                    span .gap {}
                    button #zoom-out type="button" aria-label="Smaller" { "−" }
                    button #zoom-in type="button" aria-label="Larger" { "+" }
                    button #zoom-fit type="button" { "Show all" }
                    button #open-history type="button" { "History" }
                    output #said role="status" {}
                }
                // What is drawn is in the list of parts too, for those who do not see it.
                svg #canvas tabindex="0" role="application" aria-label="Canvas" aria-describedby="keys" {}
                p #keys hidden {
                    "B, C and N take a box, a circle or a note, and Enter puts it into the middle. Arrow keys move what \
                     is selected, Enter writes its label, Delete removes it, Escape selects nothing."
                }
            }
            aside #side aria-label="About this Thing" {
                h2 { "Here now" }
                ul #people { li { @if live { "Nobody else is here" } @else { "You work alone" } } }
                h2 { "Parts" }
                ul #parts {}
                fieldset #selected disabled {
                    legend { "Selected" }
                    label for="label" { "Label" }
                    input #label autocomplete="off";
                    label for="color" { "Colour" }
                    input #color type="color" value="#7a9e7e";
                    button #duplicate type="button" { "Duplicate" }
                    button #remove type="button" { "Delete" }
                }
                h2 { label for="notes" { "Notes" } }
                textarea #notes readonly {}
                button #open-delete type="button" hidden { "Delete this Thing" }
            }
        }
        (share_dialog())
        (history_dialog())
        link rel="stylesheet" href="/assets/editor.css";
        script type="module" src="/assets/editor.js" {}
    }
}

fn history_dialog() -> Markup {
    html! {
        dialog #history aria-labelledby="history-title" {
            h2 #history-title { "History" }
            p { "Who changed what, the newest first. Going back loses nothing: it is a change like any other." }
            ol #changes {}
            button #older-changes type="button" hidden { "Older changes" }
            output role="status" {}
            button #close-history type="button" { "Close" }
        }
    }
}

fn share_dialog() -> Markup {
    html! {
        dialog #share aria-labelledby="share-title" {
            h2 #share-title { "Share" }
            form {
                label for="share-kind" { "Who" }
                select #share-kind name="kind" {
                    option value="user" { "A person" }
                    option value="group" { "A group" }
                }
                label for="share-name" { "Name" }
                input #share-name name="name" required autocapitalize="none" autocomplete="off" spellcheck="false";
                label for="share-role" { "May" }
                select #share-role name="role" {
                    option value="viewer" { "look at it (viewer)" }
                    option value="editor" selected { "change it (editor)" }
                    option value="owner" { "change and share it (owner)" }
                    option value="none" { "nothing any more" }
                }
                button type="submit" { "Share" }
            }
            output role="status" {}
            button #close-share type="button" { "Close" }
        }
    }
}
