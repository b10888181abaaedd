//! A cluster of a test's own: needs the program `redis-server`.

use std::{net::SocketAddr, path::Path, time::Duration};

use delivery::ports::ContactLedger as _;
use kernel::{Instant, NodeId};
use testkit::{Process, free_address};

use super::{
    super::{PATIENT, fresh, opened, over},
    acme, gather, known, person,
};

/// Three primaries of a cluster, each with a third of the slots.
struct Cluster {
    nodes: Vec<(Process, SocketAddr)>,
    _files: tempfile::TempDir,
}

async fn ask<T: redis::FromRedisValue>(at: SocketAddr, words: &[&str]) -> T {
    let client = redis::Client::open(format!("redis://{at}/")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await.unwrap()
}

impl Cluster {
    async fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let mut nodes = Vec::new();
        for n in 0..3 {
            let (at, bus) = (free_address().await.unwrap(), free_address().await.unwrap());
            let directory = files.path().join(n.to_string());
            std::fs::create_dir(&directory).unwrap();
            let (port, bus) = (at.port().to_string(), bus.port().to_string());
            let dir = directory.to_str().unwrap();
            let args = ["--bind", "127.0.0.1", "--port", &port, "--dir", dir, "--save", ""];
            let cluster = ["--cluster-enabled", "yes", "--cluster-port", &bus];
            let args = args.into_iter().chain(cluster);
            let log = directory.join("redis.log");
            let node = Process::start(Path::new("redis-server"), args, at, &log).await.unwrap();
            let slots = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];
            let (from, to): (u16, u16) = slots[n];
            let range = [from.to_string(), to.to_string()];
            let add = ["CLUSTER", "ADDSLOTSRANGE", &range[0], &range[1]];
            ask::<redis::Value>(at, &add).await;
            let epoch = (n + 1).to_string();
            ask::<redis::Value>(at, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await;
            nodes.push((node, at, bus));
        }
        let first = nodes[0].1;
        for (_, at, bus) in &nodes[1..] {
            let port = at.port().to_string();
            ask::<redis::Value>(first, &["CLUSTER", "MEET", "127.0.0.1", &port, bus]).await;
        }
        let nodes = nodes.into_iter().map(|(node, at, _)| (node, at)).collect();
        let cluster = Self { nodes, _files: files };
        cluster.ready().await;
        cluster
    }

    async fn ready(&self) {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        let ready = async {
            for (_, at) in &self.nodes {
                loop {
                    let slots: Vec<redis::Value> = ask(*at, &["CLUSTER", "SLOTS"]).await;
                    let info: String = ask(*at, &["CLUSTER", "INFO"]).await;
                    if slots.len() == 3 && info.contains("cluster_state:ok") {
                        break;
                    }
                    look.tick().await;
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(1), ready).await.unwrap();
    }

    /// How many hashes were read on each node.
    async fn readings(&self) -> Vec<u64> {
        let mut readings = Vec::new();
        for (_, at) in &self.nodes {
            let info: String = ask(*at, &["INFO", "commandstats"]).await;
            let calls = info.lines().find_map(|it| it.strip_prefix("cmdstat_hmget:calls="));
            let calls = calls.and_then(|it| it.split_once(',')).map_or("0", |it| it.0);
            readings.push(calls.parse().unwrap());
        }
        readings
    }
}

#[tokio::test]
async fn on_a_cluster_a_decision_touches_one_slot_and_a_change_reaches_all() {
    let cluster = Cluster::start().await;
    let fresh = fresh().await;
    let through = format!("redis://{}/", cluster.nodes[0].1);
    let mut redis = opened(&fresh.database, &through, PATIENT).await;
    redis.stop();
    let layer = over(fresh, redis);
    let person = person(&layer).await;
    let head = NodeId::from_uuid(person.subject.uuid());
    assert_eq!(known(&layer, head).await, person);
    gather(&layer, &person).await;
    let (before, readings) = (cluster.readings().await, layer.pause.readings());
    assert_eq!(known(&layer, head).await, person);
    gather(&layer, &person).await;
    let after = cluster.readings().await;
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
