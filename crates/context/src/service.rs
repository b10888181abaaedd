//! The use cases: admit, import, apply, bundle, watch freshness, look at health.

mod admission;
mod apply;
mod bundle;
mod health;
mod import;
mod watch;

pub use admission::{AdmissionService, AdmitError, ItemOutcome};
pub use apply::{ApplyService, STRETCH_MAX};
pub use bundle::BundleService;
pub use health::{Health, HealthService, SourceHealth};
pub use import::{ImportError, ImportReport, ImportService, PROBLEMS_MAX, RowProblem};
pub use watch::FreshnessService;
