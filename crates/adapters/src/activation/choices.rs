//! Snapshots of choices, kept close: keyed by person, raised by the log they are folded from.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use consent::{
    ConsentEvent, NodeLog, Snapshot,
    ports::{AppendError, Ledger, SnapshotSource, Transition},
};
use kernel::{Clock, Cursor, Fault, Limit, NodeId, Page, PersonAt, SubjectId, TenantId};
use uuid::Uuid;

use super::{
    Activated, Generations,
    touched::{Touched, each, raising},
};

/// The most snapshots kept.
pub const SNAPSHOTS_MAX: usize = 100_000;

/// [`SnapshotSource`] that asks again only when a choice or the person may have moved.
pub struct CachedSnapshots {
    inner: Arc<dyn SnapshotSource>,
    clock: Arc<dyn Clock>,
    kept: Activated<(TenantId, SubjectId), (Arc<PersonAt>, Snapshot)>,
}

impl fmt::Debug for CachedSnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachedSnapshots")
    }
}

impl CachedSnapshots {
    /// A cache before this source; never give it to whoever gates sends.
    pub fn new(
        inner: Arc<dyn SnapshotSource>,
        clock: Arc<dyn Clock>,
        generations: Generations,
    ) -> Self {
        Self { inner, clock, kept: Activated::new(SNAPSHOTS_MAX, generations) }
    }
}

#[async_trait]
impl SnapshotSource for CachedSnapshots {
    async fn snapshot(&self, tenant: &TenantId, person: &PersonAt) -> Result<Snapshot, Fault> {
        let key = (tenant.clone(), person.subject);
        // Read before the generations are compared: at this instant the snapshot had not moved.
        let now = self.clock.now();
        if let Some((of, snapshot)) = self.kept.get(&key)
            && *of == *person
        {
            return Ok(snapshot.confirmed_at(now));
        }
        let nodes = || person.nodes.iter().copied();
        let stamp =
            self.kept.generations().stamp(each(Touched::Choices, tenant, nodes()).chain(each(
                Touched::Membership,
                tenant,
                nodes(),
            )));
        let snapshot = self.inner.snapshot(tenant, person).await?;
        self.kept.fill(key, (Arc::new(person.clone()), snapshot.clone()), stamp);
        Ok(snapshot)
    }
}

/// [`Ledger`] that raises the nodes of every transition.
#[derive(Debug)]
pub struct RaisingLedger {
    inner: Arc<dyn Ledger>,
    generations: Generations,
}

impl RaisingLedger {
    /// Raises these generations.
    pub fn new(inner: Arc<dyn Ledger>, generations: Generations) -> Self {
        Self { inner, generations }
    }
}

#[async_trait]
impl Ledger for RaisingLedger {
    async fn append(&self, tenant: &TenantId, transition: Transition) -> Result<(), AppendError> {
        let expected = transition.expected.iter().map(|(node, _)| *node);
        let nodes = expected.chain(transition.events.iter().map(|it| it.said.node));
        let touched = each(Touched::Choices, tenant, nodes).collect();
        raising(&self.generations, touched, self.inner.append(tenant, transition)).await
    }

    async fn logs(&self, tenant: &TenantId, nodes: &[NodeId]) -> Result<Vec<NodeLog>, Fault> {
        self.inner.logs(tenant, nodes).await
    }

    async fn find(&self, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<ConsentEvent>, Fault> {
        self.inner.find(tenant, ids).await
    }

    async fn page(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<ConsentEvent>, Fault> {
        self.inner.page(tenant, nodes, after, limit).await
    }
}
