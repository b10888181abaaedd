//! Boards of arrivals, leased: what arrived elsewhere within the last lease may not be on them yet,
//! which makes a source look staler than it is and never fresher.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use context::{
    freshness::Board,
    ports::{AnnounceError, Announcement, FreshnessBoard},
};
use kernel::{Fault, TenantId};

use super::{Timing, leased::Leased};
use crate::activation::{
    BOARDS_MAX, Generations,
    touched::{Touched, raising},
};

/// [`FreshnessBoard`] that asks once a lease.
pub struct LeasedBoard {
    inner: Arc<dyn FreshnessBoard>,
    kept: Leased<Touched, Arc<Board>>,
}

impl fmt::Debug for LeasedBoard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeasedBoard")
    }
}

impl LeasedBoard {
    /// A lease on this board; what this process admits raises these generations.
    pub fn new(inner: Arc<dyn FreshnessBoard>, generations: Generations, timing: Timing) -> Self {
        let kept = Leased::new(BOARDS_MAX, timing.lease).watching(generations);
        Self { inner, kept }
    }
}

#[async_trait]
impl FreshnessBoard for LeasedBoard {
    async fn board(&self, tenant: &TenantId) -> Result<Board, Fault> {
        let read = async { self.inner.board(tenant).await.map(Arc::new) };
        self.kept.get(&Touched::Board(tenant.clone()), read).await.map(Arc::unwrap_or_clone)
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, Fault> {
        self.inner.tenants().await
    }

    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError> {
        let Some(generations) = self.kept.generations() else {
            return self.inner.announce(announcement).await;
        };
        let touched = vec![Touched::Board(announcement.tenant.clone())];
        raising(generations, touched, self.inner.announce(announcement)).await
    }
}
