//! From facts to rows: pure, so that any order and any repetition give the same numbers.
//!
//! Read are `decision.made` (draws), `delivery.accepted`, `delivery.delivered` and
//! `delivery.ghosted` (exposure), `context.event.applied` and the names of facts that plans count
//! (outcomes), and for the golden signals the states of events, decisions, deliveries and choices.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{DecisionId, Fact, Instant, JourneyNode, OccurrenceKey, SubjectId};
use serde::Deserialize;

use crate::{
    assign::{Arm, WHOLE_PPM},
    evidence::{Assignment, Batch, Exposure, Outcome},
    plan::{NodePlan, Pseudonym},
    signal::{Sighting, Signal, SignalKind},
};

/// The most bytes of a label; a longer one folds into [`OTHER`].
pub const LABEL_BYTES_MAX: usize = 96;
/// The label of what has no bounded label.
pub const OTHER: &str = "__other";

/// What measurement reads of `decision.made`.
#[derive(Debug, Deserialize)]
struct Made {
    decision_id: DecisionId,
    node: Option<JourneyNode>,
    arm: Option<String>,
    propensity_ppm: Option<u32>,
    unit: Option<String>,
    occurrence: Option<OccurrenceKey>,
}

/// What measurement reads of a delivery's facts.
#[derive(Debug, Deserialize)]
struct Delivered {
    decision_id: DecisionId,
    outcome: Option<String>,
}

/// What measurement reads of `context.event.applied`.
#[derive(Debug, Deserialize)]
struct Applied {
    #[serde(rename = "type")]
    event_type: String,
    time: Option<Instant>,
}

/// The names of events and facts that some plan counts.
pub fn counted(plans: &[NodePlan]) -> BTreeSet<&str> {
    plans.iter().flat_map(|it| it.kpi.events.iter().map(String::as_str)).collect()
}

/// The people these facts need a pseudonym of, ascending.
pub fn subjects(facts: &[&Fact], counted: &BTreeSet<&str>) -> Vec<SubjectId> {
    let wanted = |it: &&&Fact| drawn(it).is_some() || happened(it, counted).is_some();
    let subjects: BTreeSet<_> = facts.iter().filter(wanted).filter_map(|it| it.subject).collect();
    subjects.into_iter().collect()
}

/// Adds what these facts say to a batch.
pub fn rows(
    facts: &[&Fact],
    counted: &BTreeSet<&str>,
    people: &BTreeMap<SubjectId, Pseudonym>,
    batch: &mut Batch,
) {
    for fact in facts {
        let person = fact.subject.and_then(|it| people.get(&it).copied());
        if let (Some(made), Some(person)) = (drawn(fact), person) {
            batch.assignments.extend(assignment(fact, made, person).ok());
        }
        batch.exposures.extend(exposure(fact));
        if let (Some((event, at)), Some(person)) = (happened(fact, counted), person) {
            batch.outcomes.push(Outcome { fact: fact.id, person, event, at });
        }
    }
}

/// A decision that drew an arm.
fn drawn(fact: &Fact) -> Option<Made> {
    if fact.name != "decision.made" {
        return None;
    }
    Made::deserialize(&fact.body).ok().filter(|it| it.arm.is_some())
}

/// The draw of a decision, or why it never enters an estimate.
fn assignment(fact: &Fact, made: Made, person: Pseudonym) -> Result<Assignment, &'static str> {
    let propensity_ppm = made
        .propensity_ppm
        .filter(|it| (1..=WHOLE_PPM).contains(it))
        .ok_or("ME.PROPENSITY_MISSING")?;
    let arm: Arm = made.arm.and_then(|it| it.parse().ok()).ok_or("ME.PLAN_MISSING")?;
    let unit = match (made.unit.as_deref(), made.occurrence) {
        (Some("person"), _) => person.0,
        (Some("occurrence"), Some(it)) => it.0,
        _ => return Err("ME.UNIT_MISMATCH"),
    };
    Ok(Assignment {
        fact: fact.id,
        decision: made.decision_id,
        node: made.node.ok_or("ME.PLAN_MISSING")?,
        unit,
        person,
        arm,
        propensity_ppm,
        at: fact.at,
    })
}

/// A contact that was made or, in control, would have been.
fn exposure(fact: &Fact) -> Option<Exposure> {
    let ghost = match &*fact.name {
        "delivery.accepted" | "delivery.delivered" => false,
        "delivery.ghosted" => true,
        _ => return None,
    };
    let read = Delivered::deserialize(&fact.body).ok()?;
    if ghost && read.outcome.as_deref() != Some("sent") {
        return None;
    }
    Some(Exposure { fact: fact.id, decision: read.decision_id, at: fact.at })
}

/// An event that some plan counts, and when it happened.
fn happened(fact: &Fact, counted: &BTreeSet<&str>) -> Option<(String, Instant)> {
    if fact.name == "context.event.applied" {
        let read = Applied::deserialize(&fact.body).ok()?;
        let at = read.time.unwrap_or(fact.at);
        return counted.contains(&*read.event_type).then_some((read.event_type, at));
    }
    counted.contains(&*fact.name).then(|| (fact.name.clone(), fact.at))
}

/// What these facts add to the golden signals.
pub fn sightings(facts: &[&Fact]) -> Vec<Sighting> {
    facts
        .iter()
        .filter_map(|fact| {
            let (kind, node, state, reason) = labels(fact)?;
            let day = fact.at.utc().date_naive();
            let signal = Signal {
                day,
                kind,
                node: bounded(node),
                state: bounded(state),
                reason: bounded(reason),
            };
            Some(Sighting { fact: fact.id, signal, n: times(fact) })
        })
        .collect()
}

fn labels(fact: &Fact) -> Option<(SignalKind, &str, &str, &str)> {
    let text = |name: &str| fact.body.get(name).and_then(serde_json::Value::as_str).unwrap_or("");
    let first = || fact.body.get("reasons").and_then(|it| it.get(0)?.as_str());
    let reason = || first().unwrap_or_else(|| text("reason"));
    match &*fact.name {
        "decision.made" => match unmeasured(fact) {
            Some(code) => Some((SignalKind::Unmeasured, text("node"), "decision.made", code)),
            None => Some((SignalKind::Decision, text("node"), text("outcome"), reason())),
        },
        "consent.withdrawn" => Some((SignalKind::Withdrawal, "", &fact.name, "")),
        // A lifted objection is recorded too, and takes nothing away.
        "objection.recorded" => (fact.body.get("restrictive")?.as_bool()?).then_some((
            SignalKind::Withdrawal,
            "",
            &*fact.name,
            "",
        )),
        name => {
            if let Some(state) = name.strip_prefix("delivery.") {
                return Some((SignalKind::Delivery, text("node"), state, reason()));
            }
            let state = name.strip_prefix("context.event.").filter(|it| *it != "applied")?;
            Some((SignalKind::Event, "", state, text("code")))
        }
    }
}

/// For how many events a fact speaks: intake tells a whole batch at once.
fn times(fact: &Fact) -> u64 {
    match fact.body.get("n").and_then(serde_json::Value::as_u64) {
        Some(n) if fact.name.starts_with("context.event.") => n,
        _ => 1,
    }
}

/// Why a decision that drew an arm cannot be measured.
fn unmeasured(fact: &Fact) -> Option<&'static str> {
    let person = Pseudonym([0; 32]);
    drawn(fact).and_then(|it| assignment(fact, it, person).err())
}

fn bounded(label: &str) -> String {
    if label.len() <= LABEL_BYTES_MAX { label.to_owned() } else { OTHER.to_owned() }
}
