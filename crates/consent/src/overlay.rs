//! Laws of a jurisdiction on top of the basis, as reviewed data: what else must hold there.
//!
//! An overlay names where it applies, to which purposes and channels, and which of a closed list of
//! conditions it requires; each is a three-valued question of which only a known yes counts. Its
//! code carries the provision. Past its review it refuses: nobody vouches for it any more.

use kernel::{Instant, Reason};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{ChannelSet, Flag, Jurisdiction, Label, Purpose, reason};

/// The most overlays a tenant may register.
pub const OVERLAYS_MAX: usize = 64;

/// Something a law requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The person agreed: consent is the basis there, and holds.
    Consent,
    /// The person agreed in writing: an explicit grant with its proof, over the channel.
    WrittenConsent,
    /// The person has not ended it over the channel, in whatever way.
    NotRevoked,
    /// The person is known to be 16, or opted in: by a guardian below 13.
    SixteenOrOptedIn,
}

/// A law of a jurisdiction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Its name.
    pub id: Label,
    /// Where it applies, states and member states included.
    pub jurisdictions: Vec<Jurisdiction>,
    /// In force from.
    pub in_force_from: Instant,
    /// To purposes with any of these flags; to every purpose, if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// Over these channels; over any and none, if none is named.
    #[serde(default = "no_channel", skip_serializing_if = "is_none")]
    pub channels: ChannelSet,
    /// Only where special categories are used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub special_data: bool,
    /// What must hold, all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<Condition>,
    /// The hours in which it may be, where the person is; outside it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// What it says where it does not hold; one of the codes of this crate that begin with `JX.`.
    pub code: OverlayCode,
    /// Who reviewed it.
    pub reviewed_by: Label,
    /// When it must have been reviewed again.
    pub review_by: Instant,
}

/// Local hours of every day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The first minute, 0 to 1,438.
    pub from_minute: u16,
    /// The first minute after, later than the first and at most 1,439.
    pub to_minute: u16,
}

/// A code an overlay may say: known here, with its provision and its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
// Invariant: a code of `reason::ALL` in the area `JX`.
pub struct OverlayCode(Reason);

impl OverlayCode {
    /// The code of this name, if an overlay may say it.
    pub fn new(name: &str) -> Option<Self> {
        let known = reason::ALL.iter().find(|it| it.reason.code() == name)?;
        name.starts_with("JX.").then(|| Self(known.reason.clone()))
    }

    /// The code.
    pub const fn reason(&self) -> &Reason {
        &self.0
    }
}

impl Serialize for OverlayCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.code())
    }
}

impl<'de> Deserialize<'de> for OverlayCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&name).ok_or_else(|| de::Error::custom("not a code an overlay may say"))
    }
}

const fn no_channel() -> ChannelSet {
    ChannelSet::NONE
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_none(channels: &ChannelSet) -> bool {
    channels.is_empty()
}

impl Overlay {
    /// Whether it speaks of this purpose over this channel, whatever the jurisdiction.
    pub fn is_about(&self, purpose: &Purpose, channel: Option<kernel::Channel>) -> bool {
        let flagged = self.flags.is_empty() || self.flags.iter().any(|it| purpose.is(*it));
        let over = match channel {
            _ if self.channels.is_empty() => true,
            Some(it) => self.channels.contains(it),
            None => false,
        };
        flagged && over
    }

    /// Whether it applies in this jurisdiction.
    pub fn applies_in(&self, jurisdiction: Jurisdiction) -> bool {
        self.jurisdictions.iter().any(|it| jurisdiction.is_in(*it))
    }
}
