//! Who is who, how surely, and how to take it back.
//!
//! Identifiers seen in every system of the house become *nodes*; nodes that name one human being
//! become a *person*, called by its founder. An append-only log of assertions is kept; everything
//! else is derived from it, so any step can be undone exactly.
//!
//! **Invariants.** Nothing is merged in place: people are a pure function of the live assertions.
//! **Arrival order changes nothing** but who founded a person. **Unmerge is exact**: retracting an
//! assertion gives the people of a log that never held it. **Only anchors join people**, and
//! contacts their namespace promotes once verified. **A shared value belongs to nobody**, but a
//! shared contact carries a denial to everyone on it. **Every id ever issued resolves.** **Raw
//! values live only in the vault**: log, facts and `Debug` hold blind keys or ids.
//!
//! `matching` finds records that are probably one person; it decides nothing about anybody.
//!
//! Read `node` and `identifier` for the nouns, `assertion` for the log, `partition`, `ownership`
//! and `change` for the heart, `service` for what callers do.

pub mod assertion;
pub mod change;
pub mod cut;
pub mod explain;
pub mod graph;
pub mod identifier;
pub mod matching;
pub mod naming;
pub mod node;
pub mod normal;
pub mod ownership;
pub mod partition;
pub mod ports;
pub mod reading;
pub mod reason;
pub mod service;

mod namespace;

#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(test, feature = "testing"))]
pub mod memory;

#[cfg(test)]
mod tests;

pub use assertion::Strength;
pub use identifier::{Identifier, RawValue, Resolved, Sighting};
pub use namespace::{Artifacts, Class, KIND, NAMESPACES_MAX, Namespace};
pub use node::{Blinder, NamespaceId};

/// The most sightings one call resolves.
pub const BATCH_ITEMS_MAX: usize = 500;
/// The most identifiers one record or event names.
pub const IDENTIFIERS_PER_EVENT_MAX: usize = 8;
/// The most nodes a component may hold before only its owners' and stewards' links count.
pub const COMPONENT_NODES_MAX: usize = 1_000;
/// The most entries of a history that are explained: each is derived anew.
pub const HISTORY_MAX: usize = 200;
/// How often a plan is made again because its components moved.
pub const APPEND_RETRIES_MAX: usize = 5;
