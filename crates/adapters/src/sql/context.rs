//! The ports of `context` on SQL: the log of events, fields per node, dead letters, arrivals.
//!
//! They share transactions, so one struct answers all four. Everything a request led to is one
//! transition of a handful of multi-row statements, however many events it holds.

use std::{fmt, sync::Arc};

use kernel::TenantId;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, Value,
    sea_query::{Alias, Expr, ExprTrait, OnConflict, Query, SimpleExpr},
};

use super::{Database, migration::Step};

mod board;
mod events;
mod fields;
mod letters;
mod rows;
mod schema;

const EVENT: &str = "context_event";
const CURSOR: &str = "context_cursor";
const VALUE: &str = "context_value";
const NODE: &str = "context_node";
const LETTER: &str = "context_dead_letter";
const TALLY: &str = "context_tally";
const ARRIVAL: &str = "context_arrival";
/// Rows or keys per statement: SQLite binds at most 32,766 values.
const CHUNK_MAX: usize = 500;

/// The tables of `context`.
pub(crate) fn schema() -> Step {
    schema::step()
}

/// Events, fields, dead letters and arrivals in one database.
#[derive(Clone)]
pub struct SqlContext {
    database: Arc<Database>,
}

impl fmt::Debug for SqlContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlContext")
    }
}

impl SqlContext {
    /// The stores in this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

fn col(name: &str) -> Expr {
    Expr::col(Alias::new(name))
}

fn of_tenant(tenant: &TenantId) -> SimpleExpr {
    col("tenant").eq(tenant.as_str())
}

/// Writes rows in as few statements as they need; `conflict` says what happens to a key held.
async fn insert<const N: usize>(
    write: &DatabaseTransaction,
    table: &str,
    columns: [&str; N],
    rows: Vec<[Value; N]>,
    conflict: Option<OnConflict>,
) -> Result<(), DbErr> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut insert = Query::insert();
        insert.into_table(Alias::new(table)).columns(columns.map(Alias::new));
        for row in rows.by_ref().take(CHUNK_MAX) {
            insert.values_panic(row.map(|it| Expr::value(kept(it))));
        }
        if let Some(it) = &conflict {
            insert.on_conflict(it.clone());
        }
        write.execute(&insert).await?;
    }
    Ok(())
}

/// A value as every database keeps it: what is received may name anything, and Postgres has no
/// character for nothing.
fn kept(value: Value) -> Value {
    match value {
        Value::String(Some(text)) if text.contains('\0') => text.replace('\0', "\u{fffd}").into(),
        other => other,
    }
}

/// On a conflict over these columns, adds the new number to the one held.
fn adding(table: &'static str, keys: &'static [&'static str], n: &'static str) -> OnConflict {
    OnConflict::columns(keys.iter().map(|it| Alias::new(*it)))
        .value(
            Alias::new(n),
            Expr::col((Alias::new(table), Alias::new(n)))
                .add(Expr::col((Alias::new("excluded"), Alias::new(n)))),
        )
        .to_owned()
}
