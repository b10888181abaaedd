//! What callers do: resolve, find, ask why, and take back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use kernel::{Clock, Entropy, Fault, NodeId, PersonAt, SubjectId, TenantId};
use uuid::Uuid;

use crate::{
    APPEND_RETRIES_MAX, BATCH_ITEMS_MAX,
    change::Change,
    identifier::{Identifier, Resolved, Sighting},
    naming,
    node::{Blinder, NamespaceId, NodeKey},
    ports::{AppendError, ArtifactSource, AssertionLog, Counts, Directory, Member, Person, Vault},
    reading::{self, Reading},
};

mod steward;

pub use steward::{REASON_BYTES_MAX, UnlinkError, Unlinked, WhatIf};

/// The ports and secrets of [`ResolutionService`].
#[derive(Debug, Clone)]
pub struct Parts {
    /// The log.
    pub log: Arc<dyn AssertionLog>,
    /// Who is who now.
    pub directory: Arc<dyn Directory>,
    /// Raw values.
    pub vault: Arc<dyn Vault>,
    /// The namespaces.
    pub artifacts: Arc<dyn ArtifactSource>,
    /// What turns values into keys.
    pub blinder: Blinder,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// Why a batch was not resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// More than [`BATCH_ITEMS_MAX`] sightings.
    #[error("more than 500 sightings in one batch")]
    TooMany,
    /// A failure of the technology; the whole batch may be given again.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A way to reach a person, without the address itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPoint {
    /// The node.
    pub node: NodeId,
    /// What it is.
    pub namespace: NamespaceId,
    /// Whether it was proven.
    pub verified: bool,
    /// Whether other people are reached by it too.
    pub shared: bool,
}

/// Resolves identifiers to people and answers for it.
pub struct ResolutionService(Parts);

impl fmt::Debug for ResolutionService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResolutionService")
    }
}

impl ResolutionService {
    /// The service over these parts.
    pub const fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// Whom each sighting is about; what is new in them is asserted in one append.
    ///
    /// A batch is read as a whole: every answer holds after all of its sightings.
    pub async fn resolve(
        &self,
        tenant: &TenantId,
        sightings: &[Sighting],
    ) -> Result<Vec<Resolved>, ResolveError> {
        if sightings.len() > BATCH_ITEMS_MAX {
            return Err(ResolveError::TooMany);
        }
        let rules = self.0.artifacts.live(tenant).await?;
        let read = |it| reading::sighting(&rules, &self.0.blinder, tenant, it);
        let readings: Vec<_> = sightings.iter().map(read).collect();
        let mut nodes = self.nodes(tenant, &readings).await?;
        let news = self.news(tenant, &readings, &nodes).await?;
        if !news.is_empty() {
            let told = sightings.iter().zip(&readings).enumerate();
            let told: Vec<_> = told.filter(|(i, _)| news.contains(i)).map(|(_, it)| it).collect();
            let keys: BTreeSet<_> =
                told.iter().flat_map(|it| it.1.seen.iter().map(|s| s.key.clone())).collect();
            let keys: Vec<_> = keys.into_iter().collect();
            self.amend(tenant, &keys, |change| {
                for (sighting, reading) in &told {
                    change.sight(sighting, reading);
                }
            })
            .await?;
            nodes = self.nodes(tenant, &readings).await?;
        }
        let all: BTreeSet<_> = nodes.values().copied().collect();
        let persons = self.persons(tenant, all).await?;
        let answers = sightings.iter().zip(readings);
        Ok(answers.map(|(it, reading)| named(reading, &nodes, &persons, it.at)).collect())
    }

    /// Whom these identifiers name; writes nothing.
    pub async fn find(
        &self,
        tenant: &TenantId,
        identifiers: &[Identifier],
    ) -> Result<Option<PersonAt>, Fault> {
        Ok(self.named(tenant, &[identifiers]).await?.pop().flatten().map(|it| it.at()))
    }

    /// Whom each of these lists names, in the order asked: [`Self::find`] of many in one read.
    pub async fn find_each<I: AsRef<[Identifier]> + Sync>(
        &self,
        tenant: &TenantId,
        lists: &[I],
    ) -> Result<Vec<Option<PersonAt>>, Fault> {
        let named = self.named(tenant, lists).await?;
        Ok(named.into_iter().map(|it| it.map(|it| it.at())).collect())
    }

    /// Whom each of these lists names, in the order asked, with every member.
    pub async fn named<I: AsRef<[Identifier]> + Sync>(
        &self,
        tenant: &TenantId,
        lists: &[I],
    ) -> Result<Vec<Option<Person>>, Fault> {
        let rules = self.0.artifacts.live(tenant).await?;
        let blinder = &self.0.blinder;
        let readings: Vec<_> = lists
            .iter()
            .map(|it| reading::identifiers(&rules, blinder, tenant, it.as_ref()))
            .collect();
        let nodes = self.nodes(tenant, &readings).await?;
        let persons = self.persons(tenant, nodes.values().copied().collect()).await?;
        let now = self.0.clock.now();
        let person = |it| {
            let named = named(it, &nodes, &persons, now).person?;
            persons.values().find(|it| it.subject == named.subject).cloned()
        };
        Ok(readings.into_iter().map(person).collect())
    }

    /// The person an id resolves to now: a subject, a former head, or any node.
    pub async fn person(&self, tenant: &TenantId, id: Uuid) -> Result<Option<PersonAt>, Fault> {
        Ok(self.known(tenant, id).await?.map(|it| it.at()))
    }

    /// The person an id resolves to now, with every member.
    pub async fn known(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Person>, Fault> {
        let node = NodeId::from_uuid(id);
        Ok(self.persons(tenant, BTreeSet::from([node])).await?.remove(&node))
    }

    /// The person each id resolves to now, in the order asked: [`Self::known`] of many in one read.
    pub async fn people(
        &self,
        tenant: &TenantId,
        ids: &[Uuid],
    ) -> Result<Vec<Option<Person>>, Fault> {
        let nodes = ids.iter().map(|it| NodeId::from_uuid(*it)).collect();
        let persons = self.persons(tenant, nodes).await?;
        Ok(ids.iter().map(|it| persons.get(&NodeId::from_uuid(*it)).cloned()).collect())
    }

    /// The members of the person an id resolves to now, each with how it belongs.
    pub async fn members(&self, tenant: &TenantId, id: Uuid) -> Result<Vec<Member>, Fault> {
        Ok(self.known(tenant, id).await?.map(|it| it.members).unwrap_or_default())
    }

    /// Where a person can be reached now: what they were last sighted on too long ago may be
    /// somebody else's.
    pub async fn contact_points(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Vec<ContactPoint>, Fault> {
        let rules = self.0.artifacts.live(tenant).await?;
        let members = self.members(tenant, subject.uuid()).await?;
        let now = self.0.clock.now();
        let reachable = members
            .into_iter()
            .filter(|it| it.within.0 <= now && now <= it.within.1)
            .filter(|it| rules.namespace(&it.namespace).is_some_and(|n| n.addressable));
        let points = reachable.map(|it| ContactPoint {
            node: it.node,
            verified: it.verified,
            shared: it.link == crate::ports::Link::Shared,
            namespace: it.namespace,
        });
        Ok(points.collect())
    }

    /// The raw address of a node, for hand-off only.
    pub async fn open_contact(
        &self,
        tenant: &TenantId,
        node: NodeId,
    ) -> Result<Option<String>, Fault> {
        Ok(self.0.vault.open(tenant, node).await?.map(|it| it.expose().to_owned()))
    }

    /// How many of what there is.
    pub async fn counts(&self, tenant: &TenantId) -> Result<Counts, Fault> {
        self.0.directory.counts(tenant).await
    }

    /// How many identifiers of each namespace there are.
    pub async fn namespaces(&self, tenant: &TenantId) -> Result<Vec<(NamespaceId, u64)>, Fault> {
        self.0.directory.namespaces(tenant).await
    }

    /// Reads components, changes them, appends; again while somebody else was faster.
    async fn amend(
        &self,
        tenant: &TenantId,
        keys: &[NodeKey],
        mut change_it: impl FnMut(&mut Change<'_>),
    ) -> Result<(), Fault> {
        let rules = self.0.artifacts.live(tenant).await?;
        for _ in 0..APPEND_RETRIES_MAX {
            let before = self.0.log.components(tenant, keys).await?;
            let means = (&*self.0.clock, &*self.0.entropy);
            let mut change = Change::of(&rules, tenant, means, &before);
            change_it(&mut change);
            let Some(transition) = change.finish() else { return Ok(()) };
            match self.0.log.append(tenant, transition).await {
                Ok(_) => return Ok(()),
                Err(AppendError::Stale) => {}
                Err(AppendError::Fault(fault)) => return Err(fault),
            }
        }
        Err(Fault::retry("appending to components that keep changing"))
    }

    async fn nodes(
        &self,
        tenant: &TenantId,
        readings: &[Reading<'_>],
    ) -> Result<BTreeMap<NodeKey, NodeId>, Fault> {
        let keys: BTreeSet<_> =
            readings.iter().flat_map(|it| it.seen.iter().map(|s| s.key.clone())).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let nodes = self.0.directory.nodes(tenant, &keys).await?;
        Ok(nodes.into_iter().map(|it| (it.key, it.id)).collect())
    }

    /// Which readings name an unseen node or make an unheard claim.
    async fn news(
        &self,
        tenant: &TenantId,
        readings: &[Reading<'_>],
        nodes: &BTreeMap<NodeKey, NodeId>,
    ) -> Result<BTreeSet<usize>, Fault> {
        let claims: BTreeSet<_> = readings
            .iter()
            .flat_map(|it| it.claims.iter().map(|claim| (claim.claim, claim.at)))
            .collect();
        let claims: Vec<_> = claims.into_iter().collect();
        let unheard = self.0.log.unheard(tenant, &claims).await?;
        let unheard: BTreeSet<_> = unheard.into_iter().collect();
        let adds = |it: &Reading<'_>| {
            it.seen.iter().any(|s| !nodes.contains_key(&s.key))
                || it.claims.iter().any(|c| unheard.contains(&(c.claim, c.at)))
        };
        Ok(readings.iter().enumerate().filter(|(_, it)| adds(it)).map(|(i, _)| i).collect())
    }

    async fn persons(
        &self,
        tenant: &TenantId,
        nodes: BTreeSet<NodeId>,
    ) -> Result<BTreeMap<NodeId, Person>, Fault> {
        let nodes: Vec<_> = nodes.into_iter().collect();
        Ok(self.0.directory.persons(tenant, &nodes).await?.into_iter().collect())
    }
}

fn named(
    reading: Reading<'_>,
    nodes: &BTreeMap<NodeKey, NodeId>,
    persons: &BTreeMap<NodeId, Person>,
    at: kernel::Instant,
) -> Resolved {
    let seen: Vec<_> =
        reading.seen.iter().filter_map(|it| Some((it.namespace, *nodes.get(&it.key)?))).collect();
    naming::name(&seen, persons, at, reading.reasons)
}
