//! Contacts made by us and by others, and how much room the caps leave.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{Clock, Entropy, FactId, Fault, Instant, Period, PersonAt, SubjectId, TenantId};

use crate::{
    caps::{self, CAP_WINDOW_DAYS_MAX, CapVerdict},
    contact::Entry,
    fact,
    ports::{AddressBook, ArtifactSource, ContactLedger},
    zone,
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

    /// What these caps would say of one more contact at an instant. A cap that is not released is
    /// not in the answer.
    pub async fn headroom(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        names: &[String],
        at: Instant,
    ) -> Result<Headroom, Fault> {
        let since = at.minus(Period::days(CAP_WINDOW_DAYS_MAX).span());
        let entries = self.ledger.history(tenant, &person.nodes, since).await?;
        let zones = zone::candidates(&self.addresses.zones(tenant, person).await?);
        let artifacts = self.artifacts.live(tenant).await?;
        let caps = names
            .iter()
            .filter_map(|name| artifacts.cap(name))
            .map(|cap| {
                let verdict = caps::evaluate(std::slice::from_ref(cap), &entries, at, &zones);
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
