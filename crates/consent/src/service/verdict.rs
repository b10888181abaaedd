//! Answering asks: from the ledger, or from a cache that stands in for it.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, Fault, Instant, PersonAt, TenantId};

use crate::{
    Ask, Snapshot, Standing, Verdict, evaluate, fold,
    ports::{ArtifactSource, Ledger, PersonSource, PolicyHead, SnapshotSource},
    standing,
};

/// Snapshots folded from the system of record at every call.
#[derive(Debug)]
pub struct LedgerSnapshots {
    ledger: Arc<dyn Ledger>,
    people: Arc<dyn PersonSource>,
    clock: Arc<dyn Clock>,
}

impl LedgerSnapshots {
    /// Snapshots over these ports.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        people: Arc<dyn PersonSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { ledger, people, clock }
    }
}

#[async_trait]
impl SnapshotSource for LedgerSnapshots {
    async fn snapshot(&self, tenant: &TenantId, person: &PersonAt) -> Result<Snapshot, Fault> {
        // Read before the log, so that a snapshot never claims to be younger than it is.
        let read_at = self.clock.now();
        let members = self.people.members(tenant, person).await?;
        let logs = self.ledger.logs(tenant, &person.nodes).await?;
        fold(person, &members, &logs, read_at)
            .map_err(|it| Fault::escalate("sealing a snapshot").because(it))
    }
}

/// Verdicts and standing purposes.
#[derive(Debug)]
pub struct VerdictService {
    snapshots: Arc<dyn SnapshotSource>,
    artifacts: Arc<dyn ArtifactSource>,
    policy: Arc<dyn PolicyHead>,
}

impl VerdictService {
    /// Verdicts over these ports; give it an uncached source where sends are gated.
    pub fn new(
        snapshots: Arc<dyn SnapshotSource>,
        artifacts: Arc<dyn ArtifactSource>,
        policy: Arc<dyn PolicyHead>,
    ) -> Self {
        Self { snapshots, artifacts, policy }
    }

    /// What the person's choices amount to.
    pub async fn snapshot(&self, tenant: &TenantId, person: &PersonAt) -> Result<Snapshot, Fault> {
        self.snapshots.snapshot(tenant, person).await
    }

    /// The verdict on one ask.
    pub async fn verdict(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        ask: &Ask,
        as_of: Instant,
    ) -> Result<Verdict, Fault> {
        let asks = std::slice::from_ref(ask);
        let verdict = self.verdicts(tenant, person, asks, as_of).await?.pop();
        Ok(verdict.unwrap_or_else(|| Verdict::unreadable(person.identity, as_of)))
    }

    /// The verdicts on several asks about one person, from one snapshot, in order.
    pub async fn verdicts(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        asks: &[Ask],
        as_of: Instant,
    ) -> Result<Vec<Verdict>, Fault> {
        // The epoch first: a registry that moves in between makes the stamp too old, never too new.
        let policy = self.policy.policy(tenant).await?;
        let artifacts = self.artifacts.live(tenant).await?;
        let snapshot = self.snapshots.snapshot(tenant, person).await?;
        Ok(asks.iter().map(|it| evaluate(it, &snapshot, &artifacts, as_of).under(policy)).collect())
    }

    /// The purposes that stand now.
    pub async fn standing(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        as_of: Instant,
    ) -> Result<Standing, Fault> {
        let artifacts = self.artifacts.live(tenant).await?;
        let snapshot = self.snapshots.snapshot(tenant, person).await?;
        Ok(standing(&snapshot, &artifacts, as_of))
    }
}
