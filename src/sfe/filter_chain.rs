//! Step 2: the filters that turn an admitted connection into a request context, one after the other.
//! Pure: each takes what is known so far and adds its part.

use super::request_context::RequestContext;
use crate::{
    access::{Caller, Kind, Principal},
    ipc::Admission,
    proxies::Proxies,
};

/// Runs the chain: client address, request id, principal, groups and scopes, protocol.
pub fn build(admission: Admission, proxies: &Proxies) -> RequestContext {
    let lines = |name: &str| -> Vec<&str> {
        let named = admission.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, line)| line.as_str()).collect()
    };
    let request_id = proxies.request_id(admission.peer, lines).map(str::to_owned);
    RequestContext {
        client_address: proxies.client_address(admission.peer, lines),
        request_id: request_id.unwrap_or_else(|| admission.session.to_string()),
        session: admission.session,
        caller: admission.caller.unwrap_or_else(nobody),
        groups: admission.groups,
        expires_at: admission.expires_at,
        thing: admission.thing,
        protocol: admission.codec,
    }
}

/// With `--echo` nobody is asked who they are.
fn nobody() -> Caller {
    Caller::this_once(Principal { kind: Kind::Client, name: "echo".into(), organisation: String::new() })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{ipc::messages::Becomes, protocol::Codec};

    fn admission(peer: &str, headers: &[(&str, &str)]) -> Admission {
        Admission {
            session: Uuid::nil(),
            caller: None,
            groups: vec![],
            expires_at: 0,
            thing: None,
            codec: Codec::Json,
            becomes: Becomes::Websocket { key: String::new(), subprotocol: None },
            peer: peer.parse().unwrap(),
            headers: headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        }
    }

    #[test]
    fn only_a_proxy_of_the_configuration_is_believed() {
        book::claims!("C49", 1);
        book::claims!("proxy-believed", 2);
        let headers = [("X-Forwarded-For", "198.51.100.7, 203.0.113.9"), ("X-Request-Id", "abc")];
        let proxies = Proxies::new(vec!["10.0.0.1".to_owned().try_into().unwrap()]);
        let believed = build(admission("10.0.0.1", &headers), &proxies);
        assert_eq!(
            (believed.client_address.to_string().as_str(), believed.request_id.as_str()),
            ("203.0.113.9", "abc")
        );
        let ignored = build(admission("10.0.0.2", &headers), &proxies);
        assert_eq!(ignored.client_address.to_string(), "10.0.0.2");
        assert_eq!(ignored.request_id, Uuid::nil().to_string());
    }
}
