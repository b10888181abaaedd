//! The ports of `delivery` on SQL.

mod contacts;
mod gate;
mod inbox;
mod rows;
mod schema;
mod store;

pub use contacts::SqlContactLedger;
pub(super) use contacts::{keep as keep_contacts, read as read_contacts};
pub use gate::SqlSendGate;
pub use inbox::SqlInbox;
pub(crate) use schema::schema;
pub use store::SqlDeliveryStore;

use kernel::Fault;
use sea_orm::{
    ConnectionTrait, DbErr, FromQueryResult, Value,
    sea_query::{Alias, Expr, ExprTrait, Query, SimpleExpr},
};

use super::batch::padded;

/// The tables this file's neighbours write.
const DELIVERY: &str = "delivery";
const ATTEMPT: &str = "attempt";
const ATTEMPT_OPEN: &str = "attempt_open";
const CONTACT: &str = "contact_entry";
const INBOX: &str = "inbox";

fn col(name: &str) -> Expr {
    Expr::col(Alias::new(name))
}

/// `name = value`.
fn eq(name: &str, value: impl Into<Value>) -> SimpleExpr {
    col(name).eq(Expr::value(value))
}

/// `name in (values)`.
fn among<V: Into<Value>>(name: &str, values: impl IntoIterator<Item = V>) -> SimpleExpr {
    col(name).is_in(padded(values.into_iter().map(|it| Expr::value(it))))
}

/// A select of these columns.
fn select<const N: usize>(table: &str, columns: [&str; N]) -> sea_orm::sea_query::SelectStatement {
    Query::select().columns(columns.map(Alias::new)).from(Alias::new(table)).to_owned()
}

/// Every row of a query, decoded.
async fn all<R: FromQueryResult>(
    connection: &impl ConnectionTrait,
    query: &sea_orm::sea_query::SelectStatement,
) -> Result<Vec<R>, DbErr> {
    let rows = connection.query_all(query).await?;
    rows.iter().map(|it| R::from_query_result(it, "")).collect()
}

/// A row that cannot be what this code wrote.
fn broken(what: &'static str) -> Fault {
    Fault::escalate(what)
}
