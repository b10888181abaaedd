//! The facts of decisions and timers: ids, codes and names, never the value of a field.

use kernel::{Entropy, Fact, FactId, Instant, PersonAt, Reason, TenantId};
use serde_json::{Map, Value, json};

use crate::{
    inputs::{Inputs, NodeInputs},
    node::Unit,
    occurrence::{Occurrence, State},
    pipeline::{Chosen, Decided, Outcome},
    ports::Release,
};

/// What every fact of one transition shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Teller<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) at: Instant,
    pub(super) entropy: &'a dyn Entropy,
    pub(super) cause: Option<FactId>,
    pub(super) trace: Option<&'a str>,
}

/// What may happen to a timer besides its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Moved {
    /// It waits for its instant.
    Armed,
    /// Something made it pointless.
    Cancelled,
    /// Its node or its chances ran out.
    Expired(Reason),
    /// Its instant passed undecided.
    Missed(Reason),
}

impl Moved {
    /// Where the timer then is.
    pub(super) const fn state(&self) -> State {
        match self {
            Self::Armed => State::Armed,
            Self::Cancelled => State::Cancelled,
            Self::Expired(_) => State::Expired,
            Self::Missed(_) => State::Missed,
        }
    }

    /// The fact that says so, and why.
    const fn told(&self) -> (&'static str, Option<&Reason>) {
        match self {
            Self::Armed => ("occurrence.armed", None),
            Self::Cancelled => ("occurrence.cancelled", None),
            Self::Expired(why) => ("occurrence.expired", Some(why)),
            Self::Missed(why) => ("occurrence.missed", Some(why)),
        }
    }
}

impl Teller<'_> {
    fn tell(&self, name: &str, person: &PersonAt, body: Value) -> Fact {
        Fact {
            id: FactId::mint(self.at, self.entropy),
            tenant: self.tenant.clone(),
            name: name.to_owned(),
            at: self.at,
            subject: Some(person.subject),
            nodes: person.nodes.clone(),
            cause: self.cause,
            trace: self.trace.map(str::to_owned),
            body,
        }
    }

    /// That a decision was made, and what there is to do or to hold back.
    pub(super) fn decided(
        &self,
        release: &Release,
        inputs: &Inputs,
        decided: &Decided,
        sent: bool,
    ) -> Vec<Fact> {
        let mut out = vec![self.tell("decision.made", &inputs.person, made(inputs, decided))];
        let (name, chosen) = match &decided.outcome {
            Outcome::Act(it) if sent => ("action.decided", it),
            Outcome::Holdout(it) if sent => ("action.ghost", it),
            Outcome::Act(_) | Outcome::Holdout(_) | Outcome::None(_) => return out,
        };
        if let Some(node) = inputs.nodes.get(chosen.input()) {
            out.push(self.tell(name, &inputs.person, action(release, inputs, node, chosen)));
        }
        out
    }

    /// What happened to a timer.
    pub(super) fn timer(&self, moved: &Moved, person: &PersonAt, it: &Occurrence) -> Fact {
        let mut body = json!({
            "node": it.occasion.node.as_str(),
            "occurrence": it.key,
            "due_at": it.due_at,
        });
        let (name, why) = moved.told();
        if let (Value::Object(members), Some(reason)) = (&mut body, why) {
            members.insert("reason".to_owned(), json!(reason));
        }
        self.tell(name, person, body)
    }
}

fn made(inputs: &Inputs, decided: &Decided) -> Value {
    let record = &decided.record;
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("decision_id", json!(inputs.id));
    put("outcome", json!(record.outcome.kind));
    put("effect", json!(record.outcome.effect));
    put("mode", json!(record.core.mode));
    put("class", json!(record.core.class));
    put("journeys", json!(inputs.nodes.iter().map(|it| it.node.as_str()).collect::<Vec<_>>()));
    put("release", release(record.policies.release, record.policies.sequence));
    if let Some(it) = &record.outcome.reason {
        put("reason", json!(it));
    }
    let lead = match &decided.outcome {
        Outcome::Act(it) | Outcome::Holdout(it) => inputs.nodes.get(it.input()).map(|n| (n, it)),
        Outcome::None(_) => None,
    };
    if let Some((node, chosen)) = lead {
        put("node", json!(node.node.as_str()));
        put("action", json!(chosen.action().id));
        put("channel", json!(chosen.channel()));
        put("occurrence", json!(node.key));
        if let (Some(draw), Some(experiment)) = (&node.draw, &chosen.node().experiment) {
            put("arm", json!(draw.arm));
            put("bucket", json!(draw.bucket));
            put("holdout", json!(draw.holdout));
            put("layer", json!(draw.layer));
            put("propensity_ppm", json!(draw.propensity_ppm));
            put("seed", json!(draw.seed));
            put("unit", json!(Unit::as_str(experiment.unit)));
        }
    } else if let Some(node) = inputs.nodes.first() {
        put("node", json!(node.node.as_str()));
        put("occurrence", json!(node.key));
    }
    Value::Object(body)
}

fn action(pinned: &Release, inputs: &Inputs, input: &NodeInputs, it: &Chosen) -> Value {
    let (node, treatment) = (it.node(), it.treatment());
    let mut body = json!({
        "decision_id": inputs.id,
        "node": node.name.as_str(),
        "action": it.action().id,
        "treatment": treatment.id,
        "channel": treatment.channel,
        "template": { "name": treatment.template.name, "digest": treatment.template.digest },
        "purpose": { "key": node.purpose.key.as_str(), "version": node.purpose.version },
        "class": node.class,
        "tier": node.tier,
        "caps": node.sending.caps.iter().map(|cap| &*cap.name).collect::<Vec<_>>(),
        "window": node.sending.quiet_hours,
        "on_hold": it.action().on_hold.as_str(),
        "not_before": inputs.as_of,
        "not_after": it.expires_at(),
        "release": release(pinned.digest, pinned.sequence),
        "occurrence": input.key,
        "priority": node.arbitration.rank,
    });
    if let (Value::Object(members), Some(placement)) = (&mut body, &treatment.placement) {
        members.insert("placement".to_owned(), json!(placement));
    }
    body
}

fn release(digest: kernel::Digest, sequence: u64) -> Value {
    json!({ "digest": digest, "sequence": sequence })
}
