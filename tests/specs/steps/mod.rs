//! What the sentences of the features mean, by subject.

mod accounts;
mod actions;
mod admin;
mod applications;
mod authorisation;
mod browsers;
mod building;
mod capacity;
mod data;
mod disk;
mod documents;
mod editing;
mod editors;
mod events;
mod examples;
mod external_issuer;
mod front_ends;
pub mod guides;
mod history;
mod installing;
mod legacy;
mod limits;
mod load_test;
mod measuring;
mod opening;
mod organisation;
mod people;
mod presence;
mod processes;
mod proxy;
mod scaling;
mod server;
pub mod service;
mod sharing;
mod streams;
mod syncing;
mod tokens;
pub mod upgrading;
mod watching;

use std::{convert::Infallible, fmt, ops::Deref, str::FromStr};

use cucumber::Parameter;

/// One of the people of the demonstration.
#[derive(Debug, Parameter)]
#[param(name = "person", regex = "Ada|Grace|Linus|Mallory")]
struct Name(String);

/// `_wfe`, `_sfe` or `_stream`.
#[derive(Debug, Parameter)]
#[param(name = "kind", regex = "_wfe|_sfe|_stream")]
struct Kind(String);

macro_rules! word {
    ($kind:ident) => {
        impl FromStr for $kind {
            type Err = Infallible;

            fn from_str(word: &str) -> Result<Self, Infallible> {
                Ok(Self(word.to_owned()))
            }
        }

        impl Deref for $kind {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self)
            }
        }
    };
}

word!(Name);
word!(Kind);

/// `Ada`, `Ada and Grace`, `Ada, Grace and Linus`.
#[derive(Debug, Parameter)]
#[param(name = "people", regex = "(?:Ada|Grace|Linus|Mallory)(?:(?:, | and )(?:Ada|Grace|Linus|Mallory))*")]
struct People(Vec<String>);

impl FromStr for People {
    type Err = Infallible;

    fn from_str(names: &str) -> Result<Self, Infallible> {
        Ok(Self(names.split(", ").flat_map(|names| names.split(" and ")).map(str::to_owned).collect()))
    }
}
