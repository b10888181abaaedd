//! Durable timers: armed, claimed by person, settled under a fence.

use std::sync::Arc;

use async_trait::async_trait;
use decision::{
    occurrence::{Occurrence, Settlement, State},
    ports::{Change, ClaimAsk, Entered, Lookup, Timetable},
};
use kernel::{DecisionId, Fault, Instant, SubjectId, TenantId};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, FromQueryResult, Order, Statement,
    sea_query::{Alias, Expr, ExprTrait, OnConflict, Query},
};
use uuid::Uuid;

use super::{
    OCCURRENCE, all, among, eq,
    rows::{COLUMNS, ENTERED, EnteredRow, Row, values, wakes},
    select, signed,
};
use crate::sql::{
    Database,
    batch::{ROWS_MAX, slices},
    fault, outbox,
};

/// Due people, longest waiting first, whom no living lease holds.
const DUE_PEOPLE: &str = "select tenant, subject, min(wakes_at) as at from occurrence as it \
     where wakes_at <= $1 and not exists (select 1 from occurrence as busy \
     where busy.tenant = it.tenant and busy.subject = it.subject and busy.state = 'claimed' \
     and busy.lease_until > $1) \
     group by tenant, subject order by at, tenant, subject limit $2";

/// [`Timetable`] on SQL.
#[derive(Debug, Clone)]
pub struct SqlTimetable {
    database: Arc<Database>,
}

impl SqlTimetable {
    /// The timetable of this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

#[derive(Debug, FromQueryResult)]
struct DueRow {
    tenant: String,
    subject: Uuid,
}

#[derive(Debug, FromQueryResult)]
struct NextRow {
    at: Option<i64>,
}

#[async_trait]
impl Timetable for SqlTimetable {
    async fn change(&self, tenant: &TenantId, change: Change) -> Result<(), Fault> {
        let what = "changing the timetable";
        let write = self.database.begin("decision.timetable.change").await?;
        arm(&write, &change.arm).await.map_err(fault(what))?;
        for it in &change.settle {
            settle(&write, tenant, it).await.map_err(fault(what))?;
        }
        for (origin, subject) in &change.rekey {
            let query = Query::update()
                .table(Alias::new(OCCURRENCE))
                .value(Alias::new("subject"), Expr::value(subject.uuid()))
                .and_where(eq("tenant", tenant.as_str()))
                .and_where(eq("origin", origin.uuid()))
                .to_owned();
            write.execute(&query).await.map_err(fault(what))?;
        }
        outbox::insert(&write, &change.facts).await.map_err(fault(what))?;
        write.commit().await
    }

    async fn claim(&self, ask: ClaimAsk) -> Result<Vec<Occurrence>, Fault> {
        let what = "claiming what is due";
        // Looking first keeps the idle worker off the only writer.
        if due_people(self.database.reader(), ask).await.map_err(fault(what))?.is_empty() {
            return Ok(Vec::new());
        }
        let write = self.database.begin("decision.timetable.claim").await?;
        let people = due_people(&*write, ask).await.map_err(fault(what))?;
        let mut out = Vec::new();
        let mut rest = people.as_slice();
        while let Some(first) = rest.first() {
            let end = rest.iter().position(|it| it.tenant != first.tenant).unwrap_or(rest.len());
            let (mine, others) = rest.split_at(end);
            out.extend(take(&write, &first.tenant, mine, ask).await?);
            rest = others;
        }
        write.commit().await?;
        out.sort_by(|a, b| (&a.tenant, a.subject, a.key).cmp(&(&b.tenant, b.subject, b.key)));
        Ok(out)
    }

    async fn find(&self, tenant: &TenantId, lookup: Lookup<'_>) -> Result<Vec<Occurrence>, Fault> {
        let what = "reading the timetable";
        let condition = match lookup {
            Lookup::Keys([]) | Lookup::OpenOf([]) => return Ok(Vec::new()),
            Lookup::Keys(keys) => among("key", keys.iter().map(|it| it.0.to_vec())),
            Lookup::OpenOf(subjects) => among("subject", subjects.iter().map(|it| it.uuid()))
                .and(among("state", [State::Armed, State::Claimed].map(State::as_str))),
        };
        let query = select(OCCURRENCE, COLUMNS)
            .and_where(eq("tenant", tenant.as_str()))
            .and_where(condition)
            .order_by(Alias::new("key"), Order::Asc)
            .to_owned();
        let rows: Vec<Row> = all(self.database.reader(), &query).await.map_err(fault(what))?;
        rows.into_iter().map(Occurrence::try_from).collect()
    }

    async fn entered(
        &self,
        tenant: &TenantId,
        subjects: &[SubjectId],
        since: Instant,
    ) -> Result<Vec<Entered>, Fault> {
        if subjects.is_empty() {
            return Ok(Vec::new());
        }
        let query = select(OCCURRENCE, ENTERED)
            .and_where(eq("tenant", tenant.as_str()))
            .and_where(among("subject", subjects.iter().map(|it| it.uuid())))
            .and_where(among("state", [State::Act, State::Holdout].map(State::as_str)))
            .and_where(Expr::col(Alias::new("changed_at")).gte(since.micros()))
            .order_by(Alias::new("key"), Order::Asc)
            .to_owned();
        let rows: Vec<EnteredRow> =
            all(self.database.reader(), &query).await.map_err(fault("reading what was entered"))?;
        rows.into_iter().map(Entered::try_from).collect()
    }

    async fn next_due(&self) -> Result<Option<Instant>, Fault> {
        let query = Query::select()
            .expr_as(Expr::col(Alias::new("wakes_at")).min(), Alias::new("at"))
            .from(Alias::new(OCCURRENCE))
            .to_owned();
        let rows: Vec<NextRow> =
            all(self.database.reader(), &query).await.map_err(fault("reading what is due next"))?;
        Ok(rows.first().and_then(|it| it.at).map(Instant::from_micros))
    }
}

async fn due_people(
    connection: &impl ConnectionTrait,
    ask: ClaimAsk,
) -> Result<Vec<DueRow>, DbErr> {
    let people = signed(u64::try_from(ask.people).unwrap_or(u64::MAX));
    let statement = Statement::from_sql_and_values(
        connection.get_database_backend(),
        DUE_PEOPLE,
        [ask.now.micros().into(), people.into()],
    );
    let rows = connection.query_all_raw(statement).await?;
    let mut people: Vec<DueRow> =
        rows.iter().map(|it| DueRow::from_query_result(it, "")).collect::<Result<_, _>>()?;
    people.sort_by(|a, b| a.tenant.cmp(&b.tenant));
    Ok(people)
}

/// Claims what is due of these people of one tenant.
async fn take(
    write: &DatabaseTransaction,
    tenant: &str,
    people: &[DueRow],
    ask: ClaimAsk,
) -> Result<Vec<Occurrence>, Fault> {
    let what = "claiming what is due";
    let mine = || {
        eq("tenant", tenant)
            .and(among("subject", people.iter().map(|it| it.subject)))
            .and(Expr::col(Alias::new("wakes_at")).lte(ask.now.micros()))
    };
    let query = select(OCCURRENCE, COLUMNS).and_where(mine()).to_owned();
    let rows: Vec<Row> = all(write, &query).await.map_err(fault(what))?;
    let lease = ask.lease_until.micros();
    let update = Query::update()
        .table(Alias::new(OCCURRENCE))
        .value(Alias::new("state"), Expr::value(State::Claimed.as_str()))
        .value(Alias::new("lease_until"), Expr::value(lease))
        .value(Alias::new("wakes_at"), Expr::value(lease))
        .value(Alias::new("changed_at"), Expr::value(ask.now.micros()))
        .value(Alias::new("fence"), Expr::col(Alias::new("fence")).add(1))
        .and_where(mine())
        .to_owned();
    write.execute(&update).await.map_err(fault(what))?;
    rows.into_iter()
        .map(|row| {
            let before = Occurrence::try_from(row)?;
            Ok(Occurrence {
                state: State::Claimed,
                lease_until: ask.lease_until,
                changed_at: ask.now,
                fence: before.fence.saturating_add(1),
                ..before
            })
        })
        .collect()
}

async fn arm(write: &DatabaseTransaction, rows: &[Occurrence]) -> Result<(), DbErr> {
    for chunk in slices(rows, ROWS_MAX) {
        let mut insert = Query::insert();
        insert.into_table(Alias::new(OCCURRENCE)).columns(COLUMNS.map(Alias::new)).on_conflict(
            OnConflict::columns(["tenant", "key"].map(Alias::new)).do_nothing().to_owned(),
        );
        for row in chunk {
            insert.values_panic(values(row).map(Expr::value));
        }
        write.execute(&insert).await?;
    }
    Ok(())
}

/// Makes one step where its fence stands and the law allows it; says whether it did.
pub(super) async fn settle(
    write: &DatabaseTransaction,
    tenant: &TenantId,
    it: &Settlement,
) -> Result<bool, DbErr> {
    let before = State::ALL.into_iter().filter(|from| from.may_become(it.state));
    let query = Query::update()
        .table(Alias::new(OCCURRENCE))
        .value(Alias::new("state"), Expr::value(it.state.as_str()))
        .value(Alias::new("due_at"), Expr::value(it.due_at.micros()))
        .value(Alias::new("attempts"), Expr::value(i32::from(it.attempts)))
        .value(Alias::new("decision"), Expr::value(it.decision.map(DecisionId::uuid)))
        .value(Alias::new("changed_at"), Expr::value(it.at.micros()))
        .value(Alias::new("wakes_at"), Expr::value(wakes(it.state, it.due_at, it.due_at)))
        .value(Alias::new("fence"), Expr::col(Alias::new("fence")).add(1))
        .and_where(eq("tenant", tenant.as_str()))
        .and_where(eq("key", it.key.0.to_vec()))
        .and_where(eq("fence", signed(it.fence)))
        .and_where(among("state", before.map(State::as_str)))
        .to_owned();
    Ok(write.execute(&query).await?.rows_affected() == 1)
}
