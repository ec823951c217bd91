//! Settings that are allowed and risky. Knows what follows from them, and nothing else of what they are used for.

use std::net::SocketAddr;

use super::{Config, Durability};

impl Config {
    /// What an administrator should know before people use the server: a line each, which names the key.
    pub fn warnings(&self) -> Vec<String> {
        let server = &self.server;
        let https_outside = server.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
        let reachable: Vec<String> = (server.addresses().unwrap_or_default().iter())
            .filter(|address| !address.ip().is_loopback())
            .map(SocketAddr::to_string)
            .collect();
        let mut warnings = Vec::new();
        if !reachable.is_empty() && !self.tls() && !https_outside {
            warnings.push(format!(
                "server.listen: {} can be reached from other machines, and from those people log in over HTTPS only; \
                 set server.tls_cert and server.tls_key, or server.public_url to the https address of your proxy",
                reachable.join(" and ")
            ));
        }
        if server.demo && (!reachable.is_empty() || server.public_url.is_some()) {
            warnings.push(
                "server.demo: an empty data directory is filled with a demonstration, whose users and applications can \
                 be used by whoever has read demo.json; set it to false where others come"
                    .into(),
            );
        }
        if server.public_url.is_some() && !https_outside {
            warnings
                .push("server.public_url: it is not https, so passwords and tokens can be read on their way".into());
        }
        if https_outside && !self.tls() && server.trusted_proxies.is_empty() {
            warnings.push(
                "server.trusted_proxies: it is empty, so whoever comes through a proxy counts as the proxy: one who \
                 guesses passwords makes all others wait"
                    .into(),
            );
        }
        if let Some(network) = server.trusted_proxies.iter().find(|network| network.is_everybody()) {
            warnings.push(format!(
                "server.trusted_proxies: {network} is everybody, so whoever sends a request may say where it comes from; \
                 name the addresses of your proxies"
            ));
        }
        if let Some(address) = self.metrics.address().filter(|address| !address.ip().is_loopback()) {
            warnings.push(format!(
                "metrics.listen: {address} can be reached from other machines, and there is no login: whoever reaches it \
                 reads the figures"
            ));
        }
        if server.echo {
            warnings.push("server.echo: streams take no token, and do nothing but send back what they get".into());
        }
        if self.log.durability == Durability::Os {
            warnings
                .push("log.durability: a power cut may take the last changes, though they were acknowledged".into());
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Sources};

    /// The keys that are warned of with these settings.
    fn warned_of(settings: &[(&str, &str)]) -> Vec<String> {
        let env = settings.iter().map(|(key, value)| (format!("WIDGETAPP_{key}"), (*value).to_owned())).collect();
        let config = Config::load(&Sources { env, ..Sources::default() }).unwrap();
        let key = |warning: &String| warning.split_once(": ").unwrap().0.to_owned();
        config.warnings().iter().map(key).collect()
    }

    #[test]
    fn the_defaults_are_safe() {
        assert_eq!(warned_of(&[]), [""; 0]);
    }

    #[test]
    fn each_risk_is_named_by_its_setting_and_goes_with_its_remedy() {
        book::claims!("config-warns", 1);
        let (open, https) = (("SERVER__LISTEN", "0.0.0.0:80"), ("SERVER__PUBLIC_URL", "https://www.example.com"));
        let (proxies, no_demo) = (("SERVER__TRUSTED_PROXIES", "10.0.0.0/8"), ("SERVER__DEMO", "false"));
        let tls = [("SERVER__TLS_CERT", "a.pem"), ("SERVER__TLS_KEY", "b.pem")];
        assert_eq!(warned_of(&[open, no_demo]), ["server.listen"]);
        assert_eq!(warned_of(&[open, https, no_demo]), ["server.trusted_proxies"]);
        assert_eq!(warned_of(&[open, https, proxies, no_demo]), [""; 0]);
        assert_eq!(warned_of(&[open, tls[0], tls[1], no_demo]), [""; 0]);
        assert_eq!(warned_of(&[open, tls[0], tls[1]]), ["server.demo"]);
        assert_eq!(warned_of(&[https, proxies]), ["server.demo"]);
        assert_eq!(warned_of(&[("SERVER__PUBLIC_URL", "http://www.example.com"), no_demo]), ["server.public_url"]);
        for everybody in ["0.0.0.0/0", "[\"10.0.0.5\", \"::/0\"]"] {
            assert_eq!(warned_of(&[("SERVER__TRUSTED_PROXIES", everybody)]), ["server.trusted_proxies"]);
        }
        assert_eq!(warned_of(&[("METRICS__LISTEN", "0.0.0.0:9090")]), ["metrics.listen"]);
        assert_eq!(warned_of(&[("METRICS__LISTEN", "[::1]:9090")]), [""; 0]);
        assert_eq!(warned_of(&[("SERVER__ECHO", "true")]), ["server.echo"]);
        assert_eq!(warned_of(&[("LOG__DURABILITY", "os")]), ["log.durability"]);
    }
}
