//! Port 200 and `_ajax/`: names and bodies of the user actions.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    Role,
    codec::Blob,
    content::{Content, JsonPatch, NewContent},
};

/// The port of this service.
pub const PORT: u16 = 200;

/// What a user can do; `widgetApp_useraction_<action>` on port 200, `_ajax/<action>` by HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the table in the contract says what each does")]
pub enum Action {
    Scroll,
    Search,
    Select,
    Create,
    Open,
    Close,
    Edit,
    Refresh,
    Rename,
    Delete,
    Restore,
    Undo,
    Redo,
    Invite,
    Uninvite,
    History,
}

impl Action {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Scroll,
        Self::Search,
        Self::Select,
        Self::Create,
        Self::Open,
        Self::Close,
        Self::Edit,
        Self::Refresh,
        Self::Rename,
        Self::Delete,
        Self::Restore,
        Self::Undo,
        Self::Redo,
        Self::Invite,
        Self::Uninvite,
        Self::History,
    ];

    /// The name in `_ajax/`.
    pub fn short_name(self) -> &'static str {
        &self.name()["widgetApp_useraction_".len()..]
    }

    /// The name on port 200.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scroll => "widgetApp_useraction_scroll",
            Self::Search => "widgetApp_useraction_search",
            Self::Select => "widgetApp_useraction_select",
            Self::Create => "widgetApp_useraction_create",
            Self::Open => "widgetApp_useraction_open",
            Self::Close => "widgetApp_useraction_close",
            Self::Edit => "widgetApp_useraction_edit",
            Self::Refresh => "widgetApp_useraction_refresh",
            Self::Rename => "widgetApp_useraction_rename",
            Self::Delete => "widgetApp_useraction_delete",
            Self::Restore => "widgetApp_useraction_restore",
            Self::Undo => "widgetApp_useraction_undo",
            Self::Redo => "widgetApp_useraction_redo",
            Self::Invite => "widgetApp_useraction_invite",
            Self::Uninvite => "widgetApp_useraction_uninvite",
            Self::History => "widgetApp_useraction_history",
        }
    }

    /// The action with this full name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short_name())
    }
}

/// No user action has this name.
#[derive(Debug, thiserror::Error)]
#[error("there is no user action of this name; there are: {}", Action::ALL.iter().map(Action::to_string).collect::<Vec<_>>().join(", "))]
pub struct UnknownAction;

impl FromStr for Action {
    type Err = UnknownAction;

    /// Accepts the short name and the full one.
    fn from_str(name: &str) -> Result<Self, UnknownAction> {
        Self::ALL
            .iter()
            .copied()
            .find(|action| action.short_name() == name || action.name() == name)
            .ok_or(UnknownAction)
    }
}

/// A place in a Thing's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Position {
    /// Names the life of the log; it changes if the log had to start anew. Empty for the life that it has now.
    pub epoch: String,
    /// Rises by one with each change.
    pub offset: u64,
}

/// In which form an opened Thing and its changes are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Content as JSON, changes as `patch` (RFC 6902).
    #[default]
    Json,
    /// Content and changes as Yjs updates, version 1.
    Yjs,
}

/// Body of `open`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Open {
    /// Resume: send only what came after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Position>,
    /// The form of the content and of all changes.
    #[serde(default, rename = "as")]
    pub form: Form,
}

/// Reply to `open`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Opened<M = Value> {
    /// What the caller may do with the Thing.
    #[schema(value_type = Role)]
    pub role: String,
    /// The life of the log.
    pub epoch: String,
    /// Everything up to here is in this reply.
    pub offset: u64,
    /// Whether `missed` is all that came after `since`; else the whole state is here.
    pub recovered: bool,
    /// The changes after `since`, as they would have been pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<MissedPush>>)]
    pub missed: Option<Vec<M>>,
    /// The whole content, for `as: "json"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Content>)]
    pub content: Option<Value>,
    /// The whole state as one Yjs update, for `as: "yjs"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Blob>,
}

/// An entry of `missed`: a change as it would have been pushed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MissedPush {
    /// The port of this service.
    pub port: u16,
    /// The action's full name.
    pub name: &'static str,
    /// The change's place in the log.
    pub offset: u64,
    /// The push's body.
    pub body: MissedBody,
}

/// The body of a change that was missed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum MissedBody {
    /// Of an edit, or of another action that changes the content.
    Edit(EditPush<'static>),
    /// Of another action.
    Action(ActionPush<'static>),
}

/// Body of `edit`: exactly one of `patch` and `update`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Edit {
    /// The client's own name for this edit, unique for that client; makes it safe to send again.
    pub key: String,
    /// JSON Patch (RFC 6902) on the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<JsonPatch>)]
    pub patch: Option<Value>,
    /// A Yjs update, version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Blob>,
}

/// Reply to `edit`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Edited {
    /// The life of the log.
    pub epoch: String,
    /// The edit's place in it.
    pub offset: u64,
    /// Always true: the reply comes only when the change is stored.
    pub durable: bool,
    /// What the edit came to, if others' changes that its sender had not seen were merged with it: to be
    /// applied at the reply's place instead of what was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<JsonPatch>)]
    pub patch: Option<Value>,
}

/// Body of the push of an edit, and of an edit in `missed`; of `rename`, `restore`, `undo` and `redo` alike, which
/// change the content too.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EditPush<'a> {
    /// Who made it.
    pub user: std::borrow::Cow<'a, str>,
    /// JSON Patch, for those who opened the Thing `as: "json"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<JsonPatch>)]
    pub patch: Option<std::borrow::Cow<'a, Value>>,
    /// Yjs update, for those who opened it `as: "yjs"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Blob>,
}

/// Body of the other pushes on port 200: who did it, and for `scroll` where they look.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ActionPush<'a> {
    /// Who did it.
    pub user: std::borrow::Cow<'a, str>,
    /// Where in the Thing they look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<Value>,
    /// The title of a Thing that was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Body of `create`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Create {
    /// The title of the new Thing.
    pub title: String,
    /// What it starts with: `{"meta": {...}, "parts": {...}, "notes": "..."}`, each optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<NewContent>)]
    pub content: Option<Value>,
}

/// Reply to `create`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Created {
    /// The id of the new Thing.
    #[schema(format = "uuid")]
    pub thing: String,
    /// The offset of its first change.
    pub offset: u64,
}

/// Body of `scroll`: a page of the home page's feed, or a place in a Thing for those who follow.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Scroll {
    /// Where the page before ended (its `next`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Most Things to return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Where in the Thing the caller looks; collaborators receive it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<Value>,
}

/// Body of `search`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Search {
    /// What to look for.
    pub q: String,
    /// Most Things to return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Reply to `scroll` of the feed and to `search`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Things {
    /// The Things, the newest or the best first.
    pub things: Vec<ThingEntry>,
    /// Give it as `cursor` for the page after this; null on the last page.
    #[schema(required)]
    pub next: Option<String>,
}

/// One Thing in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ThingEntry {
    /// Its id.
    #[schema(format = "uuid")]
    pub thing: String,
    /// Its title.
    pub title: String,
    /// What the caller may do with it.
    #[schema(value_type = Role)]
    pub role: String,
    /// When it was last changed, in milliseconds since 1970.
    pub changed_at: u64,
}

/// Reply to `delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Deleted {
    /// The deletion's place in the Thing's log, its last.
    pub offset: u64,
}

/// Body of `rename`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Rename {
    /// The title from now on.
    pub title: String,
    /// The client's own name for this change; makes it safe to send again over another connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Body of `restore`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Restore {
    /// The content becomes what it was after this change.
    pub offset: u64,
    /// The client's own name for this change; makes it safe to send again over another connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Body of `undo` and `redo`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Undo {
    /// Only changes before this one, and what was taken back of them: for a program that takes back by itself what it
    /// has done since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// The client's own name for this change; makes it safe to send again over another connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Reply to `rename`, `restore`, `undo` and `redo`: the change is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// The change's place in the Thing's log.
    pub offset: u64,
}

/// Body of `history`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// Only changes before this one: the `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Most changes to return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Reply to `history`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// The changes, the newest first.
    pub changes: Vec<PastChange>,
    /// Give it as `before` for the page after this; null on the last page.
    #[schema(required)]
    pub next: Option<u64>,
}

/// One change of a Thing's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PastChange {
    /// Its place in the Thing's log; `restore` takes it.
    pub offset: u64,
    /// Who made it.
    pub user: String,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// What they did: `create`, `edit`, `rename`, `restore`, `undo`, `redo` or `delete`.
    pub action: String,
    /// The places in the content that changed, as JSON Pointers (RFC 6901), the first of them. Left out for what is
    /// too long ago to be told quickly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<String>>,
}

/// Reply to `select`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Selected {
    /// Its title.
    pub title: String,
    /// What the caller may do with it.
    #[schema(value_type = Role)]
    pub role: String,
    /// The content as JSON.
    #[schema(value_type = Content)]
    pub content: Value,
    /// The life of the log.
    pub epoch: String,
    /// The content is as of this change.
    pub offset: u64,
}

/// Body of `refresh`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Refresh {
    /// Send only what came after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Position>,
}

/// Body of `invite`: exactly one of `user` and `group`, of the caller's organisation. A role given before is replaced.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Invite {
    /// The name of a user, or the id of an OAuth client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The name of a group: everyone in it, now and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What they may do with the Thing from now on.
    pub role: Role,
}

/// Body of `uninvite`: exactly one of `user` and `group`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Uninvite {
    /// The name of a user, or the id of an OAuth client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The name of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// Body of the pushes of `invite` and `uninvite`, for the other collaborators.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SharePush {
    /// Who did it.
    pub user: String,
    /// With whom the Thing is shared.
    pub with: SharedWith,
    /// In which role from now on; `none` ends the share.
    pub role: String,
}

/// With whom a Thing is shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SharedWith {
    /// A user's name or a client's id.
    User(String),
    /// A group's name.
    Group(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Codec;

    #[test]
    fn every_action_is_found_by_both_of_its_names() {
        for &action in Action::ALL {
            assert_eq!(Action::from_name(action.name()), Some(action));
            assert_eq!(action.short_name().parse::<Action>().unwrap(), action);
        }
        assert!("dance".parse::<Action>().is_err());
    }

    #[test]
    fn a_missed_update_is_raw_in_cbor_and_base64_in_json() {
        let update = Some(Blob(vec![0, 255].into()));
        let body = MissedBody::Edit(EditPush { user: "ada".into(), patch: None, update });
        let missed = MissedPush { port: PORT, name: Action::Edit.name(), offset: 2, body };
        let json: Value = Codec::Json.decode(&Codec::Json.encode(&missed)).unwrap();
        assert_eq!(json["body"], serde_json::json!({"user": "ada", "update": "AP8="}));
        let cbor = Codec::Cbor.encode(&missed);
        assert!(cbor.windows(3).any(|bytes| bytes == [0x42, 0, 255]), "a byte string of two bytes");
    }
}
