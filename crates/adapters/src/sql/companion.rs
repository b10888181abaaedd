//! What goes with a decision that is itself the hand-off: its steps, its heads, its place in the caps.
//!
//! No row is left for a withdrawal to wait for: the answer exists only once this transaction has
//! committed, and this transaction compares the counters a withdrawal raises. Either the withdrawal
//! commits first and the comparison fails, or the answer was given before it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use audit::Companion as Carried;
use decision::{
    companion::{Companion, KIND},
    ports::Handoff,
    reasons,
};
use delivery::{
    caps::{CAP_WINDOW_DAYS_MAX, Cap, CapVerdict, evaluate},
    contact::{ContactId, Entry, EntryState},
    content::Artifacts,
    ports::ArtifactSource,
    zone::{ZoneEvidence, candidates},
};
use kernel::{Class, Fault, NodeId, Period, Reason, TenantId, Zones};
use sea_orm::{DatabaseTransaction, DbErr};

use super::{
    audit::companion::{CompanionHandler, Companions, Verdict},
    decision::{decoded, make},
    delivery::{keep_contacts, read_contacts},
};

/// Settles occurrences, compares heads and reserves caps in the transaction of the log.
///
/// Where the person is nobody says here, so a calendar cap is read in every zone they might be in:
/// doubt never makes room.
#[derive(Debug, Clone)]
pub struct SqlDecisionCompanions {
    artifacts: Arc<dyn ArtifactSource>,
}

impl SqlDecisionCompanions {
    /// A handler that counts against the caps this source has live.
    pub fn new(artifacts: Arc<dyn ArtifactSource>) -> Self {
        Self { artifacts }
    }

    /// The handlers of a log that keeps decisions.
    pub fn registered(self) -> Companions {
        BTreeMap::from([(KIND, Arc::new(self) as Arc<dyn CompanionHandler>)])
    }

    async fn room(
        &self,
        transaction: &DatabaseTransaction,
        tenant: &TenantId,
        companions: &[Companion],
    ) -> Result<Room, Fault> {
        let handoffs: Vec<_> = companions.iter().filter_map(|it| it.handoff.as_ref()).collect();
        let mut room = Room {
            caps: None,
            entries: Vec::new(),
            made: Vec::new(),
            zones: candidates(&ZoneEvidence::Unknown),
        };
        let Some(first) = handoffs.iter().map(|it| it.at).min() else { return Ok(room) };
        if handoffs.iter().any(|it| !it.caps.is_empty()) {
            let nodes: BTreeSet<NodeId> =
                handoffs.iter().flat_map(|it| it.nodes.iter().copied()).collect();
            let since = first.minus(Period::days(CAP_WINDOW_DAYS_MAX).span());
            room.entries = read_contacts(transaction, tenant, nodes, since).await?;
            room.caps = Some(self.artifacts.live(tenant).await?);
        }
        Ok(room)
    }
}

#[async_trait]
impl CompanionHandler for SqlDecisionCompanions {
    async fn apply(
        &self,
        transaction: &DatabaseTransaction,
        tenant: &TenantId,
        items: &[&Carried],
    ) -> Result<Vec<Verdict>, DbErr> {
        let companions = decoded(items)?;
        let mut room = self
            .room(transaction, tenant, &companions)
            .await
            .map_err(|it| DbErr::Custom(it.to_string()))?;
        let verdicts = make(transaction, tenant, &companions, &mut |it| room.take(it)).await?;
        keep_contacts(transaction, tenant, &room.made).await?;
        Ok(verdicts)
    }
}

/// What the caps have left while a batch is judged.
#[derive(Debug)]
struct Room {
    /// The live artifacts, where any hand-off names a cap.
    caps: Option<Arc<Artifacts>>,
    /// The contacts of everyone in the batch.
    entries: Vec<Entry>,
    /// The contacts the batch makes.
    made: Vec<Entry>,
    zones: Zones,
}

impl Room {
    /// Takes a place under every cap of a hand-off, which the later ones of the batch then see.
    fn take(&mut self, it: &Handoff) -> Option<Reason> {
        let entry = contact_made(it);
        let Some(caps) = self.caps_of(it) else { return Some(reasons::HIS_CAPPED) };
        let counted: Vec<_> = self
            .entries
            .iter()
            .chain(&self.made)
            .filter(|other| other.id != entry.id && it.nodes.contains(&other.node))
            .cloned()
            .collect();
        match evaluate(&caps, &counted, it.at, &self.zones) {
            CapVerdict::Grant => {
                self.made.push(entry);
                None
            }
            CapVerdict::Deny { .. } => Some(reasons::HIS_CAPPED),
        }
    }

    /// The caps of a hand-off, all of them; what law or contract requires is counted, not capped.
    fn caps_of(&self, it: &Handoff) -> Option<Vec<Cap>> {
        if it.class == Class::Obligation {
            return Some(Vec::new());
        }
        it.caps.iter().map(|name| self.caps.as_ref()?.cap(name).cloned()).collect()
    }
}

/// The contact an answer makes, on the person's own node: it has no address.
pub(crate) fn contact_made(it: &Handoff) -> Entry {
    Entry {
        id: ContactId(it.decision.to_string()),
        node: NodeId::from_uuid(it.subject.uuid()),
        at: it.at,
        state: EntryState::Committed,
        channel: it.channel,
        class: it.class,
        journey: Some(it.node.clone()),
    }
}
