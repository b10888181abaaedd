//! `assent replay`: recorded decisions made again from their records alone.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use kernel::{DecisionId, TenantId};

use super::{Data, REFUSED, block_on, complain, say};
use crate::compose;

/// Make recorded decisions again and compare them bit for bit.
#[derive(Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    data: Data,
    /// Whose log.
    #[arg(long, default_value = "acme")]
    tenant: TenantId,
    /// The decisions; every one of the log, if none is named.
    records: Vec<DecisionId>,
}

impl Replay {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        block_on(self.again())
    }

    async fn again(self) -> Result<ExitCode> {
        let assent =
            compose::offline(&self.data.open()?, &self.tenant, self.data.servers()?).await?;
        let (mut same, mut differ) = (0_u64, 0_u64);
        if self.records.is_empty() {
            let replayed = assent.reading.replay_all(&self.tenant).await?;
            same = replayed.same;
            for (id, mismatch) in &replayed.differ {
                differ += 1;
                complain(format_args!("{id}: {mismatch}"));
            }
        }
        for id in &self.records {
            match assent.reading.replay(&self.tenant, *id).await? {
                Some(Ok(())) => same += 1,
                Some(Err(mismatch)) => {
                    differ += 1;
                    complain(format_args!("{id}: {mismatch}"));
                }
                None => {
                    differ += 1;
                    complain(format_args!("{id}: no such decision"));
                }
            }
        }
        say(format_args!("{same} decisions the same bit for bit, {differ} not"));
        Ok(if differ == 0 { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
    }
}
