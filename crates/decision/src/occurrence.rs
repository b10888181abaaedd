//! Occasions to decide: one per person, journey node, business object and label.

use std::{fmt, sync::Arc};

use chrono::NaiveDate;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{DecisionId, Digest, Instant, JourneyNode, OccurrenceKey, SubjectId, TenantId};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// How often one occurrence may be decided again.
pub const REDECIDE_MAX: u8 = 8;

/// A business object a journey instance is about (`policy`, `P-1001`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// Its id in its home system.
    pub id: Arc<str>,
    /// The kind, as nodes and schemas name it.
    pub kind: Arc<str>,
}

impl ObjectRef {
    /// The object of this kind and id.
    pub fn new(kind: &str, id: &str) -> Self {
        Self { id: id.into(), kind: kind.into() }
    }
}

/// The key that names a person's occurrences; destroying it makes them unguessable.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectKey([u8; 32]);

impl SubjectKey {
    /// The key with these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The name of an occasion: HMAC-SHA-256 over its length-prefixed parts.
    pub fn occurrence(&self, tenant: &TenantId, occasion: &Occasion) -> OccurrenceKey {
        // HMAC pads a short key with zeros to the block of its hash.
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(self.0) {
            *to = from;
        }
        let mut mac = Hmac::<Sha256>::new(&block.into());
        let object = occasion.object.as_ref();
        let origin = occasion.origin.uuid();
        let parts = [
            tenant.as_str().as_bytes(),
            origin.as_bytes(),
            occasion.node.as_str().as_bytes(),
            object.map_or(b"", |it| it.kind.as_bytes()),
            object.map_or(b"", |it| it.id.as_bytes()),
            occasion.label.as_bytes(),
        ];
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        OccurrenceKey(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectKey(..)")
    }
}

/// What an occurrence is about, in plain words; lives in the timetable only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Occasion {
    /// The node that may act.
    pub node: JourneyNode,
    /// The person for whom it was first armed; a merge does not change it.
    pub origin: SubjectId,
    /// The business object, unless the node is about the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// Offset and anchor value, episode, event or request: what makes it this occasion.
    pub label: Arc<str>,
    /// The offset alone (`P7D`); empty where the trigger has none.
    pub offset: Arc<str>,
    /// The anchor's local date when it was armed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<NaiveDate>,
}

/// Where an occurrence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waiting for its instant.
    Armed,
    /// A worker holds it until its lease ends.
    Claimed,
    /// Decided: an action.
    Act,
    /// Decided: nothing.
    None,
    /// Decided: an action withheld by a holdout.
    Holdout,
    /// Something happened that made it pointless.
    Cancelled,
    /// Its instant passed too long ago.
    Missed,
    /// Its node or its chances ran out.
    Expired,
}

impl State {
    /// Every state, in order.
    pub const ALL: [Self; 8] = [
        Self::Armed,
        Self::Claimed,
        Self::Act,
        Self::None,
        Self::Holdout,
        Self::Cancelled,
        Self::Missed,
        Self::Expired,
    ];

    /// The name kept in rows and bodies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Claimed => "claimed",
            Self::Act => "act",
            Self::None => "none",
            Self::Holdout => "holdout",
            Self::Cancelled => "cancelled",
            Self::Missed => "missed",
            Self::Expired => "expired",
        }
    }

    /// The state of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// Whether something may still come of it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Armed | Self::Claimed)
    }

    /// Whether the law of occurrences allows this step.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Armed => !matches!(next, Self::Act | Self::None | Self::Holdout),
            Self::Claimed => true,
            Self::Act => matches!(next, Self::Armed),
            Self::None | Self::Holdout | Self::Cancelled | Self::Missed | Self::Expired => false,
        }
    }
}

/// One durable timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Its name everywhere outside the timetable.
    pub key: OccurrenceKey,
    /// Whose tenant.
    pub tenant: TenantId,
    /// The person it belongs to now.
    pub subject: SubjectId,
    /// What it is about.
    pub occasion: Occasion,
    /// When it is to be decided.
    pub due_at: Instant,
    /// Where it stands.
    pub state: State,
    /// The release under which it was armed.
    pub armed_under: Digest,
    /// How often it has been decided or put off.
    pub attempts: u8,
    /// Rises with every claim and cancellation; a settlement must name it.
    pub fence: u64,
    /// Until when a claim holds; meaningful while claimed.
    pub lease_until: Instant,
    /// The last decision about it.
    pub decision: Option<DecisionId>,
    /// When its state last changed.
    pub changed_at: Instant,
    /// The trace of what armed it (W3C `traceparent`).
    pub trace: Option<String>,
}

/// A step of one occurrence, valid only while its fence stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// Which occurrence.
    pub key: OccurrenceKey,
    /// The fence it must still have.
    pub fence: u64,
    /// What it becomes.
    pub state: State,
    /// When it is due next; meaningful when it becomes armed.
    pub due_at: Instant,
    /// The attempts it then counts.
    pub attempts: u8,
    /// The decision that settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionId>,
    /// When.
    pub at: Instant,
}

impl Settlement {
    /// The step of this occurrence to a state, counting no attempt.
    pub fn of(occurrence: &Occurrence, state: State, at: Instant) -> Self {
        Self {
            key: occurrence.key,
            fence: occurrence.fence,
            state,
            due_at: occurrence.due_at,
            attempts: occurrence.attempts,
            decision: occurrence.decision,
            at,
        }
    }

    /// The same step, due then.
    #[must_use]
    pub fn due(mut self, at: Instant) -> Self {
        self.due_at = at;
        self
    }

    /// The same step, made by a decision, counting one attempt.
    #[must_use]
    pub fn decided(mut self, decision: DecisionId) -> Self {
        self.decision = Some(decision);
        self.attempts = self.attempts.saturating_add(1);
        self
    }
}
