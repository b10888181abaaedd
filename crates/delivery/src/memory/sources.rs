//! The answers other domains give, in memory, and a sender that remembers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{
    Channel, DecisionId, DeliveryId, Digest, Epoch, Epochs, Fault, Instant, Known, NodeId,
    PersonAt, SubjectId, TenantId, Value,
};

use crate::{
    attempt::{Attempt, AttemptId},
    content::Artifacts,
    permission::{Ask, Outcome, Verdict},
    ports::{
        AddressBook, ArtifactSource, Content, HandOffError, LinkAsk, Links, MessageLinks,
        PermissionSource, PersonSource, Sender,
    },
    sender::{Accepted, Address, AddressRef, Destination, Rendered},
    service::Sources,
    zone::ZoneEvidence,
};

/// Everything a preparation asks for, set by hand.
#[derive(Debug, Default)]
pub struct MemorySources {
    held: Mutex<Held>,
    outage: AtomicBool,
}

#[derive(Debug, Default)]
struct Held {
    verdicts: BTreeMap<SubjectId, Verdict>,
    people: BTreeMap<SubjectId, PersonAt>,
    addresses: BTreeMap<(SubjectId, Channel), (NodeId, String)>,
    zones: BTreeMap<SubjectId, ZoneEvidence>,
    live: Arc<Artifacts>,
    released: BTreeMap<Digest, Arc<Artifacts>>,
    values: BTreeMap<DecisionId, BTreeMap<String, Known<Value>>>,
}

impl MemorySources {
    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }

    /// These ports as a preparer takes them.
    pub fn ports(self: &Arc<Self>) -> Sources {
        Sources {
            permissions: Arc::clone(self) as _,
            people: Arc::clone(self) as _,
            addresses: Arc::clone(self) as _,
            links: Arc::clone(self) as _,
            content: Arc::clone(self) as _,
            artifacts: Arc::clone(self) as _,
        }
    }

    /// A person; each of the subjects named resolves to them.
    pub fn set_person(&self, subjects: &[SubjectId], person: &PersonAt) {
        self.locked(|it| {
            for subject in subjects {
                it.people.insert(*subject, person.clone());
            }
        });
    }

    /// What permission answers for a person; a permit with epochs of its identity by default.
    pub fn set_verdict(&self, subject: SubjectId, verdict: Verdict) {
        self.locked(|it| it.verdicts.insert(subject, verdict));
    }

    /// An address of a person.
    pub fn set_address(&self, subject: SubjectId, channel: Channel, node: NodeId, text: &str) {
        self.locked(|it| it.addresses.insert((subject, channel), (node, text.to_owned())));
    }

    /// What is known of where a person is.
    pub fn set_zone(&self, subject: SubjectId, evidence: ZoneEvidence) {
        self.locked(|it| it.zones.insert(subject, evidence));
    }

    /// The live artifacts.
    pub fn set_live(&self, artifacts: Arc<Artifacts>) {
        self.locked(|it| it.live = artifacts);
    }

    /// The artifacts of a former release.
    pub fn set_released(&self, release: Digest, artifacts: Arc<Artifacts>) {
        self.locked(|it| it.released.insert(release, artifacts));
    }

    /// The bundle of a decision.
    pub fn set_values(&self, decision: DecisionId, values: BTreeMap<String, Known<Value>>) {
        self.locked(|it| it.values.insert(decision, values));
    }

    fn locked<T>(&self, f: impl FnOnce(&mut Held) -> T) -> T {
        f(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn available(&self) -> Result<(), Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry("asking another domain"));
        }
        Ok(())
    }
}

#[async_trait]
impl PermissionSource for MemorySources {
    async fn verdict(&self, _tenant: &TenantId, ask: &Ask) -> Result<Verdict, Fault> {
        self.available()?;
        let default = || Verdict {
            outcome: Outcome::Permitted,
            reasons: Vec::new(),
            epochs: Epochs {
                identity: ask.person.identity,
                person: Epoch::default(),
                policy: Epoch::default(),
            },
            good_until: ask.as_of.plus(TimeDelta::seconds(60)),
            obligations: Vec::new(),
            digest: Digest::of(b"verdict"),
        };
        Ok(self.locked(|it| it.verdicts.get(&ask.person.subject).cloned().unwrap_or_else(default)))
    }
}

#[async_trait]
impl PersonSource for MemorySources {
    async fn person(
        &self,
        _tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Option<PersonAt>, Fault> {
        self.available()?;
        Ok(self.locked(|it| it.people.get(&subject).cloned()))
    }
}

#[async_trait]
impl AddressBook for MemorySources {
    async fn address(
        &self,
        _tenant: &TenantId,
        person: &PersonAt,
        channel: Channel,
    ) -> Result<Option<AddressRef>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let (node, _) = it.addresses.get(&(person.subject, channel))?;
            Some(AddressRef { node: *node, verified: true })
        }))
    }

    async fn open(&self, _tenant: &TenantId, node: NodeId) -> Result<Option<Address>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let found = it.addresses.values().find(|(held, _)| *held == node);
            found.map(|(_, text)| Address::new(text.clone()))
        }))
    }

    async fn zones(&self, _tenant: &TenantId, person: &PersonAt) -> Result<ZoneEvidence, Fault> {
        self.available()?;
        Ok(self
            .locked(|it| it.zones.get(&person.subject).cloned().unwrap_or(ZoneEvidence::Unknown)))
    }
}

#[async_trait]
impl Links for MemorySources {
    async fn mint(&self, _tenant: &TenantId, asks: &[LinkAsk]) -> Result<Vec<MessageLinks>, Fault> {
        self.available()?;
        let links = |ask: &LinkAsk| {
            let token = ask.delivery.uuid().simple().to_string();
            MessageLinks {
                one_click: format!("https://example.test/o/{token}"),
                preferences: format!("https://example.test/p/{token}"),
                why: format!("https://example.test/w/{token}"),
            }
        };
        Ok(asks.iter().map(links).collect())
    }
}

#[async_trait]
impl Content for MemorySources {
    async fn released(
        &self,
        _tenant: &TenantId,
        release: &Digest,
    ) -> Result<Option<Arc<Artifacts>>, Fault> {
        self.available()?;
        Ok(self.locked(|it| it.released.get(release).cloned()))
    }

    async fn values(
        &self,
        _tenant: &TenantId,
        decision: DecisionId,
    ) -> Result<BTreeMap<String, Known<Value>>, Fault> {
        self.available()?;
        Ok(self.locked(|it| it.values.get(&decision).cloned().unwrap_or_default()))
    }
}

#[async_trait]
impl ArtifactSource for MemorySources {
    async fn live(&self, _tenant: &TenantId) -> Result<Arc<Artifacts>, Fault> {
        self.available()?;
        Ok(self.locked(|it| Arc::clone(&it.live)))
    }
}

/// A sender that remembers what it was handed, once per delivery, and answers as told.
#[derive(Debug, Default)]
pub struct MemorySender {
    sent: Mutex<Vec<Sent>>,
    answers: Mutex<Vec<HandOffError>>,
}

/// One hand-off as the sender saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The attempt.
    pub attempt: AttemptId,
    /// When the gate let it through.
    pub committed_at: Instant,
    /// The delivery.
    pub delivery: DeliveryId,
    /// Where it went.
    pub destination: Destination,
    /// The message.
    pub message: Rendered,
}

impl MemorySender {
    /// What it was handed, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails the next hand-offs, the first given first.
    pub fn fail_with(&self, errors: &[HandOffError]) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.extend(errors.iter().rev().cloned());
    }
}

#[async_trait]
impl Sender for MemorySender {
    async fn hand_off(
        &self,
        attempt: &Attempt,
        message: &Rendered,
        destination: &Destination,
    ) -> Result<Accepted, HandOffError> {
        if let Some(error) = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Err(error);
        }
        let delivery = attempt.id().delivery;
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.iter().all(|it| it.delivery != delivery) {
            sent.push(Sent {
                attempt: attempt.id(),
                committed_at: attempt.committed_at(),
                delivery,
                destination: destination.clone(),
                message: message.clone(),
            });
        }
        Ok(Accepted::default())
    }
}
