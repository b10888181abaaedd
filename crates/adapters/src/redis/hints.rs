//! Hints over a stream of one entry: whoever waits behind it is woken by the next.
//!
//! There is no consumer group: a hint is for everybody who listens, and what is to be done about it
//! is in the system of record, where it waits for whoever missed the hint.
//! `docs/decisions/0006-hints.md` says why.

use std::{fmt, time::Duration};

use ::redis::{
    Client, ErrorKind, RedisError, RedisResult,
    aio::MultiplexedConnection,
    streams::{StreamRangeReply, StreamReadReply},
};
use async_trait::async_trait;
use kernel::{Fault, HintBus, Mark};
use tokio::sync::Mutex;

use super::{
    Timing,
    layer::{LayerError, Settings},
    server::{connect, data, primaries},
    tag::slot,
};

/// How long a listener waits for a hint; a process that ends waits for it.
pub const WAIT: Duration = Duration::from_secs(1);
/// How much later than it was asked to the server may answer.
const SLACK: Duration = Duration::from_secs(1);
/// Before every entry there ever was.
const FIRST: &str = "0-0";

/// [`HintBus`] on Redis.
pub struct RedisHints {
    client: Client,
    timing: Timing,
    key: String,
    wait: Duration,
    /// Apart, because whoever waits keeps the connection to themselves.
    telling: Mutex<Option<MultiplexedConnection>>,
    hearing: Mutex<Option<MultiplexedConnection>>,
}

impl fmt::Debug for RedisHints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisHints")
    }
}

impl RedisHints {
    /// The bus of this deployment; nothing is connected before it is used.
    pub fn new(settings: &Settings) -> Result<Self, LayerError> {
        Ok(Self {
            client: Client::open(settings.url.as_str()).map_err(LayerError::Address)?,
            timing: settings.timing,
            key: format!("{}hints", settings.prefix),
            wait: WAIT,
            telling: Mutex::default(),
            hearing: Mutex::default(),
        })
    }

    /// The bus, whose listeners wait for so long.
    #[must_use]
    pub fn waiting(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// A connection to the server that has the stream.
    async fn open(&self) -> RedisResult<MultiplexedConnection> {
        let mut first = connect(&self.client, self.timing).await?;
        if !data(&mut first).await?.1 {
            return Ok(first);
        }
        let slot = slot(self.key.as_bytes());
        let all = primaries(&mut first).await?;
        let found = all.into_iter().find(|it| it.1.iter().any(|range| range.contains(&slot)));
        let (address, _) = found.ok_or_else(nowhere)?;
        let info = self.client.get_connection_info().clone().set_addr(address);
        connect(&Client::open(info)?, self.timing).await
    }

    /// Asks over a connection, which is opened where there is none and given up where it fails.
    async fn ask<T>(
        &self,
        place: &Mutex<Option<MultiplexedConnection>>,
        what: &'static str,
        ask: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, Fault> {
        let mut place = place.lock().await;
        let fault = |error: RedisError| Fault::retry(what).because(error);
        // Taken, so that a wait that is dropped leaves no reply behind for the next to read.
        let mut connection = match place.take() {
            Some(it) => it,
            None => self.open().await.map_err(fault)?,
        };
        let answer = ask(&mut connection).await.map_err(fault)?;
        *place = Some(connection);
        Ok(answer)
    }
}

fn nowhere() -> RedisError {
    (ErrorKind::ClusterConnectionNotFound, "no server answers for the slot of hints").into()
}

#[async_trait]
impl HintBus for RedisHints {
    async fn tell(&self) -> Result<(), Fault> {
        let mut add = ::redis::cmd("XADD");
        add.arg(&self.key).arg("MAXLEN").arg(1).arg("*").arg("written").arg(1);
        self.ask(&self.telling, "telling a hint", async |it| add.query_async(it).await).await
    }

    async fn mark(&self) -> Result<Mark, Fault> {
        let mut last = ::redis::cmd("XREVRANGE");
        last.arg(&self.key).arg("+").arg("-").arg("COUNT").arg(1);
        let found: StreamRangeReply = self
            .ask(&self.hearing, "finding the last hint", async |it| last.query_async(it).await)
            .await?;
        let id = found.ids.first().map_or(FIRST, |it| it.id.as_str());
        Ok(Mark(id.to_owned()))
    }

    async fn hear(&self, after: &Mark) -> Result<Option<Mark>, Fault> {
        let mut read = ::redis::cmd("XREAD");
        read.arg("BLOCK").arg(u64::try_from(self.wait.as_millis()).unwrap_or(u64::MAX).max(1));
        read.arg("STREAMS").arg(&self.key).arg(&after.0);
        let patience = self.wait + SLACK;
        let found: Option<StreamReadReply> = self
            .ask(&self.hearing, "waiting for a hint", async |it| {
                it.set_response_timeout(patience);
                read.query_async(it).await
            })
            .await?;
        let last = found.iter().flat_map(|it| &it.keys).flat_map(|it| &it.ids).last();
        Ok(last.map(|it| Mark(it.id.clone())))
    }
}
