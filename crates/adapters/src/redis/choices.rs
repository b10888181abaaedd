//! Snapshots of choices on Redis: filled under a lease on the choices and the membership of a person.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use consent::{
    ConsentEvent, NodeLog, Snapshot,
    ports::{AppendError, Ledger, SnapshotSource, Transition},
};
use kernel::{Clock, Cursor, Fault, Limit, NodeId, Page, PersonAt, TenantId};
use uuid::Uuid;

use super::{
    change::{Kind, Touched},
    layer::{Layer, Place},
    tag::Tag,
};

mod rows;

/// [`SnapshotSource`] that asks again only when a choice or the person may have moved.
pub struct RedisSnapshots {
    inner: Arc<dyn SnapshotSource>,
    clock: Arc<dyn Clock>,
    layer: Layer,
}

impl fmt::Debug for RedisSnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisSnapshots")
    }
}

impl RedisSnapshots {
    /// A cache before this source; never give it to whoever gates sends.
    pub fn new(inner: Arc<dyn SnapshotSource>, clock: Arc<dyn Clock>, layer: Layer) -> Self {
        Self { inner, clock, layer }
    }
}

#[async_trait]
impl SnapshotSource for RedisSnapshots {
    async fn snapshot(&self, tenant: &TenantId, person: &PersonAt) -> Result<Snapshot, Fault> {
        let tag = Tag::of_subject(tenant, person.subject);
        let kinds = &[Kind::Choices, Kind::Membership];
        let place = Place { tag: &tag, field: "s", kinds };
        // Read before the layer is asked: at this instant the snapshot had not moved.
        let now = self.clock.now();
        let found = self.layer.find(place, |it: rows::Row| it.snapshot(person)).await;
        let stamp = match found.or_lease() {
            Ok(snapshot) => return Ok(snapshot.confirmed_at(now)),
            Err(stamp) => stamp,
        };
        let home = self.layer.is_one_person(tenant, &person.nodes, Some(person.subject));
        let stamp = if stamp.is_some() && home.await? { stamp } else { None };
        let snapshot = self.inner.snapshot(tenant, person).await?;
        if let Some(stamp) = stamp {
            self.layer.fill(place, &rows::Row::new(person, &snapshot), stamp).await;
        }
        Ok(snapshot)
    }
}

/// [`Ledger`] whose transitions are changes of the choices they touch.
#[derive(Debug)]
pub struct FencedLedger {
    inner: Arc<dyn Ledger>,
    layer: Layer,
}

impl FencedLedger {
    /// Fences this ledger.
    pub fn new(inner: Arc<dyn Ledger>, layer: Layer) -> Self {
        Self { inner, layer }
    }
}

#[async_trait]
impl Ledger for FencedLedger {
    async fn append(&self, tenant: &TenantId, transition: Transition) -> Result<(), AppendError> {
        let expected = transition.expected.iter().map(|(node, _)| *node);
        let nodes = expected.chain(transition.events.iter().map(|it| it.said.node));
        let touched = Touched::default().nodes(Kind::Choices, tenant, nodes);
        self.layer.changing(touched, self.inner.append(tenant, transition)).await?
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
