//! A server of a test's own, crashed and started again: needs the programs of Postgres.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use adapters::sql::Database;
use testkit::servers::OwnPostgres;
use tokio::{sync::mpsc, task::JoinSet};

use super::faults::{keep, kept};

/// Processes that write.
const WRITERS: u64 = 3;
/// What is acknowledged before the crash, and at least once more after it.
const EACH_SIDE: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_under_load_loses_nothing_acknowledged_and_is_used_again() {
    let mut server = OwnPostgres::start().await.unwrap();
    let (told, mut acknowledged) = mpsc::unbounded_channel();
    let (mut writers, next) = (JoinSet::new(), Arc::new(AtomicU64::new(0)));
    for _ in 0..WRITERS {
        let database = Database::connect(&server.url).await.unwrap();
        let (told, next) = (told.clone(), next.clone());
        writers.spawn(async move {
            while !told.is_closed() {
                let n = u128::from(next.fetch_add(1, Ordering::Relaxed));
                if keep(&database, n).await.is_ok() {
                    told.send(n).unwrap_or(());
                }
            }
        });
    }
    let mut seen = Vec::new();
    for _ in 0..EACH_SIDE {
        seen.push(acknowledged.recv().await.unwrap());
    }
    server.crash().await.unwrap();
    // Whatever was acknowledged by now was so before the crash.
    while let Ok(n) = acknowledged.try_recv() {
        seen.push(n);
    }
    server.start_again().await.unwrap();
    for _ in 0..EACH_SIDE {
        seen.push(acknowledged.recv().await.unwrap());
    }
    acknowledged.close();
    writers.join_all().await;
    while let Ok(n) = acknowledged.try_recv() {
        seen.push(n);
    }
    let kept = kept(&Database::connect(&server.url).await.unwrap()).await;
    let missing: Vec<_> = seen.iter().filter(|it| !kept.contains(it)).collect();
    assert!(missing.is_empty(), "{missing:?} of {}", seen.len());
}
