//! Contacts as entries, not counters: what caps count.

use kernel::{Channel, Class, DeliveryId, Instant, JourneyNode, NodeId};

/// Names a contact: the delivery's id, or the external message's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactId(pub String);

impl From<DeliveryId> for ContactId {
    fn from(id: DeliveryId) -> Self {
        Self(id.to_string())
    }
}

/// One contact, or a place reserved for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Names it; recorded once.
    pub id: ContactId,
    /// The node it was sent to: a merge adds up, a split takes apart.
    pub node: NodeId,
    /// When.
    pub at: Instant,
    /// Reserved or made.
    pub state: EntryState,
    /// The channel.
    pub channel: Channel,
    /// Its class.
    pub class: Class,
    /// The journey node, where it was ours.
    pub journey: Option<JourneyNode>,
}

/// Whether a contact was made or only has its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// An attempt is under way; it counts.
    Reserved,
    /// It was made, or may have been.
    Committed,
}
