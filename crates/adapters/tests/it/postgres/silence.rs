//! A server that says nothing, and one without a connection to spare: a fault in time, and all is
//! well again once it speaks.

use std::{sync::Arc, time::Duration};

use adapters::{
    sql::{Database, outbox::SqlFactFeed},
    traced::Traced,
};
use kernel::{FactFeed as _, Fault, Limit, Recovery};
use testkit::Weather;

use super::{
    database,
    faults::{behind_a_proxy, keep},
};

/// How long a call may take here; nothing asserts that it took so long.
const LIMIT: Duration = Duration::from_secs(1);
/// As many as there are connections that read.
const READERS: usize = 16;

/// Asks until there is an answer; a minute is for good.
async fn answered<T, F>(ask: impl Fn() -> F + Send + Sync) -> T
where
    T: Send,
    F: Future<Output = Result<T, Fault>> + Send,
{
    let asked = async {
        loop {
            if let Ok(answer) = ask().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), asked).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_network_is_a_fault_in_time_and_forgotten_once_it_speaks() {
    let (proxy, through) = behind_a_proxy(&database().await).await;
    let database = Database::connect(&through).await.unwrap();
    let feed = Traced::within(SqlFactFeed::new(Arc::clone(&database)), LIMIT);
    keep(&database, 1).await.unwrap();
    assert_eq!(feed.take("law", Limit::MAX).await.unwrap().len(), 1);
    proxy.set(Weather::Stalled);
    // More than once for each connection there is: none is lost for good.
    for _ in 0..3 {
        let (read, written) = tokio::join!(feed.take("law", Limit::MAX), feed.done("law", 1));
        assert_eq!(read.unwrap_err().recovery(), Recovery::Retry);
        assert_eq!(written.unwrap_err().recovery(), Recovery::Retry);
    }
    proxy.set(Weather::Fair);
    answered(|| feed.done("law", 1)).await;
    assert_eq!(answered(|| feed.take("law", Limit::MAX)).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_without_a_connection_to_be_had_is_a_fault_that_passes() {
    let database = Database::connect(&database().await).await.unwrap();
    let feed = SqlFactFeed::new(Arc::clone(&database));
    let mut held = Vec::new();
    for _ in 0..READERS {
        held.push(database.snapshot().await.unwrap());
    }
    let fault = feed.take("law", Limit::MAX).await.unwrap_err();
    assert_eq!(fault.recovery(), Recovery::Retry, "{fault}");
    keep(&database, 1).await.unwrap();
    held.pop().unwrap().rollback().await.unwrap();
    assert_eq!(feed.take("law", Limit::MAX).await.unwrap().len(), 1);
}
