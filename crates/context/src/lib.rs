//! What is known about a person, and who may read how much of it.
//!
//! The crate admits events from the systems of record, keeps typed and tagged fields per node,
//! says how fresh each source is, and cuts bundles: the smallest set of fields that one purpose,
//! one action and one boundary allow. It decides nothing about a person, only what may be known.
//!
//! **Invariants.** Acknowledged is durable: `Accepted` is answered after the append. An event is
//! admitted once per (tenant, source, id). Nothing vanishes: received is accepted plus duplicate
//! plus parked plus refused, per source. Arrival order does not matter. Untagged is unreadable. A
//! tag never widens. The bundle is the minimum and lists what it withholds, with all reasons. Stale
//! is not present. Boundaries start empty.

pub mod name;

pub mod json;

pub mod envelope;
pub mod http;
pub mod refusal;

pub mod boundary;
pub mod catalogue;
pub mod connector;
pub mod schema;
pub mod tag;
pub mod terms;

pub mod artifacts;

pub mod event;
pub mod freshness;
pub mod view;

pub mod admit;
pub mod apply;
pub mod select;

pub mod ports;
pub mod service;

#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(test, feature = "testing"))]
pub mod memory;

#[cfg(test)]
mod tests;

pub use artifacts::Artifacts;
pub use event::{Event, Identifier, Position};
pub use http::{RawBatch, parse_http};
pub use name::{BoundaryId, DataAction, EventType, FieldKey, ObjectKind, ObjectRef, Region};
pub use refusal::{Code, Refusal};
pub use select::{Ask, Bundle, BundleRefusal, Cut, Field, Want};
