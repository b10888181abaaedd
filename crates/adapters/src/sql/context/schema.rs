//! The tables of `context`.

use sea_orm::sea_query::{
    Alias, ColumnDef, Index, IndexCreateStatement, Table, TableCreateStatement,
};

use super::{ARRIVAL, CURSOR, EVENT, LETTER, NODE, TALLY, VALUE};
use crate::sql::migration::Step;

pub(super) fn step() -> Step {
    Step {
        name: "0004_context",
        tables: vec![event(), cursor(), value(), node(), letter(), tally(), arrival()],
        indexes: vec![event_key(), event_id()],
        ..Step::default()
    }
}

fn column(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name))
}

fn text(name: &str) -> ColumnDef {
    column(name).text().not_null().to_owned()
}

fn integer(name: &str) -> ColumnDef {
    column(name).big_integer().not_null().to_owned()
}

fn key(columns: &[&str]) -> IndexCreateStatement {
    columns.iter().fold(Index::create(), |mut index, it| index.col(Alias::new(*it)).to_owned())
}

/// The position is the order of commits, because transitions take turns.
fn event() -> TableCreateStatement {
    Table::create()
        .table(Alias::new(EVENT))
        .col(integer("position").auto_increment().primary_key())
        .col(text("tenant"))
        .col(column("id").uuid().not_null())
        .col(text("source"))
        .col(text("ce_id"))
        .col(text("kind"))
        .col(column("schema").binary_len(32).not_null())
        .col(text("identifiers"))
        .col(column("object_kind").text())
        .col(column("object_id").text())
        .col(integer("time"))
        .col(integer("received_at"))
        .col(column("expires_at").big_integer())
        .col(column("late").boolean().not_null())
        .col(text("collected_under"))
        .col(column("trace").text())
        .col(column("content").binary_len(32).not_null())
        .col(text("data"))
        .to_owned()
}

fn event_key() -> IndexCreateStatement {
    key(&["tenant", "source", "ce_id"])
        .name("context_event_key")
        .table(Alias::new(EVENT))
        .unique()
        .to_owned()
}

fn event_id() -> IndexCreateStatement {
    key(&["tenant", "id"]).name("context_event_id").table(Alias::new(EVENT)).unique().to_owned()
}

fn cursor() -> TableCreateStatement {
    Table::create()
        .table(Alias::new(CURSOR))
        .col(column("name").text().not_null().primary_key())
        .col(integer("position"))
        .to_owned()
}

/// A person's own fields have empty object columns, so that they fit the key.
fn value() -> TableCreateStatement {
    Table::create()
        .table(Alias::new(VALUE))
        .col(text("tenant"))
        .col(column("node").uuid().not_null())
        .col(text("object_kind"))
        .col(text("object_id"))
        .col(text("field"))
        .col(integer("time"))
        .col(text("source"))
        .col(text("ce_id"))
        .col(text("kind"))
        .col(integer("received_at"))
        .col(column("event").uuid().not_null())
        .col(text("collected_under"))
        .col(text("value"))
        .primary_key(&mut key(&[
            "tenant",
            "node",
            "object_kind",
            "object_id",
            "field",
            "time",
            "source",
            "ce_id",
        ]))
        .to_owned()
}

fn node() -> TableCreateStatement {
    Table::create()
        .table(Alias::new(NODE))
        .col(text("tenant"))
        .col(column("node").uuid().not_null())
        .col(integer("version"))
        .primary_key(&mut key(&["tenant", "node"]))
        .to_owned()
}

fn letter() -> TableCreateStatement {
    Table::create()
        .table(Alias::new(LETTER))
        .col(text("tenant"))
        .col(column("id").uuid().not_null())
        .col(column("source").text())
        .col(column("kind").text())
        .col(column("ce_id").text())
        .col(text("code"))
        .col(text("pointer"))
        .col(integer("received_at"))
        .col(column("raw").text())
        .primary_key(&mut key(&["tenant", "id"]))
        .to_owned()
}

fn tally() -> TableCreateStatement {
    Table::create()
        .table(Alias::new(TALLY))
        .col(text("tenant"))
        .col(text("source"))
        .col(text("kind"))
        .col(text("status"))
        .col(text("code"))
        .col(integer("n"))
        .primary_key(&mut key(&["tenant", "source", "kind", "status", "code"]))
        .to_owned()
}

fn arrival() -> TableCreateStatement {
    Table::create()
        .table(Alias::new(ARRIVAL))
        .col(text("tenant"))
        .col(text("source"))
        .col(text("kind"))
        .col(integer("received_at"))
        .col(integer("lag_micros"))
        .col(text("announced"))
        .primary_key(&mut key(&["tenant", "source", "kind"]))
        .to_owned()
}
