use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name of a Thing: a random UUID, so that it cannot be guessed.
///
/// ```
/// use widgetapp::protocol::ThingId;
/// let id: ThingId = "67e55044-10b1-426f-9247-bb680e5fe0c8".parse().unwrap();
/// assert_eq!(id.to_string(), "67e55044-10b1-426f-9247-bb680e5fe0c8");
/// assert!("welcome".parse::<ThingId>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ThingId(pub Uuid);

impl fmt::Display for ThingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is not the id of any Thing.
#[derive(Debug, thiserror::Error)]
#[error("not the id of a Thing: an id looks like 67e55044-10b1-426f-9247-bb680e5fe0c8")]
pub struct NotAThingId;

impl FromStr for ThingId {
    type Err = NotAThingId;

    fn from_str(text: &str) -> Result<Self, NotAThingId> {
        Uuid::parse_str(text).map(Self).map_err(|_| NotAThingId)
    }
}
