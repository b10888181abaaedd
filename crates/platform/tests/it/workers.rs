//! Two workers on one database: each piece of work is done by one of them, and when it dies by the
//! other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use decision::service::LEASE;
use reqwest::StatusCode;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    server::{Server, assent, make_key},
    world::{eventually, letters, overdue_claim, settle_in},
};

const PEOPLE: usize = 6;
/// News of claims, each of which leads to one letter.
const CLAIMS: usize = 120;
/// How many of them are acknowledged when the worker dies.
const UNTIL_DEATH: usize = 40;
const BATCH: &str = "application/cloudevents-batch+json";

/// What a deployment of several processes has: a front, and workers.
struct Deployment {
    data: tempfile::TempDir,
    key: String,
    servers: Vec<String>,
    records: DatabaseConnection,
}

impl Deployment {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let key = make_key(data.path());
        let (records, keys) = (testkit::postgres::fresh().await, testkit::postgres::fresh().await);
        let servers = ["--database-url", records.as_str(), "--keys-url", keys.as_str()];
        let servers = servers.map(str::to_owned).to_vec();
        let records = Database::connect(records.as_str()).await.unwrap();
        let deployment = Self { data, key, servers, records };
        let setup = deployment.with(&["setup"]);
        let prepared = assent(deployment.data.path(), &setup).output().unwrap();
        assert!(prepared.status.success(), "{}", String::from_utf8_lossy(&prepared.stderr));
        deployment
    }

    fn with<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        words.iter().copied().chain(self.servers.iter().map(String::as_str)).collect()
    }

    fn serve(&self, roles: &str) -> Server {
        let arguments = self.with(&["--role", roles]);
        Server::resume_with(self.data.path(), &self.key, &arguments)
    }

    async fn number(&self, sql: &str) -> i64 {
        let asked = Statement::from_string(DbBackend::Postgres, sql);
        let row = self.records.query_one_raw(asked).await.unwrap().unwrap();
        row.try_get("", "n").unwrap()
    }

    /// How many processes hold the leases, and how many leases there are.
    async fn holders(&self) -> (i64, i64) {
        let holders = self.number("select count(distinct holder) as n from lease").await;
        (holders, self.number("select count(*) as n from lease").await)
    }
}

/// Tells of claims until all are acknowledged; says of each that it was.
async fn tell(front: Arc<Server>, done: tokio::sync::mpsc::UnboundedSender<()>) {
    for n in 0..CLAIMS {
        let events = json!([overdue_claim(n % PEOPLE, &format!("K{n}"))]);
        let (status, answer) = front.post_as("/v1/events", BATCH, &events).await;
        assert_eq!((status, &answer["accepted"]), (StatusCode::ACCEPTED, &json!(1)), "{answer}");
        done.send(()).unwrap_or(());
    }
}

/// How many letters each claim led to.
async fn letters_by_claim(front: &Server) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for letter in letters(front).await {
        let id = letter["decision"].as_str().unwrap();
        let record: Value = front.get(&format!("/v1/decisions/{id}")).await.1;
        let node = &record["outcome"]["action"]["node"];
        let occurrences = record["subject"]["occurrences"].as_array().unwrap();
        let mine = occurrences.iter().find(|it| it["node"] == *node).unwrap();
        *out.entry(mine["object"]["id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_under_load_is_followed_by_another_and_nothing_is_lost_or_done_twice() {
    let deployment = Deployment::new().await;
    let front = Arc::new(deployment.serve("decide,consent,ingest,console"));
    let first = deployment.serve("worker");
    settle_in(&front, PEOPLE).await;
    let second = deployment.serve("worker");
    let (holders, leases) = deployment.holders().await;
    assert_eq!(holders, 1, "the second worker waits");
    assert_eq!(leases, 8, "five consumers and three jobs");

    let (done, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut telling = JoinSet::new();
    telling.spawn(tell(front.clone(), done));
    for _ in 0..UNTIL_DEATH {
        told.recv().await.unwrap();
    }
    first.kill();
    telling.join_all().await;

    // What the dead worker had claimed is free again when its lease ends.
    let patience = LEASE.to_std().unwrap() + Duration::from_mins(1);
    let (begun, mut again) = (Instant::now(), tokio::time::interval(Duration::from_millis(500)));
    let claims: BTreeSet<_> = (0..CLAIMS).map(|n| format!("K{n}")).collect();
    loop {
        let letters = letters_by_claim(&front).await;
        let twice: Vec<_> = letters.iter().filter(|it| *it.1 > 1).collect();
        assert!(twice.is_empty(), "{twice:?}");
        let lost: Vec<_> = claims.iter().filter(|it| !letters.contains_key(*it)).collect();
        if lost.is_empty() {
            break;
        }
        assert!(begun.elapsed() < patience, "no letter about {lost:?}");
        again.tick().await;
    }
    assert_eq!(deployment.holders().await, (1, leases), "the second worker has them all");
    eventually("every consumer has seen every fact", async || {
        let behind = "select count(*) as n from outbox_cursor \
                      where through < (select max(position) from outbox)";
        deployment.number(behind).await == 0
    })
    .await;
    let twice = "select count(*) as n from (select body from outbox \
                 where name in ('action.decided', 'delivery.planned', 'delivery.accepted') \
                 group by name, body having count(*) > 1) as it";
    assert_eq!(deployment.number(twice).await, 0, "a fact was told twice");
    assert!(second.end().success());
    assert_eq!(deployment.holders().await, (0, 0), "who ends gives back what it holds");
}
