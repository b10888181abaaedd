//! The send gate: one transition that reads what a withdrawal writes.
//!
//! A withdrawal raises the epoch of a row this transition reads, and transitions take turns: either
//! the withdrawal commits first and the comparison fails, or the attempt commits first and the
//! withdrawal's [`settle`](delivery::ports::SendGate::settle) finds it open and waits.

mod view;

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use delivery::{
    attempt::{AttemptId, Grant},
    contact::ContactId,
    gate::{GateRequest, Judge, Judgement, judge, judge_all},
    message::Delivery,
    ports::{AttemptRecord, Change, Conclusion, ContactMove, Overdue, SendGate, Settled},
};
use kernel::{DeliveryId, Fault, Instant, NodeId, TenantId};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, FromQueryResult, Order, Value,
    sea_query::{Alias, Expr, ExprTrait, OnConflict, Query},
};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    ATTEMPT, ATTEMPT_OPEN, CONTACT, DELIVERY, all, among, broken, col, eq,
    rows::{
        ATTEMPT_COLUMNS, AttemptRow, CONTACT_COLUMNS, DELIVERY_COLUMNS, DeliveryRow, contact_row,
        outcome_row, signed, text_of,
    },
    select,
    store::move_to,
};
use crate::sql::{
    Database,
    batch::{ROWS_MAX, slices},
    fault, outbox,
};

/// How often attempts are looked at that another process may conclude, which nobody tells this one.
const LOOK: Duration = Duration::from_millis(20);

/// [`SendGate`] on SQL.
#[derive(Debug, Clone)]
pub struct SqlSendGate {
    database: Arc<Database>,
    judge: Judge,
    ended: Arc<Notify>,
}

impl SqlSendGate {
    /// The gate of this database. One per process: settling is woken by its conclusions.
    pub fn new(database: Arc<Database>) -> Self {
        Self::judging(database, judge)
    }

    /// A gate with another judge. There is no other outside of tests, which need one to see the
    /// race fail: grants are made inside `delivery` alone.
    pub fn judging(database: Arc<Database>, judge: Judge) -> Self {
        Self { database, judge, ended: Arc::new(Notify::new()) }
    }

    async fn waited_for(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> Result<BTreeSet<AttemptId>, Fault> {
        let query = select(ATTEMPT_OPEN, ["tenant", "delivery", "n"])
            .and_where(eq("tenant", tenant.as_str()))
            .and_where(among("node", nodes.iter().map(|it| it.uuid())))
            .to_owned();
        let rows: Vec<OpenRow> =
            all(self.database.reader(), &query).await.map_err(fault("reading open attempts"))?;
        rows.iter().map(OpenRow::attempt).collect()
    }

    /// How these attempts stand.
    async fn standing(
        &self,
        tenant: &TenantId,
        attempts: &BTreeSet<AttemptId>,
    ) -> Result<Vec<Settled>, Fault> {
        let query = select(ATTEMPT, ATTEMPT_COLUMNS)
            .and_where(eq("tenant", tenant.as_str()))
            .and_where(among("delivery", attempts.iter().map(|it| it.delivery.uuid())))
            .to_owned();
        let rows: Vec<AttemptRow> = all(self.database.reader(), &query)
            .await
            .map_err(fault("reading how attempts stand"))?;
        let mut out = Vec::with_capacity(attempts.len());
        for row in rows {
            let record = AttemptRecord::try_from(row)?;
            if attempts.contains(&record.id) {
                out.push(Settled { attempt: record.id, outcome: record.outcome });
            }
        }
        out.sort_by_key(|it| it.attempt);
        Ok(out)
    }
}

#[derive(Debug, FromQueryResult)]
struct OpenRow {
    tenant: String,
    delivery: Uuid,
    n: i64,
}

impl OpenRow {
    fn attempt(&self) -> Result<AttemptId, Fault> {
        let n = u8::try_from(self.n).map_err(|it| broken("decoding an attempt").because(it))?;
        Ok(AttemptId { delivery: DeliveryId::from_uuid(self.delivery), n })
    }
}

#[async_trait]
impl SendGate for SqlSendGate {
    async fn pass(&self, now: Instant, requests: &[GateRequest]) -> Result<Vec<Judgement>, Fault> {
        let Some(first) = requests.first() else { return Ok(Vec::new()) };
        let tenant = &first.delivery.tenant;
        let what = "passing the send gate";
        let write = self.database.begin("delivery.send_gate.pass").await?;
        let views = view::read(&*write, tenant, requests, now).await?;
        let judgements = judge_all(self.judge, requests, views, now);
        keep(&write, tenant, requests, &judgements, now).await.map_err(fault(what))?;
        // The point of no return: from here on a withdrawal waits for these attempts.
        write.commit().await?;
        Ok(judgements)
    }

    async fn rehearse(&self, now: Instant, request: &GateRequest) -> Result<Judgement, Fault> {
        let requests = std::slice::from_ref(request);
        let tenant = &request.delivery.tenant;
        let mut views = view::read(self.database.reader(), tenant, requests, now).await?;
        let Some(mut view) = views.pop() else { return Ok(Judgement::Gone) };
        view.version = Some(request.delivery.version);
        Ok((self.judge)(request, &view, now))
    }

    async fn conclude(&self, conclusions: Vec<Conclusion>) -> Result<Vec<bool>, Fault> {
        let what = "concluding attempts";
        let write = self.database.begin("delivery.send_gate.conclude").await?;
        let mut facts = Vec::new();
        let mut out = Vec::with_capacity(conclusions.len());
        for conclusion in conclusions {
            let ended = end(&write, &conclusion).await.map_err(fault(what))?;
            if ended {
                facts.extend(conclusion.facts);
            }
            out.push(ended);
        }
        outbox::insert(&write, &facts).await.map_err(fault(what))?;
        write.commit().await?;
        self.ended.notify_waiters();
        Ok(out)
    }

    async fn settle(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        now: Instant,
        until: Instant,
    ) -> Result<Vec<Settled>, Fault> {
        let waited = self.waited_for(tenant, nodes).await?;
        if waited.is_empty() {
            return Ok(Vec::new());
        }
        let left = u64::try_from(until.since(now).num_microseconds().unwrap_or(0)).unwrap_or(0);
        let end = tokio::time::Instant::now() + Duration::from_micros(left);
        loop {
            // Registered before the read, so that no conclusion falls between the two.
            let mut ended = pin!(self.ended.notified());
            ended.as_mut().enable();
            let standing = self.standing(tenant, &waited).await?;
            let asked = tokio::time::Instant::now();
            if asked >= end || standing.iter().all(|it| it.outcome.is_some()) {
                return Ok(standing);
            }
            let look = if self.database.is_shared() { end.min(asked + LOOK) } else { end };
            // Told or not, it is looked at again.
            drop(tokio::time::timeout_at(look, ended).await);
        }
    }

    async fn overdue(&self, now: Instant, limit: usize) -> Result<Vec<Overdue>, Fault> {
        let what = "reading overdue attempts";
        let query = select(ATTEMPT_OPEN, ["tenant", "delivery", "n"])
            .distinct()
            .and_where(col("deadline_at").lte(now.micros()))
            .order_by(Alias::new("delivery"), Order::Asc)
            .limit(u64::try_from(limit).unwrap_or(u64::MAX))
            .to_owned();
        let open: Vec<OpenRow> = all(self.database.reader(), &query).await.map_err(fault(what))?;
        let mut out = Vec::with_capacity(open.len());
        for row in open {
            let query = select(DELIVERY, DELIVERY_COLUMNS)
                .and_where(eq("tenant", row.tenant.as_str()))
                .and_where(eq("id", row.delivery))
                .to_owned();
            let found: Vec<DeliveryRow> =
                all(self.database.reader(), &query).await.map_err(fault(what))?;
            for delivery in found {
                out.push(Overdue {
                    attempt: row.attempt()?,
                    delivery: Delivery::try_from(delivery)?,
                });
            }
        }
        Ok(out)
    }
}

/// Keeps what the judgements say, in the transaction they were made in.
async fn keep(
    write: &DatabaseTransaction,
    tenant: &TenantId,
    requests: &[GateRequest],
    judgements: &[Judgement],
    now: Instant,
) -> Result<(), DbErr> {
    let mut facts = Vec::new();
    let (mut grants, mut reserved) = (Vec::new(), Vec::new());
    for (request, judgement) in requests.iter().zip(judgements) {
        let (change, attempts): (&Change, _) = match judgement {
            Judgement::Passed(grant, change) => {
                grants.push(&**grant);
                reserved.push(contact_row(tenant, &request.entry(now)));
                (change, Some(grant.id().n))
            }
            Judgement::Stopped(change) => (change, None),
            Judgement::Moved | Judgement::Gone => continue,
        };
        if !move_to(write, tenant, change, attempts).await? {
            // The version was read in this very transaction: this cannot be.
            return Err(DbErr::RecordNotUpdated);
        }
        facts.extend_from_slice(&change.facts);
    }
    if !grants.is_empty() {
        open(write, &grants).await?;
        reserve(write, &reserved).await?;
    }
    outbox::insert(write, &facts).await
}

/// Opens attempts, one row for every node a withdrawal may come from.
async fn open(write: &DatabaseTransaction, grants: &[&Grant]) -> Result<(), DbErr> {
    let mut attempts = Query::insert();
    attempts.into_table(Alias::new(ATTEMPT)).columns(ATTEMPT_COLUMNS.map(Alias::new));
    let mut open = Query::insert();
    let columns = ["tenant", "node", "delivery", "n", "deadline_at"];
    open.into_table(Alias::new(ATTEMPT_OPEN)).columns(columns.map(Alias::new));
    for grant in grants {
        let (id, stamp) = (grant.id(), grant.stamp());
        let epochs = stamp.epochs();
        let row: [Value; 15] = [
            grant.tenant().as_str().into(),
            id.delivery.uuid().into(),
            i64::from(id.n).into(),
            signed(epochs.identity.0).into(),
            signed(epochs.person.0).into(),
            signed(epochs.policy.0).into(),
            stamp.verdict().as_bytes().to_vec().into(),
            grant.rendered().as_bytes().to_vec().into(),
            text_of(&grant.windows()).into(),
            grant.committed_at().micros().into(),
            grant.deadline().micros().into(),
            None::<i64>.into(),
            None::<String>.into(),
            None::<String>.into(),
            None::<String>.into(),
        ];
        attempts.values_panic(row.map(Expr::value));
        for node in grant.nodes() {
            let row: [Value; 5] = [
                grant.tenant().as_str().into(),
                node.uuid().into(),
                id.delivery.uuid().into(),
                i64::from(id.n).into(),
                grant.deadline().micros().into(),
            ];
            open.values_panic(row.map(Expr::value));
        }
    }
    write.execute(&attempts).await?;
    write.execute(&open).await?;
    Ok(())
}

/// Reserves places in the caps; a retry of the same delivery takes the place it has.
pub(super) async fn reserve(write: &DatabaseTransaction, rows: &[[Value; 8]]) -> Result<(), DbErr> {
    let again = OnConflict::columns(["tenant", "id"].map(Alias::new))
        .update_columns(["node", "at", "state"].map(Alias::new))
        .to_owned();
    for chunk in slices(rows, ROWS_MAX) {
        let mut insert = Query::insert();
        insert
            .into_table(Alias::new(CONTACT))
            .columns(CONTACT_COLUMNS.map(Alias::new))
            .on_conflict(again.clone());
        for row in chunk {
            insert.values_panic(row.clone().map(Expr::value));
        }
        write.execute(&insert).await?;
    }
    Ok(())
}

/// Ends one attempt that is open, moves its delivery and its contact.
async fn end(write: &DatabaseTransaction, it: &Conclusion) -> Result<bool, DbErr> {
    let tenant = it.tenant.as_str();
    let (delivery, n) = (it.attempt.delivery.uuid(), i64::from(it.attempt.n));
    let (outcome, code) = outcome_row(&it.outcome);
    let update = Query::update()
        .table(Alias::new(ATTEMPT))
        .value(Alias::new("outcome"), outcome)
        .value(Alias::new("code"), code)
        .value(Alias::new("ended_at"), it.at.micros())
        .value(Alias::new("reference"), it.reference.clone())
        .and_where(eq("tenant", tenant))
        .and_where(eq("delivery", delivery))
        .and_where(eq("n", n))
        .and_where(col("outcome").is_null())
        .to_owned();
    if write.execute(&update).await?.rows_affected() == 0 {
        return Ok(false);
    }
    let closed = Query::delete()
        .from_table(Alias::new(ATTEMPT_OPEN))
        .and_where(eq("tenant", tenant))
        .and_where(eq("delivery", delivery))
        .and_where(eq("n", n))
        .to_owned();
    write.execute(&closed).await?;
    let (expected, state) = (it.expected, it.state.clone());
    let change = Change { delivery: it.attempt.delivery, expected, state, facts: Vec::new() };
    move_to(write, &it.tenant, &change, None).await?;
    let contact = ContactId::from(it.attempt.delivery);
    match it.contact {
        ContactMove::Keep => {}
        ContactMove::Commit => {
            let commit = Query::update()
                .table(Alias::new(CONTACT))
                .value(Alias::new("state"), "committed")
                .and_where(eq("tenant", tenant))
                .and_where(eq("id", contact.0.as_str()))
                .to_owned();
            write.execute(&commit).await?;
        }
        ContactMove::Release => {
            let release = Query::delete()
                .from_table(Alias::new(CONTACT))
                .and_where(eq("tenant", tenant))
                .and_where(eq("id", contact.0.as_str()))
                .to_owned();
            write.execute(&release).await?;
        }
    }
    Ok(true)
}
