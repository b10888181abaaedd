//! Behaviour, properties, and the suites on the reference implementations.

mod evaluation;
mod folding;
mod oracle;
mod probe;
mod registry;
mod service;
mod suites;
mod world;
