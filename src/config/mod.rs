//! Settings: typed, with their defaults in code, read at the start and at each upgrade.
//!
//! Owns the names, defaults and checks of all settings, and where they are read from: defaults,
//! then `widgetapp.toml`, then `WIDGETAPP_SECTION__KEY`, then flags. Knows nothing of what the
//! settings are used for. The supervisor reads them and hands them to its children as JSON.

mod external;
mod origins;
mod sections;
mod sources;
mod warnings;
mod watching;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use external::External;
pub use origins::{Origins, Settings};
pub use sections::{Audit, Durability, Http, Log, MAX_ACCESS_TOKEN_SECONDS, Oauth, Server, Sfe, Stream, Things};
pub use sources::{Flag, Sources};
pub use watching::{LogFormat, Logging, Metrics, Supervisor};

/// All settings, one struct per concern.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the server listens and keeps its data.
    pub server: Server,
    /// The record of who did what to whose access.
    pub audit: Audit,
    /// HTTP requests.
    pub http: Http,
    /// The authorisation server.
    pub oauth: Oauth,
    /// Streaming front ends.
    pub sfe: Sfe,
    /// Streaming connections.
    pub stream: Stream,
    /// Open Things.
    pub things: Things,
    /// The durable log of changes.
    pub log: Log,
    /// What the server says about itself.
    pub logging: Logging,
    /// What programs may read that watch the server.
    pub metrics: Metrics,
    /// Processes that take too much.
    pub supervisor: Supervisor,
}

/// A setting that cannot be used. The text is one line that names the key and where it came from.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was asked for cannot be read.
    #[error("cannot read the configuration file {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A source holds an unknown key, a value of the wrong type, or is not TOML.
    #[error("{source_name}: {problem}")]
    Source {
        /// A file, an environment variable or a flag.
        source_name: String,
        /// What is wrong with it; names the key.
        problem: String,
    },
    /// Every value has the right type, but a value or combination makes no sense.
    #[error("{key}: {problem}")]
    Invalid {
        /// `section.key`.
        key: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
}

impl Config {
    /// Reads all sources, the later ones over the earlier ones, and checks the result.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        Settings::load(sources).map(|settings| settings.config)
    }

    /// Whether WFE ends TLS itself.
    pub fn tls(&self) -> bool {
        self.server.tls_cert.is_some()
    }

    /// The settings that are not as they would be by themselves: each key with its value as JSON.
    pub fn changed(&self) -> Vec<(String, Value)> {
        fn differences(prefix: &str, ours: Value, default: &Value, found: &mut Vec<(String, Value)>) {
            match ours {
                Value::Object(fields) => fields.into_iter().for_each(|(name, ours)| {
                    let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                    differences(&key, ours, &default[name.as_str()], found);
                }),
                ours if ours != *default => found.push((prefix.to_owned(), ours)),
                _ => {}
            }
        }
        let as_json = |config: &Self| serde_json::to_value(config).expect("settings are JSON for the processes, too");
        let mut found = Vec::new();
        differences("", as_json(self), &as_json(&Self::default()), &mut found);
        found
    }

    /// Checks what types cannot say.
    ///
    /// # Errors
    /// The first value that makes no sense.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.server.check()?;
        self.audit.check()?;
        self.http.check()?;
        self.oauth.check(self.server.public_url.as_deref())?;
        self.sfe.check()?;
        self.stream.check()?;
        self.things.check()?;
        self.metrics.check()?;
        self.supervisor.check()
    }
}
