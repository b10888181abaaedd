//! The outbox: facts written in the transition's own transaction, and the feed over them.

use std::{collections::BTreeSet, fmt, sync::Arc};

use async_trait::async_trait;
use kernel::{
    Fact, FactFeed, FactId, Fault, Instant, Limit, NodeId, Positioned, SubjectId, TenantId,
};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, FromQueryResult, Value,
    sea_query::{Alias, ColumnDef, Expr, ExprTrait, Func, OnConflict, Query, Table},
};

use super::{
    Database,
    batch::{ROWS_MAX, slices},
    fault,
    migration::Step,
};

const TABLE: &str = "outbox";
const COLUMNS: [&str; 9] =
    ["fact", "tenant", "name", "at", "subject", "nodes", "cause", "trace", "body"];

/// Of two places of a cursor, the one further on.
const FURTHER: &str = "case when excluded.through > outbox_cursor.through \
     then excluded.through else outbox_cursor.through end";

/// Writes facts in the transition that made them true; a fact without a trace joins the current one.
pub async fn insert(transaction: &DatabaseTransaction, facts: &[Fact]) -> Result<(), DbErr> {
    let trace = crate::telemetry::trace_parent();
    for chunk in slices(facts, ROWS_MAX) {
        let mut insert = Query::insert();
        insert.into_table(Alias::new(TABLE)).columns(COLUMNS.map(Alias::new));
        for fact in chunk {
            insert.values_panic(row(fact, trace.as_deref())?.map(Expr::value));
        }
        transaction.execute(&insert).await?;
    }
    Ok(())
}

fn row(fact: &Fact, trace: Option<&str>) -> Result<[Value; 9], DbErr> {
    let json = |it: Result<String, serde_json::Error>| it.map_err(|e| DbErr::Custom(e.to_string()));
    Ok([
        fact.id.uuid().into(),
        fact.tenant.as_str().into(),
        fact.name.as_str().into(),
        fact.at.micros().into(),
        fact.subject.map(SubjectId::uuid).into(),
        json(serde_json::to_string(&fact.nodes))?.into(),
        fact.cause.map(FactId::uuid).into(),
        fact.trace.as_deref().or(trace).into(),
        json(serde_json::to_string(&fact.body))?.into(),
    ])
}

/// The feed over the outbox; positions are commit order, because transitions take turns.
pub struct SqlFactFeed {
    database: Arc<Database>,
}

impl fmt::Debug for SqlFactFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlFactFeed")
    }
}

impl SqlFactFeed {
    /// The feed of this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

/// How far a consumer has come; zero before its first step.
fn through(consumer: &str) -> Expr {
    let cursor = Query::select()
        .column(Alias::new("through"))
        .from(Alias::new("outbox_cursor"))
        .and_where(Expr::col(Alias::new("consumer")).eq(consumer))
        .to_owned();
    let cursor = Expr::SubQuery(None, Box::new(cursor.into()));
    Func::coalesce([cursor, Expr::val(0_i64)]).into()
}

#[async_trait]
impl FactFeed for SqlFactFeed {
    async fn take(&self, consumer: &str, limit: Limit) -> Result<Vec<Positioned>, Fault> {
        let query = Query::select()
            .column(Alias::new("position"))
            .columns(COLUMNS.map(Alias::new))
            .from(Alias::new(TABLE))
            .and_where(Expr::col(Alias::new("position")).gt(through(consumer)))
            .order_by(Alias::new("position"), sea_orm::Order::Asc)
            .limit(u64::from(limit.get()))
            .to_owned();
        let rows =
            self.database.reader().query_all(&query).await.map_err(fault("reading the feed"))?;
        rows.iter()
            .map(|it| {
                let row =
                    rows::Row::from_query_result(it, "").map_err(fault("reading the feed"))?;
                Positioned::try_from(row)
            })
            .collect()
    }

    async fn done(&self, consumer: &str, through: u64) -> Result<(), Fault> {
        let what = "moving a cursor";
        let through = i64::try_from(through).map_err(|it| Fault::escalate(what).because(it))?;
        let query = Query::insert()
            .into_table(Alias::new("outbox_cursor"))
            .columns(["consumer", "through"].map(Alias::new))
            .values_panic([consumer.into(), through.into()])
            .on_conflict(
                OnConflict::column(Alias::new("consumer"))
                    .value(Alias::new("through"), Expr::cust(FURTHER))
                    .to_owned(),
            )
            .to_owned();
        // A statement is a transition of its own; this one writes no facts and takes no turn.
        self.database.writer().execute(&query).await.map_err(fault(what))?;
        Ok(())
    }

    async fn lag(&self, consumers: &[&str]) -> Result<u64, Fault> {
        let what = "measuring the lag";
        if consumers.is_empty() {
            return Ok(0);
        }
        // One that has not begun has no cursor.
        let consumers: BTreeSet<&str> = consumers.iter().copied().collect();
        let n = consumers.len();
        let least = Query::select()
            .expr(Expr::cust(format!("case when count(*) < {n} then 0 else min(through) end")))
            .from(Alias::new("outbox_cursor"))
            .and_where(Expr::col(Alias::new("consumer")).is_in(consumers))
            .to_owned();
        let query = Query::select()
            .expr_as(Expr::cust("count(*)"), Alias::new("n"))
            .from(Alias::new(TABLE))
            .and_where(
                Expr::col(Alias::new("position")).gt(Expr::SubQuery(None, Box::new(least.into()))),
            )
            .to_owned();
        let row = self.database.reader().query_one(&query).await.map_err(fault(what))?;
        let n: i64 = row.map_or(Ok(0), |it| it.try_get("", "n")).map_err(fault(what))?;
        Ok(u64::try_from(n).unwrap_or(0))
    }
}

mod rows {
    //! One row of the outbox.

    use super::{
        Fact, FactId, Fault, FromQueryResult, Instant, NodeId, Positioned, SubjectId, TenantId,
    };

    #[derive(Debug, FromQueryResult)]
    pub(super) struct Row {
        position: i64,
        fact: uuid::Uuid,
        tenant: String,
        name: String,
        at: i64,
        subject: Option<uuid::Uuid>,
        nodes: String,
        cause: Option<uuid::Uuid>,
        trace: Option<String>,
        body: String,
    }

    impl TryFrom<Row> for Positioned {
        type Error = Fault;

        fn try_from(row: Row) -> Result<Self, Fault> {
            let broken = || Fault::escalate("decoding a fact");
            let nodes: Vec<NodeId> =
                serde_json::from_str(&row.nodes).map_err(|it| broken().because(it))?;
            Ok(Self {
                position: u64::try_from(row.position).map_err(|it| broken().because(it))?,
                fact: Fact {
                    id: FactId::from_uuid(row.fact),
                    tenant: TenantId::new(&row.tenant).map_err(|it| broken().because(it))?,
                    name: row.name,
                    at: Instant::from_micros(row.at),
                    subject: row.subject.map(SubjectId::from_uuid),
                    nodes,
                    cause: row.cause.map(FactId::from_uuid),
                    trace: row.trace,
                    body: serde_json::from_str(&row.body).map_err(|it| broken().because(it))?,
                },
            })
        }
    }
}

/// The tables of the outbox.
pub(crate) fn schema() -> Step {
    let column = |name: &str| ColumnDef::new(Alias::new(name));
    let outbox = Table::create()
        .table(Alias::new(TABLE))
        .col(column("position").big_integer().not_null().auto_increment().primary_key())
        .col(column("fact").uuid().not_null())
        .col(column("tenant").text().not_null())
        .col(column("name").text().not_null())
        .col(column("at").big_integer().not_null())
        .col(column("subject").uuid())
        .col(column("nodes").text().not_null())
        .col(column("cause").uuid())
        .col(column("trace").text())
        .col(column("body").text().not_null())
        .to_owned();
    let cursor = Table::create()
        .table(Alias::new("outbox_cursor"))
        .col(column("consumer").text().not_null().primary_key())
        .col(column("through").big_integer().not_null())
        .to_owned();
    Step { name: "0001_outbox", tables: vec![outbox, cursor], ..Step::default() }
}
