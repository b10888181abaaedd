//! A person as resolved at one moment, and what must not have moved since.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{NodeId, SubjectId};

/// A counter that only rises.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The next epoch.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The three counters a verdict and an attempt carry; the gate compares them for equality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Epochs {
    /// Membership of the person.
    pub identity: Epoch,
    /// Choices: the sum of the consent epochs of the person's nodes.
    pub person: Epoch,
    /// The tenant's released consent artifacts.
    pub policy: Epoch,
}

/// A person as resolved at one identity epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonAt {
    /// The head: the founder node's UUID.
    pub subject: SubjectId,
    /// Every node of the person, ascending.
    pub nodes: Vec<NodeId>,
    /// The identity epoch at which this held.
    pub identity: Epoch,
}

/// HMAC-SHA-256 under the person's subject key of what a decision occasion is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OccurrenceKey(pub [u8; 32]);

impl fmt::Display for OccurrenceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::canonical::write_hex(&self.0, f)
    }
}

impl fmt::Debug for OccurrenceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an occurrence key")]
pub struct OccurrenceKeyError;

impl FromStr for OccurrenceKey {
    type Err = OccurrenceKeyError;

    fn from_str(text: &str) -> Result<Self, OccurrenceKeyError> {
        crate::canonical::hex32(text).map(Self).ok_or(OccurrenceKeyError)
    }
}

impl Serialize for OccurrenceKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OccurrenceKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
