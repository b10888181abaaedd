//! Deliveries, gate, contacts and inbox in memory, as one desk: they share their state.

mod contacts;
mod gate;
mod store;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};

use kernel::{
    Cursor, DeliveryId, Epoch, Epochs, Fault, Instant, Limit, NodeId, Page, PersonAt, SubjectId,
    TenantId, memory::MemoryFeed,
};

use crate::{
    attempt::{AttemptId, Grant},
    caps::CAP_WINDOW_DAYS_MAX,
    contact::{ContactId, Entry, EntryState},
    gate::{GateRequest, GateView, Heads, Judge, judge},
    message::Delivery,
    ports::{AttemptRecord, Change, Conclusion, ContactMove, Letter},
};

/// The delivery desk in memory.
#[derive(Debug)]
pub struct MemoryDesk {
    desk: Mutex<Desk>,
    feed: Arc<MemoryFeed>,
    outage: AtomicBool,
    judge: Judge,
}

#[derive(Debug, Default)]
struct Desk {
    deliveries: BTreeMap<(TenantId, DeliveryId), Delivery>,
    attempts: BTreeMap<(TenantId, AttemptId), (Vec<NodeId>, AttemptRecord)>,
    contacts: BTreeMap<TenantId, Vec<Entry>>,
    letters: BTreeMap<(TenantId, DeliveryId), Letter>,
    identity: BTreeMap<(TenantId, SubjectId), Epoch>,
    choices: BTreeMap<(TenantId, NodeId), Epoch>,
    policy: BTreeMap<TenantId, Epoch>,
    waiting: Vec<Waker>,
}

impl MemoryDesk {
    /// A desk that pushes its facts to this feed.
    pub fn new(feed: Arc<MemoryFeed>) -> Self {
        Self::judging(feed, judge)
    }

    /// A desk with another judge, to see a test fail.
    pub fn judging(feed: Arc<MemoryFeed>, judge: Judge) -> Self {
        Self { desk: Mutex::default(), feed, outage: AtomicBool::new(false), judge }
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }

    /// Sets the heads the gate reads for a person: identity, the first node's choices, policy.
    pub fn set_heads(&self, tenant: &TenantId, person: &PersonAt, epochs: Epochs) {
        self.locked(|it| {
            it.identity.insert((tenant.clone(), person.subject), epochs.identity);
            for (i, node) in person.nodes.iter().enumerate() {
                let epoch = if i == 0 { epochs.person } else { Epoch::default() };
                it.choices.insert((tenant.clone(), *node), epoch);
            }
            it.policy.insert(tenant.clone(), epochs.policy);
        });
    }

    fn locked<T>(&self, f: impl FnOnce(&mut Desk) -> T) -> T {
        f(&mut self.desk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn available(&self) -> Result<(), Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry("asking the delivery desk"));
        }
        Ok(())
    }
}

impl Desk {
    fn move_to(&mut self, tenant: &TenantId, change: &Change) -> Option<&mut Delivery> {
        let delivery = self.deliveries.get_mut(&(tenant.clone(), change.delivery))?;
        if delivery.version != change.expected {
            return None;
        }
        delivery.state = change.state.clone();
        delivery.version += 1;
        Some(delivery)
    }

    fn view(&self, request: &GateRequest, now: Instant) -> GateView {
        let tenant = &request.delivery.tenant;
        let since = now.minus(kernel::Period::days(CAP_WINDOW_DAYS_MAX).span());
        let choices = request
            .person
            .nodes
            .iter()
            .map(|it| self.choices.get(&(tenant.clone(), *it)).map_or(0, |epoch| epoch.0));
        let own = ContactId::from(request.delivery.id);
        GateView {
            version: self
                .deliveries
                .get(&(tenant.clone(), request.delivery.id))
                .map(|it| it.version),
            heads: Heads {
                identity: self.identity.get(&(tenant.clone(), request.person.subject)).copied(),
                person: Epoch(choices.sum()),
                policy: self.policy.get(tenant).copied().unwrap_or_default(),
            },
            served: self.deliveries.values().any(|it| {
                it.tenant == *tenant
                    && it.id != request.delivery.id
                    && it.occurrence == request.delivery.occurrence
                    && it.channel == request.delivery.channel
                    && it.state.serves()
            }),
            entries: self
                .history(tenant, &request.person.nodes, since)
                .into_iter()
                .filter(|it| it.id != own)
                .collect(),
        }
    }

    fn history(&self, tenant: &TenantId, nodes: &[NodeId], since: Instant) -> Vec<Entry> {
        let mut out: Vec<Entry> = self
            .contacts
            .get(tenant)
            .into_iter()
            .flatten()
            .filter(|it| nodes.contains(&it.node) && it.at >= since)
            .cloned()
            .collect();
        out.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        out
    }

    fn reserve(&mut self, tenant: &TenantId, entry: Entry) {
        let contacts = self.contacts.entry(tenant.clone()).or_default();
        contacts.retain(|it| it.id != entry.id);
        contacts.push(entry);
    }

    fn open(&mut self, grant: &Grant) {
        let record = AttemptRecord {
            id: grant.id(),
            epochs: grant.stamp().epochs(),
            verdict: grant.stamp().verdict(),
            rendered: grant.rendered(),
            windows: grant.windows().iter().map(|it| (*it).to_owned()).collect(),
            committed_at: grant.committed_at(),
            deadline: grant.deadline(),
            ended_at: None,
            outcome: None,
            reference: None,
        };
        let key = (grant.tenant().clone(), grant.id());
        self.attempts.insert(key, (grant.nodes().to_vec(), record));
    }

    fn conclude(&mut self, it: &Conclusion) -> bool {
        let key = (it.tenant.clone(), it.attempt);
        let Some((_, record)) = self.attempts.get_mut(&key) else { return false };
        if record.outcome.is_some() {
            return false;
        }
        record.outcome = Some(it.outcome.clone());
        record.ended_at = Some(it.at);
        record.reference.clone_from(&it.reference);
        let change = Change {
            delivery: it.attempt.delivery,
            expected: it.expected,
            state: it.state.clone(),
            facts: Vec::new(),
        };
        self.move_to(&it.tenant, &change);
        let id = ContactId::from(it.attempt.delivery);
        let contacts = self.contacts.entry(it.tenant.clone()).or_default();
        match it.contact {
            ContactMove::Keep => {}
            ContactMove::Release => contacts.retain(|entry| entry.id != id),
            ContactMove::Commit => {
                for entry in contacts.iter_mut().filter(|entry| entry.id == id) {
                    entry.state = EntryState::Committed;
                }
            }
        }
        true
    }
}

fn page<T>(mut items: Vec<T>, limit: Limit, id: impl Fn(&T) -> DeliveryId) -> Page<T> {
    let more = items.len() > usize::from(limit.get());
    items.truncate(usize::from(limit.get()));
    let next = items.last().filter(|_| more).map(|it| Cursor(id(it).to_string()));
    Page { items, next }
}
