//! Every move of every pointer.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use kernel::{Cursor, Digest, Epoch, Fault, Instant, Limit, Page, StaffId, TenantId};
use rollout::{
    DeploymentId, MoveReason, Pointer, ReleaseLedger,
    pointer::continues,
    ports::{AppendError, PolicyEffect, Transition},
};
use sea_orm::{
    ConnectionTrait, DbErr, FromQueryResult, Order, Statement,
    sea_query::{Alias, Expr, ExprTrait as _, Query, SelectStatement},
};

use crate::sql::{Database, Write, fault, outbox};

const COLUMNS: [&str; 10] = [
    "tenant",
    "deployment",
    "seq",
    "prev",
    "bundle",
    "back",
    "moved",
    "moved_by",
    "reason",
    "moved_at",
];

/// The moves on SQL.
pub struct SqlReleaseLedger {
    database: Arc<Database>,
}

impl fmt::Debug for SqlReleaseLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlReleaseLedger")
    }
}

impl SqlReleaseLedger {
    /// The moves in this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

#[async_trait]
impl ReleaseLedger for SqlReleaseLedger {
    async fn head(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
    ) -> Result<Option<Pointer>, Fault> {
        first(self.database.reader(), &newest(tenant, deployment)).await
    }

    async fn at(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
        seq: u64,
    ) -> Result<Option<Pointer>, Fault> {
        let Ok(seq) = i64::try_from(seq) else { return Ok(None) };
        let query =
            newest(tenant, deployment).and_where(Expr::col(Alias::new("seq")).eq(seq)).to_owned();
        first(self.database.reader(), &query).await
    }

    async fn append(&self, transition: &Transition) -> Result<(), AppendError> {
        let what = "moving a pointer";
        let pointer = &transition.pointer;
        let write = self.database.begin("rollout.release_ledger.append").await?;
        let current = first(&*write, &newest(&pointer.tenant, &pointer.deployment)).await?;
        continues(current.as_ref(), pointer).map_err(|_| AppendError::Conflict)?;
        insert(&write, pointer).await?;
        if transition.policy == PolicyEffect::Raise {
            raise_policy(&write, &pointer.tenant).await.map_err(fault(what))?;
        }
        if !transition.facts.is_empty() {
            outbox::insert(&write, &transition.facts).await.map_err(fault(what))?;
        }
        Ok(write.commit().await?)
    }

    async fn history(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Page<Pointer>, Fault> {
        let what = "reading the moves";
        let mut query = newest(tenant, deployment);
        if let Some(before) = before.and_then(|it| i64::try_from(it).ok()) {
            query.and_where(Expr::col(Alias::new("seq")).lt(before));
        }
        let size = usize::from(limit.get());
        query.reset_limit().limit(u64::from(limit.get()).saturating_add(1));
        let found = self.database.reader().query_all(&query).await.map_err(fault(what))?;
        let more = found.len() > size;
        let items: Vec<Pointer> = found
            .iter()
            .take(size)
            .map(|it| rows::Row::from_query_result(it, "").map_err(fault(what))?.try_into())
            .collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| more).map(|it| Cursor(it.seq.to_string()));
        Ok(Page { items, next })
    }

    async fn policy(&self, tenant: &TenantId) -> Result<Epoch, Fault> {
        let what = "reading the policy epoch";
        let query = Query::select()
            .column(Alias::new("epoch"))
            .from(Alias::new("policy_head"))
            .and_where(Expr::col(Alias::new("tenant")).eq(tenant.as_str()))
            .to_owned();
        let row = self.database.reader().query_one(&query).await.map_err(fault(what))?;
        let epoch: i64 = row.map_or(Ok(0), |it| it.try_get("", "epoch")).map_err(fault(what))?;
        u64::try_from(epoch).map(Epoch).map_err(|it| Fault::escalate(what).because(it))
    }
}

/// The newest pointer of a deployment.
fn newest(tenant: &TenantId, deployment: &DeploymentId) -> SelectStatement {
    Query::select()
        .columns(COLUMNS.map(Alias::new))
        .from(Alias::new("rollout_pointer"))
        .and_where(Expr::col(Alias::new("tenant")).eq(tenant.as_str()))
        .and_where(Expr::col(Alias::new("deployment")).eq(deployment.as_str()))
        .order_by(Alias::new("seq"), Order::Desc)
        .limit(1)
        .to_owned()
}

async fn first(
    connection: &impl ConnectionTrait,
    query: &SelectStatement,
) -> Result<Option<Pointer>, Fault> {
    let what = "reading a pointer";
    let row = connection.query_one(query).await.map_err(fault(what))?;
    row.map(|it| rows::Row::from_query_result(&it, "").map_err(fault(what))?.try_into()).transpose()
}

async fn insert(write: &Write, pointer: &Pointer) -> Result<(), Fault> {
    let what = "moving a pointer";
    let signed = |it: u64| i64::try_from(it).map_err(|it| Fault::escalate(what).because(it));
    let insert = Query::insert()
        .into_table(Alias::new("rollout_pointer"))
        .columns(COLUMNS.map(Alias::new))
        .values_panic([
            Expr::value(pointer.tenant.as_str()),
            Expr::value(pointer.deployment.as_str()),
            Expr::value(signed(pointer.seq)?),
            Expr::value(pointer.prev.map(|it| it.as_bytes().to_vec())),
            Expr::value(pointer.bundle.as_bytes().to_vec()),
            Expr::value(pointer.back.map(signed).transpose()?),
            Expr::value(pointer.moved.as_str()),
            Expr::value(pointer.by.as_str()),
            Expr::value(pointer.reason.as_str()),
            Expr::value(pointer.at.micros()),
        ])
        .to_owned();
    write.execute(&insert).await.map_err(fault(what))?;
    Ok(())
}

async fn raise_policy(write: &Write, tenant: &TenantId) -> Result<(), DbErr> {
    let statement = Statement::from_sql_and_values(
        write.get_database_backend(),
        "insert into policy_head (tenant, epoch) values ($1, 1) \
         on conflict (tenant) do update set epoch = policy_head.epoch + 1",
        [tenant.as_str().into()],
    );
    write.execute_raw(statement).await?;
    Ok(())
}

mod rows {
    //! A move as it is kept.

    use super::{
        DeploymentId, Digest, Fault, FromQueryResult, Instant, MoveReason, Pointer, StaffId,
        TenantId,
    };

    #[derive(Debug, FromQueryResult)]
    pub(super) struct Row {
        tenant: String,
        deployment: String,
        seq: i64,
        prev: Option<Vec<u8>>,
        bundle: Vec<u8>,
        back: Option<i64>,
        moved: String,
        moved_by: String,
        reason: String,
        moved_at: i64,
    }

    impl TryFrom<Row> for Pointer {
        type Error = Fault;

        fn try_from(row: Row) -> Result<Self, Fault> {
            let broken = || Fault::escalate("decoding a pointer");
            let digest = |it: Vec<u8>| {
                <[u8; 32]>::try_from(it).map(Digest::from_bytes).map_err(|_| broken())
            };
            let unsigned = |it: i64| u64::try_from(it).map_err(|it| broken().because(it));
            Ok(Self {
                tenant: TenantId::new(&row.tenant).map_err(|it| broken().because(it))?,
                deployment: DeploymentId::new(&row.deployment)
                    .map_err(|it| broken().because(it))?,
                seq: unsigned(row.seq)?,
                prev: row.prev.map(digest).transpose()?,
                bundle: digest(row.bundle)?,
                back: row.back.map(unsigned).transpose()?,
                moved: row
                    .moved
                    .parse()
                    .map_err(|it: rollout::pointer::MoveParseError| broken().because(it))?,
                by: StaffId::new(&row.moved_by).map_err(|it| broken().because(it))?,
                reason: MoveReason::new(&row.reason).map_err(|it| broken().because(it))?,
                at: Instant::from_micros(row.moved_at),
            })
        }
    }
}
