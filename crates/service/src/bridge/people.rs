//! Decision, delivery, consent and context ask who is who; identity answers.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use audit::service::AppendService;
use consent::service::VerdictService;
use identity::{
    Identifier,
    ports::{Link, Person},
    service::ResolutionService,
};
use kernel::{Channel, Fault, NodeId, PersonAt, SubjectId, TenantId};

/// People, as identity resolves them.
#[derive(Clone)]
pub struct IdentityPeople {
    people: Arc<ResolutionService>,
    keys: Arc<AppendService>,
}

impl fmt::Debug for IdentityPeople {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityPeople")
    }
}

impl IdentityPeople {
    /// Answered by these services; occurrence keys are derived from audit's subject keys.
    pub const fn new(people: Arc<ResolutionService>, keys: Arc<AppendService>) -> Self {
        Self { people, keys }
    }

    /// Each person with the key their occurrences are named by.
    async fn keyed(
        &self,
        tenant: &TenantId,
        found: Vec<Option<Person>>,
    ) -> Result<Vec<Option<decision::person::Person>>, Fault> {
        let subjects: Vec<_> = found.iter().flatten().map(|it| it.subject).collect();
        let mut keys = self.keys.subject_keys(tenant, &subjects).await?.into_iter();
        let mut keyed = |person: Person| {
            let key = decision::SubjectKey::new(*keys.next()?);
            let own = person.members.iter().filter(|it| it.link != Link::Shared);
            let own = own.map(|it| it.node).collect();
            Some(decision::person::Person { at: person.at(), own, key })
        };
        Ok(found.into_iter().map(|it| it.and_then(&mut keyed)).collect())
    }
}

#[async_trait]
impl decision::ports::PersonSource for IdentityPeople {
    async fn find(
        &self,
        tenant: &TenantId,
        identifiers: &[decision::ports::Identifier],
    ) -> Result<Option<decision::person::Person>, Fault> {
        let identifiers: Vec<_> =
            identifiers.iter().map(|it| Identifier::stated(&it.namespace, &it.value)).collect();
        let found = self.people.named(tenant, &[identifiers]).await?;
        Ok(self.keyed(tenant, found).await?.pop().flatten())
    }

    async fn persons(
        &self,
        tenant: &TenantId,
        subjects: &[SubjectId],
    ) -> Result<Vec<Option<decision::person::Person>>, Fault> {
        let ids: Vec<_> = subjects.iter().map(|it| it.uuid()).collect();
        let found = self.people.people(tenant, &ids).await?;
        self.keyed(tenant, found).await
    }
}

#[async_trait]
impl delivery::ports::PersonSource for IdentityPeople {
    async fn person(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Option<PersonAt>, Fault> {
        self.people.person(tenant, subject.uuid()).await
    }
}

#[async_trait]
impl consent::ports::PersonSource for IdentityPeople {
    async fn members(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
    ) -> Result<Vec<consent::ports::Member>, Fault> {
        let members = self.people.members(tenant, person.subject.uuid()).await?;
        Ok(members
            .into_iter()
            .map(|it| consent::ports::Member {
                node: it.node,
                link: match it.link {
                    Link::Hard | Link::Alone => consent::ports::Link::Hard,
                    Link::Soft | Link::Shared => consent::ports::Link::Soft,
                },
                contacts: channels(it.namespace.as_str())
                    .iter()
                    .filter(|_| it.link != Link::Shared)
                    .map(|channel| consent::ports::ContactPoint {
                        channel: *channel,
                        // A device takes push because its own app registered it there.
                        verified: it.verified || *channel == Channel::Push,
                    })
                    .collect(),
            })
            .collect())
    }
}

/// Addresses, as identity keeps them; where people are, as they stated it to consent.
#[derive(Clone)]
pub struct IdentityAddresses {
    people: Arc<ResolutionService>,
    verdicts: Arc<VerdictService>,
}

impl fmt::Debug for IdentityAddresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityAddresses")
    }
}

impl IdentityAddresses {
    /// Answered by these services.
    pub const fn new(people: Arc<ResolutionService>, verdicts: Arc<VerdictService>) -> Self {
        Self { people, verdicts }
    }
}

#[async_trait]
impl delivery::ports::AddressBook for IdentityAddresses {
    async fn address(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        channel: Channel,
    ) -> Result<Option<delivery::sender::AddressRef>, Fault> {
        let points = self.people.contact_points(tenant, person.subject).await?;
        // The person's own before a shared one, a proven one before others, then the oldest.
        Ok(points
            .into_iter()
            .filter(|it| channels(it.namespace.as_str()).contains(&channel))
            .min_by_key(|it| (it.shared, !it.verified, it.node))
            .map(|it| delivery::sender::AddressRef { node: it.node, verified: it.verified }))
    }

    async fn open(
        &self,
        tenant: &TenantId,
        node: NodeId,
    ) -> Result<Option<delivery::sender::Address>, Fault> {
        let value = self.people.open_contact(tenant, node).await?;
        Ok(value.map(delivery::sender::Address::new))
    }

    async fn zones(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
    ) -> Result<delivery::zone::ZoneEvidence, Fault> {
        let snapshot = self.verdicts.snapshot(tenant, person).await?;
        Ok(match snapshot.state.zones.as_slice() {
            [only] => delivery::zone::ZoneEvidence::Zone(only.0.name().to_owned()),
            _ => delivery::zone::ZoneEvidence::Unknown,
        })
    }
}

/// The channels a contact point of a namespace serves.
fn channels(namespace: &str) -> &'static [Channel] {
    match namespace {
        "email" => &[Channel::Email],
        "phone" => &[Channel::Sms, Channel::HumanTask],
        "device" => &[Channel::Push],
        _ => &[],
    }
}
