//! Consent waits for sends under way; delivery knows them.

use async_trait::async_trait;
use consent::ports::{InFlight, Settled, Straggler};
use delivery::service::InFlightService;
use kernel::{Fault, Instant, NodeId, TenantId};

/// The sends under way, as delivery's gate knows them.
#[derive(Debug, Clone)]
pub struct DeliveryInFlight {
    attempts: InFlightService,
}

impl DeliveryInFlight {
    /// Answered by this service.
    pub const fn new(attempts: InFlightService) -> Self {
        Self { attempts }
    }
}

#[async_trait]
impl InFlight for DeliveryInFlight {
    async fn settle(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        until: Instant,
    ) -> Result<Settled, Fault> {
        let settled = self.attempts.settle(tenant, nodes, until).await?;
        let in_flight = settled
            .into_iter()
            .map(|it| Straggler { delivery: it.attempt.delivery, ended: it.outcome.is_some() })
            .collect();
        Ok(Settled { in_flight })
    }
}
