//! Why, and why not: from the record, in the fixed sentences of the node that decided.

use std::sync::Arc;

use kernel::{JourneyNode, Reason, Value};

use crate::{
    artifacts::Artifacts,
    node::Node,
    record::{CandidateEntry, FailureEntry, FieldEntry, Record},
};

/// Why a decision came out as it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// `act`, `none` or `holdout`; staff only, because to the public all but `act` look alike.
    pub kind: Arc<str>,
    /// The code, where nothing is done.
    pub reason: Option<Reason>,
    /// The node that acted, or came farthest.
    pub node: Option<JourneyNode>,
    /// The node's opening sentence, where it acted.
    pub because: Option<Arc<str>>,
    /// What spoke for it, or against it.
    pub points: Vec<Point>,
    /// The facts that may be shown.
    pub facts: Vec<Shown>,
}

/// One sentence with its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The code of the sentence, or of the reason where there is no sentence.
    pub code: Arc<str>,
    /// The reason it failed for; `None` where it held.
    pub reason: Option<Reason>,
    /// The rule.
    pub rule: Option<Arc<str>>,
    /// The sentence.
    pub text: Option<Arc<str>>,
    /// The fields that were lacking.
    pub blame: Vec<Arc<str>>,
}

/// One fact that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The field.
    pub field: Arc<str>,
    /// Its value, where it was known.
    pub value: Option<Value>,
}

/// Why an action was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// It was taken.
    Taken,
    /// It stood in the contest and fell.
    Fell {
        /// The last stage it reached.
        stage: Arc<str>,
        /// Everything that speaks against it.
        points: Vec<Point>,
    },
    /// The node took no part: its trigger did not fire, or it does not serve the placement.
    NotInContest,
    /// The release knows no such node or action.
    Unknown,
}

/// Why the decision came out as it did.
pub fn why(record: &Record, artifacts: &Artifacts) -> Why {
    let acted = record.outcome.action.as_ref();
    let lead = match acted {
        Some(it) => record
            .rationale
            .candidates
            .iter()
            .find(|c| c.node == it.node && c.action == it.action && &*c.stage == "decided"),
        None => farthest(record),
    };
    let node = lead.and_then(|it| artifacts.node(&it.node));
    let points = match (lead, node) {
        (Some(lead), Some(node)) if lead.failures.is_empty() => spoke_for(lead, node),
        (Some(lead), Some(node)) => spoke_against(&lead.failures, node),
        _ => Vec::new(),
    };
    Why {
        kind: record.outcome.kind.as_ref().into(),
        reason: record.outcome.reason.clone(),
        node: lead.map(|it| it.node.clone()),
        because: acted.and(node).map(|it| Arc::clone(&it.explain.because)),
        points,
        facts: node.map_or_else(Vec::new, |it| facts(record, it)),
    }
}

/// Why this action was not taken.
pub fn why_not(record: &Record, artifacts: &Artifacts, node: &JourneyNode, action: &str) -> WhyNot {
    let Some(known) = artifacts.node(node) else { return WhyNot::Unknown };
    if !known.actions.iter().any(|it| &*it.id == action) {
        return WhyNot::Unknown;
    }
    let mut mine =
        record.rationale.candidates.iter().filter(|it| it.node == *node && &*it.action == action);
    let Some(first) = mine.next() else { return WhyNot::NotInContest };
    let best = std::iter::once(first).chain(mine).find(|it| it.failures.is_empty());
    match best {
        Some(_) if &*record.outcome.kind == "act" => WhyNot::Taken,
        Some(it) => WhyNot::Fell {
            stage: it.stage.as_ref().into(),
            points: record.outcome.reason.iter().map(bare).collect(),
        },
        None => WhyNot::Fell {
            stage: first.stage.as_ref().into(),
            points: spoke_against(&first.failures, known),
        },
    }
}

fn farthest(record: &Record) -> Option<&CandidateEntry> {
    const ORDER: [&str; 6] = ["gathered", "permitted", "qualified", "guarded", "ranked", "decided"];
    let place = |it: &CandidateEntry| ORDER.iter().position(|stage| *stage == it.stage);
    let mut best: Option<&CandidateEntry> = None;
    for candidate in &record.rationale.candidates {
        if best.is_none_or(|it| place(candidate) > place(it)) {
            best = Some(candidate);
        }
    }
    best
}

fn spoke_for(lead: &CandidateEntry, node: &Node) -> Vec<Point> {
    let passed = node.rules.iter().filter(|it| lead.passed.contains(&it.id));
    passed
        .map(|rule| Point {
            code: Arc::clone(&rule.say),
            reason: None,
            rule: Some(Arc::clone(&rule.id)),
            text: node.explain.sentences.get(&rule.say).map(Arc::clone),
            blame: Vec::new(),
        })
        .collect()
}

fn spoke_against(failures: &[FailureEntry], node: &Node) -> Vec<Point> {
    failures
        .iter()
        .map(|failure| {
            let rules = node.rules.iter().chain(&node.guardrails);
            let rule = rules.into_iter().find(|it| Some(&it.id) == failure.rule.as_ref());
            Point {
                code: rule.map_or_else(|| failure.reason.code().into(), |it| Arc::clone(&it.say)),
                reason: Some(failure.reason.clone()),
                rule: failure.rule.clone(),
                text: rule.and_then(|it| node.explain.sentences.get(&it.say)).map(Arc::clone),
                blame: failure.blame.clone(),
            }
        })
        .collect()
}

fn bare(reason: &Reason) -> Point {
    Point {
        code: reason.code().into(),
        reason: Some(reason.clone()),
        rule: None,
        text: None,
        blame: Vec::new(),
    }
}

fn facts(record: &Record, node: &Node) -> Vec<Shown> {
    let told = record.inputs.nodes.iter().find(|it| it.node == node.name);
    let entry =
        |name: &str| -> Option<&FieldEntry> { told?.fields.iter().find(|it| &*it.name == name) };
    let asked = node.explain.facts.iter().filter_map(|slot| node.cut.fields.get(*slot));
    asked
        .map(|ask| Shown {
            field: Arc::clone(&ask.name),
            value: entry(&ask.name).and_then(|it| it.value.clone()),
        })
        .collect()
}
