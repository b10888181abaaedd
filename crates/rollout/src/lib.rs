//! Which artifact is live where, and who said so.
//!
//! Every behavioural change (a node, a purpose, a template, a cap) is a content-addressed artifact.
//! It becomes behaviour only as part of a bundle, and a bundle becomes live only by a move of the
//! deployment's pointer. The crate decides about nobody and never reads another domain's artifact:
//! it sees a kind, a digest and a body, and asks the validators handed in at composition.
//!
//! **Invariants.** Equal content has an equal digest, and any edit is another digest. Only bundles
//! deploy, and only valid ones go live. The pointer's sequence only rises: a rollback is a new
//! sequence that points to an old digest. Going back is never refused for what a bundle contains. A
//! move, its statements and the policy epoch it raises are kept together or not at all.

pub mod artifact;
pub mod bundle;
pub mod diff;
pub mod lint;
pub mod parse;
pub mod pointer;
pub mod ports;
pub mod service;

#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(test, feature = "testing"))]
pub mod memory;

#[cfg(test)]
mod tests;

pub use artifact::{Artifact, Kind, SourceFile};
pub use bundle::{Bundle, Entry, LoadedBundle, LoadedEntry};
pub use diff::{Change, Diff};
pub use lint::{Validator, Validators, lint};
pub use pointer::{DeploymentId, Move, MoveReason, Pointer};
pub use ports::{ArtifactStore, ReleaseLedger};
pub use service::{Live, ReleaseService, Submitted};
