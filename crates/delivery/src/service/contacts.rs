//! Contacts made by us and by others, and how much room the caps leave.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::future::join;
use kernel::{
    Clock, Entropy, FactId, Fault, Instant, NodeId, Period, PersonAt, SubjectId, TenantId,
};

use crate::{
    caps::{self, CAP_WINDOW_DAYS_MAX, CapVerdict},
    contact::{ContactId, Entry},
    fact,
    message::Delivery,
    ports::{AddressBook, ArtifactSource, ContactLedger},
    zone::{self, ZoneEvidence},
};

/// What the caps say before anything is decided: a hint that may say no early, never a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headroom {
    /// What each cap would say of one more contact now, by name.
    pub caps: BTreeMap<String, CapVerdict>,
}

/// The history of contacts.
#[derive(Debug, Clone)]
pub struct ContactService {
    ledger: Arc<dyn ContactLedger>,
    artifacts: Arc<dyn ArtifactSource>,
    addresses: Arc<dyn AddressBook>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl ContactService {
    /// The service over these ports.
    pub fn new(
        ledger: Arc<dyn ContactLedger>,
        artifacts: Arc<dyn ArtifactSource>,
        addresses: Arc<dyn AddressBook>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { ledger, artifacts, addresses, clock, entropy }
    }

    /// The person's contacts since an instant, oldest first.
    pub async fn history(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        since: Instant,
    ) -> Result<Vec<Entry>, Fault> {
        self.ledger.history(tenant, &person.nodes, since).await
    }

    /// The node a delivery went to, or may have gone to; `None` where nothing was handed off. The
    /// address a person has now may be another, so these nodes of the person now are looked at
    /// beside those the delivery was planned for.
    pub async fn reached(
        &self,
        delivery: &Delivery,
        now: &[NodeId],
    ) -> Result<Option<NodeId>, Fault> {
        let nodes: BTreeSet<_> = delivery.nodes.iter().chain(now).copied().collect();
        let nodes: Vec<_> = nodes.into_iter().collect();
        let since = delivery.planned_at;
        let entries = self.ledger.history(&delivery.tenant, &nodes, since).await?;
        let id = ContactId::from(delivery.id);
        Ok(entries.into_iter().find(|it| it.id == id).map(|it| it.node))
    }

    /// What these caps would say of one more contact at an instant. A cap that is not released is
    /// not in the answer.
    pub async fn headroom(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        names: &[String],
        at: Instant,
    ) -> Result<Headroom, Fault> {
        Ok(self.look_back(tenant, person, at, names, at).await?.1)
    }

    /// The person's contacts since an instant, oldest first, and what these caps would say of one
    /// more at another: from one reading, beside which the zones are read.
    pub async fn look_back(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        since: Instant,
        names: &[String],
        at: Instant,
    ) -> Result<(Vec<Entry>, Headroom), Fault> {
        if names.is_empty() {
            let entries = self.history(tenant, person, since).await?;
            return Ok((entries, Headroom { caps: BTreeMap::new() }));
        }
        let window = at.minus(Period::days(CAP_WINDOW_DAYS_MAX).span());
        let entries = self.ledger.history(tenant, &person.nodes, since.min(window));
        let (entries, zones) = join(entries, self.addresses.zones(tenant, person)).await;
        let mut entries = entries?;
        let headroom = self.room(tenant, names, &entries, zones, at).await?;
        entries.retain(|it| it.at >= since);
        Ok((entries, headroom))
    }

    /// Where nobody was contacted, no zone is needed to say so.
    async fn room(
        &self,
        tenant: &TenantId,
        names: &[String],
        entries: &[Entry],
        zones: Result<ZoneEvidence, Fault>,
        at: Instant,
    ) -> Result<Headroom, Fault> {
        let evidence = if entries.is_empty() { ZoneEvidence::Unknown } else { zones? };
        let zones = zone::candidates(&evidence);
        let artifacts = self.artifacts.live(tenant).await?;
        let caps = names
            .iter()
            .filter_map(|name| artifacts.cap(name))
            .map(|cap| {
                let verdict = caps::evaluate(std::slice::from_ref(cap), entries, at, &zones);
                (cap.name.clone(), verdict)
            })
            .collect();
        Ok(Headroom { caps })
    }

    /// Keeps contacts other systems made; one that is known already is absorbed.
    pub async fn record(
        &self,
        tenant: &TenantId,
        contacts: Vec<(Entry, Option<SubjectId>)>,
    ) -> Result<usize, Fault> {
        let now = self.clock.now();
        let contacts = contacts
            .into_iter()
            .map(|(entry, subject)| {
                let id = FactId::mint(now, &*self.entropy);
                let fact = fact::external(&entry, tenant, subject, now, id);
                (entry, fact)
            })
            .collect();
        self.ledger.record(tenant, contacts).await
    }
}
