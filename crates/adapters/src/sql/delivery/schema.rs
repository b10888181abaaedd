//! The tables of `delivery`.

use sea_orm_migration::prelude::*;

use super::{ATTEMPT, ATTEMPT_OPEN, CONTACT, DELIVERY, INBOX};
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

fn digest(name: &str) -> ColumnDef {
    column(name).binary_len(32).not_null().to_owned()
}

fn table(name: &str, columns: Vec<ColumnDef>, key: &[&str]) -> TableCreateStatement {
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

fn delivery() -> TableCreateStatement {
    let columns = vec![
        text("tenant"),
        uuid("id"),
        uuid("subject"),
        text("nodes"),
        text("node"),
        uuid("decision"),
        text("action"),
        text("treatment"),
        digest("occurrence"),
        text("purpose"),
        number("purpose_version"),
        text("class"),
        number("lane"),
        number("priority"),
        text("channel"),
        text("template"),
        digest("template_digest"),
        digest("release_digest"),
        number("release_sequence"),
        text("caps"),
        text("sending_window"),
        text("on_hold"),
        number("not_before"),
        number("not_after"),
        number("planned_at"),
        text("state"),
        text("reasons"),
        column("state_until").big_integer().to_owned(),
        column("due_at").big_integer().to_owned(),
        number("attempts"),
        number("version"),
        uuid("cause"),
        column("trace").text().to_owned(),
    ];
    table(DELIVERY, columns, &["tenant", "id"])
}

fn attempt() -> TableCreateStatement {
    let columns = vec![
        text("tenant"),
        uuid("delivery"),
        number("n"),
        number("identity_epoch"),
        number("person_epoch"),
        number("policy_epoch"),
        digest("verdict"),
        digest("rendered"),
        text("windows"),
        number("committed_at"),
        number("deadline_at"),
        column("ended_at").big_integer().to_owned(),
        column("outcome").text().to_owned(),
        column("code").text().to_owned(),
        column("reference").text().to_owned(),
    ];
    table(ATTEMPT, columns, &["tenant", "delivery", "n"])
}

fn inbox() -> TableCreateStatement {
    let columns = vec![
        text("tenant"),
        uuid("delivery"),
        uuid("decision"),
        uuid("subject"),
        text("channel"),
        text("recipient"),
        column("title").text().to_owned(),
        text("body"),
        column("html").text().to_owned(),
        text("headers"),
        text("why"),
        digest("digest"),
        number("at"),
    ];
    table(INBOX, columns, &["tenant", "delivery"])
}

/// The tables of `delivery`, and the indexes its questions need.
pub(crate) fn schema() -> Step {
    let open =
        vec![text("tenant"), uuid("node"), uuid("delivery"), number("n"), number("deadline_at")];
    let contact = vec![
        text("tenant"),
        text("id"),
        uuid("node"),
        number("at"),
        text("state"),
        text("channel"),
        text("class"),
        column("journey").text().to_owned(),
    ];
    let mut once = index(DELIVERY, "delivery_once", &["tenant", "decision", "treatment"]);
    Step {
        name: "0007_delivery",
        tables: vec![
            delivery(),
            attempt(),
            table(ATTEMPT_OPEN, open, &["tenant", "node", "delivery", "n"]),
            table(CONTACT, contact, &["tenant", "id"]),
            inbox(),
        ],
        indexes: vec![
            once.unique().to_owned(),
            index(DELIVERY, "delivery_due", &["due_at"]),
            index(DELIVERY, "delivery_occurrence", &["tenant", "occurrence"]),
            index(DELIVERY, "delivery_subject", &["tenant", "subject", "id"]),
            index(DELIVERY, "delivery_state", &["tenant", "state", "id"]),
            index(ATTEMPT_OPEN, "attempt_open_deadline", &["deadline_at"]),
            index(CONTACT, "contact_entry_node", &["tenant", "node", "at"]),
            index(INBOX, "inbox_subject", &["tenant", "subject", "delivery"]),
        ],
        ..Step::default()
    }
}
