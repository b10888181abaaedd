//! Context asks whom an event is about and what stands; identity and consent answer.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use consent::service::VerdictService;
use context::ports::{Asked, Resolved, Standing, StandingSource, SubjectResolver};
use identity::{
    Identifier, Sighting, Strength,
    service::{ResolutionService, ResolveError},
};
use kernel::{Clock, Fault, PersonAt, TenantId};

/// Whom events are about, as identity resolves them.
#[derive(Debug, Clone)]
pub struct IdentityResolver {
    people: Arc<ResolutionService>,
}

impl IdentityResolver {
    /// Answered by this service.
    pub const fn new(people: Arc<ResolutionService>) -> Self {
        Self { people }
    }
}

/// Records of a system of record speak for what they own; events state what they saw.
fn strength(kind: &str) -> Strength {
    if kind.contains(".record.") { Strength::Owner } else { Strength::Stated }
}

#[async_trait]
impl SubjectResolver for IdentityResolver {
    async fn resolve(&self, tenant: &TenantId, asked: &[Asked]) -> Result<Vec<Resolved>, Fault> {
        let sightings: Vec<_> = asked
            .iter()
            .map(|it| Sighting {
                event: Some(it.event),
                source: it.source.clone(),
                strength: strength(it.kind.as_str()),
                at: it.at,
                identifiers: it
                    .identifiers
                    .iter()
                    .map(|id| {
                        if id.verified {
                            Identifier::verified(id.namespace.as_str(), &id.value)
                        } else {
                            Identifier::stated(id.namespace.as_str(), &id.value)
                        }
                    })
                    .collect(),
            })
            .collect();
        let resolved = self.people.resolve(tenant, &sightings).await.map_err(|it| match it {
            ResolveError::Fault(fault) => fault,
            other @ ResolveError::TooMany => Fault::escalate("resolving a batch").because(other),
        })?;
        Ok(resolved
            .into_iter()
            .map(|it| Resolved { person: it.person, node: it.origin, reasons: it.reasons })
            .collect())
    }
}

/// What stands for a person, as consent judges it.
#[derive(Debug, Clone)]
pub struct ConsentStanding {
    verdicts: Arc<VerdictService>,
    clock: Arc<dyn Clock>,
}

impl ConsentStanding {
    /// Answered by these verdicts.
    pub const fn new(verdicts: Arc<VerdictService>, clock: Arc<dyn Clock>) -> Self {
        Self { verdicts, clock }
    }
}

#[async_trait]
impl StandingSource for ConsentStanding {
    async fn standing(&self, tenant: &TenantId, person: &PersonAt) -> Result<Standing, Fault> {
        let standing = self.verdicts.standing(tenant, person, self.clock.now()).await?;
        let purposes: BTreeSet<_> =
            standing.purposes.into_iter().map(|it| it.purpose.key).collect();
        Ok(Standing { purposes, epoch: standing.person })
    }
}
