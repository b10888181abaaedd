//! What an operator decides: read once, from flags and the environment.

use std::{fmt, net::SocketAddr, path::PathBuf};

use adapters::redis::Settings;
use audit::service::KnownWitness;
use delivery::render::Imprint;
use kernel::TenantId;
use url::Url;

use crate::channels::Webhook;

/// Where a deployment keeps its files.
#[derive(Debug, Clone)]
pub struct DataDirectory(PathBuf);

impl DataDirectory {
    /// This directory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The systems of record.
    pub fn database(&self) -> PathBuf {
        self.0.join("assent.db")
    }

    /// The wrapped keys of audit's records; never in one backup with the records.
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys.db")
    }

    /// Private keys and the root secret.
    pub fn secrets(&self) -> PathBuf {
        self.0.join("secrets")
    }

    /// The API keys, hashed.
    pub fn api_keys(&self) -> PathBuf {
        self.0.join("api-keys.json")
    }

    /// The public key of documents handed to people, for whoever checks them.
    pub fn document_key(&self) -> PathBuf {
        self.0.join("documents.pub")
    }

    /// The log's public key, for whoever checks receipts.
    pub fn log_key(&self) -> PathBuf {
        self.0.join("log.vkey")
    }

    /// The directory itself.
    pub fn path(&self) -> &std::path::Path {
        &self.0
    }
}

/// The servers a deployment names; what it does not name, it does without.
#[derive(Debug, Clone, Default)]
pub struct Servers {
    /// The systems of record; files in the data directory, if absent.
    pub databases: Option<Databases>,
    /// Where what decisions read is kept close for every process; in each process, if absent and
    /// it is the only one.
    pub redis: Option<Settings>,
}

/// Two databases on Postgres: no backup should have both.
#[derive(Clone)]
pub struct Databases {
    /// The systems of record.
    pub records: Url,
    /// The wrapped keys of audit's records.
    pub keys: Url,
}

impl fmt::Debug for Databases {
    /// Without the URLs: they hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Databases")
    }
}

/// The settings of one process.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the files are.
    pub data: DataDirectory,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// How links in messages reach us.
    pub base_url: String,
    /// The tenant of an embedded deployment.
    pub tenant: TenantId,
    /// The jurisdiction this process executes in, for residency.
    pub region: String,
    /// The operator's domain name: the first part of every log's origin.
    pub operator: String,
    /// Who sends messages, as they say at their foot.
    pub imprint: Imprint,
    /// The servers it shares with other processes of the deployment.
    pub servers: Servers,
    /// Who vouches that everyone sees one log.
    pub witnesses: Vec<KnownWitness>,
    /// Whether the thin plane of the log (tiles and heads, nothing personal) is served to everyone.
    pub public_log: bool,
    /// Where messages on the channel `webhook` are posted; the sandbox keeps them, if absent.
    pub webhook: Option<Webhook>,
}

impl Config {
    /// The embedded default over these files.
    pub fn embedded(data: DataDirectory, tenant: TenantId) -> Self {
        Self {
            data,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            base_url: "http://127.0.0.1:8080".to_owned(),
            tenant,
            region: "EU".to_owned(),
            operator: "assent.example".to_owned(),
            imprint: Imprint {
                name: "Example Insurance".to_owned(),
                address: "1 Example Street, 10115 Berlin".to_owned(),
                domain: "assent.example".to_owned(),
            },
            servers: Servers::default(),
            witnesses: Vec::new(),
            public_log: false,
            webhook: None,
        }
    }
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Answers `POST /v1/decisions`.
    Decide,
    /// Records choices, serves the public pages.
    Consent,
    /// Admits events and imports.
    Ingest,
    /// Relays facts, fires timers, delivers.
    Worker,
    /// Serves the console.
    Console,
    /// Everything in one process.
    All,
}

impl Role {
    /// Whether a process of these roles does what that role does.
    pub fn among(self, roles: &[Self]) -> bool {
        roles.iter().any(|it| *it == Self::All || *it == self)
    }
}
