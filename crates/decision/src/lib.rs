//! When to act, what to do, and why: journey nodes, triggers, conditions, arbitration, records.
//!
//! The crate turns what is known and permitted at one instant into at most one action, or into a
//! reason. It asks for facts through its own ports, hands over an action and never sends.
//!
//! **Invariants.** Unknown never acts, and knowing more never reverses what was known. What was
//! not appended was not made. The same inputs give the same bytes. Permission comes before rules,
//! and a candidate sees only its own cut. Nothing outside a node's allow-list can be chosen. One
//! occurrence has one live action. Holdouts are decided in full. No wait trusts what it knew when
//! it was armed.

pub mod artifacts;
pub mod companion;
pub mod condition;
pub mod explain;
pub mod inputs;
pub mod node;
pub mod occurrence;
pub mod person;
pub mod pipeline;
pub mod ports;
pub mod rank;
pub mod reasons;
pub mod record;
pub mod replay;
pub mod schedule;
pub mod service;

#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(test, feature = "testing"))]
pub mod memory;

#[cfg(test)]
mod tests;

pub use artifacts::Artifacts;
pub use inputs::{Inputs, NodeInputs};
pub use node::Node;
pub use occurrence::{ObjectRef, Occasion, Occurrence, Settlement, State, SubjectKey};
pub use pipeline::{Decided, Outcome, decide};
pub use record::{Record, StoredRecord};
pub use replay::{Mismatch, replay};
pub use service::{
    Answer, Ask, AskError, DecisionService, ReadingService, Served, Sources, TriggerService, Who,
};
