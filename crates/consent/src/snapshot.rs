//! What a person's choices amount to: the folded log, small enough to read in a microsecond.

use std::sync::Arc;

use kernel::{CanonicalError, Channel, Digest, Epoch, Instant, NodeId, PurposeKey, SubjectId};
use serde::Serialize;

use crate::{
    ChannelSet, Choice, EventRef, Expression, FrequencyLimit, Jurisdiction, Label, Limb,
    NoticeShown, Practice, PurposeScope, Quiet, RestrictionGround, SuppressionReason,
    SuppressionScope, Zone,
};

/// The state of a person at two epochs; the policy epoch is added when it is judged. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The person.
    pub subject: SubjectId,
    /// The identity epoch of the nodes it was folded over.
    pub identity: Epoch,
    /// The sum of the epochs of those nodes.
    pub person: Epoch,
    /// When the log was read, or last known not to have moved since.
    pub read_at: Instant,
    /// What the log says.
    pub state: Arc<State>,
    /// SHA-256 over the canonical bytes of everything but the time of reading.
    pub digest: Digest,
}

#[derive(Serialize)]
struct Sealed<'a> {
    subject: SubjectId,
    identity: Epoch,
    person: Epoch,
    state: &'a State,
}

impl Snapshot {
    /// Seals a state with the digest of its contents.
    pub fn seal(
        subject: SubjectId,
        identity: Epoch,
        person: Epoch,
        read_at: Instant,
        state: State,
    ) -> Result<Self, CanonicalError> {
        let digest = Digest::of_canonical(&Sealed { subject, identity, person, state: &state })?;
        Ok(Self { subject, identity, person, read_at, state: Arc::new(state), digest })
    }

    /// The same snapshot, now known not to have moved until this instant: for a cache that can
    /// prove it, never for one that only remembers.
    #[must_use]
    pub fn confirmed_at(mut self, at: Instant) -> Self {
        self.read_at = self.read_at.max(at);
        self
    }
}

/// What the logs of a person's nodes amount to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct State {
    /// How many nodes the person has.
    pub nodes: u32,
    /// How many of their logs have a gap or an event that cannot be read.
    pub broken: u32,
    /// How many permissive events were illegal and count for nothing.
    pub ignored: u32,
    /// Grants that stand on some channel, by purpose, newest first.
    pub grants: Vec<StandingGrant>,
    /// Refusals and withdrawals.
    pub denials: Vec<Denial>,
    /// Objections.
    pub objections: Vec<Objection>,
    /// Practices the person opted out of.
    pub opt_outs: Vec<OptOut>,
    /// Restrictions in force.
    pub restrictions: Vec<Restriction>,
    /// Suppressions in force.
    pub suppressions: Vec<Suppression>,
    /// Ways to reach the person.
    pub contacts: Vec<Contact>,
    /// Candidate jurisdictions; none means unknown.
    pub jurisdictions: Vec<Jurisdiction>,
    /// The latest year of birth anyone stated; 0 means unknown.
    pub born: u16,
    /// Contracts, in force or ended.
    pub contracts: Vec<Contract>,
    /// Emergencies.
    pub emergencies: Vec<Emergency>,
    /// Candidate time zones; none means unknown.
    pub zones: Vec<Zone>,
    /// Channels the person does not want.
    pub unwanted: Vec<UnwantedChannel>,
    /// Topics the person chose, in or out.
    pub topics: Vec<TopicChoice>,
    /// How often, each to be kept.
    pub limits: Arc<[FrequencyLimit]>,
    /// When not.
    pub quiet: Vec<Quiet>,
    /// Until when optional messages are paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<Instant>,
}

impl State {
    /// The grants of exactly this purpose, newest first.
    pub fn grants_of(&self, key: &PurposeKey) -> &[StandingGrant] {
        let from = self.grants.partition_point(|it| it.key < *key);
        let rest = self.grants.get(from..).unwrap_or_default();
        let until = rest.partition_point(|it| it.key == *key);
        rest.get(..until).unwrap_or_default()
    }
}

/// A grant on the channels on which nothing defeats it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "members are named by their types")]
#[expect(clippy::struct_excessive_bools, reason = "what a grant has or lacks, each by itself")]
pub struct StandingGrant {
    pub key: PurposeKey,
    pub version: u32,
    pub given_at: Instant,
    pub place: EventRef,
    /// The channels left.
    pub channels: ChannelSet,
    pub expression: Expression,
    /// Whether a holder of parental responsibility gave it.
    pub by_guardian: bool,
    /// Whether the proof has every member it needs.
    pub proven: bool,
    /// Whether the address that was asked confirmed it.
    pub confirmed: bool,
    /// Whether a service was made to depend on it.
    pub conditional: bool,
    /// Whether somebody gave it who can: no signal does.
    pub competent: bool,
    #[serde(skip_serializing_if = "NoticeRef::is_none")]
    pub notice: NoticeRef,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// The notice a grant was given on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum NoticeRef {
    /// None is on record.
    None,
    /// This one.
    Shown {
        /// Its name.
        name: Label,
        /// Its version.
        version: u32,
    },
}

impl NoticeRef {
    const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether it is the other notice at the same version or a later one.
    pub fn is_as_new_as(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::None) => true,
            (Self::None, Self::Shown { .. }) => false,
            (Self::Shown { name, version }, Self::Shown { name: of, version: least }) => {
                name == of && version >= least
            }
        }
    }
}

impl From<Option<&NoticeShown>> for NoticeRef {
    fn from(shown: Option<&NoticeShown>) -> Self {
        shown.map_or(Self::None, |it| Self::Shown { name: it.name.clone(), version: it.version })
    }
}

/// A refusal or withdrawal, with the exact purposes a later act of the person took out of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "members are named by their types")]
pub struct Denial {
    pub scope: PurposeScope,
    pub channels: ChannelSet,
    /// Withdrawn rather than refused.
    pub withdrawn: bool,
    pub lifted_for: Vec<PurposeKey>,
    pub place: EventRef,
}

impl Denial {
    /// Whether it speaks against the purpose on the channel (on every channel, where none is asked).
    pub fn reaches(&self, key: &PurposeKey, channel: Option<Channel>) -> bool {
        self.scope.covers(key)
            && channel.map_or(self.channels == ChannelSet::ALL, |it| self.channels.contains(it))
            && !self.lifted_for.contains(key)
    }
}

/// An objection, with the exact purposes for which it was taken back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "members are named by their types")]
pub struct Objection {
    pub scope: PurposeScope,
    pub limb: Limb,
    pub lifted_for: Vec<PurposeKey>,
    pub place: EventRef,
}

/// An opt-out of a practice, with the exact purposes an explicit grant answered it for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "members are named by their types")]
pub struct OptOut {
    pub practice: Practice,
    /// Whether the Global Privacy Control said it.
    pub by_gpc: bool,
    pub lifted_for: Vec<PurposeKey>,
    pub place: EventRef,
}

/// A restriction of processing (Art. 18).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "members are named by their types")]
pub struct Restriction {
    pub scope: PurposeScope,
    pub ground: RestrictionGround,
    pub place: EventRef,
}

/// A suppression of contact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "members are named by their types")]
pub struct Suppression {
    pub scope: SuppressionScope,
    pub reason: SuppressionReason,
    pub place: EventRef,
}

/// A contact point of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "members are named by their types")]
pub struct Contact {
    pub channel: Channel,
    pub node: NodeId,
    pub verified: bool,
}

/// A contract with the person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "members are named by their types")]
pub struct Contract {
    pub of_type: Label,
    pub active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// Whether it is asked for and not yet made.
    pub pending: bool,
    pub place: EventRef,
}

/// A danger to life.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "members are named by their types")]
pub struct Emergency {
    pub until: Instant,
    /// Whether no other basis would do.
    pub last_resort: bool,
    pub place: EventRef,
}

/// A channel the person does not want for a group of purposes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "members are named by their types")]
pub struct UnwantedChannel {
    pub channel: Channel,
    pub scope: PurposeScope,
}

/// A topic the person chose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "members are named by their types")]
pub struct TopicChoice {
    pub topic: Label,
    pub choice: Choice,
}
