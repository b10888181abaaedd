//! The command line of `assent`.

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use adapters::redis::{Settings, Timing};
use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use url::Url;

use crate::config::{DataDirectory, Databases, Servers};

pub mod activation;
pub mod audit;
pub mod consent;
pub mod demo;
pub mod evidence;
pub mod identity;
pub mod key;
pub mod lint;
pub mod log;
pub mod release;
pub mod replay;
pub mod report;
pub mod serve;
pub mod setup;
pub mod verify;
pub mod witness;

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
    /// Operate the log: erase a person from its records.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Ask what the choices of a person permit, and why.
    #[command(subcommand)]
    Consent(consent::Consent),
    /// Make a pack of evidence for an auditor, a regulator or the person themselves.
    Evidence(evidence::Evidence),
    /// Find out which records are probably one person, or why identifiers are one.
    #[command(subcommand)]
    Identity(identity::Identity),
    /// Make API keys.
    #[command(subcommand)]
    Key(key::Key),
    /// Check artifact files without releasing them.
    Lint(lint::Lint),
    /// Read the log: its signed heads, its tiles as files, proofs between heads.
    #[command(subcommand)]
    Log(log::Log),
    /// Submit, activate and roll back releases.
    #[command(subcommand)]
    Release(release::Release),
    /// Make recorded decisions again and compare them bit for bit.
    Replay(replay::Replay),
    /// Generate what the house must be able to show.
    #[command(subcommand)]
    Report(report::Report),
    /// Check offline what the log hands out, or a receipt or certificate of a choice.
    Verify(verify::Verify),
    /// Be a witness of logs: cosign their heads, each only if it extends the one before.
    Witness(witness::Witness),
}

/// Where the deployment keeps its files.
#[derive(Debug, Args)]
pub struct Data {
    /// The data directory.
    #[arg(long = "data", env = "ASSENT_DATA", default_value = "./assent-data", global = true)]
    directory: PathBuf,
    /// The systems of record of a deployment of several processes (`postgres://..`); a file in the
    /// data directory, if absent.
    #[arg(long, env = "ASSENT_DATABASE_URL", hide_env_values = true, global = true)]
    database_url: Option<String>,
    /// The keys of the log's records, in a Postgres apart from them; with `--database-url`.
    #[arg(long, env = "ASSENT_KEYS_URL", hide_env_values = true, global = true)]
    keys_url: Option<String>,
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
        std::fs::create_dir_all(&self.directory)
            .with_context(|| format!("making the data directory `{}`", self.directory.display()))?;
        Ok(DataDirectory::new(&self.directory))
    }
}

impl Data {
    /// The servers all processes of the deployment share, if they share any: they must be the same
    /// for each of them, for commands as well as for servers.
    pub fn servers(&self) -> Result<Servers> {
        Ok(Servers { databases: self.databases()?, redis: self.redis() })
    }

    /// The layer all processes of the deployment share, if they share one.
    pub fn redis(&self) -> Option<Settings> {
        let (url, prefix) = (self.redis_url.clone()?, self.redis_prefix.clone());
        Some(Settings { url, prefix, timing: Timing::default() })
    }

    fn databases(&self) -> Result<Option<Databases>> {
        let (records, keys) = match (&self.database_url, &self.keys_url) {
            (None, None) => return Ok(None),
            (Some(records), Some(keys)) => (records, keys),
            _ => anyhow::bail!(
                "`ASSENT_DATABASE_URL` and `ASSENT_KEYS_URL` are named together or not at all"
            ),
        };
        let (records, keys) =
            (postgres("ASSENT_DATABASE_URL", records)?, postgres("ASSENT_KEYS_URL", keys)?);
        anyhow::ensure!(
            records != keys,
            "`ASSENT_KEYS_URL` names the database of the records: the keys are kept apart from them"
        );
        Ok(Some(Databases { records, keys }))
    }
}

/// A database on Postgres; what was said is not repeated, because it may hold a password.
fn postgres(name: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text).with_context(|| format!("reading `{name}`"))?;
    anyhow::ensure!(
        ["postgres", "postgresql"].contains(&url.scheme()),
        "`{name}` does not begin with `postgres://`"
    );
    Ok(url)
}

/// Runs a command; the number is the exit code.
pub fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Serve(it) => it.run(),
        Command::Setup(it) => it.run(),
        Command::Demo(it) => it.run(),
        Command::Activation(it) => it.run(),
        Command::Audit(it) => it.run(),
        Command::Consent(it) => it.run(),
        Command::Evidence(it) => it.run(),
        Command::Identity(it) => it.run(),
        Command::Key(it) => it.run(),
        Command::Lint(it) => it.run(),
        Command::Log(it) => it.run(),
        Command::Release(it) => it.run(),
        Command::Replay(it) => it.run(),
        Command::Report(it) => it.run(),
        Command::Verify(it) => it.run(),
        Command::Witness(it) => it.run(),
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
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(work)
}
