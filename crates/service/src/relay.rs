//! The relay: facts from the feed to whoever must know, at least once, in order.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use kernel::{Fact, FactFeed, Fault, Limit};
use tracing::Instrument as _;

use crate::app::ContinueTrace;

/// Whoever must know of facts; idempotent on their ids.
#[async_trait]
pub trait Consumer: fmt::Debug + Send + Sync + 'static {
    /// The name its cursor is kept under; permanent.
    fn name(&self) -> &'static str;
    /// Takes note of these facts, in order.
    async fn observe(&self, facts: &[Fact]) -> Result<(), Fault>;
}

/// One piece of background work.
#[async_trait]
pub trait Job: fmt::Debug + Send + Sync + 'static {
    /// The job's name in logs and metrics.
    fn name(&self) -> &'static str;
    /// The consumer it moves facts to, if that is what it does.
    fn consumer(&self) -> Option<&'static str> {
        None
    }
    /// Does what there is to do, at most `limit` pieces of it, and says how much it did.
    async fn run_once(&self, limit: usize) -> Result<usize, Fault>;
    /// Called when it is run no more.
    async fn end(&self) {}
}

/// Moves facts from the feed to one consumer, each run of facts of one trace within that trace.
#[derive(Debug)]
pub struct Relay {
    feed: Arc<dyn FactFeed>,
    consumer: Arc<dyn Consumer>,
    continue_trace: ContinueTrace,
}

impl Relay {
    /// The relay of this feed to this consumer.
    pub fn new(
        feed: Arc<dyn FactFeed>,
        consumer: Arc<dyn Consumer>,
        continue_trace: ContinueTrace,
    ) -> Self {
        Self { feed, consumer, continue_trace }
    }
}

#[async_trait]
impl Job for Relay {
    fn name(&self) -> &'static str {
        self.consumer.name()
    }

    fn consumer(&self) -> Option<&'static str> {
        Some(self.consumer.name())
    }

    async fn run_once(&self, limit: usize) -> Result<usize, Fault> {
        let limit =
            u16::try_from(limit).ok().and_then(|it| Limit::new(it).ok()).unwrap_or(Limit::MAX);
        let taken = self.feed.take(self.consumer.name(), limit).await?;
        let Some(last) = taken.last().map(|it| it.position) else { return Ok(0) };
        let facts: Vec<Fact> = taken.into_iter().map(|it| it.fact).collect();
        for run in facts.chunk_by(|a, b| a.trace == b.trace) {
            let span = tracing::info_span!(
                target: "assent::relay",
                "relay.observe",
                consumer = self.consumer.name()
            );
            if let Some(trace) = run.first().and_then(|it| it.trace.as_deref()) {
                (self.continue_trace)(&span, trace);
            }
            self.consumer.observe(run).instrument(span).await?;
        }
        self.feed.done(self.consumer.name(), last).await?;
        Ok(facts.len())
    }
}
