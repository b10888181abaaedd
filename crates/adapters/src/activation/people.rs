//! Who is who, kept close: raised by the log of assertions.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use identity::{
    assertion::Assertion,
    node::{NamespaceId, Node, NodeKey},
    ports::{AppendError, AssertionLog, Components, Counts, Directory, Person, Transition},
};
use kernel::{Digest, Fault, Instant, Limit, NodeId, TenantId};

use super::{
    Activated, Generations, Stamp,
    touched::{Touched, each, raising},
};

/// The most identifiers kept.
pub const NODES_MAX: usize = 200_000;
/// The most nodes whose person is kept.
pub const PERSONS_MAX: usize = 100_000;

/// [`Directory`] that asks again only for who is new or may have moved.
pub struct CachedDirectory {
    inner: Arc<dyn Directory>,
    nodes: Activated<(TenantId, NodeKey), Arc<Node>>,
    persons: Activated<(TenantId, NodeId), Arc<Person>>,
}

impl fmt::Debug for CachedDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachedDirectory")
    }
}

impl CachedDirectory {
    /// A cache before this directory.
    pub fn new(inner: Arc<dyn Directory>, generations: Generations) -> Self {
        Self {
            inner,
            nodes: Activated::new(NODES_MAX, generations.clone()),
            persons: Activated::new(PERSONS_MAX, generations),
        }
    }

    /// Keeps a person under the node asked for and under the id that is asked for next.
    ///
    /// A transition that changes the person touches the node too (see [`moved`]), so that its
    /// stamp stands for both.
    fn keep(&self, tenant: &TenantId, node: NodeId, person: &Person, stamp: Stamp) {
        let head = NodeId::from_uuid(person.subject.uuid());
        let person = Arc::new(person.clone());
        if person.members.iter().any(|it| it.home && it.node == head) && head != node {
            self.persons.fill((tenant.clone(), head), Arc::clone(&person), stamp.clone());
        }
        self.persons.fill((tenant.clone(), node), person, stamp);
    }
}

#[async_trait]
impl Directory for CachedDirectory {
    async fn nodes(&self, tenant: &TenantId, keys: &[NodeKey]) -> Result<Vec<Node>, Fault> {
        let generations = self.nodes.generations();
        let (mut found, mut missed) = (BTreeMap::new(), BTreeMap::new());
        for key in keys {
            if let Some(node) = self.nodes.get(&(tenant.clone(), key.clone())) {
                found.insert(key.clone(), Node::clone(&node));
            } else {
                let stamp = generations.stamp([Touched::Key(tenant.clone(), key.clone())]);
                missed.insert(key.clone(), stamp);
            }
        }
        if !missed.is_empty() {
            let asked: Vec<_> = missed.keys().cloned().collect();
            for node in self.inner.nodes(tenant, &asked).await? {
                if let Some(stamp) = missed.remove(&node.key) {
                    let key = (tenant.clone(), node.key.clone());
                    self.nodes.fill(key, Arc::new(node.clone()), stamp);
                }
                found.insert(node.key.clone(), node);
            }
        }
        Ok(found.into_values().collect())
    }

    async fn persons(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> Result<Vec<(NodeId, Person)>, Fault> {
        let generations = self.persons.generations();
        let (mut found, mut missed) = (BTreeMap::new(), BTreeMap::new());
        for node in nodes {
            if let Some(person) = self.persons.get(&(tenant.clone(), *node)) {
                found.insert(*node, Person::clone(&person));
            } else {
                let stamp = generations.stamp([Touched::Membership(tenant.clone(), *node)]);
                missed.insert(*node, stamp);
            }
        }
        if !missed.is_empty() {
            let asked: Vec<_> = missed.keys().copied().collect();
            for (node, person) in self.inner.persons(tenant, &asked).await? {
                if let Some(stamp) = missed.remove(&node) {
                    self.keep(tenant, node, &person, stamp);
                }
                found.insert(node, person);
            }
        }
        Ok(found.into_iter().collect())
    }

    async fn key(&self, tenant: &TenantId, node: NodeId) -> Result<Option<NodeKey>, Fault> {
        self.inner.key(tenant, node).await
    }

    async fn namespaces(&self, tenant: &TenantId) -> Result<Vec<(NamespaceId, u64)>, Fault> {
        self.inner.namespaces(tenant).await
    }

    async fn counts(&self, tenant: &TenantId) -> Result<Counts, Fault> {
        self.inner.counts(tenant).await
    }
}

/// [`AssertionLog`] that raises every node whose person a transition may change.
#[derive(Debug)]
pub struct RaisingAssertionLog {
    inner: Arc<dyn AssertionLog>,
    generations: Generations,
}

impl RaisingAssertionLog {
    /// Raises these generations.
    pub fn new(inner: Arc<dyn AssertionLog>, generations: Generations) -> Self {
        Self { inner, generations }
    }
}

/// Every node is at home with one person, so a node that leaves one is a member of another that
/// the same transition states in whole: the members after name everyone who moved.
fn moved(tenant: &TenantId, transition: &Transition) -> Vec<Touched> {
    let keys = transition.nodes.iter().map(|it| &it.placed.node.key);
    let keys = keys.map(|it| Touched::Key(tenant.clone(), it.clone()));
    let new = transition.nodes.iter().map(|it| it.placed.node.id);
    let heads = transition.persons.iter().map(|it| NodeId::from_uuid(it.subject.uuid()));
    let members = transition.persons.iter().flat_map(|it| &it.members).map(|it| it.node);
    let nodes = transition.touched.iter().copied().chain(new).chain(heads).chain(members);
    keys.chain(each(Touched::Membership, tenant, nodes)).collect()
}

#[async_trait]
impl AssertionLog for RaisingAssertionLog {
    async fn components(&self, tenant: &TenantId, keys: &[NodeKey]) -> Result<Components, Fault> {
        self.inner.components(tenant, keys).await
    }

    async fn unheard(
        &self,
        tenant: &TenantId,
        claims: &[(Digest, Instant)],
    ) -> Result<Vec<(Digest, Instant)>, Fault> {
        self.inner.unheard(tenant, claims).await
    }

    async fn append(&self, tenant: &TenantId, transition: Transition) -> Result<u64, AppendError> {
        let touched = moved(tenant, &transition);
        raising(&self.generations, touched, self.inner.append(tenant, transition)).await
    }

    async fn page(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: Limit,
    ) -> Result<Vec<Assertion>, Fault> {
        self.inner.page(tenant, after, limit).await
    }
}
