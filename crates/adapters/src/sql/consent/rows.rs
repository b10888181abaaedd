//! One row of the log.

use consent::ConsentEvent;
use kernel::{Cursor, Digest, Fault, Instant, TenantId};
use sea_orm::{DbErr, FromQueryResult, Value};
use uuid::Uuid;

#[derive(Debug, FromQueryResult)]
pub(super) struct Row {
    tenant: String,
    seq: i64,
    recorded_at: i64,
    said: String,
    widened: Option<String>,
    prev: Option<Vec<u8>>,
    digest: Vec<u8>,
}

impl TryFrom<Row> for ConsentEvent {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let broken = || Fault::escalate("decoding a consent event");
        let digest = |it: &[u8]| {
            <[u8; 32]>::try_from(it).map(Digest::from_bytes).map_err(|it| broken().because(it))
        };
        Ok(Self {
            tenant: TenantId::new(&row.tenant).map_err(|it| broken().because(it))?,
            seq: u64::try_from(row.seq).map_err(|it| broken().because(it))?,
            recorded_at: Instant::from_micros(row.recorded_at),
            said: serde_json::from_str(&row.said).map_err(|it| broken().because(it))?,
            widened: row
                .widened
                .map(|it| serde_json::from_str(&it).map_err(|it| broken().because(it)))
                .transpose()?,
            prev: row.prev.as_deref().map(digest).transpose()?,
            digest: digest(&row.digest)?,
        })
    }
}

/// The values of an event, in the order of the columns.
pub(super) fn values(event: &ConsentEvent) -> Result<[Value; 9], DbErr> {
    let json = |it: Result<String, serde_json::Error>| it.map_err(|e| DbErr::Custom(e.to_string()));
    let seq = i64::try_from(event.seq).map_err(|it| DbErr::Custom(it.to_string()))?;
    let widened = event.widened.as_ref().map(serde_json::to_string).map(json).transpose()?;
    Ok([
        event.tenant.as_str().into(),
        event.said.node.uuid().into(),
        seq.into(),
        event.said.id.into(),
        event.recorded_at.micros().into(),
        json(serde_json::to_string(&event.said))?.into(),
        widened.into(),
        event.prev.map(|it| it.as_bytes().to_vec()).into(),
        event.digest.as_bytes().to_vec().into(),
    ])
}

/// Where a page that ends with this event goes on.
pub(super) fn cursor(event: &ConsentEvent) -> Cursor {
    Cursor(format!("{}.{}", event.recorded_at.micros(), event.said.id.simple()))
}

/// What a cursor points at.
pub(super) fn position(cursor: &Cursor) -> Result<(i64, Uuid), Fault> {
    let broken = || Fault::escalate("reading a cursor of a history of choices");
    let (at, id) = cursor.0.split_once('.').ok_or_else(broken)?;
    let at = at.parse().map_err(|it: std::num::ParseIntError| broken().because(it))?;
    let id = Uuid::try_parse(id).map_err(|it| broken().because(it))?;
    Ok((at, id))
}
