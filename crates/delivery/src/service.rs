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
pub use dispatch::DispatchService;
pub use feedback::{FeedbackError, FeedbackOutcome, FeedbackService};
pub use in_flight::InFlightService;
pub use plan::PlanService;
pub use prepare::{Preparer, Sources};
