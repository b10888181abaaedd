//! What is asked of the system of record before a send, and what it answers.

use kernel::{
    Channel, Class, Digest, Epochs, Instant, NodeId, Period, PersonAt, PurposeRef, Reason,
};

/// May this message reach this person, now?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The person.
    pub person: PersonAt,
    /// The purpose at its version.
    pub purpose: PurposeRef,
    /// The channel.
    pub channel: Channel,
    /// Why the action exists.
    pub class: Class,
    /// The node of the address it would be sent to, where the channel has addresses.
    pub address: Option<NodeId>,
    /// What the message is made of.
    pub message: MessageFacts,
    /// The moment asked about.
    pub as_of: Instant,
}

/// What a template says about the messages made from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageFacts {
    /// Whether it promotes.
    pub promotional: bool,
    /// The fields it shows.
    pub fields: Vec<String>,
}

/// The answer, with everything the gate compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Permitted, held or refused.
    pub outcome: Outcome,
    /// Every reason, the first first.
    pub reasons: Vec<Reason>,
    /// The epochs it was made at.
    pub epochs: Epochs,
    /// The last instant at which it may be relied on is before this one.
    pub good_until: Instant,
    /// What a permitted message must carry.
    pub obligations: Vec<Obligation>,
    /// Names the verdict.
    pub digest: Digest,
}

/// What a verdict says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It may be sent, with its obligations.
    Permitted,
    /// Not before this instant.
    Held {
        /// When to ask again.
        until: Instant,
    },
    /// It may not be sent.
    Refused,
}

/// What a permitted message must carry or respect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obligation {
    /// A one-click unsubscribe (RFC 8058 in mail).
    Unsubscribe,
    /// Who sends it and where they can be reached.
    SenderIdentity,
    /// A person decides before it goes.
    HumanReview,
    /// At most this many contacts of its class in this span: one more cap.
    Frequency {
        /// The most contacts.
        limit: u32,
        /// The rolling span.
        window: Period,
    },
}
