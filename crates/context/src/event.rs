//! One admitted event, and how its content is named.

use kernel::{Digest, EventId, Instant, PurposeKey, SystemId, TenantId};
use serde_json::Value;

use crate::{EventType, ObjectRef};

/// Where an event stands in the log; rises in commit order.
pub type Position = u64;

/// A name somebody gave the person in the event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    /// The namespace, as identity knows it.
    pub namespace: String,
    /// The value.
    pub value: String,
    /// Whether the source vouches that the person controls it.
    pub verified: bool,
}

/// One event of a system of record, as admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id here.
    pub id: EventId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The system that sent it.
    pub source: SystemId,
    /// Its id at the source.
    pub ce_id: String,
    /// Its type.
    pub kind: EventType,
    /// The schema it was valid under.
    pub schema: Digest,
    /// Who it is about, the subject first; empty for heartbeats.
    pub identifiers: Vec<Identifier>,
    /// The business object it is about.
    pub object: Option<ObjectRef>,
    /// When it happened.
    pub time: Instant,
    /// When it arrived here.
    pub received_at: Instant,
    /// After this no action may be planned because of it.
    pub expires_at: Option<Instant>,
    /// Whether it came later than its contract allows for triggers.
    pub late: bool,
    /// The purpose it was collected under.
    pub collected_under: PurposeKey,
    /// The trace it continues (W3C `traceparent`).
    pub trace: Option<String>,
    /// SHA-256 over its canonical form without what honest retries change.
    pub content: Digest,
    /// The data.
    pub data: Value,
}

/// How the source names an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    /// The system.
    pub source: SystemId,
    /// The id there.
    pub ce_id: String,
}

impl Event {
    /// How its source names it.
    pub fn key(&self) -> EventKey {
        EventKey { source: self.source.clone(), ce_id: self.ce_id.clone() }
    }
}

/// An event already admitted under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// How its source names it.
    pub key: EventKey,
    /// Its id here.
    pub event: EventId,
    /// Its content.
    pub content: Digest,
}
