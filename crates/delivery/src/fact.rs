//! The facts of deliveries: ids, codes and names, never a value about a person.

use kernel::{Channel, Fact, FactId, Instant, PersonAt, Reason};
use serde_json::{Map, Value, json};

use crate::{contact::Entry, message::Delivery, state::State};

/// The name of the fact a move into a state makes; a move back to ready makes none.
const fn name_of(state: &State) -> Option<&'static str> {
    Some(match state {
        State::Ready => return None,
        State::Held { .. } | State::RetryWait { .. } => "delivery.held",
        State::InFlight { .. } => "delivery.gated",
        State::Unknown { .. } => "delivery.unknown",
        State::Accepted => "delivery.accepted",
        State::Delivered => "delivery.delivered",
        State::Bounced => "delivery.bounced",
        State::Complained => "delivery.complained",
        State::Returned { .. } => "action.returned",
        State::Suppressed { .. } => "delivery.suppressed",
        State::Failed { .. } => "delivery.failed",
        State::Expired => "delivery.expired",
        State::Abandoned => "delivery.abandoned",
    })
}

/// The fact of a move into a state, about the person as resolved then.
pub fn of_state(
    delivery: &Delivery,
    state: &State,
    person: &PersonAt,
    now: Instant,
    id: FactId,
) -> Vec<Fact> {
    let Some(name) = name_of(state) else { return Vec::new() };
    let mut fact = named(delivery, name, state.reasons(), now, id);
    fact.subject = Some(person.subject);
    fact.nodes.clone_from(&person.nodes);
    vec![fact]
}

/// The fact of a move into a state, about the person as the decision knew them.
pub fn of_move(delivery: &Delivery, state: &State, now: Instant, id: FactId) -> Vec<Fact> {
    name_of(state).map(|name| named(delivery, name, state.reasons(), now, id)).into_iter().collect()
}

/// A fact about a delivery.
pub fn named(
    delivery: &Delivery,
    name: &str,
    reasons: &[Reason],
    now: Instant,
    id: FactId,
) -> Fact {
    let mut body = json!({
        "delivery_id": delivery.id,
        "decision_id": delivery.decision,
        "occurrence": delivery.occurrence,
        "node": delivery.node.as_str(),
        "action": delivery.action,
        "treatment": delivery.treatment,
        "purpose": { "key": delivery.purpose.key.as_str(), "version": delivery.purpose.version },
        "channel": delivery.channel.as_str(),
        "class": delivery.class.as_str(),
        "template": delivery.template.name,
    });
    if !reasons.is_empty() {
        put(&mut body, "reasons", json!(reasons));
    }
    Fact {
        id,
        tenant: delivery.tenant.clone(),
        name: name.to_owned(),
        at: now,
        subject: Some(delivery.subject),
        nodes: delivery.nodes.clone(),
        cause: Some(delivery.cause),
        trace: delivery.trace.clone(),
        body,
    }
}

/// Says when what was held or returned may be looked at again.
pub(crate) fn add_not_before(facts: &mut [Fact], not_before: Option<Instant>) {
    if let (Some(fact), Some(at)) = (facts.first_mut(), not_before) {
        put(&mut fact.body, "not_before", json!(at));
    }
}

/// The fact that a contact was made.
pub(crate) fn contact(delivery: &Delivery, entry: &Entry, now: Instant, id: FactId) -> Fact {
    let mut fact = named(delivery, "contact.recorded", &[], now, id);
    put(&mut fact.body, "contact_node", json!(entry.node));
    fact
}

/// The fact that a person who was held out would, or would not, have been sent to.
pub(crate) fn ghosted(
    delivery: &Delivery,
    outcome: &str,
    reasons: &[Reason],
    now: Instant,
    id: FactId,
) -> Fact {
    let mut fact = named(delivery, "delivery.ghosted", reasons, now, id);
    put(&mut fact.body, "outcome", json!(outcome));
    if let Value::Object(members) = &mut fact.body {
        members.remove("delivery_id");
    }
    fact
}

pub(crate) fn put(body: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = body {
        members.insert(name.to_owned(), value);
    }
}

/// A fact about a contact another system made.
pub(crate) fn external(
    entry: &Entry,
    tenant: &kernel::TenantId,
    subject: Option<kernel::SubjectId>,
    now: Instant,
    id: FactId,
) -> Fact {
    let mut body = Map::new();
    body.insert("contact_id".to_owned(), json!(entry.id.0));
    body.insert("channel".to_owned(), json!(Channel::as_str(entry.channel)));
    body.insert("class".to_owned(), json!(entry.class.as_str()));
    body.insert("contact_node".to_owned(), json!(entry.node));
    Fact {
        id,
        tenant: tenant.clone(),
        name: "contact.recorded".to_owned(),
        at: now,
        subject,
        nodes: vec![entry.node],
        cause: None,
        trace: None,
        body: Value::Object(body),
    }
}
