//! Where each setting came from, and the list of those in effect.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Config, ConfigError, Sources};

/// The settings in effect, and where each of them came from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Settings {
    /// The settings.
    pub config: Config,
    origins: Origins,
}

/// The strongest source of each key that is not left at its default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Origins(BTreeMap<String, String>);

impl Origins {
    /// This source sets what stands in this value, below this key; stronger sources come later.
    pub(super) fn note(&mut self, key: &str, value: &figment::value::Value, source_name: &str) {
        match value.as_dict() {
            Some(dict) => dict.iter().for_each(|(name, value)| self.note(&below(key, name), value, source_name)),
            None => drop(self.0.insert(key.into(), source_name.into())),
        }
    }

    fn of(&self, key: &str) -> &str {
        self.0.get(key).map_or("default", String::as_str)
    }
}

fn below(key: &str, name: &str) -> String {
    if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") }
}

impl Settings {
    /// Reads all sources, the later ones over the earlier ones, and checks the result.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let (config, origins) = sources.read()?;
        config.check()?;
        Ok(Self { config, origins })
    }

    /// Every setting as one JSON object: `{"key": "section.key", "value": ..., "from": ...}`. Secrets are not shown.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.describe("", &json!(self.config), &mut lines);
        lines
    }

    fn describe(&self, key: &str, value: &Value, lines: &mut Vec<String>) {
        match value {
            Value::Object(keys) => keys.iter().for_each(|(name, value)| self.describe(&below(key, name), value, lines)),
            value => {
                let shown = if is_secret(key) && !value.is_null() { &Value::from("(not shown)") } else { value };
                lines.push(json!({"key": key, "value": shown, "from": self.origins.of(key)}).to_string());
            }
        }
    }
}

/// Settings that hold a secret themselves are named so; those that name a file with one, such as `tls_key`, are not.
fn is_secret(key: &str) -> bool {
    key.ends_with("secret") || key.ends_with("password")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flag;

    #[test]
    fn each_setting_is_told_with_its_strongest_source() {
        book::claims!("admin-config", 1);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my.toml");
        std::fs::write(&file, "[server]\ndemo = false\ndata = \"of-file\"\n[sfe]\nstreams_per_instance = 2\n").unwrap();
        let sources = Sources {
            file: Some(file.clone()),
            env: vec![("WIDGETAPP_SFE__STREAMS_PER_INSTANCE".into(), "3".into())],
            flags: vec![Flag::new("--data", "server.data", "of-flag")],
        };
        let lines = Settings::load(&sources).unwrap().lines();
        let told = |key: &str| -> Value {
            let mut all = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
            all.find(|line| line["key"] == key).unwrap()
        };
        let file = format!("configuration file {}", file.display());
        assert_eq!(told("server.demo"), json!({"key": "server.demo", "value": false, "from": file}));
        assert_eq!(told("server.data")["from"], "flag --data");
        let streams = told("sfe.streams_per_instance");
        assert_eq!(
            (&streams["value"], &streams["from"]),
            (&json!(3), &json!("environment variable WIDGETAPP_SFE__STREAMS_PER_INSTANCE"))
        );
        assert_eq!(told("audit.keep_days")["from"], "default");
        assert_eq!(told("oauth.external.user_claim")["from"], "default");
    }

    #[test]
    fn what_is_named_a_secret_is_not_shown() {
        assert!(is_secret("client_secret") && is_secret("password"));
        assert!(!is_secret("access_token_seconds") && !is_secret("tls_key"));
    }
}
