//! Postgres cut off, ended under its clients, or busy: what was acknowledged is there, and nobody
//! has to help.

use std::{sync::Arc, time::Duration};

use adapters::sql::{Database, outbox, outbox::SqlFactFeed};
use kernel::{Fact, FactFeed as _, FactId, Instant, Limit, TenantId};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use testkit::{Proxy, Weather};
use tokio::task::JoinSet;
use url::Url;

use super::database;

pub(super) fn fact(n: u128) -> Fact {
    Fact {
        id: FactId::from_uuid(uuid::Uuid::from_u128(n)),
        tenant: TenantId::new("acme").unwrap(),
        name: "action.decided".to_owned(),
        at: Instant::EPOCH,
        subject: None,
        nodes: Vec::new(),
        cause: None,
        trace: None,
        body: serde_json::json!({}),
    }
}

pub(super) async fn keep(database: &Database, n: u128) -> Result<(), kernel::Fault> {
    let write = database.begin("test").await?;
    let what = adapters::sql::fault("keeping a fact");
    outbox::insert(&write, &[fact(n)]).await.map_err(what)?;
    write.commit().await
}

pub(super) async fn kept(database: &Arc<Database>) -> Vec<u128> {
    let feed = SqlFactFeed::new(Arc::clone(database));
    let taken = feed.take("test", Limit::MAX).await.unwrap();
    taken.iter().map(|it| it.fact.id.uuid().as_u128()).collect()
}

/// The database behind a proxy.
pub(super) async fn behind_a_proxy(url: &Url) -> (Proxy, Url) {
    let at = (url.host_str().unwrap(), url.port().unwrap_or(5_432));
    let found = tokio::net::lookup_host(at).await.unwrap().next().unwrap();
    let proxy = Proxy::start(found).await.unwrap();
    let mut through = url.clone();
    through.set_host(Some("127.0.0.1")).unwrap();
    through.set_port(Some(proxy.address().port())).unwrap();
    (proxy, through)
}

/// Writes until told to stop; what was acknowledged, whatever was not.
pub(super) async fn writing(database: &Database, first: u128, n: u128) -> Vec<u128> {
    let mut acknowledged = Vec::new();
    for n in first..first + n {
        if keep(database, n).await.is_ok() {
            acknowledged.push(n);
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_its_connections_loses_nothing_acknowledged() {
    let url = database().await;
    let writer = Database::connect(&url).await.unwrap();
    let other = Database::connect(&url).await.unwrap();
    let mut writers = JoinSet::new();
    writers.spawn(async move { writing(&writer, 0, 400).await });
    for _ in 0..10 {
        let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                   where datname = current_database() and pid <> pg_backend_pid()";
        other.reader().execute_unprepared(end).await.unwrap();
        tokio::task::yield_now().await;
    }
    let acknowledged = writers.join_all().await.concat();
    let kept = kept(&Database::connect(&url).await.unwrap()).await;
    let missing: Vec<_> = acknowledged.iter().filter(|it| !kept.contains(it)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(acknowledged.len() >= 300, "{} of 400", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_out_of_reach_is_used_again_once_it_is_back() {
    let url = database().await;
    let (proxy, through) = behind_a_proxy(&url).await;
    let database = Database::connect(&through).await.unwrap();
    keep(&database, 1).await.unwrap();
    proxy.set(Weather::Refusing);
    let fault = keep(&database, 2).await.unwrap_err();
    assert_eq!(fault.recovery(), kernel::Recovery::Retry, "{fault}");
    proxy.set(Weather::Fair);
    keep(&database, 3).await.unwrap();
    assert_eq!(kept(&database).await, [1, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_cut_off_within_a_transition_does_not_stop_the_others() {
    let url = database().await;
    let (proxy, through) = behind_a_proxy(&url).await;
    let (cut, other) =
        (Database::connect(&through).await.unwrap(), Database::connect(&url).await.unwrap());
    let write = cut.begin("test").await.unwrap();
    outbox::insert(&write, &[fact(1)]).await.unwrap();
    let mut waiting = JoinSet::new();
    let waits = Arc::clone(&other);
    waiting.spawn(async move { keep(&waits, 2).await.unwrap() });
    proxy.set(Weather::Refusing);
    tokio::time::timeout(Duration::from_secs(20), waiting.join_all()).await.unwrap();
    assert!(write.commit().await.is_err());
    assert_eq!(kept(&other).await, [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_writers_than_connections_wait_for_their_turn() {
    let database = Database::connect(&database().await).await.unwrap();
    let mut writers = JoinSet::new();
    for n in 0..64 {
        let database = Arc::clone(&database);
        writers.spawn(async move { keep(&database, n).await.unwrap() });
    }
    writers.join_all().await;
    let mut kept = kept(&database).await;
    kept.sort_unstable();
    assert_eq!(kept, (0..64).collect::<Vec<_>>());
}

/// How many transitions of this database wait for their turn.
async fn waiting(database: &Database) -> i64 {
    let asked = "select count(*) as n from pg_locks where locktype = 'advisory' and not granted \
         and database = (select oid from pg_database where datname = current_database())";
    let asked = Statement::from_string(DbBackend::Postgres, asked);
    let row = database.reader().query_one_raw(asked).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

/// Takes what a consumer has not seen, and marks it.
async fn consume(feed: &SqlFactFeed) -> Vec<u128> {
    let taken = feed.take("law", Limit::new(50).unwrap()).await.unwrap();
    if let Some(last) = taken.last() {
        feed.done("law", last.position).await.unwrap();
    }
    taken.iter().map(|it| it.fact.id.uuid().as_u128()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_in_the_order_of_commits_whoever_writes() {
    let url = database().await;
    let (first, second) =
        (Database::connect(&url).await.unwrap(), Database::connect(&url).await.unwrap());
    let feed = SqlFactFeed::new(Database::connect(&url).await.unwrap());
    let write = first.begin("test").await.unwrap();
    outbox::insert(&write, &[fact(1)]).await.unwrap();
    let mut other = JoinSet::new();
    let ended = other.spawn(async move { keep(&second, 2).await.unwrap() });
    let mut look = tokio::time::interval(Duration::from_millis(5));
    while !ended.is_finished() && waiting(&first).await == 0 {
        look.tick().await;
    }
    // Marking waits for its turn as well, so what can be read by now is only read.
    let early = feed.take("law", Limit::new(50).unwrap()).await.unwrap();
    assert!(early.is_empty(), "a fact was committed before one that stands before it");
    write.commit().await.unwrap();
    other.join_all().await;
    assert_eq!(consume(&feed).await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_beside_four_writers_sees_every_fact_once() {
    let url = database().await;
    let mut writers = JoinSet::new();
    for process in 0..4 {
        let database = Database::connect(&url).await.unwrap();
        writers.spawn(async move { writing(&database, process * 100, 100).await });
    }
    let reader = Database::connect(&url).await.unwrap();
    let feed = SqlFactFeed::new(Arc::clone(&reader));
    let mut seen = Vec::new();
    while seen.len() < 400 {
        seen.extend(consume(&feed).await);
    }
    assert_eq!(writers.join_all().await.concat().len(), 400);
    seen.sort_unstable();
    assert_eq!(seen, (0..400).collect::<Vec<_>>());
}
