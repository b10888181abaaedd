//! The fields of people, kept per node: every contribution, never merged.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use context::{
    ObjectRef,
    ports::{Application, ApplyError, ContextStore},
    view::{Contribution, VIEW_VALUES_MAX, View, ViewVersion},
};
use kernel::{Fault, NodeId, TenantId};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, FromQueryResult,
    sea_query::{Alias, Cond, Expr, ExprTrait, JoinType, OnConflict, Order, Query},
};
use uuid::Uuid;

use super::{
    CHUNK_MAX, CURSOR, LETTER, NODE, SqlContext, VALUE, adding, col,
    events::APPLIED,
    insert, of_tenant,
    rows::{self, ValueRow},
};
use crate::sql::{batch::padded, fault, outbox};

fn node(name: &str) -> Expr {
    Expr::col((Alias::new(NODE), Alias::new(name)))
}

fn value(name: &str) -> Expr {
    Expr::col((Alias::new(VALUE), Alias::new(name)))
}

/// Moves the cursor from where it was expected; `false` where another worker moved it first.
async fn advance(write: &DatabaseTransaction, application: &Application) -> Result<bool, DbErr> {
    let position = |it: u64| i64::try_from(it).map_err(|it| DbErr::Custom(it.to_string()));
    let (after, through) = (position(application.after)?, position(application.through)?);
    let held = OnConflict::column(Alias::new("name")).do_nothing().to_owned();
    let first = vec![[APPLIED.into(), 0_i64.into()]];
    insert(write, CURSOR, ["name", "position"], first, Some(held)).await?;
    let update = Query::update()
        .table(Alias::new(CURSOR))
        .value(Alias::new("position"), through)
        .and_where(col("name").eq(APPLIED))
        .and_where(col("position").eq(after))
        .to_owned();
    Ok(write.execute(&update).await?.rows_affected() == 1)
}

async fn keep(write: &DatabaseTransaction, application: &Application) -> Result<(), DbErr> {
    for (tenant, values) in &application.values {
        let kept = values.iter().map(|it| rows::value(tenant, it)).collect::<Result<_, _>>()?;
        // A contribution is the same whenever it comes.
        let held = OnConflict::new().do_nothing().to_owned();
        insert(write, VALUE, rows::VALUE_COLUMNS, kept, Some(held)).await?;
        let events: BTreeSet<_> = values.iter().map(|it| (it.node, it.event)).collect();
        let mut n_events: BTreeMap<NodeId, i64> = BTreeMap::new();
        for (node, _) in events {
            *n_events.entry(node).or_default() += 1;
        }
        let heads = n_events
            .into_iter()
            .map(|(node, n)| [tenant.as_str().into(), node.uuid().into(), n.into()])
            .collect();
        let add = adding(NODE, &["tenant", "node"], "version");
        insert(write, NODE, ["tenant", "node", "version"], heads, Some(add)).await?;
    }
    let letters = application.dead.iter().map(|(tenant, it)| rows::letter(tenant, it)).collect();
    insert(write, LETTER, rows::LETTER_COLUMNS, letters, None).await?;
    outbox::insert(write, &application.facts).await
}

#[async_trait]
impl ContextStore for SqlContext {
    async fn view(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        objects: &[ObjectRef],
    ) -> Result<View, Fault> {
        let fault = fault("reading a person's fields");
        let own = value("object_kind").eq("").and(value("object_id").eq(""));
        let asked = objects.iter().fold(Cond::any().add(own), |any, it| {
            let kind = value("object_kind").eq(it.kind.as_str());
            any.add(kind.and(value("object_id").eq(it.id.as_str())))
        });
        let on = Cond::all()
            .add(value("tenant").equals((NODE, "tenant")))
            .add(value("node").equals((NODE, "node")))
            .add(asked);
        // One statement: the version and the values it counts belong together.
        let query = Query::select()
            .expr_as(node("node"), Alias::new("head"))
            .expr(node("version"))
            .columns(rows::VALUE_COLUMNS.map(|it| (Alias::new(VALUE), Alias::new(it))))
            .from(Alias::new(NODE))
            .join(JoinType::LeftJoin, Alias::new(VALUE), on)
            .and_where(node("tenant").eq(tenant.as_str()))
            .and_where(node("node").is_in(padded(nodes.iter().map(|it| it.uuid()))))
            .order_by((Alias::new(VALUE), Alias::new("time")), Order::Desc)
            .limit(u64::try_from(VIEW_VALUES_MAX + nodes.len() + 1).unwrap_or(u64::MAX))
            .to_owned();
        let mut versions: BTreeMap<Uuid, u64> = BTreeMap::new();
        let mut values = Vec::new();
        for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
            let version: i64 = row.try_get("", "version").map_err(&fault)?;
            let version = u64::try_from(version).map_err(|it| rows::broken().because(it))?;
            versions.insert(row.try_get("", "head").map_err(&fault)?, version);
            let field: Option<String> = row.try_get("", "field").map_err(&fault)?;
            if field.is_some() {
                let row = ValueRow::from_query_result(&row, "").map_err(&fault)?;
                values.push(Contribution::try_from(row)?);
            }
        }
        if values.len() > VIEW_VALUES_MAX {
            // Past the limit a node may have no row among the newest.
            let all = self.versions(tenant, nodes).await?;
            versions = all.into_iter().map(|(node, version)| (node.uuid(), version)).collect();
        }
        Ok(View::fold(ViewVersion(versions.values().sum()), values))
    }

    async fn versions(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> Result<BTreeMap<NodeId, u64>, Fault> {
        let fault = fault("reading versions of fields");
        let mut out = BTreeMap::new();
        for chunk in nodes.chunks(CHUNK_MAX) {
            let query = Query::select()
                .columns(["node", "version"].map(Alias::new))
                .from(Alias::new(NODE))
                .and_where(of_tenant(tenant))
                .and_where(col("node").is_in(padded(chunk.iter().map(|it| it.uuid()))))
                .to_owned();
            for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
                let version: i64 = row.try_get("", "version").map_err(&fault)?;
                let version = u64::try_from(version).map_err(|it| rows::broken().because(it))?;
                let node = NodeId::from_uuid(row.try_get("", "node").map_err(&fault)?);
                out.insert(node, version);
            }
        }
        Ok(out)
    }

    async fn apply(&self, application: &Application) -> Result<(), ApplyError> {
        let fault = fault("applying events");
        let write = self.database.begin("context.context_store.apply").await?;
        if !advance(&write, application).await.map_err(&fault)? {
            return Err(ApplyError::Moved);
        }
        keep(&write, application).await.map_err(&fault)?;
        Ok(write.commit().await?)
    }
}
