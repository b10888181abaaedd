//! A proxy between a client and a server: it can stall, refuse, cut a reply in half or lead
//! elsewhere, and it counts what passes.

use std::{
    collections::BTreeSet,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

const CHUNK_BYTES: usize = 64 * 1_024;

/// What becomes of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Bytes pass.
    Fair,
    /// Connections stand and nothing passes.
    Stalled,
    /// Connections are cut, and new ones at once.
    Refusing,
}

/// The weather, and how often connections were cut so far.
#[derive(Debug, Clone, Copy)]
struct Sky {
    weather: Weather,
    cuts: usize,
}

/// What passed so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Redis commands sent.
    pub commands: usize,
    /// Times the client spoke after the server had: how often somebody waited for the network.
    pub trips: usize,
}

/// A proxy on an address of its own; gone when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    weather: watch::Sender<Sky>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    upstream: Mutex<SocketAddr>,
    cuts: AtomicBool,
    commands: AtomicUsize,
    tags: Mutex<BTreeSet<String>>,
    trips: AtomicUsize,
    server_spoke: AtomicBool,
}

impl Proxy {
    /// A proxy before this server, in fair weather.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (weather, seen) = watch::channel(Sky { weather: Weather::Fair, cuts: 0 });
        let shared = Arc::new(Shared {
            upstream: Mutex::new(upstream),
            cuts: AtomicBool::new(false),
            commands: AtomicUsize::new(0),
            tags: Mutex::default(),
            trips: AtomicUsize::new(0),
            server_spoke: AtomicBool::new(true),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared), seen));
        Ok(Self { address, shared, weather, _tasks: tasks })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather for every connection there is and will be.
    pub fn set(&self, weather: Weather) {
        self.weather.send_modify(|it| {
            it.weather = weather;
            it.cuts += usize::from(weather == Weather::Refusing);
        });
    }

    /// Passes half of the next reply, then cuts its connection.
    pub fn cut_next_reply(&self) {
        self.shared.cuts.store(true, Ordering::SeqCst);
    }

    /// Leads every new connection to another server, and cuts those there are.
    pub fn lead_to(&self, upstream: SocketAddr) {
        *self.shared.upstream.lock().unwrap_or_else(PoisonError::into_inner) = upstream;
        self.set(Weather::Refusing);
        self.set(Weather::Fair);
    }

    /// The hash tags of the keys that commands named since it was last asked: keys of one tag are
    /// in one slot.
    pub fn tags(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.shared.tags.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What passed since it was last asked.
    pub fn tally(&self) -> Tally {
        self.shared.server_spoke.store(true, Ordering::SeqCst);
        Tally {
            commands: self.shared.commands.swap(0, Ordering::SeqCst),
            trips: self.shared.trips.swap(0, Ordering::SeqCst),
        }
    }
}

impl Shared {
    fn heard(&self, bytes: &[u8], pending: &mut Vec<u8>) {
        pending.extend_from_slice(bytes);
        let commands = take_commands(pending);
        self.commands.fetch_add(commands.len(), Ordering::SeqCst);
        let tags = commands.iter().flat_map(|it| keys(it)).filter_map(|it| tag(it));
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).extend(tags);
        if self.server_spoke.swap(false, Ordering::SeqCst) {
            self.trips.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, weather: watch::Receiver<Sky>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if weather.borrow().weather != Weather::Refusing {
            let (shared, weather) = (Arc::clone(&shared), weather.clone());
            connections.spawn(async move { drop(connect(client, &shared, weather).await) });
        }
    }
}

async fn connect(
    client: TcpStream,
    shared: &Shared,
    weather: watch::Receiver<Sky>,
) -> io::Result<()> {
    let upstream = *shared.upstream.lock().unwrap_or_else(PoisonError::into_inner);
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let mut pending = Vec::new();
    let asked = pump(client_in, server_out, weather.clone(), |it| {
        shared.heard(it, &mut pending);
        it.len()
    });
    let answered = pump(server_in, client_out, weather, |it| {
        shared.server_spoke.store(true, Ordering::SeqCst);
        if shared.cuts.swap(false, Ordering::SeqCst) { it.len() / 2 } else { it.len() }
    });
    tokio::select! {
        ended = asked => ended,
        ended = answered => ended,
    }
}

/// Moves bytes while the weather lets them pass; `passes` says how many of a chunk do, and fewer
/// than all of them ends the connection.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut weather: watch::Receiver<Sky>,
    mut passes: impl FnMut(&[u8]) -> usize,
) -> io::Result<()> {
    let (mut chunk, cuts) = (vec![0; CHUNK_BYTES], weather.borrow().cuts);
    loop {
        let read = tokio::select! {
            () = cut(weather.clone(), cuts) => return Ok(()),
            read = from.read(&mut chunk) => read?,
        };
        let Some(bytes) = chunk.get(..read).filter(|it| !it.is_empty()) else { return Ok(()) };
        let clears = weather.wait_for(|it| it.weather != Weather::Stalled || it.cuts != cuts);
        if clears.await.map_or(true, |it| it.cuts != cuts) {
            return Ok(());
        }
        let passing = passes(bytes);
        to.write_all(bytes.get(..passing).unwrap_or_default()).await?;
        if passing < bytes.len() {
            return Ok(());
        }
    }
}

/// Until connections are cut once more.
async fn cut(mut weather: watch::Receiver<Sky>, cuts: usize) {
    drop(weather.wait_for(|it| it.cuts != cuts).await);
}

/// Takes whole RESP arrays of bulk strings off the front; the words of each.
fn take_commands(pending: &mut Vec<u8>) -> Vec<Vec<Vec<u8>>> {
    let (mut commands, mut end) = (Vec::new(), 0);
    while let Some((length, words)) = pending.get(end..).and_then(command) {
        end += length;
        commands.push(words);
    }
    pending.drain(..end);
    commands
}

/// The command at the front, if it is whole: its length, and its words.
fn command(bytes: &[u8]) -> Option<(usize, Vec<Vec<u8>>)> {
    let (parts, mut at) = header(bytes, b'*')?;
    let mut words = Vec::new();
    for _ in 0..parts {
        let (length, header) = header(bytes.get(at..)?, b'$')?;
        let begin = at + header;
        at = begin + length + 2;
        words.push(bytes.get(begin..begin + length)?.to_vec());
    }
    (at <= bytes.len()).then_some((at, words))
}

/// The keys a command names: of a script those it is told, of another its first word.
fn keys(words: &[Vec<u8>]) -> &[Vec<u8>] {
    let is_script = words.first().is_some_and(|it| it.eq_ignore_ascii_case(b"EVALSHA"));
    let number = |it: &Vec<u8>| std::str::from_utf8(it).ok()?.parse::<usize>().ok();
    let (from, n) =
        if is_script { (3, words.get(2).and_then(number).unwrap_or(0)) } else { (1, 1) };
    words.get(from..from + n).unwrap_or_default()
}

/// What a key has between its first braces.
fn tag(key: &[u8]) -> Option<String> {
    let key = std::str::from_utf8(key).ok()?;
    let (tag, _) = key.split_once('{')?.1.split_once('}')?;
    Some(tag.to_owned())
}

/// The number in a header line, and where the line ends.
fn header(bytes: &[u8], kind: u8) -> Option<(usize, usize)> {
    let end = bytes.iter().position(|it| *it == b'\n')?;
    let line = bytes.get(..end)?.strip_prefix(&[kind])?.strip_suffix(b"\r")?;
    Some((std::str::from_utf8(line).ok()?.parse().ok()?, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_counted_however_they_are_split() {
        let all = b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$3\r\nk\r\n\r\n";
        for split in 0..all.len() {
            let mut pending = all[..split].to_vec();
            let mut words = take_commands(&mut pending);
            pending.extend_from_slice(&all[split..]);
            words.extend(take_commands(&mut pending));
            assert_eq!(words, [vec![b"PING".to_vec()], vec![b"GET".to_vec(), b"k\r\n".to_vec()]]);
            assert!(pending.is_empty());
        }
    }

    #[test]
    fn keys_are_told_from_arguments() {
        for (words, expected) in [
            (vec!["HMGET", "a:{x}", "{y}"], vec!["x"]),
            (vec!["evalsha", "0f", "2", "a:{x}", "b:{z}c", "{y}"], vec!["x", "z"]),
            (vec!["EVALSHA", "0f", "7", "a:{x}"], vec![]),
            (vec!["PING"], vec![]),
            (vec!["GET", "plain"], vec![]),
        ] {
            let words: Vec<_> = words.iter().map(|it| it.as_bytes().to_vec()).collect();
            let tags: Vec<_> = keys(&words).iter().filter_map(|it| tag(it)).collect();
            assert_eq!(tags, expected, "{words:?}");
        }
    }
}
