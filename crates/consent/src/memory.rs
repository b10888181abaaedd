//! Reference implementations of the ports, with outages that can be switched on.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use kernel::{
    Cursor, Epoch, Fault, Instant, Limit, NodeId, Page, PersonAt, TenantId, memory::MemoryFeed,
};
use uuid::Uuid;

use crate::{
    Artifacts, ConsentEvent, NodeLog,
    ports::{
        AppendError, ArtifactSource, InFlight, Ledger, Member, PersonSource, PolicyHead, Settled,
        Straggler, Transition,
    },
};

/// State under a lock that can be out of reach.
#[derive(Debug, Default)]
struct Reach<T> {
    state: Mutex<T>,
    outage: AtomicBool,
}

impl<T> Reach<T> {
    fn get(&self, what: &'static str) -> Result<MutexGuard<'_, T>, Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry(what));
        }
        Ok(self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn always(&self) -> MutexGuard<'_, T> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }
}

/// The log of choices in memory.
#[derive(Debug)]
pub struct MemoryLedger {
    logs: Reach<BTreeMap<(TenantId, NodeId), NodeLog>>,
    feed: Arc<MemoryFeed>,
}

impl MemoryLedger {
    /// An empty log whose facts go to this feed.
    pub fn new(feed: Arc<MemoryFeed>) -> Self {
        Self { logs: Reach::default(), feed }
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.logs.set_outage(on);
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn append(&self, tenant: &TenantId, transition: Transition) -> Result<(), AppendError> {
        let mut logs = self.logs.get("appending consent events")?;
        let taken = |id: Uuid| {
            logs.iter()
                .any(|(key, log)| key.0 == *tenant && log.events.iter().any(|it| it.said.id == id))
        };
        let moved = transition.expected.iter().any(|(node, epoch)| {
            logs.get(&(tenant.clone(), *node)).map_or(Epoch(0), |it| it.epoch) != *epoch
        });
        if moved || transition.events.iter().any(|it| taken(it.said.id)) {
            return Err(AppendError::Conflict);
        }
        for event in transition.events {
            let node = event.said.node;
            let log = logs.entry((tenant.clone(), node)).or_insert_with(|| NodeLog::empty(node));
            log.epoch = Epoch(event.seq);
            log.events.push(event);
        }
        self.feed.push(&transition.facts);
        Ok(())
    }

    async fn logs(&self, tenant: &TenantId, nodes: &[NodeId]) -> Result<Vec<NodeLog>, Fault> {
        let logs = self.logs.get("reading the consent log")?;
        let mut nodes = nodes.to_vec();
        nodes.sort_unstable();
        nodes.dedup();
        Ok(nodes
            .into_iter()
            .map(|it| {
                logs.get(&(tenant.clone(), it)).cloned().unwrap_or_else(|| NodeLog::empty(it))
            })
            .collect())
    }

    async fn find(&self, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<ConsentEvent>, Fault> {
        let logs = self.logs.get("finding consent events")?;
        let mut found: Vec<_> = logs
            .iter()
            .filter(|(key, _)| key.0 == *tenant)
            .flat_map(|(_, log)| &log.events)
            .filter(|it| ids.contains(&it.said.id))
            .cloned()
            .collect();
        found.sort_by_key(|it| it.said.id);
        Ok(found)
    }

    async fn page(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<ConsentEvent>, Fault> {
        let logs = self.logs(tenant, nodes).await?;
        let mut events: Vec<_> = logs.into_iter().flat_map(|it| it.events).collect();
        events.sort_by_key(|it| std::cmp::Reverse((it.recorded_at, it.said.id)));
        let after = after.map(|it| it.0.clone());
        let rest = events
            .into_iter()
            .skip_while(|it| after.as_ref().is_some_and(|after| cursor_of(it) != *after));
        let mut rest = rest.skip(usize::from(after.is_some()));
        let items: Vec<_> = rest.by_ref().take(usize::from(limit.get())).collect();
        let more = rest.next().is_some();
        let next = items.last().filter(|_| more).map(|it| Cursor(cursor_of(it)));
        Ok(Page { items, next })
    }
}

fn cursor_of(event: &ConsentEvent) -> String {
    format!("{}.{}", event.recorded_at.micros(), event.said.id.simple())
}

/// Sends under way in memory.
#[derive(Debug, Default)]
pub struct MemoryInFlight {
    attempts: Reach<Vec<(TenantId, NodeId, Straggler)>>,
}

impl MemoryInFlight {
    /// An attempt for a node is under way, or has ended.
    pub fn attempt(&self, tenant: &TenantId, node: NodeId, straggler: Straggler) {
        self.attempts.always().push((tenant.clone(), node, straggler));
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.attempts.set_outage(on);
    }
}

#[async_trait]
impl InFlight for MemoryInFlight {
    async fn settle(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        _until: Instant,
    ) -> Result<Settled, Fault> {
        let attempts = self.attempts.get("settling the sends under way")?;
        let in_flight = attempts
            .iter()
            .filter(|(of, node, _)| of == tenant && nodes.contains(node))
            .map(|it| it.2)
            .collect();
        Ok(Settled { in_flight })
    }
}

/// People in memory.
#[derive(Debug, Default)]
pub struct MemoryPeople {
    members: Reach<BTreeMap<(TenantId, NodeId), Member>>,
}

impl MemoryPeople {
    /// This node exists, and is linked so.
    pub fn put(&self, tenant: &TenantId, member: Member) {
        self.members.always().insert((tenant.clone(), member.node), member);
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.members.set_outage(on);
    }
}

#[async_trait]
impl PersonSource for MemoryPeople {
    async fn members(&self, tenant: &TenantId, person: &PersonAt) -> Result<Vec<Member>, Fault> {
        let members = self.members.get("reading the members of a person")?;
        let mut found: Vec<_> = person
            .nodes
            .iter()
            .filter_map(|it| members.get(&(tenant.clone(), *it)).cloned())
            .collect();
        found.sort_by_key(|it| it.node);
        Ok(found)
    }
}

/// Live artifacts and policy heads in memory.
#[derive(Debug, Default)]
pub struct MemoryRegistry {
    live: Reach<BTreeMap<TenantId, (Arc<Artifacts>, Epoch)>>,
}

impl MemoryRegistry {
    /// Makes these artifacts live and raises the policy epoch.
    pub fn release(&self, tenant: &TenantId, artifacts: Artifacts) {
        let mut live = self.live.always();
        let epoch = live.get(tenant).map_or(Epoch(0), |it| it.1).next();
        live.insert(tenant.clone(), (Arc::new(artifacts), epoch));
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.live.set_outage(on);
    }
}

#[async_trait]
impl ArtifactSource for MemoryRegistry {
    async fn live(&self, tenant: &TenantId) -> Result<Arc<Artifacts>, Fault> {
        let live = self.live.get("reading the consent registry")?;
        live.get(tenant)
            .map(|it| Arc::clone(&it.0))
            .ok_or_else(|| Fault::escalate("reading a consent registry nobody released"))
    }
}

#[async_trait]
impl PolicyHead for MemoryRegistry {
    async fn policy(&self, tenant: &TenantId) -> Result<Epoch, Fault> {
        let live = self.live.get("reading the policy head")?;
        Ok(live.get(tenant).map_or(Epoch(0), |it| it.1))
    }
}
