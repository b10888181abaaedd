//! Every port's contract suite on SQLite, plain and traced.

#![expect(clippy::unwrap_used, reason = "a broken law panics")]

use std::sync::Arc;

use adapters::sql::Database;

mod activation;
mod audit;
mod companion;
mod consent;
mod context;
mod decision;
mod delivery;
mod identity;
mod measurement;
mod outbox;
mod race;
mod rollout;

/// A database of its own for one test, removed with it.
#[derive(Debug)]
struct Fresh {
    database: Arc<Database>,
    _directory: tempfile::TempDir,
}

/// A fresh database.
async fn fresh() -> Fresh {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open(&directory.path().join("assent.db")).await.unwrap();
    Fresh { database, _directory: directory }
}
