//! `assent report`: what the house must be able to show, generated and never typed.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand, ValueEnum};
use consent::ropa;
use kernel::TenantId;

use super::{Data, block_on, say};
use crate::compose;

/// Generate what the house must be able to show.
#[derive(Debug, Subcommand)]
pub enum Report {
    /// The record of processing activities (GDPR Art. 30), from what is live.
    Ropa(Ropa),
}

/// In which form.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Csv,
    Html,
}

/// What is reported.
#[derive(Debug, Args)]
pub struct Ropa {
    #[command(flatten)]
    data: Data,
    /// Whose records.
    #[arg(long, default_value = "acme", env = "ASSENT_TENANT")]
    tenant: TenantId,
    /// As what.
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// The same as `--format json`.
    #[arg(long)]
    json: bool,
}

impl Report {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        let Self::Ropa(it) = self;
        block_on(it.act())
    }
}

impl Ropa {
    async fn act(self) -> Result<ExitCode> {
        let assent =
            compose::offline(&self.data.open()?, &self.tenant, self.data.servers()?).await?;
        let registry = assent.app.explain.registry(&self.tenant).await;
        assent.close().await?;
        let record = ropa::record(&*registry.context("reading the registry")?);
        let format = if self.json { Format::Json } else { self.format };
        let text = match format {
            Format::Json => serde_json::to_string_pretty(&record).context("encoding the record")?,
            Format::Csv => ropa::csv(&record),
            Format::Html => ropa::html(&record),
        };
        say(text.trim_end());
        Ok(ExitCode::SUCCESS)
    }
}
