//! A page, app or agent asks for a placement.

use std::{collections::BTreeMap, sync::Arc};

use chrono::TimeDelta;
use futures_util::future::join;
use kernel::{Channel, DecisionId, Digest, Fault, Instant, JourneyNode, SubjectId, TenantId};
use serde_json::json;
use uuid::Uuid;

use super::{
    Sources,
    dispatch::{Parcel, append},
    gather::{self, Wanted},
};
use crate::{
    inputs::{HINTS_MAX, Inputs, Mode},
    occurrence::{ObjectRef, Occasion},
    person::Person,
    pipeline::{Chosen, Outcome, decide},
    ports::{Appended, Handoff, Identifier, Release},
    record::{Record, StoredRecord},
};

/// How often an ask whose permission moved is decided.
pub const ROUNDS_MAX: u8 = 2;
/// How long an answer may be on its way to whoever asked.
pub const ANSWER_TTL: TimeDelta = TimeDelta::milliseconds(200);

/// Whom an ask is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A person by id.
    Subject(SubjectId),
    /// A person by what the asker knows.
    Identifiers(Vec<Identifier>),
}

/// A request for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Whom it is about.
    pub who: Who,
    /// The placement to fill.
    pub placement: Arc<str>,
    /// The business object on the page.
    pub object: Option<ObjectRef>,
    /// What the asker says about the moment.
    pub hints: BTreeMap<Arc<str>, Arc<str>>,
    /// One id, one decision.
    pub request_id: Uuid,
}

/// What is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The journey node.
    pub node: JourneyNode,
    /// The action.
    pub action: Arc<str>,
    /// The treatment.
    pub treatment: Arc<str>,
    /// The channel.
    pub channel: Channel,
    /// The placement.
    pub placement: Option<Arc<str>>,
    /// The template's name.
    pub template: Arc<str>,
    /// The template's digest, as printed.
    pub template_digest: Arc<str>,
    /// Until when the answer may be shown.
    pub valid_until: Instant,
}

/// The answer to an ask: an action or nothing; why nothing is for staff to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The decision.
    pub decision: DecisionId,
    /// The person it is about.
    pub subject: SubjectId,
    /// What is to be shown; nothing looks the same whatever its reason.
    pub served: Option<Served>,
    /// Whether an earlier append of the same request answered.
    pub duplicate: bool,
}

/// Why an ask has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is known by these identifiers.
    #[error("no person is known by these identifiers")]
    UnknownPerson,
    /// No live node serves the placement.
    #[error("no live node serves placement `{0}`")]
    UnknownPlacement(Arc<str>),
    /// The same request id asked something else before.
    #[error("this request id asked something else before")]
    Conflict,
    /// More hints than a request may carry.
    #[error("a request carries at most {HINTS_MAX} hints")]
    TooManyHints,
    /// A technology failed; nothing was decided.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Decisions somebody asks for.
#[derive(Debug, Clone)]
pub struct DecisionService {
    sources: Sources,
}

impl DecisionService {
    /// Decisions made from these sources.
    pub const fn new(sources: Sources) -> Self {
        Self { sources }
    }

    /// Decides for a placement. The answer exists only once its record is committed.
    pub async fn decide(&self, tenant: &TenantId, ask: Ask) -> Result<Answer, AskError> {
        if ask.hints.len() > HINTS_MAX {
            return Err(AskError::TooManyHints);
        }
        let release = self.sources.releases.current(tenant).await?;
        let release = release.filter(|it| it.artifacts.serving(&ask.placement).next().is_some());
        let Some(release) = release else {
            return Err(AskError::UnknownPlacement(ask.placement));
        };
        let person = self.person(tenant, &ask.who).await?.ok_or(AskError::UnknownPerson)?;
        let request = request_digest(&ask, &person);
        let key = request_key(tenant, ask.request_id);
        for round in 0..ROUNDS_MAX {
            let inputs = self.gathered(tenant, &release, &person, &ask, request, round).await;
            let decided = decide(&release, &inputs);
            let handoff = match &decided.outcome {
                Outcome::Act(it) => Some(handoff(&inputs, it)),
                Outcome::None(_) | Outcome::Holdout(_) => None,
            };
            let until = handoff.as_ref().map(|it| it.good_until);
            let parcel = Parcel {
                release: &release,
                inputs: &inputs,
                decided: &decided,
                key,
                key_at: request_at(ask.request_id),
                settlements: Vec::new(),
                handoff,
                sent: false,
                trace: None,
            };
            match append(&self.sources, tenant, parcel).await? {
                Appended::Committed => return Ok(answer(&decided.record, until, false)),
                Appended::Duplicate(first) => return repeat(&first, request),
                Appended::Moved => {}
            }
        }
        self.withheld(tenant, &release, &person, &ask, request, key).await
    }

    /// Permission kept moving: the decision is none, and recorded as such.
    async fn withheld(
        &self,
        tenant: &TenantId,
        release: &Release,
        person: &Person,
        ask: &Ask,
        request: Digest,
        key: Digest,
    ) -> Result<Answer, AskError> {
        let mut inputs = self.gathered(tenant, release, person, ask, request, ROUNDS_MAX).await;
        for node in &mut inputs.nodes {
            node.objections.push(crate::reasons::PRM_MOVED);
        }
        let decided = decide(release, &inputs);
        let parcel = Parcel {
            release,
            inputs: &inputs,
            decided: &decided,
            key,
            key_at: request_at(ask.request_id),
            settlements: Vec::new(),
            handoff: None,
            sent: false,
            trace: None,
        };
        match append(&self.sources, tenant, parcel).await? {
            Appended::Committed => Ok(answer(&decided.record, None, false)),
            Appended::Duplicate(first) => repeat(&first, request),
            Appended::Moved => Err(Fault::retry("appending a decision").into()),
        }
    }

    async fn person(&self, tenant: &TenantId, who: &Who) -> Result<Option<Person>, Fault> {
        match who {
            Who::Subject(it) => {
                let found = self.sources.persons.persons(tenant, &[*it]).await?;
                Ok(found.into_iter().next().flatten())
            }
            Who::Identifiers(it) => self.sources.persons.find(tenant, it).await,
        }
    }

    async fn gathered(
        &self,
        tenant: &TenantId,
        release: &Release,
        person: &Person,
        ask: &Ask,
        request: Digest,
        round: u8,
    ) -> Inputs {
        let as_of = self.sources.clock.now();
        let label: Arc<str> = ask.request_id.to_string().into();
        let wanted: Vec<_> = (release.artifacts.serving(&ask.placement))
            .map(|node| {
                let object = ask.object.clone().filter(|it| it.kind == node.object);
                let occasion = Occasion {
                    node: node.name.clone(),
                    origin: person.at.subject,
                    object: object.clone(),
                    label: Arc::clone(&label),
                    offset: "".into(),
                    anchor: None,
                };
                Wanted {
                    node: Arc::clone(node),
                    key: person.key.occurrence(tenant, &occasion),
                    object,
                    label: "".into(),
                    due_at: as_of,
                    objections: Vec::new(),
                    earlier: None,
                }
            })
            .collect();
        let mode = Mode::Inbound { placement: Arc::clone(&ask.placement) };
        let sources = &self.sources;
        let cuts = gather::cuts(sources, tenant, person, &wanted, as_of);
        let answers = gather::answers(sources, tenant, person, &wanted, &mode, as_of);
        let (cuts, answers) = join(cuts, answers).await;
        let nodes = gather::inputs(sources, tenant, person, wanted, cuts, answers, as_of);
        Inputs {
            id: DecisionId::mint(as_of, &*self.sources.entropy),
            tenant: tenant.clone(),
            as_of,
            mode,
            request: Some(request),
            person: person.at.clone(),
            round,
            supersedes: None,
            hints: ask.hints.clone(),
            nodes,
        }
    }
}

/// Names what was asked, so that a request id cannot ask two things.
fn request_digest(ask: &Ask, person: &Person) -> Digest {
    let body = json!({
        "hints": ask.hints,
        "object": ask.object.as_ref().map_or_else(|| json!({}), |it| json!(it)),
        "placement": ask.placement,
        "subject": person.at.subject,
    });
    Digest::of(body.to_string().as_bytes())
}

fn request_key(tenant: &TenantId, request: Uuid) -> Digest {
    Digest::of(format!("request\n{tenant}\n{request}").as_bytes())
}

/// When a `UUIDv7` was minted; another id counts as minted at the epoch.
fn request_at(request: Uuid) -> Instant {
    request.get_timestamp().map_or(Instant::EPOCH, |it| {
        let (seconds, nanos) = it.to_unix();
        let micros = seconds.saturating_mul(1_000_000).saturating_add(u64::from(nanos / 1_000));
        Instant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    })
}

fn handoff(inputs: &Inputs, it: &Chosen) -> Handoff {
    let expires = it.expires_at();
    Handoff {
        decision: inputs.id,
        subject: inputs.person.subject,
        nodes: inputs.person.nodes.clone(),
        epochs: it.epochs(),
        good_until: it.good_until().map_or(expires, |until| until.min(expires)),
        at: inputs.as_of,
        until: inputs.as_of.plus(ANSWER_TTL),
        node: it.node().name.clone(),
        class: it.node().class,
        channel: it.channel(),
        caps: it.node().sending.caps.iter().map(|cap| cap.name.as_ref().to_owned()).collect(),
    }
}

/// The answer of an earlier append, provided that it was asked the same.
fn repeat(stored: &StoredRecord, request: Digest) -> Result<Answer, AskError> {
    let record =
        stored.parse().map_err(|it| Fault::escalate("reading a decision record").because(it))?;
    if record.core.request != Some(request) {
        return Err(AskError::Conflict);
    }
    Ok(answer(&record, None, true))
}

/// The answer a record gives, the first time and every time it is asked again.
fn answer(record: &Record, until: Option<Instant>, duplicate: bool) -> Answer {
    let action = record.outcome.action.as_ref().filter(|_| record.outcome.kind == "act");
    let served = action.map(|it| {
        let expires = Instant::from_micros(it.expires_us);
        let verdicts = &record.consent.verdicts;
        let verdict = verdicts.iter().find(|v| v.node == it.node && v.channel == it.channel);
        let good = until.or(verdict.and_then(|v| v.good_until_us).map(Instant::from_micros));
        Served {
            node: it.node.clone(),
            action: Arc::clone(&it.action),
            treatment: Arc::clone(&it.treatment),
            channel: it.channel,
            placement: it.placement.clone(),
            template: Arc::clone(&it.template.name),
            template_digest: Arc::clone(&it.template.digest),
            valid_until: good.map_or(expires, |good| good.min(expires)),
        }
    });
    Answer { decision: record.core.id, subject: record.subject.subject_ref, served, duplicate }
}
