//! The ports of `identity` on SQL: the log, the directory it keeps in step, and the vault.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use async_trait::async_trait;
use identity::{
    assertion::{Assertion, Kind},
    node::NodeKey,
    ports::{AppendError, AssertionLog, Components, Member, Person, Placed, Transition},
};
use kernel::{Digest, Fault, Instant, Limit, NodeId, TenantId};
use sea_orm::{
    ConnectionTrait, DbErr, FromQueryResult, Order, QueryResult, TryGetable, Value,
    sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, SimpleExpr},
};
use uuid::Uuid;

use super::{Database, batch::padded, fault};
use rows::{
    ASSERTION_COLUMNS, AssertionRow, MEMBER_COLUMNS, MemberRow, NODE_COLUMNS, NodeRow, PersonRow,
    signed,
};

mod directory;
mod rows;
mod schema;
mod vault;
mod write;

pub use directory::SqlDirectory;
pub(crate) use schema::schema;
pub use vault::SqlVault;

const TIP: &str = "identity_tip";
const NODE: &str = "identity_node";
const ASSERTION: &str = "identity_assertion";
const PERSON: &str = "identity_person";
pub(super) const MEMBERSHIP: &str = "identity_membership";
/// Keys or rows per statement: SQLite binds at most 32,766 values, and a row has at most 18.
const CHUNK_MAX: usize = 1_000;

/// The log of assertions.
pub struct SqlAssertionLog {
    database: Arc<Database>,
    seal: vault::Seal,
}

impl fmt::Debug for SqlAssertionLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlAssertionLog")
    }
}

impl SqlAssertionLog {
    /// The log in this database, sealing raw values under this key.
    pub fn new(database: Arc<Database>, key: [u8; 32]) -> Self {
        Self { database, seal: vault::Seal::new(key) }
    }
}

#[async_trait]
impl AssertionLog for SqlAssertionLog {
    async fn components(&self, tenant: &TenantId, keys: &[NodeKey]) -> Result<Components, Fault> {
        let fault = fault("reading components");
        let snapshot = self.database.snapshot().await.map_err(&fault)?;
        let nodes = component_nodes(&snapshot, tenant, keys).await?;
        let mut components = Components {
            tip: tip(&snapshot, tenant).await.map_err(&fault)?,
            nodes: nodes.into_values().collect(),
            ..Components::default()
        };
        let ids: Vec<_> = components.nodes.iter().map(|it| it.node.id.uuid()).collect();
        for chunk in ids.chunks(CHUNK_MAX) {
            let filed = among("a", chunk.iter().copied());
            components.assertions.extend(assertions(&snapshot, tenant, filed).await?);
            let headed = subject().is_in(padded(chunk.iter().copied()));
            components.persons.extend(people(&snapshot, tenant, headed).await?);
        }
        snapshot.commit().await.map_err(&fault)?;
        components.assertions.sort_by_key(|it| it.seq);
        components.persons.sort_by_key(|it| it.subject);
        Ok(components)
    }

    async fn unheard(
        &self,
        tenant: &TenantId,
        claims: &[(Digest, Instant)],
    ) -> Result<Vec<(Digest, Instant)>, Fault> {
        let fault = fault("reading claims");
        let mut heard: BTreeMap<Vec<u8>, Vec<(i64, bool)>> = BTreeMap::new();
        for chunk in claims.chunks(CHUNK_MAX) {
            let asked = chunk.iter().map(|it| it.0.as_bytes().to_vec());
            let query = select(ASSERTION, ["claim", "at", "live"])
                .and_where(of_tenant(tenant))
                .and_where(among("claim", asked))
                .to_owned();
            for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
                let claim = at(&row, "claim").map_err(&fault)?;
                let said = (at(&row, "at").map_err(&fault)?, at(&row, "live").map_err(&fault)?);
                heard.entry(claim).or_default().push(said);
            }
        }
        let is_heard = |claim: &Digest, when: Instant| {
            let said = heard.get(claim.as_bytes().as_slice());
            let mut said = said.into_iter().flatten();
            said.any(|(at, live)| *at == when.micros() || (*live && *at < when.micros()))
        };
        Ok(claims.iter().filter(|(claim, when)| !is_heard(claim, *when)).copied().collect())
    }

    async fn append(&self, tenant: &TenantId, transition: Transition) -> Result<u64, AppendError> {
        let write = self.database.begin("identity.assertion_log.append").await?;
        let fault = fault("appending assertions");
        let tip = tip(&*write, tenant).await.map_err(&fault)?;
        if write::stale(&write, tenant, &transition, tip).await.map_err(&fault)? {
            return Err(AppendError::Stale);
        }
        let values = transition.nodes.iter().map(|it| {
            let value = it.value.as_ref();
            value.map(|v| self.seal.seal(tenant, it.placed.node.id, v)).transpose()
        });
        let sealed = values.collect::<Result<Vec<_>, Fault>>()?;
        let tip = write::apply(&write, tenant, &transition, sealed, tip).await.map_err(&fault)?;
        write.commit().await?;
        Ok(tip)
    }

    async fn page(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: Limit,
    ) -> Result<Vec<Assertion>, Fault> {
        let query = select(ASSERTION, ASSERTION_COLUMNS)
            .and_where(of_tenant(tenant))
            .and_where(col("seq").gt(signed(after)))
            .order_by(Alias::new("seq"), Order::Asc)
            .limit(u64::from(limit.get()))
            .to_owned();
        let rows: Vec<AssertionRow> =
            all(self.database.reader(), &query).await.map_err(fault("reading the log"))?;
        rows.into_iter().map(Assertion::try_from).collect()
    }
}

fn col(name: &str) -> Expr {
    Expr::col(Alias::new(name))
}

fn eq(name: &str, value: impl Into<Value>) -> SimpleExpr {
    col(name).eq(Expr::value(value))
}

fn among<V: Into<Value>>(name: &str, values: impl IntoIterator<Item = V>) -> SimpleExpr {
    col(name).is_in(padded(values.into_iter().map(|it| Expr::value(it))))
}

fn of_tenant(tenant: &TenantId) -> SimpleExpr {
    eq("tenant", tenant.as_str())
}

fn select<const N: usize>(table: &str, columns: [&str; N]) -> SelectStatement {
    Query::select().columns(columns.map(Alias::new)).from(Alias::new(table)).to_owned()
}

fn at<T: TryGetable>(row: &QueryResult, name: &str) -> Result<T, DbErr> {
    row.try_get("", name)
}

async fn all<R: FromQueryResult>(
    connection: &impl ConnectionTrait,
    query: &SelectStatement,
) -> Result<Vec<R>, DbErr> {
    let rows = connection.query_all(query).await?;
    rows.iter().map(|it| R::from_query_result(it, "")).collect()
}

fn placed(rows: Vec<NodeRow>) -> Result<Vec<Placed>, Fault> {
    rows.into_iter().map(Placed::try_from).collect()
}

async fn tip(connection: &impl ConnectionTrait, tenant: &TenantId) -> Result<u64, DbErr> {
    let query = select(TIP, ["seq"]).and_where(of_tenant(tenant)).to_owned();
    let row = connection.query_one(&query).await?;
    let seq: i64 = row.map_or(Ok(0), |it| at(&it, "seq"))?;
    Ok(u64::try_from(seq).unwrap_or(0))
}

/// Every node of the components these keys lie in.
async fn component_nodes(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    keys: &[NodeKey],
) -> Result<BTreeMap<NodeId, Placed>, Fault> {
    let mut nodes = BTreeMap::new();
    for chunk in keys.chunks(CHUNK_MAX) {
        let asked = chunk.iter().map(|it| it.key.as_bytes().to_vec());
        let components = select(NODE, ["component"])
            .and_where(of_tenant(tenant))
            .and_where(among("key", asked))
            .to_owned();
        let query = select(NODE, NODE_COLUMNS)
            .and_where(of_tenant(tenant))
            .and_where(col("component").in_subquery(components))
            .to_owned();
        let rows = all(connection, &query).await.map_err(fault("reading components"))?;
        nodes.extend(placed(rows)?.into_iter().map(|it| (it.node.id, it)));
    }
    Ok(nodes)
}

async fn assertions(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    filed: SimpleExpr,
) -> Result<Vec<Assertion>, Fault> {
    let query = select(ASSERTION, ASSERTION_COLUMNS)
        .and_where(of_tenant(tenant))
        .and_where(filed)
        .to_owned();
    let rows: Vec<AssertionRow> =
        all(connection, &query).await.map_err(fault("reading assertions"))?;
    rows.into_iter().map(Assertion::try_from).collect()
}

/// The subject of a person, to say which are asked for.
fn subject() -> Expr {
    Expr::col((Alias::new(PERSON), Alias::new("subject")))
}

/// The persons whose [`subject`] meets a condition, former heads included, ascending.
///
/// One statement, so that members and epoch are of one moment also outside a snapshot.
async fn people(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    which: SimpleExpr,
) -> Result<Vec<Person>, Fault> {
    let fault = fault("reading persons");
    let of = |table: &str, column: &str| Expr::col((Alias::new(table), Alias::new(column)));
    let member =
        |column: &str| of(MEMBERSHIP, column).equals((Alias::new(PERSON), Alias::new(column)));
    let query = Query::select()
        .columns(["subject", "epoch", "anchors"].map(|it| (Alias::new(PERSON), Alias::new(it))))
        .columns(
            MEMBER_COLUMNS
                .into_iter()
                .filter(|it| *it != "subject")
                .map(|it| (Alias::new(MEMBERSHIP), Alias::new(it))),
        )
        .from(Alias::new(PERSON))
        .left_join(Alias::new(MEMBERSHIP), member("tenant").and(member("subject")))
        .and_where(of(PERSON, "tenant").eq(tenant.as_str()))
        .and_where(which)
        .order_by((Alias::new(PERSON), Alias::new("subject")), Order::Asc)
        .to_owned();
    let rows = connection.query_all(&query).await.map_err(&fault)?;
    let mut people: Vec<(PersonRow, BTreeSet<Member>)> = Vec::new();
    for row in &rows {
        let person = PersonRow::from_query_result(row, "").map_err(&fault)?;
        if people.last().is_none_or(|(it, _)| it.subject != person.subject) {
            people.push((person, BTreeSet::new()));
        }
        // A former head has no members.
        if at::<Option<Uuid>>(row, "node").map_err(&fault)?.is_some()
            && let Some((_, members)) = people.last_mut()
        {
            members.insert(MemberRow::from_query_result(row, "").map_err(&fault)?.try_into()?);
        }
    }
    people.into_iter().map(|(it, members)| it.person(members.into_iter().collect())).collect()
}

/// The assertions a transition takes back.
fn retracted(transition: &Transition) -> impl Iterator<Item = (NodeId, Uuid)> + '_ {
    transition.assertions.iter().filter_map(|it| match it.kind {
        Kind::Retract { assertion, filed_at } => Some((filed_at, assertion.uuid())),
        _ => None,
    })
}
