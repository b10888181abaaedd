//! Admits events: judge each, one append for all, answer each.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{Clock, Digest, Entropy, EventId, Fact, FactId, Fault, Instant, SystemId, TenantId};
use serde_json::{Map, Value, json};

use crate::{
    Artifacts, Code, Event, EventType, RawBatch, Refusal,
    admit::{Admitter, Caller, Judgement, admit},
    event::EventKey,
    freshness::{Arrivals, Freshness},
    ports::{Admission, AppendError, ArtifactSource, DeadLetter, EventLog, Status, Tally},
};

/// How often an append is tried when others admit the same events.
const ATTEMPTS_MAX: usize = 4;

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Admitted, and durable.
    Accepted {
        /// Its id here.
        event_id: EventId,
    },
    /// Admitted before, with the same content.
    Duplicate {
        /// The id of the first.
        event_id: EventId,
    },
    /// Well formed and kept aside.
    Parked {
        /// Why.
        refusal: Refusal,
    },
    /// Answered with a problem.
    Refused {
        /// Why.
        refusal: Refusal,
    },
}

impl ItemOutcome {
    /// The word of its answer.
    pub const fn status(&self) -> Status {
        match self {
            Self::Accepted { .. } => Status::Accepted,
            Self::Duplicate { .. } => Status::Duplicate,
            Self::Parked { .. } => Status::Parked,
            Self::Refused { .. } => Status::Refused,
        }
    }
}

/// Why nothing of a request was admitted.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// Others kept admitting the same events; asking again may succeed.
    #[error("the same events were being admitted by others")]
    Contended,
    /// The log or the release could not be reached.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Admits events of the systems of record.
#[derive(Debug, Clone)]
pub struct AdmissionService {
    log: Arc<dyn EventLog>,
    artifacts: Arc<dyn ArtifactSource>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl AdmissionService {
    /// The use case over its ports.
    pub fn new(
        log: Arc<dyn EventLog>,
        artifacts: Arc<dyn ArtifactSource>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { log, artifacts, clock, entropy }
    }

    /// Admits a request: one outcome per event, in order; what is accepted is durable.
    pub async fn admit(
        &self,
        tenant: &TenantId,
        caller: &Caller,
        batch: RawBatch,
    ) -> Result<Vec<ItemOutcome>, AdmitError> {
        let artifacts = self.artifacts.live(tenant).await?;
        let now = self.clock.now();
        let admitter = Admitter { tenant, caller, artifacts: &artifacts, now };
        let judged: Vec<_> = batch
            .items
            .into_iter()
            .map(|item| {
                let id = EventId::mint(now, &*self.entropy);
                match item {
                    Ok(event) => Item { id, judged: admit(admitter, id, &event), raw: Some(event) },
                    Err(refusal) => Item { id, judged: Judgement::Refuse(refusal), raw: None },
                }
            })
            .collect();
        for _ in 0..ATTEMPTS_MAX {
            let outcomes = self.outcomes(tenant, &judged).await?;
            let admission = self.admission(tenant, now, &judged, &outcomes, &artifacts);
            match self.log.admit(&admission).await {
                Ok(()) => return Ok(outcomes),
                Err(AppendError::Raced) => {}
                Err(AppendError::Fault(fault)) => return Err(fault.into()),
            }
        }
        Err(AdmitError::Contended)
    }

    /// The outcome of each, given what the log and the request itself already hold.
    async fn outcomes(
        &self,
        tenant: &TenantId,
        judged: &[Item],
    ) -> Result<Vec<ItemOutcome>, Fault> {
        let keys: Vec<_> = judged.iter().filter_map(Item::event).map(Event::key).collect();
        let seen = if keys.is_empty() { Vec::new() } else { self.log.seen(tenant, &keys).await? };
        let mut held: BTreeMap<EventKey, (EventId, Digest)> =
            seen.into_iter().map(|it| (it.key, (it.event, it.content))).collect();
        let outcome = |item: &Item| match &item.judged {
            Judgement::Refuse(refusal) => ItemOutcome::Refused { refusal: refusal.clone() },
            Judgement::Park(refusal) => ItemOutcome::Parked { refusal: refusal.clone() },
            Judgement::Admit(event) => match held.get(&event.key()) {
                None => {
                    held.insert(event.key(), (event.id, event.content));
                    ItemOutcome::Accepted { event_id: event.id }
                }
                Some((event_id, content)) if *content == event.content => {
                    ItemOutcome::Duplicate { event_id: *event_id }
                }
                Some(_) => {
                    let detail = "the id was admitted before with other content";
                    ItemOutcome::Parked { refusal: Refusal::at(Code::IdConflict, "/id", detail) }
                }
            },
        };
        Ok(judged.iter().map(outcome).collect())
    }

    fn admission(
        &self,
        tenant: &TenantId,
        now: Instant,
        judged: &[Item],
        outcomes: &[ItemOutcome],
        artifacts: &Artifacts,
    ) -> Admission {
        let mut tallies: BTreeMap<(String, String, Status, Option<Code>), u64> = BTreeMap::new();
        let mut arrivals: BTreeMap<(SystemId, EventType), Arrivals> = BTreeMap::new();
        let (mut events, mut dead) = (Vec::new(), Vec::new());
        for (item, outcome) in judged.iter().zip(outcomes) {
            let code = match outcome {
                ItemOutcome::Parked { refusal } | ItemOutcome::Refused { refusal } => {
                    dead.push(item.dead(refusal, now, artifacts));
                    Some(refusal.code)
                }
                ItemOutcome::Accepted { .. } | ItemOutcome::Duplicate { .. } => None,
            };
            if let (ItemOutcome::Accepted { .. }, Some(event)) = (outcome, item.event()) {
                let arrival = arrival(event);
                arrivals.insert((event.source.clone(), event.kind.clone()), arrival);
                events.push(event.clone());
            }
            let (source, kind) = item.named(artifacts);
            *tallies.entry((source, kind, outcome.status(), code)).or_default() += 1;
        }
        let tallies: Vec<_> = tallies
            .into_iter()
            .map(|((source, kind, status, code), n)| Tally { source, kind, status, code, n })
            .collect();
        let facts = tallies.iter().filter_map(|it| self.fact(tenant, now, it)).collect();
        let arrivals = arrivals.into_values().collect();
        Admission { tenant: tenant.clone(), events, dead, tallies, arrivals, facts }
    }

    /// One fact per source, type and fate: how many, and no more.
    fn fact(&self, tenant: &TenantId, now: Instant, tally: &Tally) -> Option<Fact> {
        let name = match tally.status {
            Status::Accepted => "context.event.admitted",
            Status::Parked => "context.event.parked",
            Status::Refused => "context.event.rejected",
            Status::Duplicate => return None,
        };
        let mut body = json!({ "source": tally.source, "type": tally.kind, "n": tally.n });
        if let (Some(code), Some(body)) = (tally.code, body.as_object_mut()) {
            body.insert("code".into(), code.as_str().into());
        }
        Some(Fact {
            id: FactId::mint(now, &*self.entropy),
            tenant: tenant.clone(),
            name: name.to_owned(),
            at: now,
            subject: None,
            nodes: Vec::new(),
            cause: None,
            trace: None,
            body,
        })
    }
}

/// One event of a request, judged.
struct Item {
    id: EventId,
    judged: Judgement,
    raw: Option<Map<String, Value>>,
}

impl Item {
    fn event(&self) -> Option<&Event> {
        match &self.judged {
            Judgement::Admit(event) => Some(event),
            Judgement::Park(_) | Judgement::Refuse(_) => None,
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.raw.as_ref()?.get(name)?.as_str()
    }

    /// Source and type, where the release knows them: a stranger's words are not kept as labels.
    fn named(&self, artifacts: &Artifacts) -> (String, String) {
        let kind = self.text("type").and_then(|it| EventType::new(it).ok());
        let contract = kind.as_ref().and_then(|it| artifacts.contract(it));
        let mut sources = artifacts.contracts().flat_map(|it| &it.sources);
        let source = self.text("source").and_then(|text| sources.find(|it| it.as_str() == text));
        (
            source.map(|it| it.as_str().to_owned()).unwrap_or_default(),
            contract.map(|it| it.kind.to_string()).unwrap_or_default(),
        )
    }

    fn dead(&self, refusal: &Refusal, now: Instant, artifacts: &Artifacts) -> DeadLetter {
        let (source, kind) = self.named(artifacts);
        // What a caller may not send for another source is answered and counted, not kept.
        let keep = refusal.code != Code::SourceNotAllowed;
        let raw =
            self.raw.as_ref().filter(|_| keep).map(|it| Value::Object(it.clone()).to_string());
        DeadLetter {
            id: self.id,
            source: (!source.is_empty()).then(|| SystemId::new(&source)),
            kind: EventType::new(&kind).ok(),
            ce_id: self.text("id").map(|it| it.chars().take(256).collect()),
            code: refusal.code,
            pointer: refusal.pointer.clone(),
            received_at: now,
            raw,
        }
    }
}

fn arrival(event: &Event) -> Arrivals {
    Arrivals {
        source: event.source.clone(),
        kind: event.kind.clone(),
        received_at: event.received_at,
        lag_micros: event.received_at.since(event.time).num_microseconds().unwrap_or(i64::MAX),
        announced: Freshness::Fresh,
    }
}
