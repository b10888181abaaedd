//! The suites of `audit` on SQL, plain and traced.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use adapters::{
    keys::{FileKek, FileSigner},
    sql::{
        audit::{
            SqlJournal, SqlKeyring, SqlRecords,
            companion::{CompanionHandler, Companions, Verdict},
        },
        outbox::SqlFactFeed,
    },
    system::SystemEntropy,
    traced::Traced,
};
use async_trait::async_trait;
use audit::{
    Companion,
    contract::{COMPANION, LogFixture, judged},
    key::{Key, KeyOwner, Kid},
    ports::{Journal, Keyring, Records},
};
use kernel::{Fact, FactFeed as _, Fault, Limit, TenantId};
use sea_orm::{
    ConnectionTrait as _, DatabaseTransaction, DbErr, Statement,
    sea_query::{Alias, ColumnDef, Order, Query, Table},
};

use super::{Fresh, fresh};

/// Writes what it applies where a rollback takes it back.
#[derive(Debug)]
struct Handler;

#[async_trait]
impl CompanionHandler for Handler {
    async fn apply(
        &self,
        transaction: &DatabaseTransaction,
        _tenant: &TenantId,
        items: &[&Companion],
    ) -> Result<Vec<Verdict>, DbErr> {
        let mut verdicts = Vec::new();
        for item in items {
            verdicts.push(match judged(item) {
                Some(reason) => Verdict::Veto(reason),
                None => {
                    let body = item.body.clone().into();
                    let insert = "insert into law (body) values ($1)";
                    let backend = transaction.get_database_backend();
                    let insert = Statement::from_sql_and_values(backend, insert, [body]);
                    transaction.execute_raw(insert).await?;
                    Verdict::Apply
                }
            });
        }
        Ok(verdicts)
    }
}

struct Fixture<J, R> {
    fresh: Fresh,
    journal: J,
    records: R,
}

#[async_trait]
impl<J: Journal, R: Records> LogFixture for Fixture<J, R> {
    fn journal(&self) -> &dyn Journal {
        &self.journal
    }

    fn records(&self) -> &dyn Records {
        &self.records
    }

    async fn facts(&self) -> Vec<Fact> {
        let feed = SqlFactFeed::new(Arc::clone(&self.fresh.database));
        let taken = feed.take("law", Limit::MAX).await.unwrap();
        taken.into_iter().map(|it| it.fact).collect()
    }

    async fn companions(&self) -> Vec<Vec<u8>> {
        let select = Query::select()
            .column(Alias::new("body"))
            .from(Alias::new("law"))
            .order_by(Alias::new("n"), Order::Asc)
            .to_owned();
        let rows = self.fresh.database.reader().query_all(&select).await.unwrap();
        rows.iter().map(|it| it.try_get("", "body").unwrap()).collect()
    }
}

async fn plain() -> Fixture<SqlJournal, SqlRecords> {
    let fresh = fresh().await;
    let write = fresh.database.begin("test").await.unwrap();
    let column = |name: &str| ColumnDef::new(Alias::new(name));
    let create = Table::create()
        .table(Alias::new("law"))
        .col(column("n").big_integer().not_null().auto_increment().primary_key())
        .col(column("body").blob().not_null())
        .to_owned();
    write.execute(&create).await.unwrap();
    write.commit().await.unwrap();
    let handlers: Companions = BTreeMap::from([(COMPANION, Arc::new(Handler) as _)]);
    let journal = SqlJournal::new(Arc::clone(&fresh.database), handlers);
    let records = SqlRecords::new(Arc::clone(&fresh.database));
    Fixture { fresh, journal, records }
}

async fn traced() -> Fixture<Traced<SqlJournal>, Traced<SqlRecords>> {
    let Fixture { fresh, journal, records } = plain().await;
    Fixture { fresh, journal: Traced::new(journal), records: Traced::new(records) }
}

audit::log_suite!(sql_log, super::plain());
audit::log_suite!(traced_sql_log, super::traced());

/// A keyring with the database it needs.
struct Keys<K> {
    keyring: K,
    _fresh: Fresh,
}

async fn keys() -> Keys<SqlKeyring> {
    let fresh = fresh().await;
    let directory = tempfile::tempdir().unwrap();
    let keyring = SqlKeyring::new(Arc::clone(&fresh.database), kek(directory.path()));
    Keys { keyring, _fresh: fresh }
}

async fn traced_keys() -> Keys<Traced<SqlKeyring>> {
    let Keys { keyring, _fresh: fresh } = keys().await;
    Keys { keyring: Traced::new(keyring), _fresh: fresh }
}

pub(super) fn kek(directory: &Path) -> Arc<FileKek> {
    Arc::new(FileKek::open(&directory.join("kek"), Arc::new(SystemEntropy)).unwrap())
}

pub(super) fn signer(directory: &Path) -> FileSigner {
    FileSigner::open(&directory.join("signer"), &SystemEntropy).unwrap()
}

impl<K: std::fmt::Debug> std::fmt::Debug for Keys<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.keyring.fmt(f)
    }
}

#[async_trait]
impl<K: Keyring> Keyring for Keys<K> {
    async fn find(
        &self,
        tenant: &TenantId,
        owners: &[KeyOwner],
    ) -> Result<Vec<Option<Key>>, Fault> {
        self.keyring.find(tenant, owners).await
    }

    async fn keep(&self, tenant: &TenantId, minted: &[(KeyOwner, Key)]) -> Result<Vec<Key>, Fault> {
        self.keyring.keep(tenant, minted).await
    }

    async fn open(&self, tenant: &TenantId, kids: &[Kid]) -> Result<Vec<Option<Key>>, Fault> {
        self.keyring.open(tenant, kids).await
    }

    async fn close(&self, tenant: &TenantId, kids: &[Kid]) -> Result<(), Fault> {
        self.keyring.close(tenant, kids).await
    }

    async fn destroy(&self, tenant: &TenantId, kids: &[Kid]) -> Result<(), Fault> {
        self.keyring.destroy(tenant, kids).await
    }
}

audit::keyring_suite!(sql_keyring, super::keys());
audit::keyring_suite!(traced_sql_keyring, super::traced_keys());
audit::signer_suite!(file_signer, async { super::signer(tempfile::tempdir().unwrap().path()) });
audit::signer_suite!(traced_file_signer, async {
    adapters::traced::Traced::new(super::signer(tempfile::tempdir().unwrap().path()))
});
