//! Double opt-in: an address is asked to confirm a grant, and confirms it.

use kernel::{Digest, Fault, Instant, NodeId, PersonAt, TenantId};
use uuid::Uuid;

use super::{
    By, ConsentService,
    keep::{KeepError, Wish},
    restrain::event_id,
};
use crate::{
    BasisSpec, ConsentEvent, EventKind, Flag, Grant, Limb, NewEvent, NodeLog,
    fold::{self, DOI_TTL},
    ports::{Link, Member},
};

/// Why a grant is not asked about, or not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// There is no such grant, it needs no confirmation, or the person said no since: nobody is
    /// asked who refused, withdrew or objected.
    #[error("nothing waits to be confirmed")]
    NothingPending,
    /// The grant has waited longer than [`DOI_TTL`].
    #[error("the agreement waited too long to be confirmed")]
    Expired,
    /// A port failed; the same may be tried again.
    #[error("confirming an agreement")]
    Fault(#[from] Fault),
}

/// A grant that waits.
struct Pending {
    grant: ConsentEvent,
    until: Instant,
}

impl ConsentService {
    /// Notes that this address of the person was asked to confirm the grant. The token itself is
    /// never kept; it must have 128 bits nobody can guess. Answers until when it counts.
    pub async fn ask_to_confirm(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        (grant, at): (Uuid, NodeId),
        token: Digest,
        by: &By,
    ) -> Result<Instant, ConfirmError> {
        if !person.nodes.contains(&at) {
            return Err(ConfirmError::NothingPending);
        }
        let pending = self.pending(tenant, person, grant).await?;
        let kind = EventKind::ConfirmationSent { grant, token };
        let id = event_id(grant, at, place_of(token));
        self.keep_at(tenant, at, id, kind, by).await?;
        Ok(pending.until)
    }

    /// Confirms a grant from the address that was asked, once.
    pub async fn confirm(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        (grant, at): (Uuid, NodeId),
        token: Digest,
        by: &By,
    ) -> Result<ConsentEvent, ConfirmError> {
        let pending = self.pending(tenant, person, grant).await?;
        let kind = EventKind::Confirmed { grant, token };
        self.keep_at(tenant, at, event_id(grant, at, 0), kind, by).await?;
        Ok(pending.grant)
    }

    async fn keep_at(
        &self,
        tenant: &TenantId,
        at: NodeId,
        id: Uuid,
        kind: EventKind,
        by: &By,
    ) -> Result<(), ConfirmError> {
        let known = self.ledger.find(tenant, &[id]).await?;
        let event_time = known.first().map_or(self.clock.now(), |it| it.said.event_time);
        let event = NewEvent {
            id,
            source: by.source.clone(),
            node: at,
            kind,
            event_time,
            actor: by.actor.clone(),
            answers: Vec::new(),
        };
        let (events, nodes) = (vec![event], vec![at]);
        let wish = Wish { events, nodes, subject: None, act: Some(id), guard: None };
        match self.keep(tenant, &wish).await {
            // Confirmed before, by another of the tokens that were sent.
            Ok(_) | Err(KeepError::Conflict) => Ok(()),
            Err(KeepError::Fault(fault)) => Err(fault.into()),
            Err(KeepError::Moved(_) | KeepError::Refused(_)) => Err(ConfirmError::NothingPending),
        }
    }

    /// The grant, if it stands and its purpose wants it confirmed.
    async fn pending(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        grant: Uuid,
    ) -> Result<Pending, ConfirmError> {
        let logs = self.ledger.logs(tenant, &person.nodes).await?;
        let event = logs.iter().flat_map(|it| &it.events).find(|it| it.said.id == grant);
        let event = event.ok_or(ConfirmError::NothingPending)?;
        let EventKind::Given(given) = &event.said.kind else {
            return Err(ConfirmError::NothingPending);
        };
        let artifacts = self.artifacts.live(tenant).await?;
        let purpose = artifacts.purpose(&given.purpose.key).ok_or(ConfirmError::NothingPending)?;
        let wanted = purpose
            .bases
            .values()
            .any(|it| matches!(it, BasisSpec::Consent(terms) if terms.double_opt_in));
        let marketing = purpose.is(Flag::DirectMarketing);
        if !wanted || !stands(person, &logs, event, given, marketing) {
            return Err(ConfirmError::NothingPending);
        }
        let until = event.effective().plus(DOI_TTL);
        if self.clock.now() >= until {
            return Err(ConfirmError::Expired);
        }
        Ok(Pending { grant: event.clone(), until })
    }
}

/// Whether nothing the person said defeats the grant on every channel.
fn stands(
    person: &PersonAt,
    logs: &[NodeLog],
    event: &ConsentEvent,
    given: &Grant,
    marketing: bool,
) -> bool {
    let members: Vec<Member> = person
        .nodes
        .iter()
        .map(|it| Member { node: *it, link: Link::Hard, contacts: Vec::new() })
        .collect();
    let state = fold::state(person, &members, logs);
    let key = &given.purpose.key;
    let objected = state.objections.iter().any(|it| {
        marketing && it.limb != Limb::Art22 && it.scope.covers(key) && !it.lifted_for.contains(key)
    });
    let covered = state.grants_of(key).iter().any(|it| it.given_at >= event.effective());
    covered && !objected
}

/// Where among the events about a grant a token's is; the confirmation itself is the first.
fn place_of(token: Digest) -> u32 {
    token.as_bytes().iter().take(4).fold(0_u32, |sum, it| (sum << 8) | u32::from(*it)).max(1)
}
