//! The servers of the run: tests that share them never meet.
#![expect(clippy::unwrap_used, reason = "what a test cannot do fails it")]

use std::sync::atomic::{AtomicUsize, Ordering};

use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use testkit::{postgres, redis};
use tokio::task::JoinSet;
use url::Url;

async fn run(url: &Url, sql: &str) {
    let connection = Database::connect(url.as_str()).await.unwrap();
    connection.execute_unprepared(sql).await.unwrap();
    connection.close().await.unwrap();
}

async fn has_table(url: &Url, name: &str) -> bool {
    let connection = Database::connect(url.as_str()).await.unwrap();
    let sql = format!("select 1 where to_regclass('{name}') is not null");
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
    connection.close().await.unwrap();
    row.unwrap().is_some()
}

#[tokio::test]
async fn a_fresh_database_is_empty_and_nobody_elses() {
    let (mine, other) = (postgres::fresh().await, postgres::fresh().await);
    run(&mine, "create table mine (id int)").await;
    assert!(has_table(&mine, "mine").await);
    assert!(!has_table(&other, "mine").await);
    assert!(!has_table(&postgres::fresh().await, "mine").await);
}

#[tokio::test]
async fn a_template_is_prepared_once_and_its_copies_are_apart() {
    let prepared = AtomicUsize::new(0);
    let prepare = async |url: Url| {
        prepared.fetch_add(1, Ordering::Relaxed);
        run(&url, "create table shared (id int)").await;
    };
    let (mine, other) = tokio::join!(
        postgres::from_template("once", prepare),
        postgres::from_template("once", prepare)
    );
    assert_eq!(prepared.load(Ordering::Relaxed), 1);
    assert!(has_table(&mine, "shared").await && has_table(&other, "shared").await);
    run(&mine, "drop table shared").await;
    assert!(has_table(&other, "shared").await);
}

#[tokio::test]
async fn a_preparation_that_failed_is_made_again() {
    let mut tasks = JoinSet::new();
    tasks.spawn(postgres::from_template("again", async |url: Url| {
        run(&url, "create table half (id int)").await;
        panic!("half way");
    }));
    assert!(tasks.join_next().await.unwrap().unwrap_err().is_panic());
    let url = postgres::from_template("again", async |url: Url| {
        run(&url, "create table whole (id int)").await;
    });
    let url = url.await;
    assert!(has_table(&url, "whole").await && !has_table(&url, "half").await);
}

#[tokio::test]
async fn prefixes_differ_and_the_server_answers() {
    let (mine, other) = (redis::prefix(), redis::prefix());
    assert_ne!(mine, other);
    let client = ::redis::Client::open(redis::server().as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("{mine}key");
    let () = ::redis::cmd("SET").arg(&key).arg(1).query_async(&mut connection).await.unwrap();
    let found: Vec<String> =
        ::redis::cmd("KEYS").arg(format!("{other}*")).query_async(&mut connection).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
}
