//! `_ajax/`.

use serde_json::json;
use utoipa::ToSchema;

use super::{
    endpoint::{By, Endpoint},
    tag,
};
use crate::{
    access::{self, Scope},
    protocol::{
        ErrorCode as E,
        action::{
            Action, Changed, Changes, Create, Created, Deleted, Edit, Edited, History, Invite, MissedPush, Opened,
            Refresh, Rename, Restore, Scroll, Search, Selected, Things, Undo, Uninvite,
        },
        message::Empty,
        schemas::{self, Schemas},
        ticket::{Ticket, TicketFor},
    },
};

/// What stands beside the action's own fields.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what stands in a JSON object beside other fields")]
struct OfThing {
    /// The id of the Thing that it is about.
    #[schema(format = "uuid")]
    thing: String,
}

/// What stands beside an edit's own fields, as it stands beside the body of a message on a stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what stands in a JSON object beside other fields")]
struct SeenUpTo {
    /// Up to which change its author had seen the Thing: what others did after it is merged with the edit. Without it
    /// the edit is made on the Thing as it is.
    offset: Option<u64>,
}

pub(super) fn all() -> Vec<Endpoint> {
    let actions =
        [scroll(), search(), select(), create(), edit(), refresh(), rename(), delete(), restore(), undo(), redo()];
    actions.into_iter().chain([invite(), uninvite(), history(), ticket()]).collect()
}

/// What is said of every action, and how it may be refused at the door.
fn action(action: Action, path: &'static str, method: &'static str, summary: &str, description: &str) -> Endpoint {
    let endpoint = Endpoint::new(method, path, &format!("ajax_{action}"), tag::ACTIONS)
        .says(summary, description)
        .by(&[By::Token(access::needed_scope(action)), By::Cookie])
        .refuses(&[E::BadRequest, E::InvalidToken, E::TokenExpired, E::NotLoggedIn, E::InsufficientScope])
        .refuses(&[E::InvalidAction, E::Unavailable, E::TokenInUrl]);
    // Only what may change something, or tell others, asks where a cookie comes from, and how a body is announced.
    if method == "post" { endpoint.refuses(&[E::OriginNotAllowed, E::UnsupportedMediaType]) } else { endpoint }
}

fn of_thing(endpoint: Endpoint) -> Endpoint {
    endpoint.uses(Schemas::taken::<OfThing>).refuses(&[E::ThingNotFound, E::NotDurable])
}

/// A body with `thing` beside the fields of `T`.
fn takes_with_thing<T: ToSchema>(endpoint: Endpoint) -> Endpoint {
    let both = json!({"allOf": [schemas::reference::<T>(), schemas::reference::<OfThing>()]});
    of_thing(endpoint).uses(Schemas::taken::<T>).takes_either(&[("application/json", both)])
}

/// A body with `thing` alone.
fn takes_thing(endpoint: Endpoint) -> Endpoint {
    of_thing(endpoint).takes::<OfThing>()
}

fn scroll() -> Endpoint {
    let either = json!({"oneOf": [schemas::reference::<Things>(), schemas::reference::<Empty>()]});
    let description = "Without `thing`: a page of the home page's feed, the newest first. With `thing` and `view`: \
                       tells those who have the Thing open where you look; they get the push `scroll`.";
    action(Action::Scroll, "/_ajax/scroll", "get", "Scroll", description)
        .query("thing", false, "The id of the Thing in which you look at something.")
        .query_of::<Scroll>()
        .uses(Schemas::sent::<Things>)
        .uses(Schemas::sent::<Empty>)
        .answers_with(200, "The page; or nothing, if it was about one Thing.", "application/json", either)
        .refuses(&[E::ThingNotFound, E::TooLarge, E::OriginNotAllowed])
}

fn search() -> Endpoint {
    let description = "Finds Things by the beginnings of words in their titles, labels and notes, the best first, \
                       among those that you may see.";
    action(Action::Search, "/_ajax/search", "get", "Search", description)
        .query_of::<Search>()
        .answers::<Things>(200, "What was found.")
        .refuses(&[E::TooLarge])
}

fn select() -> Endpoint {
    let description = "Shows one Thing. Those who have it open get the push `select`.";
    takes_thing(action(Action::Select, "/_ajax/select", "post", "Select a Thing", description))
        .answers::<Selected>(200, "The Thing as it is now.")
}

fn create() -> Endpoint {
    let description = "Makes a new Thing, which is yours. Those who may see it get the push `create`.";
    action(Action::Create, "/_ajax/create", "post", "Create a Thing", description)
        .takes::<Create>()
        .answers::<Created>(200, "The new Thing is stored.")
        .refuses(&[E::InvalidPatch, E::ThingTooLarge, E::NotDurable])
}

fn edit() -> Endpoint {
    let description = "Changes a Thing by JSON Patch or Yjs update. Safe to send again under the same `key`. Those \
                       who have it open get the push `edit`, your own streams too.";
    let parts = [schemas::reference::<Edit>(), schemas::reference::<OfThing>(), schemas::reference::<SeenUpTo>()];
    of_thing(action(Action::Edit, "/_ajax/edit", "post", "Change a Thing", description))
        .uses(Schemas::taken::<Edit>)
        .uses(Schemas::taken::<SeenUpTo>)
        .takes_either(&[("application/json", json!({"allOf": parts}))])
        .answers::<Edited>(200, "The change is stored.")
        .refuses(&[E::Forbidden, E::InvalidPatch, E::InvalidUpdate, E::IncompleteUpdate])
        .refuses(&[E::EditTooLarge, E::ThingTooLarge])
}

fn refresh() -> Endpoint {
    let description = "Fetches what you have missed since a position, or the whole Thing, as JSON. Those who have it \
                       open get the push `refresh`.";
    takes_with_thing::<Refresh>(action(Action::Refresh, "/_ajax/refresh", "post", "Refresh a Thing", description))
        .answers::<Opened<MissedPush>>(200, "Exactly what came after `since`, or the whole Thing.")
}

fn delete() -> Endpoint {
    let description = "Ends a Thing that you own. Those who have it open get the push `delete`.";
    takes_thing(action(Action::Delete, "/_ajax/delete", "post", "Delete a Thing", description))
        .answers::<Deleted>(200, "There is no such Thing any more.")
        .refuses(&[E::Forbidden])
}

fn rename() -> Endpoint {
    let description = "Gives a Thing another title. Those who have it open get the push `rename`.";
    takes_with_thing::<Rename>(action(Action::Rename, "/_ajax/rename", "post", "Rename a Thing", description))
        .answers::<Changed>(200, "The new title is stored.")
        .refuses(&[E::Forbidden, E::ThingTooLarge])
}

fn restore() -> Endpoint {
    let description = "Goes back to what a Thing was after an earlier change, as JSON shows it. Nothing that was done \
                       since is lost from the log. Those who have it open get the push `restore`.";
    takes_with_thing::<Restore>(action(Action::Restore, "/_ajax/restore", "post", "Restore a Thing", description))
        .answers::<Changed>(200, "The Thing is what it was then.")
        .refuses(&[E::Forbidden, E::NoSuchChange, E::InvalidPatch, E::ThingTooLarge])
}

fn undo() -> Endpoint {
    let description = "Takes back your own last change of a Thing; what others did stays. Those who have it open get \
                       the push `undo`.";
    takes_with_thing::<Undo>(action(Action::Undo, "/_ajax/undo", "post", "Undo", description))
        .answers::<Changed>(200, "The change is taken back.")
        .refuses(&[E::Forbidden, E::NothingToUndo, E::ThingTooLarge])
}

fn redo() -> Endpoint {
    let description = "Makes the change again that you have taken back last. Those who have the Thing open get the \
                       push `redo`.";
    takes_with_thing::<Undo>(action(Action::Redo, "/_ajax/redo", "post", "Redo", description))
        .answers::<Changed>(200, "The change is made again.")
        .refuses(&[E::Forbidden, E::NothingToRedo, E::ThingTooLarge])
}

fn history() -> Endpoint {
    action(Action::History, "/_ajax/history", "get", "See the history", "Tells who changed what of a Thing, and when.")
        .query("thing", true, "The id of the Thing.")
        .query_of::<History>()
        .answers::<Changes>(200, "A page of the changes, the newest first.")
        .refuses(&[E::ThingNotFound])
}

fn invite() -> Endpoint {
    let description = "Shares a Thing that you own with somebody of your organisation or with a group, or in another \
                       role than before. They are told on port 203; those who have it open get the push `invite`.";
    takes_with_thing::<Invite>(action(Action::Invite, "/_ajax/invite", "post", "Invite", description))
        .answers::<Empty>(200, "It is shared.")
        .refuses(&[E::Forbidden, E::LastOwner, E::InviteeNotFound])
}

fn uninvite() -> Endpoint {
    let description = "Ends a share. Live access that came by it ends at once; those who still have the Thing open \
                       get the push `uninvite`.";
    takes_with_thing::<Uninvite>(action(Action::Uninvite, "/_ajax/uninvite", "post", "Uninvite", description))
        .answers::<Empty>(200, "It is not shared that way any more.")
        .refuses(&[E::Forbidden, E::LastOwner, E::InviteeNotFound])
}

fn ticket() -> Endpoint {
    let description = "Gives a ticket for `/_stream/yjs/{thing}`: good for 30 seconds, once, and for as long as the \
                       login or access token that it was asked for with. All that a stream needs is needed for it too.";
    Endpoint::new("post", "/_ajax/ticket", "ajax_ticket", tag::STREAM)
        .says("Ask for a ticket", description)
        .by(&[By::Token(Scope::Stream), By::Cookie])
        .takes::<TicketFor>()
        .answers::<Ticket>(200, "The ticket.")
        .refuses(&[E::InvalidToken, E::TokenExpired, E::NotLoggedIn, E::InsufficientScope, E::GroupNotApproved])
        .refuses(&[E::OriginNotAllowed, E::UnsupportedMediaType, E::ThingNotFound, E::InvalidAction])
        .refuses(&[E::TooManyRequests, E::Unavailable, E::TokenInUrl])
}
