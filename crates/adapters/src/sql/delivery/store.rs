//! Deliveries on SQL.

use std::sync::Arc;

use async_trait::async_trait;
use delivery::{
    message::Delivery,
    ports::{AttemptRecord, Change, DeliveryStore, Filter, Planned, Trail},
};
use kernel::{Cursor, DeliveryId, Fact, Fault, Instant, Limit, Page, TenantId};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, Order,
    sea_query::{Alias, Expr, ExprTrait, OnConflict, Query},
};

use super::{
    ATTEMPT, DELIVERY, all, col, eq,
    rows::{
        ATTEMPT_COLUMNS, AttemptRow, DELIVERY_COLUMNS, DeliveryRow, STATE_COLUMNS, delivery_row,
        state_row,
    },
    select,
};
use crate::sql::{Database, fault, outbox};

/// [`DeliveryStore`] on SQL.
#[derive(Debug, Clone)]
pub struct SqlDeliveryStore {
    database: Arc<Database>,
}

impl SqlDeliveryStore {
    /// The deliveries of this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

/// Moves a delivery from the version named; says whether it stood there.
pub(super) async fn move_to(
    write: &DatabaseTransaction,
    tenant: &TenantId,
    change: &Change,
    attempts: Option<u8>,
) -> Result<bool, DbErr> {
    // A ready delivery is due at once: whatever made it ready came after its own beginning.
    let state = STATE_COLUMNS.map(Alias::new).into_iter();
    let values = state_row(&change.state, Instant::EPOCH).map(Expr::value);
    let mut update = Query::update();
    update
        .table(Alias::new(DELIVERY))
        .values(state.zip(values))
        .value(Alias::new("version"), i64::from(change.expected) + 1)
        .and_where(eq("tenant", tenant.as_str()))
        .and_where(eq("id", change.delivery.uuid()))
        .and_where(eq("version", i64::from(change.expected)));
    if let Some(n) = attempts {
        update.value(Alias::new("attempts"), i64::from(n));
    }
    Ok(write.execute(&update).await?.rows_affected() == 1)
}

#[async_trait]
impl DeliveryStore for SqlDeliveryStore {
    async fn plan(&self, planned: Vec<Planned>, notes: Vec<Fact>) -> Result<usize, Fault> {
        let what = "planning deliveries";
        let write = self.database.begin("delivery.delivery_store.plan").await?;
        let mut facts = Vec::new();
        let mut new = 0;
        for Planned { delivery, facts: own } in planned {
            let insert = Query::insert()
                .into_table(Alias::new(DELIVERY))
                .columns(DELIVERY_COLUMNS.map(Alias::new))
                .values_panic(delivery_row(&delivery).map(Expr::value))
                .on_conflict(OnConflict::new().do_nothing().to_owned())
                .to_owned();
            if write.execute(&insert).await.map_err(fault(what))?.rows_affected() == 1 {
                facts.extend(own);
                new += 1;
            }
        }
        facts.extend(notes);
        outbox::insert(&write, &facts).await.map_err(fault(what))?;
        write.commit().await?;
        Ok(new)
    }

    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Delivery>, Fault> {
        let query = select(DELIVERY, DELIVERY_COLUMNS)
            .and_where(col("due_at").lte(now.micros()))
            .order_by(Alias::new("lane"), Order::Asc)
            .order_by(Alias::new("due_at"), Order::Asc)
            .order_by(Alias::new("priority"), Order::Asc)
            .order_by(Alias::new("id"), Order::Asc)
            .limit(u64::try_from(limit).unwrap_or(u64::MAX))
            .to_owned();
        let rows: Vec<DeliveryRow> =
            all(self.database.reader(), &query).await.map_err(fault("reading what is due"))?;
        rows.into_iter().map(Delivery::try_from).collect()
    }

    async fn get(&self, tenant: &TenantId, id: DeliveryId) -> Result<Option<Trail>, Fault> {
        let what = "reading a delivery";
        let query = select(DELIVERY, DELIVERY_COLUMNS)
            .and_where(eq("tenant", tenant.as_str()))
            .and_where(eq("id", id.uuid()))
            .to_owned();
        let rows: Vec<DeliveryRow> =
            all(self.database.reader(), &query).await.map_err(fault(what))?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let query = select(ATTEMPT, ATTEMPT_COLUMNS)
            .and_where(eq("tenant", tenant.as_str()))
            .and_where(eq("delivery", id.uuid()))
            .order_by(Alias::new("n"), Order::Asc)
            .to_owned();
        let attempts: Vec<AttemptRow> =
            all(self.database.reader(), &query).await.map_err(fault(what))?;
        let attempts =
            attempts.into_iter().map(AttemptRecord::try_from).collect::<Result<_, _>>()?;
        Ok(Some(Trail { delivery: row.try_into()?, attempts }))
    }

    async fn append(&self, tenant: &TenantId, changes: Vec<Change>) -> Result<Vec<bool>, Fault> {
        let what = "moving deliveries";
        let write = self.database.begin("delivery.delivery_store.append").await?;
        let mut facts = Vec::new();
        let mut out = Vec::with_capacity(changes.len());
        for change in changes {
            let moved = move_to(&write, tenant, &change, None).await.map_err(fault(what))?;
            if moved {
                facts.extend(change.facts);
            }
            out.push(moved);
        }
        outbox::insert(&write, &facts).await.map_err(fault(what))?;
        write.commit().await?;
        Ok(out)
    }

    async fn page(
        &self,
        tenant: &TenantId,
        filter: &Filter,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Page<Delivery>, Fault> {
        let mut query = select(DELIVERY, DELIVERY_COLUMNS);
        query.and_where(eq("tenant", tenant.as_str()));
        if let Some(subject) = filter.subject {
            query.and_where(eq("subject", subject.uuid()));
        }
        if let Some(state) = &filter.state {
            query.and_where(eq("state", state.as_str()));
        }
        if let Some(after) = after_id(after)? {
            query.and_where(col("id").lt(after.uuid()));
        }
        query.order_by(Alias::new("id"), Order::Desc).limit(u64::from(limit.get()) + 1);
        let rows: Vec<DeliveryRow> =
            all(self.database.reader(), &query).await.map_err(fault("listing deliveries"))?;
        let items = rows.into_iter().map(Delivery::try_from).collect::<Result<_, _>>()?;
        Ok(page(items, limit, |it: &Delivery| it.id))
    }
}

/// The delivery a cursor names; a cursor nobody minted begins nowhere.
pub(super) fn after_id(after: Option<Cursor>) -> Result<Option<DeliveryId>, Fault> {
    after
        .map(|it| it.0.parse().map_err(|e| Fault::escalate("reading a cursor").because(e)))
        .transpose()
}

/// Cuts one item more than the limit to a page.
pub(super) fn page<T>(mut items: Vec<T>, limit: Limit, id: impl Fn(&T) -> DeliveryId) -> Page<T> {
    let more = items.len() > usize::from(limit.get());
    items.truncate(usize::from(limit.get()));
    let next = items.last().filter(|_| more).map(|it| Cursor(id(it).to_string()));
    Page { items, next }
}
