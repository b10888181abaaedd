//! How far a choice reaches: purposes by prefix, channels as a set.

use std::fmt;

use kernel::{Channel, PurposeKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The purposes a denial covers: denials reach by prefix, also purposes that come later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurposeScope {
    /// Every purpose.
    All,
    /// This purpose and every purpose under it.
    Under(PurposeKey),
}

impl PurposeScope {
    /// Whether the purpose is covered.
    pub fn covers(&self, purpose: &PurposeKey) -> bool {
        match self {
            Self::All => true,
            Self::Under(ancestor) => purpose.is_or_under(ancestor),
        }
    }
}

impl fmt::Display for PurposeScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Under(key) => write!(f, "{key}"),
        }
    }
}

/// A set of contact channels; written as a list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelSet(u8);

const fn bit(channel: Channel) -> u8 {
    1 << channel as u8
}

impl ChannelSet {
    /// No channel.
    pub const NONE: Self = Self(0);
    /// Every channel of the closed list.
    pub const ALL: Self = {
        let mut bits = 0;
        let mut i = 0;
        while i < Channel::ALL.len() {
            bits |= 1 << i;
            i += 1;
        }
        Self(bits)
    };

    /// These channels.
    pub fn of(channels: &[Channel]) -> Self {
        Self(channels.iter().fold(0, |bits, it| bits | bit(*it)))
    }

    /// Whether the channel is in the set.
    pub const fn contains(self, channel: Channel) -> bool {
        self.0 & bit(channel) != 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every channel of the other set is in this one.
    pub const fn includes(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The channels of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The channels of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The channels of both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The channels, in the order of the closed list.
    pub fn iter(self) -> impl Iterator<Item = Channel> {
        Channel::ALL.iter().copied().filter(move |it| self.contains(*it))
    }
}

impl Serialize for ChannelSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ChannelSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<Channel>::deserialize(deserializer)?;
        let set = Self::of(&names);
        if names.len() == set.iter().count() {
            Ok(set)
        } else {
            Err(de::Error::custom("a channel is named twice"))
        }
    }
}
