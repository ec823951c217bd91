//! Where settings come from, and in which order. Knows no key by name.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use figment::{
    Figment, Metadata, Profile, Provider,
    error::{Actual, Kind},
    providers::{Format, Serialized, Toml},
    value::{Dict, Map, Value},
};

use super::{Config, ConfigError, Origins};

/// The file that is read from the current directory if no other is named.
const DEFAULT_FILE: &str = "widgetapp.toml";
const PREFIX: &str = "WIDGETAPP_";

/// Everything that settings are read from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--config FILE`; without it `widgetapp.toml` in the current directory, if it is there.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not begin with `WIDGETAPP_` are passed over.
    pub env: Vec<(String, String)>,
    /// Flags of the command line, the strongest source.
    pub flags: Vec<Flag>,
}

/// One flag of the command line that sets a key.
#[derive(Clone, Debug)]
pub struct Flag {
    /// As it was written, for messages: `--listen`.
    pub name: &'static str,
    /// What it sets: `server.listen`.
    pub key: &'static str,
    /// To what.
    pub value: Value,
}

impl Flag {
    /// A flag that sets `key` to `value`.
    pub fn new(name: &'static str, key: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        Self { name, key, value }
    }
}

impl Sources {
    /// The file named by `--config`, the process's environment, and these flags.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        let env =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { file, env: env.collect(), flags }
    }

    /// What there is to read, in the order in which it counts, the strongest last.
    pub fn names(&self) -> Vec<String> {
        let path = self.file.clone().unwrap_or_else(|| DEFAULT_FILE.into());
        let file = path.exists().then(|| display(&path));
        let env = self.env.iter().map(|(name, _)| name).filter(|name| name.starts_with(PREFIX)).cloned();
        file.into_iter().chain(env).chain(self.flags.iter().map(|flag| flag.name.to_owned())).collect()
    }

    pub(super) fn read(&self) -> Result<(Config, Origins), ConfigError> {
        let mut all = Figment::from(Serialized::defaults(Config::default()));
        let mut origins = Origins::default();
        if let Some((path, text)) = self.file_text()? {
            let source_name = format!("configuration file {}", path.display());
            all = layer(all, &source_name, &Toml::string(&text), &mut origins)?;
        }
        for (name, value) in &self.env {
            let Some(key) = name.strip_prefix(PREFIX) else { continue };
            let source_name = format!("environment variable {name}");
            if !key.contains("__") {
                let problem =
                    format!("unknown; a setting is written {PREFIX}SECTION__KEY, with two underscores between");
                return Err(ConfigError::Source { source_name, problem });
            }
            let value = value.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
            let setting = OneKey::new(&key.to_lowercase().replace("__", "."), value);
            all = layer(all, &source_name, &setting, &mut origins)?;
        }
        for flag in &self.flags {
            let setting = OneKey::new(flag.key, flag.value.clone());
            all = layer(all, &format!("flag {}", flag.name), &setting, &mut origins)?;
        }
        all.extract()
            .map(|config| (config, origins))
            .map_err(|error| ConfigError::Source { source_name: "configuration".into(), problem: describe(&error) })
    }

    fn file_text(&self) -> Result<Option<(PathBuf, String)>, ConfigError> {
        let path = self.file.clone().unwrap_or_else(|| DEFAULT_FILE.into());
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some((path, text))),
            Err(error) if self.file.is_none() && error.kind() == ErrorKind::NotFound => Ok(None),
            Err(reason) => Err(ConfigError::Unreadable { path: display(&path), reason }),
        }
    }
}

/// Puts one more source over the others. It is tried alone first, so that an error names the
/// source that is to blame and not the one that was merged last. What it sets is noted as its own.
fn layer(
    below: Figment,
    source_name: &str,
    provider: &impl Provider,
    origins: &mut Origins,
) -> Result<Figment, ConfigError> {
    let alone = Figment::from(Serialized::defaults(Config::default())).merge(provider);
    alone
        .extract::<Config>()
        .map_err(|error| ConfigError::Source { source_name: source_name.into(), problem: describe(&error) })?;
    for (_, set) in provider.data().ok().into_iter().flatten() {
        origins.note("", &Value::from(set), source_name);
    }
    Ok(below.merge(provider))
}

fn describe(error: &figment::Error) -> String {
    let mut path = error.path.join(".");
    if let Kind::UnknownField(name, expected) = &error.kind {
        if !path.ends_with(name.as_str()) {
            path = [path, name.clone()].iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(".");
        }
        return format!("unknown key {path}; there are: {}", expected.join(", "));
    }
    let problem = match &error.kind {
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("found {}, expected {}", in_words(found), kind_of_value(expected))
        }
        Kind::UnknownVariant(found, known) => format!("found {found:?}, expected one of: {}", known.join(", ")),
        kind => kind.to_string(),
    };
    let problem = problem.replace('\n', " ");
    if path.is_empty() { problem } else { format!("{path}: {problem}") }
}

/// A value as people write it.
fn in_words(value: &Actual) -> String {
    match value {
        Actual::Bool(value) => value.to_string(),
        Actual::Unsigned(value) => value.to_string(),
        Actual::Signed(value) => value.to_string(),
        Actual::Float(value) => value.to_string(),
        Actual::Str(value) => format!("{value:?}"),
        Actual::Seq => "a list".into(),
        Actual::Map => "a table".into(),
        other => other.to_string(),
    }
}

/// What Rust and serde call a kind of value, in words.
fn kind_of_value(expected: &str) -> String {
    let bits = match expected {
        "usize" => Some(usize::BITS),
        _ => expected.strip_prefix('u').and_then(|bits| bits.parse().ok()),
    };
    match (bits, expected) {
        (Some(bits @ 1..64), _) => format!("a whole number from 0 to {}", (1_u64 << bits) - 1),
        (Some(_), _) => "a whole number from 0 on".into(),
        (None, "a boolean") => "true or false".into(),
        (None, "a string" | "path string") => "a text".into(),
        (None, other) => other.into(),
    }
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

/// A source with a single key.
#[derive(Clone)]
struct OneKey(Dict);

impl OneKey {
    fn new(key: &str, value: Value) -> Self {
        let nest = |value: Value, part: &str| Value::from(Dict::from([(part.to_owned(), value)]));
        let nested = key.rsplit('.').fold(value, nest);
        Self(nested.into_dict().expect("the fold ran at least once and made a dictionary"))
    }
}

impl Provider for OneKey {
    fn metadata(&self) -> Metadata {
        Metadata::named("setting")
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Map::from([(Profile::Default, self.0.clone())]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Sources {
        Sources { env: pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect(), ..Sources::default() }
    }

    fn file(text: &str) -> (tempfile::TempDir, Sources) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("my.toml");
        std::fs::write(&path, text).unwrap();
        let sources = Sources { file: Some(path), ..Sources::default() };
        (dir, sources)
    }

    fn refusal(sources: &Sources) -> String {
        Config::load(sources).unwrap_err().to_string()
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        book::claims!("settings-order", 2);
        let (_dir, mut sources) =
            file("[sfe]\nmin_instances = 2\nstreams_per_instance = 2\n[server]\ndata = \"from-file\"");
        sources.env =
            env(&[("WIDGETAPP_SFE__MIN_INSTANCES", "3"), ("WIDGETAPP_SERVER__DATA", "from-env"), ("HOME", "/")]).env;
        sources.flags = vec![Flag::new("--data", "server.data", "from-flag")];
        let config = Config::load(&sources).unwrap();
        assert_eq!(config.server.data, PathBuf::from("from-flag"));
        assert_eq!((config.sfe.min_instances, config.sfe.streams_per_instance), (3, 2));
    }

    #[test]
    fn one_address_may_stand_for_a_list() {
        let config = Config::load(&env(&[("WIDGETAPP_SERVER__LISTEN", "127.0.0.1:0")])).unwrap();
        assert_eq!(config.server.listen, ["127.0.0.1:0"]);
        let config = Config::load(&env(&[("WIDGETAPP_SERVER__LISTEN", "[\"127.0.0.1:1\", \"[::1]:2\"]")])).unwrap();
        assert_eq!(config.server.addresses().unwrap().len(), 2);
    }

    #[test]
    fn an_unknown_key_is_named_together_with_its_source() {
        book::claims!("settings-wrong", 1);
        let (_dir, sources) = file("[server]\nlisten_on = \"x\"\n");
        let text = refusal(&sources);
        assert!(text.contains("my.toml") && text.contains("server.listen_on"), "{text}");
        let text = refusal(&env(&[("WIDGETAPP_SERVER__LISTN", "127.0.0.1:1")]));
        assert!(text.contains("WIDGETAPP_SERVER__LISTN") && text.contains("server.listn"), "{text}");
        let text = refusal(&env(&[("WIDGETAPP_SERVR__LISTEN", "127.0.0.1:1")]));
        assert!(text.contains("unknown key servr"), "{text}");
        let text = refusal(&env(&[("WIDGETAPP_LISTEN", "127.0.0.1:1")]));
        assert!(text.contains("SECTION__KEY"), "{text}");
    }

    #[test]
    fn a_wrong_type_is_named_together_with_its_source_on_one_line() {
        let (_dir, sources) = file("[sfe]\nmin_instances = \"many\"\n");
        let text = refusal(&sources);
        assert!(text.contains("my.toml") && text.contains("sfe.min_instances") && !text.contains('\n'), "{text}");
        let text = refusal(&env(&[("WIDGETAPP_SFE__MIN_INSTANCES", "-1")]));
        assert!(text.contains("WIDGETAPP_SFE__MIN_INSTANCES") && text.contains("sfe.min_instances"), "{text}");
        let (_dir, sources) = file("[sfe\n");
        assert!(!refusal(&sources).contains('\n'));
    }

    #[test]
    fn what_was_expected_is_said_without_names_of_types() {
        for (name, value, told) in [
            (
                "SFE__MIN_INSTANCES",
                "many",
                "sfe.min_instances: found \"many\", expected a whole number from 0 to 65535",
            ),
            ("SFE__MIN_INSTANCES", "70000", "sfe.min_instances: found 70000, expected a whole number from 0 to 65535"),
            ("STREAM__PING_MS", "-1", "stream.ping_ms: found -1, expected a whole number from 0 on"),
            ("HTTP__MAX_BODY_BYTES", "1.5", "http.max_body_bytes: found 1.5, expected a whole number from 0 on"),
            ("SERVER__DEMO", "no", "server.demo: found \"no\", expected true or false"),
            ("SERVER__DATA", "[1]", "server.data: found a list, expected a text"),
            ("SERVER__PUBLIC_URL", "5", "server.public_url: found 5, expected a text"),
            ("LOGGING__FORMAT", "xml", "logging.format: found \"xml\", expected one of: text, json"),
        ] {
            let name = format!("{PREFIX}{name}");
            assert_eq!(refusal(&env(&[(&name, value)])), format!("environment variable {name}: {told}"));
        }
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        book::claims!("settings-wrong", 1);
        for (name, value, key) in [
            ("WIDGETAPP_SFE__MIN_INSTANCES", "0", "sfe.min_instances"),
            ("WIDGETAPP_SFE__MAX_INSTANCES", "0", "sfe.max_instances"),
            ("WIDGETAPP_STREAM__MAX_THINGS", "0", "stream.max_things"),
            ("WIDGETAPP_SERVER__TLS_CERT", "a.pem", "server.tls_cert"),
            ("WIDGETAPP_SERVER__LISTEN", "localhost", "server.listen"),
            ("WIDGETAPP_SERVER__PUBLIC_URL", "https://a.example/x", "server.public_url"),
            ("WIDGETAPP_OAUTH__ACCESS_TOKEN_SECONDS", "0", "oauth.access_token_seconds"),
            ("WIDGETAPP_HTTP__GUIDES", "/nowhere", "http.guides: there is no folder /nowhere"),
        ] {
            let text = refusal(&env(&[(name, value)]));
            assert!(text.starts_with(key), "{text}");
        }
        let crossed = [("WIDGETAPP_SFE__MIN_INSTANCES", "3"), ("WIDGETAPP_SFE__MAX_INSTANCES", "2")];
        assert!(refusal(&env(&crossed)).starts_with("sfe.min_instances"));
        let echo = [("WIDGETAPP_SERVER__ECHO", "true"), ("WIDGETAPP_SERVER__LISTEN", "0.0.0.0:1")];
        assert!(refusal(&env(&echo)).starts_with("server.echo"));
    }

    #[test]
    fn a_named_file_that_is_absent_is_an_error() {
        let mut sources = env(&[]);
        assert_eq!(Config::load(&sources).unwrap(), Config::default());
        sources.file = Some("/nowhere/widgetapp.toml".into());
        assert!(refusal(&sources).contains("/nowhere/widgetapp.toml"));
    }

    #[test]
    fn settings_travel_to_child_processes_as_json() {
        let text = serde_json::to_string(&Config::default()).unwrap();
        assert_eq!(serde_json::from_str::<Config>(&text).unwrap(), Config::default());
    }
}
