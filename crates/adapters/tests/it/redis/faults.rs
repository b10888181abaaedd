//! Redis out of reach, stalled, cut off, restarted and failed over: after a withdrawal has been
//! acknowledged nobody is told that it was not made.

use std::{
    future::poll_fn,
    net::SocketAddr,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use adapters::redis::{Layer as Redis, Timing};
use consent::{
    Actor, ChannelSet, ConsentEvent, EventKind, Label, NewEvent, PurposeScope,
    ports::{Ledger as _, SnapshotSource as _, Transition},
};
use kernel::{Digest, Epoch, Instant, NodeId, PersonAt, SeededEntropy, SubjectId, TenantId};
use testkit::{Proxy, Weather};

use super::{Beating, Fresh, Layer, SHORT, address, fresh, over};

pub(super) mod programs;

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn person() -> PersonAt {
    let node = NodeId::mint(Instant::EPOCH, &SeededEntropy::new(1));
    let subject = SubjectId::from_uuid(node.uuid());
    PersonAt { subject, nodes: vec![node], identity: Epoch(1) }
}

/// The withdrawal of everything at a node.
pub(super) fn withdrawal(node: NodeId, seq: u64, prev: Option<Digest>) -> Transition {
    let said = NewEvent {
        id: NodeId::mint(Instant::EPOCH, &SeededEntropy::new(90 + seq)).uuid(),
        source: Label::new("app").unwrap(),
        node,
        kind: EventKind::Withdrawn { scope: PurposeScope::All, channels: ChannelSet::ALL },
        event_time: Instant::EPOCH,
        actor: Actor::Subject,
        answers: Vec::new(),
    };
    let event = ConsentEvent::seal(&acme(), seq, Instant::EPOCH, said, None, prev).unwrap();
    Transition { expected: Vec::new(), events: vec![event], facts: Vec::new() }
}

/// Two processes on one system of record.
pub(super) struct Pair {
    writer: Layer,
    reader: Layer,
}

/// The two, each with its own way to Redis.
struct World {
    pair: Pair,
    to_writer: Proxy,
    to_reader: Proxy,
    url: String,
    prefix: String,
}

fn url_of(address: SocketAddr) -> String {
    format!("redis://{address}/")
}

fn beside(fresh: &Fresh) -> Fresh {
    Fresh { database: Arc::clone(&fresh.database), _directory: tempfile::tempdir().unwrap() }
}

/// Two processes, each of which finds Redis at its own address.
pub(super) async fn pair(to_writer: &str, to_reader: &str, prefix: &str) -> Pair {
    let fresh = fresh().await;
    let timing =
        Timing { read: Duration::from_millis(200), change: Duration::from_secs(1), ..SHORT };
    let process =
        async |url: &str| Beating::new(&fresh.database, url, prefix, timing).serving().await;
    let (writer, reader) = (process(to_writer).await, process(to_reader).await);
    let other = beside(&fresh);
    Pair { writer: over(fresh, writer), reader: over(other, reader) }
}

async fn world(server: SocketAddr) -> World {
    let (to_writer, to_reader) =
        (Proxy::start(server).await.unwrap(), Proxy::start(server).await.unwrap());
    let prefix = testkit::redis::prefix();
    let urls = [&to_writer, &to_reader].map(|it| url_of(it.address()));
    let pair = pair(&urls[0], &urls[1], &prefix).await;
    World { pair, to_writer, to_reader, url: url_of(server), prefix }
}

impl Deref for World {
    type Target = Pair;

    fn deref(&self) -> &Pair {
        &self.pair
    }
}

async fn shared() -> World {
    world(address().await).await
}

impl Pair {
    /// What the reader takes the person's choices to be.
    pub(super) async fn reads(&self) -> Epoch {
        self.reader.snapshots.snapshot(&acme(), &person()).await.unwrap().person
    }

    /// Reads until an answer came without asking the system of record.
    pub(super) async fn reads_from_the_layer(&self) -> Epoch {
        let mut look = tokio::time::interval(Duration::from_millis(5));
        let found = async {
            loop {
                let before = self.reader.pause.readings();
                let epoch = self.reads().await;
                if self.reader.pause.readings() == before {
                    return epoch;
                }
                look.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), found).await.unwrap()
    }

    /// Everything at the person, by the writer.
    pub(super) async fn withdraw(&self, seq: u64) {
        let logs = self.writer.ledger.logs(&acme(), &person().nodes).await.unwrap();
        let prev = logs[0].events.last().map(|it| it.digest);
        let transition = withdrawal(person().nodes[0], seq, prev);
        self.writer.ledger.append(&acme(), transition).await.unwrap();
    }

    /// Withdraws while the reader reads without a pause; every reading that began after the
    /// acknowledgement must know of it.
    async fn withdraw_under_readings(&self) {
        assert_eq!(self.reads_from_the_layer().await, Epoch(0));
        let acknowledged = AtomicBool::new(false);
        let reading = async {
            loop {
                let after = acknowledged.load(Ordering::SeqCst);
                let epoch = self.reads().await;
                assert!(!after || epoch == Epoch(1), "a reading missed the withdrawal");
                if after {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let withdrawing = async {
            self.withdraw(1).await;
            acknowledged.store(true, Ordering::SeqCst);
        };
        tokio::join!(reading, withdrawing);
    }

    async fn epoch(&self) -> u64 {
        let charter = &self.reader.redis;
        charter.until(|it| it.charter().is_some()).await;
        charter.layer.charter().unwrap().epoch
    }
}

#[tokio::test]
async fn a_withdrawal_that_reaches_redis_is_seen_by_every_other_process() {
    let world = shared().await;
    let before = world.epoch().await;
    world.withdraw_under_readings().await;
    assert_eq!(world.reads_from_the_layer().await, Epoch(1));
    assert_eq!(world.epoch().await, before, "nothing had to be shut");
}

#[tokio::test]
async fn a_withdrawal_that_cannot_reach_redis_is_acknowledged_once_nobody_serves_from_it() {
    for weather in [Weather::Refusing, Weather::Stalled] {
        let world = shared().await;
        assert_eq!(world.reads_from_the_layer().await, Epoch(0));
        let before = world.epoch().await;
        world.to_writer.set(weather);
        world.withdraw_under_readings().await;
        assert_ne!(world.epoch().await, before, "the layer was shut");
        world.to_writer.set(Weather::Fair);
        assert_eq!(world.reads_from_the_layer().await, Epoch(1), "it comes back by itself");
    }
}

#[tokio::test]
async fn a_reader_that_cannot_reach_redis_asks_the_system_of_record() {
    for weather in [Weather::Refusing, Weather::Stalled] {
        let world = shared().await;
        assert_eq!(world.reads_from_the_layer().await, Epoch(0));
        world.to_reader.set(weather);
        world.withdraw(1).await;
        assert_eq!(world.reads().await, Epoch(1));
        world.to_reader.set(Weather::Fair);
        assert_eq!(world.reads_from_the_layer().await, Epoch(1));
    }
}

#[tokio::test]
async fn a_reply_cut_in_half_costs_one_more_try() {
    let world = shared().await;
    let before = world.epoch().await;
    world.to_writer.cut_next_reply();
    world.withdraw_under_readings().await;
    world.to_reader.cut_next_reply();
    assert_eq!(world.reads().await, Epoch(1));
    assert_eq!(world.reads_from_the_layer().await, Epoch(1));
    assert_eq!(world.epoch().await, before, "nothing had to be shut");
}

#[tokio::test]
async fn a_fill_that_began_before_the_layer_was_shut_is_lost_after_it_has_opened_again() {
    let world = shared().await;
    world.reader.pause.arm();
    let late = world.reads();
    let meanwhile = async {
        world.reader.pause.reached().await;
        world.to_writer.set(Weather::Refusing);
        world.withdraw(1).await;
        world.to_writer.set(Weather::Fair);
        world.reader.redis.until(|it| !it.is_serving()).await;
        world.reader.redis.until(Redis::is_serving).await;
        world.reader.pause.release();
    };
    let (late, ()) = tokio::join!(late, meanwhile);
    assert_eq!((late, world.reads().await), (Epoch(0), Epoch(1)));
    assert_eq!(world.reads_from_the_layer().await, Epoch(1));
}

#[tokio::test]
async fn what_an_abandoned_change_touches_is_not_kept_while_its_mark_lasts() {
    let world = shared().await;
    let transition = Transition {
        expected: vec![(person().nodes[0], Epoch(9))],
        events: Vec::new(),
        facts: Vec::new(),
    };
    assert!(world.writer.ledger.append(&acme(), transition.clone()).await.is_err());
    assert_eq!(world.reads_from_the_layer().await, Epoch(0), "a refused change has ended");
    let tenant = acme();
    let mut append = world.writer.ledger.append(&tenant, transition);
    // The change begins with one question to the system of record and one to Redis.
    let begun = async {
        loop {
            let step = poll_fn(|context| Poll::Ready(append.as_mut().poll(context))).await;
            assert!(step.is_pending(), "the change ended before it was abandoned");
            let before = world.reader.pause.readings();
            let _ = world.reads().await;
            if world.reader.pause.readings() > before {
                return;
            }
        }
    };
    begun.await;
    drop(append);
    let before = world.reader.pause.readings();
    for _ in 0..3 {
        world.reads().await;
    }
    assert_eq!(world.reader.pause.readings(), before + 3);
}

async fn ask(url: &str, words: &[&str]) {
    let client = redis::Client::open(url).unwrap();
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    let mut connection = connection.await.unwrap();
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async::<redis::Value>(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_process_that_does_not_beat_does_not_serve() {
    let mut world = shared().await;
    assert_eq!(world.reads_from_the_layer().await, Epoch(0));
    world.pair.reader.redis.stop();
    world.reader.redis.until(|it| !it.is_serving()).await;
    let before = world.reader.pause.readings();
    assert_eq!(world.reads().await, Epoch(0));
    assert_eq!(world.reader.pause.readings(), before + 1);
}

#[tokio::test]
async fn bytes_nobody_wrote_are_a_miss() {
    let world = shared().await;
    assert_eq!(world.reads_from_the_layer().await, Epoch(0));
    let person = person().subject.uuid().simple().to_string();
    let key = format!("{}{}:{{acme:{person}}}", world.prefix, world.epoch().await);
    for bytes in ["", "\u{1}", "permitted"] {
        ask(&world.url, &["HSET", &key, "s", bytes]).await;
        let before = world.reader.pause.readings();
        assert_eq!(world.reads().await, Epoch(0));
        assert_eq!(world.reader.pause.readings(), before + 1, "asked at the source");
    }
}
