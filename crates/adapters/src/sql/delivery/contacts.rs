//! Contacts on SQL.

use std::sync::Arc;

use async_trait::async_trait;
use delivery::{contact::Entry, ports::ContactLedger};
use kernel::{Fact, Fault, Instant, NodeId, TenantId};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, Order,
    sea_query::{Alias, Expr, ExprTrait, OnConflict, Query},
};

use super::{
    CONTACT, all, among, col, eq,
    gate::reserve,
    rows::{CONTACT_COLUMNS, ContactRow, contact_row},
    select,
};
use crate::sql::{Database, fault, outbox};

/// [`ContactLedger`] on SQL.
#[derive(Debug, Clone)]
pub struct SqlContactLedger {
    database: Arc<Database>,
}

impl SqlContactLedger {
    /// The contacts of this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

/// The rows of these nodes since an instant, oldest first.
pub(super) async fn since(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    nodes: impl IntoIterator<Item = NodeId>,
    since: Instant,
) -> Result<Vec<ContactRow>, DbErr> {
    let query = select(CONTACT, CONTACT_COLUMNS)
        .and_where(eq("tenant", tenant.as_str()))
        .and_where(among("node", nodes.into_iter().map(NodeId::uuid)))
        .and_where(col("at").gte(since.micros()))
        .order_by(Alias::new("at"), Order::Asc)
        .order_by(Alias::new("id"), Order::Asc)
        .to_owned();
    all(connection, &query).await
}

/// The contacts of these nodes since an instant, oldest first, as the send gate reads them.
pub(in crate::sql) async fn read(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    nodes: impl IntoIterator<Item = NodeId>,
    at: Instant,
) -> Result<Vec<Entry>, Fault> {
    let rows = since(connection, tenant, nodes, at).await.map_err(fault("reading contacts"))?;
    rows.into_iter().map(Entry::try_from).collect()
}

/// Keeps contacts in somebody else's transaction, as the send gate keeps its own.
pub(in crate::sql) async fn keep(
    write: &DatabaseTransaction,
    tenant: &TenantId,
    entries: &[Entry],
) -> Result<(), DbErr> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = entries.iter().map(|it| contact_row(tenant, it)).collect();
    reserve(write, &rows).await
}

#[async_trait]
impl ContactLedger for SqlContactLedger {
    async fn history(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        at: Instant,
    ) -> Result<Vec<Entry>, Fault> {
        read(self.database.reader(), tenant, nodes.iter().copied(), at).await
    }

    async fn record(
        &self,
        tenant: &TenantId,
        contacts: Vec<(Entry, Fact)>,
    ) -> Result<usize, Fault> {
        let what = "recording contacts";
        let write = self.database.begin("delivery.contact_ledger.record").await?;
        let mut facts = Vec::new();
        for (entry, fact) in contacts {
            let insert = Query::insert()
                .into_table(Alias::new(CONTACT))
                .columns(CONTACT_COLUMNS.map(Alias::new))
                .values_panic(contact_row(tenant, &entry).map(Expr::value))
                .on_conflict(OnConflict::new().do_nothing().to_owned())
                .to_owned();
            if write.execute(&insert).await.map_err(fault(what))?.rows_affected() == 1 {
                facts.push(fact);
            }
        }
        outbox::insert(&write, &facts).await.map_err(fault(what))?;
        write.commit().await?;
        Ok(facts.len())
    }
}
