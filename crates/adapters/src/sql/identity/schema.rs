//! The tables of `identity`.

use sea_orm_migration::prelude::*;

use super::{ASSERTION, MEMBERSHIP, NODE, PERSON, TIP};
use crate::sql::migration::Step;

fn column(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name))
}

fn text(name: &str) -> ColumnDef {
    column(name).text().not_null().to_owned()
}

fn number(name: &str) -> ColumnDef {
    column(name).big_integer().not_null().to_owned()
}

fn uuid(name: &str) -> ColumnDef {
    column(name).uuid().not_null().to_owned()
}

fn bytes(name: &str, length: u32) -> ColumnDef {
    column(name).binary_len(length).not_null().to_owned()
}

fn flag(name: &str) -> ColumnDef {
    column(name).boolean().not_null().to_owned()
}

fn table(
    name: &str,
    columns: impl IntoIterator<Item = ColumnDef>,
    key: &[&str],
) -> TableCreateStatement {
    let mut table = Table::create().table(Alias::new(name)).to_owned();
    for mut column in columns {
        table.col(&mut column);
    }
    let mut primary = Index::create();
    for name in key {
        primary.col(Alias::new(*name));
    }
    table.primary_key(&mut primary).to_owned()
}

fn index(table: &str, name: &str, columns: &[&str]) -> IndexCreateStatement {
    let mut index = Index::create().table(Alias::new(table)).name(name).to_owned();
    for column in columns {
        index.col(Alias::new(*column));
    }
    index
}

fn node() -> TableCreateStatement {
    let columns = [
        text("tenant"),
        uuid("id"),
        text("namespace"),
        bytes("key", 16),
        number("first_seq"),
        uuid("component"),
        column("sealed").binary().to_owned(),
    ];
    table(NODE, columns, &["tenant", "id"])
}

fn assertion() -> TableCreateStatement {
    let columns = [
        text("tenant"),
        number("seq"),
        uuid("id"),
        text("kind"),
        uuid("a"),
        column("b").uuid().to_owned(),
        column("target").uuid().to_owned(),
        text("strength"),
        text("source"),
        column("event").uuid().to_owned(),
        column("actor").text().to_owned(),
        column("note").text().to_owned(),
        bytes("rules", 32),
        number("at"),
        number("recorded_at"),
        bytes("claim", 32),
        bytes("content", 32),
        flag("live"),
    ];
    table(ASSERTION, columns, &["tenant", "seq"])
}

fn membership() -> TableCreateStatement {
    let columns = [
        text("tenant"),
        uuid("subject"),
        uuid("node"),
        text("namespace"),
        text("link"),
        flag("home"),
        flag("verified"),
        flag("names"),
        number("from_at"),
        number("until_at"),
    ];
    table(MEMBERSHIP, columns, &["tenant", "subject", "node"])
}

/// The tables of `identity`.
pub(crate) fn schema() -> Step {
    let person =
        [text("tenant"), uuid("subject"), number("epoch"), number("anchors"), number("members")];
    Step {
        name: "0002_identity",
        tables: vec![
            table(TIP, [text("tenant"), number("seq")], &["tenant"]),
            node(),
            assertion(),
            table(PERSON, person, &["tenant", "subject"]),
            membership(),
        ],
        indexes: vec![
            index(NODE, "identity_node_key", &["tenant", "key"]).unique().to_owned(),
            index(NODE, "identity_node_component", &["tenant", "component"]),
            index(ASSERTION, "identity_assertion_a", &["tenant", "a"]),
            index(ASSERTION, "identity_assertion_claim", &["tenant", "claim"]),
            index(ASSERTION, "identity_assertion_content", &["tenant", "content"])
                .unique()
                .to_owned(),
            index(MEMBERSHIP, "identity_membership_node", &["tenant", "node"]),
        ],
        ..Step::default()
    }
}
