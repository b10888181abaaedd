//! The static checks of a node: each names a place, a rule and what is wrong.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use kernel::{ArtifactRef, Class, Finding, Period};

use super::{
    ACTIONS_MAX, FIELDS_MAX, Fallback, Node, ROWS_MAX, RULES_MAX, TABLES_MAX, TREATMENTS_MAX,
    Trigger, WORTH_MAX, file,
};
use crate::{condition::Program, ports::OUTCOMES};

/// The largest cost of one condition.
pub(super) const RULE_COST_MAX: usize = 10_000;
/// The largest cost of all conditions of a node.
pub(super) const NODE_COST_MAX: usize = 100_000;

const BASES: [&str; 6] = ["A6-1-a", "A6-1-b", "A6-1-c", "A6-1-d", "A6-1-e", "A6-1-f"];
const COUNTERFACTUALS: [&str; 4] =
    ["randomized_holdback", "micro_randomized", "matched_did", "none_obligation"];

/// Checks the file as written.
pub(super) fn file(file: &file::File, source: &ArtifactRef<'_>, out: &mut Vec<Finding>) {
    let mut find = |pointer: &str, rule: &str, message: &str| {
        out.push(Finding::at(source, pointer, rule, message));
    };
    if file.node.schema != file::SCHEMA {
        find("/node/schema", "node.schema", "the schema is not `node/1`");
    }
    if file.node.name.as_str() != source.name {
        find("/node/name", "node.name", "the name differs from the artifact's");
    }
    let sizes = [
        ("/actions", file.actions.len(), ACTIONS_MAX),
        ("/treatments", file.treatments.len(), TREATMENTS_MAX),
        ("/rules", file.rules.len() + file.guardrails.len(), RULES_MAX),
        ("/tables", file.tables.len(), TABLES_MAX),
        ("/data", file.data.required.len() + file.data.optional.len(), FIELDS_MAX),
    ];
    for (pointer, size, max) in sizes {
        if size > max {
            find(pointer, "node.limit", &format!("{size} are more than {max}"));
        }
    }
    if file.tables.iter().any(|it| it.rows.len() > ROWS_MAX) {
        find("/tables", "node.limit", "a table has more than 64 rows");
    }
    let twice = file.data.required.keys().any(|it| file.data.optional.contains_key(it));
    if twice {
        find("/data", "node.twice", "a field is both required and optional");
    }
    if let Some((pointer, id)) = repeated(file) {
        find(pointer, "node.twice", &format!("`{id}` is used twice"));
    }
    if file.actions.iter().filter(|it| it.smallest).count() != 1 {
        find("/actions", "node.smallest", "exactly one action is the smallest");
    }
    for (i, basis) in file.purpose.basis.values().enumerate() {
        if !BASES.contains(&&**basis) {
            find("/purpose/basis", "node.basis", &format!("basis {i} is not A6-1-a to A6-1-f"));
        }
    }
    for kpi in &file.kpis {
        if !COUNTERFACTUALS.contains(&&*kpi.counterfactual) {
            let message = format!("`{}` is no counterfactual", kpi.counterfactual);
            find("/kpis", "node.kpi", &message);
        }
    }
}

fn repeated(file: &file::File) -> Option<(&'static str, &str)> {
    let rules = file.rules.iter().map(|it| &*it.id);
    let lists: [(&'static str, Vec<&str>); 4] = [
        ("/actions", file.actions.iter().map(|it| &*it.id).collect()),
        ("/treatments", file.treatments.iter().map(|it| &*it.id).collect()),
        ("/tables", file.tables.iter().map(|it| &*it.id).collect()),
        ("/rules", rules.chain(file.guardrails.iter().map(|it| &*it.id)).collect()),
    ];
    lists.into_iter().find_map(|(pointer, ids)| {
        let mut seen = BTreeSet::new();
        ids.into_iter().find(|it| !seen.insert(*it)).map(|id| (pointer, id))
    })
}

/// Checks the compiled node.
pub(super) fn node(node: &Node, used: u64, source: &ArtifactRef<'_>, out: &mut Vec<Finding>) {
    let mut find = |pointer: &str, rule: &str, message: String| {
        out.push(Finding::at(source, pointer, rule, message));
    };
    for (slot, field) in node.cut.fields.iter().enumerate() {
        if slot < FIELDS_MAX && used >> slot & 1 == 0 {
            find("/data", "node.data_unused", format!("`{}` is read by nothing", field.name));
        }
        let denied = |it: &str| {
            it.strip_suffix('*').map_or(*field.name == *it, |p| field.name.starts_with(p))
        };
        if node.cut.deny_fields.iter().any(|it| denied(it)) {
            find("/data", "node.data_denied", format!("`{}` is denied", field.name));
        }
    }
    if node.cut.fields.len() > node.cut.max_fields {
        find("/boundary/max_fields", "node.limit", "more fields than the boundary keeps".into());
    }
    if node.cut.systems.is_empty() {
        find("/boundary/systems", "node.boundary", "no system may be asked".into());
    }
    if node.purpose.version == 0 || node.basis.is_empty() {
        find("/purpose", "node.basis", "a purpose has a version and a basis somewhere".into());
    }
    for (i, action) in node.actions.iter().enumerate() {
        let legal = |it: i64| (0..=WORTH_MAX).contains(&it);
        if !legal(action.cost) || !legal(action.value) {
            find("/actions", "node.worth", format!("`{}` has no legal cost or value", action.id));
        }
        if !node.treatments.iter().any(|it| it.action == i) {
            find("/actions", "node.untreated", format!("`{}` has no treatment", action.id));
        }
    }
    for rule in node.rules.iter().chain(&node.guardrails) {
        if !node.explain.sentences.contains_key(&rule.say) {
            find("/explain/sentences", "node.say", format!("`{}` has no sentence", rule.say));
        }
    }
    if node.kpis.iter().filter(|it| it.primary).count() != 1 {
        find("/kpis", "node.kpi", "exactly one measure is primary".into());
    }
    classes(node, &mut find);
    periods(node, &mut find);
    costs(node, &mut find);
}

/// What the class of a node forbids: an obligation is never capped, traded off or held back.
fn classes(node: &Node, find: &mut impl FnMut(&str, &str, String)) {
    if node.degraded.context == Fallback::ProceedToGate {
        find("/degraded/context", "node.degraded", "nothing proceeds without context".into());
    }
    if node.class != Class::Obligation {
        if node.degraded.history == Fallback::ProceedToGate {
            find("/degraded/history", "node.degraded", "only obligations proceed".into());
        }
        if node.arbitration.group.is_none() {
            find("/arbitration", "node.compete", "all but obligations compete".into());
        }
        return;
    }
    let forbidden = [
        ("/experiment", node.experiment.is_some(), "held back"),
        ("/sending/caps", !node.sending.caps.is_empty(), "capped"),
        ("/arbitration", node.arbitration.group.is_some(), "outranked"),
    ];
    for (pointer, found, what) in forbidden {
        if found {
            find(pointer, "node.obligation", format!("an obligation is never {what}"));
        }
    }
    if !node.basis.values().all(|it| matches!(&**it, "A6-1-b" | "A6-1-c")) {
        find("/purpose/basis", "node.obligation", "an obligation rests on contract or law".into());
    }
}

fn periods(node: &Node, find: &mut impl FnMut(&str, &str, String)) {
    let negative = |it: Period| it.span() < TimeDelta::zero();
    let positive = |it: Period| it.span() > TimeDelta::zero();
    let mut legal = positive(node.degraded.retry)
        && positive(node.life.window)
        && !negative(node.life.cooldown)
        && !negative(node.trigger.missed())
        && node.actions.iter().all(|it| positive(it.ttl))
        && node.cut.fields.iter().all(|it| positive(it.max_age));
    match &node.trigger {
        Trigger::Event(it) => legal &= !negative(it.delay) && positive(it.max_age),
        Trigger::Date(it) => {
            legal &= !negative(it.calendar.spread) && !it.offsets.is_empty();
        }
        Trigger::Inactivity(it) => legal &= positive(it.after) && !negative(it.calendar.spread),
    }
    if !legal {
        find("", "node.period", "a duration is negative or empty where it may not be".into());
    }
    let labels: Vec<_> = match &node.trigger {
        Trigger::Date(it) => it.offsets.iter().map(|it| &it.label).collect(),
        Trigger::Event(_) | Trigger::Inactivity(_) => Vec::new(),
    };
    if let Some(it) = &node.sequence
        && !(labels.contains(&&it.label) && labels.contains(&&it.after) && it.label != it.after)
    {
        find("/sequence", "node.sequence", "a sequence names two offsets of the trigger".into());
    }
    if let Some(it) = &node.sequence
        && !OUTCOMES.contains(&&*it.state)
    {
        let known = OUTCOMES.join("`, `");
        let message = format!("no contact is ever `{}`; it may be `{known}`", it.state);
        find("/sequence/state", "node.sequence", message);
    }
}

fn costs(node: &Node, find: &mut impl FnMut(&str, &str, String)) {
    let rules = node.rules.iter().chain(&node.guardrails).map(|it| it.condition.cost());
    let tables = node.tables.iter().flat_map(|it| &it.rows).map(|(it, _)| it.cost());
    let treatments = node.treatments.iter().filter_map(|it| it.when.as_ref()).map(Program::cost);
    let all: Vec<_> = rules.chain(tables).chain(treatments).collect();
    if all.iter().any(|it| *it > RULE_COST_MAX) || all.iter().sum::<usize>() > NODE_COST_MAX {
        find("", "node.cost", "the conditions cost too much".into());
    }
}
