//! A Redis Cluster of three primaries, as processes of this machine: needs `redis-server`.

use std::{net::SocketAddr, path::Path};

use ::redis::{ErrorKind, FromRedisValue, RedisResult, Value};
use tempfile::TempDir;
use url::Url;

use super::{Failed, until};
use crate::{Process, free_address, redis};

/// The slots of each primary.
const SLOTS: [(u16, u16); 3] = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];

/// How often a node is started: its addresses are free when they are chosen, not for good.
const NODE_TRIES_MAX: u32 = 3;

/// Three primaries, each with a third of the slots; gone, with their files, when dropped.
#[derive(Debug)]
pub struct RedisCluster {
    /// One of them: it knows the others.
    pub url: Url,
    nodes: Vec<Process>,
    _files: TempDir,
}

impl RedisCluster {
    /// Starts them, and waits until each knows of all slots.
    pub async fn start() -> Result<Self, Failed> {
        let files = tempfile::tempdir()?;
        let (mut nodes, mut buses) = (Vec::new(), Vec::new());
        for (n, slots) in SLOTS.into_iter().enumerate() {
            let directory = files.path().join(n.to_string());
            std::fs::create_dir(&directory)?;
            let (node, bus) = node(&directory).await?;
            let (from, to) = (slots.0.to_string(), slots.1.to_string());
            let epoch = (n + 1).to_string();
            ask::<Value>(node.address(), &["CLUSTER", "ADDSLOTSRANGE", &from, &to]).await?;
            ask::<Value>(node.address(), &["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await?;
            nodes.push(node);
            buses.push(bus);
        }
        let first = nodes.first().ok_or("a cluster without nodes")?.address();
        for (node, bus) in nodes.iter().zip(&buses).skip(1) {
            let port = node.address().port().to_string();
            ask::<Value>(first, &["CLUSTER", "MEET", "127.0.0.1", &port, bus]).await?;
        }
        let cluster = Self { url: Url::parse(&url_of(first))?, nodes, _files: files };
        until("the cluster", async || cluster.is_whole().await).await?;
        Ok(cluster)
    }

    /// Where each of them is.
    pub fn nodes(&self) -> impl Iterator<Item = SocketAddr> {
        self.nodes.iter().map(Process::address)
    }

    async fn is_whole(&self) -> RedisResult<()> {
        for at in self.nodes() {
            let slots: Vec<Value> = ask(at, &["CLUSTER", "SLOTS"]).await?;
            let info: String = ask(at, &["CLUSTER", "INFO"]).await?;
            if slots.len() < SLOTS.len() || !info.contains("cluster_state:ok") {
                return Err((ErrorKind::ClusterConnectionNotFound, "slots are missing").into());
            }
        }
        Ok(())
    }
}

/// A node and the port of its bus, on other addresses where it did not start on the first ones.
async fn node(directory: &Path) -> std::io::Result<(Process, String)> {
    let log = directory.join("redis.log");
    let mut tries = 1;
    loop {
        let (at, bus) = (free_address().await?, free_address().await?.port().to_string());
        let (port, dir) = (at.port().to_string(), directory.to_string_lossy());
        let args = ["--bind", "127.0.0.1", "--port", &port, "--dir", &dir, "--save", ""];
        let args = args.into_iter().chain(["--cluster-enabled", "yes", "--cluster-port", &bus]);
        match Process::start(Path::new("redis-server"), args, at, &log).await {
            Ok(node) => return Ok((node, bus)),
            Err(error) if tries == NODE_TRIES_MAX => return Err(error),
            Err(_) => tries += 1,
        }
    }
}

fn url_of(at: SocketAddr) -> String {
    format!("redis://{at}/")
}

async fn ask<T: FromRedisValue>(at: SocketAddr, words: &[&str]) -> RedisResult<T> {
    let url = Url::parse(&url_of(at)).map_err(|_| (ErrorKind::InvalidClientConfig, "no URL"))?;
    let mut connection = redis::connect(&url).await?;
    ::redis::Cmd::new().arg(words).query_async(&mut connection).await
}
