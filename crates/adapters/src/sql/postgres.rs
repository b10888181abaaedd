//! Postgres as a system of record: its connections, and the order its transitions happen in.
//!
//! Transitions take an advisory lock of their database and hold it until they have committed.
//! Writers of every process therefore come one after the other, as they do on SQLite, and what the
//! ports promise follows from the same facts on both: what a transition reads is what every earlier
//! one wrote, and positions are in the order of commits. No transition can end in a deadlock or fail
//! to serialise once it has begun, so only its beginning is tried again.

use std::time::Duration;

use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait as _, Database as Connector, DatabaseConnection,
    DatabaseTransaction, DbErr, IsolationLevel, RuntimeErr, TransactionOptions,
    TransactionTrait as _, sqlx,
};
use sea_orm_migration::MigratorTrait as _;
use url::Url;

use super::migration::Migrator;
use crate::telemetry;

/// Connections that write: one holds the order, another is next.
const WRITERS: u32 = 2;
/// Connections that read.
const READERS: u32 = 16;
/// How long opening a connection, and waiting for a free one, may each take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transition may wait for its turn.
const ORDER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one statement may take; the server ends it before the call that made it is given up.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a transition may be silent: a process that stands still must not stop the others.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a transition is begun before its fault is told: every writer's connection may be lost.
const BEGINNINGS_MAX: u32 = WRITERS + 2;

/// The lock of those who write.
const ORDER: &str = "select pg_advisory_xact_lock(4707181217)";
/// The lock of those who change the schema: processes may start together.
const MIGRATING: &str = "select pg_advisory_lock(4707181218)";

/// States in which the server undid everything and may do it another time.
const PASSING: [&str; 3] = ["40001", "40P01", "55P03"];
/// The first two characters of states in which the server lacks something, or ends.
const ENDING: [&str; 3] = ["08", "53", "57"];

/// Brings the schema up to date; opens the connections that write and those that read.
pub(super) async fn open(url: &Url) -> Result<(DatabaseConnection, DatabaseConnection), DbErr> {
    crate::system::install_tls();
    let migrating = connect(url, 1, Asked::AtUse).await?;
    migrating.execute_unprepared(MIGRATING).await?;
    Migrator::up(&migrating, None).await?;
    // The lock goes with the connection.
    migrating.close().await?;
    let writers = connect(url, WRITERS, Asked::AtUse).await?;
    Ok((writers, connect(url, READERS, Asked::Before).await?))
}

/// Begins a transition once every other has committed.
pub(super) async fn begin(
    writers: &DatabaseConnection,
    name: &'static str,
) -> Result<DatabaseTransaction, DbErr> {
    let mut begun = 1;
    loop {
        match begin_once(writers).await {
            Err(error) if begun < BEGINNINGS_MAX && may_pass(&error) => {
                telemetry::transition_begun_again(name);
                begun += 1;
            }
            done => return done,
        }
    }
}

async fn begin_once(writers: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let transaction = writers.begin().await?;
    transaction.execute_unprepared(ORDER).await?;
    Ok(transaction)
}

/// Several reads of one moment.
pub(super) fn snapshot() -> TransactionOptions {
    TransactionOptions {
        isolation_level: Some(IsolationLevel::RepeatableRead),
        access_mode: Some(AccessMode::ReadOnly),
        ..TransactionOptions::default()
    }
}

/// Whether the same may succeed another time: the connection is lost, or the server says so.
pub(super) fn may_pass(error: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    match &**error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(it) => it.code().is_some_and(|code| {
            PASSING.contains(&&*code) || code.get(..2).is_some_and(|it| ENDING.contains(&it))
        }),
        _ => false,
    }
}

/// When a connection shows whether the server at its other end is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// When it is used: what was begun on it is begun again on another.
    AtUse,
    /// Before it is used: a reading is not made again.
    Before,
}

async fn connect(url: &Url, connections: u32, asked: Asked) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url.as_str());
    options
        .max_connections(connections)
        .min_connections(1)
        .connect_timeout(CONNECT_TIMEOUT)
        .acquire_timeout(CONNECT_TIMEOUT)
        .test_before_acquire(asked == Asked::Before)
        .statement_timeout(STATEMENT_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_postgres_opts(|it| {
            let millis = |it: Duration| it.as_millis().to_string();
            it.application_name("assent").statement_cache_capacity(512).options([
                ("lock_timeout", millis(ORDER_TIMEOUT)),
                ("idle_in_transaction_session_timeout", millis(SILENCE_TIMEOUT)),
            ])
        });
    Connector::connect(options).await
}
