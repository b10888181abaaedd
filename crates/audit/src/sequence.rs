//! The pure core of the sequencer: preparing a batch, leaving items out, settling what became of it.

use std::{fmt, sync::Arc};

use kernel::{Digest, Fact, Reason, TenantId};

use crate::{
    entry::{Companion, Leaf, RecordId},
    ports::{Committed, Drop, Dropped, Head},
    tree::{Frontier, Hash},
};

/// The most entries of one batch.
pub const BATCH_ENTRIES_MAX: usize = 256;
/// The most submissions waiting for one log.
pub const QUEUE_ENTRIES_MAX: usize = 8_192;

/// What a record is found by: its own id, or a blinded one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token([u8; 16]);

impl Token {
    /// The token with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The token of a record.
    pub fn of_record(record: RecordId) -> Self {
        Self(*record.uuid().as_bytes())
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", hex::encode(self.0))
    }
}

/// A submission after sealing: nothing in it can be read without keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The idempotency key with its day.
    pub slot: [u8; 20],
    /// What "the same request" means.
    pub fingerprint: Digest,
    /// The thin leaf.
    pub leaf: Leaf,
    /// The sealed record's bytes.
    pub sealed: Vec<u8>,
    /// What the record is found by.
    pub tokens: Vec<Token>,
    /// What became true with it.
    pub facts: Vec<Fact>,
    /// The asker's other writes.
    pub companion: Option<Companion>,
}

/// Items with their positions to be, on a copy of the log's frontier.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Whose log.
    pub tenant: TenantId,
    /// The leader's epoch.
    pub epoch: u64,
    /// The tree before.
    pub before: Frontier,
    /// What to append, in order.
    pub items: Vec<Arc<Prepared>>,
}

impl Batch {
    /// A batch that follows this head.
    pub const fn prepare(
        tenant: TenantId,
        epoch: u64,
        before: Frontier,
        items: Vec<Arc<Prepared>>,
    ) -> Self {
        Self { tenant, epoch, before, items }
    }

    /// The index of the first item.
    pub const fn first(&self) -> u64 {
        self.before.size()
    }

    /// The same batch without some items; later ones move up.
    #[must_use]
    pub fn without(&self, dropped: &[Dropped]) -> Self {
        if dropped.is_empty() {
            return self.clone();
        }
        let mut dropped = dropped.iter().map(|it| it.item).peekable();
        let kept = self.items.iter().enumerate().filter(|(i, _)| dropped.next_if_eq(i).is_none());
        Self { items: kept.map(|(_, it)| Arc::clone(it)).collect(), ..self.clone() }
    }

    /// Size and root of the tree with this batch.
    pub fn after(&self) -> (u64, Hash) {
        let mut frontier = self.before.clone();
        frontier.extend(self.items.iter().map(|it| it.leaf.hash()));
        (frontier.size(), frontier.root())
    }

    /// The head this batch leads to.
    pub fn head(&self, before: &Head) -> Head {
        let (size, root) = self.after();
        Head { size, root, ..before.clone() }
    }
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Appended at this index.
    New(u64),
    /// The same request had been appended at this index.
    Existing(u64),
    /// Another request had used the key.
    Conflict,
    /// The companion's owner refused.
    Vetoed(Reason),
}

/// What became of each item of a committed batch, in order.
pub fn settle(batch: &Batch, committed: &Committed) -> Vec<Settled> {
    let mut dropped = committed.dropped.iter().peekable();
    let mut next = batch.first();
    let one = |(i, item): (usize, &Arc<Prepared>)| match dropped.next_if(|it| it.item == i) {
        None => {
            next += 1;
            Settled::New(next - 1)
        }
        Some(Dropped { why: Drop::Vetoed(reason), .. }) => Settled::Vetoed(reason.clone()),
        Some(Dropped { why: Drop::Known { index, fingerprint }, .. }) => {
            if *fingerprint == item.fingerprint {
                Settled::Existing(*index)
            } else {
                Settled::Conflict
            }
        }
    };
    batch.items.iter().enumerate().map(one).collect()
}
