//! Floors measured in the same run: what the machine gives to anybody.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{DbBackend, Statement};
use tokio::{net::TcpListener, sync::Mutex, task::JoinSet};

/// A JSON echo on axum, on a free port.
pub(crate) async fn echo() -> SocketAddr {
    use axum::{Json, Router, routing::post};
    let router = Router::new()
        .route("/v1/decisions", post(|Json(body): Json<serde_json::Value>| async { Json(body) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::task::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Bare group commit of 2 KiB rows: callers a second and their latencies.
pub(crate) struct Committed {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// One waiter of a group, and whether it is done.
type Queue = Arc<std::sync::Mutex<Vec<tokio::sync::oneshot::Sender<()>>>>;

/// What commits rows of 2 KiB, so many in one transaction.
pub(crate) trait Store: Clone + Send + Sync + 'static {
    /// Returns once they are durable.
    fn commit(&self, rows: usize) -> impl Future<Output = ()> + Send;
}

/// The statement that makes the table the rows go to.
pub(crate) fn table(bytes: &str) -> String {
    format!("create table bench (body {bytes} not null)")
}

/// The statement that inserts so many rows.
pub(crate) fn rows(backend: DbBackend, rows: usize) -> Statement {
    let places: Vec<_> = (1..=rows).map(|it| format!("(${it})")).collect();
    let sql = format!("insert into bench (body) values {}", places.join(","));
    Statement::from_sql_and_values(backend, sql, (0..rows).map(|_| vec![7_u8; 2_048].into()))
}

/// So many callers, each waiting for its row to be durable; whoever comes first commits for all.
pub(crate) async fn group_commit(store: impl Store, callers: usize, span: Duration) -> Committed {
    let (queue, lead) = (Queue::default(), Arc::new(Mutex::new(())));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (store, queue, lead) = (store.clone(), queue.clone(), lead.clone());
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while begun.elapsed() < span {
                let asked = Instant::now();
                commit(&store, &queue, &lead).await;
                latencies.push(asked.elapsed());
            }
            latencies
        });
    }
    let mut latencies = Vec::new();
    while let Some(Ok(more)) = tasks.join_next().await {
        latencies.extend(more);
    }
    let wall = begun.elapsed();
    latencies.sort_unstable();
    let at = |share: usize| latencies[latencies.len() * share / 1_000].as_secs_f64() * 1_000.0;
    #[expect(clippy::cast_precision_loss, reason = "a count far below 2^52")]
    let n = latencies.len() as f64;
    Committed { per_second: n / wall.as_secs_f64(), p50_ms: at(500), p99_ms: at(990) }
}

async fn commit(store: &impl Store, queue: &Queue, lead: &Mutex<()>) {
    let (send, mut receive) = tokio::sync::oneshot::channel();
    queue.lock().expect("no panic").push(send);
    let _leading = lead.lock().await;
    if receive.try_recv().is_ok() {
        return;
    }
    let waiting = std::mem::take(&mut *queue.lock().expect("no panic"));
    for group in waiting.chunks(256) {
        store.commit(group.len()).await;
    }
    for it in waiting {
        it.send(()).unwrap_or(());
    }
}
