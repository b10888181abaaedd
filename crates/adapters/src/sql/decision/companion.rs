//! What is written with a decision's record, in the transaction of the log.
//!
//! A hand-off compares the heads a withdrawal raises, in the transaction that makes the decision:
//! either the withdrawal commits first and the comparison fails, or the answer was given before it.

use std::collections::{BTreeMap, BTreeSet};

use audit::entry::Companion as Carried;
use decision::{
    companion::Companion,
    occurrence::{Settlement, State},
    ports::Handoff,
    reasons,
};
use kernel::{Epoch, Epochs, OccurrenceKey, Reason, TenantId};
use sea_orm::{DatabaseTransaction, DbErr, FromQueryResult};
use uuid::Uuid;

use super::{OCCURRENCE, all, among, eq, select, timetable};
use crate::sql::audit::companion::Verdict;

#[derive(Debug, FromQueryResult)]
struct FenceRow {
    key: Vec<u8>,
    fence: i64,
    state: String,
}

#[derive(Debug, FromQueryResult)]
struct SubjectRow {
    subject: Uuid,
    epoch: i64,
}

#[derive(Debug, FromQueryResult)]
struct NodeRow {
    node: Uuid,
    epoch: i64,
}

#[derive(Debug, FromQueryResult)]
struct PolicyRow {
    epoch: i64,
}

/// Where the occurrences of a batch stand.
type Fences = BTreeMap<Vec<u8>, (u64, State)>;

/// The heads of everyone a batch hands something to.
#[derive(Debug, Default)]
struct Heads {
    identity: BTreeMap<Uuid, u64>,
    choices: BTreeMap<Uuid, u64>,
    policy: u64,
}

/// The companions of these items, in order.
pub(in crate::sql) fn decoded(items: &[&Carried]) -> Result<Vec<Companion>, DbErr> {
    items
        .iter()
        .map(|it| Companion::decode(&it.body).map_err(|it| DbErr::Custom(it.to_string())))
        .collect()
}

/// Judges companions in order and settles those that stand; a hand-off that would be made is asked
/// of the last judge, who may still refuse it.
pub(in crate::sql) async fn make(
    transaction: &DatabaseTransaction,
    tenant: &TenantId,
    companions: &[Companion],
    last: &mut (dyn FnMut(&Handoff) -> Option<Reason> + Send),
) -> Result<Vec<Verdict>, DbErr> {
    let mut fences = fences(transaction, tenant, companions).await?;
    let heads = heads(transaction, tenant, companions).await?;
    let mut verdicts = Vec::with_capacity(companions.len());
    for companion in companions {
        let veto = judge(companion, &fences, &heads)
            .or_else(|| companion.handoff.as_ref().and_then(&mut *last));
        if veto.is_none() {
            for it in &companion.settlements {
                timetable::settle(transaction, tenant, it).await?;
                fences.remove(it.key.0.as_slice());
            }
        }
        verdicts.push(veto.map_or(Verdict::Apply, Verdict::Veto));
    }
    Ok(verdicts)
}

/// Why a companion must not be written, if there is a reason.
fn judge(companion: &Companion, fences: &Fences, heads: &Heads) -> Option<Reason> {
    if !companion.settlements.iter().all(|it| stands(it, fences)) {
        return Some(reasons::JRN_FENCED);
    }
    let moved = companion.handoff.as_ref().is_some_and(|it| !heads.allow(it));
    moved.then_some(reasons::PRM_MOVED)
}

fn stands(it: &Settlement, fences: &Fences) -> bool {
    let found = fences.get(it.key.0.as_slice());
    found.is_some_and(|(fence, state)| *fence == it.fence && state.may_become(it.state))
}

impl Heads {
    fn allow(&self, it: &Handoff) -> bool {
        // Nobody is there to hand anything to.
        let Some(identity) = self.identity.get(&it.subject.uuid()) else { return false };
        let now = Epochs {
            identity: Epoch(*identity),
            person: Epoch(it.nodes.iter().filter_map(|n| self.choices.get(&n.uuid())).sum()),
            policy: Epoch(self.policy),
        };
        now == it.epochs && it.at < it.good_until
    }
}

async fn fences(
    transaction: &DatabaseTransaction,
    tenant: &TenantId,
    companions: &[Companion],
) -> Result<Fences, DbErr> {
    let keys: BTreeSet<OccurrenceKey> =
        companions.iter().flat_map(|it| &it.settlements).map(|it| it.key).collect();
    if keys.is_empty() {
        return Ok(Fences::new());
    }
    let query = select(OCCURRENCE, ["key", "fence", "state"])
        .and_where(eq("tenant", tenant.as_str()))
        .and_where(among("key", keys.iter().map(|it| it.0.to_vec())))
        .to_owned();
    let rows: Vec<FenceRow> = all(transaction, &query).await?;
    let known = |it: FenceRow| {
        let fence = u64::try_from(it.fence).ok()?;
        Some((it.key, (fence, State::parse(&it.state)?)))
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

async fn heads(
    transaction: &DatabaseTransaction,
    tenant: &TenantId,
    companions: &[Companion],
) -> Result<Heads, DbErr> {
    let handoffs: Vec<&Handoff> = companions.iter().filter_map(|it| it.handoff.as_ref()).collect();
    if handoffs.is_empty() {
        return Ok(Heads::default());
    }
    let subjects: BTreeSet<Uuid> = handoffs.iter().map(|it| it.subject.uuid()).collect();
    let nodes: BTreeSet<Uuid> =
        handoffs.iter().flat_map(|it| &it.nodes).map(|it| it.uuid()).collect();
    let mine = || eq("tenant", tenant.as_str());
    let identity = select("identity_person", ["subject", "epoch"])
        .and_where(mine())
        .and_where(among("subject", subjects))
        .to_owned();
    let choices = select("consent_head", ["node", "epoch"])
        .and_where(mine())
        .and_where(among("node", nodes))
        .to_owned();
    let policy = select("policy_head", ["epoch"]).and_where(mine()).to_owned();
    let identity: Vec<SubjectRow> = all(transaction, &identity).await?;
    let choices: Vec<NodeRow> = all(transaction, &choices).await?;
    let policy: Vec<PolicyRow> = all(transaction, &policy).await?;
    let unsigned = |it: i64| u64::try_from(it).ok();
    Ok(Heads {
        identity: identity
            .into_iter()
            .filter_map(|it| Some((it.subject, unsigned(it.epoch)?)))
            .collect(),
        choices: choices
            .into_iter()
            .filter_map(|it| Some((it.node, unsigned(it.epoch)?)))
            .collect(),
        policy: policy.first().and_then(|it| unsigned(it.epoch)).unwrap_or(0),
    })
}
