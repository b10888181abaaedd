//! What a withdrawal waits for before it is acknowledged.

use std::sync::Arc;

use kernel::{Clock, Fault, Instant, NodeId, TenantId};

use crate::ports::{SendGate, Settled};

/// Attempts under way.
#[derive(Debug, Clone)]
pub struct InFlightService {
    gate: Arc<dyn SendGate>,
    clock: Arc<dyn Clock>,
}

impl InFlightService {
    /// The service over this gate.
    pub fn new(gate: Arc<dyn SendGate>, clock: Arc<dyn Clock>) -> Self {
        Self { gate, clock }
    }

    /// Waits until every attempt gated so far on any of these nodes has ended, or until the
    /// instant, and says how each stands. Call it after the withdrawal is committed: whatever is
    /// gated later has seen it.
    pub async fn settle(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        until: Instant,
    ) -> Result<Vec<Settled>, Fault> {
        self.gate.settle(tenant, nodes, self.clock.now(), until).await
    }
}
