//! `cargo xtask bench --servers`: the house on Postgres and Redis against its floors, all in one
//! run.
//!
//! Durable: an answer leaves only after its record is committed. Client, process and both servers
//! share the cores.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_futures,
    clippy::format_push_string,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench prints, and panics when the house is broken"
)]

#[path = "../house/floor.rs"]
mod floor;
#[path = "../house/load.rs"]
mod load;
#[path = "../house/open.rs"]
mod open;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use adapters::redis::{Settings, Timing};
use axum::{Router, extract::State, routing::post};
use kernel::TenantId;
use open::House;
use platform::config::{Databases, Servers};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend,
    TransactionTrait as _,
};
use testkit::redis::Wire;
use tokio::net::TcpListener;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many people are decided about, and ten times as many.
const SIZES: [u32; 2] = [1_000, 10_000];
/// How long each closed or open loop runs.
const SPAN: Duration = Duration::from_secs(5);
/// Commands of a decision about a known person (`tests/it/wire.rs` counts them).
const COMMANDS: usize = 6;

fn main() {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(run());
}

async fn run() {
    let wire = Wire::open(&testkit::redis::server()).await.expect("Redis answers");
    println!("floors");
    let (echo, piped) = (floor::echo().await, piped(wire.clone()).await);
    let bare: load::Request =
        std::sync::Arc::new(|_| load::post("/v1/decisions", "", "application/json", "{}"));
    line("axum echo, 64", &load::closed(echo, 64, SPAN, bare.clone()).await);
    line("axum + one pipeline, 64", &load::closed(piped, 64, SPAN, bare).await);
    for callers in [1, 16, 64] {
        let url = testkit::postgres::fresh().await;
        let it = floor::group_commit(Bare::open(url.as_str()).await, callers, SPAN).await;
        println!(
            "  group commit, {callers:>2} callers        {:>8.0}/s  p50 {:>6.2} ms  p99 {:>6.2} ms",
            it.per_second, it.p50_ms, it.p99_ms
        );
    }
    for people in SIZES {
        measure(people, &wire).await;
    }
}

/// Postgres, with nothing of ours in between.
#[derive(Clone)]
struct Bare(DatabaseConnection);

impl Bare {
    async fn open(url: &str) -> Self {
        let options = ConnectOptions::new(url).sqlx_logging(false).to_owned();
        let store = Database::connect(options).await.expect("Postgres answers");
        store.execute_unprepared(&floor::table("bytea")).await.expect("a table");
        Self(store)
    }
}

impl floor::Store for Bare {
    async fn commit(&self, rows: usize) {
        let write = self.0.begin().await.expect("a transaction");
        write.execute_raw(floor::rows(DbBackend::Postgres, rows)).await.expect("inserted");
        write.commit().await.expect("committed");
    }
}

async fn measure(people: u32, wire: &Wire) {
    let servers = servers().await;
    let begun = Instant::now();
    let house = House::open(people, servers).await;
    println!("{people} people, let in within {:.1} s", begun.elapsed().as_secs_f64());

    let ask = house.ask(people);
    let seen = load::closed(house.address, 64, SPAN, ask.clone()).await;
    line("closed loop, 64, unmet", &seen);
    load::each(house.address, 64, people, ask.clone()).await;
    let seen = load::closed(house.address, 64, SPAN, ask.clone()).await;
    line("closed loop, 64, known", &seen);
    for rate in [1_000, 5_000] {
        let seen = load::open(house.address, rate, SPAN, ask.clone()).await;
        line(&format!("open loop, {rate}/s"), &seen);
    }

    let upkeep = house.assent.upkeep.as_ref().expect("a layer that is shared");
    let tenant = TenantId::new("acme").expect("a tenant");
    upkeep.begin_anew().await.expect("a layer");
    let (empty, begun) = (used(wire).await, Instant::now());
    let (mut done, mut after) = (0, None);
    loop {
        let heads = upkeep.heads(&tenant, after).await.expect("people");
        let Some(last) = heads.last().copied() else { break };
        upkeep.refill(&tenant, &heads).await.expect("kept");
        done += u32::try_from(heads.len()).expect("a page");
        after = Some(last);
    }
    let (took, full) = (begun.elapsed().as_secs_f64(), used(wire).await);
    let each = full.saturating_sub(empty) / u64::from(done.max(1));
    println!(
        "  the layer anew: {done} people, {:.0}/s; {each} bytes each in Redis, {} MB per 100,000",
        f64::from(done) / took,
        each * 100_000 / 1_000_000
    );

    println!("  a process starts within {:.2} s", house.start_another().await.as_secs_f64());
}

async fn used(wire: &Wire) -> u64 {
    wire.used_memory().await.expect("Redis answers")
}

/// A database of its own for the records and one for the keys, and a prefix of its own.
async fn servers() -> Servers {
    let (records, keys) = (testkit::postgres::fresh().await, testkit::postgres::fresh().await);
    let redis = Settings {
        url: testkit::redis::server().to_string(),
        prefix: testkit::redis::prefix(),
        timing: Timing::default(),
    };
    Servers { databases: Some(Databases { records, keys }), redis: Some(redis) }
}

/// An answer for each question once a pipeline of Redis has answered, on a free port.
async fn piped(wire: Wire) -> SocketAddr {
    let answer = async |State(wire): State<Wire>| {
        wire.pipeline(COMMANDS).await.expect("Redis answers").to_string()
    };
    let router = Router::new().route("/v1/decisions", post(answer)).with_state(wire);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::task::spawn(async move { axum::serve(listener, router).await });
    address
}

fn line(what: &str, seen: &load::Seen) {
    println!(
        "  {what:<32} {:>8.0}/s  p50 {:>6.2} ms  p99 {:>6.2} ms  ({} good, {} bad)",
        seen.rate(),
        seen.latency_ms(500),
        seen.latency_ms(990),
        seen.good,
        seen.bad
    );
}
