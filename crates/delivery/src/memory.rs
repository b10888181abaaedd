//! Reference implementations, with outages that can be switched on.

mod desk;
mod sources;

pub use desk::MemoryDesk;
pub use sources::{MemorySender, MemorySources, Sent};

use crate::gate::{GateRequest, GateView, Judgement, judge};
use kernel::Instant;

/// A judge that does not look at the heads: what the race must catch. Tests only.
pub fn judge_blindly(request: &GateRequest, view: &GateView, now: Instant) -> Judgement {
    let epochs = request.stamp.epochs();
    let mut view = view.clone();
    view.heads.identity = Some(epochs.identity);
    view.heads.person = epochs.person;
    view.heads.policy = epochs.policy;
    judge(request, &view, now)
}
