//! The binary as a user runs it: started, spoken to over HTTP, killed, started again.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken scenario panics"
)]

mod bad_input;
mod commands;
mod evidence;
mod explained;
mod kill;
mod matching;
mod replayed;
mod roles;
mod server;
mod session;
mod telemetry;
mod witnessed;
mod world;
