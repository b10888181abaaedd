//! Behaviour, properties, and the suites on the reference implementations.

mod bars;
mod confirming;
mod contact;
mod evaluation;
mod explaining;
mod folding;
mod golden;
mod house;
mod importing;
mod limits;
mod oracle;
mod overlays;
mod probe;
mod protocol;
mod receipts;
mod record;
mod registry;
mod restraint;
mod service;
mod signals;
mod suites;
mod world;
