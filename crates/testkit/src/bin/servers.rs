//! Starts the servers of a test run, says where they are, and stops them when its standard input
//! is closed: `servers containers|native`; `servers cluster` does so with a Redis Cluster.
//! `servers sweep` empties servers that stay.
//!
//! Only `cargo xtask it` runs it. A signal from the terminal is not heard here, because xtask
//! gives it a process group of its own; when xtask ends, for whatever reason, the pipe closes.

use std::{
    io::{Read as _, Write as _, stdin},
    process::ExitCode,
};

use testkit::{
    postgres, redis,
    run::{POSTGRES_URL, REDIS_CLUSTER_URL, REDIS_URL},
    servers::{Failed, Images, RedisCluster, Servers},
};
use url::Url;

/// Wrong arguments: nothing was started.
const USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match *words.as_slice() {
        ["containers", postgres, redis] => {
            let images = Images { postgres: postgres.to_owned(), redis: redis.to_owned() };
            hold(Servers::containers(&images).await).await
        }
        ["native"] => hold(Servers::native().await).await,
        ["cluster"] => cluster().await,
        ["sweep"] => sweep().await,
        _ => {
            tell("usage: servers containers POSTGRES_IMAGE REDIS_IMAGE | native | cluster | sweep");
            return ExitCode::from(USAGE);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Says where the servers are and stays until nobody listens any more.
async fn hold(started: Result<Servers, Failed>) -> Result<(), Failed> {
    let servers = started?;
    let stayed = stay(&[(POSTGRES_URL, &servers.postgres), (REDIS_URL, &servers.redis)]).await;
    servers.stop().await?;
    stayed
}

/// The same, of a cluster, which ends with this.
async fn cluster() -> Result<(), Failed> {
    let cluster = RedisCluster::start().await?;
    stay(&[(REDIS_CLUSTER_URL, &cluster.url)]).await
}

async fn stay(urls: &[(&str, &Url)]) -> Result<(), Failed> {
    let told = {
        let mut out = std::io::stdout();
        urls.iter()
            .try_for_each(|(name, url)| writeln!(out, "{name}={url}"))
            .and_then(|()| writeln!(out, "ready"))
            .and_then(|()| out.flush())
    };
    let closed = tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new()));
    let heard = closed.await;
    told?;
    heard??;
    Ok(())
}

async fn sweep() -> Result<(), Failed> {
    let (databases, keys) = (postgres::sweep().await?, redis::sweep().await?);
    tell(&format!("swept {databases} databases and {keys} keys of this run"));
    Ok(())
}

fn tell(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}
