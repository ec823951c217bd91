//! The scopes of access tokens.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Open `/_stream`, and everything there that the user's roles allow.
    Stream,
    /// Read Things over HTTP.
    ThingsRead,
    /// Create, change and delete Things over HTTP.
    ThingsWrite,
}

impl Scope {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Stream, Self::ThingsRead, Self::ThingsWrite];

    /// The name in tokens and requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::ThingsRead => "things:read",
            Self::ThingsWrite => "things:write",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Stream => 1,
            Self::ThingsRead => 2,
            Self::ThingsWrite => 4,
        }
    }
}

/// A set of scopes. Written as names with spaces between, in the order of [`Scope::ALL`].
///
/// ```
/// use widgetapp::access::{Scope, Scopes};
/// let scopes = Scopes::parse("things:read stream").unwrap();
/// assert!(scopes.has(Scope::Stream) && !scopes.has(Scope::ThingsWrite));
/// assert_eq!(scopes.to_string(), "stream things:read");
/// assert!(Scopes::parse("admin").is_none());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes(u8);

impl Scopes {
    /// Every scope; what a login stands for.
    pub const ALL: Self = Self(7);

    /// The set of these.
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |bits, scope| bits | scope.bit()))
    }

    /// Reads names with spaces between. None if one of them is unknown.
    pub fn parse(names: &str) -> Option<Self> {
        names.split_ascii_whitespace().try_fold(Self::default(), |set, name| {
            let scope = Scope::ALL.iter().find(|scope| scope.name() == name)?;
            Some(Self(set.0 | scope.bit()))
        })
    }

    /// Whether the scope is in the set.
    pub fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether all of `others` are in the set.
    pub fn include(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// Those that are in both sets.
    pub fn within(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Those that are in either set.
    pub fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names.
    pub fn names(self) -> Vec<String> {
        self.iter().map(|scope| scope.name().into()).collect()
    }

    fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |&scope| self.has(scope))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(" "))
    }
}
