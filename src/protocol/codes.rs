//! Every error code and close code, once. The guide's page and the metric labels come from these tables.

/// Defines an enum with a number, a name and a text for each case, and the list of all cases.
macro_rules! codes {
    ($(#[$doc:meta])* $kind:ident { $($case:ident = $number:literal, $name:literal, $temporary:literal, $message:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $kind {
            $(#[doc = concat!("`", $name, "`: ", $message)] $case,)*
        }

        impl $kind {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$case,)*];

            /// The number on the wire.
            pub fn number(self) -> u16 {
                match self { $(Self::$case => $number,)* }
            }

            /// The name that belongs to the number.
            pub fn name(self) -> &'static str {
                match self { $(Self::$case => $name,)* }
            }

            /// Whether it may go away by itself.
            pub fn temporary(self) -> bool {
                match self { $(Self::$case => $temporary,)* }
            }

            /// What it means and what to do.
            pub fn message(self) -> &'static str {
                match self { $(Self::$case => $message,)* }
            }
        }
    };
}

codes! {
    /// Why a request failed: 1xx session, 2xx user actions, 3xx document sync, 4xx presence.
    ErrorCode {
        Internal = 100, "internal", true, "the server failed at this request; it is safe to try again";
        BadRequest = 101, "bad_request", false, "the request does not follow the contract";
        UnknownPort = 102, "unknown_port", false, "no service has this port";
        UnknownName = 103, "unknown_name", false, "the service does not know this name";
        TokenMissing = 104, "token_missing", false, "an access token is needed";
        InvalidToken = 105, "invalid_token", false, "the access token is not valid; get a new one";
        TokenExpired = 106, "token_expired", false, "the access token has expired; get a new one";
        TokenInUrl = 107, "token_in_url", false, "a token does not belong into a URL; send it as \"Authorization: Bearer\"";
        GroupNotApproved = 108, "group_not_approved", false, "no group of yours is approved for streaming; ask your administrator";
        InsufficientScope = 109, "insufficient_scope", false, "the access token lacks a scope that this needs";
        OriginNotAllowed = 110, "origin_not_allowed", false, "pages of this origin may not use your login here";
        UnknownSubprotocol = 111, "unknown_subprotocol", false, "offer widgetapp.v1.json or widgetapp.v1.cbor";
        NotAnUpgrade = 112, "not_an_upgrade", false, "this address speaks WebSocket, version 13";
        BadUpgrade = 113, "bad_upgrade", false, "the WebSocket handshake is malformed";
        TooManyRequests = 114, "too_many_requests", true, "too many requests in a short time; wait and try again";
        Unavailable = 115, "unavailable", true, "the server cannot take this now; try again";
        TooManyThings = 116, "too_many_things", false, "this connection has as many Things open as it may; close one first";
        NotLoggedIn = 117, "not_logged_in", false, "log in first, or send an access token";
        WrongCredentials = 118, "wrong_credentials", false, "the name or the password is wrong";
        NotFound = 119, "not_found", false, "there is nothing at this address";
        MethodNotAllowed = 120, "method_not_allowed", false, "this address does not take this method";
        TooLarge = 121, "too_large", false, "the request is larger than allowed";
        TooSlow = 122, "too_slow", true, "the request took too long to arrive";
        UnsupportedMediaType = 123, "unsupported_media_type", false, "send the body as application/json";
        ThingNotFound = 200, "thing_not_found", false, "there is no such Thing, or it is not shared with you";
        Forbidden = 201, "forbidden", false, "your role on this Thing does not allow that";
        NotOpen = 202, "not_open", false, "this connection has not opened the Thing";
        InvalidPatch = 203, "invalid_patch", false, "the patch is not JSON Patch (RFC 6902), or does not fit the Thing as it is now";
        EditTooLarge = 204, "edit_too_large", false, "the edit is larger than allowed; send it in parts";
        ThingTooLarge = 205, "thing_too_large", false, "the Thing would grow larger than allowed";
        NotDurable = 206, "not_durable", true, "the change could not be stored and was not made; try again";
        ChangedMeanwhile = 207, "changed_meanwhile", false, "the Thing has changed since you read it; read it again";
        InvalidAction = 208, "invalid_action", false, "the user action lacks something that it needs, or its body does not fit";
        LastOwner = 209, "last_owner", false, "a Thing keeps at least one owner; make somebody else its owner first";
        InviteeNotFound = 210, "invitee_not_found", false, "there is no such user or group in your organisation";
        AccessEnded = 211, "access_ended", false, "your access to the Thing ended while this was under way; it may have been done";
        NothingToUndo = 212, "nothing_to_undo", false, "no change of yours is left here to undo, or it was too long ago";
        NothingToRedo = 213, "nothing_to_redo", false, "there is nothing to redo: you have undone nothing here, or changed the Thing since";
        NoSuchChange = 214, "no_such_change", false, "the Thing's log has no change with this offset";
        InvalidUpdate = 300, "invalid_update", false, "the update is not a Yjs update (version 1)";
        IncompleteUpdate = 301, "incomplete_update", false, "the update builds on changes that the server does not have; send those first";
        InvalidSync = 302, "invalid_sync", false, "the data is not one sync message of y-protocols: step 1, step 2 or an update";
        InvalidCursor = 400, "invalid_cursor", false, "a cursor has the numbers x and y, and perhaps a part and a selection, within the limits";
        InvalidAwareness = 401, "invalid_awareness", false, "an awareness state is a JSON object within the limits";
    }
}

codes! {
    /// Why the server closed a websocket: below 4500 reconnect, from 4500 do not.
    CloseCode {
        BrokenFrame = 1002, "broken_frame", false, "a frame broke RFC 6455";
        InvalidText = 1007, "invalid_text", false, "a text frame was not UTF-8 (RFC 6455)";
        TooBig = 1009, "too_big", false, "a message was larger than max_frame_bytes (RFC 6455)";
        Restart = 4001, "restart", true, "the server restarts; reconnect";
        TooSlow = 4008, "too_slow", true, "more waited for this client than the server keeps; reconnect and resume";
        Gap = 4010, "gap", true, "a change could not be delivered in order; reconnect and resume";
        NoPong = 4012, "no_pong", true, "nothing came within pong_ms of a ping";
        TooManyRequests = 4029, "too_many_requests", true, "requests went on coming above the limit";
        BadToken = 4500, "bad_token", false, "the access token is not valid any more";
        TokenExpired = 4501, "token_expired", false, "the access token expired and was not refreshed";
        ApprovalWithdrawn = 4503, "approval_withdrawn", false, "the group is not approved for streaming any more";
        Forbidden = 4507, "forbidden", false, "access was withdrawn";
        ProtocolError = 4509, "protocol_error", false, "a message does not follow the contract";
    }
}

impl CloseCode {
    /// Whether a client should come back by itself.
    pub fn reconnect(number: u16) -> bool {
        !(4500..5000).contains(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique() {
        for (all, what) in [
            (ErrorCode::ALL.iter().map(|code| (code.number(), code.name())).collect::<Vec<_>>(), "error"),
            (CloseCode::ALL.iter().map(|code| (code.number(), code.name())).collect(), "close"),
        ] {
            for (i, a) in all.iter().enumerate() {
                for b in &all[i + 1..] {
                    assert!(a.0 != b.0 && a.1 != b.1, "{what} codes {a:?} and {b:?}");
                }
            }
        }
    }

    #[test]
    fn clients_come_back_from_4000_to_4499_and_not_from_4500() {
        assert!(CloseCode::reconnect(4001) && CloseCode::reconnect(1006));
        assert!(!CloseCode::reconnect(4500) && !CloseCode::reconnect(4509));
    }
}
