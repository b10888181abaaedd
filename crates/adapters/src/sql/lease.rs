//! Leases of background work, by the clock of the database.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{Fault, LeaseBook, Taken};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DbBackend, Statement, Value,
    sea_query::{Alias, ColumnDef, Table},
};
use uuid::Uuid;

use super::{Database, fault, migration::Step};

const TABLE: &str = "lease";

/// [`LeaseBook`] on SQL.
///
/// Each call is one statement, which happens whole: it takes no turn among the transitions, so that
/// a lease is kept while they are many.
pub struct SqlLeases {
    database: Arc<Database>,
}

impl fmt::Debug for SqlLeases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlLeases")
    }
}

impl SqlLeases {
    /// The leases of this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    /// Any connection will do where the database orders writers of one row by itself.
    fn connection(&self) -> &DatabaseConnection {
        if self.database.is_shared() { self.database.reader() } else { &self.database.writer }
    }

    /// A statement that may say `{now}`: the microseconds since 1970 by the database's clock.
    fn statement(&self, sql: &str, values: Vec<Value>) -> Statement {
        let backend = self.connection().get_database_backend();
        let now = match backend {
            DbBackend::Postgres => "cast(extract(epoch from clock_timestamp()) * 1e6 as bigint)",
            _ => "cast(unixepoch('subsec') * 1e6 as bigint)",
        };
        Statement::from_sql_and_values(backend, sql.replace("{now}", now), values)
    }
}

#[async_trait]
impl LeaseBook for SqlLeases {
    async fn take(&self, name: &str, holder: Uuid, lasts: TimeDelta) -> Result<Taken, Fault> {
        let fault = fault("taking a lease");
        let lasts = lasts.num_microseconds().unwrap_or(i64::MAX / 4);
        let take = self.statement(
            "insert into lease (name, holder, until) values ($1, $2, {now} + $3) \
             on conflict (name) do update set holder = excluded.holder, until = excluded.until \
             where lease.holder = excluded.holder or lease.until <= {now} returning name",
            vec![name.into(), holder.into(), lasts.into()],
        );
        if self.connection().query_one_raw(take).await.map_err(&fault)?.is_some() {
            return Ok(Taken::Mine);
        }
        let sql = "select until - {now} as remains from lease where name = $1";
        let remains = self.statement(sql, vec![name.into()]);
        let row = self.connection().query_one_raw(remains).await.map_err(&fault)?;
        let remains: i64 = row.map_or(Ok(0), |it| it.try_get("", "remains")).map_err(&fault)?;
        Ok(Taken::Others(TimeDelta::microseconds(remains.max(0))))
    }

    async fn give_back(&self, name: &str, holder: Uuid) -> Result<(), Fault> {
        let sql = "delete from lease where name = $1 and holder = $2";
        let give_back = self.statement(sql, vec![name.into(), holder.into()]);
        let given = self.connection().execute_raw(give_back).await;
        given.map(drop).map_err(fault("giving a lease back"))
    }
}

/// The table of leases.
pub(crate) fn schema() -> Step {
    let column = |name: &str| ColumnDef::new(Alias::new(name));
    let table = Table::create()
        .table(Alias::new(TABLE))
        .col(column("name").text().not_null().primary_key())
        .col(column("holder").uuid().not_null())
        .col(column("until").big_integer().not_null())
        .to_owned();
    Step { name: "0011_lease", tables: vec![table], ..Step::default() }
}
