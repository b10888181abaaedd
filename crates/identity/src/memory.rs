//! The reference implementation of every port, with outages that can be switched on.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use kernel::{Digest, Fault, Instant, Limit, NodeId, SubjectId, TenantId, memory::MemoryFeed};

use crate::{
    assertion::{Assertion, Kind},
    identifier::RawValue,
    namespace::Artifacts,
    node::{NamespaceId, Node, NodeKey},
    ports::{
        AppendError, ArtifactSource, AssertionLog, Components, Counts, Directory, Person, Placed,
        Transition, Vault,
    },
};

/// Log, directory and vault in memory.
#[derive(Debug)]
pub struct MemoryIdentity {
    state: Mutex<BTreeMap<TenantId, State>>,
    feed: Arc<MemoryFeed>,
    outage: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    tip: u64,
    nodes: BTreeMap<NodeId, Placed>,
    keys: BTreeMap<NodeKey, NodeId>,
    values: BTreeMap<NodeId, RawValue>,
    assertions: Vec<Assertion>,
    persons: BTreeMap<SubjectId, Person>,
}

impl MemoryIdentity {
    /// Nothing yet; facts go to this feed.
    pub const fn new(feed: Arc<MemoryFeed>) -> Self {
        Self { state: Mutex::new(BTreeMap::new()), feed, outage: AtomicBool::new(false) }
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }

    fn with<T>(
        &self,
        tenant: &TenantId,
        what: &'static str,
        f: impl FnOnce(&mut State) -> T,
    ) -> Result<T, Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry(what));
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(f(state.entry(tenant.clone()).or_default()))
    }
}

impl State {
    fn components(&self, keys: &[NodeKey]) -> Components {
        let asked = keys.iter().filter_map(|it| self.nodes.get(self.keys.get(it)?));
        let asked: BTreeSet<_> = asked.map(|it| it.component).collect();
        let nodes: Vec<_> =
            self.nodes.values().filter(|it| asked.contains(&it.component)).cloned().collect();
        let ids: BTreeSet<_> = nodes.iter().map(|it| it.node.id).collect();
        let filed = |it: &&Assertion| ids.contains(&it.kind.nodes().0);
        let persons = nodes
            .iter()
            .filter_map(|it| self.persons.get(&SubjectId::from_uuid(it.node.id.uuid())));
        Components {
            tip: self.tip,
            assertions: self.assertions.iter().filter(filed).cloned().collect(),
            persons: persons.cloned().collect(),
            nodes,
        }
    }

    fn stale(&self, transition: &Transition) -> bool {
        let touched: BTreeSet<_> = transition.touched.iter().collect();
        let since = self.assertions.iter().filter(|it| it.seq > transition.expected);
        let mut since = since.map(|it| it.kind.nodes());
        let moved =
            since.any(|(a, b)| touched.contains(&a) || b.is_some_and(|it| touched.contains(&it)));
        let known = |it: &Assertion| self.assertions.iter().any(|old| old.content == it.content);
        transition.expected > self.tip
            || moved
            || transition.nodes.iter().any(|it| self.keys.contains_key(&it.placed.node.key))
            || transition.assertions.iter().any(known)
    }

    fn apply(&mut self, transition: Transition) -> u64 {
        let shift = self.tip - transition.expected;
        for (former, new) in &transition.joined {
            for it in self.nodes.values_mut().filter(|it| it.component == *former) {
                it.component = *new;
            }
        }
        for mut it in transition.nodes {
            it.placed.node.first_seq += shift;
            self.tip = self.tip.max(it.placed.node.first_seq);
            let id = it.placed.node.id;
            self.keys.insert(it.placed.node.key.clone(), id);
            self.nodes.insert(id, it.placed);
            self.values.extend(it.value.map(|value| (id, value)));
        }
        for mut it in transition.assertions {
            it.seq += shift;
            self.tip = self.tip.max(it.seq);
            self.assertions.push(it);
        }
        self.persons.extend(transition.persons.into_iter().map(|it| (it.subject, it)));
        self.tip
    }

    fn home(&self, node: NodeId) -> Option<Person> {
        let holds = |it: &&Person| it.members.iter().any(|m| m.node == node && m.home);
        self.persons.values().find(holds).cloned()
    }
}

#[async_trait]
impl AssertionLog for MemoryIdentity {
    async fn components(&self, tenant: &TenantId, keys: &[NodeKey]) -> Result<Components, Fault> {
        self.with(tenant, "reading components", |it| it.components(keys))
    }

    async fn unheard(
        &self,
        tenant: &TenantId,
        claims: &[(Digest, Instant)],
    ) -> Result<Vec<(Digest, Instant)>, Fault> {
        self.with(tenant, "reading claims", |state| {
            let retracted: BTreeSet<_> = state
                .assertions
                .iter()
                .filter_map(|it| match it.kind {
                    Kind::Retract { assertion, .. } => Some(assertion),
                    _ => None,
                })
                .collect();
            // What was retracted word for word is not news either: it stays retracted.
            let heard = |claim: &Digest, at: Instant| {
                state
                    .assertions
                    .iter()
                    .filter(|it| it.claim == *claim)
                    .any(|it| it.at == at || (it.at < at && !retracted.contains(&it.id)))
            };
            claims.iter().filter(|(claim, at)| !heard(claim, *at)).copied().collect()
        })
    }

    async fn append(&self, tenant: &TenantId, transition: Transition) -> Result<u64, AppendError> {
        self.with(tenant, "appending assertions", |state| {
            if state.stale(&transition) {
                return Err(AppendError::Stale);
            }
            self.feed.push(&transition.facts);
            Ok(state.apply(transition))
        })?
    }

    async fn page(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: Limit,
    ) -> Result<Vec<Assertion>, Fault> {
        self.with(tenant, "reading the log", |state| {
            let later = state.assertions.iter().filter(|it| it.seq > after);
            later.take(usize::from(limit.get())).cloned().collect()
        })
    }
}

#[async_trait]
impl Directory for MemoryIdentity {
    async fn nodes(&self, tenant: &TenantId, keys: &[NodeKey]) -> Result<Vec<Node>, Fault> {
        self.with(tenant, "finding nodes", |state| {
            let asked: BTreeSet<_> = keys.iter().collect();
            let known = state.keys.iter().filter(|(key, _)| asked.contains(key));
            known.filter_map(|(_, id)| Some(state.nodes.get(id)?.node.clone())).collect()
        })
    }

    async fn persons(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> Result<Vec<(NodeId, Person)>, Fault> {
        self.with(tenant, "finding persons", |state| {
            let asked: BTreeSet<_> = nodes.iter().copied().collect();
            asked.into_iter().filter_map(|it| Some((it, state.home(it)?))).collect()
        })
    }

    async fn key(&self, tenant: &TenantId, node: NodeId) -> Result<Option<NodeKey>, Fault> {
        self.with(tenant, "finding a node", |state| {
            state.nodes.get(&node).map(|it| it.node.key.clone())
        })
    }

    async fn namespaces(&self, tenant: &TenantId) -> Result<Vec<(NamespaceId, u64)>, Fault> {
        self.with(tenant, "counting namespaces", |state| {
            let mut counts: BTreeMap<NamespaceId, u64> = BTreeMap::new();
            for key in state.keys.keys() {
                *counts.entry(key.namespace.clone()).or_default() += 1;
            }
            counts.into_iter().collect()
        })
    }

    async fn counts(&self, tenant: &TenantId) -> Result<Counts, Fault> {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        self.with(tenant, "counting", |state| {
            let living = || state.persons.values().filter(|it| !it.members.is_empty());
            Counts {
                nodes: count(state.nodes.len()),
                assertions: count(state.assertions.len()),
                persons: count(living().filter(|it| it.anchors > 0).count()),
                anonymous: count(living().filter(|it| it.anchors == 0).count()),
            }
        })
    }
}

#[async_trait]
impl Vault for MemoryIdentity {
    async fn open(&self, tenant: &TenantId, node: NodeId) -> Result<Option<RawValue>, Fault> {
        self.with(tenant, "opening a value", |state| state.values.get(&node).cloned())
    }
}

/// The same namespaces for every tenant.
#[derive(Debug)]
pub struct MemoryArtifacts(Arc<Artifacts>);

impl MemoryArtifacts {
    /// These namespaces.
    pub const fn new(artifacts: Arc<Artifacts>) -> Self {
        Self(artifacts)
    }
}

#[async_trait]
impl ArtifactSource for MemoryArtifacts {
    async fn live(&self, _tenant: &TenantId) -> Result<Arc<Artifacts>, Fault> {
        Ok(Arc::clone(&self.0))
    }
}
