//! The activation layer on Redis: what decisions read, kept close to every process, never trusted to
//! permit.
//!
//! The same decorators as [`activation`](crate::activation), for more than one process. An entry is
//! filled only under a lease taken before its source was read; a change takes the leases of what it
//! touches away before it commits and again after it, on the one server that every reader is bound
//! to. Which server that is, and whether anything on it counts, is one row of the system of record
//! ([`SqlCharter`](crate::sql::activation::SqlCharter)), which each process reads again within [`Timing::lease`] or stops serving. A
//! change that cannot reach the layer shuts it, and is acknowledged once nobody can still be serving
//! from it. `docs/decisions/0004-redis-activation.md` has the protocol and why it holds.
//!
//! **Invariants.** The gate that sends never asks here. What cannot be read, decoded or vouched for
//! is a miss, and a miss is answered by the system of record. All keys of one person share a slot.

use std::time::Duration;

mod board;
mod change;
mod choices;
mod codec;
mod contacts;
mod fields;
mod hints;
mod homes;
mod layer;
mod leased;
mod people;
mod policy;
mod scripts;
mod server;
mod state;
mod tag;
mod upkeep;

pub use board::LeasedBoard;
pub use choices::{FencedLedger, RedisSnapshots};
pub use codec::PAYLOAD_BYTES_MAX;
pub use contacts::{FencedGate, FencedJournal, RedisContacts};
pub use fields::{RedisContext, VIEWS_PER_PERSON};
pub use hints::{RedisHints, WAIT};
pub use layer::{Layer, LayerError, Parts, Settings};
pub use people::{FencedAssertionLog, RedisDirectory};
pub use policy::{LeasedPolicyHead, LeasingReleaseLedger};
pub use upkeep::{PEOPLE_PER_PAGE, Sources, Upkeep};

/// How long everything may take, and lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long a process may go by the charter after it began to read it.
    pub lease: Duration,
    /// How long a shut layer stays shut; never less than a [`grace`](Self::grace), because a change
    /// goes by the next layer alone, and somebody may still be served from the last.
    pub rest: Duration,
    /// How long a decision waits for the layer before it asks the system of record.
    pub read: Duration,
    /// How long a change waits for the layer before it shuts it.
    pub change: Duration,
    /// How long anything is kept, up to a quarter longer by chance.
    pub keep: Duration,
    /// How long a change that was begun and never ended keeps what it touches out of the layer;
    /// longer than any transaction of the system of record can take.
    pub mark: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(1),
            rest: Duration::from_secs(5),
            read: Duration::from_millis(30),
            change: Duration::from_millis(250),
            keep: Duration::from_hours(1),
            mark: Duration::from_mins(2),
        }
    }
}

impl Timing {
    /// After this long nobody goes by a charter any more that was replaced at its beginning: a
    /// lease, and a sixteenth for clocks that do not run alike.
    pub fn grace(&self) -> Duration {
        self.lease + self.lease / 16
    }
}
