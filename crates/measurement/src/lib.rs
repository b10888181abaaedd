//! Did it work, for whom, and how sure are we.
//!
//! The crate draws arms on the hot path, keeps what facts say about assignment, exposure and outcome,
//! and turns it into a lift with an honest interval per journey node. It decides about nobody and
//! sends nothing.
//!
//! **Invariants.** Assignment, exposure and outcome are three things, and none stands in for
//! another. A decision without a logged propensity never enters an estimate. No data is unknown:
//! never zero, never safe. The same facts give the same numbers, in any order and however often they
//! arrive. People are pseudonyms here, and no person is a label of a signal.

pub mod assign;
pub mod decimal;
pub mod evidence;
pub mod fold;
pub mod plan;
pub mod ports;
pub mod result;
pub mod service;
pub mod signal;
pub mod statistics;

#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(test, feature = "testing"))]
pub mod memory;

#[cfg(test)]
mod tests;

pub use assign::{Arm, Draw, Unit, assign};
pub use decimal::Decimal;
pub use plan::{Direction, Kpi, NodePlan, Pseudonym};
pub use ports::{ExposureStore, PlanSource, SignalStore, UnitSource};
pub use result::{Interval, NodeResult};
pub use service::{FoldService, ResultService};
pub use signal::Signals;
