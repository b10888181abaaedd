//! Permission, before any rule.

use kernel::Instant;

use super::{Reached, Work};
use crate::{inputs::Permission, reasons};

/// A candidate is permitted when some channel it could use is.
pub(super) fn permit(work: &mut Work<'_>) {
    let stage = Reached::Permitted.as_str();
    for candidate in work.candidates.iter_mut().filter(|it| it.stands()) {
        let Some(at) = work.nodes.get(candidate.work) else { continue };
        let mut reason = reasons::PRM_REFUSED;
        let mut permitted = false;
        for (_, treatment) in at.treatments(candidate.action, &work.inputs.mode) {
            match at.inputs.verdicts.get(treatment.channel_idx).and_then(Option::as_ref) {
                None => reason = reasons::ENG_INVARIANT,
                Some(it) => match it.permission {
                    Permission::Permitted => permitted = true,
                    Permission::Held { .. } => reason = reasons::PRM_HELD,
                    Permission::Refused if it.reasons.contains(&reasons::PRM_UNREACHABLE) => {
                        reason = reasons::PRM_UNREACHABLE;
                    }
                    Permission::Refused => {}
                },
            }
        }
        if permitted {
            candidate.reached = Reached::Permitted;
        } else {
            candidate.fail(stage, reason);
        }
    }
}

/// When permission may be asked again: the earliest end of a hold.
pub(super) fn held_until(work: &Work<'_>, node: usize) -> Option<Instant> {
    let verdicts = &work.nodes.get(node)?.inputs.verdicts;
    let holds = verdicts.iter().flatten().filter_map(|it| match it.permission {
        Permission::Held { until } => Some(until),
        Permission::Permitted | Permission::Refused => None,
    });
    holds.min()
}
