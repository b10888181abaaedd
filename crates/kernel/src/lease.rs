//! Leases: which of several processes does a piece of background work for now.

use std::fmt;

use async_trait::async_trait;
use chrono::TimeDelta;
use uuid::Uuid;

use crate::Fault;

/// What became of asking for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is the holder's for as long as was asked, from before the asking.
    Mine,
    /// Another has it for so much longer, unless it is kept or given back.
    Others(TimeDelta),
}

/// Who holds which lease, by one clock for every process.
///
/// A lease saves work that two processes would do alike. It does not keep what it was taken for from
/// happening twice: a process may stand still for longer than its lease and go on. That is kept by the
/// fences of the writes themselves.
#[async_trait]
pub trait LeaseBook: fmt::Debug + Send + Sync + 'static {
    /// Takes the lease of this name where nobody else holds it, or keeps it, for so long from now.
    async fn take(&self, name: &str, holder: Uuid, lasts: TimeDelta) -> Result<Taken, Fault>;
    /// Gives it back, if it is this holder's: the next who asks takes it.
    async fn give_back(&self, name: &str, holder: Uuid) -> Result<(), Fault>;
}
