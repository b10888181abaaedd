//! Transitions that would conflict take turns instead; and how long they wait for them is counted.

use std::sync::Arc;

use adapters::{
    sql::Database,
    telemetry::{Telemetry, TelemetryConfig},
};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, IsolationLevel, Statement, TransactionTrait as _,
};
use testkit::Sink;
use tokio::{sync::Barrier, task::JoinSet};

use super::{database, faults::keep};

/// Processes that write the same row.
const PROCESSES: i64 = 3;
/// How often each does.
const EACH: i64 = 40;

async fn count(on: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let asked = Statement::from_string(DbBackend::Postgres, "select n from counted");
    let row = on.query_one_raw(asked).await?;
    row.map_or(Ok(0), |it| it.try_get("", "n"))
}

/// Writes one more than it has read.
async fn count_on(on: &impl ConnectionTrait) -> Result<(), DbErr> {
    let next = count(on).await? + 1;
    on.execute_unprepared(&format!("update counted set n = {next}")).await.map(drop)
}

async fn counted() -> (url::Url, Arc<Database>) {
    let url = database().await;
    let database = Database::connect(&url).await.unwrap();
    let made = "create table counted (n bigint not null); insert into counted values (0)";
    database.reader().execute_unprepared(made).await.unwrap();
    (url, database)
}

#[tokio::test(flavor = "multi_thread")]
async fn transitions_that_write_what_others_have_read_lose_no_write_and_never_conflict() {
    let (url, reader) = counted().await;
    let mut processes = JoinSet::new();
    for _ in 0..PROCESSES {
        let database = Database::connect(&url).await.unwrap();
        processes.spawn(async move {
            for _ in 0..EACH {
                let write = database.begin("test").await.unwrap();
                count_on(&*write).await.unwrap();
                write.commit().await.unwrap();
            }
        });
    }
    processes.join_all().await;
    assert_eq!(count(reader.reader()).await.unwrap(), PROCESSES * EACH);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_turns_the_same_transitions_conflict() {
    let (_, database) = counted().await;
    let both = Arc::new(Barrier::new(2));
    let mut processes = JoinSet::new();
    for _ in 0..2 {
        let (database, both) = (Arc::clone(&database), both.clone());
        processes.spawn(async move {
            let level = Some(IsolationLevel::Serializable);
            let begun = database.reader().begin_with_config(level, None).await.unwrap();
            count(&begun).await.unwrap();
            both.wait().await;
            count_on(&begun).await?;
            begun.commit().await
        });
    }
    let ended = processes.join_all().await;
    let conflicts: Vec<_> = ended.into_iter().filter_map(Result::err).collect();
    let [conflict] = conflicts.as_slice() else { panic!("{} conflicts", conflicts.len()) };
    assert!(conflict.to_string().contains("could not serialize"), "{conflict}");
    assert_eq!(count(database.reader()).await.unwrap(), 1);
}

/// Members of a protobuf message, by number; of one that is not told by its length, its eight bytes.
fn members(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut out = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let width = match tag & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)).unwrap(),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (member, rest) = message.split_at(width);
        message = rest;
        out.push((tag >> 3, member));
    }
    out
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut out = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        out |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    out
}

fn at(message: &[u8], path: &[u64]) -> Vec<Vec<u8>> {
    let mut found = vec![message];
    for number in path {
        let all = found.into_iter().flat_map(members);
        found = all.filter(|it| it.0 == *number).map(|it| it.1).collect();
    }
    found.into_iter().map(<[u8]>::to_vec).collect()
}

/// What an `ExportMetricsServiceRequest` says of a metric: the sum of its numbers at this path.
fn total(request: &[u8], metric: &str, path: &[u64]) -> u64 {
    // resource_metrics = 1, scope_metrics = 2, metrics = 2; name = 1.
    let metrics = at(request, &[1, 2, 2]);
    let named = metrics.iter().filter(|it| at(it, &[1]) == [metric.as_bytes()]);
    let numbers = named.flat_map(|it| at(it, path));
    numbers.map(|it| u64::from_le_bytes(it.try_into().unwrap())).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_for_a_turn_and_beginnings_over_again_are_counted() {
    adapters::system::install_tls();
    let collector = Sink::start().await.unwrap();
    let endpoint = Some(collector.url(""));
    let config = TelemetryConfig { endpoint, ..TelemetryConfig::default() };
    let exporters = tokio::task::spawn_blocking(move || Telemetry::exporters(&config));
    let exporters = exporters.await.unwrap().unwrap();

    let database = Database::connect(&database().await).await.unwrap();
    keep(&database, 1).await.unwrap();
    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid()";
    database.reader().execute_unprepared(end).await.unwrap();
    keep(&database, 2).await.unwrap();
    tokio::task::spawn_blocking(move || exporters.end()).await.unwrap();

    let received = collector.so_far();
    let metrics: Vec<_> = received.iter().filter(|it| it.path == "/v1/metrics").collect();
    let sum = |metric: &str, path: &[u64]| -> u64 {
        metrics.iter().map(|it| total(&it.body, metric, path)).sum()
    };
    // histogram = 9, data_points = 1, count = 4; sum = 7, data_points = 1, as_int = 6.
    assert_eq!(sum("assent.sql.wait", &[9, 1, 4]), 2, "both transitions waited");
    assert!(sum("assent.sql.begun_again", &[7, 1, 6]) >= 1, "the second lost its connection");
}
