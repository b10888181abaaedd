//! What the gate reads, in six statements for a whole batch.

use std::collections::{BTreeMap, BTreeSet};

use delivery::{
    caps::CAP_WINDOW_DAYS_MAX,
    contact::{ContactId, Entry},
    gate::{GateRequest, GateView, Heads},
    state::State,
};
use kernel::{Epoch, Fault, Instant, NodeId, Period, TenantId};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use uuid::Uuid;

use crate::sql::{
    delivery::{DELIVERY, all, among, contacts, eq, select},
    fault,
};

/// The views of these requests of one tenant, in order.
pub(super) async fn read(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    requests: &[GateRequest],
    now: Instant,
) -> Result<Vec<GateView>, Fault> {
    let what = "reading what the gate compares";
    let nodes: BTreeSet<NodeId> =
        requests.iter().flat_map(|it| it.person.nodes.iter().copied()).collect();
    let since = now.minus(Period::days(CAP_WINDOW_DAYS_MAX).span());
    let versions = versions(connection, tenant, requests).await.map_err(fault(what))?;
    let identity = identity(connection, tenant, requests).await.map_err(fault(what))?;
    let choices = choices(connection, tenant, &nodes).await.map_err(fault(what))?;
    let policy = policy(connection, tenant).await.map_err(fault(what))?;
    let served = served(connection, tenant, requests).await.map_err(fault(what))?;
    let rows = contacts::since(connection, tenant, nodes, since).await.map_err(fault(what))?;
    let entries = rows.into_iter().map(Entry::try_from).collect::<Result<Vec<_>, _>>()?;
    let view = |request: &GateRequest| {
        let delivery = &request.delivery;
        let own = ContactId::from(delivery.id);
        let nodes = &request.person.nodes;
        let sum = nodes.iter().filter_map(|it| choices.get(&it.uuid())).sum();
        GateView {
            version: versions.get(&delivery.id.uuid()).copied(),
            heads: Heads {
                identity: identity.get(&request.person.subject.uuid()).copied().map(Epoch),
                person: Epoch(sum),
                policy,
            },
            served: served.iter().any(|it| {
                it.id != delivery.id.uuid()
                    && it.occurrence == delivery.occurrence.0
                    && it.channel == delivery.channel.as_str()
            }),
            entries: entries
                .iter()
                .filter(|it| it.id != own && nodes.contains(&it.node))
                .cloned()
                .collect(),
        }
    };
    Ok(requests.iter().map(view).collect())
}

#[derive(Debug, FromQueryResult)]
struct VersionRow {
    id: Uuid,
    version: i64,
}

async fn versions(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    requests: &[GateRequest],
) -> Result<BTreeMap<Uuid, u32>, DbErr> {
    let query = select(DELIVERY, ["id", "version"])
        .and_where(eq("tenant", tenant.as_str()))
        .and_where(among("id", requests.iter().map(|it| it.delivery.id.uuid())))
        .to_owned();
    let rows: Vec<VersionRow> = all(connection, &query).await?;
    Ok(rows.into_iter().filter_map(|it| Some((it.id, u32::try_from(it.version).ok()?))).collect())
}

#[derive(Debug, FromQueryResult)]
struct SubjectRow {
    subject: Uuid,
    epoch: i64,
}

async fn identity(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    requests: &[GateRequest],
) -> Result<BTreeMap<Uuid, u64>, DbErr> {
    let query = select("identity_person", ["subject", "epoch"])
        .and_where(eq("tenant", tenant.as_str()))
        .and_where(among("subject", requests.iter().map(|it| it.person.subject.uuid())))
        .to_owned();
    let rows: Vec<SubjectRow> = all(connection, &query).await?;
    Ok(rows
        .into_iter()
        .filter_map(|it| Some((it.subject, u64::try_from(it.epoch).ok()?)))
        .collect())
}

#[derive(Debug, FromQueryResult)]
struct NodeRow {
    node: Uuid,
    epoch: i64,
}

async fn choices(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    nodes: &BTreeSet<NodeId>,
) -> Result<BTreeMap<Uuid, u64>, DbErr> {
    let query = select("consent_head", ["node", "epoch"])
        .and_where(eq("tenant", tenant.as_str()))
        .and_where(among("node", nodes.iter().map(|it| it.uuid())))
        .to_owned();
    let rows: Vec<NodeRow> = all(connection, &query).await?;
    Ok(rows.into_iter().filter_map(|it| Some((it.node, u64::try_from(it.epoch).ok()?))).collect())
}

#[derive(Debug, FromQueryResult)]
struct PolicyRow {
    epoch: i64,
}

async fn policy(connection: &impl ConnectionTrait, tenant: &TenantId) -> Result<Epoch, DbErr> {
    let query =
        select("policy_head", ["epoch"]).and_where(eq("tenant", tenant.as_str())).to_owned();
    let rows: Vec<PolicyRow> = all(connection, &query).await?;
    Ok(rows.first().and_then(|it| u64::try_from(it.epoch).ok()).map_or(Epoch(0), Epoch))
}

#[derive(Debug, FromQueryResult)]
struct ServedRow {
    id: Uuid,
    occurrence: Vec<u8>,
    channel: String,
}

/// Deliveries that served one of these occurrences, or may have.
async fn served(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    requests: &[GateRequest],
) -> Result<Vec<ServedRow>, DbErr> {
    let occurrences = requests.iter().map(|it| it.delivery.occurrence.0.to_vec());
    let query = select(DELIVERY, ["id", "occurrence", "channel"])
        .and_where(eq("tenant", tenant.as_str()))
        .and_where(among("occurrence", occurrences))
        .and_where(among("state", State::SERVING.iter().copied()))
        .to_owned();
    all(connection, &query).await
}
