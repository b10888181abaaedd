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
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::{MissedTickBehavior, interval, timeout},
};

/// How long a process may take until it answers.
const READY_SECONDS_MAX: u64 = 30;
/// How often it is asked.
const ASK_MILLIS: u64 = 10;

/// An address of this machine that nobody listens on.
pub async fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()
}

/// A running process that listens; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Starts the binary with its output in a file, and waits until it accepts connections.
    pub async fn start<A: AsRef<OsStr>>(
        binary: &Path,
        args: impl IntoIterator<Item = A>,
        address: SocketAddr,
        log: &Path,
    ) -> io::Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let child = Command::new(binary)
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let mut process = Self { child, address };
        process.ready().await?;
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
