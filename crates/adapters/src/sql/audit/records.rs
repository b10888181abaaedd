//! The sealed records on SQL, read a few rows at a time.

use std::{collections::BTreeSet, fmt, sync::Arc};

use async_trait::async_trait;
use audit::{
    entry::EntryKind,
    ports::{Records, Stored},
    seal,
    sequence::Token,
};
use kernel::{Fault, Limit, TenantId};
use sea_orm::{ConnectionTrait as _, DbErr, QueryResult};

use super::{
    broken,
    journal::bytes,
    signed, unsigned,
    words::{Worded, statement},
};
use crate::sql::{Database, fault};

const STORED: Worded = Worded {
    sqlite: "select first, sealed from audit_record where tenant = $1 and first in \
     (select (select max(first) from audit_record where tenant = $1 and first <= it.value) \
      from json_each($2) it) order by first",
    postgres: "select first, sealed from audit_record where tenant = $1 and first in \
     (select (select max(first) from audit_record where tenant = $1 and first <= it.value::bigint) \
      from json_array_elements_text($2::text::json) it(value)) order by first",
};
const LOCATE: &str = "select position from audit_token \
     where tenant = $1 and token = $2 and position >= $3 order by position limit $4";
const PAGE: &str = "select first, sealed from audit_record where tenant = $1 \
     and first >= coalesce((select max(first) from audit_record where tenant = $1 and first <= $2), 0) \
     order by first limit 64";

/// The sealed records on SQL.
pub struct SqlRecords {
    database: Arc<Database>,
}

impl fmt::Debug for SqlRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlRecords")
    }
}

impl SqlRecords {
    /// The records of this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    async fn try_stored(&self, tenant: &TenantId, indices: &[u64]) -> Result<Vec<Stored>, DbErr> {
        if indices.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: BTreeSet<_> = indices.iter().copied().collect();
        let list = serde_json::to_string(&wanted).map_err(|it| DbErr::Custom(it.to_string()))?;
        let values = [tenant.as_str().into(), list.into()];
        let reader = self.database.reader();
        let rows = reader.query_all_raw(statement(reader, STORED.on(reader), values)).await?;
        let mut stored = Vec::new();
        for row in &rows {
            for (index, sealed) in Row::read(row)?.items()? {
                if wanted.contains(&index) {
                    stored.push(decoded(index, sealed)?);
                }
            }
        }
        Ok(stored)
    }

    async fn try_locate(
        &self,
        tenant: &TenantId,
        token: &Token,
        from: u64,
        limit: Limit,
    ) -> Result<Vec<u64>, DbErr> {
        let token = token.as_bytes().to_vec();
        let from = from.to_be_bytes().to_vec();
        let limit = i64::from(limit.get());
        let values = [tenant.as_str().into(), token.into(), from.into(), limit.into()];
        let reader = self.database.reader();
        let rows = reader.query_all_raw(statement(reader, LOCATE, values)).await?;
        rows.iter().map(|it| Ok(u64::from_be_bytes(bytes(it, "position")?))).collect()
    }

    async fn try_page(
        &self,
        tenant: &TenantId,
        kind: Option<EntryKind>,
        mut from: u64,
        limit: Limit,
    ) -> Result<Vec<Stored>, DbErr> {
        let limit = usize::from(limit.get());
        let mut page = Vec::new();
        loop {
            let values = [tenant.as_str().into(), signed(from)?.into()];
            let reader = self.database.reader();
            let rows = reader.query_all_raw(statement(reader, PAGE, values)).await?;
            let start = from;
            for row in &rows {
                for (index, sealed) in Row::read(row)?.items()? {
                    let is_kind = kind.is_none_or(|it| sealed.get(1) == Some(&it.code()));
                    if index >= start && is_kind && page.len() < limit {
                        page.push(decoded(index, sealed)?);
                    }
                    from = from.max(index + 1);
                }
            }
            if page.len() == limit || from == start {
                return Ok(page);
            }
        }
    }
}

#[async_trait]
impl Records for SqlRecords {
    async fn stored(&self, tenant: &TenantId, indices: &[u64]) -> Result<Vec<Stored>, Fault> {
        self.try_stored(tenant, indices).await.map_err(fault("reading records"))
    }

    async fn locate(
        &self,
        tenant: &TenantId,
        token: &Token,
        after: Option<u64>,
        limit: Limit,
    ) -> Result<Vec<u64>, Fault> {
        let from = after.map_or(0, |it| it.saturating_add(1));
        self.try_locate(tenant, token, from, limit).await.map_err(fault("locating records"))
    }

    async fn page(
        &self,
        tenant: &TenantId,
        kind: Option<EntryKind>,
        after: Option<u64>,
        limit: Limit,
    ) -> Result<Vec<Stored>, Fault> {
        let from = after.map_or(0, |it| it.saturating_add(1));
        self.try_page(tenant, kind, from, limit).await.map_err(fault("paging records"))
    }
}

/// One row: records from an index on.
struct Row {
    first: u64,
    packed: Vec<u8>,
}

impl Row {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let first = unsigned(row.try_get("", "first")?)?;
        Ok(Self { first, packed: row.try_get("", "sealed")? })
    }

    /// The sealed records of the row with their indices.
    fn items(&self) -> Result<Vec<(u64, &[u8])>, DbErr> {
        let mut rest = self.packed.as_slice();
        let mut items = Vec::with_capacity(super::journal::ROW_RECORDS);
        let mut index = self.first;
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            let (sealed, tail) = tail.split_at_checked(length).ok_or_else(|| broken("record"))?;
            items.push((index, sealed));
            index += 1;
            rest = tail;
        }
        Ok(items)
    }
}

fn decoded(index: u64, sealed: &[u8]) -> Result<Stored, DbErr> {
    let sealed = seal::decode(sealed).map_err(|_| broken("record"))?;
    Ok(Stored { index, sealed })
}
