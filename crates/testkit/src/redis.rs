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

/// One connection.
pub(crate) async fn connect(url: &Url) -> RedisResult<MultiplexedConnection> {
    redis::Client::open(url.as_str())?.get_multiplexed_async_connection().await
}

fn of_run() -> String {
    format!("it:{}:", run::name())
}
