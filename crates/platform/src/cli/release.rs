//! `assent release`: which artifacts are live, and back again.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Subcommand;
use kernel::{Digest, Limit, StaffId, TenantId};
use rollout::{
    MoveReason, Pointer,
    service::{MoveError, SubmitError},
};

use super::{Data, REFUSED, block_on, complain, say};
use crate::{
    compose::{self, Assent},
    journeys,
};

/// Submit, activate and roll back releases.
#[derive(Debug, Subcommand)]
pub enum Release {
    /// Check a tree of artifacts and keep it as a bundle; nothing goes live.
    Submit {
        /// Whose, and by whom.
        #[command(flatten)]
        common: Common,
        /// The tree; the shipped example, if none is named.
        path: Option<PathBuf>,
    },
    /// Make a bundle live.
    Activate {
        /// Whose, and by whom.
        #[command(flatten)]
        common: Common,
        /// The bundle.
        bundle: Digest,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Go back to what was live before; a new sequence that points to the old bundle.
    Rollback {
        /// Whose, and by whom.
        #[command(flatten)]
        common: Common,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// What is live, and what was.
    Status {
        /// Whose, and by whom.
        #[command(flatten)]
        common: Common,
    },
    /// What a tree of artifacts would change.
    Diff {
        /// Whose, and by whom.
        #[command(flatten)]
        common: Common,
        /// The tree.
        path: PathBuf,
    },
}

/// What every release command needs.
#[derive(Debug, clap::Args)]
pub struct Common {
    #[command(flatten)]
    data: Data,
    /// Whose deployment.
    #[arg(long, default_value = "acme")]
    tenant: TenantId,
    /// Who does it.
    #[arg(long, default_value = "operator")]
    by: StaffId,
}

impl Release {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        block_on(self.act())
    }

    async fn act(self) -> Result<ExitCode> {
        match self {
            Self::Submit { common, path } => {
                let assent = open(&common).await?;
                let sources = journeys::sources(path.as_deref())?;
                match assent.app.releases.submit(&common.tenant, &sources, &common.by).await {
                    Ok(it) => {
                        complain(format_args!("{} entries, {} new", it.entries.len(), it.new));
                        say(it.bundle);
                        Ok(ExitCode::SUCCESS)
                    }
                    Err(SubmitError::Invalid(findings)) => Ok(refused(&findings)),
                    Err(error) => Err(error).context("submitting"),
                }
            }
            Self::Activate { common, bundle, reason } => {
                let assent = open(&common).await?;
                let reason = MoveReason::new(&reason)?;
                moved(
                    assent.app.releases.activate(&common.tenant, bundle, &common.by, reason).await,
                )
            }
            Self::Rollback { common, reason } => {
                let assent = open(&common).await?;
                let reason = MoveReason::new(&reason)?;
                moved(assent.app.releases.roll_back(&common.tenant, &common.by, reason).await)
            }
            Self::Status { common } => status(&common).await,
            Self::Diff { common, path } => diff(&common, &path).await,
        }
    }
}

async fn open(common: &Common) -> Result<Assent> {
    compose::offline(&common.data.open()?, &common.tenant, common.data.servers()?).await
}

async fn status(common: &Common) -> Result<ExitCode> {
    let assent = open(common).await?;
    let history = assent.app.releases.history(&common.tenant, None, Limit::default()).await?;
    if history.items.is_empty() {
        complain("nothing was ever live");
    }
    history.items.iter().for_each(|it| say(line(it)));
    Ok(ExitCode::SUCCESS)
}

async fn diff(common: &Common, path: &std::path::Path) -> Result<ExitCode> {
    let assent = open(common).await?;
    let sources = journeys::sources(Some(path))?;
    let submitted = match assent.app.releases.submit(&common.tenant, &sources, &common.by).await {
        Ok(it) => it,
        Err(SubmitError::Invalid(findings)) => return Ok(refused(&findings)),
        Err(error) => return Err(error).context("submitting"),
    };
    let live = assent.app.releases.live(&common.tenant).await?;
    let before = live.map(|it| it.pointer.bundle);
    let diff = assent.app.releases.diff(&common.tenant, before, submitted.bundle).await?;
    diff.added.iter().for_each(|it| say(format_args!("+ {}/{}", it.kind, it.name)));
    diff.removed.iter().for_each(|it| say(format_args!("- {}/{}", it.kind, it.name)));
    for it in &diff.changed {
        say(format_args!("~ {}/{}", it.kind, it.name));
    }
    complain(format_args!("bundle {}", submitted.bundle));
    Ok(ExitCode::SUCCESS)
}

fn moved(done: Result<Pointer, MoveError>) -> Result<ExitCode> {
    match done {
        Ok(pointer) => {
            say(line(&pointer));
            Ok(ExitCode::SUCCESS)
        }
        Err(MoveError::Invalid(findings)) => Ok(refused(&findings)),
        Err(
            error @ (MoveError::UnknownBundle(_) | MoveError::NothingBefore | MoveError::Conflict),
        ) => {
            complain(format_args!("refused: {error}"));
            Ok(ExitCode::from(REFUSED))
        }
        Err(error) => Err(error).context("moving the pointer"),
    }
}

fn refused(findings: &[kernel::Finding]) -> ExitCode {
    findings.iter().for_each(complain);
    complain(format_args!("refused: {} findings", findings.len()));
    ExitCode::from(REFUSED)
}

fn line(it: &Pointer) -> String {
    format!("{} {} {} {} by {}: {}", it.seq, it.bundle, it.at, it.moved, it.by, it.reason)
}
