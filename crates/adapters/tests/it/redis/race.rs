//! The race over Redis and Postgres: everybody's "yes" is kept on Redis when it begins, and no
//! hand-off starts after a "no" is acknowledged.
//!
//! `cargo xtask bench --race` runs it with a million people and prints how long acknowledging took.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use adapters::redis::RedisSnapshots;
use async_trait::async_trait;
use consent::{
    Actor, ChannelSet, ConsentEvent, EventKind, Label, NewEvent, PurposeScope,
    ports::{SnapshotSource as _, Transition},
};
use delivery::contract::sample;
use futures_util::{StreamExt as _, stream};
use kernel::{Epoch, Instant, NodeId, PersonAt};
use uuid::Uuid;

use super::{Fresh, PATIENT, opened, over};
use crate::postgres::{
    database,
    race::{Choices, Pace, SENT_EVERY, Sabotage, person, run},
};

/// How many people withdraw, where the run asks for no other number.
const PEOPLE: usize = 4_000;
/// How many answers are fetched at a time before the race.
const FILLS_AT_ONCE: usize = 32;

/// Withdrawing over Redis is slower than sending: neither side runs away from the other.
const ABREAST: Pace = Pace { messages: 20, behind: 200, ahead: 0 };

/// The ledger and the snapshots as processes on one layer have them.
#[derive(Debug)]
struct Kept {
    ledger: Arc<dyn consent::ports::Ledger>,
    snapshots: RedisSnapshots,
    said: AtomicU64,
}

#[async_trait]
impl Choices for Kept {
    async fn epoch(&self, person: &PersonAt) -> Epoch {
        self.snapshots.snapshot(&sample::tenant(), person).await.unwrap().person
    }

    async fn withdraw(&self, nodes: &[NodeId]) {
        let event = |node: &NodeId| {
            let said = NewEvent {
                id: Uuid::from_u128(u128::from(self.said.fetch_add(1, Ordering::Relaxed)) + 1),
                source: Label::new("app").unwrap(),
                node: *node,
                kind: EventKind::Withdrawn { scope: PurposeScope::All, channels: ChannelSet::ALL },
                event_time: Instant::EPOCH,
                actor: Actor::Subject,
                answers: Vec::new(),
            };
            ConsentEvent::seal(&sample::tenant(), 1, Instant::EPOCH, said, None, None).unwrap()
        };
        let events = nodes.iter().map(event).collect();
        let transition = Transition { expected: Vec::new(), events, facts: Vec::new() };
        self.ledger.append(&sample::tenant(), transition).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_hand_off_starts_after_a_withdrawal_acknowledged_over_redis_and_postgres() {
    let people = testkit::run::racers(PEOPLE);
    let database = adapters::sql::Database::connect(&database().await).await.unwrap();
    let fresh = Fresh { database: database.clone(), _directory: tempfile::tempdir().unwrap() };
    let redis = opened(&database, testkit::redis::server().as_str(), PATIENT).await;
    let layer = over(fresh, redis);
    let kept = Arc::new(Kept {
        ledger: layer.ledger.clone(),
        snapshots: layer.snapshots,
        said: AtomicU64::new(0),
    });
    let reached = stream::iter((0..people).step_by(SENT_EVERY).map(person));
    let fill = |it: PersonAt| {
        let kept = kept.clone();
        async move { kept.epoch(&it).await }
    };
    let before: Vec<_> = reached.map(fill).buffer_unordered(FILLS_AT_ONCE).collect().await;
    assert!(before.iter().all(|it| *it == Epoch(0)), "everybody says yes when it begins");

    let tally = run(&database, kept, people, Sabotage::None, ABREAST).await;
    tally.tell(people);
    assert_eq!(tally.late, 0);
    // A race in which nobody, or everybody, is reached has raced nothing.
    assert!(tally.sent > 0 && tally.sent < tally.planned, "{} of {}", tally.sent, tally.planned);
}
