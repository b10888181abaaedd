//! Statements as each database is told them, where they cannot be the same for both.

use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

/// One statement in the words of two databases.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worded {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

impl Worded {
    /// As the database at the other end is told it.
    pub(super) fn on(&self, connection: &impl ConnectionTrait) -> &'static str {
        match connection.get_database_backend() {
            DbBackend::Postgres => self.postgres,
            _ => self.sqlite,
        }
    }
}

/// A statement with its values, for the database at the other end.
pub(super) fn statement(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}
