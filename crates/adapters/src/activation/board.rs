//! Boards of arrivals, kept close: raised by each admission and announcement.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use context::{
    Event,
    event::{EventKey, Seen},
    freshness::Board,
    ports::{
        Admission, AnnounceError, Announcement, AppendError, EventLog, FreshnessBoard, Pending,
    },
};
use kernel::{EventId, Fault, Limit, TenantId};

use super::{
    Activated, Generations,
    touched::{Touched, raising},
};

/// The most boards kept: one a tenant.
pub const BOARDS_MAX: usize = 1_000;

/// [`FreshnessBoard`] that reads a board again only when something may have arrived.
pub struct CachedBoard {
    inner: Arc<dyn FreshnessBoard>,
    kept: Activated<TenantId, Arc<Board>>,
}

impl fmt::Debug for CachedBoard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachedBoard")
    }
}

impl CachedBoard {
    /// A cache before this board.
    pub fn new(inner: Arc<dyn FreshnessBoard>, generations: Generations) -> Self {
        Self { inner, kept: Activated::new(BOARDS_MAX, generations) }
    }
}

#[async_trait]
impl FreshnessBoard for CachedBoard {
    async fn board(&self, tenant: &TenantId) -> Result<Board, Fault> {
        if let Some(board) = self.kept.get(tenant) {
            return Ok(Arc::unwrap_or_clone(board));
        }
        let stamp = self.kept.generations().stamp([Touched::Board(tenant.clone())]);
        let board = Arc::new(self.inner.board(tenant).await?);
        self.kept.fill(tenant.clone(), Arc::clone(&board), stamp);
        Ok(Arc::unwrap_or_clone(board))
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, Fault> {
        self.inner.tenants().await
    }

    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError> {
        let touched = vec![Touched::Board(announcement.tenant.clone())];
        raising(self.kept.generations(), touched, self.inner.announce(announcement)).await
    }
}

/// [`EventLog`] that raises the board of whoever something arrives for.
#[derive(Debug, Clone)]
pub struct RaisingEventLog {
    inner: Arc<dyn EventLog>,
    generations: Generations,
}

impl RaisingEventLog {
    /// Raises around this log.
    pub fn new(inner: Arc<dyn EventLog>, generations: Generations) -> Self {
        Self { inner, generations }
    }
}

#[async_trait]
impl EventLog for RaisingEventLog {
    async fn seen(&self, tenant: &TenantId, keys: &[EventKey]) -> Result<Vec<Seen>, Fault> {
        self.inner.seen(tenant, keys).await
    }

    async fn admit(&self, admission: &Admission) -> Result<(), AppendError> {
        let touched = vec![Touched::Board(admission.tenant.clone())];
        raising(&self.generations, touched, self.inner.admit(admission)).await
    }

    async fn events(&self, tenant: &TenantId, ids: &[EventId]) -> Result<Vec<Event>, Fault> {
        self.inner.events(tenant, ids).await
    }

    async fn pending(&self, limit: Limit) -> Result<Pending, Fault> {
        self.inner.pending(limit).await
    }
}
