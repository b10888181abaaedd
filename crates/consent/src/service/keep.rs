//! Keeping events: judge each, seal what may be kept, append once, retry when the log moved.

use std::collections::BTreeMap;

use kernel::{Digest, Epoch, Fact, FactId, Fault, Instant, NodeId, Reason, SubjectId, TenantId};
use serde_json::json;
use uuid::Uuid;

use super::{ConsentService, EVENTS_PER_NODE_MAX, RecordOutcome};
use crate::{
    Actor, Artifacts, ConsentEvent, EventKind, Grant, NewEvent, NodeLog, PurposeScope, State,
    event::ANSWERS_MAX,
    fold::{self, SKEW},
    ports::{AppendError, Link, Member, Transition},
    reason,
};

/// How often an append is tried against a log that keeps moving.
const APPEND_ATTEMPTS_MAX: u32 = 32;

/// Events to keep, and on what condition.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) events: Vec<NewEvent>,
    /// The nodes whose epochs count; ascending.
    pub(super) nodes: Vec<NodeId>,
    /// The person who acted, where the events make one act of a person.
    pub(super) subject: Option<SubjectId>,
    /// The act they belong to: all of it is kept or nothing, and one fact speaks for all its nodes.
    pub(super) act: Option<Uuid>,
    /// The sum of the nodes' epochs that must still hold.
    pub(super) guard: Option<Epoch>,
}

/// What was kept.
#[derive(Debug)]
pub(super) struct Kept {
    /// One outcome per event, in order.
    pub(super) outcomes: Vec<RecordOutcome>,
    /// The sum of the epochs of the nodes concerned, afterwards.
    pub(super) epoch: Epoch,
    /// When the first of the events was kept.
    pub(super) recorded_at: Option<Instant>,
    /// The facts it was told as; none where nothing was new.
    pub(super) facts: Vec<FactId>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum KeepError {
    #[error("the person's choices moved to epoch {}", .0.0)]
    Moved(Epoch),
    #[error("an event of the act was refused: {0}")]
    Refused(Reason),
    #[error("the act was kept with other content")]
    Conflict,
    #[error("keeping consent events")]
    Fault(#[from] Fault),
}

impl ConsentService {
    pub(super) async fn keep(&self, tenant: &TenantId, wish: &Wish) -> Result<Kept, KeepError> {
        let artifacts = self.artifacts.live(tenant).await?;
        let ids: Vec<Uuid> = wish.events.iter().map(|it| it.id).collect();
        for _ in 0..APPEND_ATTEMPTS_MAX {
            let known = self.ledger.find(tenant, &ids).await?;
            let logs = self.ledger.logs(tenant, &wish.nodes).await?;
            let now = self.clock.now();
            let mut draft = Draft::new(tenant, &artifacts, known, logs, now);
            let before = draft.epoch();
            let at_start = draft.expected_everywhere();
            let outcomes = wish
                .events
                .iter()
                .map(|it| draft.admit(it))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|it| Fault::escalate("sealing a consent event").because(it))?;
            if wish.act.is_some() {
                whole(&outcomes)?;
            }
            let repeated = draft.events.is_empty();
            if !repeated && wish.guard.is_some_and(|it| it != before) {
                return Err(KeepError::Moved(before));
            }
            let (epoch, recorded_at) = (draft.epoch(), draft.recorded_at);
            let mut kept = Kept { outcomes, epoch, recorded_at, facts: Vec::new() };
            if repeated && !wish.events.iter().any(|it| it.kind.settles()) {
                return Ok(kept);
            }
            if repeated || wish.guard.is_some() {
                // Nothing is new in a repeat, and it is said all the same: whoever keeps choices
                // close may not have heard the first time, if a crash came in between.
                draft.expected = at_start;
            }
            let facts = self.facts(tenant, wish, &draft.events, now);
            kept.facts = facts.iter().map(|it| it.id).collect();
            let transition = Transition { expected: draft.expected, events: draft.events, facts };
            match self.ledger.append(tenant, transition).await {
                Ok(()) => return Ok(kept),
                Err(AppendError::Conflict) => {}
                Err(AppendError::Fault(fault)) => return Err(fault.into()),
            }
        }
        Err(Fault::retry("appending to a log that keeps moving").into())
    }

    /// One fact per event, or one per kind where the events make one act of a person.
    fn facts(
        &self,
        tenant: &TenantId,
        wish: &Wish,
        events: &[ConsentEvent],
        now: Instant,
    ) -> Vec<Fact> {
        let mut groups: Vec<Vec<&ConsentEvent>> = Vec::new();
        for event in events {
            let same = |it: &&mut Vec<&ConsentEvent>| {
                it.first().is_some_and(|first| first.said.kind == event.said.kind)
            };
            match groups.iter_mut().rev().take(if wish.act.is_some() { 64 } else { 0 }).find(same) {
                Some(group) => group.push(event),
                None => groups.push(vec![event]),
            }
        }
        groups
            .iter()
            .filter_map(|group| group.first().map(|first| (group, *first)))
            .map(|(group, first)| Fact {
                id: FactId::mint(now, &*self.entropy),
                tenant: tenant.clone(),
                name: fact_name(&first.said.kind).to_owned(),
                at: now,
                subject: wish.subject,
                nodes: group.iter().map(|it| it.said.node).collect(),
                cause: None,
                trace: None,
                body: fact_body(wish.act, group, first),
            })
            .collect()
    }
}

/// An act is kept whole: one event that may not be kept keeps the others out.
fn whole(outcomes: &[RecordOutcome]) -> Result<(), KeepError> {
    outcomes.iter().try_for_each(|it| match it {
        RecordOutcome::Recorded(_) | RecordOutcome::Duplicate(_) => Ok(()),
        RecordOutcome::Conflict => Err(KeepError::Conflict),
        RecordOutcome::Refused(reason) => Err(KeepError::Refused(reason.clone())),
    })
}

const fn fact_name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Requested { .. }
        | EventKind::Given(_)
        | EventKind::ConfirmationSent { .. }
        | EventKind::Confirmed { .. }
        | EventKind::Renewed(_)
        | EventKind::Stated(_) => "consent.recorded",
        EventKind::Refused { .. } | EventKind::Withdrawn { .. } => "consent.withdrawn",
        EventKind::Objected { .. }
        | EventKind::ObjectionLifted { .. }
        | EventKind::OptedOut { .. } => "objection.recorded",
        EventKind::Restricted { .. } | EventKind::RestrictionLifted { .. } => "restriction.changed",
        EventKind::Suppressed { .. } | EventKind::SuppressionLifted { .. } => "suppression.changed",
        EventKind::ChannelPref { .. }
        | EventKind::TopicPref { .. }
        | EventKind::FrequencyPref { .. }
        | EventKind::QuietHours { .. }
        | EventKind::Snoozed { .. } => "preference.changed",
    }
}

fn fact_body(
    act: Option<Uuid>,
    group: &[&ConsentEvent],
    first: &ConsentEvent,
) -> serde_json::Value {
    let mut body = json!({
        "kind": first.said.kind.name(),
        "events": group.iter().map(|it| it.said.id.to_string()).collect::<Vec<_>>(),
        "restrictive": first.said.kind.is_restrictive(),
    });
    if let Some(members) = body.as_object_mut() {
        if let Some(scope) = first.widened.clone().or_else(|| first.said.kind.scope()) {
            members.insert("purpose".into(), scope.to_string().into());
        }
        if let EventKind::Objected { limb, .. } | EventKind::ObjectionLifted { limb, .. } =
            &first.said.kind
        {
            members.insert("limb".into(), json!(limb));
        }
        if let EventKind::OptedOut { practice } = &first.said.kind {
            members.insert("practice".into(), json!(practice));
        }
        if let Some(act) = act {
            members.insert("act".into(), act.to_string().into());
        }
    }
    body
}

/// A transition in the making.
struct Draft<'a> {
    tenant: &'a TenantId,
    artifacts: &'a Artifacts,
    now: Instant,
    known: BTreeMap<Uuid, ConsentEvent>,
    logs: BTreeMap<NodeId, NodeLog>,
    heads: BTreeMap<NodeId, (Epoch, Option<Digest>)>,
    expected: Vec<(NodeId, Epoch)>,
    events: Vec<ConsentEvent>,
    recorded_at: Option<Instant>,
}

impl<'a> Draft<'a> {
    fn new(
        tenant: &'a TenantId,
        artifacts: &'a Artifacts,
        known: Vec<ConsentEvent>,
        logs: Vec<NodeLog>,
        now: Instant,
    ) -> Self {
        Self {
            tenant,
            artifacts,
            now,
            known: known.into_iter().map(|it| (it.said.id, it)).collect(),
            heads: logs.iter().map(|it| (it.node, (it.epoch, it.last()))).collect(),
            logs: logs.into_iter().map(|it| (it.node, it)).collect(),
            expected: Vec::new(),
            events: Vec::new(),
            recorded_at: None,
        }
    }

    fn epoch(&self) -> Epoch {
        Epoch(self.heads.values().fold(0, |sum, it| sum.saturating_add(it.0.0)))
    }

    fn expected_everywhere(&self) -> Vec<(NodeId, Epoch)> {
        self.heads.iter().map(|(node, head)| (*node, head.0)).collect()
    }

    fn admit(&mut self, said: &NewEvent) -> Result<RecordOutcome, kernel::CanonicalError> {
        if let Some(before) = self.known.get(&said.id) {
            if before.said != *said {
                return Ok(RecordOutcome::Conflict);
            }
            let at = before.recorded_at;
            self.recorded_at = Some(self.recorded_at.map_or(at, |it| it.min(at)));
            return Ok(RecordOutcome::Duplicate(before.place()));
        }
        let (epoch, prev) = self.heads.get(&said.node).copied().unwrap_or((Epoch(0), None));
        if !said.kind.is_restrictive() {
            if epoch.0 >= EVENTS_PER_NODE_MAX {
                return Ok(RecordOutcome::Refused(reason::RQ_TOO_MANY));
            }
            if let Some(reason) = refusal(said, self.artifacts, self.now) {
                return Ok(RecordOutcome::Refused(reason));
            }
        }
        let widened = widened(&said.kind, self.artifacts);
        let next = epoch.next();
        let event = ConsentEvent::seal(self.tenant, next.0, self.now, said.clone(), widened, prev)?;
        let follows = match said.kind {
            EventKind::Renewed(_) => self.follows(&event),
            EventKind::Confirmed { grant, token } => self.was_asked(said.node, grant, token),
            _ => true,
        };
        if !follows {
            return Ok(RecordOutcome::Refused(reason::RQ_TRANSITION));
        }
        if !self.expected.iter().any(|it| it.0 == said.node) {
            self.expected.push((said.node, epoch));
        }
        self.heads.insert(said.node, (next, Some(event.digest)));
        if let Some(log) = self.logs.get_mut(&said.node) {
            log.epoch = next;
            log.events.push(event.clone());
        }
        self.known.insert(said.id, event.clone());
        self.recorded_at.get_or_insert(self.now);
        let place = event.place();
        self.events.push(event);
        Ok(RecordOutcome::Recorded(place))
    }

    /// Whether this very node was asked to confirm the grant, with the token.
    fn was_asked(&self, node: NodeId, grant: Uuid, token: Digest) -> bool {
        let asked = EventKind::ConfirmationSent { grant, token };
        let log = self.logs.get(&node);
        log.is_some_and(|it| it.events.iter().any(|it| it.said.kind == asked))
    }

    /// Whether a renewal finds a grant of the same node that still stands.
    fn follows(&self, event: &ConsentEvent) -> bool {
        let node = event.said.node;
        let mut log = self.logs.get(&node).cloned().unwrap_or_else(|| NodeLog::empty(node));
        let ignored = ignored_of(&log);
        log.events.push(event.clone());
        ignored_of(&log) == ignored
    }
}

fn ignored_of(log: &NodeLog) -> u32 {
    let member = Member { node: log.node, link: Link::Hard, contacts: Vec::new() };
    let person = kernel::PersonAt {
        subject: SubjectId::from_uuid(log.node.uuid()),
        nodes: vec![log.node],
        identity: Epoch(0),
    };
    let state: State = fold::state(&person, &[member], std::slice::from_ref(log));
    state.ignored
}

/// Why a permissive event may not be kept.
fn refusal(said: &NewEvent, artifacts: &Artifacts, now: Instant) -> Option<Reason> {
    let imported = matches!(said.actor, Actor::Import { .. });
    let by_person =
        matches!(said.actor, Actor::Subject | Actor::Guardian { .. } | Actor::Staff { .. });
    if said.event_time > now.plus(SKEW) {
        return Some(reason::RQ_FUTURE);
    }
    if said.answers.len() > ANSWERS_MAX || (imported && !said.answers.is_empty()) {
        return Some(reason::RQ_SCHEMA);
    }
    match &said.kind {
        EventKind::Given(grant) | EventKind::Renewed(grant) => {
            if !by_person && !imported {
                return Some(reason::RQ_SCHEMA);
            }
            unfit(grant, artifacts)
        }
        EventKind::Confirmed { .. } => {
            (!matches!(said.actor, Actor::Subject)).then_some(reason::RQ_SCHEMA)
        }
        EventKind::ObjectionLifted { .. } | EventKind::RestrictionLifted { .. } => {
            (!by_person).then_some(reason::RQ_SCHEMA)
        }
        EventKind::SuppressionLifted { .. } => {
            (!matches!(said.actor, Actor::Staff { .. })).then_some(reason::RQ_SCHEMA)
        }
        _ => None,
    }
}

fn unfit(grant: &Grant, artifacts: &Artifacts) -> Option<Reason> {
    let Some(purpose) = artifacts.purpose(&grant.purpose.key) else {
        return Some(reason::PU_UNKNOWN);
    };
    if grant.purpose.version == 0 || grant.purpose.version > purpose.version {
        return Some(reason::PU_INACTIVE);
    }
    if grant.channels.is_empty() {
        return Some(reason::RQ_SCHEMA);
    }
    if grant.proof.condition_of_service {
        return Some(reason::LB_CONSENT_BUNDLED);
    }
    (!grant.proof.is_complete()).then_some(reason::LB_CONSENT_PROOF)
}

/// The scope a denial counts for where it names an unknown purpose: the nearest known ancestor,
/// or everything. A "no" nobody can place is never dropped.
fn widened(kind: &EventKind, artifacts: &Artifacts) -> Option<PurposeScope> {
    if !kind.is_restrictive() {
        return None;
    }
    let Some(PurposeScope::Under(key)) = kind.scope() else { return None };
    if artifacts.knows(&key) {
        return None;
    }
    let mut text = key.as_str();
    while let Some((ancestor, _)) = text.rsplit_once('.') {
        text = ancestor;
        if let Ok(ancestor) = kernel::PurposeKey::new(ancestor)
            && artifacts.knows(&ancestor)
        {
            return Some(PurposeScope::Under(ancestor));
        }
    }
    Some(PurposeScope::All)
}
