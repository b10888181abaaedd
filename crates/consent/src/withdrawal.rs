//! Taking permission away, and the honest answer to whoever did.

use kernel::{Channel, DeliveryId, Epoch, Instant, PurposeKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ChannelSet, Choice, EventKind, EventRef, Label, Limb, PurposeScope};

/// What is withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WithdrawalScope {
    /// A purpose and every purpose under it.
    Purpose {
        /// Which.
        purpose: PurposeKey,
    },
    /// A purpose over one channel.
    PurposeChannel {
        /// Which.
        purpose: PurposeKey,
        /// Over which channel.
        channel: Channel,
    },
    /// A topic.
    Topic {
        /// Which.
        topic: Label,
    },
    /// All direct marketing, on whatever basis (Art. 21(2)).
    AllMarketing,
    /// Everything but what law or contract requires.
    Everything,
}

impl WithdrawalScope {
    /// The event the log keeps for it.
    pub fn event(&self) -> EventKind {
        match self {
            Self::Purpose { purpose } => EventKind::Withdrawn {
                scope: PurposeScope::Under(purpose.clone()),
                channels: ChannelSet::ALL,
            },
            Self::PurposeChannel { purpose, channel } => EventKind::Withdrawn {
                scope: PurposeScope::Under(purpose.clone()),
                channels: ChannelSet::of(&[*channel]),
            },
            Self::Topic { topic } => {
                EventKind::TopicPref { topic: topic.clone(), choice: Choice::Out }
            }
            Self::AllMarketing => {
                EventKind::Objected { scope: PurposeScope::All, limb: Limb::Art21_2 }
            }
            Self::Everything => {
                EventKind::Withdrawn { scope: PurposeScope::All, channels: ChannelSet::ALL }
            }
        }
    }
}

/// How far an accepted "no" has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing gated before it can still be handed off.
    Effective,
    /// Kept: no new send passes the gate, but one under way may not have ended.
    Recorded,
}

/// The answer to whoever took permission away; a repeat gets the same act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// How far it has come.
    pub effect: Effect,
    /// The sum of the epochs of the person's nodes after it.
    pub epoch: Epoch,
    /// What it is evidence of.
    pub certificate: Certificate,
}

/// What was kept, when, and what was under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The act: the idempotency key it came with.
    pub act: Uuid,
    /// When it was kept.
    pub recorded_at: Instant,
    /// When nothing could be handed off any more, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Instant>,
    /// The events it made, one per node of the person.
    pub events: Vec<EventRef>,
    /// The deliveries under way when it was kept, and whether their attempts have ended.
    pub in_flight: Vec<UnderWay>,
}

/// A delivery that was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnderWay {
    /// Which.
    pub delivery: DeliveryId,
    /// Whether its attempt has ended, or passed its deadline.
    pub ended: bool,
}
