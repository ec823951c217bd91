//! The sections of the configuration: keys, defaults and checks. Reads nothing itself.

use std::{fmt, net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use utoipa::ToSchema;

use super::{ConfigError, External};
use crate::{protocol::limits, proxies::Network};

const DAY_SECONDS: u64 = 24 * 60 * 60;
/// No access token may be valid for longer: who holds it keeps what it says.
pub const MAX_ACCESS_TOKEN_SECONDS: u64 = DAY_SECONDS;

/// Where the server listens and keeps its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Addresses to listen on, `IP:PORT`; port 0 picks a free one.
    #[serde(deserialize_with = "one_or_many")]
    pub listen: Vec<String>,
    /// The data directory. It is created if it is absent.
    #[schema(value_type = String)]
    pub data: PathBuf,
    /// Certificate chain in PEM; with it the server speaks TLS on every address.
    #[schema(value_type = Option<String>)]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[schema(value_type = Option<String>)]
    pub tls_key: Option<PathBuf>,
    /// Whether an empty data directory is filled with a demonstration.
    pub demo: bool,
    /// For conformance suites, on loopback only: `/_stream` takes no token and sends every frame back.
    pub echo: bool,
    /// The address that people type, if it is not the one listened on: `https://www.example.com`.
    pub public_url: Option<String>,
    /// Addresses and networks (`10.0.0.5`, `173.245.48.0/20`) of the proxies in front. Where they say that a
    /// request came from (`CF-Connecting-IP`, `Forwarded`, `X-Forwarded-For`) and how they name it (`CF-Ray`,
    /// `X-Request-Id`) is believed.
    #[serde(deserialize_with = "one_or_many")]
    #[schema(value_type = Vec<String>)]
    pub trusted_proxies: Vec<Network>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:8080".into()],
            data: "widgetapp-data".into(),
            tls_cert: None,
            tls_key: None,
            demo: true,
            echo: false,
            public_url: None,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Server {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let addresses = self.addresses()?;
        if addresses.is_empty() {
            return invalid("server.listen", "at least one address is needed");
        }
        if self.echo && !addresses.iter().all(|address| address.ip().is_loopback()) {
            return invalid("server.echo", "allowed only when every address in server.listen is a loopback address");
        }
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return invalid("server.tls_cert", "server.tls_cert and server.tls_key belong together; one is missing");
        }
        self.public_url.as_deref().map_or(Ok(()), |url| check_base_url("server.public_url", url))
    }

    /// The addresses to listen on.
    ///
    /// # Errors
    /// An entry that is not `IP:PORT`.
    pub fn addresses(&self) -> Result<Vec<SocketAddr>, ConfigError> {
        let parse = |text: &String| {
            text.parse().map_err(|_| ConfigError::Invalid {
                key: "server.listen",
                problem: format!(
                    "\"{text}\" is not an address; write IP:PORT, for example 127.0.0.1:8080 or [::1]:8080"
                ),
            })
        };
        self.listen.iter().map(parse).collect()
    }
}

/// The record of who did what to whose access.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// How long it is kept, in days.
    #[schema(minimum = 1, maximum = 3_650)]
    pub keep_days: u64,
    /// How many entries are kept at most.
    #[schema(minimum = 100, maximum = 10_000_000)]
    pub keep_rows: u64,
}

impl Default for Audit {
    fn default() -> Self {
        Self { keep_days: 90, keep_rows: 100_000 }
    }
}

impl Audit {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        between("audit.keep_days", self.keep_days, 1, 3650)?;
        between("audit.keep_rows", self.keep_rows, 100, 10_000_000)
    }
}

/// HTTP requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// How long a request's head may take to arrive.
    #[schema(minimum = 1)]
    pub header_timeout_seconds: u64,
    /// How long a request's body may take to arrive.
    #[schema(minimum = 1)]
    pub body_timeout_seconds: u64,
    /// Largest request body.
    #[schema(minimum = 1)]
    pub max_body_bytes: usize,
    /// How long a login lasts.
    #[schema(minimum = 60, maximum = 31_622_400)]
    pub login_seconds: u64,
    /// The folder into which the guides were built (`mdbook build book` makes `book/book`); with it they are served
    /// at `/guide/`. Nobody else should be able to write there: the scripts in it run where people are logged in.
    #[schema(value_type = Option<String>)]
    pub guides: Option<PathBuf>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            header_timeout_seconds: 10,
            body_timeout_seconds: 30,
            max_body_bytes: 1024 * 1024,
            login_seconds: 12 * 60 * 60,
            guides: None,
        }
    }
}

impl Http {
    fn named(&self) -> [(&'static str, u64); 3] {
        [
            ("http.header_timeout_seconds", self.header_timeout_seconds),
            ("http.body_timeout_seconds", self.body_timeout_seconds),
            ("http.max_body_bytes", self.max_body_bytes as u64),
        ]
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.named().into_iter().try_for_each(|(key, value)| not_zero(key, value))?;
        between("http.login_seconds", self.login_seconds, 60, 366 * 24 * 60 * 60)?;
        match &self.guides {
            Some(folder) if !folder.is_dir() => {
                let folder = folder.display();
                let why = format!("there is no folder {folder}; build the guides (mdbook build book), or leave it out");
                invalid("http.guides", why)
            }
            _ => Ok(()),
        }
    }
}

/// The authorisation server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Oauth {
    /// The `iss` of access tokens; by default `server.public_url`, else the first address listened on.
    pub issuer: Option<String>,
    /// How long an access token is valid.
    #[schema(minimum = 1, maximum = 86_400)]
    pub access_token_seconds: u64,
    /// How long a refresh token may lie unused before it expires.
    #[schema(minimum = 1, maximum = 31_622_400)]
    pub refresh_token_idle_seconds: u64,
    /// How long an application may go on with refresh tokens before it has to send its user back here.
    #[schema(minimum = 1, maximum = 31_622_400)]
    pub refresh_token_seconds: u64,
    /// The age at which the key that signs access tokens is replaced by a new one.
    #[schema(minimum = 1, maximum = 316_224_000)]
    pub signing_key_seconds: u64,
    /// Token requests per second of one application, and of one address, averaged.
    #[schema(minimum = 1)]
    pub requests_per_second: u32,
    /// Token requests that one application, or one address, may make at once after a pause.
    #[schema(minimum = 1)]
    pub request_burst: u32,
    /// Another issuer, whose tokens are taken too.
    pub external: External,
}

impl Default for Oauth {
    fn default() -> Self {
        Self {
            issuer: None,
            access_token_seconds: 600,
            refresh_token_idle_seconds: 14 * DAY_SECONDS,
            refresh_token_seconds: 90 * DAY_SECONDS,
            signing_key_seconds: 90 * DAY_SECONDS,
            requests_per_second: 50,
            request_burst: 500,
            external: External::default(),
        }
    }
}

impl Oauth {
    /// `public_url` is the issuer if none is named.
    pub(super) fn check(&self, public_url: Option<&str>) -> Result<(), ConfigError> {
        self.external.check(self.issuer.as_deref().or(public_url))?;
        if let Some(issuer) = &self.issuer {
            check_base_url("oauth.issuer", issuer)?;
        }
        between("oauth.access_token_seconds", self.access_token_seconds, 1, MAX_ACCESS_TOKEN_SECONDS)?;
        let longest = 366 * DAY_SECONDS;
        between("oauth.refresh_token_idle_seconds", self.refresh_token_idle_seconds, 1, longest)?;
        between("oauth.refresh_token_seconds", self.refresh_token_seconds, 1, longest)?;
        between("oauth.signing_key_seconds", self.signing_key_seconds, 1, 10 * longest)?;
        not_zero("oauth.requests_per_second", self.requests_per_second.into())?;
        not_zero("oauth.request_burst", self.request_burst.into())
    }
}

/// Streaming front ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sfe {
    /// One more `_sfe` runs for each of so many clients.
    #[schema(minimum = 1)]
    pub clients_per_instance: u32,
    /// `_sfe` processes that run in any case.
    #[schema(minimum = 1, maximum = 64)]
    pub min_instances: u16,
    /// `_sfe` processes that run at most, however many clients there are.
    #[schema(minimum = 1, maximum = 1_000)]
    pub max_instances: u16,
    /// An `_sfe` that was not needed for so long ends.
    #[schema(minimum = 1)]
    pub scale_down_after_seconds: u64,
    /// `_stream` processes of each `_sfe`.
    #[schema(minimum = 1, maximum = 64)]
    pub streams_per_instance: u16,
}

impl Default for Sfe {
    fn default() -> Self {
        Self {
            clients_per_instance: 10,
            min_instances: 1,
            max_instances: 64,
            scale_down_after_seconds: 60,
            streams_per_instance: 1,
        }
    }
}

impl Sfe {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        not_zero("sfe.clients_per_instance", self.clients_per_instance.into())?;
        between("sfe.min_instances", self.min_instances.into(), 1, 64)?;
        between("sfe.max_instances", self.max_instances.into(), 1, 1000)?;
        not_zero("sfe.scale_down_after_seconds", self.scale_down_after_seconds)?;
        between("sfe.streams_per_instance", self.streams_per_instance.into(), 1, 64)?;
        if self.min_instances > self.max_instances {
            let problem = format!("is {}, more than sfe.max_instances, {}", self.min_instances, self.max_instances);
            return invalid("sfe.min_instances", problem);
        }
        Ok(())
    }
}

/// Streaming connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stream {
    /// Largest message that a client may send.
    #[schema(minimum = 1_024, maximum = 33_554_432)]
    pub max_frame_bytes: usize,
    /// Things that one connection may have open at once.
    #[schema(minimum = 1)]
    pub max_things: usize,
    /// Bytes that may wait for one client before it is closed as too slow.
    #[schema(minimum = 1)]
    pub max_queue_bytes: usize,
    /// How often the server pings.
    #[schema(minimum = 1)]
    pub ping_ms: u64,
    /// How long it waits for the answer.
    #[schema(minimum = 1)]
    pub pong_ms: u64,
    /// Requests per second of one connection, averaged.
    #[schema(minimum = 1)]
    pub requests_per_second: u32,
    /// Requests that one connection may send at once after a pause.
    #[schema(minimum = 1)]
    pub request_burst: u32,
    /// Streams per second that one user or client may open, averaged.
    #[schema(minimum = 1)]
    pub openings_per_second: u32,
    /// Streams that one user or client may open at once after a pause.
    #[schema(minimum = 1)]
    pub opening_burst: u32,
    /// Streams per second that are let in, all users and clients together, and as many at once after a pause.
    #[schema(minimum = 1)]
    pub admissions_per_second: u32,
}

impl Default for Stream {
    fn default() -> Self {
        let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            max_frame_bytes: limits::MAX_FRAME_BYTES,
            max_things: limits::MAX_THINGS,
            max_queue_bytes: limits::MAX_QUEUE_BYTES,
            ping_ms: millis(limits::PING_EVERY),
            pong_ms: millis(limits::PONG_WITHIN),
            requests_per_second: limits::REQUESTS_PER_SECOND,
            request_burst: limits::REQUEST_BURST,
            openings_per_second: limits::OPENINGS_PER_SECOND,
            opening_burst: limits::OPENING_BURST,
            admissions_per_second: limits::ADMISSIONS_PER_SECOND,
        }
    }
}

impl Stream {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        // Below 1 KiB not even a refresh of the token fits; above the echo limit nothing was ever tried.
        between("stream.max_frame_bytes", self.max_frame_bytes as u64, 1024, limits::MAX_ECHO_FRAME_BYTES as u64)?;
        for (key, value) in [
            ("stream.max_things", self.max_things as u64),
            ("stream.max_queue_bytes", self.max_queue_bytes as u64),
            ("stream.ping_ms", self.ping_ms),
            ("stream.pong_ms", self.pong_ms),
            ("stream.requests_per_second", self.requests_per_second.into()),
            ("stream.request_burst", self.request_burst.into()),
            ("stream.openings_per_second", self.openings_per_second.into()),
            ("stream.opening_burst", self.opening_burst.into()),
            ("stream.admissions_per_second", self.admissions_per_second.into()),
        ] {
            not_zero(key, value)?;
        }
        Ok(())
    }
}

/// Open Things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Things {
    /// A Thing that nobody has used for so long is dropped from memory.
    #[schema(minimum = 1)]
    pub idle_seconds: u64,
}

impl Default for Things {
    fn default() -> Self {
        Self { idle_seconds: 60 }
    }
}

impl Things {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        not_zero("things.idle_seconds", self.idle_seconds)
    }
}

/// The durable log of changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// What an acknowledged change survives: `fsync` a power cut, `os` only a killed process.
    pub durability: Durability,
}

/// What an acknowledged change survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// A power cut.
    #[default]
    Fsync,
    /// A killed process, but not a power cut. Faster; breaks the first promise of `edit`.
    Os,
}

pub(super) fn invalid(key: &'static str, problem: impl Into<String>) -> Result<(), ConfigError> {
    let problem = problem.into();
    Err(ConfigError::Invalid { key, problem })
}

pub(super) fn not_zero(key: &'static str, value: u64) -> Result<(), ConfigError> {
    if value == 0 { invalid(key, "must be at least 1") } else { Ok(()) }
}

pub(super) fn between(key: &'static str, value: u64, least: u64, most: u64) -> Result<(), ConfigError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    invalid(key, format!("is {value}, must be from {least} to {most}"))
}

/// Demands `http(s)://host[:port]` alone: it is compared with `Origin`, and paths are appended to it.
fn check_base_url(key: &'static str, text: &str) -> Result<(), ConfigError> {
    let origin = oauth2::url::Url::parse(text).map(|url| url.origin().ascii_serialization());
    if origin.is_ok_and(|origin| origin == text && origin.starts_with("http")) {
        return Ok(());
    }
    invalid(
        key,
        format!(
            "\"{text}\" must be scheme and host alone, in lower case and without a slash at the end, for example https://www.example.com"
        ),
    )
}

/// Lets `listen = "ADDR"` and `WIDGETAPP_SERVER__LISTEN=ADDR` stand for a list of one.
pub(super) fn one_or_many<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<String, Error: fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected text or a list of texts")]
    enum OneOrMany {
        Many(Vec<String>),
        One(String),
    }
    let texts = match OneOrMany::deserialize(from)? {
        OneOrMany::Many(many) => many,
        OneOrMany::One(one) => vec![one],
    };
    texts.into_iter().map(|text| T::try_from(text).map_err(Error::custom)).collect()
}
