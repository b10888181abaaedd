//! Companions: an asker's own writes, done in the batch's transaction by whoever knows them.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use audit::{Companion, sequence::Batch};
use kernel::{Reason, TenantId};
use sea_orm::{DatabaseTransaction, DbErr};

/// What a handler says of one companion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Written; the entry may be appended.
    Apply,
    /// Not written; the entry must not be appended.
    Veto(Reason),
}

/// Knows one kind of companion.
#[async_trait]
pub trait CompanionHandler: fmt::Debug + Send + Sync + 'static {
    /// Writes what each companion asks for, or vetoes it; one verdict an item, in order.
    ///
    /// A veto must leave nothing of that item behind; an error leaves nothing of the batch.
    async fn apply(
        &self,
        transaction: &DatabaseTransaction,
        tenant: &TenantId,
        items: &[&Companion],
    ) -> Result<Vec<Verdict>, DbErr>;
}

/// The handlers, by the kind they know.
pub type Companions = BTreeMap<&'static str, Arc<dyn CompanionHandler>>;

/// Applies the companions of the items that are still in; vetoes by item.
pub(super) async fn apply(
    handlers: &Companions,
    transaction: &DatabaseTransaction,
    batch: &Batch,
    is_in: impl Fn(usize) -> bool + Send + Sync,
) -> Result<BTreeMap<usize, Reason>, DbErr> {
    let mut by_kind: BTreeMap<&str, Vec<(usize, &Companion)>> = BTreeMap::new();
    for (item, prepared) in batch.items.iter().enumerate() {
        if let Some(companion) = prepared.companion.as_ref().filter(|_| is_in(item)) {
            by_kind.entry(companion.kind).or_default().push((item, companion));
        }
    }
    let mut vetoes = BTreeMap::new();
    for (kind, items) in by_kind {
        let handler =
            handlers.get(kind).ok_or_else(|| DbErr::Custom(format!("no handler for `{kind}`")))?;
        let companions: Vec<_> = items.iter().map(|(_, it)| *it).collect();
        let verdicts = handler.apply(transaction, &batch.tenant, &companions).await?;
        if verdicts.len() != items.len() {
            return Err(DbErr::Custom(format!("handler of `{kind}` lost an item")));
        }
        for ((item, _), verdict) in items.into_iter().zip(verdicts) {
            if let Verdict::Veto(reason) = verdict {
                vetoes.insert(item, reason);
            }
        }
    }
    Ok(vetoes)
}
