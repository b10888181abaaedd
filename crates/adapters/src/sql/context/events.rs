//! The log of admitted events.

use std::collections::BTreeSet;

use async_trait::async_trait;
use context::{
    Event,
    event::{EventKey, Seen},
    ports::{Admission, AppendError, EventLog, Pending},
};
use kernel::{EventId, Fault, Limit, SystemId, TenantId};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, FromQueryResult, SqlErr,
    sea_query::{Alias, Expr, ExprTrait, Func, OnConflict, Order, Query, SelectStatement},
};

use super::{
    ARRIVAL, CHUNK_MAX, CURSOR, EVENT, LETTER, SqlContext, TALLY, adding, col, insert, of_tenant,
    rows::{self, EventRow},
};
use crate::sql::{batch::padded, fault, outbox};

/// The cursor of what is applied.
pub(super) const APPLIED: &str = "applied";

fn events() -> SelectStatement {
    Query::select()
        .column(Alias::new("position"))
        .columns(rows::EVENT_COLUMNS.map(Alias::new))
        .from(Alias::new(EVENT))
        .to_owned()
}

/// An arrival takes the place of an older one; what was announced stays.
fn newer() -> OnConflict {
    let received_at = |table: &str| Expr::col((Alias::new(table), Alias::new("received_at")));
    OnConflict::columns(["tenant", "source", "kind"].map(Alias::new))
        .update_columns(["received_at", "lag_micros"].map(Alias::new))
        .action_and_where(received_at("excluded").gt(received_at(ARRIVAL)))
        .to_owned()
}

async fn append(write: &DatabaseTransaction, admission: &Admission) -> Result<(), DbErr> {
    let tenant = &admission.tenant;
    let events = admission.events.iter().map(rows::event).collect::<Result<_, _>>()?;
    insert(write, EVENT, rows::EVENT_COLUMNS, events, None).await?;
    let letters = admission.dead.iter().map(|it| rows::letter(tenant, it)).collect();
    insert(write, LETTER, rows::LETTER_COLUMNS, letters, None).await?;
    let tallies =
        admission.tallies.iter().map(|it| rows::tally(tenant, it)).collect::<Result<_, _>>()?;
    let add = adding(TALLY, &["tenant", "source", "kind", "status", "code"], "n");
    insert(write, TALLY, rows::TALLY_COLUMNS, tallies, Some(add)).await?;
    let arrivals = admission.arrivals.iter().map(|it| rows::arrival(tenant, it)).collect();
    insert(write, ARRIVAL, rows::ARRIVAL_COLUMNS, arrivals, Some(newer())).await?;
    outbox::insert(write, &admission.facts).await
}

#[async_trait]
impl EventLog for SqlContext {
    async fn seen(&self, tenant: &TenantId, keys: &[EventKey]) -> Result<Vec<Seen>, Fault> {
        let fault = fault("looking for events admitted before");
        let asked: BTreeSet<&EventKey> = keys.iter().collect();
        let sources: BTreeSet<&str> = keys.iter().map(|it| it.source.as_str()).collect();
        let sources = padded(sources);
        let ids: BTreeSet<&str> = keys.iter().map(|it| it.ce_id.as_str()).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut out = Vec::new();
        for chunk in ids.chunks(CHUNK_MAX) {
            // Every source with every id: a batch has few sources, and a statement costs more.
            let query = Query::select()
                .columns(["source", "ce_id", "id", "content"].map(Alias::new))
                .from(Alias::new(EVENT))
                .and_where(of_tenant(tenant))
                .and_where(col("source").is_in(sources.iter().copied()))
                .and_where(col("ce_id").is_in(padded(chunk.iter().copied())))
                .to_owned();
            for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
                let source: String = row.try_get("", "source").map_err(&fault)?;
                let source = SystemId::new(&source);
                let key = EventKey { source, ce_id: row.try_get("", "ce_id").map_err(&fault)? };
                if !asked.contains(&key) {
                    continue;
                }
                let content: Vec<u8> = row.try_get("", "content").map_err(&fault)?;
                let event = EventId::from_uuid(row.try_get("", "id").map_err(&fault)?);
                out.push(Seen { key, event, content: rows::digest(&content)? });
            }
        }
        Ok(out)
    }

    async fn admit(&self, admission: &Admission) -> Result<(), AppendError> {
        let write = self.database.begin("context.event_log.admit").await?;
        append(&write, admission).await.map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => AppendError::Raced,
            _ => fault("admitting events")(error).into(),
        })?;
        Ok(write.commit().await?)
    }

    async fn events(&self, tenant: &TenantId, ids: &[EventId]) -> Result<Vec<Event>, Fault> {
        let fault = fault("reading events");
        let mut out = Vec::new();
        for chunk in ids.chunks(CHUNK_MAX) {
            let query = events()
                .and_where(of_tenant(tenant))
                .and_where(col("id").is_in(padded(chunk.iter().map(|it| it.uuid()))))
                .to_owned();
            for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
                out.push(EventRow::from_query_result(&row, "").map_err(&fault)?.try_into()?);
            }
        }
        Ok(out)
    }

    async fn pending(&self, limit: Limit) -> Result<Pending, Fault> {
        let fault = fault("reading events to apply");
        let cursor = Query::select()
            .column(Alias::new("position"))
            .from(Alias::new(CURSOR))
            .and_where(col("name").eq(APPLIED))
            .to_owned();
        let cursor = Expr::SubQuery(None, Box::new(cursor.into()));
        let after = Expr::from(Func::coalesce([cursor, Expr::val(0_i64)]));
        let query = events()
            .expr_as(after.clone(), Alias::new("after"))
            .and_where(col("position").gt(after))
            .order_by(Alias::new("position"), Order::Asc)
            .limit(limit.get().into())
            .to_owned();
        let position = |it: i64| u64::try_from(it).map_err(|it| rows::broken().because(it));
        let mut out = Pending::default();
        for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
            out.after = position(row.try_get("", "after").map_err(&fault)?)?;
            let row = EventRow::from_query_result(&row, "").map_err(&fault)?;
            out.events.push((position(row.position)?, row.try_into()?));
        }
        Ok(out)
    }
}
