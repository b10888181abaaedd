//! Deliveries, gate, contacts and inbox in memory, as one desk: they share their state.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Waker},
};

use async_trait::async_trait;
use kernel::{
    Cursor, DeliveryId, Epoch, Epochs, Fact, Fault, Instant, Limit, NodeId, Page, PersonAt,
    SubjectId, TenantId, memory::MemoryFeed,
};

use crate::{
    attempt::{AttemptId, Grant},
    caps::CAP_WINDOW_DAYS_MAX,
    contact::{Entry, EntryState},
    gate::{GateRequest, GateView, Heads, Judge, Judgement, judge, judge_all},
    message::Delivery,
    ports::{
        AttemptRecord, Change, Conclusion, ContactLedger, ContactMove, DeliveryStore, Filter,
        Inbox, Letter, Overdue, Planned, SendGate, Settled, Trail,
    },
    state::State,
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
        let own = crate::contact::ContactId::from(request.delivery.id);
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
        let id = crate::contact::ContactId::from(it.attempt.delivery);
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

#[async_trait]
impl DeliveryStore for MemoryDesk {
    async fn plan(&self, planned: Vec<Planned>, notes: Vec<Fact>) -> Result<usize, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let mut new = 0;
            for Planned { delivery, facts } in planned {
                let known = it.deliveries.values().any(|other| {
                    other.tenant == delivery.tenant
                        && other.decision == delivery.decision
                        && other.treatment == delivery.treatment
                });
                if !known {
                    self.feed.push(&facts);
                    it.deliveries.insert((delivery.tenant.clone(), delivery.id), delivery);
                    new += 1;
                }
            }
            self.feed.push(&notes);
            new
        }))
    }

    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Delivery>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let due = |it: &Delivery| it.state.due_at(it.not_before).filter(|at| *at <= now);
            let mut out: Vec<_> = it.deliveries.values().filter(|it| due(it).is_some()).collect();
            out.sort_by_key(|it| (due(it), u8::MAX - it.priority, it.id));
            out.into_iter().take(limit).cloned().collect()
        }))
    }

    async fn get(&self, tenant: &TenantId, id: DeliveryId) -> Result<Option<Trail>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let delivery = it.deliveries.get(&(tenant.clone(), id))?.clone();
            let attempts = it
                .attempts
                .iter()
                .filter(|((of, attempt), _)| of == tenant && attempt.delivery == id)
                .map(|(_, (_, record))| record.clone())
                .collect();
            Some(Trail { delivery, attempts })
        }))
    }

    async fn append(&self, tenant: &TenantId, changes: Vec<Change>) -> Result<Vec<bool>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            changes
                .iter()
                .map(|change| {
                    let moved = it.move_to(tenant, change).is_some();
                    if moved {
                        self.feed.push(&change.facts);
                    }
                    moved
                })
                .collect()
        }))
    }

    async fn page(
        &self,
        tenant: &TenantId,
        filter: &Filter,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Page<Delivery>, Fault> {
        self.available()?;
        let items = self.locked(|it| {
            it.deliveries
                .values()
                .rev()
                .filter(|it| it.tenant == *tenant)
                .filter(|it| filter.subject.is_none_or(|subject| subject == it.subject))
                .filter(|it| filter.state.as_ref().is_none_or(|state| state == it.state.name()))
                .filter(|it| after.as_ref().is_none_or(|after| it.id.to_string() < after.0))
                .take(usize::from(limit.get()) + 1)
                .cloned()
                .collect()
        });
        Ok(page(items, limit, |it: &Delivery| it.id))
    }
}

fn page<T>(mut items: Vec<T>, limit: Limit, id: impl Fn(&T) -> DeliveryId) -> Page<T> {
    let more = items.len() > usize::from(limit.get());
    items.truncate(usize::from(limit.get()));
    let next = items.last().filter(|_| more).map(|it| Cursor(id(it).to_string()));
    Page { items, next }
}

#[async_trait]
impl SendGate for MemoryDesk {
    async fn pass(&self, now: Instant, requests: &[GateRequest]) -> Result<Vec<Judgement>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let views = requests.iter().map(|request| it.view(request, now)).collect();
            let judgements = judge_all(self.judge, requests, views, now);
            for (request, judgement) in requests.iter().zip(&judgements) {
                let tenant = &request.delivery.tenant;
                match judgement {
                    Judgement::Passed(grant, change) => {
                        it.open(grant);
                        it.reserve(tenant, request.entry(now));
                        if let Some(delivery) = it.move_to(tenant, change) {
                            delivery.attempts = grant.id().n;
                        }
                        self.feed.push(&change.facts);
                    }
                    Judgement::Stopped(change) => {
                        it.move_to(tenant, change);
                        self.feed.push(&change.facts);
                    }
                    Judgement::Moved | Judgement::Gone => {}
                }
            }
            judgements
        }))
    }

    async fn rehearse(&self, now: Instant, request: &GateRequest) -> Result<Judgement, Fault> {
        self.available()?;
        let mut view = self.locked(|it| it.view(request, now));
        view.version = Some(request.delivery.version);
        Ok((self.judge)(request, view, now))
    }

    async fn conclude(&self, conclusions: Vec<Conclusion>) -> Result<Vec<bool>, Fault> {
        self.available()?;
        let (ended, waiting) = self.locked(|it| {
            let ended: Vec<bool> = conclusions
                .iter()
                .map(|conclusion| {
                    let ended = it.conclude(conclusion);
                    if ended {
                        self.feed.push(&conclusion.facts);
                    }
                    ended
                })
                .collect();
            (ended, std::mem::take(&mut it.waiting))
        });
        waiting.into_iter().for_each(Waker::wake);
        Ok(ended)
    }

    async fn settle(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        now: Instant,
        until: Instant,
    ) -> Result<Vec<Settled>, Fault> {
        self.available()?;
        let waited: Vec<AttemptId> = self.locked(|it| {
            it.attempts
                .iter()
                .filter(|((of, _), (held, record))| {
                    of == tenant
                        && record.outcome.is_none()
                        && nodes.iter().any(|node| held.contains(node))
                })
                .map(|((_, id), _)| *id)
                .collect()
        });
        let standing = |it: &Desk| -> Vec<Settled> {
            let outcome = |id: &AttemptId| {
                it.attempts
                    .get(&(tenant.clone(), *id))
                    .and_then(|(_, record)| record.outcome.clone())
            };
            waited.iter().map(|id| Settled { attempt: *id, outcome: outcome(id) }).collect()
        };
        Ok(poll_fn(|context| {
            self.locked(|it| {
                let settled = standing(it);
                if now >= until || settled.iter().all(|one| one.outcome.is_some()) {
                    return Poll::Ready(settled);
                }
                it.waiting.push(context.waker().clone());
                Poll::Pending
            })
        })
        .await)
    }

    async fn overdue(&self, now: Instant, limit: usize) -> Result<Vec<Overdue>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let open = it
                .attempts
                .iter()
                .filter(|(_, (_, record))| record.outcome.is_none() && record.deadline <= now);
            open.filter_map(|((tenant, id), _)| {
                let delivery = it.deliveries.get(&(tenant.clone(), id.delivery))?.clone();
                matches!(delivery.state, State::InFlight { .. })
                    .then_some(Overdue { attempt: *id, delivery })
            })
            .take(limit)
            .collect()
        }))
    }
}

#[async_trait]
impl ContactLedger for MemoryDesk {
    async fn history(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        since: Instant,
    ) -> Result<Vec<Entry>, Fault> {
        self.available()?;
        Ok(self.locked(|it| it.history(tenant, nodes, since)))
    }

    async fn record(
        &self,
        tenant: &TenantId,
        contacts: Vec<(Entry, Fact)>,
    ) -> Result<usize, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let known = it.contacts.entry(tenant.clone()).or_default();
            let mut new = 0;
            for (entry, fact) in contacts {
                if known.iter().all(|it| it.id != entry.id) {
                    known.push(entry);
                    self.feed.push(&[fact]);
                    new += 1;
                }
            }
            new
        }))
    }
}

#[async_trait]
impl Inbox for MemoryDesk {
    async fn put(&self, letter: Letter) -> Result<(), Fault> {
        self.available()?;
        self.locked(|it| {
            it.letters.entry((letter.tenant.clone(), letter.delivery)).or_insert(letter);
        });
        Ok(())
    }

    async fn get(&self, tenant: &TenantId, id: DeliveryId) -> Result<Option<Letter>, Fault> {
        self.available()?;
        Ok(self.locked(|it| it.letters.get(&(tenant.clone(), id)).cloned()))
    }

    async fn page(
        &self,
        tenant: &TenantId,
        subject: Option<SubjectId>,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Page<Letter>, Fault> {
        self.available()?;
        let items = self.locked(|it| {
            it.letters
                .values()
                .rev()
                .filter(|it| it.tenant == *tenant)
                .filter(|it| subject.is_none_or(|subject| subject == it.subject))
                .filter(|it| after.as_ref().is_none_or(|after| it.delivery.to_string() < after.0))
                .take(usize::from(limit.get()) + 1)
                .cloned()
                .collect()
        });
        Ok(page(items, limit, |it: &Letter| it.delivery))
    }
}
