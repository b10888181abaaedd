//! Taking permission away, and the honest answer to whoever did.

use kernel::{Channel, DeliveryId, Epoch, FactId, Instant, PurposeKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
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
    /// The facts it was told as: once they are in the log, each proves that it was kept. None in the
    /// answer to a repeat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<FactId>,
    /// The deliveries under way when it was kept, and whether their attempts have ended.
    pub in_flight: Vec<UnderWay>,
}

/// What a document of a certificate says it is.
pub const CERTIFICATE_SCHEMA: &str = "assent.withdrawal-certificate/1";

impl Certificate {
    /// The certificate as it is handed to the person, to be signed: what was taken away in words,
    /// when, what was under way, and nothing by which others could recognise them.
    pub fn document(&self, what: &str) -> Value {
        let events: Vec<_> = self.events.iter().map(|it| it.event.to_string()).collect();
        let mut document = json!({
            "schema": CERTIFICATE_SCHEMA,
            "act": self.act.to_string(),
            "what": what,
            "recorded_at": self.recorded_at,
            "events": events,
            "facts": self.facts,
            "in_flight": self.in_flight,
        });
        if let (Some(at), Some(members)) = (self.effective_at, document.as_object_mut()) {
            members.insert("effective_at".into(), json!(at));
        }
        document
    }
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
