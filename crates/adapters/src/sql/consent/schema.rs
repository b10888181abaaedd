//! The tables of `consent`.

use sea_orm::sea_query::{
    Alias, ColumnDef, Index, IndexCreateStatement, Table, TableCreateStatement,
};

use super::{EVENT, HEAD, POLICY};
use crate::sql::migration::Step;

/// The tables of `consent`, and the policy head the send gate reads beside them.
pub(crate) fn schema() -> Step {
    Step {
        name: "0003_consent",
        tables: vec![event(), head(), policy()],
        indexes: vec![event_id(), history()],
        ..Step::default()
    }
}

fn column(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name))
}

fn event() -> TableCreateStatement {
    Table::create()
        .table(Alias::new(EVENT))
        .col(column("tenant").text().not_null())
        .col(column("node").uuid().not_null())
        .col(column("seq").big_integer().not_null())
        .col(column("id").uuid().not_null())
        .col(column("recorded_at").big_integer().not_null())
        .col(column("said").text().not_null())
        .col(column("widened").text())
        .col(column("prev").binary_len(32))
        .col(column("digest").binary_len(32).not_null())
        .primary_key(
            Index::create()
                .col(Alias::new("tenant"))
                .col(Alias::new("node"))
                .col(Alias::new("seq")),
        )
        .to_owned()
}

fn event_id() -> IndexCreateStatement {
    Index::create()
        .name("consent_event_id")
        .table(Alias::new(EVENT))
        .col(Alias::new("tenant"))
        .col(Alias::new("id"))
        .unique()
        .to_owned()
}

fn history() -> IndexCreateStatement {
    Index::create()
        .name("consent_event_history")
        .table(Alias::new(EVENT))
        .col(Alias::new("tenant"))
        .col(Alias::new("node"))
        .col(Alias::new("recorded_at"))
        .col(Alias::new("id"))
        .to_owned()
}

fn head() -> TableCreateStatement {
    Table::create()
        .table(Alias::new(HEAD))
        .col(column("tenant").text().not_null())
        .col(column("node").uuid().not_null())
        .col(column("epoch").big_integer().not_null())
        .primary_key(Index::create().col(Alias::new("tenant")).col(Alias::new("node")))
        .to_owned()
}

/// Raised by rollout in the transaction of a pointer move; here, because consent asks for it.
fn policy() -> TableCreateStatement {
    Table::create()
        .table(Alias::new(POLICY))
        .if_not_exists()
        .col(column("tenant").text().not_null().primary_key())
        .col(column("epoch").big_integer().not_null())
        .to_owned()
}
