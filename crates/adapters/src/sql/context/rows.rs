//! Rows of context's tables, and what they mean.

use context::{
    Code, Event, EventType, FieldKey, Identifier, ObjectKind, ObjectRef,
    freshness::{Arrivals, Freshness},
    ports::{DeadLetter, DeadLetterGroup, Status, Tally},
    view::Contribution,
};
use kernel::{Digest, EventId, Fault, Instant, NodeId, PurposeKey, SystemId, TenantId};
use sea_orm::{DbErr, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(super) const EVENT_COLUMNS: [&str; 17] = [
    "tenant",
    "id",
    "source",
    "ce_id",
    "kind",
    "schema",
    "identifiers",
    "object_kind",
    "object_id",
    "time",
    "received_at",
    "expires_at",
    "late",
    "collected_under",
    "trace",
    "content",
    "data",
];
pub(super) const VALUE_COLUMNS: [&str; 13] = [
    "tenant",
    "node",
    "object_kind",
    "object_id",
    "field",
    "time",
    "source",
    "ce_id",
    "kind",
    "received_at",
    "event",
    "collected_under",
    "value",
];
pub(super) const LETTER_COLUMNS: [&str; 9] =
    ["tenant", "id", "source", "kind", "ce_id", "code", "pointer", "received_at", "raw"];
pub(super) const TALLY_COLUMNS: [&str; 6] = ["tenant", "source", "kind", "status", "code", "n"];
pub(super) const ARRIVAL_COLUMNS: [&str; 6] =
    ["tenant", "source", "kind", "received_at", "lag_micros", "announced"];

/// An identifier as the log keeps it: namespace, value, verified.
#[derive(Serialize, Deserialize)]
struct Named(String, String, bool);

fn json<T: Serialize + ?Sized>(value: &T) -> Result<Value, DbErr> {
    serde_json::to_string(value).map(Value::from).map_err(|it| DbErr::Custom(it.to_string()))
}

pub(super) fn broken() -> Fault {
    Fault::escalate("decoding a row of context")
}

fn read<T, E: std::error::Error + Send + Sync + 'static>(it: Result<T, E>) -> Result<T, Fault> {
    it.map_err(|it| broken().because(it))
}

pub(super) fn digest(bytes: &[u8]) -> Result<Digest, Fault> {
    read(<[u8; 32]>::try_from(bytes)).map(Digest::from_bytes)
}

fn object(kind: &str, id: String) -> Result<ObjectRef, Fault> {
    Ok(ObjectRef { kind: read(ObjectKind::new(kind))?, id })
}

#[derive(Debug, FromQueryResult)]
pub(super) struct EventRow {
    pub(super) position: i64,
    tenant: String,
    id: Uuid,
    source: String,
    ce_id: String,
    kind: String,
    schema: Vec<u8>,
    identifiers: String,
    object_kind: Option<String>,
    object_id: Option<String>,
    time: i64,
    received_at: i64,
    expires_at: Option<i64>,
    late: bool,
    collected_under: String,
    trace: Option<String>,
    content: Vec<u8>,
    data: String,
}

impl TryFrom<EventRow> for Event {
    type Error = Fault;

    fn try_from(row: EventRow) -> Result<Self, Fault> {
        let named: Vec<Named> = read(serde_json::from_str(&row.identifiers))?;
        let object = match (row.object_kind, row.object_id) {
            (Some(kind), Some(id)) => Some(object(&kind, id)?),
            _ => None,
        };
        Ok(Self {
            id: EventId::from_uuid(row.id),
            tenant: read(TenantId::new(&row.tenant))?,
            source: SystemId::new(&row.source),
            ce_id: row.ce_id,
            kind: read(EventType::new(&row.kind))?,
            schema: digest(&row.schema)?,
            identifiers: named
                .into_iter()
                .map(|it| Identifier { namespace: it.0, value: it.1, verified: it.2 })
                .collect(),
            object,
            time: Instant::from_micros(row.time),
            received_at: Instant::from_micros(row.received_at),
            expires_at: row.expires_at.map(Instant::from_micros),
            late: row.late,
            collected_under: read(PurposeKey::new(&row.collected_under))?,
            trace: row.trace,
            content: digest(&row.content)?,
            data: read(serde_json::from_str(&row.data))?,
        })
    }
}

pub(super) fn event(it: &Event) -> Result<[Value; 17], DbErr> {
    let named: Vec<_> = it
        .identifiers
        .iter()
        .map(|it| Named(it.namespace.clone(), it.value.clone(), it.verified))
        .collect();
    Ok([
        it.tenant.as_str().into(),
        it.id.uuid().into(),
        it.source.as_str().into(),
        it.ce_id.as_str().into(),
        it.kind.as_str().into(),
        it.schema.as_bytes().to_vec().into(),
        json(&named)?,
        it.object.as_ref().map(|it| it.kind.as_str().to_owned()).into(),
        it.object.as_ref().map(|it| it.id.clone()).into(),
        it.time.micros().into(),
        it.received_at.micros().into(),
        it.expires_at.map(Instant::micros).into(),
        it.late.into(),
        it.collected_under.as_str().into(),
        it.trace.clone().into(),
        it.content.as_bytes().to_vec().into(),
        json(&it.data)?,
    ])
}

#[derive(Debug, FromQueryResult)]
pub(super) struct ValueRow {
    node: Uuid,
    object_kind: String,
    object_id: String,
    field: String,
    time: i64,
    source: String,
    ce_id: String,
    kind: String,
    received_at: i64,
    event: Uuid,
    collected_under: String,
    value: String,
}

impl TryFrom<ValueRow> for Contribution {
    type Error = Fault;

    fn try_from(row: ValueRow) -> Result<Self, Fault> {
        let owned = !row.object_kind.is_empty();
        Ok(Self {
            node: NodeId::from_uuid(row.node),
            object: owned.then(|| object(&row.object_kind, row.object_id)).transpose()?,
            field: read(FieldKey::new(&row.field))?,
            value: read(serde_json::from_str(&row.value))?,
            time: Instant::from_micros(row.time),
            received_at: Instant::from_micros(row.received_at),
            source: SystemId::new(&row.source),
            kind: read(EventType::new(&row.kind))?,
            ce_id: row.ce_id,
            event: EventId::from_uuid(row.event),
            collected_under: read(PurposeKey::new(&row.collected_under))?,
        })
    }
}

pub(super) fn value(tenant: &TenantId, it: &Contribution) -> Result<[Value; 13], DbErr> {
    let (object_kind, object_id) =
        it.object.as_ref().map_or(("", ""), |it| (it.kind.as_str(), it.id.as_str()));
    Ok([
        tenant.as_str().into(),
        it.node.uuid().into(),
        object_kind.into(),
        object_id.into(),
        it.field.as_str().into(),
        it.time.micros().into(),
        it.source.as_str().into(),
        it.ce_id.as_str().into(),
        it.kind.as_str().into(),
        it.received_at.micros().into(),
        it.event.uuid().into(),
        it.collected_under.as_str().into(),
        json(&it.value)?,
    ])
}

pub(super) fn letter(tenant: &TenantId, it: &DeadLetter) -> [Value; 9] {
    [
        tenant.as_str().into(),
        it.id.uuid().into(),
        it.source.as_ref().map(|it| it.as_str().to_owned()).into(),
        it.kind.as_ref().map(|it| it.as_str().to_owned()).into(),
        it.ce_id.clone().into(),
        it.code.as_str().into(),
        it.pointer.as_str().into(),
        it.received_at.micros().into(),
        it.raw.clone().into(),
    ]
}

#[derive(Debug, FromQueryResult)]
pub(super) struct GroupRow {
    kind: Option<String>,
    code: String,
    pointer: String,
    n: i64,
    first_at: i64,
    last_at: i64,
}

impl TryFrom<GroupRow> for DeadLetterGroup {
    type Error = Fault;

    fn try_from(row: GroupRow) -> Result<Self, Fault> {
        Ok(Self {
            kind: row.kind.map(|it| read(EventType::new(&it))).transpose()?,
            code: Code::parse(&row.code).ok_or_else(broken)?,
            pointer: row.pointer,
            n: read(u64::try_from(row.n))?,
            first_at: Instant::from_micros(row.first_at),
            last_at: Instant::from_micros(row.last_at),
        })
    }
}

#[derive(Debug, FromQueryResult)]
pub(super) struct TallyRow {
    source: String,
    kind: String,
    status: String,
    code: String,
    n: i64,
}

impl TryFrom<TallyRow> for Tally {
    type Error = Fault;

    fn try_from(row: TallyRow) -> Result<Self, Fault> {
        let status = Status::ALL.into_iter().find(|it| it.as_str() == row.status);
        let code = match row.code.as_str() {
            "" => None,
            it => Some(Code::parse(it).ok_or_else(broken)?),
        };
        Ok(Self {
            source: row.source,
            kind: row.kind,
            status: status.ok_or_else(broken)?,
            code,
            n: read(u64::try_from(row.n))?,
        })
    }
}

pub(super) fn tally(tenant: &TenantId, it: &Tally) -> Result<[Value; 6], DbErr> {
    let n = i64::try_from(it.n).map_err(|it| DbErr::Custom(it.to_string()))?;
    Ok([
        tenant.as_str().into(),
        it.source.as_str().into(),
        it.kind.as_str().into(),
        it.status.as_str().into(),
        it.code.map_or("", Code::as_str).into(),
        n.into(),
    ])
}

#[derive(Debug, FromQueryResult)]
pub(super) struct ArrivalRow {
    source: String,
    kind: String,
    received_at: i64,
    lag_micros: i64,
    announced: String,
}

impl TryFrom<ArrivalRow> for Arrivals {
    type Error = Fault;

    fn try_from(row: ArrivalRow) -> Result<Self, Fault> {
        Ok(Self {
            source: SystemId::new(&row.source),
            kind: read(EventType::new(&row.kind))?,
            received_at: Instant::from_micros(row.received_at),
            lag_micros: row.lag_micros,
            announced: Freshness::parse(&row.announced).ok_or_else(broken)?,
        })
    }
}

pub(super) fn arrival(tenant: &TenantId, it: &Arrivals) -> [Value; 6] {
    [
        tenant.as_str().into(),
        it.source.as_str().into(),
        it.kind.as_str().into(),
        it.received_at.micros().into(),
        it.lag_micros.into(),
        it.announced.as_str().into(),
    ]
}
