//! The table of `decision`.

use sea_orm_migration::prelude::*;

use super::OCCURRENCE;
use crate::sql::migration::Step;

fn column(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name))
}

/// The tables of `decision`.
pub(crate) fn schema() -> Step {
    let occurrence = Table::create()
        .table(Alias::new(OCCURRENCE))
        .col(column("tenant").text().not_null())
        .col(column("key").binary_len(32).not_null())
        .col(column("subject").uuid().not_null())
        .col(column("origin").uuid().not_null())
        .col(column("node").text().not_null())
        .col(column("object_kind").text())
        .col(column("object_id").text())
        .col(column("label").text().not_null())
        .col(column("step").text().not_null())
        .col(column("anchor").text())
        .col(column("due_at").big_integer().not_null())
        .col(column("state").text().not_null())
        .col(column("armed_under").binary_len(32).not_null())
        .col(column("attempts").integer().not_null())
        .col(column("fence").big_integer().not_null())
        .col(column("lease_until").big_integer().not_null())
        .col(column("decision").uuid())
        .col(column("changed_at").big_integer().not_null())
        // When it wants attention: due while armed, the end of the lease while claimed.
        .col(column("wakes_at").big_integer())
        .col(column("trace").text())
        .primary_key(Index::create().col(Alias::new("tenant")).col(Alias::new("key")))
        .to_owned();
    let index = |name: &str, columns: &[&str]| {
        let mut index = Index::create().name(name).table(Alias::new(OCCURRENCE)).to_owned();
        for column in columns {
            index.col(Alias::new(*column));
        }
        index
    };
    Step {
        name: "0005_decision",
        tables: vec![occurrence],
        indexes: vec![
            index("occurrence_wakes", &["wakes_at"]),
            index("occurrence_subject", &["tenant", "subject", "state"]),
            index("occurrence_origin", &["tenant", "origin"]),
        ],
        ..Step::default()
    }
}
