//! The send gate's judgement: pure, on what one transaction read.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use kernel::{
    Epoch, Epochs, Fact, FactId, Instant, NodeId, Opening, PersonAt, Proof, Windows, Zones,
    next_open,
};

use crate::{
    attempt::{AttemptId, Grant, Stamp},
    caps::{self, Cap, CapVerdict},
    contact::{Entry, EntryState},
    fact,
    message::Delivery,
    ports::Change,
    reason,
    sender::Rendered,
    state::{Event, State, apply},
};

/// How far a closed window is looked past.
pub const WINDOW_HORIZON: TimeDelta = TimeDelta::days(8);
/// Openings spread over this span, so that a morning is not a moment.
const SPREAD_SECONDS: i64 = 900;

/// A delivery that is prepared: all that is slow has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateRequest {
    /// The delivery, ready, at the version it was read.
    pub delivery: Delivery,
    /// The person as resolved during preparation.
    pub person: PersonAt,
    /// The node its contact counts on.
    pub contact: NodeId,
    /// What the permitting verdict left to compare.
    pub stamp: Stamp,
    /// The caps it counts against.
    pub caps: Vec<Cap>,
    /// The windows of its class on its channel; `None` is always open.
    pub windows: Option<Windows>,
    /// The zones the person may be in.
    pub zones: Zones,
    /// The message.
    pub message: Rendered,
    /// The most time the hand-off takes.
    pub budget: TimeDelta,
    /// The id of the fact the judgement makes.
    pub fact: FactId,
}

/// What the gate's transaction read for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateView {
    /// The delivery's stored version; `None` where it is not there.
    pub version: Option<u32>,
    /// The heads.
    pub heads: Heads,
    /// Whether another delivery served the occurrence on this channel.
    pub served: bool,
    /// The contacts of all nodes of the person, within the longest window a cap may have.
    pub entries: Vec<Entry>,
}

/// The counters that move when permission might.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// The person's membership; absent is a refusal.
    pub identity: Option<Epoch>,
    /// The sum of the consent epochs of the person's nodes.
    pub person: Epoch,
    /// The tenant's released consent artifacts.
    pub policy: Epoch,
}

impl Heads {
    /// Whether nothing moved since these epochs.
    pub fn equal(&self, epochs: Epochs) -> bool {
        self.identity == Some(epochs.identity)
            && self.person == epochs.person
            && self.policy == epochs.policy
    }
}

/// What the gate decides about one request.
#[derive(Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may go, once, when this is committed.
    Passed(Box<Grant>, Change),
    /// It does not go now.
    Stopped(Change),
    /// The verdict it rests on is out of date: prepare it anew. Nothing is kept.
    Moved,
    /// Somebody else moved the delivery. Nothing is kept.
    Gone,
}

/// How a gate judges. Outside of tests there is one, [`judge`].
pub type Judge = fn(&GateRequest, &GateView, Instant) -> Judgement;

/// Judges one request on what the gate's own transaction read, at this instant.
pub fn judge(request: &GateRequest, view: &GateView, now: Instant) -> Judgement {
    if view.version != Some(request.delivery.version) {
        return Judgement::Gone;
    }
    if !view.heads.equal(request.stamp.epochs()) || now >= request.stamp.good_until() {
        return Judgement::Moved;
    }
    judge_current(request, view, now)
}

/// Judges a batch in order: an earlier yes counts in the caps and occurrences of the later ones, as
/// two subjects of one batch may have become one person.
pub fn judge_all(
    judge: Judge,
    requests: &[GateRequest],
    views: Vec<GateView>,
    now: Instant,
) -> Vec<Judgement> {
    let mut reserved: Vec<Entry> = Vec::new();
    let mut served = BTreeSet::new();
    let mut out = Vec::with_capacity(requests.len());
    for (request, mut view) in requests.iter().zip(views) {
        let key = (request.delivery.occurrence, request.delivery.channel);
        let nodes = &request.person.nodes;
        view.entries.extend(reserved.iter().filter(|it| nodes.contains(&it.node)).cloned());
        view.served |= served.contains(&key);
        let judgement = judge(request, &view, now);
        if matches!(judgement, Judgement::Passed(..)) {
            reserved.push(request.entry(now));
            served.insert(key);
        }
        out.push(judgement);
    }
    out
}

impl GateRequest {
    /// The contact a yes reserves.
    pub fn entry(&self, now: Instant) -> Entry {
        Entry {
            id: self.delivery.id.into(),
            node: self.contact,
            at: now,
            state: EntryState::Reserved,
            channel: self.delivery.channel,
            class: self.delivery.class,
            journey: Some(self.delivery.node.clone()),
        }
    }
}

/// The rest of the judgement, once the verdict is known to be current.
pub(crate) fn judge_current(request: &GateRequest, view: &GateView, now: Instant) -> Judgement {
    let delivery = &request.delivery;
    if now >= delivery.not_after {
        return stop(request, Event::Expired, now);
    }
    if now < delivery.not_before {
        let until = delivery.not_before;
        return stop(request, Event::Wait { reason: reason::NOT_BEFORE, until }, now);
    }
    if view.served {
        return stop(request, Event::Refused { reasons: vec![reason::DUPLICATE] }, now);
    }
    match opening(request, now) {
        Opening::Open => {}
        Opening::At(until, Proof { .. }) => {
            return stop(request, Event::Held { reason: reason::WINDOW, until }, now);
        }
        Opening::Never => {
            let until = delivery.not_after;
            return stop(request, Event::Held { reason: reason::WINDOW_NEVER, until }, now);
        }
    }
    match caps::evaluate(&request.caps, &view.entries, now, &request.zones) {
        CapVerdict::Grant => pass(request, now),
        CapVerdict::Deny { reason, frees_at, .. } => {
            stop(request, Event::Held { reason, until: frees_at }, now)
        }
    }
}

fn opening(request: &GateRequest, now: Instant) -> Opening {
    let Some(windows) = &request.windows else { return Opening::Open };
    match next_open(now, windows, &request.zones, WINDOW_HORIZON) {
        Opening::At(at, proof) => {
            let spread =
                request.delivery.id.uuid().as_u128() % u128::from(SPREAD_SECONDS.unsigned_abs());
            let spread = TimeDelta::seconds(i64::try_from(spread).unwrap_or(0));
            Opening::At(at.plus(spread), proof)
        }
        other => other,
    }
}

fn pass(request: &GateRequest, now: Instant) -> Judgement {
    let deadline = now.plus(request.budget);
    let delivery = &request.delivery;
    let Ok(transition) = apply(delivery, Event::Passed { deadline }) else {
        return Judgement::Gone;
    };
    let grant = Grant {
        id: AttemptId { delivery: delivery.id, n: delivery.attempts.saturating_add(1) },
        tenant: delivery.tenant.clone(),
        subject: request.person.subject,
        nodes: request.person.nodes.clone(),
        decision: delivery.decision,
        channel: delivery.channel,
        contact: request.contact,
        stamp: request.stamp.clone(),
        rendered: request.message.digest,
        committed_at: now,
        deadline,
        windows: request.windows.as_ref().map_or_else(Vec::new, |_| {
            request.zones.as_slice().iter().map(|it| it.name()).collect()
        }),
        trace: delivery.trace.clone(),
    };
    let facts = fact::of_state(delivery, &transition.state, &request.person, now, request.fact);
    Judgement::Passed(Box::new(grant), change(request, transition.state, facts))
}

fn stop(request: &GateRequest, event: Event, now: Instant) -> Judgement {
    let delivery = &request.delivery;
    // Nothing waits past its own end: it comes due then, and expires.
    let not_before = match &event {
        Event::Held { until, .. } | Event::Wait { until, .. } => Some(*until),
        _ => None,
    };
    let event = match event {
        Event::Held { reason, until } => {
            Event::Held { reason, until: until.min(delivery.not_after) }
        }
        other => other,
    };
    let Ok(transition) = apply(delivery, event) else { return Judgement::Gone };
    let mut facts = fact::of_state(delivery, &transition.state, &request.person, now, request.fact);
    fact::add_not_before(&mut facts, not_before);
    Judgement::Stopped(change(request, transition.state, facts))
}

fn change(request: &GateRequest, state: State, facts: Vec<Fact>) -> Change {
    Change { delivery: request.delivery.id, expected: request.delivery.version, state, facts }
}
