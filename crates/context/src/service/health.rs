//! Looks at health: how fresh each source is, what was kept aside, how all of it adds up.

use std::sync::Arc;

use kernel::{Clock, Fault, Instant, Limit, SystemId, TenantId};

use crate::{
    EventType,
    freshness::Freshness,
    ports::{ArtifactSource, DeadLetterGroup, DeadLetters, FreshnessBoard, Tally},
    terms::Contract,
};

/// How one source fares with one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceHealth {
    /// The system.
    pub source: SystemId,
    /// The type.
    pub kind: EventType,
    /// The state now; `Never` for a contract whose source never sent.
    pub state: Freshness,
    /// When the newest event arrived.
    pub received_at: Option<Instant>,
    /// Received minus happened of that event, in microseconds.
    pub lag_micros: Option<i64>,
}

/// The health of a tenant's intake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Every contract and source, by type.
    pub sources: Vec<SourceHealth>,
    /// What was received, by source, type and fate.
    pub tallies: Vec<Tally>,
    /// What was kept aside, the largest group first.
    pub dead_letters: Vec<DeadLetterGroup>,
}

/// Looks at health.
#[derive(Debug, Clone)]
pub struct HealthService {
    board: Arc<dyn FreshnessBoard>,
    dead: Arc<dyn DeadLetters>,
    artifacts: Arc<dyn ArtifactSource>,
    clock: Arc<dyn Clock>,
}

impl HealthService {
    /// The use case over its ports.
    pub fn new(
        board: Arc<dyn FreshnessBoard>,
        dead: Arc<dyn DeadLetters>,
        artifacts: Arc<dyn ArtifactSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { board, dead, artifacts, clock }
    }

    /// The health of a tenant's intake, with up to `limit` groups of dead letters.
    pub async fn health(&self, tenant: &TenantId, limit: Limit) -> Result<Health, Fault> {
        let artifacts = self.artifacts.live(tenant).await?;
        let board = self.board.board(tenant).await?;
        let now = self.clock.now();
        let source = |source: &SystemId, contract: &Contract| {
            let found = board.of(source, &contract.kind);
            SourceHealth {
                source: source.clone(),
                kind: contract.kind.clone(),
                state: board.state(source, contract, now),
                received_at: found.map(|it| it.received_at),
                lag_micros: found.map(|it| it.lag_micros),
            }
        };
        let pairs = artifacts
            .contracts()
            .flat_map(|it| it.sources.iter().map(move |from| source(from, it)));
        Ok(Health {
            sources: pairs.collect(),
            tallies: self.dead.tallies(tenant).await?,
            dead_letters: self.dead.groups(tenant, limit).await?,
        })
    }
}
