//! One append: whether its plan still holds, and all of its rows.

use std::collections::BTreeSet;

use identity::ports::Transition;
use kernel::TenantId;
use sea_orm::{
    ConnectionTrait, DbErr, Value,
    sea_query::{Alias, Expr, ExprTrait, OnConflict, Query},
};
use uuid::Uuid;

use super::{
    ASSERTION, CHUNK_MAX, MEMBERSHIP, NODE, PERSON, TIP, among, at, col, eq, of_tenant, retracted,
    rows::{
        ASSERTION_COLUMNS, MEMBER_COLUMNS, NODE_COLUMNS, assertion_values, member_values,
        node_values, signed,
    },
    select,
};
use crate::sql::{Write, outbox};

/// Whether what the plan was made from has moved.
pub(super) async fn stale(
    write: &Write,
    tenant: &TenantId,
    transition: &Transition,
    tip: u64,
) -> Result<bool, DbErr> {
    if transition.expected == tip {
        return Ok(false);
    }
    if transition.expected > tip {
        return Ok(true);
    }
    let touched: BTreeSet<_> = transition.touched.iter().map(|it| it.uuid()).collect();
    let query = select(ASSERTION, ["a", "b"])
        .and_where(of_tenant(tenant))
        .and_where(col("seq").gt(signed(transition.expected)))
        .to_owned();
    for row in write.query_all(&query).await? {
        let (a, b): (Uuid, Option<Uuid>) = (at(&row, "a")?, at(&row, "b")?);
        if touched.contains(&a) || b.is_some_and(|it| touched.contains(&it)) {
            return Ok(true);
        }
    }
    let keys = transition.nodes.iter().map(|it| it.placed.node.key.key.as_bytes().to_vec());
    let contents = transition.assertions.iter().map(|it| it.content.as_bytes().to_vec());
    Ok(any(write, tenant, (NODE, "key"), keys.collect()).await?
        || any(write, tenant, (ASSERTION, "content"), contents.collect()).await?)
}

async fn any(
    write: &Write,
    tenant: &TenantId,
    (table, column): (&str, &str),
    values: Vec<Vec<u8>>,
) -> Result<bool, DbErr> {
    for chunk in values.chunks(CHUNK_MAX) {
        let query = select(table, [column])
            .and_where(of_tenant(tenant))
            .and_where(among(column, chunk.iter().cloned()))
            .limit(1)
            .to_owned();
        if write.query_one(&query).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes every row of a transition, counting on from this tip; answers the new one.
pub(super) async fn apply(
    write: &Write,
    tenant: &TenantId,
    transition: &Transition,
    sealed: Vec<Option<Vec<u8>>>,
    tip: u64,
) -> Result<u64, DbErr> {
    let shift = tip - transition.expected;
    for (former, new) in &transition.joined {
        let update = Query::update()
            .table(Alias::new(NODE))
            .value(Alias::new("component"), new.uuid())
            .and_where(of_tenant(tenant))
            .and_where(eq("component", former.uuid()))
            .to_owned();
        write.execute(&update).await?;
    }
    let nodes = transition.nodes.iter().zip(sealed);
    let nodes = nodes.map(|(it, sealed)| node_values(tenant, it, shift, sealed)).collect();
    insert(write, NODE, named(&["tenant"], &NODE_COLUMNS, &["sealed"]), nodes, None).await?;
    let assertions = transition.assertions.iter();
    let assertions = assertions.map(|it| assertion_values(tenant, it, shift)).collect();
    let columns = named(&["tenant"], &ASSERTION_COLUMNS, &["live"]);
    insert(write, ASSERTION, columns, assertions, None).await?;
    let retracted: Vec<_> = retracted(transition).collect();
    for (filed_at, id) in retracted {
        let update = Query::update()
            .table(Alias::new(ASSERTION))
            .value(Alias::new("live"), false)
            .and_where(of_tenant(tenant))
            .and_where(eq("a", filed_at.uuid()))
            .and_where(eq("id", id))
            .to_owned();
        write.execute(&update).await?;
    }
    people(write, tenant, transition).await?;
    outbox::insert(write, &transition.facts).await?;
    let seen = transition.nodes.iter().map(|it| it.placed.node.first_seq);
    let said = transition.assertions.iter().map(|it| it.seq);
    let tip = seen.chain(said).max().map_or(tip, |it| it + shift);
    let row = vec![[tenant.as_str().into(), signed(tip).into()]];
    let raised =
        OnConflict::column(Alias::new("tenant")).update_column(Alias::new("seq")).to_owned();
    insert(write, TIP, named(&["tenant"], &["seq"], &[]), row, Some(raised)).await?;
    Ok(tip)
}

async fn people(write: &Write, tenant: &TenantId, transition: &Transition) -> Result<(), DbErr> {
    let subjects: Vec<_> = transition.persons.iter().map(|it| it.subject.uuid()).collect();
    for chunk in subjects.chunks(CHUNK_MAX) {
        let delete = Query::delete()
            .from_table(Alias::new(MEMBERSHIP))
            .and_where(of_tenant(tenant))
            .and_where(among("subject", chunk.iter().copied()))
            .to_owned();
        write.execute(&delete).await?;
    }
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let persons = transition.persons.iter().map(|it| -> [Value; 5] {
        [
            tenant.as_str().into(),
            it.subject.uuid().into(),
            signed(it.epoch.0).into(),
            i64::from(it.anchors).into(),
            count(it.members.len()).into(),
        ]
    });
    let columns = named(&["tenant", "subject"], &["epoch", "anchors", "members"], &[]);
    let replaced = OnConflict::columns(["tenant", "subject"].map(Alias::new))
        .update_columns(["epoch", "anchors", "members"].map(Alias::new))
        .to_owned();
    insert(write, PERSON, columns, persons.collect(), Some(replaced)).await?;
    let members = transition
        .persons
        .iter()
        .flat_map(|it| it.members.iter().map(|m| member_values(tenant, it.subject, m)));
    insert(write, MEMBERSHIP, named(&["tenant"], &MEMBER_COLUMNS, &[]), members.collect(), None)
        .await
}

fn named(first: &[&str], columns: &[&str], last: &[&str]) -> Vec<Alias> {
    first.iter().chain(columns).chain(last).map(|it| Alias::new(*it)).collect()
}

async fn insert<const N: usize>(
    write: &Write,
    table: &str,
    columns: Vec<Alias>,
    rows: Vec<[Value; N]>,
    on_conflict: Option<OnConflict>,
) -> Result<(), DbErr> {
    for chunk in rows.chunks(CHUNK_MAX) {
        let mut insert = Query::insert();
        insert.into_table(Alias::new(table)).columns(columns.iter().cloned());
        for row in chunk {
            insert.values_panic(row.iter().cloned().map(Expr::value));
        }
        if let Some(on_conflict) = &on_conflict {
            insert.on_conflict(on_conflict.clone());
        }
        write.execute(&insert).await?;
    }
    Ok(())
}
