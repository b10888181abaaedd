//! A small HTTP/1.1 load generator: keep-alive connections, closed or open loop.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
};

/// Makes the n-th request.
pub(crate) type Request = Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>;

/// What a run saw.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Answers with a 2xx status.
    pub(crate) good: u64,
    /// Other answers.
    pub(crate) bad: u64,
    /// How long the run took.
    pub(crate) wall: Duration,
    /// Latencies, ascending.
    latencies: Vec<u32>,
}

impl Seen {
    /// Good answers per second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.good).unwrap_or(u32::MAX)) / self.wall.as_secs_f64()
    }

    /// The latency below which this share (in per mille) of answers came, in milliseconds.
    pub(crate) fn latency_ms(&self, per_mille: usize) -> f64 {
        let i =
            (self.latencies.len() * per_mille / 1_000).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(i).map_or(f64::NAN, |it| f64::from(*it) / 1_000.0)
    }
}

/// A POST of a JSON body.
pub(crate) fn post(path: &str, key: &str, content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         content-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Each connection asks again as soon as it has its answer.
pub(crate) async fn closed(
    to: SocketAddr,
    connections: usize,
    span: Duration,
    request: Request,
) -> Seen {
    let begun = Instant::now();
    asked(to, connections, request, move |_| begun.elapsed() < span).await
}

/// The same, until each of the first requests was asked once.
pub(crate) async fn each(
    to: SocketAddr,
    connections: usize,
    requests: u32,
    request: Request,
) -> Seen {
    asked(to, connections, request, move |n| n < u64::from(requests)).await
}

async fn asked(
    to: SocketAddr,
    connections: usize,
    request: Request,
    is_due: impl Fn(u64) -> bool + Copy + Send + 'static,
) -> Seen {
    let counter = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (counter, request) = (counter.clone(), request.clone());
        tasks.spawn(async move {
            let mut connection = Connection::open(to).await;
            let mut seen = Vec::new();
            loop {
                let n = counter.fetch_add(1, Ordering::Relaxed);
                if !is_due(n) {
                    return seen;
                }
                let bytes = request(n);
                let asked = Instant::now();
                let good = connection.ask(&bytes).await;
                seen.push((asked.elapsed(), good));
            }
        });
    }
    gather(tasks, begun).await
}

/// Requests leave at a fixed rate whether or not earlier ones were answered; a request that waits
/// for a free connection waits on the clock too.
pub(crate) async fn open(
    to: SocketAddr,
    per_second: u32,
    span: Duration,
    request: Request,
) -> Seen {
    const CONNECTIONS: usize = 64;
    let begun = Instant::now();
    let (due, waiting) = mpsc::unbounded_channel::<(Instant, u64)>();
    let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (waiting, request) = (waiting.clone(), request.clone());
        tasks.spawn(async move {
            let mut connection = Connection::open(to).await;
            let mut seen = Vec::new();
            loop {
                let next = waiting.lock().await.recv().await;
                let Some((at, n)) = next else { return seen };
                let good = connection.ask(&request(n)).await;
                seen.push((at.elapsed(), good));
            }
        });
    }
    let gap = Duration::from_secs(1) / per_second;
    let total = u64::from(per_second) * span.as_secs();
    let mut sent = 0_u64;
    while sent < total {
        let wanted = u64::try_from(begun.elapsed().as_nanos() / gap.as_nanos()).unwrap_or(u64::MAX);
        while sent < wanted.min(total) {
            let at = begun + gap * u32::try_from(sent).unwrap_or(u32::MAX);
            if due.send((at, sent)).is_err() {
                break;
            }
            sent += 1;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(due);
    gather(tasks, begun).await
}

async fn gather(mut tasks: JoinSet<Vec<(Duration, bool)>>, begun: Instant) -> Seen {
    let mut seen = Seen { good: 0, bad: 0, wall: Duration::ZERO, latencies: Vec::new() };
    while let Some(Ok(answers)) = tasks.join_next().await {
        for (latency, good) in answers {
            if good {
                seen.good += 1;
            } else {
                seen.bad += 1;
            }
            seen.latencies.push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
        }
    }
    seen.wall = begun.elapsed();
    seen.latencies.sort_unstable();
    seen
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self { stream, buffer: Vec::with_capacity(16 * 1024) }
    }

    /// Sends one request and reads one answer; says whether its status was 2xx.
    async fn ask(&mut self, request: &[u8]) -> bool {
        self.stream.write_all(request).await.expect("the server reads");
        self.buffer.clear();
        let mut wanted = None;
        loop {
            let mut chunk = [0_u8; 16 * 1024];
            let n = self.stream.read(&mut chunk).await.expect("the server answers");
            assert!(n > 0, "the server closed the connection");
            self.buffer.extend_from_slice(&chunk[..n]);
            if wanted.is_none() {
                wanted = whole(&self.buffer);
            }
            if wanted.is_some_and(|it| self.buffer.len() >= it) {
                return self.buffer.get(9) == Some(&b'2');
            }
        }
    }
}

/// How long the whole answer is, once its head is there.
fn whole(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let length = text.lines().find_map(|it| {
        let (name, value) = it.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + length.unwrap_or(0))
}
