//! The golden signals: counters, each fact counted once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use async_trait::async_trait;
use kernel::{FactId, Fault, TenantId};
use measurement::{
    SignalStore, Signals,
    signal::{Count, Sighting, Signal},
};
use sea_orm::{
    ConnectionTrait, DbErr, FromQueryResult,
    sea_query::{Alias, Expr, ExprTrait as _, OnConflict, Query},
};

use super::ROWS_MAX;
use crate::sql::{Database, Write, fault};

const LABELS: [&str; 6] = ["tenant", "day", "kind", "node", "state", "reason"];
const COLUMNS: [&str; 7] = ["tenant", "day", "kind", "node", "state", "reason", "n"];

/// The golden signals on SQL.
pub struct SqlSignalStore {
    database: Arc<Database>,
}

impl fmt::Debug for SqlSignalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlSignalStore")
    }
}

impl SqlSignalStore {
    /// The golden signals in this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

#[async_trait]
impl SignalStore for SqlSignalStore {
    async fn add(&self, tenant: &TenantId, sightings: &[Sighting]) -> Result<(), Fault> {
        let fault = fault("counting signals");
        if sightings.is_empty() {
            return Ok(());
        }
        let write = self.database.begin("measurement.signal_store.add").await?;
        let mut counts = BTreeMap::<&Signal, i64>::new();
        for chunk in sightings.chunks(ROWS_MAX) {
            let mut fresh = unseen(&write, tenant, chunk).await.map_err(&fault)?;
            for it in chunk.iter().filter(|it| fresh.remove(&it.fact)) {
                let at = counts.entry(&it.signal).or_default();
                *at = at.saturating_add(i64::try_from(it.n).unwrap_or(i64::MAX));
            }
        }
        raise(&write, tenant, &counts).await.map_err(&fault)?;
        write.commit().await
    }

    async fn read(&self, tenant: &TenantId) -> Result<Signals, Fault> {
        let what = "reading signals";
        let query = Query::select()
            .columns(COLUMNS.map(Alias::new))
            .from(Alias::new("measurement_signal"))
            .and_where(Expr::col(Alias::new("tenant")).eq(tenant.as_str()))
            .to_owned();
        let found = self.database.reader().query_all(&query).await.map_err(fault(what))?;
        let mut counts: Vec<Count> = found
            .iter()
            .map(|it| rows::Row::from_query_result(it, "").map_err(fault(what))?.try_into())
            .collect::<Result<_, _>>()?;
        counts.sort_unstable_by(|a, b| a.signal.cmp(&b.signal));
        Ok(Signals { counts })
    }
}

/// Marks facts as counted; answers with those that were not.
async fn unseen(
    write: &Write,
    tenant: &TenantId,
    sightings: &[Sighting],
) -> Result<BTreeSet<FactId>, DbErr> {
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new("measurement_sighting"))
        .columns(["tenant", "fact"].map(Alias::new))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .returning_col(Alias::new("fact"));
    for it in sightings {
        insert.values_panic([Expr::value(tenant.as_str()), Expr::value(it.fact.uuid())]);
    }
    let rows = write.query_all(&insert).await?;
    rows.iter().map(|it| it.try_get("", "fact").map(FactId::from_uuid)).collect()
}

async fn raise(
    write: &Write,
    tenant: &TenantId,
    counts: &BTreeMap<&Signal, i64>,
) -> Result<(), DbErr> {
    if counts.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new("measurement_signal"))
        .columns(COLUMNS.map(Alias::new))
        .on_conflict(
            OnConflict::columns(LABELS.map(Alias::new))
                .value(Alias::new("n"), Expr::cust("measurement_signal.n + excluded.n"))
                .to_owned(),
        );
    for (signal, n) in counts {
        insert.values_panic([
            Expr::value(tenant.as_str()),
            Expr::value(signal.day.to_string()),
            Expr::value(signal.kind.as_str()),
            Expr::value(signal.node.as_str()),
            Expr::value(signal.state.as_str()),
            Expr::value(signal.reason.as_str()),
            Expr::value(*n),
        ]);
    }
    write.execute(&insert).await?;
    Ok(())
}

mod rows {
    //! One counter.

    use measurement::signal::SignalKind;

    use super::{Count, Fault, FromQueryResult, Signal};

    #[derive(Debug, FromQueryResult)]
    pub(super) struct Row {
        day: String,
        kind: String,
        node: String,
        state: String,
        reason: String,
        n: i64,
    }

    impl TryFrom<Row> for Count {
        type Error = Fault;

        fn try_from(row: Row) -> Result<Self, Fault> {
            let broken = || Fault::escalate("decoding a signal");
            let kind = SignalKind::ALL.into_iter().find(|it| it.as_str() == row.kind);
            Ok(Self {
                signal: Signal {
                    day: row.day.parse().map_err(|it: chrono::ParseError| broken().because(it))?,
                    kind: kind.ok_or_else(broken)?,
                    node: row.node,
                    state: row.state,
                    reason: row.reason,
                },
                n: u64::try_from(row.n).map_err(|it| broken().because(it))?,
            })
        }
    }
}
