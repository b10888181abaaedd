//! Reference implementations of the ports, with outages that can be switched on.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use kernel::{Digest, Epochs, Fault, Instant, JourneyNode, PersonAt, SubjectId, TenantId, bucket};

use crate::{
    artifacts::Artifacts,
    inputs::{Draw, Headroom, Permission, Verdict},
    node::Unit,
    occurrence::SubjectKey,
    person::Person,
    ports::{
        ArmSource, Contact, ContactHistory, DrawAsk, HistoryAsk, Identifier, NodeHistory,
        PermissionAsk, PermissionSource, PersonSource, Release, ReleaseSource,
    },
    reasons,
};

mod context;
mod journal;
mod timetable;

pub use context::MemoryContext;
pub use journal::MemoryJournal;
pub use timetable::MemoryTimetable;

/// State behind a lock, and a switch that fails every call.
#[derive(Debug, Default)]
pub(crate) struct Shelf<T> {
    state: Mutex<T>,
    outage: AtomicBool,
}

impl<T> Shelf<T> {
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn asked<R>(&self, f: impl FnOnce(&mut T) -> R) -> Result<R, Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry("asking a memory port"));
        }
        Ok(self.with(f))
    }

    pub(crate) fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }
}

/// Releases in memory.
#[derive(Debug, Default)]
pub struct MemoryReleases(Shelf<BTreeMap<TenantId, Vec<Arc<Release>>>>);

impl MemoryReleases {
    /// Makes a bundle live.
    pub fn activate(&self, tenant: &TenantId, digest: Digest, artifacts: Arc<Artifacts>) {
        self.0.with(|it| {
            let releases = it.entry(tenant.clone()).or_default();
            let sequence = u64::try_from(releases.len()).unwrap_or(u64::MAX).saturating_add(1);
            releases.push(Arc::new(Release { digest, sequence, artifacts }));
        });
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.0.set_outage(on);
    }
}

#[async_trait]
impl ReleaseSource for MemoryReleases {
    async fn current(&self, tenant: &TenantId) -> Result<Option<Arc<Release>>, Fault> {
        self.0.asked(|it| it.get(tenant).and_then(|it| it.last()).cloned())
    }

    async fn by_digest(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Option<Arc<Artifacts>>, Fault> {
        self.0.asked(|it| {
            let found = it.get(tenant)?.iter().find(|it| it.digest == digest)?;
            Some(Arc::clone(&found.artifacts))
        })
    }
}

/// Persons in memory.
#[derive(Debug, Default)]
pub struct MemoryPersons(Shelf<People>);

#[derive(Debug, Default)]
struct People {
    persons: BTreeMap<(TenantId, SubjectId), Person>,
    heads: BTreeMap<(TenantId, SubjectId), SubjectId>,
    identifiers: Vec<(TenantId, Identifier, SubjectId)>,
}

impl MemoryPersons {
    /// Keeps a person and the identifiers that lead to them.
    pub fn put(&self, tenant: &TenantId, at: PersonAt, identifiers: &[Identifier]) {
        self.0.with(|it| {
            let subject = at.subject;
            let key = SubjectKey::new(*Digest::of(subject.uuid().as_bytes()).as_bytes());
            it.persons.insert((tenant.clone(), subject), Person { own: at.nodes.clone(), at, key });
            for identifier in identifiers {
                it.identifiers.push((tenant.clone(), identifier.clone(), subject));
            }
        });
    }

    /// From now on one subject resolves to another.
    pub fn merge(&self, tenant: &TenantId, from: SubjectId, into: SubjectId) {
        self.0.with(|it| it.heads.insert((tenant.clone(), from), into));
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.0.set_outage(on);
    }
}

impl People {
    fn person(&self, tenant: &TenantId, subject: SubjectId) -> Option<Person> {
        let head = self.heads.get(&(tenant.clone(), subject)).copied().unwrap_or(subject);
        self.persons.get(&(tenant.clone(), head)).cloned()
    }
}

#[async_trait]
impl PersonSource for MemoryPersons {
    async fn find(
        &self,
        tenant: &TenantId,
        identifiers: &[Identifier],
    ) -> Result<Option<Person>, Fault> {
        self.0.asked(|it| {
            let mut found: Vec<SubjectId> = (it.identifiers.iter())
                .filter(|(t, known, _)| t == tenant && identifiers.contains(known))
                .filter_map(|(_, _, subject)| it.person(tenant, *subject))
                .map(|it| it.at.subject)
                .collect();
            found.sort_unstable();
            found.dedup();
            match *found {
                [one] => it.person(tenant, one),
                _ => None,
            }
        })
    }

    async fn persons(
        &self,
        tenant: &TenantId,
        subjects: &[SubjectId],
    ) -> Result<Vec<Option<Person>>, Fault> {
        self.0.asked(|it| subjects.iter().map(|s| it.person(tenant, *s)).collect())
    }
}

/// Verdicts in memory: refused unless told otherwise.
#[derive(Debug, Default)]
pub struct MemoryPermission(Shelf<Vec<(TenantId, SubjectId, PermissionAsk, Permission)>>);

impl MemoryPermission {
    /// From now on this ask has this answer.
    pub fn answer(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        ask: PermissionAsk,
        answer: Permission,
    ) {
        self.0.with(|it| it.push((tenant.clone(), subject, ask, answer)));
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.0.set_outage(on);
    }
}

#[async_trait]
impl PermissionSource for MemoryPermission {
    async fn verdicts(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        asks: &[PermissionAsk],
        as_of: Instant,
    ) -> Result<Vec<Verdict>, Fault> {
        self.0.asked(|it| {
            let epoch = u64::try_from(it.len()).unwrap_or(u64::MAX);
            let answer = |ask: &PermissionAsk| {
                let mine = |(t, s, a, _): &&(TenantId, SubjectId, PermissionAsk, Permission)| {
                    t == tenant && *s == person.subject && a == ask
                };
                it.iter().rev().find(mine).map_or(Permission::Refused, |(_, _, _, it)| *it)
            };
            asks.iter()
                .map(|ask| {
                    let permission = answer(ask);
                    let refused = permission == Permission::Refused;
                    Verdict {
                        permission,
                        reasons: refused.then_some(reasons::PRM_REFUSED).into_iter().collect(),
                        basis: (!refused).then(|| "A6-1-a".into()),
                        jurisdiction: Some("EU".into()),
                        epochs: Epochs {
                            identity: person.identity,
                            person: kernel::Epoch(epoch),
                            policy: kernel::Epoch(1),
                        },
                        good_until: Some(as_of.plus(chrono::TimeDelta::hours(1))),
                        evidence: Some(Digest::of(b"receipt")),
                        obligations: Vec::new(),
                    }
                })
                .collect()
        })
    }
}

/// Contacts in memory.
#[derive(Debug, Default)]
pub struct MemoryHistory(Shelf<Past>);

#[derive(Debug, Default)]
struct Past {
    contacts: Vec<(TenantId, SubjectId, JourneyNode, Contact)>,
    full: BTreeMap<(TenantId, SubjectId), Instant>,
}

impl MemoryHistory {
    /// Keeps a contact.
    pub fn record(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        node: JourneyNode,
        contact: Contact,
    ) {
        self.0.with(|it| it.contacts.push((tenant.clone(), subject, node, contact)));
    }

    /// Leaves a person no room under any cap until then.
    pub fn fill(&self, tenant: &TenantId, subject: SubjectId, until: Instant) {
        self.0.with(|it| it.full.insert((tenant.clone(), subject), until));
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.0.set_outage(on);
    }
}

#[async_trait]
impl ContactHistory for MemoryHistory {
    async fn history(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        asks: &[HistoryAsk],
        since: Instant,
        as_of: Instant,
    ) -> Result<Vec<NodeHistory>, Fault> {
        self.0.asked(|it| {
            let full = it.full.get(&(tenant.clone(), person.subject)).filter(|it| **it > as_of);
            asks.iter()
                .map(|ask| NodeHistory {
                    contacts: (it.contacts.iter())
                        .filter(|(t, s, node, contact)| {
                            t == tenant
                                && *s == person.subject
                                && *node == ask.node
                                && contact.at >= since
                        })
                        .map(|(.., contact)| contact.clone())
                        .collect(),
                    headroom: match full {
                        Some(until) if !ask.caps.is_empty() => Headroom::Full { until: *until },
                        _ => Headroom::Free,
                    },
                })
                .collect()
        })
    }
}

/// Arms in memory: the frozen bucketing under a fixed key.
#[derive(Debug, Default)]
pub struct MemoryArms;

impl ArmSource for MemoryArms {
    fn draw(&self, _: &TenantId, ask: DrawAsk<'_>) -> Draw {
        let unit = match ask.experiment.unit {
            Unit::Person => ask.subject.to_string(),
            Unit::Occurrence => ask.occurrence.to_string(),
        };
        let seed = "memory";
        let key = kernel::BucketKey::new([7; 16]);
        let unit_type = ask.experiment.unit.as_str();
        let bucket = bucket(&key, &ask.experiment.layer, seed, unit_type, &unit);
        let holdout = bucket < ask.experiment.holdback_ppm;
        let held = ask.experiment.holdback_ppm;
        Draw {
            arm: if holdout { "holdout" } else { "treated" }.into(),
            holdout,
            propensity_ppm: if holdout { held } else { 1_000_000_u32.saturating_sub(held) },
            layer: Arc::clone(&ask.experiment.layer),
            seed: seed.into(),
            bucket,
        }
    }
}
