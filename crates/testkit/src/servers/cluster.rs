//! A Redis Cluster of three primaries, as processes of this machine: needs `redis-server`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

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
    nodes: Vec<Node>,
    _files: TempDir,
}

/// A primary and where it keeps its files; without a process while it is dead.
#[derive(Debug)]
struct Node {
    at: SocketAddr,
    bus: u16,
    directory: PathBuf,
    process: Option<Process>,
}

impl RedisCluster {
    /// Starts them, and waits until each knows of all slots.
    pub async fn start() -> Result<Self, Failed> {
        let files = tempfile::tempdir()?;
        let mut nodes = Vec::new();
        for (n, slots) in SLOTS.into_iter().enumerate() {
            let directory = files.path().join(n.to_string());
            std::fs::create_dir(&directory)?;
            let node = Node::start(directory).await?;
            let (from, to) = (slots.0.to_string(), slots.1.to_string());
            let epoch = (n + 1).to_string();
            ask::<Value>(node.at, &["CLUSTER", "ADDSLOTSRANGE", &from, &to]).await?;
            ask::<Value>(node.at, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await?;
            nodes.push(node);
        }
        let first = nodes.first().ok_or("a cluster without nodes")?.at;
        for node in nodes.iter().skip(1) {
            let (port, bus) = (node.at.port().to_string(), node.bus.to_string());
            ask::<Value>(first, &["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await?;
        }
        let cluster = Self { url: Url::parse(&url_of(first))?, nodes, _files: files };
        cluster.whole().await?;
        Ok(cluster)
    }

    /// Where each of them is.
    pub fn nodes(&self) -> impl Iterator<Item = SocketAddr> {
        self.nodes.iter().map(|it| it.at)
    }

    /// Kills the `n`th at once.
    pub async fn kill(&mut self, n: usize) -> Result<(), Failed> {
        let node = self.nodes.get_mut(n).ok_or("no such node")?;
        if let Some(process) = node.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Starts the `n`th again, where it was and without its keys, and waits until each knows of all
    /// slots.
    pub async fn start_again(&mut self, n: usize) -> Result<(), Failed> {
        self.nodes.get_mut(n).ok_or("no such node")?.run().await?;
        self.whole().await
    }

    async fn whole(&self) -> Result<(), Failed> {
        until("the cluster", async || self.is_whole().await).await
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

impl Node {
    /// A running node, on other addresses where it did not start on the first ones.
    async fn start(directory: PathBuf) -> std::io::Result<Self> {
        let mut tries = 1;
        loop {
            let (at, bus) = (free_address().await?, free_address().await?.port());
            let mut node = Self { at, bus, directory: directory.clone(), process: None };
            match node.run().await {
                Ok(()) => return Ok(node),
                Err(error) if tries == NODE_TRIES_MAX => return Err(error),
                Err(_) => tries += 1,
            }
        }
    }

    async fn run(&mut self) -> std::io::Result<()> {
        let (port, bus) = (self.at.port().to_string(), self.bus.to_string());
        let (dir, log) = (self.directory.to_string_lossy(), self.directory.join("redis.log"));
        let args = ["--bind", "127.0.0.1", "--port", &port, "--dir", &dir, "--save", ""];
        let args = args.into_iter().chain(["--cluster-enabled", "yes", "--cluster-port", &bus]);
        let process = Process::start(Path::new("redis-server"), args, self.at, &log).await?;
        self.process = Some(process);
        Ok(())
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
