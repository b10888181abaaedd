//! Contact histories, kept close: raised by the gate, by records of other systems, and by answers
//! that are themselves the hand-off.

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
    contact::{Entry, EntryState},
    gate::{GateRequest, Judgement},
    ports::{Conclusion, ContactLedger, Overdue, SendGate, Settled},
};
use kernel::{Fact, Fault, Instant, NodeId, TenantId};

use super::{
    Activated, Generations,
    touched::{Touched, each, raising},
};

/// The most histories kept.
pub const HISTORIES_MAX: usize = 50_000;

/// The contacts of some nodes since an instant.
type History = (Instant, Arc<[Entry]>);

/// [`ContactLedger`] that asks again only when a contact may have been made.
///
/// A history with a reserved place is not kept: its attempt will end, and the end of an attempt
/// names no node. What is kept is committed, and no attempt's end changes it.
pub struct CachedContacts {
    inner: Arc<dyn ContactLedger>,
    kept: Activated<(TenantId, Vec<NodeId>), History>,
}

impl fmt::Debug for CachedContacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachedContacts")
    }
}

impl CachedContacts {
    /// A cache before this ledger.
    pub fn new(inner: Arc<dyn ContactLedger>, generations: Generations) -> Self {
        Self { inner, kept: Activated::new(HISTORIES_MAX, generations) }
    }
}

#[async_trait]
impl ContactLedger for CachedContacts {
    async fn history(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        since: Instant,
    ) -> Result<Vec<Entry>, Fault> {
        let mut sorted = nodes.to_vec();
        sorted.sort_unstable();
        let key = (tenant.clone(), sorted);
        if let Some((from, entries)) = self.kept.get(&key)
            && from <= since
        {
            return Ok(entries.iter().filter(|it| it.at >= since).cloned().collect());
        }
        let stamp = each(Touched::Contacts, tenant, nodes.iter().copied());
        let stamp = self.kept.generations().stamp(stamp);
        let entries = self.inner.history(tenant, nodes, since).await?;
        if entries.iter().all(|it| it.state == EntryState::Committed) {
            self.kept.fill(key, (since, entries.as_slice().into()), stamp);
        }
        Ok(entries)
    }

    async fn record(
        &self,
        tenant: &TenantId,
        contacts: Vec<(Entry, Fact)>,
    ) -> Result<usize, Fault> {
        let nodes = contacts.iter().map(|(entry, _)| entry.node);
        let touched = each(Touched::Contacts, tenant, nodes).collect();
        raising(self.kept.generations(), touched, self.inner.record(tenant, contacts)).await
    }
}

/// [`SendGate`] that raises the contacts of everyone it lets through; it judges as it always did.
#[derive(Debug)]
pub struct RaisingGate {
    inner: Arc<dyn SendGate>,
    generations: Generations,
}

impl RaisingGate {
    /// Raises these generations.
    pub fn new(inner: Arc<dyn SendGate>, generations: Generations) -> Self {
        Self { inner, generations }
    }
}

#[async_trait]
impl SendGate for RaisingGate {
    async fn pass(&self, now: Instant, requests: &[GateRequest]) -> Result<Vec<Judgement>, Fault> {
        let touched = requests
            .iter()
            .flat_map(|it| {
                let nodes = it.person.nodes.iter().copied().chain([it.contact]);
                each(Touched::Contacts, &it.delivery.tenant, nodes)
            })
            .collect();
        raising(&self.generations, touched, self.inner.pass(now, requests)).await
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

/// Audit's [`Journal`] that raises the contacts its batches make by answering.
#[derive(Debug)]
pub struct RaisingJournal {
    inner: Arc<dyn Journal>,
    generations: Generations,
}

impl RaisingJournal {
    /// Raises these generations.
    pub fn new(inner: Arc<dyn Journal>, generations: Generations) -> Self {
        Self { inner, generations }
    }
}

/// What the hand-offs of a batch touch.
fn handed_off(batch: &Batch) -> Result<Vec<Touched>, Fault> {
    let carried = batch.items.iter().filter_map(|it| it.companion.as_ref());
    let mut touched = Vec::new();
    for it in carried.filter(|it| it.kind == KIND) {
        if let Some(handoff) = Companion::decode(&it.body)?.handoff {
            let own = NodeId::from_uuid(handoff.subject.uuid());
            let nodes = handoff.nodes.into_iter().chain([own]);
            touched.extend(each(Touched::Contacts, &batch.tenant, nodes));
        }
    }
    Ok(touched)
}

#[async_trait]
impl Journal for RaisingJournal {
    async fn take_over(&self, tenant: &TenantId, origin: &Origin) -> Result<Head, Fault> {
        self.inner.take_over(tenant, origin).await
    }

    async fn head(&self, tenant: &TenantId) -> Result<Option<Head>, Fault> {
        self.inner.head(tenant).await
    }

    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError> {
        let touched = handed_off(batch)?;
        raising(&self.generations, touched, self.inner.commit(batch)).await
    }

    async fn leaves(&self, tenant: &TenantId, from: u64, limit: usize) -> Result<Vec<Leaf>, Fault> {
        self.inner.leaves(tenant, from, limit).await
    }
}
