//! `assent audit`: operating the log.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use audit::service::Erase;
use clap::{Args, Subcommand};
use kernel::{SubjectId, TenantId};

use super::{Data, REFUSED, block_on, complain, consent::found, say};
use crate::compose::{self, Assent};

/// Operate the log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Erase a person from the records: the keys of their parts are destroyed, in about a minute,
    /// when every process has let go of them. Proofs stay valid, and every copy becomes unreadable.
    ///
    /// Interrupted, it is taken up again by `assent audit finish`.
    Erase(EraseArgs),
    /// Destroy the keys of erasures that are logged and due, and log that it is done.
    Finish(Of),
}

/// Whose log.
#[derive(Debug, Args)]
pub struct Of {
    #[command(flatten)]
    data: Data,
    /// Whose log.
    #[arg(long, default_value = "acme", env = "ASSENT_TENANT")]
    tenant: TenantId,
}

/// Whom to erase, and why.
#[derive(Debug, Args)]
pub struct EraseArgs {
    #[command(flatten)]
    of: Of,
    /// The person: an id (`sub_..`), or an identifier (`crm_id:C0`).
    subject: String,
    /// Who erases.
    #[arg(long)]
    by: String,
    /// Why: a request, a law.
    #[arg(long)]
    basis: String,
    /// Only log it and take the keys out of use; `assent audit finish` does the rest.
    #[arg(long)]
    no_wait: bool,
}

impl Audit {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        block_on(self.act())
    }

    async fn act(self) -> Result<ExitCode> {
        let (Self::Erase(EraseArgs { of, .. }) | Self::Finish(of)) = &self;
        let assent = compose::offline(&of.data.open()?, &of.tenant, of.data.servers()?).await?;
        let done = match &self {
            Self::Erase(it) => it.erase(&assent).await,
            Self::Finish(it) => finish(&assent, &it.tenant).await,
        };
        assent.close().await?;
        done
    }
}

impl EraseArgs {
    async fn erase(&self, assent: &Assent) -> Result<ExitCode> {
        let tenant = &self.of.tenant;
        let Some(person) = found(assent, tenant, &self.subject).await? else {
            complain("nobody is known by that");
            return Ok(ExitCode::from(REFUSED));
        };
        // What was recorded before a merge is under the keys of whom the person was then.
        let former = person.nodes.iter().map(|it| SubjectId::from_uuid(it.uuid()));
        let erase = Erase {
            tenant: tenant.clone(),
            subjects: former.filter(|it| *it != person.subject).chain([person.subject]).collect(),
            by: self.by.clone(),
            basis: self.basis.clone(),
        };
        let erased = assent.app.auditing.erase.begin(&erase).await.context("erasing")?;
        let Some(record) = erased.record else {
            say("there is nothing to erase: the person has no keys");
            return Ok(ExitCode::SUCCESS);
        };
        say(format_args!("{} keys are out of use ({record})", erased.keys));
        if self.no_wait {
            return Ok(ExitCode::SUCCESS);
        }
        let left = erased.due.micros().saturating_sub(assent.app.clock.now().micros()).max(0);
        let left = Duration::from_micros(u64::try_from(left).unwrap_or(0)) + Duration::from_secs(1);
        say(format_args!("they are destroyed in {} seconds", left.as_secs()));
        tokio::time::sleep(left).await;
        finish(assent, tenant).await
    }
}

async fn finish(assent: &Assent, tenant: &TenantId) -> Result<ExitCode> {
    let finished = assent.app.auditing.erase.finish(tenant).await.context("destroying keys")?;
    say(format_args!("{} erasures done, {} not due yet", finished.destroyed, finished.waiting));
    Ok(if finished.waiting == 0 { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}
