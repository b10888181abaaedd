//! What the activation layer asks of the system of record: its charter, one row that only moves
//! forward, and who belongs with whom.

use std::{fmt, sync::Arc};

use kernel::{Fault, NodeId, SubjectId, TenantId};
use sea_orm::{
    ConnectionTrait, DbErr, QueryResult,
    sea_query::{
        Alias, ColumnDef, Cond, Expr, ExprTrait, JoinType, OnConflict, Order, Query, Table,
    },
};
use uuid::Uuid;

use super::{Database, fault, identity::MEMBERSHIP, migration::Step};

const TABLE: &str = "activation_charter";
/// Keys per statement.
const CHUNK_MAX: usize = 500;

/// Whether the layer may be served from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// By nobody: a change need not reach it.
    Shut,
    /// Not yet: changes reach it already.
    Opening,
    /// By whoever read this within the lease.
    Open,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Shut, Self::Opening, Self::Open];

    /// The word in the row and in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shut => "shut",
            Self::Opening => "opening",
            Self::Open => "open",
        }
    }
}

/// What the layer is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charter {
    /// Raised whenever what the layer holds may be worth nothing; part of every key.
    pub epoch: u64,
    /// Whether it may be served from.
    pub phase: Phase,
    /// Which servers it is on, as they name their own data; empty while shut.
    pub servers: String,
}

impl Charter {
    /// Nobody may serve, and nothing kept before is ever served again.
    #[must_use]
    pub const fn shut(&self) -> Self {
        Self { epoch: self.epoch + 1, phase: Phase::Shut, servers: String::new() }
    }

    /// About to be served from these servers, empty as far as anyone knows.
    #[must_use]
    pub const fn opening(&self, servers: String) -> Self {
        Self { epoch: self.epoch + 1, phase: Phase::Opening, servers }
    }

    /// Served from.
    #[must_use]
    pub fn open(&self) -> Self {
        Self { phase: Phase::Open, ..self.clone() }
    }
}

/// The charter of one layer; read and amended on the connection that writes are ordered by.
pub struct SqlCharter {
    database: Arc<Database>,
    layer: String,
}

impl fmt::Debug for SqlCharter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlCharter")
    }
}

impl SqlCharter {
    /// The charter of the layer of this name.
    pub fn new(database: Arc<Database>, layer: impl Into<String>) -> Self {
        Self { database, layer: layer.into() }
    }

    /// What the layer is now; one never chartered is shut.
    pub async fn read(&self) -> Result<Charter, Fault> {
        let fault = fault("reading the charter of the activation layer");
        let query = Query::select()
            .columns(["epoch", "phase", "servers"].map(Alias::new))
            .from(Alias::new(TABLE))
            .and_where(Expr::col(Alias::new("layer")).eq(self.layer.as_str()))
            .to_owned();
        let row = self.database.reader().query_one(&query).await.map_err(&fault)?;
        match row {
            Some(row) => charter(&row).map_err(&fault),
            None => Ok(Charter { epoch: 0, phase: Phase::Shut, servers: String::new() }),
        }
    }

    /// Makes it this, if it is still that; whether it was.
    pub async fn amend(&self, from: &Charter, to: &Charter) -> Result<bool, Fault> {
        let fault = fault("amending the charter of the activation layer");
        let write = self.database.begin("activation.charter.amend").await?;
        let (epoch, phase) = (number(from.epoch), from.phase.as_str());
        let mut first = Query::insert();
        first
            .into_table(Alias::new(TABLE))
            .columns(["layer", "epoch", "phase", "servers"].map(Alias::new))
            .values_panic([self.layer.as_str().into(), epoch.into(), phase.into(), "".into()])
            .on_conflict(OnConflict::column(Alias::new("layer")).do_nothing().to_owned());
        if from.epoch == 0 {
            write.execute(&first).await.map_err(&fault)?;
        }
        let update = Query::update()
            .table(Alias::new(TABLE))
            .value(Alias::new("epoch"), number(to.epoch))
            .value(Alias::new("phase"), to.phase.as_str())
            .value(Alias::new("servers"), to.servers.as_str())
            .and_where(Expr::col(Alias::new("layer")).eq(self.layer.as_str()))
            .and_where(Expr::col(Alias::new("epoch")).eq(epoch))
            .and_where(Expr::col(Alias::new("phase")).eq(phase))
            .to_owned();
        let amended = write.execute(&update).await.map_err(&fault)?.rows_affected() == 1;
        write.commit().await?;
        Ok(amended)
    }
}

/// A node of a person, found by a node of the same person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer {
    /// The node asked for.
    pub asked: NodeId,
    /// The head of a person it is a member of, at home or not.
    pub subject: SubjectId,
    /// Another member of that person, or itself.
    pub member: NodeId,
}

/// Who belongs with whom, whether they are at home there or not: what is said of a shared address
/// is said of everybody who shares it.
pub struct SqlMemberships {
    database: Arc<Database>,
}

impl fmt::Debug for SqlMemberships {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlMemberships")
    }
}

impl SqlMemberships {
    /// The memberships of this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    /// Every member of every person one of these nodes is a member of; a node of nobody is absent.
    pub async fn peers(&self, tenant: &TenantId, nodes: &[NodeId]) -> Result<Vec<Peer>, Fault> {
        let fault = fault("finding who belongs with whom");
        let (mine, theirs) = (Alias::new("mine"), Alias::new("theirs"));
        let column = |of: &Alias, name: &str| Expr::col((of.clone(), Alias::new(name)));
        let mut peers = Vec::new();
        for chunk in nodes.chunks(CHUNK_MAX) {
            let same = |name: &str| column(&mine, name).eq(column(&theirs, name));
            let query = Query::select()
                .expr_as(column(&mine, "node"), Alias::new("asked"))
                .expr_as(column(&mine, "subject"), Alias::new("subject"))
                .expr_as(column(&theirs, "node"), Alias::new("member"))
                .from_as(Alias::new(MEMBERSHIP), mine.clone())
                .join_as(
                    JoinType::InnerJoin,
                    Alias::new(MEMBERSHIP),
                    theirs.clone(),
                    Cond::all().add(same("tenant")).add(same("subject")),
                )
                .and_where(column(&mine, "tenant").eq(tenant.as_str()))
                .and_where(column(&mine, "node").is_in(chunk.iter().map(|it| it.uuid())))
                .to_owned();
            for row in self.database.reader().query_all(&query).await.map_err(&fault)? {
                let uuid = |name: &str| row.try_get::<Uuid>("", name).map_err(&fault);
                peers.push(Peer {
                    asked: NodeId::from_uuid(uuid("asked")?),
                    subject: SubjectId::from_uuid(uuid("subject")?),
                    member: NodeId::from_uuid(uuid("member")?),
                });
            }
        }
        Ok(peers)
    }

    /// The heads of a tenant's people after one, ascending, at most so many.
    pub async fn heads(
        &self,
        tenant: &TenantId,
        after: Option<SubjectId>,
        limit: u64,
    ) -> Result<Vec<SubjectId>, Fault> {
        let fault = fault("listing people");
        let subject = || Expr::col(Alias::new("subject"));
        let mut query = Query::select()
            .distinct()
            .column(Alias::new("subject"))
            .from(Alias::new(MEMBERSHIP))
            .and_where(Expr::col(Alias::new("tenant")).eq(tenant.as_str()))
            .order_by(Alias::new("subject"), Order::Asc)
            .limit(limit)
            .to_owned();
        if let Some(after) = after {
            query.and_where(subject().gt(after.uuid()));
        }
        let rows = self.database.reader().query_all(&query).await.map_err(&fault)?;
        let heads = rows.iter().map(|it| it.try_get("", "subject").map(SubjectId::from_uuid));
        heads.collect::<Result<_, _>>().map_err(&fault)
    }
}

fn number(epoch: u64) -> i64 {
    i64::try_from(epoch).unwrap_or(i64::MAX)
}

/// A phase nobody knows is no charter: neither reading nor changing may go by it.
fn charter(row: &QueryResult) -> Result<Charter, DbErr> {
    let (epoch, phase): (i64, String) = (row.try_get("", "epoch")?, row.try_get("", "phase")?);
    let known = Phase::ALL.into_iter().find(|it| it.as_str() == phase);
    let phase = known.ok_or_else(|| DbErr::Type(format!("a phase called `{phase}`")))?;
    let servers = row.try_get("", "servers")?;
    Ok(Charter { epoch: u64::try_from(epoch).unwrap_or(0), phase, servers })
}

/// The table of charters.
pub(crate) fn schema() -> Step {
    let column = |name: &str| ColumnDef::new(Alias::new(name));
    let table = Table::create()
        .table(Alias::new(TABLE))
        .col(column("layer").text().not_null().primary_key())
        .col(column("epoch").big_integer().not_null())
        .col(column("phase").text().not_null())
        .col(column("servers").text().not_null())
        .to_owned();
    Step { name: "0010_activation", tables: vec![table], ..Step::default() }
}
