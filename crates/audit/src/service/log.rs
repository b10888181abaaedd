//! The thin plane for strangers: signed heads, tiles, and how one head extends another.

use std::sync::Arc;

use kernel::{Fault, TenantId};

use super::trail::{Published, Scrubbed, Trail};
use crate::{consistency::Consistency, tile::Tile};

/// Shows the thin plane of logs: nothing in it is about a person.
#[derive(Debug, Clone)]
pub struct LogService {
    trail: Arc<Trail>,
}

impl LogService {
    /// Shows the logs of this trail.
    pub const fn new(trail: Arc<Trail>) -> Self {
        Self { trail }
    }

    /// The signed head of what is durable now; `None` where the tenant has no log.
    pub async fn head(&self, tenant: &TenantId) -> Result<Option<Arc<Published>>, Fault> {
        self.trail.current(tenant).await
    }

    /// The newest head with cosignatures; the newest of all, where no witness has cosigned one.
    pub async fn witnessed(&self, tenant: &TenantId) -> Result<Option<Arc<Published>>, Fault> {
        let newest = self.trail.current(tenant).await?;
        Ok(newest.map(|newest| self.trail.witnessed(tenant).unwrap_or(newest)))
    }

    /// The signed head of an earlier size; `None` where the log never was, or is not yet, so long.
    pub async fn head_at(
        &self,
        tenant: &TenantId,
        size: u64,
    ) -> Result<Option<Arc<Published>>, Fault> {
        match self.trail.current(tenant).await? {
            Some(_) => self.trail.head_at(tenant, size).await,
            None => Ok(None),
        }
    }

    /// The bytes of a tile; `None` past the signed size, and where the tenant has no log.
    pub async fn tile(&self, tenant: &TenantId, tile: Tile) -> Result<Option<Vec<u8>>, Fault> {
        match self.trail.current(tenant).await? {
            Some(_) => self.trail.tile(tenant, tile).await,
            None => Ok(None),
        }
    }

    /// Reads a block of 256 stored leaves again and holds it against what this process has signed;
    /// where they differ, nothing is signed any more.
    pub async fn scrub(&self, tenant: &TenantId, block: u64) -> Result<Scrubbed, Fault> {
        self.trail.scrub(tenant, block).await
    }

    /// Two signed heads and the proof that the later extends the earlier; `None` where the sizes
    /// are not in order or past the log's.
    pub async fn consistency(
        &self,
        tenant: &TenantId,
        from: u64,
        to: u64,
    ) -> Result<Option<Consistency>, Fault> {
        let (Some(earlier), Some(later)) =
            (self.head_at(tenant, from).await?, self.head_at(tenant, to).await?)
        else {
            return Ok(None);
        };
        let hashes = self.trail.consistency_between(tenant, from, to).await?;
        Ok(hashes.map(|it| Consistency::new(earlier.note.clone(), &it, later.note.clone())))
    }
}
