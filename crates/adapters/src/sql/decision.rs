//! The ports of `decision` on SQL: durable timers, and what is written with a decision's record.

mod companion;
mod rows;
mod schema;
mod timetable;

pub(super) use companion::{decoded, make};
pub(crate) use schema::schema;
pub use timetable::SqlTimetable;

use sea_orm::{
    ConnectionTrait, DbErr, FromQueryResult, Value,
    sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, SimpleExpr},
};

use super::batch::padded;

/// The table of timers.
const OCCURRENCE: &str = "occurrence";

/// `name = value`.
fn eq(name: &str, value: impl Into<Value>) -> SimpleExpr {
    Expr::col(Alias::new(name)).eq(Expr::value(value))
}

/// `name in (values)`.
fn among<V: Into<Value>>(name: &str, values: impl IntoIterator<Item = V>) -> SimpleExpr {
    Expr::col(Alias::new(name)).is_in(padded(values.into_iter().map(Expr::value)))
}

/// A select of these columns.
fn select<const N: usize>(table: &str, columns: [&str; N]) -> SelectStatement {
    Query::select().columns(columns.map(Alias::new)).from(Alias::new(table)).to_owned()
}

/// Every row of a query, decoded.
async fn all<R: FromQueryResult>(
    connection: &impl ConnectionTrait,
    query: &SelectStatement,
) -> Result<Vec<R>, DbErr> {
    let rows = connection.query_all(query).await?;
    rows.iter().map(|it| R::from_query_result(it, "")).collect()
}

/// A number as SQL keeps it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
