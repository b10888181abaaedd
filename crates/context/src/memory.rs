//! The reference implementation of context's ports, with outages that can be switched on.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use kernel::{
    EventId, Fault, Instant, Limit, NodeId, PersonAt, SystemId, TenantId, memory::MemoryFeed,
};

use crate::{
    Artifacts, Event, EventType, ObjectRef, Position,
    event::{EventKey, Seen},
    freshness::{Arrivals, Board},
    ports::{
        Admission, AnnounceError, Announcement, AppendError, Application, ApplyError,
        ArtifactSource, Asked, ContextStore, DeadLetter, DeadLetterGroup, DeadLetters, EventLog,
        FreshnessBoard, Pending, Resolved, Standing, StandingSource, SubjectResolver, Tally,
    },
    view::{Contribution, View, ViewVersion},
};

/// Events, fields, dead letters and arrivals in memory: one store, as in SQL.
#[derive(Debug)]
pub struct MemoryContext {
    state: Mutex<State>,
    outage: AtomicBool,
    feed: Arc<MemoryFeed>,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Event>,
    applied: Position,
    values: BTreeMap<TenantId, Vec<Contribution>>,
    versions: BTreeMap<(TenantId, NodeId), u64>,
    dead: Vec<(TenantId, DeadLetter)>,
    tallies: BTreeMap<TenantId, Vec<Tally>>,
    arrivals: BTreeMap<(TenantId, SystemId, EventType), Arrivals>,
}

impl MemoryContext {
    /// An empty store that tells this feed.
    pub fn new(feed: Arc<MemoryFeed>) -> Self {
        Self { state: Mutex::default(), outage: AtomicBool::new(false), feed }
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }

    fn locked<T>(&self, f: impl FnOnce(&mut State) -> T) -> Result<T, Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry("reaching the context store"));
        }
        Ok(f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[async_trait]
impl EventLog for MemoryContext {
    async fn seen(&self, tenant: &TenantId, keys: &[EventKey]) -> Result<Vec<Seen>, Fault> {
        self.locked(|it| {
            let asked = |event: &&Event| event.tenant == *tenant && keys.contains(&event.key());
            let seen =
                |event: &Event| Seen { key: event.key(), event: event.id, content: event.content };
            it.events.iter().filter(asked).map(seen).collect()
        })
    }

    async fn admit(&self, admission: &Admission) -> Result<(), AppendError> {
        self.locked(|it| {
            let mut keys: BTreeSet<_> =
                it.events.iter().map(|event| (event.tenant.clone(), event.key())).collect();
            let fresh = |event: &Event| keys.insert((event.tenant.clone(), event.key()));
            if !admission.events.iter().all(fresh) {
                return Err(AppendError::Raced);
            }
            let tenant = &admission.tenant;
            it.events.extend_from_slice(&admission.events);
            it.dead.extend(admission.dead.iter().map(|dead| (tenant.clone(), dead.clone())));
            let tallies = it.tallies.entry(tenant.clone()).or_default();
            for tally in &admission.tallies {
                let same = |other: &&mut Tally| {
                    Tally { n: 0, ..(*other).clone() } == Tally { n: 0, ..tally.clone() }
                };
                match tallies.iter_mut().find(same) {
                    Some(held) => held.n += tally.n,
                    None => tallies.push(tally.clone()),
                }
            }
            for arrival in &admission.arrivals {
                let key = (tenant.clone(), arrival.source.clone(), arrival.kind.clone());
                let held = it.arrivals.entry(key).or_insert_with(|| arrival.clone());
                if held.received_at < arrival.received_at {
                    held.received_at = arrival.received_at;
                    held.lag_micros = arrival.lag_micros;
                }
            }
            self.feed.push(&admission.facts);
            Ok(())
        })?
    }

    async fn events(&self, tenant: &TenantId, ids: &[EventId]) -> Result<Vec<Event>, Fault> {
        self.locked(|it| {
            let asked = |event: &&Event| event.tenant == *tenant && ids.contains(&event.id);
            it.events.iter().filter(asked).cloned().collect()
        })
    }

    async fn pending(&self, limit: Limit) -> Result<Pending, Fault> {
        self.locked(|it| {
            let after = it.applied;
            let events = (1_u64..)
                .zip(&it.events)
                .filter(|(position, _)| *position > after)
                .take(usize::from(limit.get()))
                .map(|(position, event)| (position, event.clone()))
                .collect();
            Pending { after, events }
        })
    }
}

#[async_trait]
impl ContextStore for MemoryContext {
    async fn view(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        objects: &[ObjectRef],
    ) -> Result<View, Fault> {
        self.locked(|it| {
            let version = |node: &NodeId| it.versions.get(&(tenant.clone(), *node)).copied();
            let version = ViewVersion(nodes.iter().filter_map(version).sum());
            let asked = |value: &&Contribution| {
                nodes.contains(&value.node)
                    && value.object.as_ref().is_none_or(|object| objects.contains(object))
            };
            let values = it.values.get(tenant).map(Vec::as_slice).unwrap_or_default();
            View::fold(version, values.iter().filter(asked).cloned().collect())
        })
    }

    async fn versions(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> Result<BTreeMap<NodeId, u64>, Fault> {
        self.locked(|it| {
            let version =
                |node: &NodeId| Some((*node, *it.versions.get(&(tenant.clone(), *node))?));
            nodes.iter().filter_map(version).collect()
        })
    }

    async fn apply(&self, application: &Application) -> Result<(), ApplyError> {
        self.locked(|it| {
            if it.applied != application.after {
                return Err(ApplyError::Moved);
            }
            it.applied = application.through;
            for (tenant, values) in &application.values {
                let events: BTreeSet<_> = values.iter().map(|it| (it.node, it.event)).collect();
                for (node, _) in events {
                    *it.versions.entry((tenant.clone(), node)).or_default() += 1;
                }
                it.values.entry(tenant.clone()).or_default().extend_from_slice(values);
            }
            it.dead.extend_from_slice(&application.dead);
            self.feed.push(&application.facts);
            Ok(())
        })?
    }
}

#[async_trait]
impl DeadLetters for MemoryContext {
    async fn groups(&self, tenant: &TenantId, limit: Limit) -> Result<Vec<DeadLetterGroup>, Fault> {
        self.locked(|it| {
            let mut groups: BTreeMap<_, (u64, Instant, Instant)> = BTreeMap::new();
            for (_, dead) in it.dead.iter().filter(|(owner, _)| owner == tenant) {
                let key = (dead.kind.clone(), dead.code, dead.pointer.clone());
                let at = dead.received_at;
                let group = groups.entry(key).or_insert((0, at, at));
                *group = (group.0 + 1, group.1.min(at), group.2.max(at));
            }
            let mut out: Vec<_> = groups
                .into_iter()
                .map(|((kind, code, pointer), (n, first_at, last_at))| DeadLetterGroup {
                    kind,
                    code,
                    pointer,
                    n,
                    first_at,
                    last_at,
                })
                .collect();
            out.sort_by(|a, b| b.n.cmp(&a.n).then_with(|| a.cmp(b)));
            out.truncate(usize::from(limit.get()));
            out
        })
    }

    async fn tallies(&self, tenant: &TenantId) -> Result<Vec<Tally>, Fault> {
        self.locked(|it| {
            let mut out = it.tallies.get(tenant).cloned().unwrap_or_default();
            out.sort();
            out
        })
    }
}

#[async_trait]
impl FreshnessBoard for MemoryContext {
    async fn board(&self, tenant: &TenantId) -> Result<Board, Fault> {
        self.locked(|it| {
            let mine = it.arrivals.iter().filter(|((owner, ..), _)| owner == tenant);
            Board::new(mine.map(|(_, arrivals)| arrivals.clone()))
        })
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, Fault> {
        self.locked(|it| {
            let tenants: BTreeSet<_> = it.arrivals.keys().map(|(tenant, ..)| tenant).collect();
            tenants.into_iter().cloned().collect()
        })
    }

    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError> {
        self.locked(|it| {
            let Announcement { tenant, source, kind, from, to, facts } = announcement;
            match it.arrivals.get_mut(&(tenant.clone(), source.clone(), kind.clone())) {
                Some(held) if held.announced == *from => {
                    held.announced = *to;
                    self.feed.push(facts);
                    Ok(())
                }
                _ => Err(AnnounceError::Moved),
            }
        })?
    }
}

/// Neighbours that give fixed answers: one person per subject identifier, one standing, one release.
#[derive(Debug)]
pub struct MemoryNeighbours {
    artifacts: Arc<Artifacts>,
    standing: Mutex<Standing>,
    people: Mutex<BTreeMap<(String, String), NodeId>>,
    outage: AtomicBool,
}

impl MemoryNeighbours {
    /// Neighbours of this release, with nobody known and nothing standing.
    pub fn new(artifacts: Arc<Artifacts>) -> Self {
        Self {
            artifacts,
            standing: Mutex::default(),
            people: Mutex::default(),
            outage: AtomicBool::new(false),
        }
    }

    /// Knows a node by an identifier.
    pub fn know(&self, namespace: &str, value: &str, node: NodeId) {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.insert((namespace.to_owned(), value.to_owned()), node);
    }

    /// Lets these purposes stand for everybody.
    pub fn stand(&self, standing: Standing) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// Fails every call but those for artifacts until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }

    fn available(&self) -> Result<(), Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry("asking a neighbour"));
        }
        Ok(())
    }
}

#[async_trait]
impl SubjectResolver for MemoryNeighbours {
    async fn resolve(&self, _: &TenantId, asked: &[Asked]) -> Result<Vec<Resolved>, Fault> {
        self.available()?;
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let resolve = |asked: &Asked| {
            let key = |it: &crate::Identifier| (it.namespace.clone(), it.value.clone());
            let node = asked.identifiers.first().and_then(|it| people.get(&key(it))).copied();
            let person = node.map(|it| PersonAt {
                subject: kernel::SubjectId::from_uuid(it.uuid()),
                nodes: vec![it],
                identity: kernel::Epoch(1),
            });
            Resolved { person, node, reasons: Vec::new() }
        };
        Ok(asked.iter().map(resolve).collect())
    }
}

#[async_trait]
impl StandingSource for MemoryNeighbours {
    async fn standing(&self, _: &TenantId, _: &PersonAt) -> Result<Standing, Fault> {
        self.available()?;
        Ok(self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

#[async_trait]
impl ArtifactSource for MemoryNeighbours {
    async fn live(&self, _: &TenantId) -> Result<Arc<Artifacts>, Fault> {
        Ok(Arc::clone(&self.artifacts))
    }
}
