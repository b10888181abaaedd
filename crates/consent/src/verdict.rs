//! The question and its answer.

use std::sync::Arc;

use kernel::{
    CanonicalError, Channel, Digest, Epoch, Epochs, Instant, Known, NodeId, PersonAt, PurposeRef,
    Reason, Why,
};
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    Basis, EventRef, FrequencyLimit, Jurisdiction, Label, Signals, artifacts::REGIMES_MAX, reason,
};

/// May we do this, to this person, for this purpose, over this channel, now?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// For what.
    pub purpose: PurposeRef,
    /// Over which channel; none where nobody is contacted.
    pub channel: Option<Channel>,
    /// To which contact point; none where any will do.
    pub address: Option<NodeId>,
    /// About which topic, where the message has one.
    pub topic: Option<Label>,
    /// Where it is done: one more candidate besides where the person lives.
    pub jurisdiction: Option<Jurisdiction>,
    /// What kinds of data would be used.
    pub bundle: Known<BundleFacts>,
    /// What the browser or app sends with the question; not applicable where none takes part, or
    /// where it was recorded before.
    pub signals: Known<Signals>,
    /// The identity epoch the asker resolved the person at.
    pub identity: Epoch,
    /// The oldest state of the person's choices the asker accepts.
    pub person_min: Epoch,
    /// Why it may be done although processing is restricted, where it is for that.
    pub exception: Option<Exception>,
}

impl Ask {
    /// A question about a purpose alone: no channel, and data and signals unknown, which refuse
    /// until told.
    pub fn about(purpose: PurposeRef, person: &PersonAt) -> Self {
        Self {
            purpose,
            channel: None,
            address: None,
            topic: None,
            jurisdiction: None,
            bundle: Known::Unknown(Why::Missing),
            signals: Known::Unknown(Why::Missing),
            identity: person.identity,
            person_min: Epoch(0),
            exception: None,
        }
    }
}

/// What restricted data may still be used for (Art. 18(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionGround {
    /// Establishing, exercising or defending a legal claim.
    LegalClaims,
    /// Protecting the rights of another person.
    RightsOfAnother,
    /// An important public interest of the Union or a member state.
    PublicInterest,
}

/// An exception to a restriction, with where it is documented; the verdict repeats it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Which.
    pub ground: ExceptionGround,
    /// Where it is documented.
    pub evidence: Label,
}

/// What consent must know about the data that would be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct BundleFacts {
    /// Whether it holds or reveals special categories (Art. 9), inferred ones included.
    pub special: bool,
    /// Whether it holds data on offences (Art. 10).
    pub criminal: bool,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Yes, until the verdict is no longer good.
    Permitted,
    /// Not now; ask again then.
    Held {
        /// When to ask again.
        until: Instant,
    },
    /// No.
    Refused,
}

/// A basis that holds in one regime, with its evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ground {
    /// The regime.
    pub jurisdiction: Jurisdiction,
    /// The basis.
    pub basis: Basis,
    /// The event it rests on, where it rests on one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EventRef>,
}

/// The ground in every candidate regime; kept in place, so that permitting allocates nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grounds([Option<Ground>; REGIMES_MAX]);

impl Grounds {
    /// The grounds, in order of jurisdiction.
    pub fn iter(&self) -> impl Iterator<Item = &Ground> {
        self.0.iter().flatten()
    }

    /// The ground of the first candidate regime.
    pub fn first(&self) -> Option<&Ground> {
        self.iter().next()
    }

    /// Adds a ground; past [`REGIMES_MAX`] it says no.
    pub(crate) fn push(&mut self, ground: Ground) -> bool {
        self.0.iter_mut().find(|it| it.is_none()).is_some_and(|free| {
            *free = Some(ground);
            true
        })
    }
}

impl Serialize for Grounds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// What a permitted message must also do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Obligations {
    /// Carry a one-click unsubscribe (RFC 8058).
    pub one_click_unsubscribe: bool,
    /// Offer a person who looks at it (Art. 22(3)).
    pub human_review: bool,
    /// Keep each of these limits.
    pub limits: Arc<[FrequencyLimit]>,
}

/// The answer, with everything it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Yes, not now, or no.
    pub outcome: Outcome,
    /// Every reason against, in gate order; empty exactly when permitted.
    pub reasons: Vec<Reason>,
    /// The basis and evidence per candidate regime, where one holds.
    pub grounds: Grounds,
    /// What a permitted message must also do.
    pub obligations: Obligations,
    /// The exception to a restriction that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<Exception>,
    /// What must not have moved when it is acted on.
    pub epochs: Epochs,
    /// The registry it used.
    pub artifacts: Digest,
    /// The snapshot it used.
    pub snapshot: Digest,
    /// The instant it was made for.
    pub as_of: Instant,
    /// Until when the same epochs give the same outcome.
    pub good_until: Instant,
}

impl Verdict {
    /// The reason shown first.
    pub fn first_reason(&self) -> Option<&Reason> {
        self.reasons.first()
    }

    /// Whether it permits.
    pub const fn is_permitted(&self) -> bool {
        matches!(self.outcome, Outcome::Permitted)
    }

    /// The digest a stamp names it by.
    pub fn digest(&self) -> Result<Digest, CanonicalError> {
        Digest::of_canonical(self)
    }

    /// The same verdict under a policy epoch.
    #[must_use]
    pub const fn under(mut self, policy: Epoch) -> Self {
        self.epochs.policy = policy;
        self
    }

    /// The refusal to give where the person's choices or the registry could not be read.
    pub fn unreadable(identity: Epoch, as_of: Instant) -> Self {
        let none = Digest::from_bytes([0; 32]);
        Self {
            outcome: Outcome::Refused,
            reasons: vec![reason::FR_NO_SNAPSHOT],
            grounds: Grounds::default(),
            obligations: Obligations::default(),
            exception: None,
            epochs: Epochs { identity, ..Epochs::default() },
            artifacts: none,
            snapshot: none,
            as_of,
            good_until: as_of,
        }
    }
}
