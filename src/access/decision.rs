//! The decision, with the table of which action needs which role and scope.
//!
//! Every door asks here, and gets a [`Permit`], which nothing else can make and without which no service
//! does anything. What is on record is looked up through [`Records`].

use std::{fmt, sync::Arc};

use super::{Caller, Principal, Role, Scope};
use crate::protocol::{CloseCode, ErrorBody, ErrorCode, ThingId, action::Action};

/// What is on record about someone apart from any Thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// They exist in that organisation and are not disabled.
    pub active: bool,
    /// They are in a group that is approved for streaming.
    pub approved: bool,
}

/// Where it is on record who may do what.
pub trait Records {
    /// Why it cannot be read.
    type Error: fmt::Display;

    /// How someone stands.
    ///
    /// # Errors
    /// It cannot be read.
    fn standing(&self, who: &Principal) -> Result<Standing, Self::Error>;

    /// Their role on a Thing; none if it is not theirs to see, or not there.
    ///
    /// # Errors
    /// It cannot be read.
    fn role(&self, who: &Principal, thing: ThingId) -> Result<Option<Role>, Self::Error>;

    /// Whether their proof was not taken back.
    ///
    /// # Errors
    /// It cannot be read.
    fn holds(&self, caller: &Caller) -> Result<bool, Self::Error>;

    /// Whether someone is an administrator of their organisation.
    ///
    /// # Errors
    /// It cannot be read.
    fn administers(&self, who: &Principal) -> Result<bool, Self::Error>;

    /// Whether one of these groups of an organisation is approved for streaming.
    ///
    /// # Errors
    /// It cannot be read.
    fn approves(&self, organisation: &str, groups: &[String]) -> Result<bool, Self::Error>;
}

/// The way by which an action is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A message on an open stream; the scope `stream` suffices for every action.
    Stream,
    /// A request by HTTP. Approval is for streaming and not asked for here.
    Http,
}

/// Leave to do one action once, to one Thing if it is about one.
#[derive(Clone, Debug)]
pub struct Permit {
    caller: Arc<Caller>,
    door: Door,
    action: Action,
    on: Option<(ThingId, Role)>,
}

impl Permit {
    /// Who may.
    pub fn caller(&self) -> &Principal {
        &self.caller.principal
    }

    /// What they may do.
    pub fn action(&self) -> Action {
        self.action
    }

    /// To which Thing, and as what; none for actions that are about no Thing.
    pub fn on(&self) -> Option<(ThingId, Role)> {
        self.on
    }

    /// Whether another action on the same Thing would be permitted now.
    pub fn allows<R: Records>(&self, records: &R, action: Action) -> bool {
        let thing = self.on.map(|(thing, _)| thing.to_string());
        decide(records, &self.caller, self.door, action, thing.as_deref()).is_ok()
    }

    /// Decides anew, where time has passed.
    ///
    /// # Errors
    /// It would not be permitted any more.
    pub fn confirm<R: Records>(&self, records: &R) -> Result<Self, ErrorBody> {
        let thing = self.on.map(|(thing, _)| thing.to_string());
        decide(records, &self.caller, self.door, self.action, thing.as_deref())
    }
}

/// Why someone may not act or stream at all, whatever it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is no such user or client, or it is disabled.
    Gone,
    /// The proof was taken back.
    TakenBack,
    /// The token lacks a scope.
    Scope(Scope),
    /// No group of theirs is approved for streaming.
    NotApproved,
    /// They are no administrator of their organisation, or did not log in for it.
    NotAdministrator,
    /// What is on record cannot be read: there is no proven right.
    Unreadable,
}

impl Denied {
    /// What a request is told.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Gone | Self::TakenBack => ErrorCode::InvalidToken,
            Self::Scope(_) => ErrorCode::InsufficientScope,
            Self::NotApproved => ErrorCode::GroupNotApproved,
            Self::NotAdministrator => ErrorCode::Forbidden,
            Self::Unreadable => ErrorCode::Internal,
        }
    }

    /// What a stream is closed with. From what cannot be read, the client comes back and is told.
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::Gone | Self::Scope(_) | Self::NotAdministrator => CloseCode::Forbidden,
            Self::TakenBack => CloseCode::BadToken,
            Self::NotApproved => CloseCode::ApprovalWithdrawn,
            Self::Unreadable => CloseCode::Restart,
        }
    }
}

/// Whether someone may open a stream, and keep it.
///
/// # Errors
/// Why not.
pub fn may_stream<R: Records>(records: &R, caller: &Caller) -> Result<(), Denied> {
    stands(records, caller, Door::Stream, Scope::Stream)?;
    match records.holds(caller) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Denied::TakenBack),
        Err(error) => Err(unreadable(&error)),
    }
}

/// Whether someone may do this now. `thing` is the Thing as they named it.
///
/// # Errors
/// What they are told. Without a role, a Thing of others answers as one that does not exist.
pub fn decide<R: Records>(
    records: &R,
    caller: &Arc<Caller>,
    door: Door,
    action: Action,
    thing: Option<&str>,
) -> Result<Permit, ErrorBody> {
    let scope = match door {
        Door::Stream => Scope::Stream,
        Door::Http => needed_scope(action),
    };
    stands(records, caller, door, scope).map_err(Denied::code)?;
    let permit = |on| Permit { caller: caller.clone(), door, action, on };
    let Some(needed) = needed_role(action, thing.is_some()) else {
        return Ok(permit(None));
    };
    let named = thing.ok_or_else(|| ErrorBody::new(ErrorCode::InvalidAction, "this action needs a \"thing\""))?;
    let thing: ThingId = named.parse().map_err(|_| ErrorCode::ThingNotFound)?;
    match records.role(&caller.principal, thing) {
        Ok(None) => Err(ErrorCode::ThingNotFound.into()),
        Ok(Some(role)) if role < needed => Err(ErrorCode::Forbidden.into()),
        Ok(Some(role)) => Ok(permit(Some((thing, role)))),
        Err(error) => Err(unreadable(&error).code().into()),
    }
}

fn stands<R: Records>(records: &R, caller: &Caller, door: Door, needed: Scope) -> Result<(), Denied> {
    let standing = records.standing(&caller.principal).map_err(|error| unreadable(&error))?;
    if !standing.active {
        return Err(Denied::Gone);
    }
    if !caller.scopes.has(needed) {
        return Err(Denied::Scope(needed));
    }
    if door == Door::Http {
        return Ok(());
    }
    let approved = match caller.proof.groups() {
        Some(groups) => records.approves(&caller.principal.organisation, groups).map_err(|error| unreadable(&error))?,
        None => standing.approved,
    };
    if approved { Ok(()) } else { Err(Denied::NotApproved) }
}

pub(super) fn unreadable(error: &dyn fmt::Display) -> Denied {
    crate::limiter::seldom!(error, %error, "it cannot be read who may do what");
    Denied::Unreadable
}

/// The role on the Thing that an action needs; none if it is not about one Thing.
///
/// `scroll` is about a Thing only if it names one; else it is about the home page's feed.
pub fn needed_role(action: Action, names_thing: bool) -> Option<Role> {
    match action {
        Action::Scroll if names_thing => Some(Role::Viewer),
        Action::Scroll | Action::Search | Action::Create => None,
        Action::Select | Action::Open | Action::Close | Action::Refresh | Action::History => Some(Role::Viewer),
        Action::Edit | Action::Rename | Action::Restore | Action::Undo | Action::Redo => Some(Role::Editor),
        Action::Delete | Action::Invite | Action::Uninvite => Some(Role::Owner),
    }
}

/// The scope that a token needs for an action over HTTP.
pub fn needed_scope(action: Action) -> Scope {
    match action {
        Action::Create
        | Action::Edit
        | Action::Rename
        | Action::Delete
        | Action::Restore
        | Action::Undo
        | Action::Redo
        | Action::Invite
        | Action::Uninvite => Scope::ThingsWrite,
        Action::Scroll
        | Action::Search
        | Action::Select
        | Action::Open
        | Action::Close
        | Action::Refresh
        | Action::History => Scope::ThingsRead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Kind, Proof, Scopes};

    /// One person and one Thing on record.
    struct Record {
        standing: Standing,
        role: Option<Role>,
        holds: Result<bool, &'static str>,
    }

    impl Records for Record {
        type Error = &'static str;

        fn standing(&self, _: &Principal) -> Result<Standing, &'static str> {
            Ok(self.standing)
        }

        fn role(&self, _: &Principal, _: ThingId) -> Result<Option<Role>, &'static str> {
            Ok(self.role)
        }

        fn holds(&self, _: &Caller) -> Result<bool, &'static str> {
            self.holds
        }

        fn administers(&self, _: &Principal) -> Result<bool, &'static str> {
            Ok(false)
        }

        fn approves(&self, organisation: &str, groups: &[String]) -> Result<bool, &'static str> {
            Ok(organisation == "acme" && groups.contains(&"approved".to_owned()))
        }
    }

    const THING: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    const GOOD: Standing = Standing { active: true, approved: true };

    fn record(standing: Standing, role: Option<Role>) -> Record {
        Record { standing, role, holds: Ok(true) }
    }

    fn caller(scopes: &[Scope]) -> Arc<Caller> {
        let principal = Principal { kind: Kind::User, name: "ada".into(), organisation: "acme".into() };
        let proof = Proof::Token { grant: uuid::Uuid::nil(), client: "app".into() };
        Arc::new(Caller { principal, proof, scopes: Scopes::of(scopes) })
    }

    /// Action, about a Thing or not, and the answers to: no role, viewer, editor, owner.
    const TABLE: &[(Action, bool, [&str; 4])] = &[
        (Action::Scroll, false, ["ok", "ok", "ok", "ok"]),
        (Action::Scroll, true, ["thing_not_found", "ok", "ok", "ok"]),
        (Action::Search, false, ["ok", "ok", "ok", "ok"]),
        (Action::Create, false, ["ok", "ok", "ok", "ok"]),
        (Action::Select, true, ["thing_not_found", "ok", "ok", "ok"]),
        (Action::Open, true, ["thing_not_found", "ok", "ok", "ok"]),
        (Action::Close, true, ["thing_not_found", "ok", "ok", "ok"]),
        (Action::Refresh, true, ["thing_not_found", "ok", "ok", "ok"]),
        (Action::Edit, true, ["thing_not_found", "forbidden", "ok", "ok"]),
        (Action::Rename, true, ["thing_not_found", "forbidden", "ok", "ok"]),
        (Action::Restore, true, ["thing_not_found", "forbidden", "ok", "ok"]),
        (Action::Undo, true, ["thing_not_found", "forbidden", "ok", "ok"]),
        (Action::Redo, true, ["thing_not_found", "forbidden", "ok", "ok"]),
        (Action::History, true, ["thing_not_found", "ok", "ok", "ok"]),
        (Action::Delete, true, ["thing_not_found", "forbidden", "forbidden", "ok"]),
        (Action::Invite, true, ["thing_not_found", "forbidden", "forbidden", "ok"]),
        (Action::Uninvite, true, ["thing_not_found", "forbidden", "forbidden", "ok"]),
    ];

    fn answer(decided: Result<Permit, ErrorBody>) -> String {
        decided.map_or_else(|error| error.name, |_| "ok".into())
    }

    #[test]
    fn every_action_answers_every_role_as_the_table_says_by_either_door() {
        book::claims!("action-roles", 2);
        for &action in Action::ALL {
            assert!(TABLE.iter().any(|row| row.0 == action), "{action} is not in the table");
        }
        for &(action, names_thing, answers) in TABLE {
            let roles = [None, Some(Role::Viewer), Some(Role::Editor), Some(Role::Owner)];
            for (role, expected) in roles.into_iter().zip(answers) {
                for (door, scope) in [(Door::Stream, Scope::Stream), (Door::Http, needed_scope(action))] {
                    let thing = names_thing.then_some(THING);
                    let decided = decide(&record(GOOD, role), &caller(&[scope]), door, action, thing);
                    assert_eq!(answer(decided), expected, "{action} as {role:?} by {door:?}");
                }
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
        let owner = record(GOOD, Some(Role::Owner));
        let without = decide(&owner, &caller(Scope::ALL), Door::Http, Action::Edit, None);
        assert_eq!(answer(without), "invalid_action");
        let nonsense = decide(&owner, &caller(Scope::ALL), Door::Http, Action::Edit, Some("x"));
        assert_eq!(answer(nonsense), "thing_not_found");
    }

    #[test]
    fn over_http_writing_needs_things_write_and_the_rest_things_read() {
        book::claims!("scope-things", 1);
        let owner = record(Standing { approved: false, ..GOOD }, Some(Role::Owner));
        let ask = |action, scope| answer(decide(&owner, &caller(&[scope]), Door::Http, action, Some(THING)));
        for &action in Action::ALL {
            let writes = needed_scope(action) == Scope::ThingsWrite;
            let (read, write) = if writes { ("insufficient_scope", "ok") } else { ("ok", "insufficient_scope") };
            assert_eq!(ask(action, Scope::ThingsRead), read, "{action}");
            assert_eq!(ask(action, Scope::ThingsWrite), write, "{action}");
            assert_eq!(ask(action, Scope::Stream), "insufficient_scope", "{action}");
        }
    }

    #[test]
    fn a_stream_and_each_message_on_it_need_all_that_opened_it() {
        book::claims!("access-per-message", 1);
        let narrow = caller(&[Scope::ThingsRead, Scope::ThingsWrite]);
        let off = |standing| record(standing, Some(Role::Owner));
        let cases = [
            (off(GOOD), caller(Scope::ALL), Ok(())),
            (off(GOOD), narrow.clone(), Err(Denied::Scope(Scope::Stream))),
            (off(Standing { approved: false, ..GOOD }), caller(Scope::ALL), Err(Denied::NotApproved)),
            (off(Standing { approved: false, ..GOOD }), narrow, Err(Denied::Scope(Scope::Stream))),
            (off(Standing { active: false, ..GOOD }), caller(Scope::ALL), Err(Denied::Gone)),
        ];
        for (records, caller, expected) in cases {
            assert_eq!(may_stream(&records, &caller), expected);
            let message = decide(&records, &caller, Door::Stream, Action::Edit, Some(THING));
            assert_eq!(
                message.map(drop).map_err(|error| error.code),
                expected.map_err(|denied| denied.code().number())
            );
        }
        let lost = Record { holds: Ok(false), ..off(GOOD) };
        assert_eq!(may_stream(&lost, &caller(Scope::ALL)), Err(Denied::TakenBack));
        let unreadable = Record { holds: Err("the disk is gone"), ..off(GOOD) };
        assert_eq!(may_stream(&unreadable, &caller(Scope::ALL)), Err(Denied::Unreadable), "no proven right");
    }

    #[test]
    fn where_a_token_says_the_groups_they_decide_who_may_stream_and_nothing_else() {
        book::claims!("external-groups", 1);
        let by = |groups: Option<&[&str]>| {
            let groups = groups.map(|groups| groups.iter().map(|&group| group.into()).collect());
            let proof = Proof::External { issued_at: 1, groups };
            Arc::new(Caller { proof, ..Caller::clone(&caller(Scope::ALL)) })
        };
        for (here, groups, may) in [
            (false, Some(&["other", "approved"][..]), true),
            (true, Some(&["other"]), false),
            (true, Some(&[]), false),
            (true, None, true),
            (false, None, false),
        ] {
            let records = record(Standing { approved: here, ..GOOD }, None);
            let expected = if may { Ok(()) } else { Err(Denied::NotApproved) };
            assert_eq!(may_stream(&records, &by(groups)), expected, "{groups:?}");
            let message = decide(&records, &by(groups), Door::Stream, Action::Create, None);
            assert_eq!(answer(message), if may { "ok" } else { "group_not_approved" }, "{groups:?}");
            assert_eq!(answer(decide(&records, &by(groups), Door::Http, Action::Create, None)), "ok");
        }
    }
}
