//! What arrived when, per source and type.

use async_trait::async_trait;
use context::{
    freshness::{Arrivals, Board},
    ports::{AnnounceError, Announcement, FreshnessBoard},
};
use kernel::{Fault, TenantId};
use sea_orm::{
    ConnectionTrait, FromQueryResult,
    sea_query::{Alias, ExprTrait, Order, Query},
};

use super::{
    ARRIVAL, SqlContext, col, of_tenant,
    rows::{self, ArrivalRow},
};
use crate::sql::{fault, outbox};

#[async_trait]
impl FreshnessBoard for SqlContext {
    async fn board(&self, tenant: &TenantId) -> Result<Board, Fault> {
        let fault = fault("reading arrivals");
        let query = Query::select()
            .columns(rows::ARRIVAL_COLUMNS.map(Alias::new))
            .from(Alias::new(ARRIVAL))
            .and_where(of_tenant(tenant))
            .to_owned();
        let mut out: Vec<Arrivals> = Vec::new();
        for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
            out.push(ArrivalRow::from_query_result(&row, "").map_err(&fault)?.try_into()?);
        }
        Ok(Board::new(out))
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, Fault> {
        let fault = fault("reading who has arrivals");
        let query = Query::select()
            .distinct()
            .column(Alias::new("tenant"))
            .from(Alias::new(ARRIVAL))
            .order_by(Alias::new("tenant"), Order::Asc)
            .to_owned();
        let mut out = Vec::new();
        for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
            let tenant: String = row.try_get("", "tenant").map_err(&fault)?;
            out.push(TenantId::new(&tenant).map_err(|it| rows::broken().because(it))?);
        }
        Ok(out)
    }

    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError> {
        let fault = fault("announcing freshness");
        let write = self.database.begin("context.freshness_board.announce").await?;
        let update = Query::update()
            .table(Alias::new(ARRIVAL))
            .value(Alias::new("announced"), announcement.to.as_str())
            .and_where(of_tenant(&announcement.tenant))
            .and_where(col("source").eq(announcement.source.as_str()))
            .and_where(col("kind").eq(announcement.kind.as_str()))
            .and_where(col("announced").eq(announcement.from.as_str()))
            .to_owned();
        if write.execute(&update).await.map_err(&fault)?.rows_affected() != 1 {
            return Err(AnnounceError::Moved);
        }
        outbox::insert(&write, &announcement.facts).await.map_err(&fault)?;
        Ok(write.commit().await?)
    }
}
