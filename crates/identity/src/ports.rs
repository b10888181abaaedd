//! What identity asks of the world: a log, a directory, a vault, and its artifacts.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use kernel::{Digest, Epoch, Fact, Fault, Instant, Limit, NodeId, PersonAt, SubjectId, TenantId};

use crate::{
    assertion::Assertion,
    identifier::RawValue,
    namespace::Artifacts,
    node::{NamespaceId, Node, NodeKey},
};

/// How a node belongs to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// Deterministic: permissions travel.
    Hard,
    /// Attached, and only this person was ever sighted on it.
    Soft,
    /// A contact several people were sighted on: only restrictions travel, and it names nobody.
    Shared,
    /// Alone: nobody was sighted on it, too many were, or it was blocked.
    Alone,
}

impl Link {
    /// Every link.
    pub const ALL: [Self; 4] = [Self::Hard, Self::Soft, Self::Shared, Self::Alone];

    /// The name as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Shared => "shared",
            Self::Alone => "alone",
        }
    }

    /// The link of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// One node of a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The node.
    pub node: NodeId,
    /// Its namespace.
    pub namespace: NamespaceId,
    /// How it belongs.
    pub link: Link,
    /// Whether the node, asked by itself, resolves to this person.
    pub home: bool,
    /// Whether the value was proven.
    pub verified: bool,
    /// Whether it may name the person for an event on it alone.
    pub names: bool,
    /// The hull of its sightings: outside it names nobody.
    pub within: (Instant, Instant),
}

/// A person as stored: the members at an epoch. No members: a former head, whose epoch still rises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The head.
    pub subject: SubjectId,
    /// The identity epoch.
    pub epoch: Epoch,
    /// The members, ascending by node.
    pub members: Vec<Member>,
    /// How many members are anchors; a person without is anonymous.
    pub anchors: u32,
}

impl Person {
    /// The person in the words of the house.
    pub fn at(&self) -> PersonAt {
        PersonAt {
            subject: self.subject,
            nodes: self.members.iter().map(|it| it.node).collect(),
            identity: self.epoch,
        }
    }
}

/// A node in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The node.
    pub node: Node,
    /// Its component: everything any assertion ever connected it with.
    pub component: NodeId,
}

/// Whole components, as read at one tip of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Components {
    /// The last sequence number of the tenant.
    pub tip: u64,
    /// The nodes, ascending by id.
    pub nodes: Vec<Placed>,
    /// Every assertion that touches them, in order.
    pub assertions: Vec<Assertion>,
    /// Every person ever headed by one of them, ascending by subject.
    pub persons: Vec<Person>,
}

/// A node that appears for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNode {
    /// The node and its component.
    pub placed: Placed,
    /// The value the vault keeps, if somebody is reached by it.
    pub value: Option<RawValue>,
}

/// One append: assertions, what they make of people, and the facts; all of it or nothing.
///
/// Sequence numbers count on from `expected`; a log that has moved elsewhere shifts them all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transition {
    /// The tip the plan was made at.
    pub expected: u64,
    /// The nodes the plan was made from; an assertion written since that touches one spoils it.
    pub touched: Vec<NodeId>,
    /// Nodes that appear.
    pub nodes: Vec<NewNode>,
    /// Components that become another: (former, new).
    pub joined: Vec<(NodeId, NodeId)>,
    /// The assertions, in order.
    pub assertions: Vec<Assertion>,
    /// Persons whose membership changed, in whole.
    pub persons: Vec<Person>,
    /// What happened.
    pub facts: Vec<Fact>,
}

/// Why an append was refused.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// What the plan was made from has moved: read and plan again.
    #[error("the components have changed since they were read")]
    Stale,
    /// A failure of the technology.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The append-only log of assertions.
#[async_trait]
pub trait AssertionLog: fmt::Debug + Send + Sync + 'static {
    /// The whole components of these keys, as of one moment; unknown keys are simply absent.
    async fn components(&self, tenant: &TenantId, keys: &[NodeKey]) -> Result<Components, Fault>;
    /// Of these claims, those with no live assertion that became true then or earlier.
    async fn unheard(
        &self,
        tenant: &TenantId,
        claims: &[(Digest, Instant)],
    ) -> Result<Vec<(Digest, Instant)>, Fault>;
    /// Appends a transition; answers the new tip.
    async fn append(&self, tenant: &TenantId, transition: Transition) -> Result<u64, AppendError>;
    /// The assertions after a sequence number, in order.
    async fn page(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: Limit,
    ) -> Result<Vec<Assertion>, Fault>;
}

/// How many of what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// Identifiers.
    pub nodes: u64,
    /// Links and other statements about them.
    pub assertions: u64,
    /// People known by an anchor.
    pub persons: u64,
    /// Identifiers nobody is known by yet.
    pub anonymous: u64,
}

/// Who is who now.
#[async_trait]
pub trait Directory: fmt::Debug + Send + Sync + 'static {
    /// The nodes of these keys; unknown keys are simply absent.
    async fn nodes(&self, tenant: &TenantId, keys: &[NodeKey]) -> Result<Vec<Node>, Fault>;
    /// The person each node resolves to now; any id ever issued resolves.
    async fn persons(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> Result<Vec<(NodeId, Person)>, Fault>;
    /// The key of a node, if it was ever seen.
    async fn key(&self, tenant: &TenantId, node: NodeId) -> Result<Option<NodeKey>, Fault>;
    /// How many nodes of each namespace there are, by name.
    async fn namespaces(&self, tenant: &TenantId) -> Result<Vec<(NamespaceId, u64)>, Fault>;
    /// How many of what there is.
    async fn counts(&self, tenant: &TenantId) -> Result<Counts, Fault>;
}

/// Raw values, sealed at rest.
#[async_trait]
pub trait Vault: fmt::Debug + Send + Sync + 'static {
    /// The value kept for a node, if one is.
    async fn open(&self, tenant: &TenantId, node: NodeId) -> Result<Option<RawValue>, Fault>;
}

/// The live namespaces of a tenant.
#[async_trait]
pub trait ArtifactSource: fmt::Debug + Send + Sync + 'static {
    /// What is live now.
    async fn live(&self, tenant: &TenantId) -> Result<Arc<Artifacts>, Fault>;
}
