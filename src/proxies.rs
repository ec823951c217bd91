//! The reverse proxies in front of the server: what they say about where a request came from and how it is named.
//!
//! They are believed only if the configuration names them; from anyone else the same headers could say anything.
//! Owns the reading of these headers. Knows nothing of connections.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The headers that are read here, as a handover passes them on.
pub const HEADERS: [&str; 5] = ["cf-connecting-ip", "cf-ray", "forwarded", "x-forwarded-for", "x-request-id"];
/// Longest request id that is taken over.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// An address or a network, such as `10.0.0.5` or `173.245.48.0/20`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let address = || text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        text.parse().or_else(|_| address()).map(Self).map_err(|_| {
            format!("\"{text}\" is neither an address nor a network; write 10.0.0.5 or 10.0.0.0/24, for example")
        })
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Network {
    /// Whether every address is in it.
    pub fn is_everybody(&self) -> bool {
        self.0.prefix_len() == 0
    }
}

/// The proxies that are believed.
#[derive(Clone, Debug)]
pub struct Proxies(Vec<Network>);

impl Proxies {
    /// These and no others.
    pub fn new(named: Vec<Network>) -> Self {
        Self(named)
    }

    /// Whether this is one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.0.contains(&address.to_canonical()))
    }

    /// The client's address. `header` gives the lines of a header, in order.
    ///
    /// Cloudflare names the client alone. Others add to a list (`Forwarded` by RFC 7239, else `X-Forwarded-For`),
    /// which is walked from its end, written by the nearest proxy, to the first address that is no proxy of ours:
    /// what stands before that, anyone may have written.
    pub fn client_address<'a>(&self, peer: IpAddr, header: impl Fn(&str) -> Vec<&'a str>) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contain(peer) {
            return peer;
        }
        if let [alone] = header("cf-connecting-ip")[..]
            && let Some(client) = address(alone)
        {
            return client;
        }
        let mut hops: Vec<Option<IpAddr>> = header("forwarded").into_iter().flat_map(forwarded_for).collect();
        if hops.is_empty() {
            hops = header("x-forwarded-for").into_iter().flat_map(|list| list.split(',').map(address)).collect();
        }
        let mut client = peer;
        while self.contain(client) {
            let Some(Some(hop)) = hops.pop() else { break };
            client = hop;
        }
        client
    }

    /// How the proxy names the request, so that it can be found in its logs as in ours.
    pub fn request_id<'a>(&self, peer: IpAddr, header: impl Fn(&str) -> Vec<&'a str>) -> Option<&'a str> {
        let named = |name| header(name).first().copied();
        let fits = |id: &&str| {
            !id.is_empty() && id.len() <= MAX_REQUEST_ID_BYTES && id.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let id = self.contain(peer).then(|| named("cf-ray").or_else(|| named("x-request-id"))).flatten();
        id.filter(fits)
    }
}

/// The `for` of each element of a `Forwarded` header (RFC 7239, 4): None where it is hidden, or no address.
fn forwarded_for(list: &str) -> impl Iterator<Item = Option<IpAddr>> {
    list.split(',').map(|element| {
        let pair = element.split(';').filter_map(|pair| pair.split_once('='));
        let node = pair.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?.1;
        address(node.trim().trim_matches('"'))
    })
}

/// `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`, and each of the first and last with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxies() -> Proxies {
        Proxies::new(
            ["10.0.0.1", "10.0.1.0/24", "2001:db8::/32"].map(|text| Network::try_from(text.to_owned()).unwrap()).into(),
        )
    }

    fn client(peer: &str, headers: &[(&str, &'static str)]) -> String {
        let header = |name: &str| headers.iter().filter(|(other, _)| *other == name).map(|(_, value)| *value).collect();
        proxies().client_address(peer.parse().unwrap(), header).to_string()
    }

    #[test]
    fn a_proxy_of_the_configuration_says_where_the_client_is_and_nobody_else_does() {
        book::claims!("C49", 1);
        book::claims!("proxy-believed", 2);
        let list = |list| [("x-forwarded-for", list)];
        assert_eq!(client("9.9.9.9", &list("1.1.1.1")), "9.9.9.9");
        assert_eq!(client("10.0.0.1", &list("1.1.1.1")), "1.1.1.1");
        assert_eq!(client("::ffff:10.0.0.1", &list("1.1.1.1")), "1.1.1.1");
        assert_eq!(client("10.0.0.1", &list("6.6.6.6, 1.1.1.1, 10.0.1.7")), "1.1.1.1");
        let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.1.1.1")];
        assert_eq!(client("10.0.0.1", &lines), "1.1.1.1");
        assert_eq!(client("10.0.0.1", &list("junk")), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn each_header_is_read_in_its_own_form() {
        book::claims!("C49", 1);
        let cloudflare = [("cf-connecting-ip", "198.51.100.7"), ("x-forwarded-for", "1.1.1.1")];
        assert_eq!(client("10.0.0.1", &cloudflare), "198.51.100.7");
        assert_eq!(client("9.9.9.9", &cloudflare), "9.9.9.9");
        let forwarded = |text| [("forwarded", text), ("x-forwarded-for", "1.1.1.1")];
        assert_eq!(client("10.0.0.1", &forwarded("for=192.0.2.60;proto=http, For=\"10.0.1.2:80\"")), "192.0.2.60");
        assert_eq!(client("10.0.0.1", &forwarded("for=\"[2001:db9::7]:4711\"")), "2001:db9::7");
        // The proxy hides the client: then its own address is all that is known.
        assert_eq!(client("10.0.0.1", &forwarded("for=_hidden")), "10.0.0.1");
    }

    #[test]
    fn a_request_keeps_the_name_that_a_proxy_gave_it() {
        book::claims!("C49", 1);
        let id = |peer: &str, headers: &[(&str, &'static str)]| {
            let header =
                |name: &str| headers.iter().filter(|(other, _)| *other == name).map(|(_, value)| *value).collect();
            proxies().request_id(peer.parse().unwrap(), header)
        };
        assert_eq!(id("10.0.0.1", &[("x-request-id", "abc")]), Some("abc"));
        assert_eq!(id("10.0.0.1", &[("x-request-id", "abc"), ("cf-ray", "8f2-FRA")]), Some("8f2-FRA"));
        assert_eq!(id("10.0.0.1", &[("x-request-id", "two words")]), None);
        assert_eq!(id("9.9.9.9", &[("x-request-id", "abc")]), None);
    }

    proptest! {
        #[test]
        fn whatever_a_stranger_writes_before_our_proxies_changes_nothing(before in "[ -~]{0,60}") {
            let list = format!("{before},198.51.100.7, 10.0.1.9");
            let header = |name: &str| if name == "x-forwarded-for" { vec![list.as_str()] } else { vec![] };
            let client = proxies().client_address("10.0.0.1".parse().unwrap(), header);
            prop_assert_eq!(client.to_string(), "198.51.100.7");
        }
    }
}
