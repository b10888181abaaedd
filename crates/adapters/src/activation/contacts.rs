//! Contact histories, kept close: raised by the gate, by records of other systems, and by answers
//! that are themselves the hand-off.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use async_trait::async_trait;
use audit::{
    entry::Leaf,
    note::Origin,
    ports::{CommitError, Committed, Head, Journal},
    sequence::Batch,
};
use decision::{
    companion::{Companion, KIND},
    ports::Handoff,
};
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
use crate::sql::companion::contact_made;

/// The most histories kept.
pub const HISTORIES_MAX: usize = 50_000;

/// The contacts of some nodes since an instant, oldest first.
type History = (Instant, Arc<[Entry]>);
/// Whose history: these nodes, ascending.
type Whose = (TenantId, Vec<NodeId>);

/// The histories kept close, of which there is one set: who reads a history and who adds to it
/// share it.
///
/// A history with a reserved place is not kept: its attempt will end, and the end of an attempt
/// names no node. What is kept is committed, and no attempt's end changes it.
#[derive(Debug, Clone)]
pub struct Histories(Arc<Activated<Whose, History>>);

impl Histories {
    /// None kept yet. The generations are raised by every answer, so they are best shared with
    /// nothing else: keys that share a counter miss together.
    pub fn new(generations: Generations) -> Self {
        Self(Arc::new(Activated::new(HISTORIES_MAX, generations)))
    }

    fn generations(&self) -> &Generations {
        self.0.generations()
    }
}

/// [`ContactLedger`] that asks again only when a contact may have been made.
pub struct CachedContacts {
    inner: Arc<dyn ContactLedger>,
    kept: Histories,
}

impl fmt::Debug for CachedContacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachedContacts")
    }
}

impl CachedContacts {
    /// A cache before this ledger.
    pub fn new(inner: Arc<dyn ContactLedger>, kept: Histories) -> Self {
        Self { inner, kept }
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
        if let Some((from, entries)) = self.kept.0.get(&key)
            && from <= since
        {
            return Ok(entries.iter().filter(|it| it.at >= since).cloned().collect());
        }
        let stamp = each(Touched::Contacts, tenant, nodes.iter().copied());
        let stamp = self.kept.generations().stamp(stamp);
        let entries = self.inner.history(tenant, nodes, since).await?;
        if entries.iter().all(|it| it.state == EntryState::Committed) {
            self.kept.0.fill(key, (since, entries.as_slice().into()), stamp);
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
    kept: Histories,
}

impl RaisingGate {
    /// Raises the generations of these histories.
    pub fn new(inner: Arc<dyn SendGate>, kept: Histories) -> Self {
        Self { inner, kept }
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
        raising(self.kept.generations(), touched, self.inner.pass(now, requests)).await
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

/// Audit's [`Journal`] that raises the contacts its batches make by answering, and carries those
/// contacts into the histories kept before: a person who was answered is read no slower next time.
#[derive(Debug)]
pub struct RaisingJournal {
    inner: Arc<dyn Journal>,
    kept: Histories,
}

impl RaisingJournal {
    /// Raises the generations of these histories, and adds to them.
    pub fn new(inner: Arc<dyn Journal>, kept: Histories) -> Self {
        Self { inner, kept }
    }
}

/// The hand-offs of a batch, by item.
fn handed_off(batch: &Batch) -> Result<BTreeMap<usize, Handoff>, Fault> {
    let mut found = BTreeMap::new();
    for (item, it) in batch.items.iter().enumerate() {
        if let Some(carried) = it.companion.as_ref().filter(|it| it.kind == KIND)
            && let Some(handoff) = Companion::decode(&carried.body)?.handoff
        {
            found.insert(item, handoff);
        }
    }
    Ok(found)
}

/// A history with the contact an answer made; `None` where the contact is on no node of it.
fn with(history: &History, whose: &Whose, made: &Handoff) -> Option<History> {
    let entry = contact_made(made);
    whose.1.binary_search(&entry.node).ok()?;
    let mut entries = history.1.to_vec();
    let place = entries.partition_point(|it| (it.at, &it.id.0) < (entry.at, &entry.id.0));
    entries.insert(place, entry);
    Some((history.0, entries.into()))
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
        let handoffs = handed_off(batch)?;
        let touched: Vec<_> = (handoffs.values())
            .map(|it| Touched::Contacts(batch.tenant.clone(), contact_made(it).node))
            .collect();
        let mut before = HashMap::new();
        for it in handoffs.values() {
            let whose = (batch.tenant.clone(), it.nodes.clone());
            if let Some(history) = self.kept.0.before(&whose) {
                before.entry(whose).or_insert(history);
            }
        }
        let write = self.inner.commit(batch);
        let committed = raising(self.kept.generations(), touched.clone(), write).await?;
        let dropped: BTreeSet<_> = committed.dropped.iter().map(|it| it.item).collect();
        for (_, made) in handoffs.iter().filter(|(item, _)| !dropped.contains(item)) {
            let whose = (batch.tenant.clone(), made.nodes.clone());
            if let Some((history, _)) = before.get_mut(&whose)
                && let Some(after) = with(history, &whose, made)
            {
                *history = after;
            }
        }
        for (whose, (history, stamp)) in before {
            self.kept.0.carry(whose, history, &stamp, &touched);
        }
        Ok(committed)
    }

    async fn leaves(&self, tenant: &TenantId, from: u64, limit: usize) -> Result<Vec<Leaf>, Fault> {
        self.inner.leaves(tenant, from, limit).await
    }
}
