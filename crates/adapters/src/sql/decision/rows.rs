//! One row of the timetable.

use chrono::NaiveDate;
use decision::{
    occurrence::{ObjectRef, Occasion, Occurrence, State},
    ports::Entered,
};
use kernel::{DecisionId, Digest, Fault, Instant, JourneyNode, OccurrenceKey, SubjectId, TenantId};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::signed;

pub(super) const COLUMNS: [&str; 20] = [
    "tenant",
    "key",
    "subject",
    "origin",
    "node",
    "object_kind",
    "object_id",
    "label",
    "step",
    "anchor",
    "due_at",
    "state",
    "armed_under",
    "attempts",
    "fence",
    "lease_until",
    "decision",
    "changed_at",
    "wakes_at",
    "trace",
];

#[derive(Debug, FromQueryResult)]
pub(super) struct Row {
    tenant: String,
    key: Vec<u8>,
    subject: Uuid,
    origin: Uuid,
    node: String,
    object_kind: Option<String>,
    object_id: Option<String>,
    label: String,
    step: String,
    anchor: Option<String>,
    due_at: i64,
    state: String,
    armed_under: Vec<u8>,
    attempts: i32,
    fence: i64,
    lease_until: i64,
    decision: Option<Uuid>,
    changed_at: i64,
    trace: Option<String>,
}

/// The values of a row, in the order of [`COLUMNS`].
pub(super) fn values(it: &Occurrence) -> [Value; 20] {
    let object = it.occasion.object.as_ref();
    [
        it.tenant.as_str().into(),
        it.key.0.to_vec().into(),
        it.subject.uuid().into(),
        it.occasion.origin.uuid().into(),
        it.occasion.node.as_str().into(),
        object.map(|it| it.kind.to_string()).into(),
        object.map(|it| it.id.to_string()).into(),
        it.occasion.label.as_ref().into(),
        it.occasion.offset.as_ref().into(),
        it.occasion.anchor.map(|it| it.to_string()).into(),
        it.due_at.micros().into(),
        it.state.as_str().into(),
        it.armed_under.as_bytes().to_vec().into(),
        i32::from(it.attempts).into(),
        signed(it.fence).into(),
        it.lease_until.micros().into(),
        it.decision.map(DecisionId::uuid).into(),
        it.changed_at.micros().into(),
        wakes(it.state, it.due_at, it.lease_until).into(),
        it.trace.clone().into(),
    ]
}

/// When an occurrence in this state wants attention.
pub(super) fn wakes(state: State, due_at: Instant, lease_until: Instant) -> Option<i64> {
    match state {
        State::Armed => Some(due_at.micros()),
        State::Claimed => Some(lease_until.micros()),
        _ => None,
    }
}

fn broken() -> Fault {
    Fault::escalate("decoding an occurrence")
}

fn bytes(it: &[u8]) -> Result<[u8; 32], Fault> {
    it.try_into().map_err(|it| broken().because(it))
}

fn state(it: &str) -> Result<State, Fault> {
    State::parse(it).ok_or_else(broken)
}

fn anchor(it: Option<&str>) -> Result<Option<NaiveDate>, Fault> {
    it.map(str::parse).transpose().map_err(|it| broken().because(it))
}

fn object(kind: Option<&str>, id: Option<&str>) -> Option<ObjectRef> {
    Some(ObjectRef::new(kind?, id?))
}

impl TryFrom<Row> for Occurrence {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            key: OccurrenceKey(bytes(&row.key)?),
            tenant: TenantId::new(&row.tenant).map_err(|it| broken().because(it))?,
            subject: SubjectId::from_uuid(row.subject),
            occasion: Occasion {
                node: JourneyNode::new(&row.node).map_err(|it| broken().because(it))?,
                origin: SubjectId::from_uuid(row.origin),
                object: object(row.object_kind.as_deref(), row.object_id.as_deref()),
                label: row.label.into(),
                offset: row.step.into(),
                anchor: anchor(row.anchor.as_deref())?,
            },
            due_at: Instant::from_micros(row.due_at),
            state: state(&row.state)?,
            armed_under: Digest::from_bytes(bytes(&row.armed_under)?),
            attempts: u8::try_from(row.attempts).map_err(|it| broken().because(it))?,
            fence: u64::try_from(row.fence).map_err(|it| broken().because(it))?,
            lease_until: Instant::from_micros(row.lease_until),
            decision: row.decision.map(DecisionId::from_uuid),
            changed_at: Instant::from_micros(row.changed_at),
            trace: row.trace,
        })
    }
}

pub(super) const ENTERED: [&str; 8] =
    ["subject", "node", "object_kind", "object_id", "step", "anchor", "state", "changed_at"];

#[derive(Debug, FromQueryResult)]
pub(super) struct EnteredRow {
    subject: Uuid,
    node: String,
    object_kind: Option<String>,
    object_id: Option<String>,
    step: String,
    anchor: Option<String>,
    state: String,
    changed_at: i64,
}

impl TryFrom<EnteredRow> for Entered {
    type Error = Fault;

    fn try_from(row: EnteredRow) -> Result<Self, Fault> {
        Ok(Self {
            subject: SubjectId::from_uuid(row.subject),
            node: JourneyNode::new(&row.node).map_err(|it| broken().because(it))?,
            object: object(row.object_kind.as_deref(), row.object_id.as_deref()),
            offset: row.step.into(),
            anchor: anchor(row.anchor.as_deref())?,
            state: state(&row.state)?,
            at: Instant::from_micros(row.changed_at),
        })
    }
}
