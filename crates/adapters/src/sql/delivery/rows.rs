//! Rows of deliveries, attempts, contacts and letters, each beside its conversion.

mod attempt;
mod contact;

use delivery::{
    message::{Delivery, OnHold, ReleaseRef, TemplateRef, WindowClass},
    state::State,
};
use kernel::{
    Class, DecisionId, DeliveryId, Digest, FactId, Fault, Instant, JourneyNode, OccurrenceKey,
    PurposeKey, PurposeRef, Reason, SubjectId, TenantId,
};
use sea_orm::{FromQueryResult, Value};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::broken;

pub(super) use attempt::{ATTEMPT_COLUMNS, AttemptRow, outcome_row};
pub(super) use contact::{
    CONTACT_COLUMNS, ContactRow, LETTER_COLUMNS, LetterRow, contact_row, letter_row,
};

const WHAT: &str = "decoding a delivery";

fn json<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|it| broken(WHAT).because(it))
}

fn bytes(bytes: &[u8]) -> Result<[u8; 32], Fault> {
    bytes.try_into().map_err(|_| broken(WHAT))
}

fn parse<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    text: &str,
) -> Result<T, Fault> {
    text.parse().map_err(|it: T::Err| broken(WHAT).because(it))
}

fn number<T: TryFrom<i64, Error: std::error::Error + Send + Sync + 'static>>(
    n: i64,
) -> Result<T, Fault> {
    T::try_from(n).map_err(|it| broken(WHAT).because(it))
}

/// JSON of a value that always has some: lists of names and codes.
pub(super) fn text_of(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// An unsigned counter as its column holds it.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) const DELIVERY_COLUMNS: [&str; 33] = [
    "tenant",
    "id",
    "subject",
    "nodes",
    "node",
    "decision",
    "action",
    "treatment",
    "occurrence",
    "purpose",
    "purpose_version",
    "class",
    "lane",
    "priority",
    "channel",
    "template",
    "template_digest",
    "release_digest",
    "release_sequence",
    "caps",
    "sending_window",
    "on_hold",
    "not_before",
    "not_after",
    "planned_at",
    "state",
    "reasons",
    "state_until",
    "due_at",
    "attempts",
    "version",
    "cause",
    "trace",
];

#[derive(Debug, FromQueryResult)]
pub(super) struct DeliveryRow {
    tenant: String,
    id: Uuid,
    subject: Uuid,
    nodes: String,
    node: String,
    decision: Uuid,
    action: String,
    treatment: String,
    occurrence: Vec<u8>,
    purpose: String,
    purpose_version: i64,
    class: String,
    priority: i64,
    channel: String,
    template: String,
    template_digest: Vec<u8>,
    release_digest: Vec<u8>,
    release_sequence: i64,
    caps: String,
    sending_window: String,
    on_hold: String,
    not_before: i64,
    not_after: i64,
    planned_at: i64,
    state: String,
    reasons: String,
    state_until: Option<i64>,
    attempts: i64,
    version: i64,
    cause: Uuid,
    trace: Option<String>,
}

/// The class's place among what is due: law and contract go first.
fn lane(class: Class) -> i64 {
    match class {
        Class::Obligation => 0,
        Class::Service => 1,
        Class::Marketing => 2,
    }
}

pub(super) fn delivery_row(it: &Delivery) -> [Value; 33] {
    let [state, reasons, until, due] = state_row(&it.state, it.not_before);
    [
        it.tenant.as_str().into(),
        it.id.uuid().into(),
        it.subject.uuid().into(),
        text_of(&it.nodes).into(),
        it.node.as_str().into(),
        it.decision.uuid().into(),
        it.action.as_str().into(),
        it.treatment.as_str().into(),
        it.occurrence.0.to_vec().into(),
        it.purpose.key.as_str().into(),
        i64::from(it.purpose.version).into(),
        it.class.as_str().into(),
        lane(it.class).into(),
        i64::from(it.priority).into(),
        it.channel.as_str().into(),
        it.template.name.as_str().into(),
        it.template.digest.as_bytes().to_vec().into(),
        it.release.digest.as_bytes().to_vec().into(),
        signed(it.release.sequence).into(),
        text_of(&it.caps).into(),
        it.window.as_str().into(),
        it.on_hold.as_str().into(),
        it.not_before.micros().into(),
        it.not_after.micros().into(),
        it.planned_at.micros().into(),
        state,
        reasons,
        until,
        due,
        i64::from(it.attempts).into(),
        i64::from(it.version).into(),
        it.cause.uuid().into(),
        it.trace.clone().into(),
    ]
}

/// State, reasons, until, due: what a move changes.
pub(super) const STATE_COLUMNS: [&str; 4] = ["state", "reasons", "state_until", "due_at"];

pub(super) fn state_row(state: &State, not_before: Instant) -> [Value; 4] {
    let until = match state {
        State::Held { until, .. }
        | State::RetryWait { until, .. }
        | State::Unknown { until, .. } => Some(*until),
        State::InFlight { deadline } => Some(*deadline),
        _ => None,
    };
    let due = state.due_at(not_before);
    [
        state.name().into(),
        text_of(&state.reasons()).into(),
        until.map(Instant::micros).into(),
        due.map(Instant::micros).into(),
    ]
}

fn state_of(name: &str, reasons: &str, until: Option<i64>) -> Result<State, Fault> {
    let reasons: Vec<Reason> = json(reasons)?;
    let reason = || reasons.first().cloned().ok_or_else(|| broken(WHAT));
    let until = || until.map(Instant::from_micros).ok_or_else(|| broken(WHAT));
    Ok(match name {
        "ready" => State::Ready,
        "held" => State::Held { reason: reason()?, until: until()? },
        "in_flight" => State::InFlight { deadline: until()? },
        "retry_wait" => State::RetryWait { reason: reason()?, until: until()? },
        "unknown" => State::Unknown { reason: reason()?, until: until()? },
        "accepted" => State::Accepted,
        "delivered" => State::Delivered,
        "bounced" => State::Bounced,
        "complained" => State::Complained,
        "returned" => State::Returned { reason: reason()? },
        "suppressed" => State::Suppressed { reasons },
        "failed" => State::Failed { reason: reason()? },
        "expired" => State::Expired,
        "abandoned" => State::Abandoned,
        _ => return Err(broken(WHAT)),
    })
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = Fault;

    fn try_from(row: DeliveryRow) -> Result<Self, Fault> {
        Ok(Self {
            id: DeliveryId::from_uuid(row.id),
            tenant: parse::<TenantId>(&row.tenant)?,
            subject: SubjectId::from_uuid(row.subject),
            nodes: json(&row.nodes)?,
            node: parse::<JourneyNode>(&row.node)?,
            decision: DecisionId::from_uuid(row.decision),
            action: row.action,
            treatment: row.treatment,
            occurrence: OccurrenceKey(bytes(&row.occurrence)?),
            purpose: PurposeRef {
                key: parse::<PurposeKey>(&row.purpose)?,
                version: number(row.purpose_version)?,
            },
            class: parse(&row.class)?,
            priority: number(row.priority)?,
            channel: parse(&row.channel)?,
            template: TemplateRef {
                name: row.template,
                digest: Digest::from_bytes(bytes(&row.template_digest)?),
            },
            release: ReleaseRef {
                digest: Digest::from_bytes(bytes(&row.release_digest)?),
                sequence: number(row.release_sequence)?,
            },
            caps: json(&row.caps)?,
            window: WindowClass::parse(&row.sending_window).ok_or_else(|| broken(WHAT))?,
            on_hold: OnHold::parse(&row.on_hold).ok_or_else(|| broken(WHAT))?,
            not_before: Instant::from_micros(row.not_before),
            not_after: Instant::from_micros(row.not_after),
            planned_at: Instant::from_micros(row.planned_at),
            state: state_of(&row.state, &row.reasons, row.state_until)?,
            attempts: number(row.attempts)?,
            version: number(row.version)?,
            cause: FactId::from_uuid(row.cause),
            trace: row.trace,
        })
    }
}
