//! The trail nobody can quietly change: entries a stranger can check offline, years later.
//!
//! An acknowledged entry is durable, included in a Merkle tree and signed. The tree is the thin
//! plane: 34 bytes an entry, no personal data, kept for ever. The record is the fat plane: groups
//! of fields sealed under keys, so that destroying one key leaves every proof valid and nothing
//! readable.
//!
//! **Invariants.** An acknowledged entry is in the tree under a signed checkpoint. No entry is
//! altered, reordered or removed without a proof failing. Same key, same request: the original
//! entry; same key, other request: a conflict. Nothing is dropped silently: indices are dense and a
//! full queue refuses. Only what is durable is signed. Verification needs no network, account or
//! vendor.
//!
//! Map: [`entry`] and [`key`] are the nouns; [`seal`] commits and encrypts; [`tree`], [`note`],
//! [`tile`], [`receipt`], [`consistency`] and [`verify`] are
//! the verifier; [`evidence`], [`sample`] and [`bag`] make a pack; [`sequence`] prepares and settles batches;
//! [`service`] has the use cases.

pub mod bag;
pub mod consistency;
pub mod entry;
pub mod evidence;
pub mod key;
pub mod note;
pub mod ports;
pub mod receipt;
pub mod sample;
pub mod seal;
pub mod sequence;
pub mod service;
pub mod tile;
pub mod tree;
pub mod verify;
pub mod witness;

#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(test, feature = "testing"))]
pub mod memory;

#[cfg(test)]
mod tests;

pub use entry::{
    Companion, Custody, EntryKind, Group, IdemKey, RecordId, RetentionClass, Submission,
};
pub use service::{
    AppendError, AppendService, Appended, FactEntryService, Position, ProveService, RecordService,
};
