//! Who is who now, read from the rows that an append keeps in step with its assertions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use async_trait::async_trait;
use identity::{
    NamespaceId,
    node::{Node, NodeKey},
    ports::{Counts, Directory, Person, Placed},
};
use kernel::{Fault, NodeId, TenantId};
use sea_orm::{
    ConnectionTrait, Statement,
    sea_query::{Alias, Expr, ExprTrait, Query},
};

use super::{
    ASSERTION, CHUNK_MAX, MEMBERSHIP, NODE, PERSON, all, among, at, eq, of_tenant, people, placed,
    rows::{NODE_COLUMNS, NodeRow, counted},
    select, subject,
};
use crate::sql::{Database, fault};

/// Who is who now.
pub struct SqlDirectory {
    database: Arc<Database>,
}

impl fmt::Debug for SqlDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlDirectory")
    }
}

impl SqlDirectory {
    /// The directory in this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

/// Adds the person at home on each of these nodes, at most [`CHUNK_MAX`] of them.
async fn at_home(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    nodes: &[NodeId],
    found: &mut BTreeMap<NodeId, Person>,
) -> Result<(), Fault> {
    if nodes.is_empty() {
        return Ok(());
    }
    let homes = Query::select()
        .column(Alias::new("subject"))
        .from(Alias::new(MEMBERSHIP))
        .and_where(of_tenant(tenant))
        .and_where(among("node", nodes.iter().map(|it| it.uuid())))
        .and_where(eq("home", true))
        .to_owned();
    let asked: BTreeSet<_> = nodes.iter().copied().collect();
    for person in people(connection, tenant, subject().in_subquery(homes)).await? {
        let homes = person.members.iter().filter(|it| it.home).map(|it| it.node);
        let homes: Vec<_> = homes.filter(|it| asked.contains(it)).collect();
        found.extend(homes.into_iter().map(|it| (it, person.clone())));
    }
    Ok(())
}

#[async_trait]
impl Directory for SqlDirectory {
    async fn nodes(&self, tenant: &TenantId, keys: &[NodeKey]) -> Result<Vec<Node>, Fault> {
        let mut nodes = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK_MAX) {
            let keys = chunk.iter().map(|it| it.key.as_bytes().to_vec());
            let query = select(NODE, NODE_COLUMNS)
                .and_where(of_tenant(tenant))
                .and_where(among("key", keys))
                .to_owned();
            let rows = all(self.database.reader(), &query).await;
            let found = placed(rows.map_err(fault("finding nodes"))?)?;
            nodes.extend(found.into_iter().map(|it| it.node));
        }
        let asked: BTreeSet<_> = keys.iter().collect();
        nodes.retain(|it| asked.contains(&it.key));
        nodes.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(nodes)
    }

    async fn persons(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> Result<Vec<(NodeId, Person)>, Fault> {
        let fault = fault("finding persons");
        let mut found: BTreeMap<NodeId, Person> = BTreeMap::new();
        if nodes.len() <= CHUNK_MAX {
            at_home(self.database.reader(), tenant, nodes, &mut found).await?;
        } else {
            let snapshot = self.database.snapshot().await.map_err(&fault)?;
            for chunk in nodes.chunks(CHUNK_MAX) {
                at_home(&snapshot, tenant, chunk, &mut found).await?;
            }
            snapshot.commit().await.map_err(&fault)?;
        }
        Ok(found.into_iter().collect())
    }

    async fn key(&self, tenant: &TenantId, node: NodeId) -> Result<Option<NodeKey>, Fault> {
        let query = select(NODE, NODE_COLUMNS)
            .and_where(of_tenant(tenant))
            .and_where(eq("id", node.uuid()))
            .to_owned();
        let rows: Vec<NodeRow> =
            all(self.database.reader(), &query).await.map_err(fault("finding a node"))?;
        let mut found = placed(rows)?.into_iter().map(|Placed { node, .. }| node.key);
        Ok(found.next())
    }

    async fn namespaces(&self, tenant: &TenantId) -> Result<Vec<(NamespaceId, u64)>, Fault> {
        let fault = fault("counting namespaces");
        let query = Query::select()
            .column(Alias::new("namespace"))
            .expr_as(Expr::cust("count(*)"), Alias::new("n"))
            .from(Alias::new(NODE))
            .and_where(of_tenant(tenant))
            .group_by_col(Alias::new("namespace"))
            .order_by(Alias::new("namespace"), sea_orm::Order::Asc)
            .to_owned();
        let rows = self.database.reader().query_all(&query).await.map_err(&fault)?;
        let one = |it| -> Result<(NamespaceId, u64), Fault> {
            let name: String = at(it, "namespace").map_err(&fault)?;
            Ok((NamespaceId::new(&name), counted(at(it, "n").map_err(&fault)?)?))
        };
        rows.iter().map(one).collect()
    }

    async fn counts(&self, tenant: &TenantId) -> Result<Counts, Fault> {
        let fault = fault("counting people");
        let connection = self.database.reader();
        let sql = format!(
            "select (select count(*) from {NODE} where tenant = $1) as nodes, \
             (select count(*) from {ASSERTION} where tenant = $1) as assertions, \
             (select count(*) from {PERSON} where tenant = $1 and anchors > 0) as persons, \
             (select count(*) from {PERSON} where tenant = $1 and anchors = 0 and members > 0) \
             as anonymous"
        );
        let backend = connection.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, [tenant.as_str().into()]);
        let row = connection.query_one_raw(statement).await.map_err(&fault)?;
        let Some(row) = row else { return Ok(Counts::default()) };
        let count = |name: &str| counted(at(&row, name).map_err(&fault)?);
        Ok(Counts {
            nodes: count("nodes")?,
            assertions: count("assertions")?,
            persons: count("persons")?,
            anonymous: count("anonymous")?,
        })
    }
}
