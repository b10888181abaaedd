//! Decision asks for contact history; delivery answers.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use decision::{
    inputs::Headroom,
    ports::{Contact, ContactHistory, HistoryAsk, NodeHistory},
};
use delivery::{
    caps::CapVerdict,
    contact::{Entry, EntryState},
    ports::Filter,
    service::{ContactService, DeliveryService},
};
use kernel::{Fault, Instant, Limit, OccurrenceKey, PersonAt, TenantId};

/// Contact history, as delivery keeps it.
#[derive(Debug, Clone)]
pub struct DeliveryHistory {
    contacts: ContactService,
    deliveries: Arc<DeliveryService>,
}

impl DeliveryHistory {
    /// Answered by these services.
    pub const fn new(contacts: ContactService, deliveries: Arc<DeliveryService>) -> Self {
        Self { contacts, deliveries }
    }

    /// The occasions of the person's latest deliveries, by delivery id.
    async fn occasions(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
    ) -> Result<BTreeMap<String, OccurrenceKey>, Fault> {
        let filter = Filter { subject: Some(person.subject), state: None };
        let page = self.deliveries.page(tenant, &filter, None, Limit::default()).await?;
        Ok(page.items.into_iter().map(|it| (it.id.to_string(), it.occurrence)).collect())
    }
}

#[async_trait]
impl ContactHistory for DeliveryHistory {
    async fn history(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        asks: &[HistoryAsk],
        since: Instant,
        as_of: Instant,
    ) -> Result<Vec<NodeHistory>, Fault> {
        let mut names: Vec<_> =
            asks.iter().flat_map(|it| &it.caps).map(ToString::to_string).collect();
        names.sort_unstable();
        names.dedup();
        let (entries, headroom) =
            self.contacts.look_back(tenant, person, since, &names, as_of).await?;
        let ours =
            |ask: &HistoryAsk| entries.iter().any(|it| it.journey.as_ref() == Some(&ask.node));
        let ours = asks.iter().filter(|it| it.occasions).any(ours);
        let occasions = if ours { self.occasions(tenant, person).await? } else { BTreeMap::new() };
        Ok(asks
            .iter()
            .map(|ask| NodeHistory {
                contacts: contacts(&entries, ask, &occasions),
                headroom: room(&headroom.caps, ask),
            })
            .collect())
    }
}

fn contacts(
    entries: &[Entry],
    ask: &HistoryAsk,
    occasions: &BTreeMap<String, OccurrenceKey>,
) -> Vec<Contact> {
    entries
        .iter()
        .filter(|it| it.journey.as_ref() == Some(&ask.node))
        .filter(|it| it.state == EntryState::Committed)
        .map(|it| Contact {
            outcome: "accepted".into(),
            at: it.at,
            occurrence: occasions.get(&it.id.0).copied(),
        })
        .collect()
}

fn room(caps: &BTreeMap<String, CapVerdict>, ask: &HistoryAsk) -> Headroom {
    let full = ask.caps.iter().filter_map(|name| caps.get(&**name)).filter_map(|it| match it {
        CapVerdict::Grant => None,
        CapVerdict::Deny { frees_at, .. } => Some(*frees_at),
    });
    full.max().map_or(Headroom::Free, |until| Headroom::Full { until })
}
