//! What was kept aside, and the counts of everything received.

use async_trait::async_trait;
use context::ports::{DeadLetterGroup, DeadLetters, Tally};
use kernel::{Fault, Limit, TenantId};
use sea_orm::{
    ConnectionTrait, FromQueryResult,
    sea_query::{Alias, Expr, ExprTrait, Order, Query},
};

use super::{
    LETTER, SqlContext, TALLY, col, of_tenant,
    rows::{self, GroupRow, TallyRow},
};
use crate::sql::fault;

#[async_trait]
impl DeadLetters for SqlContext {
    async fn groups(&self, tenant: &TenantId, limit: Limit) -> Result<Vec<DeadLetterGroup>, Fault> {
        let fault = fault("reading dead letters");
        let key = ["kind", "code", "pointer"];
        let query = Query::select()
            .columns(key.map(Alias::new))
            .expr_as(Expr::col(Alias::new("id")).count(), Alias::new("n"))
            .expr_as(col("received_at").min(), Alias::new("first_at"))
            .expr_as(col("received_at").max(), Alias::new("last_at"))
            .from(Alias::new(LETTER))
            .and_where(of_tenant(tenant))
            .group_by_columns(key.map(Alias::new))
            .order_by(Alias::new("n"), Order::Desc)
            .order_by_columns(key.map(|it| (Alias::new(it), Order::Asc)))
            .limit(limit.get().into())
            .to_owned();
        let mut out = Vec::new();
        for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
            out.push(GroupRow::from_query_result(&row, "").map_err(&fault)?.try_into()?);
        }
        Ok(out)
    }

    async fn tallies(&self, tenant: &TenantId) -> Result<Vec<Tally>, Fault> {
        let fault = fault("reading counts of events");
        let query = Query::select()
            .columns(rows::TALLY_COLUMNS.map(Alias::new))
            .from(Alias::new(TALLY))
            .and_where(of_tenant(tenant))
            .to_owned();
        let mut out: Vec<Tally> = Vec::new();
        for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
            out.push(TallyRow::from_query_result(&row, "").map_err(&fault)?.try_into()?);
        }
        out.sort();
        Ok(out)
    }
}
