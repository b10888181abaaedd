//! Who is who on Redis: changed by the log of assertions.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::future::join_all;
use identity::{
    assertion::Assertion,
    node::{NamespaceId, Node, NodeKey},
    ports::{
        AppendError, AssertionLog, Components, Counts, Directory, Link, Member, Person, Transition,
    },
};
use kernel::{Digest, Epoch, Fault, Instant, Limit, NodeId, SubjectId, TenantId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    change::{Kind, Touched},
    layer::{Layer, Place, Stamp},
    tag::Tag,
};

/// [`Directory`] that asks again only for who is new or may have moved.
pub struct RedisDirectory {
    inner: Arc<dyn Directory>,
    layer: Layer,
}

impl fmt::Debug for RedisDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisDirectory")
    }
}

impl RedisDirectory {
    /// A cache before this directory.
    pub fn new(inner: Arc<dyn Directory>, layer: Layer) -> Self {
        Self { inner, layer }
    }

    async fn node(&self, tenant: &TenantId, key: &NodeKey) -> Result<Node, Option<Stamp>> {
        let tag = Tag::of_key(tenant, key);
        let found = self.layer.find(node_at(&tag), |(id, first_seq): (Uuid, u64)| {
            Some(Node { id: NodeId::from_uuid(id), key: key.clone(), first_seq })
        });
        found.await.or_lease()
    }

    async fn person(&self, tenant: &TenantId, node: NodeId) -> Result<Person, Option<Stamp>> {
        let tag = Tag::of_node(tenant, node);
        self.layer.find(person_at(&tag), Row::person).await.or_lease()
    }
}

const fn node_at(tag: &Tag) -> Place<'_> {
    Place { tag, field: "n", kinds: &[Kind::Key] }
}

const fn person_at(tag: &Tag) -> Place<'_> {
    Place { tag, field: "p", kinds: &[Kind::Membership] }
}

#[async_trait]
impl Directory for RedisDirectory {
    async fn nodes(&self, tenant: &TenantId, keys: &[NodeKey]) -> Result<Vec<Node>, Fault> {
        let (mut found, mut missed) = (BTreeMap::new(), BTreeMap::new());
        let answers = join_all(keys.iter().map(|it| self.node(tenant, it))).await;
        for (key, answer) in keys.iter().zip(answers) {
            match answer {
                Ok(node) => drop(found.insert(key.clone(), node)),
                Err(stamp) => drop(missed.insert(key.clone(), stamp)),
            }
        }
        if !missed.is_empty() {
            let asked: Vec<_> = missed.keys().cloned().collect();
            for node in self.inner.nodes(tenant, &asked).await? {
                if let Some(Some(stamp)) = missed.remove(&node.key) {
                    let tag = Tag::of_key(tenant, &node.key);
                    let row = (node.id.uuid(), node.first_seq);
                    self.layer.fill(node_at(&tag), &row, stamp).await;
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
        let (mut found, mut missed) = (BTreeMap::new(), BTreeMap::new());
        let answers = join_all(nodes.iter().map(|it| self.person(tenant, *it))).await;
        for (node, answer) in nodes.iter().zip(answers) {
            match answer {
                Ok(person) => drop(found.insert(*node, person)),
                Err(stamp) => drop(missed.insert(*node, stamp)),
            }
        }
        if !missed.is_empty() {
            let asked: Vec<_> = missed.keys().copied().collect();
            for (node, person) in self.inner.persons(tenant, &asked).await? {
                if let Some(Some(stamp)) = missed.remove(&node) {
                    let tag = Tag::of_node(tenant, node);
                    self.layer.fill(person_at(&tag), &Row::new(&person), stamp).await;
                }
                found.insert(node, person);
            }
        }
        for (node, person) in &found {
            self.layer.homes.learn(tenant, *node, person.subject);
            person.members.iter().for_each(|it| {
                self.layer.homes.learn(tenant, it.node, person.subject);
            });
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

/// A member as it is kept: node, namespace, link, home, verified and names, within.
type KeptMember = (Uuid, String, u8, [bool; 3], [i64; 2]);

/// A person as it is kept.
#[derive(Serialize, Deserialize)]
struct Row {
    subject: Uuid,
    epoch: u64,
    members: Vec<KeptMember>,
    anchors: u32,
}

impl Row {
    fn new(person: &Person) -> Self {
        let members = person.members.iter().map(|it| {
            let link = match it.link {
                Link::Hard => 0,
                Link::Soft => 1,
                Link::Shared => 2,
                Link::Alone => 3,
            };
            let flags = [it.home, it.verified, it.names];
            let within = [it.within.0.micros(), it.within.1.micros()];
            (it.node.uuid(), it.namespace.as_str().to_owned(), link, flags, within)
        });
        Self {
            subject: person.subject.uuid(),
            epoch: person.epoch.0,
            members: members.collect(),
            anchors: person.anchors,
        }
    }

    fn person(self) -> Option<Person> {
        let members = self.members.into_iter().map(|(node, namespace, link, flags, within)| {
            let ([home, verified, names], [from, to]) = (flags, within);
            let link = match link {
                0 => Link::Hard,
                1 => Link::Soft,
                2 => Link::Shared,
                3 => Link::Alone,
                _ => return None,
            };
            Some(Member {
                node: NodeId::from_uuid(node),
                namespace: NamespaceId::new(&namespace),
                link,
                home,
                verified,
                names,
                within: (Instant::from_micros(from), Instant::from_micros(to)),
            })
        });
        Some(Person {
            subject: SubjectId::from_uuid(self.subject),
            epoch: Epoch(self.epoch),
            members: members.collect::<Option<_>>()?,
            anchors: self.anchors,
        })
    }
}

/// [`AssertionLog`] whose transitions are changes of everyone whose person they may move.
#[derive(Debug)]
pub struct FencedAssertionLog {
    inner: Arc<dyn AssertionLog>,
    layer: Layer,
}

impl FencedAssertionLog {
    /// Fences this log.
    pub fn new(inner: Arc<dyn AssertionLog>, layer: Layer) -> Self {
        Self { inner, layer }
    }
}

/// Every node is at home with one person, so a node that leaves one is a member of another that
/// the same transition states in whole: the members after name everyone who moved.
fn moved(tenant: &TenantId, transition: &Transition) -> Touched {
    let new = transition.nodes.iter().map(|it| it.placed.node.id);
    let heads = transition.persons.iter().map(|it| NodeId::from_uuid(it.subject.uuid()));
    let members = transition.persons.iter().flat_map(|it| &it.members).map(|it| it.node);
    let nodes = transition.touched.iter().copied().chain(new).chain(heads).chain(members);
    Touched::default().keys(tenant, transition.nodes.iter().map(|it| &it.placed.node.key)).own(
        Kind::Membership,
        tenant,
        nodes,
    )
}

#[async_trait]
impl AssertionLog for FencedAssertionLog {
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
        self.layer.changing(touched, self.inner.append(tenant, transition)).await?
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
