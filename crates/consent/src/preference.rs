//! Preferences narrow and never grant: how often, when not, which zone.

use std::fmt;

use chrono_tz::Tz;
use kernel::Period;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// In or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Wanted.
    In,
    /// Not wanted.
    Out,
}

/// At most so many contacts in a rolling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrequencyLimit {
    /// How many contacts.
    pub contacts_max: u32,
    /// In which window.
    pub window: Period,
}

/// Local minutes of every day in which the person wants quiet; past midnight where `to` is not
/// after `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// First quiet minute, 0 to 1,439.
    pub from_minute: u16,
    /// First minute that is not quiet any more, 1 to 1,439.
    pub to_minute: u16,
}

/// A time zone of the IANA database, written by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone(pub Tz);

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        name.parse().map(Self).map_err(|_| de::Error::custom("not an IANA time zone"))
    }
}
