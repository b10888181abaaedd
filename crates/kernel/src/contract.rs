//! The laws of the feed, of leases and of hints, for every implementation and every wrapper.
//!
//! A fixture gives each law its own feed with a way to write facts as a transition would.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken law panics"
)]

pub mod hint;
pub mod lease;

use async_trait::async_trait;

use crate::{Entropy, Fact, FactFeed, FactId, Instant, Limit, SeededEntropy, TenantId};

/// A feed under test and the means to put facts into it.
#[async_trait]
pub trait FeedFixture: Send + Sync {
    /// The feed.
    fn feed(&self) -> &dyn FactFeed;
    /// Commits these facts as one transition would.
    async fn commit(&self, facts: &[Fact]);
}

fn fact(entropy: &dyn Entropy, name: &str) -> Fact {
    Fact {
        id: FactId::mint(Instant::from_micros(1_000_000), entropy),
        tenant: TenantId::new("acme").unwrap(),
        name: name.to_owned(),
        at: Instant::from_micros(1_000_000),
        subject: None,
        nodes: Vec::new(),
        cause: None,
        trace: None,
        body: serde_json::json!({ "n": 1 }),
    }
}

/// Facts come out in the order in which they were committed, with every member intact.
pub async fn facts_come_in_commit_order(fixture: &dyn FeedFixture) {
    let entropy = SeededEntropy::new(1);
    let facts = [fact(&entropy, "a.done"), fact(&entropy, "b.done"), fact(&entropy, "c.done")];
    fixture.commit(&facts[..2]).await;
    fixture.commit(&facts[2..]).await;
    let taken = fixture.feed().take("one", Limit::default()).await.unwrap();
    assert!(taken.windows(2).all(|it| it[0].position < it[1].position));
    assert_eq!(taken.into_iter().map(|it| it.fact).collect::<Vec<_>>(), facts);
}

/// What is not marked done is delivered again; what is done is not.
pub async fn undone_facts_are_delivered_again(fixture: &dyn FeedFixture) {
    let entropy = SeededEntropy::new(2);
    let facts = [fact(&entropy, "a.done"), fact(&entropy, "b.done")];
    fixture.commit(&facts).await;
    let first = fixture.feed().take("one", Limit::default()).await.unwrap();
    assert_eq!(first, fixture.feed().take("one", Limit::default()).await.unwrap());
    fixture.feed().done("one", first[0].position).await.unwrap();
    let rest = fixture.feed().take("one", Limit::default()).await.unwrap();
    assert_eq!(rest, first[1..]);
    fixture.feed().done("one", first[1].position).await.unwrap();
    fixture.feed().done("one", first[0].position).await.unwrap();
    assert!(fixture.feed().take("one", Limit::default()).await.unwrap().is_empty());
}

/// Consumers have cursors of their own.
pub async fn consumers_do_not_disturb_each_other(fixture: &dyn FeedFixture) {
    let entropy = SeededEntropy::new(3);
    fixture.commit(&[fact(&entropy, "a.done")]).await;
    let taken = fixture.feed().take("one", Limit::default()).await.unwrap();
    fixture.feed().done("one", taken[0].position).await.unwrap();
    assert_eq!(fixture.feed().lag(&["one"]).await.unwrap(), 0);
    assert_eq!(fixture.feed().lag(&["two"]).await.unwrap(), 1);
    assert_eq!(fixture.feed().take("two", Limit::default()).await.unwrap().len(), 1);
}

/// A limit is kept, and the lag counts what is left.
pub async fn a_limit_is_kept(fixture: &dyn FeedFixture) {
    let entropy = SeededEntropy::new(4);
    let facts: Vec<_> = (0..5).map(|_| fact(&entropy, "a.done")).collect();
    fixture.commit(&facts).await;
    let taken = fixture.feed().take("one", Limit::new(2).unwrap()).await.unwrap();
    assert_eq!(taken.len(), 2);
    fixture.feed().done("one", taken[1].position).await.unwrap();
    assert_eq!(fixture.feed().lag(&["one"]).await.unwrap(), 3);
}

/// The lag of several is that of the one furthest behind, begun or not; of none it is nothing.
pub async fn the_lag_is_of_the_consumer_furthest_behind(fixture: &dyn FeedFixture) {
    let entropy = SeededEntropy::new(5);
    let facts: Vec<_> = (0..4).map(|_| fact(&entropy, "a.done")).collect();
    fixture.commit(&facts).await;
    let taken = fixture.feed().take("one", Limit::default()).await.unwrap();
    fixture.feed().done("one", taken[3].position).await.unwrap();
    fixture.feed().done("two", taken[1].position).await.unwrap();
    assert_eq!(fixture.feed().lag(&["one", "two"]).await.unwrap(), 2);
    assert_eq!(fixture.feed().lag(&["one", "three"]).await.unwrap(), 4);
    assert_eq!(fixture.feed().lag(&[]).await.unwrap(), 0);
}

/// The suite of [`FactFeed`]: `feed_suite!(module, async expression giving a fixture)`.
#[macro_export]
macro_rules! feed_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::feed_suite!(@law $fixture;
                facts_come_in_commit_order
                undone_facts_are_delivered_again
                consumers_do_not_disturb_each_other
                a_limit_is_kept
                the_lag_is_of_the_consumer_furthest_behind
            );
        }
    };
    (@law $fixture:expr; $($law:ident)+) => {
        $(
            #[tokio::test]
            async fn $law() {
                let fixture = $fixture.await;
                $crate::contract::$law(&fixture).await;
            }
        )+
    };
}
