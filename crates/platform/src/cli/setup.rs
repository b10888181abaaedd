//! `assent setup`: what happens once in a deployment, before its services start together.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::Args;
use kernel::TenantId;

use super::{Data, block_on, say, serve::begin};
use crate::{compose, config::Config};

/// Prepare a deployment: migrate the systems of record, make the secrets that are missing, open
/// the log, make artifacts live where nothing is. Safe to repeat.
#[derive(Debug, Args)]
pub struct Setup {
    #[command(flatten)]
    data: Data,
    /// The tenant of this deployment.
    #[arg(long, default_value = "acme", env = "ASSENT_TENANT")]
    tenant: TenantId,
    /// A tree of artifacts to make live where nothing is; the shipped example, if absent.
    #[arg(long, env = "ASSENT_JOURNEYS")]
    journeys: Option<PathBuf>,
}

impl Setup {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        block_on(self.act())
    }

    async fn act(self) -> Result<ExitCode> {
        let data = self.data.open()?;
        let assent = compose::offline(&data, &self.tenant, self.data.servers()?).await?;
        begin(&assent, &Config::embedded(data, self.tenant), self.journeys.as_deref()).await?;
        assent.close().await?;
        say("the deployment is ready for its services");
        Ok(ExitCode::SUCCESS)
    }
}
