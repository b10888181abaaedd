//! The servers behind the layer. A connection is bound to the data it was opened on and never opens
//! itself again: a fence must know whom it talks to.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, Pipeline,
    RedisError, RedisResult, Script, ServerErrorKind, Value, aio::MultiplexedConnection,
};
use kernel::Digest;

use super::{
    Timing, scripts,
    tag::{SLOTS, Tag},
};

/// How many script calls go out at once.
const CALLS_MAX: usize = 500;
/// How long opening a connection may take.
const CONNECT: Duration = Duration::from_secs(1);

/// One call of a script, on the keys of one tag.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) script: &'static Script,
    pub(super) tag: Tag,
    pub(super) keys: Vec<String>,
    pub(super) arguments: Vec<Vec<u8>>,
}

impl Call {
    fn command(&self) -> Cmd {
        let mut command = ::redis::cmd("EVALSHA");
        command.arg(self.script.get_hash()).arg(self.keys.len()).arg(&self.keys);
        command.arg(&self.arguments);
        command
    }
}

/// A connection to one server, and the slots it answers for.
struct Server {
    connection: MultiplexedConnection,
    slots: Vec<RangeInclusive<u16>>,
    data: String,
}

/// Connections to every server of the layer, as they were when it was opened.
pub(super) struct Session {
    servers: Vec<Server>,
    identity: String,
    timing: Timing,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    /// Connects to every primary there is.
    pub(super) async fn open(client: &Client, timing: Timing) -> RedisResult<Self> {
        let mut first = connect(client, timing).await?;
        let (data, clustered) = data(&mut first).await?;
        let servers = if clustered {
            let mut servers = Vec::new();
            for (address, slots) in primaries(&mut first).await? {
                let info = client.get_connection_info().clone().set_addr(address);
                let mut connection = connect(&Client::open(info)?, timing).await?;
                let (data, _) = self::data(&mut connection).await?;
                servers.push(Server { connection, slots, data });
            }
            servers
        } else {
            vec![Server { connection: first, slots: vec![0..=SLOTS - 1], data }]
        };
        let names: Vec<_> = servers.iter().map(|it| format!("{}{:?}", it.data, it.slots)).collect();
        let identity = Digest::of(names.join(" ").as_bytes()).to_string();
        Ok(Self { servers, identity, timing })
    }

    /// Names the data behind every connection: another run, another replication history or another
    /// distribution of slots is another name.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// Whether every connection still answers, from a primary, over the same data.
    pub(super) async fn is_sound(&self) -> bool {
        for server in &self.servers {
            let found = data(&mut server.connection.clone()).await;
            if found.map_or(true, |(data, _)| data != server.data) {
                return false;
            }
        }
        true
    }

    /// Some fields of the hash at a key, in one command.
    pub(super) async fn fields(
        &self,
        tag: &Tag,
        key: &str,
        fields: &[&str],
    ) -> RedisResult<Vec<Option<Vec<u8>>>> {
        let mut connection = self.at(tag)?.connection.clone();
        connection.set_response_timeout(self.timing.read);
        ::redis::cmd("HMGET").arg(key).arg(fields).query_async(&mut connection).await
    }

    /// Runs one script as part of a read.
    pub(super) async fn ask<T: FromRedisValue>(&self, call: &Call) -> RedisResult<T> {
        let mut connection = self.at(&call.tag)?.connection.clone();
        connection.set_response_timeout(self.timing.read);
        let mut answers = run(&mut connection, std::slice::from_ref(call)).await?.into_iter();
        Ok(T::from_redis_value(answers.next().unwrap_or(Value::Nil))?)
    }

    /// Runs scripts as part of a change: all of them, or an error and nobody knows which.
    pub(super) async fn change(&self, calls: Vec<Call>) -> RedisResult<()> {
        let mut by_server: BTreeMap<usize, Vec<Call>> = BTreeMap::new();
        for call in calls {
            by_server.entry(self.place(&call.tag)?).or_default().push(call);
        }
        for (place, calls) in by_server {
            let Some(server) = self.servers.get(place) else { continue };
            let mut connection = server.connection.clone();
            connection.set_response_timeout(self.timing.change);
            for chunk in calls.chunks(CALLS_MAX) {
                run(&mut connection, chunk).await?;
            }
        }
        Ok(())
    }

    fn at(&self, tag: &Tag) -> RedisResult<&Server> {
        self.servers.get(self.place(tag)?).ok_or_else(nowhere)
    }

    fn place(&self, tag: &Tag) -> RedisResult<usize> {
        let slot = tag.slot();
        let covers = |it: &Server| it.slots.iter().any(|range| range.contains(&slot));
        self.servers.iter().position(covers).ok_or_else(nowhere)
    }
}

fn nowhere() -> RedisError {
    (ErrorKind::ClusterConnectionNotFound, "no server answers for a slot").into()
}

/// One connection, which never opens itself again.
pub(super) async fn connect(client: &Client, timing: Timing) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(timing.change));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Runs scripts in one flush; a server that does not know them is told once.
async fn run(connection: &mut MultiplexedConnection, calls: &[Call]) -> RedisResult<Vec<Value>> {
    let mut pipeline = Pipeline::with_capacity(calls.len());
    for call in calls {
        pipeline.add_command(call.command());
    }
    match pipeline.query_async(connection).await {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            for script in scripts::all() {
                script.load_async(connection).await?;
            }
            pipeline.query_async(connection).await
        }
        other => other,
    }
}

/// What a primary calls its data (the run and the replication history), and whether it is one of a
/// cluster; an error from a replica.
pub(super) async fn data(connection: &mut MultiplexedConnection) -> RedisResult<(String, bool)> {
    let mut pipeline = Pipeline::new();
    pipeline.cmd("INFO").arg("server").cmd("INFO").arg("replication");
    let [server, replication]: [String; 2] = pipeline.query_async(connection).await?;
    let field = |text: &str, name: &str| {
        text.lines()
            .filter_map(|it| it.split_once(':'))
            .find(|it| it.0 == name)
            .map(|it| it.1.trim().to_owned())
            .unwrap_or_default()
    };
    if field(&replication, "role") != "master" {
        return Err((ErrorKind::Server(ServerErrorKind::ReadOnly), "not a primary").into());
    }
    let run = field(&server, "run_id");
    let history = field(&replication, "master_replid");
    Ok((format!("{run}:{history}"), field(&server, "redis_mode") == "cluster"))
}

type Primaries = BTreeMap<(String, u16), Vec<RangeInclusive<u16>>>;

/// Where the primaries of a cluster are, and the slots of each.
pub(super) async fn primaries(
    connection: &mut MultiplexedConnection,
) -> RedisResult<Vec<(ConnectionAddr, Vec<RangeInclusive<u16>>)>> {
    let ranges: Vec<Vec<Value>> =
        ::redis::cmd("CLUSTER").arg("SLOTS").query_async(connection).await?;
    let mut found = Primaries::new();
    for range in ranges {
        let [from, to, primary, ..] = range.as_slice() else { return Err(nowhere()) };
        let Value::Array(primary) = primary else { return Err(nowhere()) };
        let [host, port, ..] = primary.as_slice() else { return Err(nowhere()) };
        let host = String::from_redis_value_ref(host)?;
        let slots = u16::from_redis_value_ref(from)?..=u16::from_redis_value_ref(to)?;
        found.entry((host, u16::from_redis_value_ref(port)?)).or_default().push(slots);
    }
    Ok(found
        .into_iter()
        .map(|((host, port), slots)| (ConnectionAddr::Tcp(host, port), slots))
        .collect())
}
