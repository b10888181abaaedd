//! The use cases: ask for a decision, let triggers fire, read and replay records.

mod derive;
mod dispatch;
mod facts;
mod gather;
mod inbound;
mod observe;
mod reading;
mod trigger;

use std::sync::Arc;

use kernel::{Clock, Entropy};

use crate::ports::{
    ArmSource, ContactHistory, ContextSource, Journal, PermissionSource, PersonSource,
    ReleaseSource, Timetable,
};

pub use inbound::{ANSWER_TTL, Answer, Ask, AskError, DecisionService, ROUNDS_MAX, Served, Who};
pub use reading::{ReadingService, Replayed};
pub use trigger::{CLAIM_MAX, LEASE, TriggerService};

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
