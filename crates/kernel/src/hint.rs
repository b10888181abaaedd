//! Hints: word from one process to the others that something was written.

use std::fmt;

use async_trait::async_trait;

use crate::Fault;

/// A place among the hints, in the words of whoever carries them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(pub String);

/// Carries hints to every process that listens.
///
/// A hint says nothing but that it is worth looking at the system of record now. Whoever misses one
/// looks anyway, only later; so a bus may lose hints, and several may be heard as one.
#[async_trait]
pub trait HintBus: fmt::Debug + Send + Sync + 'static {
    /// Tells everybody who listens.
    async fn tell(&self) -> Result<(), Fault>;
    /// The place to listen from, from now on.
    async fn mark(&self) -> Result<Mark, Fault>;
    /// Waits until something is told after this place, at most for as long as the bus waits; the
    /// place to go on from, or nothing if nothing was told.
    async fn hear(&self, after: &Mark) -> Result<Option<Mark>, Fault>;
}
