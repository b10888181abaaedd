//! Postgres and Redis, started once for a run: in containers, or as processes of this machine.
//!
//! Both listen on ports the system chose and hold nothing worth keeping. Whoever holds them must
//! [`Servers::stop`] them; the program `servers` does when its standard input is closed, which
//! also happens when the process that started it dies.

use std::{error::Error, time::Duration};

use tokio::time::{MissedTickBehavior, interval, timeout};
use url::Url;

use crate::{postgres, redis};

mod cluster;
mod containers;
mod native;
mod own;

pub use cluster::RedisCluster;
pub use own::OwnPostgres;

/// How long a server may take until it answers; the official image of Postgres needs seconds.
const READY_SECONDS_MAX: u64 = 60;
/// How often it is asked.
const ASK_MILLIS: u64 = 20;

/// What can go wrong with a server is for a person to read.
pub type Failed = Box<dyn Error + Send + Sync>;

/// Settings of every Postgres of a run, beside its port: durability against a crash of the
/// machine is not needed, durability against a crash of Postgres is kept.
const POSTGRES_SETTINGS: [&str; 3] = ["max_connections=300", "fsync=off", "full_page_writes=off"];
/// Settings of every Redis of a run: nothing is kept.
const REDIS_SETTINGS: [&str; 4] = ["--save", "", "--appendonly", "no"];

/// Running servers.
#[derive(Debug)]
pub struct Servers {
    /// Postgres, as a role that may make databases.
    pub postgres: Url,
    /// Redis.
    pub redis: Url,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Containers(Box<containers::Held>),
    Native(Box<native::Held>),
}

/// The images the containers are made from, as `name:tag`.
#[derive(Debug, Clone)]
pub struct Images {
    /// Postgres.
    pub postgres: String,
    /// Redis.
    pub redis: String,
}

impl Servers {
    /// Starts containers and waits until both servers answer.
    pub async fn containers(images: &Images) -> Result<Self, Failed> {
        let (held, postgres, redis) = containers::start(images).await?;
        Self { postgres, redis, held: Held::Containers(Box::new(held)) }.answering().await
    }

    /// Starts processes from the programs of this machine and waits until both answer.
    pub async fn native() -> Result<Self, Failed> {
        let (held, postgres, redis) = native::start().await?;
        Self { postgres, redis, held: Held::Native(Box::new(held)) }.answering().await
    }

    /// Stops both and leaves nothing behind.
    pub async fn stop(self) -> Result<(), Failed> {
        match self.held {
            Held::Containers(it) => it.stop().await,
            Held::Native(it) => it.stop().await,
        }
    }

    async fn answering(self) -> Result<Self, Failed> {
        let answered = async {
            until("Postgres", async || postgres::connect(&self.postgres).await.map(drop)).await?;
            until("Redis", async || ping(&self.redis).await).await
        };
        match answered.await {
            Ok(()) => Ok(self),
            Err(error) => {
                self.stop().await?;
                Err(error)
            }
        }
    }
}

async fn ping(url: &Url) -> ::redis::RedisResult<()> {
    let mut connection = redis::connect(url).await?;
    ::redis::cmd("PING").query_async(&mut connection).await
}

/// Asks until there is an answer; the last refusal is told when there is none in time.
async fn until<E: Error + Send + Sync + 'static>(
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<(), E>,
) -> Result<(), Failed> {
    let mut ticks = interval(Duration::from_millis(ASK_MILLIS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = None;
    let answered = async {
        loop {
            ticks.tick().await;
            match ask().await {
                Ok(()) => return,
                Err(error) => last = Some(error),
            }
        }
    };
    if timeout(Duration::from_secs(READY_SECONDS_MAX), answered).await.is_ok() {
        return Ok(());
    }
    let why = last.map_or_else(|| "no answer at all".to_owned(), |it| it.to_string());
    Err(format!("{what} did not answer within {READY_SECONDS_MAX} s: {why}").into())
}
