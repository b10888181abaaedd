//! The vocabulary of the log: what a person said, and what was stated about a person.

use kernel::{Channel, Digest, Instant, NodeId, PurposeKey, PurposeRef, StaffId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Actor, ChannelSet, Choice, FrequencyLimit, Grant, Jurisdiction, Label, Practice, PurposeScope,
    Quiet, Zone,
};

/// The most restrictive events one grant can answer.
pub const ANSWERS_MAX: usize = 256;

/// An event as handed in; idempotent by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// Minted where the choice was captured.
    pub id: Uuid,
    /// The system that captured it.
    pub source: Label,
    /// The identifier at which it was captured.
    pub node: NodeId,
    /// What happened.
    pub kind: EventKind,
    /// When it happened, as the source says.
    pub event_time: Instant,
    /// Who acted.
    pub actor: Actor,
    /// The restrictive events in force that the form showed and this event answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Uuid>,
}

/// Which right to object (GDPR Art. 21(1), 21(2), 22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limb {
    /// To processing on public task or legitimate interests.
    #[serde(rename = "art21_1")]
    Art21_1,
    /// To direct marketing, absolutely.
    #[serde(rename = "art21_2")]
    Art21_2,
    /// To decisions based solely on automated processing.
    #[serde(rename = "art22")]
    Art22,
}

/// The ground of a restriction, Art. 18(1)(a) to (d).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestrictionGround {
    /// Accuracy is contested.
    A,
    /// Processing is unlawful and the person prefers restriction.
    B,
    /// The person needs the data for a legal claim.
    C,
    /// An objection is being verified.
    D,
}

/// Why nobody may be contacted there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionReason {
    /// A court or authority says so.
    Legal,
    /// The person has died.
    Deceased,
    /// The person complained.
    Complaint,
    /// A do-not-contact list.
    Dnc,
    /// The address does not exist.
    Bounce,
    /// The person must be protected.
    Vulnerable,
    /// Taken off a list; never blocks a service message.
    Unsubscribe,
}

/// What is suppressed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionScope {
    /// The whole person.
    Person,
    /// The contact point that this node is.
    Address,
    /// One channel.
    Channel(Channel),
    /// One list: a purpose and those under it.
    List(PurposeKey),
}

/// What is known about a person that permission depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Statement {
    /// A regime the person lives under; conflicting statements make several candidates.
    Jurisdiction {
        /// Which.
        jurisdiction: Jurisdiction,
    },
    /// The year of birth.
    BirthYear {
        /// Which.
        year: u16,
    },
    /// A contract with the person.
    Contract {
        /// Its type, as purposes name it (`policy`).
        of_type: Label,
        /// Which contract, where there are several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<Label>,
        /// Whether it is in force.
        active: bool,
        /// Until when the statement may be relied on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Instant>,
    },
    /// A danger to life, with its approver; relied on for at most 72 hours.
    Emergency {
        /// Where it is documented.
        reference: Label,
        /// Who approved it.
        approver: StaffId,
        /// Until when.
        until: Instant,
        /// Whether the approver found that no other basis would do (recital 46).
        #[serde(default)]
        last_resort: bool,
    },
    /// Steps towards a contract, at the person's request; relied on for at most 90 days.
    PreContract {
        /// The type of contract it would be.
        of_type: Label,
        /// Until when the request stands.
        until: Instant,
    },
    /// The person's time zone.
    TimeZone {
        /// Which.
        zone: Zone,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "members are named by their types")]
pub enum EventKind {
    /// Consent was asked for.
    Requested { purpose: PurposeRef },
    /// Consent was given.
    Given(Grant),
    /// An address was asked to confirm a grant; the token is known here by its digest alone.
    ConfirmationSent { grant: Uuid, token: Digest },
    /// The address that was asked confirmed the grant.
    Confirmed { grant: Uuid, token: Digest },
    /// A standing consent was confirmed again.
    Renewed(Grant),
    /// Consent was refused.
    Refused { scope: PurposeScope, channels: ChannelSet },
    /// Consent was withdrawn.
    Withdrawn { scope: PurposeScope, channels: ChannelSet },
    /// The person objected.
    Objected { scope: PurposeScope, limb: Limb },
    /// The person took an objection back: wholly, or for one exact purpose.
    ObjectionLifted { scope: PurposeScope, limb: Limb },
    /// The person opted out of a practice, by a signal or in words; an explicit grant that answers
    /// it takes exactly its purpose out.
    OptedOut { practice: Practice },
    /// Processing was restricted.
    Restricted { scope: PurposeScope, ground: RestrictionGround },
    /// A restriction ended, after the person was told (Art. 18(3)).
    RestrictionLifted { scope: PurposeScope, ground: RestrictionGround, informed_at: Instant },
    /// Contact was suppressed.
    Suppressed { scope: SuppressionScope, reason: SuppressionReason },
    /// A suppression was lifted by staff.
    SuppressionLifted { scope: SuppressionScope, reason: SuppressionReason, authority: StaffId },
    /// A channel is wanted or not, for a group of purposes.
    ChannelPref { channel: Channel, scope: PurposeScope, choice: Choice },
    /// A topic is wanted or not.
    TopicPref { topic: Label, choice: Choice },
    /// How often; nothing clears the limit.
    FrequencyPref {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<FrequencyLimit>,
    },
    /// When not; nothing clears it.
    QuietHours {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quiet: Option<Quiet>,
    },
    /// Nothing optional until then.
    Snoozed { until: Instant },
    /// Something permission depends on was stated.
    Stated(Statement),
}

impl EventKind {
    /// Whether the event can only take permission away; such an event is never rejected.
    pub const fn is_restrictive(&self) -> bool {
        match self {
            Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Objected { .. }
            | Self::OptedOut { .. }
            | Self::Restricted { .. }
            | Self::Suppressed { .. }
            | Self::Snoozed { .. } => true,
            Self::ChannelPref { choice, .. } | Self::TopicPref { choice, .. } => {
                matches!(choice, Choice::Out)
            }
            Self::FrequencyPref { limit } => limit.is_some(),
            Self::QuietHours { quiet } => quiet.is_some(),
            Self::Requested { .. }
            | Self::Given(_)
            | Self::ConfirmationSent { .. }
            | Self::Confirmed { .. }
            | Self::Renewed(_)
            | Self::ObjectionLifted { .. }
            | Self::RestrictionLifted { .. }
            | Self::SuppressionLifted { .. }
            | Self::Stated(_) => false,
        }
    }

    /// Whether the event counts as the later one among events of the same instant.
    pub const fn narrows(&self) -> bool {
        self.is_restrictive()
            || matches!(self, Self::Stated(Statement::Contract { active: false, .. }))
    }

    /// Whether sends already under way must be waited for before the event is acknowledged: also
    /// a statement may take a ground away.
    pub const fn settles(&self) -> bool {
        match self {
            Self::Stated(Statement::Contract { active: true, until: None, .. }) => false,
            Self::Stated(_) => true,
            _ => self.is_restrictive(),
        }
    }

    /// The purposes the event is about, where it is about purposes.
    pub fn scope(&self) -> Option<PurposeScope> {
        match self {
            Self::Requested { purpose } => Some(PurposeScope::Under(purpose.key.clone())),
            Self::Given(grant) | Self::Renewed(grant) => {
                Some(PurposeScope::Under(grant.purpose.key.clone()))
            }
            Self::Refused { scope, .. }
            | Self::Withdrawn { scope, .. }
            | Self::Objected { scope, .. }
            | Self::ObjectionLifted { scope, .. }
            | Self::Restricted { scope, .. }
            | Self::RestrictionLifted { scope, .. }
            | Self::ChannelPref { scope, .. } => Some(scope.clone()),
            _ => None,
        }
    }

    /// The name of the kind, as facts carry it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "requested",
            Self::Given(_) => "given",
            Self::ConfirmationSent { .. } => "confirmation_sent",
            Self::Confirmed { .. } => "confirmed",
            Self::Renewed(_) => "renewed",
            Self::Refused { .. } => "refused",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Objected { .. } => "objected",
            Self::ObjectionLifted { .. } => "objection_lifted",
            Self::OptedOut { .. } => "opted_out",
            Self::Restricted { .. } => "restricted",
            Self::RestrictionLifted { .. } => "restriction_lifted",
            Self::Suppressed { .. } => "suppressed",
            Self::SuppressionLifted { .. } => "suppression_lifted",
            Self::ChannelPref { .. } => "channel_pref",
            Self::TopicPref { .. } => "topic_pref",
            Self::FrequencyPref { .. } => "frequency_pref",
            Self::QuietHours { .. } => "quiet_hours",
            Self::Snoozed { .. } => "snoozed",
            Self::Stated(_) => "stated",
        }
    }
}
