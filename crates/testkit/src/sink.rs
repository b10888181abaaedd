//! An HTTP/1.1 server that records what it receives and answers as told, also badly.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

/// The largest body that is recorded.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a test waits for requests.
const RECEIVE_SECONDS_MAX: u64 = 30;

/// What the server does with a request once it has recorded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Answers with this status and no body.
    Status(u16),
    /// Never answers.
    Hang,
    /// Closes the connection without an answer.
    Close,
}

/// A recorded request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// `POST`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug)]
struct State {
    reply: Mutex<Reply>,
    received: watch::Sender<Vec<Received>>,
}

/// The server; it stops when dropped.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

impl Sink {
    /// Listens on a free port and answers 200 until told otherwise.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (received, _) = watch::channel(Vec::new());
        let state = Arc::new(State { reply: Mutex::new(Reply::Status(200)), received });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state, _tasks: tasks })
    }

    /// A path on it, as a URL.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers so from now on.
    pub fn answer(&self, reply: Reply) {
        *self.state.reply.lock().unwrap_or_else(PoisonError::into_inner) = reply;
    }

    /// What has been received so far, in order.
    pub fn so_far(&self) -> Vec<Received> {
        self.state.received.borrow().clone()
    }

    /// Waits until at least so many requests have been received.
    pub async fn received(&self, at_least: usize) -> io::Result<Vec<Received>> {
        let mut watched = self.state.received.subscribe();
        let arrived = watched.wait_for(|it| it.len() >= at_least);
        let arrived = timeout(Duration::from_secs(RECEIVE_SECONDS_MAX), arrived).await?;
        arrived.map(|it| it.clone()).map_err(io::Error::other)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        // A client that breaks off is part of the test, not an error of the server.
        connections.spawn(async move { drop(serve(stream, &state).await) });
    }
}

/// Serves the requests of one connection until either side closes it.
async fn serve(stream: TcpStream, state: &State) -> io::Result<()> {
    let mut stream = BufStream::new(stream);
    while let Some(request) = read(&mut stream).await? {
        state.received.send_modify(|it| it.push(request));
        let reply = *state.reply.lock().unwrap_or_else(PoisonError::into_inner);
        match reply {
            Reply::Status(status) => {
                let head = format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(head.as_bytes()).await?;
                stream.flush().await?;
            }
            Reply::Hang => std::future::pending().await,
            Reply::Close => return Ok(()),
        }
    }
    Ok(())
}

/// The next request; nothing when the client is done.
async fn read(stream: &mut BufStream<TcpStream>) -> io::Result<Option<Received>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut received = Received { method, path, headers, body: Vec::new() };
    received.body = if received.header("transfer-encoding") == Some("chunked") {
        chunked(stream).await?
    } else {
        let length = received.header("content-length").and_then(|it| it.parse().ok());
        exactly(stream, length.unwrap_or(0)).await?
    };
    Ok(Some(received))
}

async fn exactly(stream: &mut BufStream<TcpStream>, length: usize) -> io::Result<Vec<u8>> {
    if length > BODY_BYTES_MAX {
        return Err(io::Error::other("the body is too large"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

async fn chunked(stream: &mut BufStream<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        stream.read_line(&mut size).await?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        if body.len().saturating_add(size) > BODY_BYTES_MAX {
            return Err(io::Error::other("the body is too large"));
        }
        body.extend(exactly(stream, size).await?);
        exactly(stream, 2).await?;
        if size == 0 {
            return Ok(body);
        }
    }
}
