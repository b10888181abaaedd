//! The suites of `context` on SQLite, plain and traced.

use std::sync::Arc;

use adapters::{
    sql::{context::SqlContext, outbox::SqlFactFeed},
    traced::Traced,
};
use async_trait::async_trait;
use context::{
    contract::ContextFixture,
    ports::{ContextStore, DeadLetters, EventLog, FreshnessBoard},
};
use kernel::{Fact, FactFeed, Limit};

use crate::{Fresh, fresh};

struct On<P> {
    fresh: Fresh,
    port: P,
}

#[async_trait]
impl<P: EventLog + ContextStore + DeadLetters + FreshnessBoard> ContextFixture for On<P> {
    fn log(&self) -> &dyn EventLog {
        &self.port
    }

    fn store(&self) -> &dyn ContextStore {
        &self.port
    }

    fn dead(&self) -> &dyn DeadLetters {
        &self.port
    }

    fn board(&self) -> &dyn FreshnessBoard {
        &self.port
    }

    async fn facts(&self) -> Vec<Fact> {
        let feed = SqlFactFeed::new(Arc::clone(&self.fresh.database));
        let taken = feed.take("test", Limit::MAX).await.unwrap();
        taken.into_iter().map(|it| it.fact).collect()
    }
}

async fn plain() -> On<SqlContext> {
    let fresh = fresh().await;
    let port = SqlContext::new(Arc::clone(&fresh.database));
    On { fresh, port }
}

async fn traced() -> On<Traced<SqlContext>> {
    let On { fresh, port } = plain().await;
    On { fresh, port: Traced::new(port) }
}

context::context_suite!(on_sqlite, super::plain());
context::context_suite!(on_traced_sqlite, super::traced());
