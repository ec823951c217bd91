//! Which pages are ours: the site's own address, and the check of `Origin` against it.
//!
//! The `Host` header is never asked: whoever sends the request chooses it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::{HeaderMap, header::ORIGIN};

use super::{body, problem::Problem};
use crate::{config::Config, protocol::ErrorCode};

/// Where this server is, as its users see it.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// Scheme, host and port, without a slash at the end.
    pub base_url: String,
    /// Whether cookies are for HTTPS only. Plain HTTP is good enough on loopback alone.
    pub secure_cookies: bool,
    own_origins: Vec<String>,
}

/// Where the page that sent a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// One of our own.
    Us,
    /// Another site, or one that hides its name.
    Elsewhere,
    /// No page, as far as the request tells: a program.
    NoPage,
}

impl Site {
    pub fn new(config: &Config, bound: &[SocketAddr]) -> Self {
        let scheme = if config.tls() { "https" } else { "http" };
        let mut own_origins: Vec<String> = config.server.public_url.iter().cloned().collect();
        for address in bound {
            own_origins.push(origin(scheme, &reachable(address.ip()).to_string(), address.port()));
            if reachable(address.ip()).is_loopback() {
                own_origins.push(origin(scheme, "localhost", address.port()));
            }
        }
        let base_url = own_origins.first().cloned().unwrap_or_default();
        let loopback = bound.iter().all(|address| address.ip().is_loopback());
        Self { secure_cookies: base_url.starts_with("https:") || !loopback, base_url, own_origins }
    }

    /// Judges `Origin` and `Sec-Fetch-Site`. An origin must be one of ours letter by letter.
    pub fn page(&self, headers: &HeaderMap) -> Source {
        let mut origins = headers.get_all(ORIGIN).iter();
        let mut verdict = match (origins.next(), origins.next()) {
            (None, _) => Source::NoPage,
            (Some(origin), None) if self.own_origins.iter().any(|own| own.as_bytes() == origin.as_bytes()) => {
                Source::Us
            }
            _ => Source::Elsewhere,
        };
        if let Some(site) = headers.get("sec-fetch-site") {
            verdict = match verdict {
                Source::Elsewhere => Source::Elsewhere,
                _ if site == "same-origin" => Source::Us,
                _ => Source::Elsewhere,
            };
        }
        verdict
    }

    /// Refuses what another site's page sends; programs, which send neither header, pass.
    pub fn refuse_other_sites(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match self.page(headers) {
            Source::Elsewhere => Err(ErrorCode::OriginNotAllowed.into()),
            Source::Us | Source::NoPage => Ok(()),
        }
    }

    /// Refuses what is no form, and forms that another site's page sends.
    pub fn demand_own_form(&self, headers: &HeaderMap) -> Result<(), Problem> {
        self.refuse_other_sites(headers)?;
        if body::is_type(headers, "application/x-www-form-urlencoded") {
            Ok(())
        } else {
            Err(ErrorCode::UnsupportedMediaType.into())
        }
    }
}

/// An address that a client can connect to: the wildcard stands for loopback.
fn reachable(ip: IpAddr) -> IpAddr {
    if ip.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { ip }
}

/// As browsers write it: without the scheme's usual port, IPv6 in brackets.
fn origin(scheme: &str, host: &str, port: u16) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    match (scheme, port) {
        ("http", 80) | ("https", 443) => format!("{scheme}://{host}"),
        _ => format!("{scheme}://{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(public_url: Option<&str>, bound: &str) -> Site {
        let mut config = Config::default();
        config.server.public_url = public_url.map(Into::into);
        Site::new(&config, &[bound.parse().unwrap()])
    }

    fn page(site: &Site, headers: &[(&'static str, &str)]) -> Source {
        let headers = headers.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        site.page(&headers.collect::<HeaderMap>())
    }

    #[test]
    fn an_origin_is_ours_only_letter_by_letter() {
        let site = site(Some("https://wfe.test"), "127.0.0.1:8080");
        for own in ["https://wfe.test", "http://127.0.0.1:8080", "http://localhost:8080"] {
            assert_eq!(page(&site, &[("origin", own)]), Source::Us, "{own}");
        }
        for foreign in [
            "null",
            "https://wfe.test.evil",
            "https://evil-wfe.test",
            "https://evil.wfe.test",
            "https://wfe.test:8443",
            "http://wfe.test",
            "https://WFE.test",
            "https://wfe.test/",
            "https://wfе.test",
            "http://127.0.0.1",
            "",
        ] {
            assert_eq!(page(&site, &[("origin", foreign)]), Source::Elsewhere, "{foreign}");
        }
        let two = [("origin", "https://wfe.test"), ("origin", "https://evil.test")];
        assert_eq!(page(&site, &two), Source::Elsewhere);
    }

    #[test]
    fn sec_fetch_site_can_only_add_distrust() {
        let site = site(None, "127.0.0.1:8080");
        let own = ("origin", "http://127.0.0.1:8080");
        assert_eq!(page(&site, &[]), Source::NoPage);
        assert_eq!(page(&site, &[("sec-fetch-site", "same-origin")]), Source::Us);
        assert_eq!(page(&site, &[own, ("sec-fetch-site", "same-origin")]), Source::Us);
        for other in ["cross-site", "same-site", "none"] {
            assert_eq!(page(&site, &[own, ("sec-fetch-site", other)]), Source::Elsewhere, "{other}");
        }
        let evil = [("origin", "http://evil.test"), ("sec-fetch-site", "same-origin")];
        assert_eq!(page(&site, &evil), Source::Elsewhere);
    }

    #[test]
    fn the_base_url_is_public_or_the_first_address_and_cookies_are_secure_beyond_loopback() {
        let base = |public, bound| {
            let site = site(public, bound);
            (site.base_url, site.secure_cookies)
        };
        assert_eq!(base(None, "127.0.0.1:80"), ("http://127.0.0.1".into(), false));
        assert_eq!(base(None, "[::1]:8080"), ("http://[::1]:8080".into(), false));
        assert_eq!(base(None, "0.0.0.0:8080"), ("http://127.0.0.1:8080".into(), true));
        assert_eq!(base(Some("https://a.test"), "127.0.0.1:1"), ("https://a.test".into(), true));
    }
}
