//! `cargo xtask bench`: the embedded house against its floors, all in one run.
//!
//! Durable: an answer leaves only after its record is committed. Client and server share the cores.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_futures,
    clippy::format_push_string,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench prints, and panics when the house is broken"
)]

mod cpu;
mod floor;
mod load;
mod open;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use adapters::sql::Database;
use open::House;
use platform::config::Servers;
use sea_orm::{ConnectionTrait as _, DbBackend};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many people are decided about.
const PEOPLE: u32 = 5_000;
/// How long each closed or open loop runs.
const SPAN: Duration = Duration::from_secs(5);

fn main() {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(run());
}

async fn run() {
    let files = tempfile::tempdir().expect("a temporary directory");
    let house = House::open(PEOPLE, Servers::default()).await;
    let ask = house.ask(PEOPLE);

    println!("floors");
    let echo = floor::echo().await;
    let seen = load::closed(echo, 64, SPAN, ask.clone()).await;
    line("axum echo, 64 connections", &seen);
    for callers in [1, 16, 64] {
        let path = files.path().join(format!("floor-{callers}.db"));
        let it = floor::group_commit(Ours::open(&path).await, callers, SPAN).await;
        println!(
            "  group commit, {callers:>2} callers        {:>8.0}/s  p50 {:>6.2} ms  p99 {:>6.2} ms",
            it.per_second, it.p50_ms, it.p99_ms
        );
    }

    println!("decide over HTTP, embedded, durable");
    let seen = load::closed(house.address, 64, SPAN, ask.clone()).await;
    line("closed loop, 64 connections, unmet", &seen);
    // Whoever the first loop did not come to is met now: from here on everybody is in memory.
    load::each(house.address, 64, PEOPLE, ask.clone()).await;
    let seen = load::closed(house.address, 64, SPAN, ask.clone()).await;
    line("closed loop, 64 connections, known", &seen);
    for rate in [1_000, 5_000] {
        let seen = load::open(house.address, rate, SPAN, ask.clone()).await;
        line(&format!("open loop, {rate}/s"), &seen);
    }

    println!("one core");
    cpu::run(&house).await;

    println!("event intake, durable");
    let key = house.key.clone();
    let (clock, entropy) = (house.assent.app.clock.clone(), house.assent.app.entropy.clone());
    let batch: load::Request = Arc::new(move |_| {
        let now = clock.now();
        let events: Vec<_> = (0..100).map(|i| login(i, now, &*entropy)).collect();
        let body = format!("[{}]", events.join(","));
        load::post("/v1/events", &key, "application/cloudevents-batch+json", &body)
    });
    let seen = load::closed(house.address, 16, SPAN, batch).await;
    line("batches of 100, 16 connections", &seen);
    println!("  that is {:.0} events/s", seen.rate() * 100.0);
    let key = house.key.clone();
    let (clock, entropy) = (house.assent.app.clock.clone(), house.assent.app.entropy.clone());
    let single: load::Request = Arc::new(move |n| {
        let event = login(n, clock.now(), &*entropy);
        load::post("/v1/events", &key, "application/cloudevents+json", &event)
    });
    let seen = load::closed(house.address, 16, SPAN, single).await;
    line("single events, 16 connections", &seen);

    println!("a process starts within {:.2} s", house.start_another().await.as_secs_f64());
    let begun = Instant::now();
    let check = house
        .assent
        .app
        .prove
        .verify_log(&kernel::TenantId::new("acme").expect("a tenant"))
        .await
        .expect("readable");
    println!(
        "log of {} entries verified whole in {:.1} s: {}",
        check.size,
        begun.elapsed().as_secs_f64(),
        if check.broken_at.is_none() { "sound" } else { "BROKEN" }
    );
}

/// SQLite, as we open it.
#[derive(Clone)]
struct Ours(Arc<Database>);

impl Ours {
    async fn open(path: &std::path::Path) -> Self {
        let database = Database::open(path).await.expect("a database");
        let write = database.begin("bench").await.expect("a transaction");
        write.execute_unprepared(&floor::table("blob")).await.expect("a table");
        write.commit().await.expect("committed");
        Self(database)
    }
}

impl floor::Store for Ours {
    async fn commit(&self, rows: usize) {
        let write = self.0.begin("bench").await.expect("a transaction");
        write.execute_raw(floor::rows(DbBackend::Sqlite, rows)).await.expect("inserted");
        write.commit().await.expect("committed");
    }
}

fn login(n: u64, now: kernel::Instant, entropy: &dyn kernel::Entropy) -> String {
    let id = kernel::EventId::mint(now, entropy);
    format!(
        "{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"app\",\"type\":\"product.login.v1\",\
         \"subject\":\"user_id:U{}\",\"time\":\"{now}\",\"datacontenttype\":\"application/json\",\
         \"data\":{{\"device_id\":\"D{}\"}}}}",
        n % u64::from(PEOPLE),
        n % u64::from(PEOPLE)
    )
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
