//! What `audit` asks of others: the log, its records, the keys and the signer.

use std::fmt;

use async_trait::async_trait;
use kernel::{Digest, Fault, Limit, Reason, TenantId};

use crate::{
    entry::{EntryKind, Leaf},
    key::{Key, KeyOwner, Kid},
    note::{Checkpoint, Origin},
    seal::SealedRecord,
    sequence::{Batch, Token},
    tree::Hash,
    witness::AddCheckpoint,
};

/// Where a log stands: what is durable, and who may append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The log's name, first line of its checkpoints.
    pub origin: Origin,
    /// Raised at each take-over: a batch of an older epoch commits nothing.
    pub epoch: u64,
    /// How many entries there are.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// Why an item of a batch was left out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drop {
    /// The key is known: the entry at this index was the first.
    Known {
        /// Where the first entry is.
        index: u64,
        /// What the first asker asked.
        fingerprint: Digest,
    },
    /// The companion's owner refused.
    Vetoed(Reason),
}

/// An item of a batch that was not appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Which item of the batch.
    pub item: usize,
    /// Why.
    pub why: Drop,
}

/// A batch that is durable, but for the items that were dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Where the log stands now.
    pub head: Head,
    /// The items left out, by rising item.
    pub dropped: Vec<Dropped>,
}

/// Why a batch was not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another process leads this log, or it has moved on.
    #[error("the log has another leader or size")]
    Fenced,
    /// The outcome is unknown or there is none; read the head again.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The log of a tenant: thin leaves, idempotency keys, head.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Raises the epoch and returns the head; opens the log under this origin where there is none.
    async fn take_over(&self, tenant: &TenantId, origin: &Origin) -> Result<Head, Fault>;
    /// The head of the log, if there is one.
    async fn head(&self, tenant: &TenantId) -> Result<Option<Head>, Fault>;
    /// Commits leaves, records, keys, facts and companions of a batch together or not at all.
    ///
    /// Items whose key is known, and items whose companion is vetoed, leave no trace.
    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError>;
    /// The leaves from this index on, in order, at most so many.
    async fn leaves(&self, tenant: &TenantId, from: u64, limit: usize) -> Result<Vec<Leaf>, Fault>;
}

/// A sealed record and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The entry's index in the log.
    pub index: u64,
    /// The record.
    pub sealed: SealedRecord,
}

/// The sealed records behind the leaves.
#[async_trait]
pub trait Records: fmt::Debug + Send + Sync + 'static {
    /// The records at these indices that exist, by rising index.
    async fn stored(&self, tenant: &TenantId, indices: &[u64]) -> Result<Vec<Stored>, Fault>;
    /// The indices kept under this token after another index, rising.
    async fn locate(
        &self,
        tenant: &TenantId,
        token: &Token,
        after: Option<u64>,
        limit: Limit,
    ) -> Result<Vec<u64>, Fault>;
    /// The records of a kind after an index, rising; of every kind where none is named.
    async fn page(
        &self,
        tenant: &TenantId,
        kind: Option<EntryKind>,
        after: Option<u64>,
        limit: Limit,
    ) -> Result<Vec<Stored>, Fault>;
}

/// The key store, apart from the records.
#[async_trait]
pub trait Keyring: fmt::Debug + Send + Sync + 'static {
    /// The key of each owner that has one, in the order asked.
    async fn find(&self, tenant: &TenantId, owners: &[KeyOwner])
    -> Result<Vec<Option<Key>>, Fault>;
    /// Keeps these keys, durably, and returns the key of each owner: the one kept first wins.
    async fn keep(&self, tenant: &TenantId, minted: &[(KeyOwner, Key)]) -> Result<Vec<Key>, Fault>;
    /// The keys of these names that exist, in the order asked.
    async fn open(&self, tenant: &TenantId, kids: &[Kid]) -> Result<Vec<Option<Key>>, Fault>;
    /// Takes these keys from their owners, durably: whoever asks for an owner's key from now on
    /// finds none. They open until they are destroyed.
    async fn close(&self, tenant: &TenantId, kids: &[Kid]) -> Result<(), Fault>;
    /// Destroys these keys, wherever this store has them.
    async fn destroy(&self, tenant: &TenantId, kids: &[Kid]) -> Result<(), Fault>;
}

/// What a witness remembers: the head of each log it cosigned last.
#[async_trait]
pub trait WitnessStore: fmt::Debug + Send + Sync + 'static {
    /// The head cosigned last of this log.
    async fn latest(&self, log: &Origin) -> Result<Option<Checkpoint>, Fault>;
    /// Keeps a head, durably, if the one before is still the last; says whether it is kept.
    async fn advance(&self, before: Option<&Checkpoint>, after: &Checkpoint)
    -> Result<bool, Fault>;
}

/// What a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Witnessed {
    /// Signature lines of the note.
    Cosigned(String),
    /// This size was cosigned last: the request was for another.
    At(u64),
    /// It does not cosign this.
    Refused,
}

/// A witness of the log (C2SP tlog-witness).
#[async_trait]
pub trait Witness: fmt::Debug + Send + Sync + 'static {
    /// Asks for a cosignature.
    async fn add_checkpoint(&self, request: &AddCheckpoint) -> Result<Witnessed, Fault>;
}

/// Holds the log's Ed25519 key.
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync + 'static {
    /// The public half.
    async fn public_key(&self) -> Result<[u8; 32], Fault>;
    /// The signature over a note's body (RFC 8032, deterministic).
    async fn sign(&self, body: &[u8]) -> Result<[u8; 64], Fault>;
}
