//! From a decided action to a delivery: reading the fact, and nothing else.

use chrono::TimeDelta;
use kernel::{
    Channel, Class, DecisionId, DeliveryId, Digest, Fact, Instant, JourneyNode, OccurrenceKey,
    PurposeRef,
};
use serde::Deserialize;

use crate::{
    message::{CAPS_MAX, Delivery, NODES_MAX, OnHold, ReleaseRef, TemplateRef, WindowClass},
    reason,
    state::State,
};

/// How long an action lives whose decision sets no end.
pub const LIFE: TimeDelta = TimeDelta::days(2);

/// A fact that names no deliverable action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the decided action is unreadable: {0}")]
pub struct PlanError(String);

/// The body of `action.decided` and `action.ghost`; what it holds beyond this is for others.
#[derive(Debug, Deserialize)]
struct Body {
    decision_id: DecisionId,
    node: String,
    action: String,
    treatment: String,
    channel: Channel,
    template: TemplateBody,
    purpose: PurposeRef,
    class: Class,
    #[serde(default)]
    caps: Vec<String>,
    window: String,
    on_hold: String,
    not_before: Option<Instant>,
    not_after: Option<Instant>,
    release: ReleaseBody,
    occurrence: OccurrenceKey,
    #[serde(default)]
    priority: u8,
}

#[derive(Debug, Deserialize)]
struct TemplateBody {
    name: String,
    digest: Digest,
}

#[derive(Debug, Deserialize)]
struct ReleaseBody {
    digest: Digest,
    sequence: u64,
}

/// The delivery a decided action becomes.
pub fn plan(fact: &Fact, id: DeliveryId, now: Instant) -> Result<Delivery, PlanError> {
    let unreadable = |it: &dyn std::fmt::Display| PlanError(it.to_string());
    let body = Body::deserialize(&fact.body).map_err(|it| unreadable(&it))?;
    let subject = fact.subject.ok_or_else(|| unreadable(&"it names no person"))?;
    if fact.nodes.len() > NODES_MAX || body.caps.len() > CAPS_MAX {
        return Err(unreadable(&"more nodes or caps than a delivery holds"));
    }
    let window = WindowClass::parse(&body.window).ok_or_else(|| unreadable(&"window"))?;
    let on_hold = OnHold::parse(&body.on_hold).ok_or_else(|| unreadable(&"on_hold"))?;
    let not_before = body.not_before.unwrap_or(fact.at);
    let state = if not_before > now {
        State::Held { reason: reason::NOT_BEFORE, until: not_before }
    } else {
        State::Ready
    };
    Ok(Delivery {
        id,
        tenant: fact.tenant.clone(),
        subject,
        nodes: fact.nodes.clone(),
        node: JourneyNode::new(&body.node).map_err(|it| unreadable(&it))?,
        decision: body.decision_id,
        action: body.action,
        treatment: body.treatment,
        occurrence: body.occurrence,
        purpose: body.purpose,
        class: body.class,
        priority: body.priority,
        channel: body.channel,
        template: TemplateRef { name: body.template.name, digest: body.template.digest },
        release: ReleaseRef { digest: body.release.digest, sequence: body.release.sequence },
        caps: body.caps,
        window,
        on_hold,
        not_before,
        not_after: body.not_after.unwrap_or_else(|| not_before.plus(LIFE)),
        planned_at: now,
        state,
        attempts: 0,
        version: 0,
        cause: fact.id,
        trace: fact.trace.clone(),
    })
}
