//! Servers of a test's own, killed, restarted and failed over: needs the program `redis-server`.

use std::{net::SocketAddr, path::Path};

use kernel::Epoch;
use testkit::{Process, free_address};

use super::{ask, url_of, world};

/// A Redis of this test's own, with its files.
pub(in super::super) async fn server(at: SocketAddr, directory: &Path, more: &[&str]) -> Process {
    let port = at.port().to_string();
    let dir = directory.to_str().unwrap();
    let own = [
        "--bind",
        "127.0.0.1",
        "--port",
        &port,
        "--dir",
        dir,
        "--save",
        "",
        "--repl-diskless-sync-delay",
        "0",
    ];
    let args: Vec<_> = own.iter().chain(more).collect();
    let log = directory.join("redis.log");
    Process::start(Path::new("redis-server"), args, at, &log).await.unwrap()
}

#[tokio::test]
async fn a_withdrawal_while_redis_is_dead_holds_after_it_restarts_empty() {
    let directory = tempfile::tempdir().unwrap();
    let at = free_address().await.unwrap();
    let redis = server(at, directory.path(), &[]).await;
    let world = world(at).await;
    assert_eq!(world.reads_from_the_layer().await, Epoch(0));
    redis.kill().await.unwrap();
    world.withdraw(1).await;
    assert_eq!(world.reads().await, Epoch(1));
    let _again = server(at, directory.path(), &[]).await;
    assert_eq!(world.reads_from_the_layer().await, Epoch(1));
}

#[tokio::test]
async fn a_server_restarted_from_before_a_withdrawal_is_never_believed() {
    let directory = tempfile::tempdir().unwrap();
    let at = free_address().await.unwrap();
    let redis = server(at, directory.path(), &[]).await;
    let world = world(at).await;
    assert_eq!(world.reads_from_the_layer().await, Epoch(0));
    ask(&world.url, &["SAVE"]).await;
    let before = world.epoch().await;
    world.withdraw(1).await;
    assert_eq!(world.epoch().await, before, "the withdrawal reached the server");
    redis.kill().await.unwrap();
    let _again = server(at, directory.path(), &[]).await;
    assert_eq!(world.reads().await, Epoch(1));
    assert_eq!(world.reads_from_the_layer().await, Epoch(1));
    assert_ne!(world.epoch().await, before, "what it still held is out of reach");
}

#[tokio::test]
async fn a_replica_promoted_without_the_last_write_is_never_believed() {
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (at, other) = (free_address().await.unwrap(), free_address().await.unwrap());
    let _primary = server(at, directories[0].path(), &[]).await;
    let port = at.port().to_string();
    let _replica = server(other, directories[1].path(), &["--replicaof", "127.0.0.1", &port]).await;
    let world = world(at).await;
    assert_eq!(world.reads_from_the_layer().await, Epoch(0));
    ask(&world.url, &["WAIT", "1", "10000"]).await;
    // Promoted with what it has: the withdrawal reaches the old primary alone.
    ask(&url_of(other), &["REPLICAOF", "NO", "ONE"]).await;
    world.withdraw(1).await;
    world.to_reader.lead_to(other);
    assert_eq!(world.reads().await, Epoch(1));
    world.to_writer.lead_to(other);
    assert_eq!(world.reads_from_the_layer().await, Epoch(1));
}

#[tokio::test]
async fn a_reader_on_another_primary_than_the_writer_is_never_served_from_it() {
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (at, other) = (free_address().await.unwrap(), free_address().await.unwrap());
    let _primary = server(at, directories[0].path(), &[]).await;
    let port = at.port().to_string();
    let _replica = server(other, directories[1].path(), &["--replicaof", "127.0.0.1", &port]).await;
    let world = world(at).await;
    assert_eq!(world.reads_from_the_layer().await, Epoch(0));
    ask(&world.url, &["WAIT", "1", "10000"]).await;
    ask(&url_of(other), &["REPLICAOF", "NO", "ONE"]).await;
    // Two primaries, one on each side: whoever is led away stops, and no side serves the other's.
    world.to_reader.lead_to(other);
    world.withdraw(1).await;
    assert_eq!(world.reads().await, Epoch(1));
    world.to_writer.lead_to(other);
    assert_eq!(world.reads_from_the_layer().await, Epoch(1));
}
