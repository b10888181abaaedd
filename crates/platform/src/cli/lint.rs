//! `assent lint`: what every domain has against a tree of artifact files.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;
use rollout::lint;

use super::{REFUSED, complain, say};
use crate::{compose::validators, journeys};

/// Check artifact files without releasing them.
#[derive(Debug, Args)]
pub struct Lint {
    /// The tree of artifacts; the shipped example, if none is named.
    path: Option<PathBuf>,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

impl Lint {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        let sources = journeys::sources(self.path.as_deref())?;
        let findings = lint(&sources, &validators());
        if self.json {
            say(serde_json::to_string_pretty(&findings).context("encoding the findings")?);
        } else {
            findings.iter().for_each(say);
        }
        if findings.is_empty() {
            complain(format_args!("{} files, nothing found", sources.len()));
            return Ok(ExitCode::SUCCESS);
        }
        complain(format_args!("{} files, {} findings", sources.len(), findings.len()));
        Ok(ExitCode::from(REFUSED))
    }
}
