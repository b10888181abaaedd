//! Behaviour, properties, and the suites on the reference implementations.

mod bars;
mod contact;
mod evaluation;
mod explaining;
mod folding;
mod golden;
mod house;
mod limits;
mod oracle;
mod probe;
mod protocol;
mod registry;
mod restraint;
mod service;
mod suites;
mod world;
