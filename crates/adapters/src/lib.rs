//! Every technology, each behind a domain's port.
//!
//! **Invariants.** One port call is one transaction. A cache never authorises a send. Nothing about
//! a person is in a log line, a metric, a span or an error message.

pub mod activation;
pub mod channel;
pub mod files;
pub mod http;
pub mod keys;
pub mod redis;
pub mod sql;
pub mod system;
pub mod telemetry;
pub mod traced;
pub mod witness;
