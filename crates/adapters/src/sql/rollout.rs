//! The ports of `rollout` on SQL.

use sea_orm::sea_query::{Alias, ColumnDef, Index, Table, TableCreateStatement};

use super::migration::Step;

mod ledger;
mod store;

pub use ledger::SqlReleaseLedger;
pub use store::SqlArtifactStore;

/// Rows per statement.
const ROWS_MAX: usize = 500;

/// The tables of `rollout`; the policy head it raises is consent's, which reads it.
pub(crate) fn schema() -> Step {
    Step {
        name: "0006_rollout",
        tables: vec![artifact(), bundle(), entry(), pointer()],
        ..Step::default()
    }
}

fn table(name: &str, key: &[&str], columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(Alias::new(name));
    for column in columns {
        table.col(column);
    }
    let mut primary = Index::create();
    for name in key {
        primary.col(Alias::new(*name));
    }
    table.primary_key(&mut primary);
    table
}

fn text(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).text().not_null().to_owned()
}

fn number(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).big_integer().not_null().to_owned()
}

fn digest(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).binary_len(32).not_null().to_owned()
}

/// Bodies, each once whatever it is called.
fn artifact() -> TableCreateStatement {
    let columns = vec![text("tenant"), digest("digest"), text("kind"), text("body")];
    table("rollout_artifact", &["tenant", "digest"], columns)
}

/// Bundles that were submitted.
fn bundle() -> TableCreateStatement {
    let columns = vec![text("tenant"), digest("digest")];
    table("rollout_bundle", &["tenant", "digest"], columns)
}

/// What is in each bundle, by slot.
fn entry() -> TableCreateStatement {
    let columns =
        vec![text("tenant"), digest("bundle"), text("kind"), text("name"), digest("artifact")];
    table("rollout_entry", &["tenant", "bundle", "kind", "name"], columns)
}

/// Every move of every pointer.
fn pointer() -> TableCreateStatement {
    let optional = |name: &str| ColumnDef::new(Alias::new(name));
    let columns = vec![
        text("tenant"),
        text("deployment"),
        number("seq"),
        optional("prev").binary_len(32).to_owned(),
        digest("bundle"),
        optional("back").big_integer().to_owned(),
        text("moved"),
        text("moved_by"),
        text("reason"),
        number("moved_at"),
    ];
    table("rollout_pointer", &["tenant", "deployment", "seq"], columns)
}
