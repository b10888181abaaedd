//! Tables, rules and guardrails: only known-true passes, only known-false is not forbidden.

use std::sync::Arc;

use kernel::Reason;

use super::{
    Reached, Work,
    stage::{Candidate, Failure, NodeWork},
};
use crate::{
    condition::{Cell, Scope, TABLE_BIT},
    inputs::{Headroom, Inputs},
    node::{Fallback, Rule, Table},
    reasons,
};

/// Evaluates the tables of every node some candidate of which is permitted.
pub(super) fn tables(work: &mut Work<'_>) {
    let inputs = work.inputs;
    for (i, at) in work.nodes.iter_mut().enumerate() {
        let permitted =
            work.candidates.iter().any(|it| it.work == i && it.reached >= Reached::Permitted);
        if !permitted {
            continue;
        }
        let node: &crate::Node = at.node;
        for (j, table) in node.tables.iter().enumerate() {
            let value = {
                let scope = Scope {
                    fields: &at.inputs.cut.fields,
                    types: &node.types,
                    as_of: inputs.as_of,
                    today: at.inputs.today,
                    label: &at.inputs.label,
                    object: at.inputs.object.as_ref().map_or("", |it| &*it.id),
                    counts: &at.inputs.counts,
                    tables: &at.tables,
                };
                look_up(table, &scope)
            };
            let cell = match value {
                Ok(row) => table
                    .rows
                    .get(row)
                    .map_or(Cell::Unknown(TABLE_BIT), |(_, value)| Cell::Text(value)),
                Err(blame) => Cell::Unknown(blame),
            };
            if let Some(slot) = at.tables.get_mut(j) {
                *slot = cell;
            }
        }
    }
}

/// The row that holds. An unknown row stops the table: nothing below it may answer in its stead.
fn look_up(table: &Table, scope: &Scope<'_>) -> Result<usize, u64> {
    let mut found = None;
    for (row, (condition, _)) in table.rows.iter().enumerate() {
        match condition.run(scope) {
            Cell::Bool(false) => {}
            Cell::Bool(true) if found.is_some() => return Err(TABLE_BIT),
            Cell::Bool(true) if table.unique => found = Some(row),
            Cell::Bool(true) => return Ok(row),
            other => return Err(other.blame()),
        }
    }
    found.ok_or(TABLE_BIT)
}

/// Runs every rule of every stage and keeps every failure.
pub(super) fn qualify(work: &mut Work<'_>) {
    for candidate in work.candidates.iter_mut().filter(|it| it.reached == Reached::Permitted) {
        let Some(at) = work.nodes.get(candidate.work) else { continue };
        for (i, rule) in at.node.rules.iter().enumerate() {
            if !rule.governs(candidate.action) {
                continue;
            }
            match rule.condition.run(&at.scope(work.inputs)) {
                Cell::Bool(true) => candidate.passed |= 1 << i.min(63),
                Cell::Bool(false) => fail(candidate, rule, reasons::RUL_FAILED, 0),
                other => fail(candidate, rule, reasons::RUL_UNKNOWN, other.blame()),
            }
        }
        if candidate.stands() {
            candidate.reached = Reached::Qualified;
        }
    }
}

/// Runs the guardrails and looks at the caps, also for whoever failed a rule: all failures count.
pub(super) fn guard(work: &mut Work<'_>) {
    for candidate in work.candidates.iter_mut().filter(|it| it.reached >= Reached::Permitted) {
        let Some(at) = work.nodes.get(candidate.work) else { continue };
        let action = candidate.action;
        for rule in at.node.guardrails.iter().filter(|it| it.governs(action)) {
            match rule.condition.run(&at.scope(work.inputs)) {
                Cell::Bool(false) => {}
                Cell::Bool(true) => fail(candidate, rule, reasons::GRD_FORBIDDEN, 0),
                other => fail(candidate, rule, reasons::GRD_UNKNOWN, other.blame()),
            }
        }
        room(candidate, at, work.inputs);
        if candidate.stands() {
            candidate.reached = Reached::Guarded;
        }
    }
}

fn room(candidate: &mut Candidate, at: &NodeWork<'_>, inputs: &Inputs) {
    let stage = Reached::Guarded.as_str();
    match at.inputs.headroom {
        Headroom::Free => {}
        Headroom::Full { until } if until <= inputs.as_of => {}
        Headroom::Full { .. } => candidate.fail(stage, reasons::HIS_CAPPED),
        Headroom::Unknown if at.node.degraded.history == Fallback::ProceedToGate => {}
        Headroom::Unknown => candidate.fail(stage, reasons::HIS_UNREACHABLE),
    }
}

fn fail(candidate: &mut Candidate, rule: &Rule, reason: Reason, blame: u64) {
    let stage = rule.stage.as_str();
    candidate.failures.push(Failure { stage, reason, rule: Some(Arc::clone(&rule.id)), blame });
}
