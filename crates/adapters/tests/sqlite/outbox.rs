//! The feed on SQL, plain and traced.

use adapters::{sql::outbox, traced::Traced};
use async_trait::async_trait;
use kernel::{Fact, FactFeed, contract::FeedFixture};

use super::{Fresh, fresh};

struct Fixture<F> {
    fresh: Fresh,
    feed: F,
}

#[async_trait]
impl<F: FactFeed> FeedFixture for Fixture<F> {
    fn feed(&self) -> &dyn FactFeed {
        &self.feed
    }

    async fn commit(&self, facts: &[Fact]) {
        let write = self.fresh.database.begin("test").await.unwrap();
        outbox::insert(&write, facts).await.unwrap();
        write.commit().await.unwrap();
    }
}

async fn plain() -> Fixture<outbox::SqlFactFeed> {
    let fresh = fresh().await;
    let feed = outbox::SqlFactFeed::new(fresh.database.clone());
    Fixture { fresh, feed }
}

async fn traced() -> Fixture<Traced<outbox::SqlFactFeed>> {
    let Fixture { fresh, feed } = plain().await;
    Fixture { fresh, feed: Traced::new(feed) }
}

kernel::feed_suite!(sql, super::plain());
kernel::feed_suite!(traced_sql, super::traced());

#[tokio::test]
async fn a_dropped_transition_leaves_no_fact() {
    let fixture = plain().await;
    let write = fixture.fresh.database.begin("test").await.unwrap();
    drop(write);
    assert_eq!(fixture.feed.lag(&["one"]).await.unwrap(), 0);
}
