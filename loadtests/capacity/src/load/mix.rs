//! Who takes part in a load test, and how many of each.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Stays on a Thing and edits it.
    Editor,
    /// Stays on a Thing and looks on.
    Viewer,
    /// Looks on, goes away again and again, and resumes where it was.
    Reconnector,
    /// Reads the feed and searches, over `_ajax`.
    Browser,
    /// Uses the API of release 1.0.
    Legacy,
    /// Logs in, opens a Thing and leaves, again and again.
    Newcomer,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Editor, Self::Viewer, Self::Reconnector, Self::Browser, Self::Legacy, Self::Newcomer];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Editor => "editor",
            Self::Viewer => "viewer",
            Self::Reconnector => "reconnector",
            Self::Browser => "browser",
            Self::Legacy => "legacy",
            Self::Newcomer => "newcomer",
        }
    }

    /// Whether it has a place on a Thing as long as the load lasts.
    pub fn stays(self) -> bool {
        matches!(self, Self::Editor | Self::Viewer | Self::Reconnector)
    }
}

/// Roles and their weights, as `editor=1,viewer=4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix(Vec<(Role, u32)>);

/// A text that is no [`Mix`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MixError {
    /// A part has no weight.
    #[error("`{0}` has no weight: write for instance `editor=1,viewer=4`")]
    NoWeight(String),
    /// Nobody does this.
    #[error("`{0}` does not take part: there are {known}", known = Role::ALL.map(Role::name).join(", "))]
    Role(String),
    /// The weight is no weight.
    #[error("`{0}` is no weight: use whole numbers up to {MAX_WEIGHT}")]
    Weight(String),
    /// Nothing would be measured.
    #[error("without an editor and somebody who hears it nothing is measured: write for instance `editor=1,viewer=4`")]
    NoEditor,
}

const MAX_WEIGHT: u32 = 1_000;

impl Mix {
    /// Who takes part, with weights above 0.
    pub fn roles(&self) -> &[(Role, u32)] {
        &self.0
    }

    /// How many of so many clients have this role, as near as can be.
    pub fn count(&self, role: Role, clients: u32) -> u32 {
        let weight = |wanted| self.0.iter().find(|(role, _)| *role == wanted).map_or(0, |(_, weight)| *weight);
        let total: u32 = self.0.iter().map(|(_, weight)| weight).sum();
        (f64::from(clients) * f64::from(weight(role)) / f64::from(total)).round() as u32
    }

    /// The share of editors among those who stay on Things.
    pub fn editors(&self) -> f64 {
        let sum = |which: &dyn Fn(Role) -> bool| {
            let such = self.0.iter().filter(|(role, _)| which(*role));
            such.map(|(_, weight)| f64::from(*weight)).sum::<f64>()
        };
        sum(&|role| role == Role::Editor) / sum(&Role::stays)
    }

    /// Whether all of them have a place on a Thing.
    pub fn all_stay(&self) -> bool {
        self.0.iter().all(|(role, _)| role.stays())
    }
}

impl FromStr for Mix {
    type Err = MixError;

    fn from_str(text: &str) -> Result<Self, MixError> {
        let mut roles: Vec<(Role, u32)> = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (name, weight) = part.split_once('=').ok_or_else(|| MixError::NoWeight(part.into()))?;
            let role = Role::ALL.into_iter().find(|role| role.name() == name.trim());
            let role = role.ok_or_else(|| MixError::Role(name.trim().into()))?;
            let number: Option<u32> = weight.trim().parse().ok().filter(|weight| *weight <= MAX_WEIGHT);
            let weight = number.ok_or_else(|| MixError::Weight(weight.trim().into()))?;
            roles.retain(|(known, _)| *known != role);
            roles.push((role, weight));
        }
        roles.retain(|(_, weight)| *weight > 0);
        roles.sort_unstable();
        if !roles.iter().any(|(role, _)| *role == Role::Editor) {
            return Err(MixError::NoEditor);
        }
        Ok(Self(roles))
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|(role, weight)| format!("{}={weight}", role.name())).collect();
        f.write_str(&parts.join(","))
    }
}

impl Serialize for Mix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_weights_are_read_and_written() {
        let mix: Mix = "viewer=4, editor=1,legacy=0".parse().unwrap();
        assert_eq!(mix.to_string(), "editor=1,viewer=4");
        assert_eq!((mix.count(Role::Editor, 500), mix.count(Role::Viewer, 500)), (100, 400));
        assert!((mix.editors() - 0.2).abs() < 1e-9 && mix.all_stay());
        let mixed: Mix = "editor=1,viewer=1,browser=2".parse().unwrap();
        assert!((mixed.editors() - 0.5).abs() < 1e-9 && !mixed.all_stay());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, what) in [
            ("editor", "`editor` has no weight"),
            ("painter=1", "`painter` does not take part: there are editor, viewer, reconnector"),
            ("editor=-1", "`-1` is no weight"),
            ("viewer=4", "without an editor"),
        ] {
            let error = text.parse::<Mix>().unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
