//! What consent asks of others, in its own words.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use kernel::{
    Channel, Cursor, DeliveryId, Epoch, Fact, Fault, Instant, Limit, NodeId, Page, PersonAt,
    TenantId,
};
use uuid::Uuid;

use crate::{Artifacts, ConsentEvent, NodeLog, Snapshot};

/// One change of the log: kept together with its facts or not at all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transition {
    /// The epoch each node must still be at.
    pub expected: Vec<(NodeId, Epoch)>,
    /// The events, sealed; dense after the expected epoch of their node.
    pub events: Vec<ConsentEvent>,
    /// What happened, for everyone who listens.
    pub facts: Vec<Fact>,
}

/// Why a transition was not kept.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A node has moved on, or an id is taken: read again and retry.
    #[error("the log moved while events were appended")]
    Conflict,
    /// The log could not be reached.
    #[error("appending consent events")]
    Fault(#[from] Fault),
}

/// The log of choices, per node; the system of record.
#[async_trait]
pub trait Ledger: fmt::Debug + Send + Sync + 'static {
    /// Keeps a transition and raises each node's epoch to its last event. One without events only
    /// compares; whoever wraps the log and tells others still tells them of its nodes.
    async fn append(&self, tenant: &TenantId, transition: Transition) -> Result<(), AppendError>;
    /// The logs of these nodes, one each, ascending by node; a node nobody has asked is empty.
    async fn logs(&self, tenant: &TenantId, nodes: &[NodeId]) -> Result<Vec<NodeLog>, Fault>;
    /// The events of these ids that exist, ascending by id.
    async fn find(&self, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<ConsentEvent>, Fault>;
    /// The history of these nodes, newest first.
    async fn page(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<ConsentEvent>, Fault>;
}

/// Where snapshots come from: folded from the ledger, or from a cache that never lies.
#[async_trait]
pub trait SnapshotSource: fmt::Debug + Send + Sync + 'static {
    /// What the person's choices amount to.
    async fn snapshot(&self, tenant: &TenantId, person: &PersonAt) -> Result<Snapshot, Fault>;
}

/// One delivery whose attempt was under way when it had to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Straggler {
    /// Which.
    pub delivery: DeliveryId,
    /// Whether its attempt has ended, or passed its deadline.
    pub ended: bool,
}

/// What was under way when sends had to stop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// Every attempt gated before the change.
    pub in_flight: Vec<Straggler>,
}

impl Settled {
    /// Whether nothing gated before the change can still be handed off.
    pub fn is_complete(&self) -> bool {
        self.in_flight.iter().all(|it| it.ended)
    }
}

/// The sends under way.
#[async_trait]
pub trait InFlight: fmt::Debug + Send + Sync + 'static {
    /// Waits until every attempt for these nodes that was gated before this call has ended or
    /// passed its deadline, at the latest until the given instant.
    async fn settle(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        until: Instant,
    ) -> Result<Settled, Fault>;
}

/// How surely a node belongs to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// Deterministic: permissions travel.
    Hard,
    /// Likely or shared: only restrictions travel.
    Soft,
}

/// A way to reach the person, which is a node of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContactPoint {
    /// Over which channel.
    pub channel: Channel,
    /// Whether the person is known to receive there.
    pub verified: bool,
}

/// One node of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The node.
    pub node: NodeId,
    /// How surely it belongs.
    pub link: Link,
    /// What the person can be reached over, if it is an address or a device of theirs alone: one
    /// they share is nobody's.
    pub contacts: Vec<ContactPoint>,
}

/// Who a person consists of.
#[async_trait]
pub trait PersonSource: fmt::Debug + Send + Sync + 'static {
    /// The members of the person as resolved, ascending by node.
    async fn members(&self, tenant: &TenantId, person: &PersonAt) -> Result<Vec<Member>, Fault>;
}

/// The live consent artifacts of a tenant.
#[async_trait]
pub trait ArtifactSource: fmt::Debug + Send + Sync + 'static {
    /// What is live now.
    async fn live(&self, tenant: &TenantId) -> Result<Arc<Artifacts>, Fault>;
}

/// The policy epoch of a tenant, raised when a consent artifact changes.
#[async_trait]
pub trait PolicyHead: fmt::Debug + Send + Sync + 'static {
    /// The epoch now; a tenant never released to is at 0.
    async fn policy(&self, tenant: &TenantId) -> Result<Epoch, Fault>;
}
