//! What is written with a decision, in the transaction of its record: steps of occurrences and the
//! hand-off of an answer.
//!
//! The log carries it as bytes it does not read; the adapter that owns the tables applies it.

use kernel::Fault;
use serde::{Deserialize, Serialize};

use crate::{occurrence::Settlement, ports::Handoff};

/// The name under which the log hands it to its adapter.
pub const KIND: &str = "decision";

/// The other writes of a decision: all of them happen with its record, or none and no record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Companion {
    /// Steps of occurrences.
    pub settlements: Vec<Settlement>,
    /// The hand-off, where the answer is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff: Option<Handoff>,
}

impl Companion {
    /// As the log carries it.
    pub fn encode(&self) -> Result<Vec<u8>, Fault> {
        serde_json::to_vec(self).map_err(|it| Fault::escalate("encoding a companion").because(it))
    }

    /// As the adapter reads it.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(bytes)
            .map_err(|it| Fault::escalate("decoding a companion").because(it))
    }

    /// Whether there is nothing to write.
    pub const fn is_empty(&self) -> bool {
        self.settlements.is_empty() && self.handoff.is_none()
    }
}
