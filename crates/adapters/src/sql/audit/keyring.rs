//! Wrapped keys on SQL, in a file of their own; their owners are blinded.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use audit::{
    key::{Key, KeyOwner, Kid},
    ports::Keyring,
    seal,
};
use kernel::{Fault, TenantId};
use sea_orm::{
    ConnectionTrait, DbErr,
    sea_query::{Alias, Expr, ExprTrait as _, OnConflict, Query},
};

use super::{broken, journal::bytes};
use crate::{
    keys::FileKek,
    sql::{Database, batch::padded, fault},
};

/// Rows per statement.
const ROWS_MAX: usize = 1_000;

/// A key as it is kept, with its blinded owner.
type Wrapped = ([u8; 32], Key);

/// The key store on SQL.
pub struct SqlKeyring {
    database: Arc<Database>,
    kek: Arc<FileKek>,
}

impl fmt::Debug for SqlKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlKeyring")
    }
}

impl SqlKeyring {
    /// The keys in this database, wrapped by this key; not the database of the records.
    pub const fn new(database: Arc<Database>, kek: Arc<FileKek>) -> Self {
        Self { database, kek }
    }

    /// The keys of a tenant whose column is one of these values.
    async fn rows(
        &self,
        connection: &impl ConnectionTrait,
        tenant: &TenantId,
        column: &'static str,
        values: Vec<Vec<u8>>,
    ) -> Result<Vec<Wrapped>, DbErr> {
        let mut found = Vec::with_capacity(values.len());
        for values in values.chunks(ROWS_MAX) {
            let query = Query::select()
                .columns(["kid", "owner", "wrapped"].map(Alias::new))
                .from(Alias::new("audit_key"))
                .and_where(Expr::col(Alias::new("tenant")).eq(tenant.as_str()))
                .and_where(Expr::col(Alias::new(column)).is_in(padded(values.iter().cloned())))
                .to_owned();
            for row in connection.query_all(&query).await? {
                let kid = Kid::from_bytes(bytes(&row, "kid")?);
                let owner = bytes(&row, "owner")?;
                let wrapped: Vec<u8> = row.try_get("", "wrapped")?;
                let key = self.kek.unwrap(kid, &wrapped, &owner).map_err(|_| broken("key"))?;
                found.push((owner, key));
            }
        }
        Ok(found)
    }

    async fn insert(
        &self,
        connection: &impl ConnectionTrait,
        tenant: &TenantId,
        minted: &[([u8; 32], &Key)],
    ) -> Result<(), DbErr> {
        for minted in minted.chunks(ROWS_MAX) {
            let mut insert = Query::insert();
            insert
                .into_table(Alias::new("audit_key"))
                .columns(["kid", "tenant", "owner", "wrapped"].map(Alias::new));
            for (owner, key) in minted {
                let wrapped = self.kek.wrap(key, owner).map_err(|_| broken("key"))?;
                insert.values_panic([
                    key.kid().as_bytes().to_vec().into(),
                    tenant.as_str().into(),
                    owner.to_vec().into(),
                    wrapped.into(),
                ]);
            }
            let owners = OnConflict::columns(["tenant", "owner"].map(Alias::new));
            insert.on_conflict(owners.clone().do_nothing().to_owned());
            connection.execute(&insert).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Keyring for SqlKeyring {
    async fn find(
        &self,
        tenant: &TenantId,
        owners: &[KeyOwner],
    ) -> Result<Vec<Option<Key>>, Fault> {
        let blind: Vec<_> = owners.iter().map(|it| self.kek.blind(tenant, it)).collect();
        let values = blind.iter().map(|it| it.to_vec()).collect();
        let rows = self.rows(self.database.reader(), tenant, "owner", values).await;
        let mut keys: BTreeMap<_, _> = rows.map_err(fault("finding keys"))?.into_iter().collect();
        Ok(blind.iter().map(|it| keys.remove(it)).collect())
    }

    async fn keep(&self, tenant: &TenantId, minted: &[(KeyOwner, Key)]) -> Result<Vec<Key>, Fault> {
        let what = "keeping keys";
        let minted: Vec<_> =
            minted.iter().map(|(owner, key)| (self.kek.blind(tenant, owner), key)).collect();
        let write = self.database.begin("audit.keyring.keep").await?;
        self.insert(&*write, tenant, &minted).await.map_err(fault(what))?;
        let values = minted.iter().map(|(owner, _)| owner.to_vec()).collect();
        let rows = self.rows(&*write, tenant, "owner", values).await.map_err(fault(what))?;
        write.commit().await?;
        let kept: BTreeMap<_, _> = rows.into_iter().collect();
        let keys = minted.iter().map(|(owner, _)| kept.get(owner).cloned());
        keys.collect::<Option<_>>().ok_or(Fault::escalate(what))
    }

    async fn open(&self, tenant: &TenantId, kids: &[Kid]) -> Result<Vec<Option<Key>>, Fault> {
        let values = kids.iter().map(|it| it.as_bytes().to_vec()).collect();
        let rows = self.rows(self.database.reader(), tenant, "kid", values).await;
        let keys: BTreeMap<_, _> = rows
            .map_err(fault("opening keys"))?
            .into_iter()
            .map(|(_, key)| (key.kid(), key))
            .collect();
        Ok(kids.iter().map(|it| keys.get(it).cloned()).collect())
    }

    async fn close(&self, tenant: &TenantId, kids: &[Kid]) -> Result<(), Fault> {
        let what = "closing keys";
        let values = kids.iter().map(|it| it.as_bytes().to_vec()).collect();
        let write = self.database.begin("audit.keyring.close").await?;
        let rows = self.rows(&*write, tenant, "kid", values).await.map_err(fault(what))?;
        for (owner, key) in rows {
            let nobody = nobody(&key);
            if owner == nobody {
                continue;
            }
            let wrapped =
                self.kek.wrap(&key, &nobody).map_err(|it| Fault::escalate(what).because(it))?;
            let update = Query::update()
                .table(Alias::new("audit_key"))
                .values([
                    (Alias::new("owner"), nobody.to_vec().into()),
                    (Alias::new("wrapped"), wrapped.into()),
                ])
                .and_where(Expr::col(Alias::new("tenant")).eq(tenant.as_str()))
                .and_where(Expr::col(Alias::new("kid")).eq(key.kid().as_bytes().to_vec()))
                .to_owned();
            write.execute(&update).await.map_err(fault(what))?;
        }
        write.commit().await
    }

    async fn destroy(&self, tenant: &TenantId, kids: &[Kid]) -> Result<(), Fault> {
        let what = "destroying keys";
        let write = self.database.begin("audit.keyring.destroy").await?;
        for kids in kids.chunks(ROWS_MAX) {
            let named = kids.iter().map(|it| it.as_bytes().to_vec());
            let delete = Query::delete()
                .from_table(Alias::new("audit_key"))
                .and_where(Expr::col(Alias::new("tenant")).eq(tenant.as_str()))
                .and_where(Expr::col(Alias::new("kid")).is_in(named))
                .to_owned();
            write.execute(&delete).await.map_err(fault(what))?;
        }
        write.commit().await?;
        if !self.database.is_shared() {
            // The bytes are overwritten in the file (`secure_delete`), and the log of the file, where
            // they were before, is emptied.
            let writer = self.database.writer();
            writer.execute_unprepared(EMPTY_LOG).await.map_err(fault(what))?;
        }
        Ok(())
    }
}

const EMPTY_LOG: &str = "pragma wal_checkpoint(truncate)";

/// The owner of a closed key: the key itself, so that nobody finds it.
fn nobody(key: &Key) -> [u8; 32] {
    seal::derived(key, b"closed\0")
}
