//! A binary under test that can be killed like a machine that loses power.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    net::SocketAddr,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::{MissedTickBehavior, interval, timeout},
};

/// How long a process may take until it answers.
const READY_SECONDS_MAX: u64 = 30;
/// How often it is asked.
const ASK_MILLIS: u64 = 10;
/// How many lines a process that did not start is quoted with.
const LINES_TOLD_MAX: usize = 12;

/// An address of this machine that nobody listens on, nor is given to anybody else for a minute.
///
/// A connection that is closed by its listener leaves the address in the state `TIME_WAIT`
/// (RFC 9293, section 3.6.1). Until that passes, the kernel takes the port neither for a listener
/// that asks for any port nor for the near end of a connection, while whoever asks for this very
/// port with `SO_REUSEADDR`, as servers do, gets it.
pub async fn free_address() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let mut far = TcpStream::connect(address).await?;
    let (near, _) = listener.accept().await?;
    drop(near);
    // The end of the stream shows that the listener's side closed first.
    far.read_to_end(&mut Vec::new()).await?;
    Ok(address)
}

/// A running process that listens; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Starts the binary with its output in a file, and waits until it accepts connections; where
    /// it does not come to that, the error ends with the last lines of its output.
    pub async fn start<A: AsRef<OsStr>>(
        binary: &Path,
        args: impl IntoIterator<Item = A>,
        address: SocketAddr,
        log: &Path,
    ) -> io::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let child = Command::new(binary)
            .args(args)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()?;
        let mut process = Self { child, address };
        process.ready().await.map_err(|error| {
            io::Error::new(error.kind(), format!("{error}; it said: {}", last_lines(log)))
        })?;
        Ok(process)
    }

    async fn ready(&mut self) -> io::Result<()> {
        let mut ask = interval(Duration::from_millis(ASK_MILLIS));
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let answered = async {
            loop {
                ask.tick().await;
                if TcpStream::connect(self.address).await.is_ok() {
                    return Ok(());
                }
                if let Some(status) = self.child.try_wait()? {
                    return Err(io::Error::other(format!("the process ended with {status}")));
                }
            }
        };
        timeout(Duration::from_secs(READY_SECONDS_MAX), answered).await?
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A path on it, as a URL.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Kills it at once (`SIGKILL`) and waits until it is gone.
    pub async fn kill(mut self) -> io::Result<()> {
        self.child.kill().await
    }

    /// Waits until it ends by itself.
    pub async fn wait(mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let from = lines.len().saturating_sub(LINES_TOLD_MAX);
    lines.get(from..).unwrap_or_default().join("\n")
}
