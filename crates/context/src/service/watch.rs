//! Watches freshness: announces each breach and each recovery once.

use std::sync::Arc;

use kernel::{Clock, Entropy, Fact, FactId, Fault, Instant, TenantId};
use serde_json::json;

use crate::{
    freshness::{Arrivals, Freshness},
    ports::{AnnounceError, Announcement, ArtifactSource, FreshnessBoard},
};

/// Announces breaches of contracts and recoveries from them.
#[derive(Debug, Clone)]
pub struct FreshnessService {
    board: Arc<dyn FreshnessBoard>,
    artifacts: Arc<dyn ArtifactSource>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl FreshnessService {
    /// The use case over its ports.
    pub fn new(
        board: Arc<dyn FreshnessBoard>,
        artifacts: Arc<dyn ArtifactSource>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { board, artifacts, clock, entropy }
    }

    /// Announces up to `limit` changes and says how many.
    pub async fn run_once(&self, limit: usize) -> Result<usize, Fault> {
        let now = self.clock.now();
        let mut n_announced = 0;
        for tenant in self.board.tenants().await? {
            let artifacts = self.artifacts.live(&tenant).await?;
            let board = self.board.board(&tenant).await?;
            for arrivals in board.arrivals() {
                // A type without a contract is nobody's promise.
                let Some(contract) = artifacts.contract(&arrivals.kind) else { continue };
                let to = board.state(&arrivals.source, contract, now);
                if n_announced == limit || to == arrivals.announced {
                    continue;
                }
                let announcement = self.announcement(&tenant, arrivals, to, now);
                match self.board.announce(&announcement).await {
                    Ok(()) => n_announced += 1,
                    Err(AnnounceError::Moved) => {}
                    Err(AnnounceError::Fault(fault)) => return Err(fault),
                }
            }
        }
        Ok(n_announced)
    }

    fn announcement(
        &self,
        tenant: &TenantId,
        arrivals: &Arrivals,
        to: Freshness,
        now: Instant,
    ) -> Announcement {
        let name = match (arrivals.announced.usable(), to.usable()) {
            (true, false) => Some("context.contract.breached"),
            (false, true) => Some("context.contract.recovered"),
            _ => None,
        };
        let fact = |name: &str| Fact {
            id: FactId::mint(now, &*self.entropy),
            tenant: tenant.clone(),
            name: name.to_owned(),
            at: now,
            subject: None,
            nodes: Vec::new(),
            cause: None,
            trace: None,
            body: json!({
                "source": arrivals.source,
                "type": arrivals.kind,
                "from": arrivals.announced.as_str(),
                "to": to.as_str(),
            }),
        };
        Announcement {
            tenant: tenant.clone(),
            source: arrivals.source.clone(),
            kind: arrivals.kind.clone(),
            from: arrivals.announced,
            to,
            facts: name.map(fact).into_iter().collect(),
        }
    }
}
