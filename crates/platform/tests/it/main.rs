//! The binary with the servers a deployment has; `cargo xtask it` starts them and hands over their
//! URLs.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken scenario panics"
)]

#[path = "../house/customer.rs"]
mod customer;
#[expect(dead_code, reason = "shared with the scenarios without sockets")]
#[path = "../house/world.rs"]
mod house;
mod postgres;
mod redis;
#[expect(dead_code, reason = "shared with the scenarios on files")]
#[path = "../e2e/server.rs"]
mod server;
mod silence;
mod wire;
mod workers;
#[path = "../e2e/world.rs"]
mod world;
