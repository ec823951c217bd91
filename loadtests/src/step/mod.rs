//! One load that is held for a while: everybody connects, then edits are made and measured, then all that was sent has to
//! arrive, then everybody leaves.
//!
//! | module | what it is |
//! |---|---|
//! | `tally` | what the clients have seen |
//! | `attack` | the clients as users of goose |
//! | `conduct` | the order of events, and the figures |
//! | `stages` | how long the log takes |
//! | `display` | what is shown meanwhile |

pub mod attack;
pub mod conduct;
pub mod display;
pub mod stages;
pub mod tally;

use std::sync::Arc;

use capacity::load::{Load, StepPlan};
use tokio::sync::watch;

use self::tally::Tally;
use crate::{clients::writing::Style, server::accounts::Person};

/// Where a step is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phase {
    /// Everybody connects and waits.
    Gathering,
    /// Edits are made, as moments since this one, until the other. Nanoseconds of our clock.
    Editing {
        /// When it begins.
        from_nanos: u64,
        /// Edits that are due later are not made.
        until_nanos: u64,
    },
    /// What is under way arrives; no longer than this.
    Finishing {
        /// Who has not everything by then has lost it.
        until_nanos: u64,
    },
}

/// What all clients of a step know.
pub struct Scene {
    /// The server's address.
    pub url: String,
    /// What is done.
    pub plan: StepPlan,
    /// All that is to be done.
    pub load: Load,
    /// How edits are made.
    pub style: Style,
    /// Who they are: the client with a number is one of these.
    pub people: Vec<Person>,
    /// The Things that they share.
    pub things: Vec<String>,
    /// For the keys of edits: no two runs may use the same.
    pub run: u64,
    /// What they have seen.
    pub tally: Tally,
    /// Where the step is.
    pub phase: watch::Receiver<Phase>,
}

impl Scene {
    /// Who the client with this number is.
    pub fn person(&self, number: usize) -> &Person {
        &self.people[number % self.people.len()]
    }

    /// On which Thing it is.
    pub fn thing(&self, number: usize) -> usize {
        (number / self.plan.per_thing as usize) % self.things.len()
    }
}

/// Shared by all of them.
pub type Shared = Arc<Scene>;
