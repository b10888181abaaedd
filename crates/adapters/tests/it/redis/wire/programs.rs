//! A cluster of a test's own: needs the program `redis-server`.

use std::net::SocketAddr;

use delivery::ports::ContactLedger as _;
use kernel::{Instant, NodeId};
use testkit::servers::RedisCluster;

use super::{
    super::{PATIENT, fresh, opened, over},
    acme, gather, known, person,
};

async fn ask<T: redis::FromRedisValue>(at: SocketAddr, words: &[&str]) -> T {
    let client = redis::Client::open(format!("redis://{at}/")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await.unwrap()
}

/// How many hashes were read on each node.
async fn hashes_read(cluster: &RedisCluster) -> Vec<u64> {
    let mut readings = Vec::new();
    for at in cluster.nodes() {
        let info: String = ask(at, &["INFO", "commandstats"]).await;
        let calls = info.lines().find_map(|it| it.strip_prefix("cmdstat_hmget:calls="));
        let calls = calls.and_then(|it| it.split_once(',')).map_or("0", |it| it.0);
        readings.push(calls.parse().unwrap());
    }
    readings
}

#[tokio::test]
async fn on_a_cluster_a_decision_touches_one_slot_and_a_change_reaches_all() {
    let cluster = RedisCluster::start().await.unwrap();
    let fresh = fresh().await;
    let mut redis = opened(&fresh.database, cluster.url.as_str(), PATIENT).await;
    redis.stop();
    let layer = over(fresh, redis);
    let person = person(&layer).await;
    let head = NodeId::from_uuid(person.subject.uuid());
    assert_eq!(known(&layer, head).await, person);
    gather(&layer, &person).await;
    let (before, readings) = (hashes_read(&cluster).await, layer.pause.readings());
    assert_eq!(known(&layer, head).await, person);
    gather(&layer, &person).await;
    let after = hashes_read(&cluster).await;
    let mut touched: Vec<_> =
        after.iter().zip(before).map(|(after, before)| after - before).collect();
    touched.sort_unstable();
    assert_eq!((touched, layer.pause.readings()), (vec![0, 0, 4], readings));
    // Said of the node that is not the head: its person's history is elsewhere, and hears of it.
    let other = person.nodes[0];
    let entry = delivery::contact::Entry {
        id: delivery::contact::ContactId("comms:1".to_owned()),
        node: other,
        at: Instant::EPOCH,
        state: delivery::contact::EntryState::Committed,
        channel: kernel::Channel::Email,
        class: kernel::Class::Service,
        journey: None,
    };
    let delivery = delivery::contract::sample::delivery(1, &person);
    let fact = delivery::contract::sample::note(&delivery, "contact.recorded", 1);
    layer.contacts.record(&acme(), vec![(entry, fact)]).await.unwrap();
    let history = layer.contacts.history(&acme(), &person.nodes, Instant::EPOCH).await.unwrap();
    assert_eq!(history.len(), 1);
}
