//! What the tree can say of itself: proofs, earlier heads, tiles.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kernel::{Fault, TenantId};

use super::{Published, Trail};
use crate::{
    entry::Leaf,
    ports::Head,
    tile::{self, Plane, Tile},
    tree::{BLOCK_LEAVES, Block, Frontier, Hash, Tree, root_of},
};

/// What became of looking at a block of stored leaves again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scrubbed {
    /// They are what was signed.
    Same,
    /// They are not: one of the 256 entries from this one on was changed.
    Differs {
        /// The first entry of the block.
        first: u64,
    },
    /// There is no such finished block.
    End,
}

/// Something proven, and the signed head it was proven under.
type Under<T> = Option<(T, Arc<Published>)>;

impl Trail {
    /// The signed head of what is durable now; `None` where the tenant has no log.
    pub(in crate::service) async fn current(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<Arc<Published>>, Fault> {
        let Some(head) = self.journal.head(tenant).await? else { return Ok(None) };
        // What another process appended, this one reads again.
        self.log(tenant).with(|it| {
            if it.tree.size() < head.size {
                it.published = None;
            }
        });
        Ok(Some(self.published(tenant).await?))
    }

    /// The inclusion proof of an entry under a signed head.
    pub(in crate::service) async fn inclusion(
        &self,
        tenant: &TenantId,
        index: u64,
    ) -> Result<Under<Vec<Hash>>, Fault> {
        // An entry this process has not heard of was appended by another: the log is read again.
        self.log(tenant).with(|it| {
            if it.tree.size() <= index {
                it.published = None;
            }
        });
        self.proof_in(tenant, &[index], |it, blocks| it.inclusion_at(index, it.size(), blocks))
            .await
    }

    /// The inclusion proof of an entry in the log of an earlier size.
    pub(in crate::service) async fn inclusion_at(
        &self,
        tenant: &TenantId,
        index: u64,
        size: u64,
    ) -> Result<Option<Vec<Hash>>, Fault> {
        let ends = [index, size.saturating_sub(1)];
        let proof = self.proof_in(tenant, &ends, |it, blocks| it.inclusion_at(index, size, blocks));
        Ok(proof.await?.map(|it| it.0))
    }

    /// The inclusion proofs of these entries in the log of an earlier size, in rising order.
    pub(in crate::service) async fn inclusions_at(
        &self,
        tenant: &TenantId,
        indices: &BTreeSet<u64>,
        size: u64,
    ) -> Result<Option<Vec<Vec<Hash>>>, Fault> {
        let mut proofs = Vec::with_capacity(indices.len());
        let mut by_block: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for index in indices {
            by_block.entry(Tree::block_of(*index)).or_default().push(*index);
        }
        for ours in by_block.into_values() {
            let Some(first) = ours.first() else { continue };
            let ends = [*first, size.saturating_sub(1)];
            let all = |it: &Tree, blocks: &[Block<'_>]| -> Option<Vec<_>> {
                ours.iter().map(|index| it.inclusion_at(*index, size, blocks)).collect()
            };
            let Some((more, _)) = self.proof_in(tenant, &ends, all).await? else { return Ok(None) };
            proofs.extend(more);
        }
        Ok(Some(proofs))
    }

    /// The frontier of an earlier size.
    pub(in crate::service) async fn frontier_at(
        &self,
        tenant: &TenantId,
        size: u64,
    ) -> Result<Option<Frontier>, Fault> {
        let ends = [size.saturating_sub(1)];
        let at = self.proof_in(tenant, &ends, |it, blocks| it.frontier_at(size, blocks)).await?;
        Ok(at.map(|it| it.0))
    }

    /// The proof that the log extends an earlier size, under a signed head.
    pub(in crate::service) async fn consistency(
        &self,
        tenant: &TenantId,
        from: u64,
    ) -> Result<Under<Vec<Hash>>, Fault> {
        let ends = [from.saturating_sub(1)];
        self.proof_in(tenant, &ends, |it, blocks| it.consistency_between(from, it.size(), blocks))
            .await
    }

    /// The proof that the log of one earlier size extends that of another.
    pub(in crate::service) async fn consistency_between(
        &self,
        tenant: &TenantId,
        from: u64,
        to: u64,
    ) -> Result<Option<Vec<Hash>>, Fault> {
        let ends = [from.saturating_sub(1), to.saturating_sub(1)];
        let proof =
            self.proof_in(tenant, &ends, |it, blocks| it.consistency_between(from, to, blocks));
        Ok(proof.await?.map(|it| it.0))
    }

    /// The head of an earlier size, signed: the same bytes as when it was the newest, as long as
    /// the signing key is.
    pub(in crate::service) async fn head_at(
        &self,
        tenant: &TenantId,
        size: u64,
    ) -> Result<Option<Arc<Published>>, Fault> {
        let ends = [size.saturating_sub(1)];
        let root = self.proof_in(tenant, &ends, |it, blocks| it.root_at(size, blocks)).await?;
        let Some((root, newest)) = root else { return Ok(None) };
        if newest.checkpoint.size == size {
            return Ok(Some(newest));
        }
        let origin = newest.checkpoint.origin.clone();
        Ok(Some(self.signed(&Head { origin, epoch: 0, size, root }).await?))
    }

    /// The bytes of a tile of the signed log; `None` where it has no such tile.
    pub(in crate::service) async fn tile(
        &self,
        tenant: &TenantId,
        tile: Tile,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let head = self.published(tenant).await?;
        if !tile.is_in(head.checkpoint.size) {
            return Ok(None);
        }
        let what = "reading a tile";
        match tile.plane() {
            Plane::Entries | Plane::Hashes(0) => {
                let leaves = self.journal.leaves(tenant, tile.first(), tile.width()).await?;
                if leaves.len() != tile.width() {
                    return Err(Fault::escalate(what));
                }
                Ok(Some(match tile.plane() {
                    Plane::Entries => tile::bundle(&leaves),
                    Plane::Hashes(_) => {
                        tile::packed(&leaves.iter().map(Leaf::hash).collect::<Vec<_>>())
                    }
                }))
            }
            Plane::Hashes(level) => self.log(tenant).with(|it| {
                let hashes = it.tree.subtrees(level, tile.first(), tile.width());
                hashes.map(|it| Some(tile::packed(it))).ok_or(Fault::escalate(what))
            }),
        }
    }

    /// Holds the stored leaves of a finished block against the tree this process has signed; where
    /// they differ, nothing is signed any more.
    pub(in crate::service) async fn scrub(
        &self,
        tenant: &TenantId,
        number: u64,
    ) -> Result<Scrubbed, Fault> {
        let signed = self
            .log(tenant)
            .with(|it| it.tree.subtrees(1, number, 1).and_then(|it| it.first().copied()));
        let Some(signed) = signed else { return Ok(Scrubbed::End) };
        if root_of(self.block(tenant, number).await?) == signed {
            return Ok(Scrubbed::Same);
        }
        self.stop(tenant);
        Ok(Scrubbed::Differs { first: number.saturating_mul(BLOCK_LEAVES) })
    }

    /// A proof that needs the blocks of these entries. One that others finish while it is read
    /// comes back short, and the tree no longer keeps its hashes: read again, it is whole.
    async fn proof_in<T>(
        &self,
        tenant: &TenantId,
        entries: &[u64],
        prove: impl Fn(&Tree, &[Block<'_>]) -> Option<T> + Send + Sync,
    ) -> Result<Under<T>, Fault> {
        let numbers: BTreeSet<_> = entries.iter().map(|it| Tree::block_of(*it)).collect();
        for _ in 0..2 {
            let mut read = Vec::with_capacity(numbers.len());
            for number in &numbers {
                read.push((*number, self.block(tenant, *number).await?));
            }
            let blocks: Vec<_> =
                read.iter().map(|(number, leaves)| Block { number: *number, leaves }).collect();
            let proof = self.proof(tenant, |it| prove(it, &blocks)).await?;
            if proof.is_some() {
                return Ok(proof);
            }
        }
        Ok(None)
    }

    async fn block(&self, tenant: &TenantId, number: u64) -> Result<Vec<Hash>, Fault> {
        let n_leaves = usize::try_from(BLOCK_LEAVES).unwrap_or(usize::MAX);
        let from = number.saturating_mul(BLOCK_LEAVES);
        let leaves = self.journal.leaves(tenant, from, n_leaves).await?;
        Ok(leaves.iter().map(Leaf::hash).collect())
    }

    async fn proof<T>(
        &self,
        tenant: &TenantId,
        prove: impl Fn(&Tree) -> Option<T> + Send + Sync,
    ) -> Result<Under<T>, Fault> {
        let log = self.log(tenant);
        let attempt =
            || log.with(|it| it.published.clone().map(|head| prove(&it.tree).map(|it| (it, head))));
        if let Some(proof) = attempt() {
            return Ok(proof);
        }
        self.published(tenant).await?;
        attempt().ok_or(Fault::retry("opening the log"))
    }
}
