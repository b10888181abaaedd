//! The systems of record through sea-orm, on SQLite or on Postgres.
//!
//! Transitions happen one after the other: on SQLite one connection writes (`BEGIN IMMEDIATE`, WAL,
//! `synchronous=FULL`), on Postgres writers of every process take turns. Several connections read.
//! A transition is one [`Write`]: dropped, it never happened.

use std::{ops::Deref, path::Path, sync::Arc, time::Instant};

use kernel::Fault;
use sea_orm::{
    ConnectOptions, Database as Connector, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use url::Url;

use crate::telemetry;

pub mod activation;
pub mod audit;
mod batch;
pub mod companion;
pub mod consent;
pub mod context;
pub mod decision;
pub mod delivery;
pub mod identity;
pub mod lease;
pub mod measurement;
pub mod migration;
pub mod outbox;
mod postgres;
pub mod rollout;

/// Connections that read; writers are one by SQLite's nature.
const READERS: u32 = 4;
/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT_SECONDS: u64 = 10;

/// How far the log of a file grows before it is written back, in pages of 4 KiB: the rarer, the
/// fewer writes of a page that changes often, and the longer a start after a crash takes.
const CHECKPOINT_PAGES: u32 = 8_192;

/// One database with its writers and its readers.
#[derive(Debug, Clone)]
pub struct Database {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
}

impl Database {
    /// Opens or creates the file and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Arc<Self>, Fault> {
        let fault = fault("opening the database");
        let writer = connect(path, 1).await.map_err(&fault)?;
        migration::Migrator::up(&writer, None).await.map_err(&fault)?;
        let reader = connect(path, READERS).await.map_err(&fault)?;
        Ok(Arc::new(Self { writer, reader }))
    }

    /// Opens the database of this name (`postgres://..`) and brings its schema up to date.
    pub async fn connect(url: &Url) -> Result<Arc<Self>, Fault> {
        let (writer, reader) = postgres::open(url).await.map_err(fault("opening the database"))?;
        Ok(Arc::new(Self { writer, reader }))
    }

    /// Whether other processes may be writing to it: what they change, nobody tells this one.
    pub fn is_shared(&self) -> bool {
        self.reader.get_database_backend() == DbBackend::Postgres
    }

    /// Connections for reading outside a transition.
    pub const fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// A connection for a transition of one statement that writes no facts.
    pub const fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Several reads of one moment, outside a transition.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        if self.is_shared() {
            return self.reader.begin_with_options(postgres::snapshot()).await;
        }
        self.reader.begin().await
    }

    /// Begins a transition; `name` is `domain.port.method`.
    pub async fn begin(&self, name: &'static str) -> Result<Write, Fault> {
        let asked = Instant::now();
        let begun = if self.is_shared() {
            postgres::begin(&self.writer, name).await
        } else {
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            self.writer.begin_with_options(options).await
        };
        telemetry::transition_waited(name, begun.is_err(), asked.elapsed().as_secs_f64());
        let transaction = begun.map_err(fault("beginning a transition"))?;
        Ok(Write { transaction, name })
    }

    /// Closes every connection.
    pub async fn close(&self) -> Result<(), Fault> {
        let fault = fault("closing the database");
        self.reader.clone().close().await.map_err(&fault)?;
        self.writer.clone().close().await.map_err(&fault)
    }
}

/// A transition under way: everything in it happens, or nothing does.
#[derive(Debug)]
pub struct Write {
    transaction: DatabaseTransaction,
    name: &'static str,
}

impl Write {
    /// Makes it happen: durable when this returns.
    pub async fn commit(self) -> Result<(), Fault> {
        let name = self.name;
        self.transaction.commit().await.map_err(|it| Fault::retry(name).because(it))
    }

    /// The transition's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl Deref for Write {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.transaction
    }
}

/// Turns a database error into a fault that says what was attempted.
pub fn fault(what: &'static str) -> impl Fn(DbErr) -> Fault {
    move |error| match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Fault::retry(what).because(error),
        _ if postgres::may_pass(&error) => Fault::retry(what).because(error),
        _ => Fault::escalate(what).because(error),
    }
}

async fn connect(path: &Path, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    let path = path.to_path_buf();
    options
        .max_connections(connections)
        .min_connections(1)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |it| {
            use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            it.filename(&path)
                .in_memory(false)
                .shared_cache(false)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(false)
                .busy_timeout(std::time::Duration::from_secs(BUSY_TIMEOUT_SECONDS))
                .statement_cache_capacity(512)
                .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
                .pragma("secure_delete", "on")
                .pragma("cache_size", "-65536")
                .pragma("mmap_size", "268435456")
        });
    Connector::connect(options).await
}
