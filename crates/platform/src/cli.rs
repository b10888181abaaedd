//! The command line of `assent`.

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use adapters::redis::{Settings, Timing};
use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::config::DataDirectory;

pub mod activation;
pub mod demo;
pub mod key;
pub mod lint;
pub mod release;
pub mod replay;
pub mod serve;
pub mod setup;
pub mod verify;

/// Refused: the code is on standard error.
pub const REFUSED: u8 = 1;

/// Consent-first, real-time personalization for regulated brands.
#[derive(Debug, Parser)]
#[command(name = "assent", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve roles over HTTP; `all` on SQLite by default.
    Serve(serve::Serve),
    /// Prepare a deployment before its services start: systems of record, secrets, artifacts.
    Setup(setup::Setup),
    /// Run a month in the life of an insurer, then serve the console.
    Demo(demo::Demo),
    /// Rebuild or check what decisions read on Redis.
    #[command(subcommand)]
    Activation(activation::Activation),
    /// Make API keys.
    #[command(subcommand)]
    Key(key::Key),
    /// Check artifact files without releasing them.
    Lint(lint::Lint),
    /// Submit, activate and roll back releases.
    #[command(subcommand)]
    Release(release::Release),
    /// Make recorded decisions again and compare them bit for bit.
    Replay(replay::Replay),
    /// Check a receipt offline.
    Verify(verify::Verify),
}

/// Where the deployment keeps its files.
#[derive(Debug, Args)]
pub struct Data {
    /// The data directory.
    #[arg(long = "data", env = "ASSENT_DATA", default_value = "./assent-data", global = true)]
    directory: PathBuf,
    /// The Redis, or any node of the Redis Cluster, on which every process of the deployment keeps
    /// close what decisions read; each process keeps its own, if absent.
    #[arg(long, env = "ASSENT_REDIS_URL", hide_env_values = true, global = true)]
    redis_url: Option<String>,
    /// What the keys of this deployment begin with there.
    #[arg(long, env = "ASSENT_REDIS_PREFIX", default_value = "assent:", global = true)]
    redis_prefix: String,
}

impl Data {
    /// The directory, made if need be.
    pub fn open(&self) -> Result<DataDirectory> {
        use anyhow::Context as _;
        std::fs::create_dir_all(&self.directory)
            .with_context(|| format!("making the data directory `{}`", self.directory.display()))?;
        Ok(DataDirectory::new(&self.directory))
    }
}

impl Data {
    /// The layer all processes of the deployment share, if they share one: it must be the same for
    /// each of them, for commands as well as for servers.
    pub fn redis(&self) -> Option<Settings> {
        let (url, prefix) = (self.redis_url.clone()?, self.redis_prefix.clone());
        Some(Settings { url, prefix, timing: Timing::default() })
    }
}

/// Runs a command; the number is the exit code.
pub fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Serve(it) => it.run(),
        Command::Setup(it) => it.run(),
        Command::Demo(it) => it.run(),
        Command::Activation(it) => it.run(),
        Command::Key(it) => it.run(),
        Command::Lint(it) => it.run(),
        Command::Release(it) => it.run(),
        Command::Replay(it) => it.run(),
        Command::Verify(it) => it.run(),
    }
}

/// Writes a line to standard output; a closed pipe is no error of ours.
pub fn say(line: impl std::fmt::Display) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

/// Writes a line to standard error.
pub fn complain(line: impl std::fmt::Display) {
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// Runs a future on a runtime of its own.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    use anyhow::Context as _;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(work)
}
