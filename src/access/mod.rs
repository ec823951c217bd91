//! Who may do what: one decision, used by every door.
//!
//! Owns the table of which action needs which role and scope. Pure: who is in which group and what
//! is shared with whom is looked up in `store`; how a refusal is sent is the door's affair.

mod scope;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use scope::{Scope, Scopes};

use crate::protocol::{ErrorCode, action::Action};

/// Who asks: a user, or an OAuth client that acts for itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Principal {
    /// A user or a client.
    pub kind: Kind,
    /// The user's name or the client's id.
    pub name: String,
    /// The organisation that it belongs to.
    pub organisation: String,
}

impl Principal {
    /// One word for it, as `user:ada`: the log and the keys of edits know it by that.
    pub fn id(&self) -> String {
        match self.kind {
            Kind::User => format!("user:{}", self.name),
            Kind::Client => format!("client:{}", self.name),
        }
    }
}

/// What sort of principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A person with a login.
    User,
    /// An application with a client id and secret.
    Client,
}

/// What someone may do with a Thing; each role includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See it.
    Viewer,
    /// Change it.
    Editor,
    /// Share and delete it.
    Owner,
}

impl Role {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The role on the Thing that an action needs; none if it is not about one Thing.
///
/// `scroll` is about a Thing only if it names one; else it is about the home page's feed.
pub fn needed_role(action: Action, names_thing: bool) -> Option<Role> {
    match action {
        Action::Scroll if names_thing => Some(Role::Viewer),
        Action::Scroll | Action::Search | Action::Create => None,
        Action::Select | Action::Open | Action::Close | Action::Refresh => Some(Role::Viewer),
        Action::Edit => Some(Role::Editor),
        Action::Delete => Some(Role::Owner),
    }
}

/// The scope that a token needs for an action over HTTP.
///
/// On the stream the scope `stream`, which opened it, suffices for every action.
pub fn needed_scope(action: Action) -> Scope {
    match action {
        Action::Create | Action::Edit | Action::Delete => Scope::ThingsWrite,
        Action::Scroll | Action::Search | Action::Select | Action::Open | Action::Close | Action::Refresh => {
            Scope::ThingsRead
        }
    }
}

/// Whether a caller with this role on the Thing may do the action.
///
/// # Errors
/// `thing_not_found` without any role, so that a Thing of others answers as one that does not exist;
/// `forbidden` if the role is too low.
pub fn permit(action: Action, names_thing: bool, role: Option<Role>) -> Result<(), ErrorCode> {
    match (needed_role(action, names_thing), role) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(ErrorCode::ThingNotFound),
        (Some(needed), Some(role)) if role < needed => Err(ErrorCode::Forbidden),
        (Some(_), Some(_)) => Ok(()),
    }
}

/// Whether a token with these scopes may be used for the action over HTTP.
///
/// # Errors
/// `insufficient_scope`.
pub fn permit_over_http(action: Action, scopes: Scopes) -> Result<(), ErrorCode> {
    if scopes.has(needed_scope(action)) { Ok(()) } else { Err(ErrorCode::InsufficientScope) }
}

/// Whether someone with these scopes, in an approved group or not, may open a stream.
///
/// # Errors
/// `insufficient_scope`, or `group_not_approved`.
pub fn may_stream(scopes: Scopes, approved: bool) -> Result<(), ErrorCode> {
    if !scopes.has(Scope::Stream) {
        return Err(ErrorCode::InsufficientScope);
    }
    if approved { Ok(()) } else { Err(ErrorCode::GroupNotApproved) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Action, about a Thing or not, and the answers to: no role, viewer, editor, owner.
    const TABLE: &[(Action, bool, [&str; 4])] = &[
        (Action::Scroll, false, ["ok", "ok", "ok", "ok"]),
        (Action::Scroll, true, ["absent", "ok", "ok", "ok"]),
        (Action::Search, false, ["ok", "ok", "ok", "ok"]),
        (Action::Create, false, ["ok", "ok", "ok", "ok"]),
        (Action::Select, true, ["absent", "ok", "ok", "ok"]),
        (Action::Open, true, ["absent", "ok", "ok", "ok"]),
        (Action::Close, true, ["absent", "ok", "ok", "ok"]),
        (Action::Refresh, true, ["absent", "ok", "ok", "ok"]),
        (Action::Edit, true, ["absent", "forbidden", "ok", "ok"]),
        (Action::Delete, true, ["absent", "forbidden", "forbidden", "ok"]),
    ];

    #[test]
    fn every_action_answers_every_role_as_the_table_says() {
        book::claims!("action-roles", 1);
        for &action in Action::ALL {
            assert!(TABLE.iter().any(|row| row.0 == action), "{action} is not in the table");
        }
        for &(action, names_thing, answers) in TABLE {
            let roles = [None, Some(Role::Viewer), Some(Role::Editor), Some(Role::Owner)];
            for (role, answer) in roles.into_iter().zip(answers) {
                let expected = match answer {
                    "ok" => Ok(()),
                    "forbidden" => Err(ErrorCode::Forbidden),
                    _ => Err(ErrorCode::ThingNotFound),
                };
                assert_eq!(permit(action, names_thing, role), expected, "{action} as {role:?}");
            }
        }
    }

    #[test]
    fn leaving_out_the_thing_never_lowers_the_needed_role_but_for_the_feed() {
        for &action in Action::ALL {
            if action != Action::Scroll {
                assert_eq!(needed_role(action, false), needed_role(action, true), "{action}");
            }
        }
    }

    #[test]
    fn over_http_writing_needs_things_write_and_the_rest_things_read() {
        book::claims!("scope-things", 1);
        let read = Scopes::of(&[Scope::ThingsRead]);
        let write = Scopes::of(&[Scope::ThingsWrite]);
        let stream = Scopes::of(&[Scope::Stream]);
        for &action in Action::ALL {
            let writes = matches!(action, Action::Create | Action::Edit | Action::Delete);
            assert_eq!(permit_over_http(action, write).is_ok(), writes, "{action}");
            assert_eq!(permit_over_http(action, read).is_ok(), !writes, "{action}");
            assert_eq!(permit_over_http(action, stream), Err(ErrorCode::InsufficientScope), "{action}");
        }
    }

    #[test]
    fn a_stream_needs_the_scope_and_an_approved_group() {
        let without = Scopes::of(&[Scope::ThingsRead, Scope::ThingsWrite]);
        assert_eq!(may_stream(Scopes::ALL, true), Ok(()));
        assert_eq!(may_stream(Scopes::ALL, false), Err(ErrorCode::GroupNotApproved));
        assert_eq!(may_stream(without, true), Err(ErrorCode::InsufficientScope));
        assert_eq!(may_stream(without, false), Err(ErrorCode::InsufficientScope));
    }
}
