//! The ports of `consent` on SQL: the log of choices with its heads, and the policy head.
//!
//! A node's events and the head that counts them are read in one statement, so that a log is never
//! seen with a gap that is not there. A row that cannot be decoded is left out, which is a gap.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use consent::{
    ConsentEvent, NodeLog,
    ports::{AppendError, Ledger, PolicyHead, Transition},
};
use kernel::{Cursor, Epoch, Fault, Limit, NodeId, Page, TenantId};
use sea_orm::{
    ConnectionTrait, DbErr, FromQueryResult, Value,
    sea_query::{
        Alias, Cond, Expr, ExprTrait, JoinType, OnConflict, Order, Query, SelectStatement,
        SimpleExpr,
    },
};
use uuid::Uuid;

use super::{Database, Write, batch::padded, fault, outbox};

mod rows;
mod schema;

pub(crate) use schema::schema;

const EVENT: &str = "consent_event";
const HEAD: &str = "consent_head";
const POLICY: &str = "policy_head";
const COLUMNS: [&str; 9] =
    ["tenant", "node", "seq", "id", "recorded_at", "said", "widened", "prev", "digest"];
/// Rows or keys per statement: SQLite binds at most 32,766 values.
const CHUNK_MAX: usize = 500;

/// The log of choices.
pub struct SqlLedger {
    database: Arc<Database>,
}

impl fmt::Debug for SqlLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlLedger")
    }
}

fn column(table: &str, name: &str) -> Expr {
    Expr::col((Alias::new(table), Alias::new(name)))
}

fn of_tenant(table: &str, tenant: &TenantId) -> SimpleExpr {
    column(table, "tenant").eq(tenant.as_str())
}

fn at_nodes(table: &str, nodes: &[NodeId]) -> SimpleExpr {
    column(table, "node").is_in(padded(nodes.iter().map(|it| it.uuid())))
}

fn with_ids(ids: &[Uuid]) -> SimpleExpr {
    column(EVENT, "id").is_in(padded(ids.iter().copied()))
}

fn events() -> SelectStatement {
    Query::select()
        .columns(COLUMNS.map(|it| (Alias::new(EVENT), Alias::new(it))))
        .from(Alias::new(EVENT))
        .to_owned()
}

impl SqlLedger {
    /// The log in this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    /// Whether every expected node is where it is expected, and every id is free.
    async fn admits(
        write: &Write,
        tenant: &TenantId,
        transition: &Transition,
    ) -> Result<bool, DbErr> {
        for chunk in transition.expected.chunks(CHUNK_MAX) {
            let nodes: Vec<_> = chunk.iter().map(|it| it.0).collect();
            let query = Query::select()
                .columns(["node", "epoch"].map(Alias::new))
                .from(Alias::new(HEAD))
                .and_where(of_tenant(HEAD, tenant))
                .and_where(at_nodes(HEAD, &nodes))
                .to_owned();
            let mut epochs = BTreeMap::new();
            for row in write.query_all(&query).await? {
                let node: Uuid = row.try_get("", "node")?;
                let epoch: i64 = row.try_get("", "epoch")?;
                epochs.insert(NodeId::from_uuid(node), epoch);
            }
            let moved = |it: &(NodeId, Epoch)| {
                let kept = epochs.get(&it.0).copied().unwrap_or(0);
                u64::try_from(kept) != Ok(it.1.0)
            };
            if chunk.iter().any(moved) {
                return Ok(false);
            }
        }
        for chunk in transition.events.chunks(CHUNK_MAX) {
            let ids: Vec<_> = chunk.iter().map(|it| it.said.id).collect();
            let query = Query::select()
                .column(Alias::new("id"))
                .from(Alias::new(EVENT))
                .and_where(of_tenant(EVENT, tenant))
                .and_where(with_ids(&ids))
                .limit(1)
                .to_owned();
            if write.query_one(&query).await?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn insert(
        write: &Write,
        tenant: &TenantId,
        transition: &Transition,
    ) -> Result<(), DbErr> {
        for chunk in transition.events.chunks(CHUNK_MAX) {
            let mut insert = Query::insert();
            insert.into_table(Alias::new(EVENT)).columns(COLUMNS.map(Alias::new));
            for event in chunk {
                insert.values_panic(rows::values(event)?.map(Expr::value));
            }
            write.execute(&insert).await?;
        }
        let heads: BTreeMap<NodeId, i64> = transition
            .events
            .iter()
            .map(|it| (it.said.node, i64::try_from(it.seq).unwrap_or(i64::MAX)))
            .collect();
        let heads: Vec<_> = heads.into_iter().collect();
        for chunk in heads.chunks(CHUNK_MAX) {
            let mut upsert = Query::insert();
            upsert
                .into_table(Alias::new(HEAD))
                .columns(["tenant", "node", "epoch"].map(Alias::new))
                .on_conflict(
                    OnConflict::columns(["tenant", "node"].map(Alias::new))
                        .update_column(Alias::new("epoch"))
                        .to_owned(),
                );
            for (node, epoch) in chunk {
                let row: [Value; 3] = [tenant.as_str().into(), node.uuid().into(), (*epoch).into()];
                upsert.values_panic(row.map(Expr::value));
            }
            write.execute(&upsert).await?;
        }
        outbox::insert(write, &transition.facts).await
    }
}

#[async_trait]
impl Ledger for SqlLedger {
    async fn append(&self, tenant: &TenantId, transition: Transition) -> Result<(), AppendError> {
        let fault = fault("appending consent events");
        let write = self.database.begin("consent.ledger.append").await?;
        if !Self::admits(&write, tenant, &transition).await.map_err(&fault)? {
            return Err(AppendError::Conflict);
        }
        Self::insert(&write, tenant, &transition).await.map_err(&fault)?;
        Ok(write.commit().await?)
    }

    async fn logs(&self, tenant: &TenantId, nodes: &[NodeId]) -> Result<Vec<NodeLog>, Fault> {
        let fault = fault("reading the consent log");
        let mut logs: BTreeMap<NodeId, NodeLog> =
            nodes.iter().map(|it| (*it, NodeLog::empty(*it))).collect();
        let nodes: Vec<NodeId> = logs.keys().copied().collect();
        for chunk in nodes.chunks(CHUNK_MAX) {
            let query = Query::select()
                .expr_as(column(HEAD, "node"), Alias::new("head_node"))
                .column((Alias::new(HEAD), Alias::new("epoch")))
                .columns(COLUMNS.map(|it| (Alias::new(EVENT), Alias::new(it))))
                .from(Alias::new(HEAD))
                .join(
                    JoinType::LeftJoin,
                    Alias::new(EVENT),
                    Cond::all()
                        .add(column(EVENT, "tenant").equals((HEAD, "tenant")))
                        .add(column(EVENT, "node").equals((HEAD, "node"))),
                )
                .and_where(of_tenant(HEAD, tenant))
                .and_where(at_nodes(HEAD, chunk))
                .order_by((Alias::new(HEAD), Alias::new("node")), Order::Asc)
                .order_by((Alias::new(EVENT), Alias::new("seq")), Order::Asc)
                .to_owned();
            for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
                let node: Uuid = row.try_get("", "head_node").map_err(&fault)?;
                let epoch: i64 = row.try_get("", "epoch").map_err(&fault)?;
                let Some(log) = logs.get_mut(&NodeId::from_uuid(node)) else { continue };
                log.epoch = Epoch(u64::try_from(epoch).unwrap_or(u64::MAX));
                if let Ok(event) = rows::Row::from_query_result(&row, "")
                    && let Ok(event) = ConsentEvent::try_from(event)
                {
                    log.events.push(event);
                }
            }
        }
        Ok(logs.into_values().collect())
    }

    async fn find(&self, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<ConsentEvent>, Fault> {
        let fault = fault("finding consent events");
        let mut found = BTreeMap::new();
        for chunk in ids.chunks(CHUNK_MAX) {
            let query =
                events().and_where(of_tenant(EVENT, tenant)).and_where(with_ids(chunk)).to_owned();
            for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
                let row = rows::Row::from_query_result(&row, "").map_err(&fault)?;
                let event = ConsentEvent::try_from(row)?;
                found.insert(event.said.id, event);
            }
        }
        Ok(found.into_values().collect())
    }

    async fn page(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<ConsentEvent>, Fault> {
        let fault = fault("reading a history of choices");
        let mut query = events()
            .and_where(of_tenant(EVENT, tenant))
            .and_where(at_nodes(EVENT, nodes))
            .order_by((Alias::new(EVENT), Alias::new("recorded_at")), Order::Desc)
            .order_by((Alias::new(EVENT), Alias::new("id")), Order::Desc)
            .limit(u64::from(limit.get()) + 1)
            .to_owned();
        if let Some(cursor) = after {
            let (at, id) = rows::position(cursor)?;
            query.cond_where(
                Cond::any().add(column(EVENT, "recorded_at").lt(at)).add(
                    Cond::all()
                        .add(column(EVENT, "recorded_at").eq(at))
                        .add(column(EVENT, "id").lt(id)),
                ),
            );
        }
        let mut items = Vec::new();
        for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
            let row = rows::Row::from_query_result(&row, "").map_err(&fault)?;
            items.push(ConsentEvent::try_from(row)?);
        }
        let more = items.len() > usize::from(limit.get());
        items.truncate(usize::from(limit.get()));
        let next = items.last().filter(|_| more).map(rows::cursor);
        Ok(Page { items, next })
    }
}

/// The policy epoch of a tenant, which a pointer move raises.
pub struct SqlPolicyHead {
    database: Arc<Database>,
}

impl fmt::Debug for SqlPolicyHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlPolicyHead")
    }
}

impl SqlPolicyHead {
    /// The heads in this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

#[async_trait]
impl PolicyHead for SqlPolicyHead {
    async fn policy(&self, tenant: &TenantId) -> Result<Epoch, Fault> {
        let fault = fault("reading the policy head");
        let query = Query::select()
            .column(Alias::new("epoch"))
            .from(Alias::new(POLICY))
            .and_where(of_tenant(POLICY, tenant))
            .to_owned();
        let row = self.database.reader().query_one(&query).await.map_err(&fault)?;
        let epoch: i64 = row.map_or(Ok(0), |it| it.try_get("", "epoch")).map_err(&fault)?;
        Ok(Epoch(u64::try_from(epoch).unwrap_or(u64::MAX)))
    }
}
