//! The ports of `audit` on SQL: logs and records in batches, keys apart.

use sea_orm::sea_query::{
    Alias, ColumnDef, Index, IndexCreateStatement, Table, TableCreateStatement,
};

use super::migration::Step;

pub mod companion;
mod journal;
mod keyring;
mod records;
mod words;

pub use journal::SqlJournal;
pub use keyring::SqlKeyring;
pub use records::SqlRecords;

/// The tables of `audit`.
pub(crate) fn schema() -> Step {
    Step {
        name: "0009_audit",
        tables: vec![log(), batch(), record(), key()],
        clustered: vec![idem(), token()],
        indexes: vec![key_owner()],
    }
}

fn column(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name))
}

fn table(name: &str, key: &[&str], columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(Alias::new(name));
    for mut column in columns {
        table.col(column.not_null());
    }
    let mut primary = Index::create();
    for name in key {
        primary.col(Alias::new(*name));
    }
    table.primary_key(&mut primary);
    table
}

/// Where each log stands.
fn log() -> TableCreateStatement {
    let columns = vec![
        column("tenant").text().to_owned(),
        column("origin").text().to_owned(),
        column("epoch").big_integer().to_owned(),
        column("size").big_integer().to_owned(),
        column("root").binary_len(32).to_owned(),
    ];
    table("audit_log", &["tenant"], columns)
}

/// The thin leaves, one row a batch; never changed.
fn batch() -> TableCreateStatement {
    let columns = vec![
        column("tenant").text().to_owned(),
        column("first").big_integer().to_owned(),
        column("leaves").blob().to_owned(),
    ];
    table("audit_batch", &["tenant", "first"], columns)
}

/// The sealed records, a few to a row.
fn record() -> TableCreateStatement {
    let columns = vec![
        column("tenant").text().to_owned(),
        column("first").big_integer().to_owned(),
        column("sealed").blob().to_owned(),
    ];
    table("audit_record", &["tenant", "first"], columns)
}

/// What repeats are found by.
fn idem() -> TableCreateStatement {
    let columns = vec![
        column("tenant").text().to_owned(),
        column("slot").binary_len(20).to_owned(),
        column("position").big_integer().to_owned(),
        column("fingerprint").binary_len(32).to_owned(),
    ];
    table("audit_idem", &["tenant", "slot"], columns)
}

/// What records are found by; positions in eight bytes, highest first, so that they sort.
fn token() -> TableCreateStatement {
    let columns = vec![
        column("tenant").text().to_owned(),
        column("token").binary_len(16).to_owned(),
        column("position").binary_len(8).to_owned(),
    ];
    table("audit_token", &["tenant", "token", "position"], columns)
}

/// Wrapped keys; the file they are kept in is not the records' one.
fn key() -> TableCreateStatement {
    let columns = vec![
        column("kid").binary_len(16).to_owned(),
        column("tenant").text().to_owned(),
        column("owner").binary_len(32).to_owned(),
        column("wrapped").blob().to_owned(),
    ];
    table("audit_key", &["kid"], columns)
}

fn key_owner() -> IndexCreateStatement {
    Index::create()
        .name("audit_key_owner")
        .table(Alias::new("audit_key"))
        .col(Alias::new("tenant"))
        .col(Alias::new("owner"))
        .unique()
        .to_owned()
}

/// A number as SQL keeps it.
fn signed(number: u64) -> Result<i64, sea_orm::DbErr> {
    i64::try_from(number).map_err(|it| sea_orm::DbErr::Custom(it.to_string()))
}

/// A number as SQL kept it.
fn unsigned(number: i64) -> Result<u64, sea_orm::DbErr> {
    u64::try_from(number).map_err(|it| sea_orm::DbErr::Custom(it.to_string()))
}

/// Bytes that have lost their form.
fn broken(what: &str) -> sea_orm::DbErr {
    sea_orm::DbErr::Custom(format!("malformed {what}"))
}
