//! The append-only log of a node: events sealed into a chain of digests.

use kernel::{CanonicalError, Digest, Epoch, Instant, NodeId, TenantId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{NewEvent, PurposeScope};

/// An event as kept: in its place in the node's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentEvent {
    /// Whose it is.
    pub tenant: TenantId,
    /// Dense per node, from 1.
    pub seq: u64,
    /// When it was kept.
    pub recorded_at: Instant,
    /// What was said, as it was handed in.
    pub said: NewEvent,
    /// The scope it counts for, where the purpose it named is unknown here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub widened: Option<PurposeScope>,
    /// The digest of the node's event before, absent on the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<Digest>,
    /// SHA-256 over the canonical bytes of everything else.
    pub digest: Digest,
}

#[derive(Serialize)]
struct Sealed<'a> {
    tenant: &'a TenantId,
    seq: u64,
    recorded_at: Instant,
    said: &'a NewEvent,
    #[serde(skip_serializing_if = "Option::is_none")]
    widened: Option<&'a PurposeScope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<Digest>,
}

impl ConsentEvent {
    /// Puts an event in its place in the node's chain.
    pub fn seal(
        tenant: &TenantId,
        seq: u64,
        recorded_at: Instant,
        said: NewEvent,
        widened: Option<PurposeScope>,
        prev: Option<Digest>,
    ) -> Result<Self, CanonicalError> {
        let sealed =
            Sealed { tenant, seq, recorded_at, said: &said, widened: widened.as_ref(), prev };
        let digest = Digest::of_canonical(&sealed)?;
        Ok(Self { tenant: tenant.clone(), seq, recorded_at, said, widened, prev, digest })
    }

    /// Whether the digest is that of the rest.
    pub fn is_intact(&self) -> bool {
        let sealed = Sealed {
            tenant: &self.tenant,
            seq: self.seq,
            recorded_at: self.recorded_at,
            said: &self.said,
            widened: self.widened.as_ref(),
            prev: self.prev,
        };
        Digest::of_canonical(&sealed).is_ok_and(|it| it == self.digest)
    }

    /// When it counts from: a source cannot date its events into the future.
    pub fn effective(&self) -> Instant {
        self.said.event_time.min(self.recorded_at)
    }

    /// Where it stands.
    pub fn place(&self) -> EventRef {
        EventRef { event: self.said.id, node: self.said.node, seq: self.seq }
    }
}

/// Where an event stands in the log: what a verdict names as its evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRef {
    /// The event.
    pub event: Uuid,
    /// Its node.
    pub node: NodeId,
    /// Its place in the node's log.
    pub seq: u64,
}

/// The log of one node, in order, with its epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLog {
    /// The node.
    pub node: NodeId,
    /// How many events its head counts; every event raises it by one.
    pub epoch: Epoch,
    /// The events that can be read, ascending by `seq`.
    pub events: Vec<ConsentEvent>,
}

impl NodeLog {
    /// The log of a node nobody has asked.
    pub const fn empty(node: NodeId) -> Self {
        Self { node, epoch: Epoch(0), events: Vec::new() }
    }

    /// The log as it stood at an instant: without what was kept later.
    #[must_use]
    pub fn as_it_stood(mut self, at: Instant) -> Self {
        if let Some(later) = self.events.iter().position(|it| it.recorded_at > at) {
            let missing = self.epoch.0.saturating_sub(self.events.len() as u64);
            self.events.truncate(later);
            self.epoch = Epoch(missing.saturating_add(later as u64));
        }
        self
    }

    /// Whether every event the head counts is there, in its place and linked to the one before.
    pub fn is_whole(&self) -> bool {
        let mut prev = None;
        let mut seq = 0;
        for event in &self.events {
            seq += 1;
            if event.seq != seq || event.prev != prev || event.said.node != self.node {
                return false;
            }
            prev = Some(event.digest);
        }
        seq == self.epoch.0
    }

    /// Whether the log is whole and every digest is that of its event.
    pub fn verifies(&self) -> bool {
        self.is_whole() && self.events.iter().all(ConsentEvent::is_intact)
    }

    /// The digest the next event links to.
    pub fn last(&self) -> Option<Digest> {
        self.events.last().map(|it| it.digest)
    }
}
