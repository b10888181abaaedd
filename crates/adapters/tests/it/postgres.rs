//! Every port's contract suite on Postgres, plain and traced, and what only Postgres can show.

use std::sync::Arc;

use adapters::sql::Database;
use url::Url;

#[path = "../sqlite/audit.rs"]
mod audit;
#[path = "../sqlite/companion.rs"]
mod companion;
#[path = "../sqlite/consent.rs"]
mod consent;
#[path = "../sqlite/context.rs"]
mod context;
#[path = "../sqlite/decision.rs"]
mod decision;
#[path = "../sqlite/delivery.rs"]
mod delivery;
#[path = "../sqlite/identity.rs"]
mod identity;
#[path = "../sqlite/lease.rs"]
mod lease;
#[path = "../sqlite/measurement.rs"]
mod measurement;
#[path = "../sqlite/outbox.rs"]
mod outbox;
#[path = "../sqlite/race.rs"]
pub(crate) mod race;
#[path = "../sqlite/rollout.rs"]
mod rollout;

mod faults;
mod leaders;
mod programs;
mod silence;
mod turns;

/// People who withdraw in the race that must find nothing.
const RACERS: usize = 20_000;

/// A database of its own for one test.
#[derive(Debug)]
struct Fresh {
    database: Arc<Database>,
}

/// A database like one whose schema is up to date.
pub(crate) async fn database() -> Url {
    let migrated = async |url: Url| Database::connect(&url).await.unwrap().close().await.unwrap();
    testkit::postgres::from_template("adapters", migrated).await
}

/// A fresh database.
async fn fresh() -> Fresh {
    Fresh { database: Database::connect(&database().await).await.unwrap() }
}
