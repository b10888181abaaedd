//! Contact histories on Redis: changed by the gate, by records of other systems, and by answers that
//! are themselves the hand-off.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use audit::{
    entry::Leaf,
    note::Origin,
    ports::{CommitError, Committed, Head, Journal},
    sequence::Batch,
};
use decision::companion::{Companion, KIND};
use delivery::{
    contact::{ContactId, Entry, EntryState},
    gate::{GateRequest, Judgement},
    ports::{Conclusion, ContactLedger, Overdue, SendGate, Settled},
};
use kernel::{Channel, Class, Fact, Fault, Instant, JourneyNode, NodeId, SubjectId, TenantId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    change::{Kind, Touched},
    layer::{Layer, Place},
};

/// [`ContactLedger`] that asks again only when a contact may have been made.
///
/// A history with a reserved place is not kept: its attempt will end, and the end of an attempt
/// names no node. What is kept is committed, and no attempt's end changes it.
pub struct RedisContacts {
    inner: Arc<dyn ContactLedger>,
    layer: Layer,
}

impl fmt::Debug for RedisContacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisContacts")
    }
}

impl RedisContacts {
    /// A cache before this ledger.
    pub fn new(inner: Arc<dyn ContactLedger>, layer: Layer) -> Self {
        Self { inner, layer }
    }
}

#[async_trait]
impl ContactLedger for RedisContacts {
    async fn history(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        since: Instant,
    ) -> Result<Vec<Entry>, Fault> {
        let mut nodes = nodes.to_vec();
        nodes.sort_unstable();
        let Some(tag) = self.layer.home(tenant, &nodes) else {
            return self.inner.history(tenant, &nodes, since).await;
        };
        let place = Place { tag: &tag, field: "h", kinds: &[Kind::Contacts, Kind::Membership] };
        let found = self.layer.find(place, |it: Row| it.history(&nodes, since)).await;
        let stamp = match found.or_lease() {
            Ok(history) => return Ok(history),
            Err(stamp) => stamp,
        };
        let keeps = stamp.is_some() && self.layer.is_one_person(tenant, &nodes, None).await?;
        let entries = self.inner.history(tenant, &nodes, since).await?;
        if let Some(stamp) = stamp.filter(|_| keeps)
            && let Some(row) = Row::new(&nodes, since, &entries)
        {
            self.layer.fill(place, &row, stamp).await;
        }
        Ok(entries)
    }

    async fn record(
        &self,
        tenant: &TenantId,
        contacts: Vec<(Entry, Fact)>,
    ) -> Result<usize, Fault> {
        let nodes = contacts.iter().map(|(entry, _)| entry.node);
        let touched = Touched::default().nodes(Kind::Contacts, tenant, nodes);
        self.layer.changing(touched, self.inner.record(tenant, contacts)).await?
    }
}

/// A history as it is kept: of these nodes, since then; all of it committed.
#[derive(Serialize, Deserialize)]
struct Row {
    nodes: Vec<Uuid>,
    since: i64,
    entries: Vec<(String, Uuid, i64, Channel, Class, Option<JourneyNode>)>,
}

impl Row {
    fn new(nodes: &[NodeId], since: Instant, entries: &[Entry]) -> Option<Self> {
        let entries = entries.iter().map(|it| {
            let is_kept = it.state == EntryState::Committed;
            let entry = (it.channel, it.class, it.journey.clone());
            let (channel, class, journey) = entry;
            is_kept
                .then(|| (it.id.0.clone(), it.node.uuid(), it.at.micros(), channel, class, journey))
        });
        let nodes = nodes.iter().map(|it| it.uuid()).collect();
        Some(Self { nodes, since: since.micros(), entries: entries.collect::<Option<_>>()? })
    }

    /// What it says of these nodes since then, if it reaches back that far.
    fn history(self, nodes: &[NodeId], since: Instant) -> Option<Vec<Entry>> {
        let same = self.nodes.iter().copied().eq(nodes.iter().map(|it| it.uuid()));
        if !same || self.since > since.micros() {
            return None;
        }
        let entries =
            self.entries.into_iter().map(|(id, node, at, channel, class, journey)| Entry {
                id: ContactId(id),
                node: NodeId::from_uuid(node),
                at: Instant::from_micros(at),
                state: EntryState::Committed,
                channel,
                class,
                journey,
            });
        Some(entries.filter(|it| it.at >= since).collect())
    }
}

/// [`SendGate`] whose passes are changes of the contacts of whom they are about; it judges as it
/// always did.
#[derive(Debug)]
pub struct FencedGate {
    inner: Arc<dyn SendGate>,
    layer: Layer,
}

impl FencedGate {
    /// Fences this gate.
    pub fn new(inner: Arc<dyn SendGate>, layer: Layer) -> Self {
        Self { inner, layer }
    }
}

#[async_trait]
impl SendGate for FencedGate {
    async fn pass(&self, now: Instant, requests: &[GateRequest]) -> Result<Vec<Judgement>, Fault> {
        let touched = requests.iter().fold(Touched::default(), |touched, it| {
            let nodes = it.person.nodes.iter().copied().chain([it.contact]);
            about(touched, &it.delivery.tenant, it.person.subject, nodes)
        });
        self.layer.changing(touched, self.inner.pass(now, requests)).await?
    }

    async fn rehearse(&self, now: Instant, request: &GateRequest) -> Result<Judgement, Fault> {
        self.inner.rehearse(now, request).await
    }

    async fn conclude(&self, conclusions: Vec<Conclusion>) -> Result<Vec<bool>, Fault> {
        self.inner.conclude(conclusions).await
    }

    async fn settle(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        now: Instant,
        until: Instant,
    ) -> Result<Vec<Settled>, Fault> {
        self.inner.settle(tenant, nodes, now, until).await
    }

    async fn overdue(&self, now: Instant, limit: usize) -> Result<Vec<Overdue>, Fault> {
        self.inner.overdue(now, limit).await
    }
}

/// The contacts of a person whose identity epoch the write itself compares: nobody to look up.
fn about(
    touched: Touched,
    tenant: &TenantId,
    subject: SubjectId,
    nodes: impl IntoIterator<Item = NodeId>,
) -> Touched {
    touched.subject(Kind::Contacts, tenant, subject).own(Kind::Contacts, tenant, nodes)
}

/// Audit's [`Journal`] whose batches are changes of the contacts they make by answering.
#[derive(Debug)]
pub struct FencedJournal {
    inner: Arc<dyn Journal>,
    layer: Layer,
}

impl FencedJournal {
    /// Fences this journal.
    pub fn new(inner: Arc<dyn Journal>, layer: Layer) -> Self {
        Self { inner, layer }
    }
}

/// What the hand-offs of a batch touch.
fn handed_off(batch: &Batch) -> Result<Option<Touched>, Fault> {
    let carried = batch.items.iter().filter_map(|it| it.companion.as_ref());
    let mut touched = None;
    for it in carried.filter(|it| it.kind == KIND) {
        if let Some(handoff) = Companion::decode(&it.body)?.handoff {
            let before = touched.take().unwrap_or_default();
            touched = Some(about(before, &batch.tenant, handoff.subject, handoff.nodes));
        }
    }
    Ok(touched)
}

#[async_trait]
impl Journal for FencedJournal {
    async fn take_over(&self, tenant: &TenantId, origin: &Origin) -> Result<Head, Fault> {
        self.inner.take_over(tenant, origin).await
    }

    async fn head(&self, tenant: &TenantId) -> Result<Option<Head>, Fault> {
        self.inner.head(tenant).await
    }

    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError> {
        // Most batches hand nothing off, and need not wait for the layer.
        match handed_off(batch)? {
            Some(touched) => self.layer.changing(touched, self.inner.commit(batch)).await?,
            None => self.inner.commit(batch).await,
        }
    }

    async fn leaves(&self, tenant: &TenantId, from: u64, limit: usize) -> Result<Vec<Leaf>, Fault> {
        self.inner.leaves(tenant, from, limit).await
    }
}
