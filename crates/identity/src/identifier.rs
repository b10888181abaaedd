//! What callers say: raw identifiers and the sightings that name them together.

use std::fmt;

use kernel::{EventId, Instant, NodeId, PersonAt, Reason, SystemId};

use crate::{assertion::Strength, node::NamespaceId};

/// An identifier as it came in; `Debug` never shows the value.
#[derive(Clone, PartialEq, Eq)]
pub struct Identifier {
    /// Which namespace it is of.
    pub namespace: NamespaceId,
    /// The value as written.
    pub value: String,
    /// Whether its source has proof that the value reaches or names the person.
    pub verified: bool,
}

impl Identifier {
    /// An identifier somebody stated.
    pub fn stated(namespace: &str, value: &str) -> Self {
        Self { namespace: NamespaceId::new(namespace), value: value.to_owned(), verified: false }
    }

    /// An identifier whose source has proof of it.
    pub fn verified(namespace: &str, value: &str) -> Self {
        Self { verified: true, ..Self::stated(namespace, value) }
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({}:.., verified: {})", self.namespace, self.verified)
    }
}

/// A value on its way into the vault; `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct RawValue(String);

impl RawValue {
    /// The value, from here on unseen.
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself, for sealing and for hand-off.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawValue(..)")
    }
}

/// One record or event that names identifiers together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The event, if it was one.
    pub event: Option<EventId>,
    /// Who says so.
    pub source: SystemId,
    /// How strongly.
    pub strength: Strength,
    /// When it was true.
    pub at: Instant,
    /// The identifiers, at most [`IDENTIFIERS_PER_EVENT_MAX`](crate::IDENTIFIERS_PER_EVENT_MAX).
    pub identifiers: Vec<Identifier>,
}

/// Whom a sighting is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The person; nobody where the sighting names nobody, or too many.
    pub person: Option<PersonAt>,
    /// Every usable identifier's node, in the order given.
    pub nodes: Vec<NodeId>,
    /// The node the event is kept at: the anchor of best priority, else the soft node of best.
    pub origin: Option<NodeId>,
    /// What was refused, and why nobody was named.
    pub reasons: Vec<Reason>,
}
