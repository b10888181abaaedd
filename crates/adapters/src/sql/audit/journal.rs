//! The log on SQL: a batch is a constant number of statements, whatever its size.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use audit::{
    entry::Leaf,
    note::Origin,
    ports::{CommitError, Committed, Drop, Dropped, Head, Journal},
    sequence::Batch,
    tree::{self, Hash},
};
use kernel::{Digest, Fact, Fault, TenantId};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, QueryResult,
    sea_query::{Alias, Expr, Query},
};

use super::{
    broken, companion,
    companion::Companions,
    signed, unsigned,
    words::{Worded, statement},
};
use crate::sql::{
    Database,
    batch::{ROWS_MAX, slices},
    fault, outbox,
};

/// Records per row: reading one decrypts nothing of the others, but reads them from disk.
pub(super) const ROW_RECORDS: usize = 16;

const HEAD: &str = "select origin, epoch, size, root from audit_log where tenant = $1";
const TAKE_OVER: &str = "insert into audit_log (tenant, origin, epoch, size, root) \
     values ($1, $2, 1, 0, $3) on conflict (tenant) do update set epoch = audit_log.epoch + 1";
const ADVANCE: &str = "update audit_log set size = $4, root = $5 \
     where tenant = $1 and epoch = $2 and size = $3";
const LEAVES: &str = "select first, leaves from audit_batch where tenant = $1 and first < $3 \
     and first >= coalesce((select max(first) from audit_batch where tenant = $1 and first <= $2), 0) \
     order by first";
const APPEND: &str = "insert into audit_batch (tenant, first, leaves) values ($1, $2, $3)";
/// Slots of 20 bytes, packed; the rows come from counting.
const KNOWN: Worded = Worded {
    sqlite: "with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < $3) \
     select n.i as item, it.position, it.fingerprint from n cross join audit_idem it \
     on it.tenant = $1 and it.slot = substr($2, n.i * 20 + 1, 20) order by n.i",
    postgres: "select n.i as item, it.position, it.fingerprint \
     from generate_series(0, $3::bigint - 1) n(i) join audit_idem it \
     on it.tenant = $1 and it.slot = substr($2::bytea, n.i::int * 20 + 1, 20) order by n.i",
};
/// Slots of 20 and fingerprints of 32 bytes, packed.
const REMEMBER: Worded = Worded {
    sqlite: "with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < $3) \
     insert into audit_idem (tenant, slot, position, fingerprint) \
     select $1, substr($2, i * 52 + 1, 20), $4 + i, substr($2, i * 52 + 21, 32) from n",
    postgres: "insert into audit_idem (tenant, slot, position, fingerprint) \
     select $1, substr($2::bytea, i::int * 52 + 1, 20), $4::bigint + i, \
     substr($2::bytea, i::int * 52 + 21, 32) from generate_series(0, $3::bigint - 1) n(i)",
};
/// Tokens of 16 and positions of 8 bytes, packed.
const INDEX: Worded = Worded {
    sqlite: "with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < $3) \
     insert into audit_token (tenant, token, position) \
     select $1, substr($2, i * 24 + 1, 16), substr($2, i * 24 + 17, 8) from n",
    postgres: "insert into audit_token (tenant, token, position) \
     select $1, substr($2::bytea, i::int * 24 + 1, 16), substr($2::bytea, i::int * 24 + 17, 8) \
     from generate_series(0, $3::bigint - 1) n(i)",
};

/// The log on SQL.
pub struct SqlJournal {
    database: Arc<Database>,
    companions: Companions,
}

impl fmt::Debug for SqlJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlJournal").field("companions", &self.companions).finish_non_exhaustive()
    }
}

impl SqlJournal {
    /// The logs of this database; companions are applied by these handlers.
    pub const fn new(database: Arc<Database>, companions: Companions) -> Self {
        Self { database, companions }
    }

    /// Which items are left out, and why.
    async fn dropped(
        &self,
        transaction: &DatabaseTransaction,
        batch: &Batch,
    ) -> Result<Vec<Dropped>, DbErr> {
        let known = known(transaction, batch).await?;
        let is_in = |item| !known.contains_key(&item);
        let vetoes = companion::apply(&self.companions, transaction, batch, is_in).await?;
        let vetoes = vetoes.into_iter().map(|(item, reason)| (item, Drop::Vetoed(reason)));
        let drops: BTreeMap<_, _> = known.into_iter().chain(vetoes).collect();
        Ok(drops.into_iter().map(|(item, why)| Dropped { item, why }).collect())
    }

    async fn try_commit(
        &self,
        transaction: &DatabaseTransaction,
        batch: &Batch,
    ) -> Result<Option<Committed>, DbErr> {
        let Some(head) = head(transaction, &batch.tenant).await? else { return Ok(None) };
        if (head.epoch, head.size) != (batch.epoch, batch.first()) {
            return Ok(None);
        }
        let dropped = self.dropped(transaction, batch).await?;
        let kept = batch.without(&dropped);
        if kept.items.is_empty() {
            return Ok(Some(Committed { head, dropped }));
        }
        let after = kept.head(&head);
        keep(transaction, &kept).await?;
        let size = signed(after.size)?;
        let tenant = kept.tenant.as_str();
        let (epoch, first) = (signed(kept.epoch)?, signed(kept.first())?);
        let root = after.root.as_bytes().to_vec();
        let values = [tenant.into(), epoch.into(), first.into(), size.into(), root.into()];
        transaction.execute_raw(statement(transaction, ADVANCE, values)).await?;
        let facts: Vec<Fact> = kept.items.iter().flat_map(|it| it.facts.iter().cloned()).collect();
        if !facts.is_empty() {
            outbox::insert(transaction, &facts).await?;
        }
        Ok(Some(Committed { head: after, dropped }))
    }
}

#[async_trait]
impl Journal for SqlJournal {
    async fn take_over(&self, tenant: &TenantId, origin: &Origin) -> Result<Head, Fault> {
        let what = "taking over the log";
        let write = self.database.begin("audit.journal.take_over").await?;
        let root = tree::empty_root().as_bytes().to_vec();
        let values = [tenant.as_str().into(), origin.as_str().into(), root.into()];
        write.execute_raw(statement(&*write, TAKE_OVER, values)).await.map_err(fault(what))?;
        let head = head(&*write, tenant).await.map_err(fault(what))?;
        write.commit().await?;
        head.ok_or(Fault::escalate(what))
    }

    async fn head(&self, tenant: &TenantId) -> Result<Option<Head>, Fault> {
        head(self.database.reader(), tenant).await.map_err(fault("reading the head of the log"))
    }

    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError> {
        let write = self.database.begin("audit.journal.commit").await?;
        let committed =
            self.try_commit(&write, batch).await.map_err(fault("committing a batch"))?;
        let committed = committed.ok_or(CommitError::Fenced)?;
        if committed.dropped.len() < batch.items.len() {
            write.commit().await?;
        }
        Ok(committed)
    }

    async fn leaves(&self, tenant: &TenantId, from: u64, limit: usize) -> Result<Vec<Leaf>, Fault> {
        leaves(self.database.reader(), tenant, from, limit).await.map_err(fault("reading leaves"))
    }
}

async fn head(connection: &impl ConnectionTrait, tenant: &TenantId) -> Result<Option<Head>, DbErr> {
    let row =
        connection.query_one_raw(statement(connection, HEAD, [tenant.as_str().into()])).await?;
    row.map(|it| {
        let origin: String = it.try_get("", "origin")?;
        Ok(Head {
            origin: Origin::new(&origin).map_err(|_| broken("origin"))?,
            epoch: unsigned(it.try_get("", "epoch")?)?,
            size: unsigned(it.try_get("", "size")?)?,
            root: Hash::from_bytes(bytes(&it, "root")?),
        })
    })
    .transpose()
}

async fn leaves(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    from: u64,
    limit: usize,
) -> Result<Vec<Leaf>, DbErr> {
    let end = from.saturating_add(u64::try_from(limit).unwrap_or(u64::MAX));
    let end = signed(end.min(u64::try_from(i64::MAX).unwrap_or(u64::MAX)))?;
    let values = [tenant.as_str().into(), signed(from)?.into(), end.into()];
    let mut leaves = Vec::new();
    for row in connection.query_all_raw(statement(connection, LEAVES, values)).await? {
        let first = unsigned(row.try_get("", "first")?)?;
        let packed: Vec<u8> = row.try_get("", "leaves")?;
        let (chunks, rest) = packed.as_chunks::<{ Leaf::BYTES }>();
        if !rest.is_empty() {
            return Err(broken("leaves"));
        }
        let ours = (first..).zip(chunks).filter(|(index, _)| *index >= from);
        leaves.extend(ours.map(|(_, it)| Leaf::from_bytes(*it)));
    }
    leaves.truncate(limit);
    Ok(leaves)
}

async fn known(
    transaction: &DatabaseTransaction,
    batch: &Batch,
) -> Result<BTreeMap<usize, Drop>, DbErr> {
    let slots: Vec<u8> = batch.items.iter().flat_map(|it| it.slot).collect();
    let count = count(batch.items.len())?;
    let values = [batch.tenant.as_str().into(), slots.into(), count.into()];
    let rows =
        transaction.query_all_raw(statement(transaction, KNOWN.on(transaction), values)).await?;
    rows.iter()
        .map(|row| {
            let item: i64 = row.try_get("", "item")?;
            let item = usize::try_from(item).map_err(|_| broken("item"))?;
            let index = unsigned(row.try_get("", "position")?)?;
            let fingerprint = Digest::from_bytes(bytes(row, "fingerprint")?);
            Ok((item, Drop::Known { index, fingerprint }))
        })
        .collect()
}

/// Writes leaves, records, keys and tokens.
async fn keep(transaction: &DatabaseTransaction, kept: &Batch) -> Result<(), DbErr> {
    let tenant = kept.tenant.as_str();
    let first = signed(kept.first())?;
    let n_items = count(kept.items.len())?;
    let leaves: Vec<u8> = kept.items.iter().flat_map(|it| *it.leaf.as_bytes()).collect();
    let values = [tenant.into(), first.into(), leaves.into()];
    transaction.execute_raw(statement(transaction, APPEND, values)).await?;

    let mut rows = Vec::with_capacity(kept.items.len().div_ceil(ROW_RECORDS));
    for (at, items) in (first..).step_by(ROW_RECORDS).zip(kept.items.chunks(ROW_RECORDS)) {
        let mut sealed = Vec::with_capacity(items.iter().map(|it| it.sealed.len() + 4).sum());
        for item in items {
            let length = u32::try_from(item.sealed.len()).map_err(|_| broken("record"))?;
            sealed.extend_from_slice(&length.to_be_bytes());
            sealed.extend_from_slice(&item.sealed);
        }
        rows.push([tenant.into(), at.into(), Expr::value(sealed)]);
    }
    for chunk in slices(&rows, ROWS_MAX) {
        let mut records = Query::insert();
        records
            .into_table(Alias::new("audit_record"))
            .columns(["tenant", "first", "sealed"].map(Alias::new));
        for row in chunk {
            records.values_panic(row.clone());
        }
        transaction.execute(&records).await?;
    }

    let mut slots = Vec::with_capacity(kept.items.len() * 52);
    let mut tokens = Vec::with_capacity(kept.items.len() * 48);
    for (index, item) in (kept.first()..).zip(&kept.items) {
        slots.extend_from_slice(&item.slot);
        slots.extend_from_slice(item.fingerprint.as_bytes());
        for token in &item.tokens {
            tokens.extend_from_slice(token.as_bytes());
            tokens.extend_from_slice(&index.to_be_bytes());
        }
    }
    let n_tokens = count(tokens.len() / 24)?;
    let values = [tenant.into(), slots.into(), n_items.into(), first.into()];
    transaction.execute_raw(statement(transaction, REMEMBER.on(transaction), values)).await?;
    if n_tokens > 0 {
        let values = [tenant.into(), tokens.into(), n_tokens.into()];
        transaction.execute_raw(statement(transaction, INDEX.on(transaction), values)).await?;
    }
    Ok(())
}

fn count(n: usize) -> Result<i64, DbErr> {
    i64::try_from(n).map_err(|_| broken("count"))
}

pub(super) fn bytes<const N: usize>(row: &QueryResult, column: &str) -> Result<[u8; N], DbErr> {
    let bytes: Vec<u8> = row.try_get("", column)?;
    bytes.try_into().map_err(|_| broken(column))
}
