//! `assent verify`: checks a receipt with nothing but the file and a key.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use audit::{note::VerifierKey, verify};
use clap::Args;

use super::say;

/// The largest receipt that is read.
const RECEIPT_BYTES_MAX: u64 = 1 << 20;

/// Check a receipt offline.
///
/// Exit codes: 10 everything holds (no witness vouches for it), 20 sound but the key is not a
/// trusted one, 40 something does not hold, 2 unreadable input.
#[derive(Debug, Args)]
pub struct Verify {
    /// The receipt, or `-` for standard input.
    receipt: PathBuf,
    /// The log's public key (`log.vkey` of the data directory), as a file or as text.
    #[arg(long)]
    key: Option<String>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        let receipt = read(&self.receipt)?;
        let key = self.key.as_deref().map(trusted).transpose()?;
        let report = verify::verify(&receipt, key.as_ref());
        if self.json {
            say(serde_json::to_string_pretty(&report).context("encoding the report")?);
        } else {
            say(&report);
        }
        Ok(ExitCode::from(report.exit.code()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let source: Box<dyn std::io::Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(fs::File::open(path).with_context(|| format!("opening `{}`", path.display()))?)
    };
    source.take(RECEIPT_BYTES_MAX).read_to_end(&mut bytes).context("reading the receipt")?;
    Ok(bytes)
}

fn trusted(key: &str) -> Result<VerifierKey> {
    let text = match fs::read_to_string(key) {
        Ok(text) => text,
        Err(_) => key.to_owned(),
    };
    text.trim().parse().with_context(|| format!("`{key}` is neither a key nor a file with one"))
}
