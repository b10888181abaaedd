//! Every port's contract suite on SQLite, plain and traced; `it` runs most of these files on
//! Postgres as well.

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
mod lease;
mod measurement;
mod meeting;
mod outbox;
mod race;
mod rollout;
mod trail;
mod webhook;
mod witness;

/// People who withdraw in the race that must find nothing.
const RACERS: usize = 100_000;

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
