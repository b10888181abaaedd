//! The ports of `measurement` on SQL.

use sea_orm::sea_query::{
    Alias, ColumnDef, Index, IndexCreateStatement, Table, TableCreateStatement,
};

use super::migration::Step;

mod exposure;
mod signal;

pub use exposure::SqlExposureStore;
pub use signal::SqlSignalStore;

/// Rows per statement: SQLite binds at most 32,766 values.
const ROWS_MAX: usize = 1_000;

/// The tables of `measurement`.
pub(crate) fn schema() -> Step {
    Step {
        name: "0008_measurement",
        tables: vec![assignment(), exposure(), outcome(), sighting(), signal()],
        indexes: vec![
            index("measurement_assignment", &["tenant", "node", "unit"]),
            index("measurement_exposure", &["tenant", "decision"]),
            index("measurement_outcome", &["tenant", "person", "event", "at"]),
        ],
        ..Step::default()
    }
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

fn index(table: &str, columns: &[&str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("{table}_{}", columns.join("_"))).table(Alias::new(table));
    for name in columns {
        index.col(Alias::new(*name));
    }
    index
}

fn text(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).text().to_owned()
}

fn number(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).big_integer().to_owned()
}

fn id(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).uuid().to_owned()
}

fn key(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).binary_len(32).to_owned()
}

/// Draws.
fn assignment() -> TableCreateStatement {
    let columns = vec![
        text("tenant"),
        id("fact"),
        id("decision"),
        text("node"),
        key("unit"),
        key("person"),
        text("arm"),
        number("propensity_ppm"),
        number("at"),
    ];
    table("measurement_assignment", &["tenant", "fact"], columns)
}

/// Contacts made, or not made on purpose.
fn exposure() -> TableCreateStatement {
    let columns = vec![text("tenant"), id("fact"), id("decision"), number("at")];
    table("measurement_exposure", &["tenant", "fact"], columns)
}

/// Events that plans count.
fn outcome() -> TableCreateStatement {
    let columns = vec![text("tenant"), id("fact"), key("person"), text("event"), number("at")];
    table("measurement_outcome", &["tenant", "fact"], columns)
}

/// Facts that were counted.
fn sighting() -> TableCreateStatement {
    table("measurement_sighting", &["tenant", "fact"], vec![text("tenant"), id("fact")])
}

/// Counters.
fn signal() -> TableCreateStatement {
    let columns = vec![
        text("tenant"),
        text("day"),
        text("kind"),
        text("node"),
        text("state"),
        text("reason"),
        number("n"),
    ];
    table("measurement_signal", &["tenant", "day", "kind", "node", "state", "reason"], columns)
}
