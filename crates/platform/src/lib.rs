//! The composition root and the one binary, `assent`.
//!
//! **Invariants.** Only this crate sees every domain and every adapter. Configuration is read once.
//! Memory implementations never ship.

mod activation;
pub mod api_keys;
pub mod channels;
pub mod cli;
pub mod compose;
pub mod config;
pub mod demo;
pub mod journeys;
pub mod machine;
mod records;
pub mod secrets;
mod sharing;
pub mod witnesses;
