//! The use cases: ask for a decision, let triggers fire, read and replay records.

mod inbound;

use std::sync::Arc;

use kernel::{Clock, Entropy};

use crate::ports::{
    ArmSource, ContactHistory, ContextSource, Journal, PermissionSource, PersonSource,
    ReleaseSource, Timetable,
};

pub use inbound::{Answer, Ask, AskError, Served, Who};

/// Everything decisions are made from; cheap to clone.
#[derive(Debug, Clone)]
pub struct Sources {
    /// What is live.
    pub releases: Arc<dyn ReleaseSource>,
    /// Who is who.
    pub persons: Arc<dyn PersonSource>,
    /// What is known.
    pub context: Arc<dyn ContextSource>,
    /// What is permitted.
    pub permission: Arc<dyn PermissionSource>,
    /// What was sent.
    pub history: Arc<dyn ContactHistory>,
    /// Which arm.
    pub arms: Arc<dyn ArmSource>,
    /// Where decisions are made.
    pub journal: Arc<dyn Journal>,
    /// The timers.
    pub timetable: Arc<dyn Timetable>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Chance, for ids.
    pub entropy: Arc<dyn Entropy>,
}
