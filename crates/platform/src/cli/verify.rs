//! `assent verify`: checks a receipt or a certificate with nothing but the file and a key.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use audit::{note::VerifierKey, verify};
use clap::Args;
use consent::document::{self, Trust};
use serde::Serialize;
use serde_json::Value;

use super::say;

/// The largest receipt that is read.
const RECEIPT_BYTES_MAX: u64 = 1 << 20;

/// Check a receipt or a certificate offline: of a decision, or of a choice in any of its forms.
///
/// Exit codes: 10 everything holds (no witness vouches for it), 20 sound but the key is not a
/// trusted one, 40 something does not hold, 2 unreadable input.
#[derive(Debug, Args)]
pub struct Verify {
    /// The receipt, or `-` for standard input.
    receipt: PathBuf,
    /// The public key, as a file or as text: `log.vkey` of the data directory for what the log
    /// proves, `documents.pub` for receipts of choices.
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
        if let Ok(document) = kernel::canonical::parse(&receipt)
            && document::is_signed(&document)
        {
            return self.document(&document);
        }
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

/// What came of checking a signed document.
#[derive(Serialize)]
struct Checked {
    result: &'static str,
    exit_code: u8,
}

impl Verify {
    fn document(&self, it: &Value) -> Result<ExitCode> {
        let key = self.key.as_deref().map(|key| {
            let text = fs::read_to_string(key).unwrap_or_else(|_| key.to_owned());
            text.parse::<document::PublicKey>().with_context(|| format!("reading the key `{key}`"))
        });
        let (result, exit_code) = match document::verify(it, key.transpose()?.as_ref()) {
            Trust::Trusted => ("signed by the trusted key, and nothing was changed", 10),
            Trust::UnknownKey => ("sound, but no key was named to be trusted", 20),
            Trust::Broken => ("changed, or signed by another key", 40),
            Trust::NotOne => ("not a signed document", 40),
        };
        if self.json {
            let checked = Checked { result, exit_code };
            say(serde_json::to_string_pretty(&checked).context("encoding the report")?);
        } else {
            say(result);
        }
        Ok(ExitCode::from(exit_code))
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
