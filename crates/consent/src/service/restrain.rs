//! Taking permission away: keep, let sends under way end, then acknowledge.

use kernel::{Fault, Instant, NodeId, PersonAt, TenantId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    ConsentService, RecordOutcome,
    keep::{KeepError, Kept, Wish},
};
use crate::{
    Acknowledgement, Actor, Certificate, Effect, EventKind, EventRef, Label, Limb, NewEvent,
    PurposeScope, RestrictionGround, SuppressionReason, SuppressionScope, WithdrawalScope,
    withdrawal::UnderWay,
};

/// Who acted, and through what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// Through what (`one_click`, `preference_centre`, `crm`).
    pub source: Label,
}

/// Why a "no" was not acknowledged; it is never refused for what it says.
#[derive(Debug, thiserror::Error)]
pub enum RestrainError {
    /// The person has no node to keep it at.
    #[error("the person is not known")]
    Unknown,
    /// The key of the act was used for another one.
    #[error("the idempotency key was used for another act")]
    Conflict,
    /// A port failed; the same act may be tried again.
    #[error("taking permission away")]
    Fault(#[from] Fault),
}

impl ConsentService {
    /// Withdraws. `act` makes it idempotent: a repeat is the same act.
    pub async fn withdraw(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        scope: &WithdrawalScope,
        by: &By,
        act: Uuid,
    ) -> Result<Acknowledgement, RestrainError> {
        self.restrain(tenant, person, scope.event(), by, act).await
    }

    /// Objects (Art. 21(1), 21(2), 22).
    pub async fn object(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        (scope, limb): (PurposeScope, Limb),
        by: &By,
        act: Uuid,
    ) -> Result<Acknowledgement, RestrainError> {
        self.restrain(tenant, person, EventKind::Objected { scope, limb }, by, act).await
    }

    /// Restricts processing (Art. 18).
    pub async fn restrict(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        (scope, ground): (PurposeScope, RestrictionGround),
        by: &By,
        act: Uuid,
    ) -> Result<Acknowledgement, RestrainError> {
        self.restrain(tenant, person, EventKind::Restricted { scope, ground }, by, act).await
    }

    /// Suppresses contact at one contact point of the person.
    pub async fn suppress_address(
        &self,
        tenant: &TenantId,
        node: NodeId,
        reason: SuppressionReason,
        by: &By,
        act: Uuid,
    ) -> Result<Acknowledgement, RestrainError> {
        let kind = EventKind::Suppressed { scope: SuppressionScope::Address, reason };
        self.take_away(tenant, &[node], None, kind, by, act).await
    }

    async fn restrain(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        kind: EventKind,
        by: &By,
        act: Uuid,
    ) -> Result<Acknowledgement, RestrainError> {
        self.take_away(tenant, &person.nodes, Some(person), kind, by, act).await
    }

    /// Every node keeps the "no", so that each part keeps it should the person be split.
    async fn take_away(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        person: Option<&PersonAt>,
        kind: EventKind,
        by: &By,
        act: Uuid,
    ) -> Result<Acknowledgement, RestrainError> {
        if nodes.is_empty() {
            return Err(RestrainError::Unknown);
        }
        let template = NewEvent {
            id: act,
            source: by.source.clone(),
            node: NodeId::from_uuid(act),
            kind,
            event_time: self.clock.now(),
            actor: by.actor.clone(),
            answers: Vec::new(),
        };
        let events = self.at_every_node(tenant, nodes, &template, act, 0).await?;
        let subject = person.map(|it| it.subject);
        let mut nodes = nodes.to_vec();
        nodes.sort_unstable();
        let wish = Wish { events, nodes: nodes.clone(), subject, act: Some(act), guard: None };
        let kept = self.keep(tenant, &wish).await.map_err(|it| match it {
            KeepError::Fault(fault) => RestrainError::Fault(fault),
            KeepError::Conflict => RestrainError::Conflict,
            KeepError::Moved(_) | KeepError::Refused(_) => {
                Fault::escalate("keeping a restriction that cannot be refused").into()
            }
        })?;
        Ok(self.acknowledge(tenant, &nodes, act, kept).await)
    }

    /// The same event at every node; a repeated act keeps the time of the first.
    pub(super) async fn at_every_node(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        template: &NewEvent,
        act: Uuid,
        nth: u32,
    ) -> Result<Vec<NewEvent>, Fault> {
        let ids: Vec<Uuid> = nodes.iter().map(|it| event_id(act, *it, nth)).collect();
        let known = self.ledger.find(tenant, &ids).await?;
        let event_time =
            known.iter().map(|it| it.said.event_time).min().unwrap_or(template.event_time);
        Ok(nodes
            .iter()
            .zip(ids)
            .map(|(node, id)| NewEvent { id, node: *node, event_time, ..template.clone() })
            .collect())
    }

    pub(super) async fn acknowledge(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        act: Uuid,
        kept: Kept,
    ) -> Acknowledgement {
        let (effect, stragglers) = self.settle(tenant, nodes).await;
        let now: Instant = self.clock.now();
        let in_flight = stragglers
            .iter()
            .map(|it| UnderWay { delivery: it.delivery, ended: it.ended })
            .collect();
        Acknowledgement {
            effect,
            epoch: kept.epoch,
            certificate: Certificate {
                act,
                recorded_at: kept.recorded_at.unwrap_or(now),
                effective_at: (effect == Effect::Effective).then_some(now),
                events: places(&kept.outcomes),
                facts: kept.facts,
                in_flight,
            },
        }
    }
}

fn places(outcomes: &[RecordOutcome]) -> Vec<EventRef> {
    outcomes
        .iter()
        .filter_map(|it| match it {
            RecordOutcome::Recorded(place) | RecordOutcome::Duplicate(place) => Some(*place),
            RecordOutcome::Conflict | RecordOutcome::Refused(_) => None,
        })
        .collect()
}

/// The id of the nth event of an act at a node: the same whenever the act is repeated.
pub(super) fn event_id(act: Uuid, node: NodeId, nth: u32) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(b"assent.consent.act/1");
    hash.update(act.as_bytes());
    hash.update(node.uuid().as_bytes());
    hash.update(nth.to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut bytes = [0_u8; 16];
    for (to, from) in bytes.iter_mut().zip(digest) {
        *to = from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
