//! What needs servers: run by `cargo xtask it`.

#![expect(clippy::duplicate_mod, reason = "the same laws over one server and over a cluster")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken law panics"
)]

mod postgres;
mod redis;
