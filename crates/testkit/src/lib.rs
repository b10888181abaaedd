//! What a test needs around the system: a server that records, a process that can be killed, a
//! database and a key prefix of its own on the servers of the run.
//!
//! Dev-dependency only. **Invariants.** Nothing here sleeps for luck: every wait ends with the
//! event it waits for or fails at a deadline. Ports are handed out by the operating system, so
//! tests run side by side.

pub mod postgres;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod run;
pub mod servers;
pub mod sink;

#[cfg(test)]
mod tests;

pub use process::{Process, free_address};
pub use proxy::{Proxy, Tally, Weather};
pub use sink::{Received, Reply, Sink};
