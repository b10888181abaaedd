//! Cuts bundles: one read of the person for all cuts.

use std::sync::Arc;

use futures_util::future::join3;
use kernel::{Fault, TenantId};

use crate::{
    Ask, Bundle, BundleRefusal, Region,
    ports::{ArtifactSource, ContextStore, FreshnessBoard, StandingSource},
    select::{Ground, STANDING_UNKNOWN, select},
};

/// Cuts bundles.
#[derive(Debug, Clone)]
pub struct BundleService {
    store: Arc<dyn ContextStore>,
    board: Arc<dyn FreshnessBoard>,
    standing: Arc<dyn StandingSource>,
    artifacts: Arc<dyn ArtifactSource>,
    region: Region,
}

impl BundleService {
    /// The use case over its ports, in the region where it runs.
    pub fn new(
        store: Arc<dyn ContextStore>,
        board: Arc<dyn FreshnessBoard>,
        standing: Arc<dyn StandingSource>,
        artifacts: Arc<dyn ArtifactSource>,
        region: Region,
    ) -> Self {
        Self { store, board, standing, artifacts, region }
    }

    /// One bundle, or the reason there is none, per cut, in order.
    pub async fn bundle(
        &self,
        tenant: &TenantId,
        ask: &Ask,
    ) -> Result<Vec<Result<Bundle, BundleRefusal>>, Fault> {
        let artifacts = self.artifacts.live(tenant).await?;
        let mut objects: Vec<_> = ask.cuts.iter().filter_map(|it| it.object.clone()).collect();
        objects.sort();
        objects.dedup();
        // At once: none depends on another, and a decision waits for the slowest.
        let view = self.store.view(tenant, &ask.person.nodes, &objects);
        let board = self.board.board(tenant);
        let standing = self.standing.standing(tenant, &ask.person);
        let (view, board, standing) = join3(view, board, standing).await;
        let (view, board) = (view?, board?);
        let Ok(standing) = standing else {
            // Uncertainty about permission is refusal.
            let refused = || Err(BundleRefusal::whole(STANDING_UNKNOWN));
            return Ok(ask.cuts.iter().map(|_| refused()).collect());
        };
        let ground = Ground {
            view: &view,
            artifacts: &artifacts,
            standing: &standing,
            freshness: &board,
            region: &self.region,
            as_of: ask.as_of,
        };
        Ok(ask.cuts.iter().map(|it| select(it, ground)).collect())
    }
}
