//! A key prefix of its own for every test, on the Redis server of the run.

use redis::{AsyncCommands as _, RedisResult, aio::MultiplexedConnection};
use url::Url;

use crate::run;

/// How many keys a sweep asks for and unlinks at once.
const SWEEP_KEYS: usize = 1_000;

/// The server of the run.
pub fn server() -> Url {
    run::server(run::REDIS_URL)
}

/// A node of the cluster of the run.
pub fn cluster() -> Url {
    run::server(run::REDIS_CLUSTER_URL)
}

/// A prefix no other test uses; it holds no braces, so it never changes the slot of a key.
pub fn prefix() -> String {
    format!("{}{}:", of_run(), run::unique())
}

/// Unlinks every key of this run; how many there were.
pub async fn sweep() -> RedisResult<usize> {
    let mut connection = connect(&server()).await?;
    let pattern = format!("{}*", of_run());
    let (mut cursor, mut swept) = (0_u64, 0);
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(SWEEP_KEYS);
        let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(&mut connection).await?;
        if !keys.is_empty() {
            let unlinked: usize = connection.unlink(keys).await?;
            swept += unlinked;
        }
        if next == 0 {
            return Ok(swept);
        }
        cursor = next;
    }
}

/// A connection to the server itself, to measure what it costs.
#[derive(Clone)]
pub struct Wire(MultiplexedConnection);

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// Connects.
    pub async fn open(url: &Url) -> RedisResult<Self> {
        connect(url).await.map(Self)
    }

    /// So many readings of nothing in one round trip; how many answered.
    pub async fn pipeline(&self, commands: usize) -> RedisResult<usize> {
        let mut pipeline = redis::pipe();
        for _ in 0..commands {
            pipeline.cmd("GET").arg("nothing");
        }
        let answers: Vec<Option<Vec<u8>>> = pipeline.query_async(&mut self.0.clone()).await?;
        Ok(answers.len())
    }

    /// The bytes the server's data takes.
    pub async fn used_memory(&self) -> RedisResult<u64> {
        let mut info = redis::cmd("INFO");
        let info: String = info.arg("memory").query_async(&mut self.0.clone()).await?;
        let line = info.lines().find_map(|it| it.strip_prefix("used_memory:"));
        let untold = || (redis::ErrorKind::UnexpectedReturnType, "no `used_memory` in INFO").into();
        line.and_then(|it| it.parse().ok()).ok_or_else(untold)
    }
}

/// One connection.
pub(crate) async fn connect(url: &Url) -> RedisResult<MultiplexedConnection> {
    redis::Client::open(url.as_str())?.get_multiplexed_async_connection().await
}

fn of_run() -> String {
    format!("it:{}:", run::name())
}
