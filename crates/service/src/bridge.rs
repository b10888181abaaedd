//! Bridges: a domain's question in its own words, answered by another. They translate and decide
//! nothing.

pub mod artifacts;
pub mod content;
pub mod history;
pub mod in_flight;
pub mod intake;
pub mod journal;
pub mod knowledge;
pub mod links;
pub mod measure;
pub mod people;
pub mod permission;
