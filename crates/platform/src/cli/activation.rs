//! `assent activation`: the layer on Redis, made anew from the systems of record or compared with
//! them.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use adapters::redis::{Settings, Timing, Upkeep};
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use kernel::{SubjectId, TenantId};
use serde::Serialize;

use super::{Data, REFUSED, block_on, complain, say};
use crate::{compose, config::Servers};

/// Rebuild or check what decisions read on Redis.
#[derive(Debug, Subcommand)]
pub enum Activation {
    /// Forget everything kept, and keep what decisions will ask about everybody.
    ///
    /// Processes that serve go on, from the systems of record until they see the new layer.
    Rebuild(Which),
    /// Compare what is kept of everybody with the systems of record, and repair what differs;
    /// 1 if anything did.
    Verify(Which),
}

/// Whose, and how it is told.
#[derive(Debug, Args)]
pub struct Which {
    #[command(flatten)]
    data: Data,
    /// The tenant of this deployment.
    #[arg(long, default_value = "acme", env = "ASSENT_TENANT")]
    tenant: TenantId,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// What was done.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// How many people were gone through.
    people: u64,
    /// How many of them were kept otherwise than recorded, by what.
    repaired: BTreeMap<&'static str, u64>,
}

impl Report {
    fn text(&self) -> String {
        let repaired: Vec<_> =
            self.repaired.iter().map(|(what, n)| format!("{n} {what}")).collect();
        let repaired = if repaired.is_empty() { "nothing".to_owned() } else { repaired.join(", ") };
        format!("{} people, repaired: {repaired}", self.people)
    }
}

impl Activation {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        adapters::system::install_tls();
        block_on(self.act())
    }

    async fn act(self) -> Result<ExitCode> {
        let (which, anew) = match &self {
            Self::Rebuild(which) => (which, true),
            Self::Verify(which) => (which, false),
        };
        let Some(settings) = which.data.redis() else {
            complain(
                "no activation layer is shared: name it by `--redis-url` or `ASSENT_REDIS_URL`",
            );
            return Ok(ExitCode::from(2));
        };
        // Opened by this command: it need not rest.
        let timing = Timing { rest: Duration::ZERO, ..settings.timing };
        let redis = Some(Settings { timing, ..settings });
        let servers = Servers { redis, ..which.data.servers()? };
        let tenant = &which.tenant;
        let assent = compose::offline(&which.data.open()?, tenant, servers).await?;
        let upkeep = assent.upkeep.as_ref().context("an activation layer without upkeep")?;
        let opened = if anew { upkeep.begin_anew().await } else { upkeep.open().await };
        opened.context("opening the activation layer: is Redis there?")?;
        let report = everybody(upkeep, tenant, anew).await?;
        assent.close().await?;
        let told = if which.json { serde_json::to_string_pretty(&report)? } else { report.text() };
        say(told);
        Ok(if report.repaired.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
    }
}

/// Goes through everybody once, in the order of their heads.
async fn everybody(upkeep: &Upkeep, tenant: &TenantId, anew: bool) -> Result<Report> {
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} people {per_sec} {elapsed}");
    let bar = ProgressBar::new(upkeep.people(tenant).await.context("counting people")?);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (mut report, mut after): (Report, Option<SubjectId>) = (Report::default(), None);
    loop {
        let heads = upkeep.heads(tenant, after).await.context("listing people")?;
        let Some(last) = heads.last().copied() else { break };
        let differences = if anew {
            upkeep.refill(tenant, &heads).await.map(|()| Vec::new())
        } else {
            upkeep.verify(tenant, &heads).await
        };
        for what in differences.with_context(|| format!("going through people up to {last}"))? {
            *report.repaired.entry(what).or_default() += 1;
        }
        let n = u64::try_from(heads.len())?;
        report.people += n;
        bar.inc(n);
        after = Some(last);
    }
    bar.finish_and_clear();
    Ok(report)
}
