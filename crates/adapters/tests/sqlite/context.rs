//! The suites of `context` on SQL, plain and traced.

use std::sync::Arc;

use adapters::{
    sql::{context::SqlContext, outbox::SqlFactFeed},
    traced::Traced,
};
use async_trait::async_trait;
use context::{
    Code, EventType,
    contract::ContextFixture,
    ports::{Admission, ContextStore, DeadLetter, DeadLetters, EventLog, FreshnessBoard},
};
use kernel::{EventId, Fact, FactFeed, Instant, Limit, SystemId, TenantId};

use super::{Fresh, fresh};

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

context::context_suite!(on_sql, super::plain());
context::context_suite!(on_traced_sql, super::traced());

/// What cannot be admitted names anything, and is accounted for all the same.
#[tokio::test]
async fn a_letter_with_a_character_for_nothing_is_kept() {
    let on = plain().await;
    let tenant = TenantId::new("acme").unwrap();
    let dead = DeadLetter {
        id: EventId::from_uuid(uuid::Uuid::nil()),
        source: Some(SystemId::new("crm\0")),
        kind: Some(EventType::new("product.login.v1").unwrap()),
        ce_id: Some("1\0".to_owned()),
        code: Code::BadEncoding,
        pointer: "/id\0".to_owned(),
        received_at: Instant::EPOCH,
        raw: Some("{\"id\":\"1\0\"}".to_owned()),
    };
    let admission = Admission {
        tenant: tenant.clone(),
        events: Vec::new(),
        dead: vec![dead],
        tallies: Vec::new(),
        arrivals: Vec::new(),
        facts: Vec::new(),
    };
    on.log().admit(&admission).await.unwrap();
    let groups = on.dead().groups(&tenant, Limit::MAX).await.unwrap();
    assert_eq!((groups.len(), groups[0].n), (1, 1));
}
