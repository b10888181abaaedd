//! The Merkle tree of RFC 6962 over SHA-256: growing it, and proofs against its roots.

use std::fmt;

use sha2::{Digest as _, Sha256};

mod proof;

pub use proof::{siblings, verify_consistency, verify_inclusion};

/// The most hashes of a proof: a tree of 2^63 leaves.
pub const PROOF_HASHES_MAX: usize = 63;
/// Leaves per block: inside finished blocks the tree keeps no hash.
pub const BLOCK_LEAVES: u64 = 1 << BLOCK_LEVEL;
const BLOCK_LEVEL: usize = 8;

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// The root of a tree without leaves.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest(b"").into())
}

/// The hash of a leaf.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash(Sha256::new_with_prefix([0x00]).chain_update(leaf).finalize().into())
}

/// The hash of an inner node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [0; 65];
    let (prefix, rest) = bytes.split_at_mut(1);
    prefix.copy_from_slice(&[0x01]);
    let (first, second) = rest.split_at_mut(32);
    first.copy_from_slice(&left.0);
    second.copy_from_slice(&right.0);
    Hash(Sha256::digest(bytes).into())
}

/// The peaks of a tree: enough to append and to know the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    // Invariant: one complete subtree for each set bit of `size`, the largest first.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// How many leaves there are.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The peaks of a tree of this size, if there are as many as it has; the largest first.
    pub fn of(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        let n_peaks = usize::try_from(size.count_ones()).ok()?;
        (peaks.len() == n_peaks).then_some(Self { size, peaks })
    }

    /// The peaks, the largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        self.peaks
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(empty_root)
    }
}

impl Extend<Hash> for Frontier {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|it| self.push(it));
    }
}

/// The root over these leaf hashes.
pub fn root_of(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut frontier = Frontier::default();
    frontier.extend(leaves);
    frontier.root()
}

/// A tree that can prove: every complete subtree of a block and more, and the unfinished block.
///
/// It holds a quarter of a byte for each leaf of finished blocks; their leaves come from storage.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    size: u64,
    // Invariant: `levels[h]` holds the complete subtrees of 2^h leaves in order; below
    // BLOCK_LEVEL only those of the unfinished block.
    levels: Vec<Vec<Hash>>,
}

/// The leaf hashes of one block, read from storage to prove something inside it.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// Which block: its first leaf is `number` × [`BLOCK_LEAVES`].
    pub number: u64,
    /// Its leaf hashes.
    pub leaves: &'a [Hash],
}

impl Tree {
    /// How many leaves there are.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The block with this leaf.
    pub const fn block_of(index: u64) -> u64 {
        index >> BLOCK_LEVEL
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        let n_joined = self.size.trailing_ones() as usize;
        for level in 0..=n_joined {
            if self.levels.len() <= level {
                self.levels.push(Vec::new());
            }
            let Some(nodes) = self.levels.get_mut(level) else { break };
            nodes.push(node);
            if level < n_joined
                && let [.., left, right] = nodes.as_slice()
            {
                node = node_hash(left, right);
            }
        }
        self.size += 1;
        if n_joined >= BLOCK_LEVEL {
            self.levels.iter_mut().take(BLOCK_LEVEL).for_each(Vec::clear);
        }
    }

    /// The peaks, to try out a batch on.
    pub fn frontier(&self) -> Frontier {
        let peaks = (0..self.levels.len())
            .rev()
            .filter(|level| self.size >> level & 1 == 1)
            .filter_map(|level| self.levels.get(level)?.last().copied())
            .collect();
        Frontier { size: self.size, peaks }
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        self.frontier().root()
    }

    /// The proof that the leaf at an index is in this tree; needs the leaf's block if finished.
    pub fn inclusion(&self, index: u64, block: Block<'_>) -> Option<Vec<Hash>> {
        self.inclusion_at(index, self.size, &[block])
    }

    /// The proof that the leaf at an index was in the tree of an earlier size; needs the leaf's
    /// block and the one that size ends in, where they are finished.
    pub fn inclusion_at(&self, index: u64, size: u64, blocks: &[Block<'_>]) -> Option<Vec<Hash>> {
        if index >= size || size > self.size {
            return None;
        }
        let mut path = Vec::new();
        let (mut low, mut high) = (0, size);
        while high - low > 1 {
            let middle = low + split(high - low);
            if index < middle {
                path.push(self.range(middle, high, blocks)?);
                high = middle;
            } else {
                path.push(self.range(low, middle, blocks)?);
                low = middle;
            }
        }
        path.reverse();
        Some(path)
    }

    /// The proof that this tree extends the one of an earlier size; needs the block it ended in.
    pub fn consistency(&self, from: u64, block: Block<'_>) -> Option<Vec<Hash>> {
        self.consistency_between(from, self.size, &[block])
    }

    /// The proof that the tree of one earlier size extends that of another; needs the blocks both
    /// end in, where they are finished.
    pub fn consistency_between(
        &self,
        from: u64,
        to: u64,
        blocks: &[Block<'_>],
    ) -> Option<Vec<Hash>> {
        if from > to || to > self.size {
            return None;
        }
        let mut path = Vec::new();
        if from == 0 || from == to {
            return Some(path);
        }
        let (mut low, mut high) = (0, to);
        let mut is_whole = true;
        while high != from {
            let middle = low + split(high - low);
            if from <= middle {
                path.push(self.range(middle, high, blocks)?);
                high = middle;
            } else {
                path.push(self.range(low, middle, blocks)?);
                low = middle;
                is_whole = false;
            }
        }
        if !is_whole {
            path.push(self.range(low, high, blocks)?);
        }
        path.reverse();
        Some(path)
    }

    /// The root over the leaves of an earlier size; needs the block it ends in, if finished.
    pub fn root_at(&self, size: u64, blocks: &[Block<'_>]) -> Option<Hash> {
        match size {
            0 => Some(empty_root()),
            _ if size > self.size => None,
            _ => self.range(0, size, blocks),
        }
    }

    /// The peaks at an earlier size; needs the block it ends in, if finished.
    pub fn frontier_at(&self, size: u64, blocks: &[Block<'_>]) -> Option<Frontier> {
        if size > self.size {
            return None;
        }
        let mut peaks = Vec::new();
        let mut low = 0;
        for level in (0..u64::BITS).rev().filter(|it| size >> it & 1 == 1) {
            peaks.push(self.range(low, low + (1 << level), blocks)?);
            low += 1 << level;
        }
        Frontier::of(size, peaks)
    }

    /// The complete subtrees of 2^(8 × `tile_level`) leaves from the `first` on, so many of them;
    /// from level 1 on, because the tree keeps none below.
    pub fn subtrees(&self, tile_level: u8, first: u64, count: usize) -> Option<&[Hash]> {
        let level = usize::from(tile_level).checked_mul(BLOCK_LEVEL).filter(|it| *it > 0)?;
        let first = position(first)?;
        self.levels.get(level)?.get(first..first.checked_add(count)?)
    }

    /// The hash over the leaves from `low` to before `high`.
    fn range(&self, low: u64, high: u64, blocks: &[Block<'_>]) -> Option<Hash> {
        let n_leaves = high - low;
        if n_leaves.is_power_of_two() && low.is_multiple_of(n_leaves) {
            return self.complete(low, n_leaves, blocks);
        }
        let middle = low + split(n_leaves);
        Some(node_hash(&self.range(low, middle, blocks)?, &self.range(middle, high, blocks)?))
    }

    fn complete(&self, low: u64, n_leaves: u64, blocks: &[Block<'_>]) -> Option<Hash> {
        let level = n_leaves.trailing_zeros() as usize;
        let number = Self::block_of(low);
        if level >= BLOCK_LEVEL {
            return self.levels.get(level)?.get(position(low >> level)?).copied();
        }
        let within = low % BLOCK_LEAVES;
        if number == Self::block_of(self.size) {
            return self.levels.get(level)?.get(position(within >> level)?).copied();
        }
        let block = blocks.iter().find(|it| it.number == number)?;
        let leaves = block.leaves.get(position(within)?..position(within + n_leaves)?)?;
        Some(root_of(leaves.iter().copied()))
    }
}

impl Extend<Hash> for Tree {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|it| self.push(it));
    }
}

/// The largest power of two below `n_leaves`, which is at least 2.
const fn split(n_leaves: u64) -> u64 {
    1 << (n_leaves - 1).ilog2()
}

fn position(number: u64) -> Option<usize> {
    usize::try_from(number).ok()
}
