//! The composed process in a test: every domain and every adapter, no sockets, time moved by hand.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken scenario panics"
)]

mod bridges;
mod choices;
mod customer;
mod merge;
mod message;
mod month;
mod quiet;
mod refusals;
mod replay;
mod signals;
mod task;
mod webhook;
mod world;
