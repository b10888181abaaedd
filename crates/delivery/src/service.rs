//! The use cases.

mod contacts;
mod deliveries;
mod dispatch;
mod feedback;
mod in_flight;
mod plan;
mod prepare;

pub use contacts::{ContactService, Headroom};
pub use deliveries::DeliveryService;
pub use dispatch::{BATCH_MAX, DispatchService, HANDOFF_FLOOR, REGATE_MAX};
pub use feedback::{FeedbackError, FeedbackOutcome, FeedbackService};
pub use in_flight::InFlightService;
pub use plan::PlanService;
pub use prepare::{Preparer, Sources};

#[cfg(any(test, feature = "testing"))]
pub(crate) use dispatch::side_by_side;
