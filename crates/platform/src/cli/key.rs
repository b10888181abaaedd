//! `assent key`: API keys, printed once and kept as hashes.

use std::process::ExitCode;

use adapters::system::SystemEntropy;
use anyhow::Result;
use clap::Subcommand;
use kernel::TenantId;
use service::auth::{ApiKey, PlainKey, Scope};

use super::{Data, complain, say};
use crate::api_keys;

/// Make API keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key and print it, once.
    New {
        /// Where.
        #[command(flatten)]
        data: Data,
        /// What to call the key.
        #[arg(long)]
        name: String,
        /// Whose data it reaches.
        #[arg(long, default_value = "acme")]
        tenant: TenantId,
        /// What it may do: ingest, consent, decide, read, steward, or all.
        #[arg(long = "scope", required = true)]
        scopes: Vec<String>,
        /// The event sources it may speak for; any, if none is named.
        #[arg(long = "source")]
        sources: Vec<String>,
    },
}

impl Key {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        let Self::New { data, name, tenant, scopes, sources } = self;
        let data = data.open()?;
        let plain = PlainKey::mint(&SystemEntropy);
        let key = ApiKey {
            name,
            hash: plain.hash(),
            tenant,
            scopes: read_scopes(&scopes)?,
            sources: (!sources.is_empty()).then_some(sources),
        };
        api_keys::add(&data, key)?;
        complain("keep this key: it is not stored and cannot be shown again");
        say(plain.reveal());
        Ok(ExitCode::SUCCESS)
    }
}

fn read_scopes(names: &[String]) -> Result<Vec<Scope>> {
    if names.iter().any(|it| it == "all") {
        return Ok(Scope::ALL.to_vec());
    }
    names.iter().map(|it| it.parse().map_err(anyhow::Error::msg)).collect()
}
