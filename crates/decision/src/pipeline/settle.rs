//! Treatments, scores, the winner, the draw, and what becomes of everyone else.

use std::sync::Arc;

use kernel::{Class, Instant, Known, Reason};

use super::{
    Chosen, Decided, Fate, NodeWork, Outcome, Reached, Work, permit,
    stage::{Candidate, DEFER},
};
use crate::{
    condition::Cell,
    inputs::{Headroom, Inputs, Permission},
    node::{Fallback, Node, OnLose},
    rank::{self, Score},
    reasons, record,
};

/// Dresses, scores and orders; at most one candidate is left standing.
pub(super) fn rank(work: &mut Work<'_>) {
    let inputs = work.inputs;
    for candidate in work.candidates.iter_mut().filter(|it| it.stands()) {
        let Some(at) = work.nodes.get(candidate.work) else { continue };
        candidate.treatment = treatment(at, candidate.action, inputs);
        match (candidate.treatment, at.action(candidate.action)) {
            (Some(_), Some(action)) => {
                candidate.score = Some(rank::score(at.node, action, &inputs.hints));
                candidate.reached = Reached::Ranked;
            }
            _ => candidate.fail(Reached::Ranked.as_str(), reasons::ARB_NO_TREATMENT),
        }
    }
    worth(work);
    let winner = (work.candidates.iter().enumerate())
        .filter(|(_, it)| it.stands())
        .min_by(|(_, a), (_, b)| place(work, a).cmp(&place(work, b)))
        .map(|(i, _)| i);
    for (i, candidate) in work.candidates.iter_mut().enumerate() {
        if Some(i) == winner {
            candidate.reached = Reached::Decided;
        } else if candidate.stands() {
            candidate.fail(Reached::Decided.as_str(), reasons::ARB_OUTRANKED);
        }
    }
}

fn place<'w>(work: &'w Work<'_>, candidate: &Candidate) -> Option<rank::Place<'w>> {
    let at = work.nodes.get(candidate.work)?;
    let action = at.action(candidate.action)?;
    Some(rank::place(at.node, action, candidate.score?.total, work.inputs.as_of))
}

/// The first in file order that is permitted, fits and has what it needs.
fn treatment(at: &NodeWork<'_>, action: usize, inputs: &Inputs) -> Option<usize> {
    let permitted = |channel: usize| {
        let verdict = at.inputs.verdicts.get(channel).and_then(Option::as_ref);
        verdict.is_some_and(|it| it.permission == Permission::Permitted)
    };
    let known = |slot: &usize| matches!(at.inputs.cut.fields.get(*slot), Some(Known::Is { .. }));
    at.treatments(action, &inputs.mode)
        .filter(|(_, it)| permitted(it.channel_idx))
        .filter(|(_, it)| it.needs.iter().all(known))
        .find(|(_, it)| {
            let holds =
                |it: &crate::condition::Program| it.run(&at.scope(inputs)) == Cell::Bool(true);
            it.when.as_ref().is_none_or(holds)
        })
        .map(|(i, _)| i)
}

/// Marketing must be worth its cost; a dearer action must beat the smallest; nothing that merely
/// costs silences an obligation.
fn worth(work: &mut Work<'_>) {
    let smallest: Vec<Option<Score>> = (0..work.nodes.len())
        .map(|node| {
            let standing = work.candidates.iter().filter(|it| it.work == node && it.stands());
            standing.into_iter().find(|it| is_smallest(work, it)).and_then(|it| it.score)
        })
        .collect();
    let losing: Vec<bool> = work
        .candidates
        .iter()
        .map(|it| it.stands() && !is_worth(work, it, smallest.get(it.work).copied().flatten()))
        .collect();
    for (candidate, loses) in work.candidates.iter_mut().zip(losing) {
        if loses {
            candidate.fail(Reached::Ranked.as_str(), reasons::ARB_NOT_WORTH);
        }
    }
}

fn is_smallest(work: &Work<'_>, candidate: &Candidate) -> bool {
    let at = work.nodes.get(candidate.work);
    at.and_then(|it| it.action(candidate.action)).is_some_and(|it| it.smallest)
}

fn is_worth(work: &Work<'_>, candidate: &Candidate, smallest: Option<Score>) -> bool {
    let (Some(at), Some(score)) = (work.nodes.get(candidate.work), candidate.score) else {
        return false;
    };
    match at.node.class {
        Class::Obligation => true,
        Class::Marketing if score.net <= 0 => false,
        Class::Service | Class::Marketing if is_smallest(work, candidate) => true,
        Class::Service | Class::Marketing => match smallest {
            Some(it) => score.total > it.total,
            None => score.net > 0,
        },
    }
}

/// Draws for the winner and settles everyone.
pub(super) fn decide(work: &Work<'_>) -> Decided {
    let outcome = outcome(work);
    let fates = fates(work, &outcome);
    let record = record::build(work, &outcome);
    Decided { record, outcome, fates }
}

fn outcome(work: &Work<'_>) -> Outcome {
    let winner = work.candidates.iter().find(|it| it.reached == Reached::Decided);
    let Some((winner, chosen)) = winner.and_then(|it| chosen(work, it).map(|c| (it, c))) else {
        return Outcome::None(primary(work, None));
    };
    let draw = work.nodes.get(winner.work).and_then(|it| it.inputs.draw.as_ref());
    match (&chosen.node.experiment, draw) {
        (Some(_), Some(it)) if it.holdout => Outcome::Holdout(chosen),
        // A node that experiments never acts outside its experiment.
        (Some(_), None) => Outcome::None(reasons::ENG_INVARIANT),
        _ => Outcome::Act(chosen),
    }
}

fn chosen(work: &Work<'_>, winner: &Candidate) -> Option<Chosen> {
    let at = work.nodes.get(winner.work)?;
    let action = at.action(winner.action)?;
    let treatment = winner.treatment?;
    let channel = at.node.treatments.get(treatment)?.channel_idx;
    let verdict = at.inputs.verdicts.get(channel)?.as_ref()?;
    Some(Chosen {
        node: Arc::clone(at.node),
        input: at.input,
        action: winner.action,
        treatment,
        expires_at: work.inputs.as_of.plus(action.ttl.span()),
        epochs: verdict.epochs,
        good_until: verdict.good_until,
    })
}

/// Why nothing is done: the first failure of whoever came farthest.
fn primary(work: &Work<'_>, node: Option<usize>) -> Reason {
    let mine = work.candidates.iter().filter(|it| node.is_none_or(|n| it.work == n));
    let mut best: Option<&Candidate> = None;
    for candidate in mine.filter(|it| !it.stands()) {
        if best.is_none_or(|it| candidate.reached > it.reached) {
            best = Some(candidate);
        }
    }
    let reason = best.and_then(|it| it.failures.first()).map(|it| it.reason.clone());
    reason.unwrap_or(reasons::REL_NONE)
}

fn fates(work: &Work<'_>, outcome: &Outcome) -> Vec<Fate> {
    let mut fates = vec![Fate::None(reasons::TRG_NODE_EXPIRED); work.inputs.nodes.len()];
    for (i, at) in work.nodes.iter().enumerate() {
        let fate = match outcome {
            Outcome::Act(it) if it.input == at.input => Fate::Act,
            Outcome::Holdout(it) if it.input == at.input => Fate::Holdout,
            Outcome::None(it) if *it == reasons::ENG_INVARIANT => Fate::None(it.clone()),
            _ => {
                let reason = primary(work, Some(i));
                match again(work, i, at.node, &reason) {
                    Some(at) => Fate::Again { at, reason },
                    None => Fate::None(reason),
                }
            }
        };
        if let Some(slot) = fates.get_mut(at.input) {
            *slot = fate;
        }
    }
    fates
}

/// When an occasion that failed for this reason is worth deciding afresh.
fn again(work: &Work<'_>, i: usize, node: &Node, reason: &Reason) -> Option<Instant> {
    let as_of = work.inputs.as_of;
    let retry = as_of.plus(node.degraded.retry.span());
    let degraded = [
        (reasons::CTX_UNREACHABLE, node.degraded.context == Fallback::Retry),
        (reasons::HIS_UNREACHABLE, node.degraded.history == Fallback::Retry),
        (reasons::PRM_UNREACHABLE, true),
    ];
    if degraded.iter().any(|(it, retries)| it == reason && *retries) {
        return Some(retry);
    }
    if *reason == reasons::PRM_HELD {
        return permit::held_until(work, i).filter(|it| *it > as_of);
    }
    if *reason == reasons::HIS_CAPPED
        && let Some(Headroom::Full { until }) = work.nodes.get(i).map(|it| it.inputs.headroom)
    {
        return Some(until.max(as_of));
    }
    let defers = node.arbitration.on_lose == OnLose::Defer;
    (*reason == reasons::ARB_OUTRANKED && defers).then(|| as_of.plus(DEFER))
}
