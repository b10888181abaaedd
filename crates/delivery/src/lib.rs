//! Getting it there, or saying why not.
//!
//! A decided action becomes a delivery; a delivery is handed off at most once per attempt, and only
//! with an [`Attempt`] that the send gate made. Whatever is not sent says why.
//!
//! **Invariants.** No hand-off without a gate. The database orders the gate and the "no": an
//! attempt's verdict has seen every withdrawal committed before it. No hand-off starts after an
//! acknowledged withdrawal. One occurrence, one contact per channel. A hand-off that may have
//! happened is `unknown` and is repeated only where the provider deduplicates. Caps are exact. An
//! uncertain time zone never widens a window. Terminal is terminal. Only declared fields are shown.

pub mod message;
pub mod state;

pub mod attempt;
pub mod caps;
pub mod contact;
pub mod content;
pub mod fact;
pub mod gate;
pub mod permission;
pub mod plan;
pub mod reason;
pub mod render;
pub mod retry;
pub mod sender;
pub mod template;
pub mod window;
pub mod zone;

pub mod ports;
pub mod service;

#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(test, feature = "testing"))]
pub mod memory;

#[cfg(test)]
mod tests;

pub use attempt::{Attempt, AttemptId, Stamp};
pub use content::Artifacts;
pub use gate::{GateRequest, GateView, Heads, Judgement, judge};
pub use message::Delivery;
pub use state::{Event, Receipt, State, apply};
