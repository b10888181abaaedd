//! What needs servers: run by `cargo xtask it`.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken law panics"
)]

mod postgres;
mod redis;
