//! Behaviour, properties, and the suites on the reference implementations.

mod contact;
mod evaluation;
mod folding;
mod house;
mod oracle;
mod probe;
mod registry;
mod restraint;
mod service;
mod suites;
mod world;
