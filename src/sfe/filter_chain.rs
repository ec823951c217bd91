//! Step 2: the filters that turn an admitted connection into a request context, one after the other.
//! Pure: each takes what is known so far and adds its part.

use std::net::IpAddr;

use super::request_context::RequestContext;
use crate::{
    access::{Kind, Principal},
    ipc::Admission,
};

/// Longest request id that is taken over from a proxy.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// Runs the chain: client address, request id, principal, groups and scopes, protocol.
pub fn build(admission: Admission, trusted_proxies: &[IpAddr]) -> RequestContext {
    let trusted = trusted_proxies.contains(&admission.peer);
    RequestContext {
        client_address: client_address(&admission, trusted),
        request_id: request_id(&admission, trusted),
        session: admission.session,
        principal: admission.principal.unwrap_or_else(nobody),
        groups: admission.groups,
        scopes: admission.scopes,
        expires_at: admission.expires_at,
        protocol: admission.codec,
    }
}

/// A proxy that the configuration names is believed; from anyone else the headers could say anything.
fn client_address(admission: &Admission, trusted: bool) -> IpAddr {
    // Cloudflare names the client alone; others add to a list, whose last entry is the one that our proxy saw.
    let told = || {
        let single = header(admission, "cf-connecting-ip");
        single.or_else(|| header(admission, "x-forwarded-for")?.rsplit(',').next())?.trim().parse().ok()
    };
    trusted.then(told).flatten().unwrap_or(admission.peer)
}

fn request_id(admission: &Admission, trusted: bool) -> String {
    let told = || header(admission, "cf-ray").or_else(|| header(admission, "x-request-id"));
    let fits = |id: &&str| {
        !id.is_empty() && id.len() <= MAX_REQUEST_ID_BYTES && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    trusted.then(told).flatten().filter(fits).map_or_else(|| admission.session.to_string(), str::to_owned)
}

fn header<'a>(admission: &'a Admission, name: &str) -> Option<&'a str> {
    admission.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// With `--echo` nobody is asked who they are.
fn nobody() -> Principal {
    Principal { kind: Kind::Client, name: "echo".into(), organisation: String::new() }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::protocol::Codec;

    fn admission(peer: &str, headers: &[(&str, &str)]) -> Admission {
        Admission {
            session: Uuid::nil(),
            principal: None,
            groups: vec![],
            scopes: vec![],
            expires_at: 0,
            codec: Codec::Json,
            subprotocol: None,
            websocket_key: String::new(),
            peer: peer.parse().unwrap(),
            headers: headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        }
    }

    #[test]
    fn only_a_proxy_of_the_configuration_is_believed() {
        book::claims!("C49", 1);
        book::claims!("proxy-believed", 1);
        let headers = [("X-Forwarded-For", "198.51.100.7, 203.0.113.9"), ("X-Request-Id", "abc")];
        let proxies = ["10.0.0.1".parse().unwrap()];
        let believed = build(admission("10.0.0.1", &headers), &proxies);
        assert_eq!(
            (believed.client_address.to_string().as_str(), believed.request_id.as_str()),
            ("203.0.113.9", "abc")
        );
        let ignored = build(admission("10.0.0.2", &headers), &proxies);
        assert_eq!(ignored.client_address.to_string(), "10.0.0.2");
        assert_eq!(ignored.request_id, Uuid::nil().to_string());
    }

    #[test]
    fn behind_cloudflare_its_own_headers_count() {
        book::claims!("C49", 1);
        let headers = [("CF-Connecting-IP", "198.51.100.7"), ("CF-Ray", "8f2-FRA"), ("X-Forwarded-For", "1.1.1.1")];
        let context = build(admission("10.0.0.1", &headers), &["10.0.0.1".parse().unwrap()]);
        assert_eq!(
            (context.client_address.to_string().as_str(), context.request_id.as_str()),
            ("198.51.100.7", "8f2-FRA")
        );
    }
}
