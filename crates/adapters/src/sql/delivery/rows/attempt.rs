//! Rows of attempts.

use delivery::{
    attempt::AttemptId,
    ports::{AttemptOutcome, AttemptRecord},
};
use kernel::{DeliveryId, Digest, Epoch, Epochs, Fault, Instant, Reason};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{WHAT, broken, bytes, json, number};

pub(in crate::sql::delivery) const ATTEMPT_COLUMNS: [&str; 15] = [
    "tenant",
    "delivery",
    "n",
    "identity_epoch",
    "person_epoch",
    "policy_epoch",
    "verdict",
    "rendered",
    "windows",
    "committed_at",
    "deadline_at",
    "ended_at",
    "outcome",
    "code",
    "reference",
];

#[derive(Debug, FromQueryResult)]
pub(in crate::sql::delivery) struct AttemptRow {
    delivery: Uuid,
    n: i64,
    identity_epoch: i64,
    person_epoch: i64,
    policy_epoch: i64,
    verdict: Vec<u8>,
    rendered: Vec<u8>,
    windows: String,
    committed_at: i64,
    deadline_at: i64,
    ended_at: Option<i64>,
    outcome: Option<String>,
    code: Option<String>,
    reference: Option<String>,
}

/// The outcome's name and its code.
pub(in crate::sql::delivery) fn outcome_row(
    outcome: &AttemptOutcome,
) -> (&'static str, Option<&str>) {
    match outcome {
        AttemptOutcome::Accepted => ("accepted", None),
        AttemptOutcome::Retryable(code) => ("retryable", Some(code.code())),
        AttemptOutcome::Permanent(code) => ("permanent", Some(code.code())),
        AttemptOutcome::Ambiguous(code) => ("ambiguous", Some(code.code())),
        AttemptOutcome::NotStarted => ("not_started", None),
    }
}

fn outcome_of(name: &str, code: Option<&str>) -> Result<AttemptOutcome, Fault> {
    let code = || {
        let code = code.ok_or_else(|| broken(WHAT))?;
        Reason::parse(code).map_err(|it| broken(WHAT).because(it))
    };
    Ok(match name {
        "accepted" => AttemptOutcome::Accepted,
        "retryable" => AttemptOutcome::Retryable(code()?),
        "permanent" => AttemptOutcome::Permanent(code()?),
        "ambiguous" => AttemptOutcome::Ambiguous(code()?),
        "not_started" => AttemptOutcome::NotStarted,
        _ => return Err(broken(WHAT)),
    })
}

impl TryFrom<AttemptRow> for AttemptRecord {
    type Error = Fault;

    fn try_from(row: AttemptRow) -> Result<Self, Fault> {
        let outcome =
            row.outcome.as_deref().map(|it| outcome_of(it, row.code.as_deref())).transpose()?;
        Ok(Self {
            id: AttemptId { delivery: DeliveryId::from_uuid(row.delivery), n: number(row.n)? },
            epochs: Epochs {
                identity: Epoch(number(row.identity_epoch)?),
                person: Epoch(number(row.person_epoch)?),
                policy: Epoch(number(row.policy_epoch)?),
            },
            verdict: Digest::from_bytes(bytes(&row.verdict)?),
            rendered: Digest::from_bytes(bytes(&row.rendered)?),
            windows: json(&row.windows)?,
            committed_at: Instant::from_micros(row.committed_at),
            deadline: Instant::from_micros(row.deadline_at),
            ended_at: row.ended_at.map(Instant::from_micros),
            outcome,
            reference: row.reference,
        })
    }
}
