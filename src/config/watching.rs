//! The sections about watching the server: its log, its metrics, and the processes that take too much.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ConfigError,
    sections::{between, invalid, not_zero},
};

/// What the server says about itself on standard error. How much it says is set by `RUST_LOG`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Logging {
    /// Lines for people, or one JSON object per line for programs.
    pub format: LogFormat,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// What Prometheus and programs like it may read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// The address at which `/metrics` is served, `IP:PORT`; port 0 picks a free one. There is no login: whoever
    /// reaches the address can read the figures.
    pub listen: Option<String>,
}

impl Metrics {
    /// Where they are served, if anywhere.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.listen.as_ref()?.parse().ok()
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match &self.listen {
            Some(text) if self.address().is_none() => {
                let why = format!("\"{text}\" is not an address; write IP:PORT, for example 127.0.0.1:9090");
                invalid("metrics.listen", why)
            }
            _ => Ok(()),
        }
    }
}

/// Processes that take too much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Supervisor {
    /// A process is rogue that takes this much of one core, in percent...
    #[schema(minimum = 1, maximum = 100_000)]
    pub rogue_cpu_percent: u32,
    /// ...averaged over this time.
    #[schema(minimum = 1, maximum = 3_600)]
    pub rogue_seconds: u64,
    /// The memory that one process may have; without it, as much as the machine or its container has. A process is
    /// rogue that takes half of it.
    #[schema(minimum = 1)]
    pub memory_limit_bytes: Option<u64>,
    /// Whether a rogue process is restarted by the server itself, at most three times in an hour.
    pub restart_rogue: bool,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self { rogue_cpu_percent: 50, rogue_seconds: 60, memory_limit_bytes: None, restart_rogue: false }
    }
}

impl Supervisor {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        between("supervisor.rogue_cpu_percent", self.rogue_cpu_percent.into(), 1, 100_000)?;
        between("supervisor.rogue_seconds", self.rogue_seconds, 1, 3600)?;
        self.memory_limit_bytes.map_or(Ok(()), |limit| not_zero("supervisor.memory_limit_bytes", limit))
    }
}
