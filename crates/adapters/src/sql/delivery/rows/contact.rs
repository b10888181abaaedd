//! Rows of contacts and letters.

use delivery::{
    contact::{ContactId, Entry, EntryState},
    ports::Letter,
    sender::Rendered,
};
use kernel::{
    DecisionId, DeliveryId, Digest, Fault, Instant, JourneyNode, NodeId, SubjectId, TenantId,
};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::{WHAT, broken, bytes, json, parse, text_of};

pub(in crate::sql::delivery) const CONTACT_COLUMNS: [&str; 8] =
    ["tenant", "id", "node", "at", "state", "channel", "class", "journey"];

#[derive(Debug, FromQueryResult)]
pub(in crate::sql::delivery) struct ContactRow {
    id: String,
    node: Uuid,
    at: i64,
    state: String,
    channel: String,
    class: String,
    journey: Option<String>,
}

pub(in crate::sql::delivery) fn contact_row(tenant: &TenantId, it: &Entry) -> [Value; 8] {
    let state = match it.state {
        EntryState::Reserved => "reserved",
        EntryState::Committed => "committed",
    };
    [
        tenant.as_str().into(),
        it.id.0.as_str().into(),
        it.node.uuid().into(),
        it.at.micros().into(),
        state.into(),
        it.channel.as_str().into(),
        it.class.as_str().into(),
        it.journey.as_ref().map(JourneyNode::as_str).into(),
    ]
}

impl TryFrom<ContactRow> for Entry {
    type Error = Fault;

    fn try_from(row: ContactRow) -> Result<Self, Fault> {
        Ok(Self {
            id: ContactId(row.id),
            node: NodeId::from_uuid(row.node),
            at: Instant::from_micros(row.at),
            state: match row.state.as_str() {
                "reserved" => EntryState::Reserved,
                "committed" => EntryState::Committed,
                _ => return Err(broken(WHAT)),
            },
            channel: parse(&row.channel)?,
            class: parse(&row.class)?,
            journey: row.journey.as_deref().map(parse).transpose()?,
        })
    }
}

pub(in crate::sql::delivery) const LETTER_COLUMNS: [&str; 13] = [
    "tenant",
    "delivery",
    "decision",
    "subject",
    "channel",
    "recipient",
    "title",
    "body",
    "html",
    "headers",
    "why",
    "digest",
    "at",
];

#[derive(Debug, FromQueryResult)]
pub(in crate::sql::delivery) struct LetterRow {
    tenant: String,
    delivery: Uuid,
    decision: Uuid,
    subject: Uuid,
    channel: String,
    recipient: String,
    title: Option<String>,
    body: String,
    html: Option<String>,
    headers: String,
    why: String,
    digest: Vec<u8>,
    at: i64,
}

pub(in crate::sql::delivery) fn letter_row(it: &Letter) -> [Value; 13] {
    [
        it.tenant.as_str().into(),
        it.delivery.uuid().into(),
        it.decision.uuid().into(),
        it.subject.uuid().into(),
        it.channel.as_str().into(),
        it.to.as_str().into(),
        it.message.subject.clone().into(),
        it.message.text.as_str().into(),
        it.message.html.clone().into(),
        text_of(&it.message.headers).into(),
        it.message.why.as_str().into(),
        it.message.digest.as_bytes().to_vec().into(),
        it.at.micros().into(),
    ]
}

impl TryFrom<LetterRow> for Letter {
    type Error = Fault;

    fn try_from(row: LetterRow) -> Result<Self, Fault> {
        Ok(Self {
            tenant: parse(&row.tenant)?,
            delivery: DeliveryId::from_uuid(row.delivery),
            decision: DecisionId::from_uuid(row.decision),
            subject: SubjectId::from_uuid(row.subject),
            channel: parse(&row.channel)?,
            to: row.recipient,
            message: Rendered {
                subject: row.title,
                text: row.body,
                html: row.html,
                headers: json(&row.headers)?,
                why: row.why,
                digest: Digest::from_bytes(bytes(&row.digest)?),
            },
            at: Instant::from_micros(row.at),
        })
    }
}
