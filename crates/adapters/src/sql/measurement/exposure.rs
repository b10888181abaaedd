//! Draws, exposures and outcomes, and their sufficient statistics.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use kernel::{Fault, TenantId};
use measurement::{
    ExposureStore,
    evidence::{Assignment, Batch, Cell, Exposure, Outcome, Tally, TallyAsk},
};
use sea_orm::{
    ConnectionTrait, DbErr, FromQueryResult, Statement, Value,
    sea_query::{Alias, Expr, OnConflict, Query},
};

use super::ROWS_MAX;
use crate::sql::{Database, Write, fault};

/// A hundred years in microseconds: no horizon is longer.
const HORIZON_MICROS_MAX: i64 = 100 * 366 * 86_400 * 1_000_000;

/// The evidence on SQL.
pub struct SqlExposureStore {
    database: Arc<Database>,
}

impl fmt::Debug for SqlExposureStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlExposureStore")
    }
}

impl SqlExposureStore {
    /// The evidence in this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

#[async_trait]
impl ExposureStore for SqlExposureStore {
    async fn append(&self, batch: &Batch) -> Result<(), Fault> {
        let fault = fault("adding evidence");
        if batch.is_empty() {
            return Ok(());
        }
        let write = self.database.begin("measurement.exposure_store.append").await?;
        let tenant = &batch.tenant;
        let drawn = batch.assignments.iter().map(|it| assignment(tenant, it));
        insert(&write, "measurement_assignment", ASSIGNMENT, drawn).await.map_err(&fault)?;
        let seen = batch.exposures.iter().map(|it| exposure(tenant, it));
        insert(&write, "measurement_exposure", EXPOSURE, seen).await.map_err(&fault)?;
        let did = batch.outcomes.iter().map(|it| outcome(tenant, it));
        insert(&write, "measurement_outcome", OUTCOME, did).await.map_err(&fault)?;
        write.commit().await
    }

    async fn tally(&self, tenant: &TenantId, ask: &TallyAsk) -> Result<Tally, Fault> {
        let what = "counting evidence";
        let connection = self.database.reader();
        let mut values: Vec<Value> = vec![
            tenant.as_str().into(),
            ask.node.as_str().into(),
            ask.as_of.micros().into(),
            ask.horizon_micros.clamp(0, HORIZON_MICROS_MAX).into(),
        ];
        let events: Vec<_> = (values.len() + 1..).take(ask.events.len()).collect();
        values.extend(ask.events.iter().map(|it| Value::from(it.as_str())));
        let statement = Statement::from_sql_and_values(
            connection.get_database_backend(),
            tally_sql(&events),
            values,
        );
        let found = connection.query_all_raw(statement).await.map_err(fault(what))?;
        let mut tally = Tally::default();
        for row in &found {
            let row = rows::Row::from_query_result(row, "").map_err(fault(what))?;
            if row.both_arms == 0 {
                tally.cells.push(row.try_into()?);
            } else {
                let units =
                    u64::try_from(row.units).map_err(|it| Fault::escalate(what).because(it))?;
                tally.contaminated = tally.contaminated.saturating_add(units);
            }
        }
        tally.cells.sort_unstable();
        Ok(tally)
    }
}

/// A unit counts once, from its first assignment; one seen in both arms is told apart.
fn tally_sql(events: &[usize]) -> String {
    let events: Vec<_> = events.iter().map(|it| format!("${it}")).collect();
    let events = if events.is_empty() { "null".to_owned() } else { events.join(", ") };
    format!(
        "with drawn as ( \
           select unit, person, arm, propensity_ppm, at, \
             row_number() over (partition by unit order by at, fact) as place, \
             min(arm) over (partition by unit) as lowest, \
             max(arm) over (partition by unit) as highest \
           from measurement_assignment where tenant = $1 and node = $2 and at <= $3 \
         ), reached as ( \
           select distinct a.unit from measurement_assignment a \
           join measurement_exposure e on e.tenant = a.tenant and e.decision = a.decision \
           where a.tenant = $1 and a.node = $2 and a.at <= $3 and e.at <= $3 \
         ), unit as ( \
           select d.arm, d.propensity_ppm, \
             case when d.lowest = d.highest then 0 else 1 end as both_arms, \
             case when r.unit is null then 0 else 1 end as exposed, \
             case when exists ( \
               select 1 from measurement_outcome o \
               where o.tenant = $1 and o.person = d.person and o.event in ({events}) \
                 and o.at >= d.at and o.at <= d.at + $4 and o.at <= $3 \
             ) then 1 else 0 end as converted, \
             case when d.at + $4 <= $3 then 1 else 0 end as mature \
           from drawn d left join reached r on r.unit = d.unit where d.place = 1 \
         ) \
         select arm, propensity_ppm, cast(both_arms as bigint) as both_arms, count(*) as units, sum(exposed) as exposed, \
           sum(converted) as converted, sum(mature) as mature \
         from unit group by arm, propensity_ppm, both_arms"
    )
}

const ASSIGNMENT: [&str; 9] =
    ["tenant", "fact", "decision", "node", "unit", "person", "arm", "propensity_ppm", "at"];
const EXPOSURE: [&str; 4] = ["tenant", "fact", "decision", "at"];
const OUTCOME: [&str; 5] = ["tenant", "fact", "person", "event", "at"];

fn assignment(tenant: &TenantId, it: &Assignment) -> [Value; 9] {
    [
        tenant.as_str().into(),
        it.fact.uuid().into(),
        it.decision.uuid().into(),
        it.node.as_str().into(),
        it.unit.to_vec().into(),
        it.person.0.to_vec().into(),
        it.arm.as_str().into(),
        i64::from(it.propensity_ppm).into(),
        it.at.micros().into(),
    ]
}

fn exposure(tenant: &TenantId, it: &Exposure) -> [Value; 4] {
    [
        tenant.as_str().into(),
        it.fact.uuid().into(),
        it.decision.uuid().into(),
        it.at.micros().into(),
    ]
}

fn outcome(tenant: &TenantId, it: &Outcome) -> [Value; 5] {
    [
        tenant.as_str().into(),
        it.fact.uuid().into(),
        it.person.0.to_vec().into(),
        it.event.as_str().into(),
        it.at.micros().into(),
    ]
}

/// Adds rows; one that is there already stays as it is.
async fn insert<const N: usize>(
    write: &Write,
    table: &'static str,
    columns: [&'static str; N],
    rows: impl Iterator<Item = [Value; N]>,
) -> Result<(), DbErr> {
    let rows: Vec<_> = rows.collect();
    for chunk in rows.chunks(ROWS_MAX) {
        let mut insert = Query::insert();
        insert
            .into_table(Alias::new(table))
            .columns(columns.map(Alias::new))
            .on_conflict(OnConflict::new().do_nothing().to_owned());
        for row in chunk {
            insert.values_panic(row.clone().map(Expr::value));
        }
        write.execute(&insert).await?;
    }
    Ok(())
}

mod rows {
    //! One group of units.

    use super::{Cell, Fault, FromQueryResult};

    #[derive(Debug, FromQueryResult)]
    pub(super) struct Row {
        arm: String,
        propensity_ppm: i64,
        pub(super) both_arms: i64,
        pub(super) units: i64,
        exposed: i64,
        converted: i64,
        mature: i64,
    }

    impl TryFrom<Row> for Cell {
        type Error = Fault;

        fn try_from(row: Row) -> Result<Self, Fault> {
            let broken = || Fault::escalate("decoding evidence");
            let count = |it: i64| u64::try_from(it).map_err(|it| broken().because(it));
            Ok(Self {
                arm: row
                    .arm
                    .parse()
                    .map_err(|it: measurement::assign::ArmError| broken().because(it))?,
                propensity_ppm: u32::try_from(row.propensity_ppm)
                    .map_err(|it| broken().because(it))?,
                units: count(row.units)?,
                exposed: count(row.exposed)?,
                converted: count(row.converted)?,
                mature: count(row.mature)?,
            })
        }
    }
}
