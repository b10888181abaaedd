//! Why, and what would have to change for a yes: the same evaluation, asked again with one fact
//! otherwise. A dry run: nothing it supposes is kept.

use std::sync::Arc;

use kernel::{CanonicalError, Instant, PersonAt, Reason, TenantId};
use serde::Serialize;

use crate::{Artifacts, Ask, NodeLog, Snapshot, Verdict, evaluate, fold, ports::Member, reason};

mod change;
mod suppose;

pub use change::{Change, Who};

/// The most changes a way to a yes may take; past it there is none.
pub const CHANGES_MAX: usize = 12;

/// Everything a verdict rests on, in hand: what may be supposed otherwise.
#[derive(Debug, Clone)]
pub struct Case {
    /// Whose.
    pub tenant: TenantId,
    /// The person.
    pub person: PersonAt,
    /// The person's nodes.
    pub members: Vec<Member>,
    /// Their logs.
    pub logs: Vec<NodeLog>,
    /// The registry.
    pub artifacts: Arc<Artifacts>,
    /// The question.
    pub ask: Ask,
    /// The instant it is asked for.
    pub as_of: Instant,
}

/// One reason against, and what would do away with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Objection {
    /// The code.
    pub reason: Reason,
    /// The provision it enforces.
    pub cites: &'static str,
    /// The smallest single change after which the same question does not meet this reason any
    /// more; none where nothing that can be supposed does away with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

/// Changes that, made in this order, lead to a yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Way {
    /// The changes; none where the answer is yes already.
    pub changes: Vec<Change>,
}

/// A verdict, what speaks against it, and the way to a yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The verdict.
    pub verdict: Verdict,
    /// Every reason against, in gate order.
    pub objections: Vec<Objection>,
    /// What would lead to a yes; none where no changes that can be supposed do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
}

impl Case {
    /// The snapshot of the logs, read at the instant the question is for.
    fn snapshot(&self) -> Result<Snapshot, CanonicalError> {
        fold(&self.person, &self.members, &self.logs, self.as_of)
    }

    /// The verdict.
    pub fn verdict(&self) -> Result<Verdict, CanonicalError> {
        Ok(evaluate(&self.ask, &self.snapshot()?, &self.artifacts, self.as_of))
    }

    /// The verdict with every reason explained.
    pub fn explain(&self) -> Result<Explanation, CanonicalError> {
        let verdict = self.verdict()?;
        let mut objections = Vec::new();
        for it in &verdict.reasons {
            let change = self.smallest(&verdict, it)?.map(|it| it.0);
            let cites = reason::code(it).map_or("", |it| it.cites);
            objections.push(Objection { reason: it.clone(), cites, change });
        }
        let way = self.way(&verdict)?;
        Ok(Explanation { verdict, objections, way })
    }

    /// The first candidate after which the reason is gone and no other has come; or else the first
    /// after which it is gone.
    fn smallest(
        &self,
        verdict: &Verdict,
        reason: &Reason,
    ) -> Result<Option<(Change, Self)>, CanonicalError> {
        let mut second_best = None;
        for change in self.candidates(reason)? {
            let Some(supposed) = self.after(&change)? else { continue };
            let then = supposed.verdict()?;
            if then.reasons.contains(reason) {
                continue;
            }
            if then.reasons.iter().all(|it| verdict.reasons.contains(it)) {
                return Ok(Some((change, supposed)));
            }
            second_best.get_or_insert((change, supposed));
        }
        Ok(second_best)
    }

    /// Makes one change after another until nothing speaks against it; waiting comes last, because
    /// everything else is judged for the instant that was asked about.
    fn way(&self, verdict: &Verdict) -> Result<Option<Way>, CanonicalError> {
        let mut changes = Vec::new();
        let (mut case, mut verdict) = (self.clone(), verdict.clone());
        while !verdict.is_permitted() && changes.len() < CHANGES_MAX {
            let mut wait = None;
            let mut act = None;
            for it in &verdict.reasons {
                let Some((change, then)) = case.smallest(&verdict, it)? else { return Ok(None) };
                if change.who() == Who::Time {
                    wait.get_or_insert((change, then));
                } else {
                    act = Some((change, then));
                    break;
                }
            }
            let Some((change, then)) = act.or(wait) else { return Ok(None) };
            verdict = then.verdict()?;
            case = then;
            changes.push(change);
        }
        Ok(verdict.is_permitted().then_some(Way { changes }))
    }
}
