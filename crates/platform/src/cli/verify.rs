//! `assent verify`: checks what the log hands out, and receipts and certificates of choices, with
//! nothing but the files and a key.

use std::{
    fs,
    io::Read as _,
    path::{Component, Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use audit::{
    bag::{BAG_FILES_MAX, DECLARATION_PATH},
    note::{SignedCheckpoint, VerifierKey, WitnessKey},
    verify::{self, Files, Report, Trust},
};
use clap::Args;
use consent::document;
use serde::Serialize;
use serde_json::Value;
use service::evidence;

use super::say;

/// The largest single document that is read.
const DOCUMENT_BYTES_MAX: u64 = 1 << 20;
/// The largest file of an exported log or pack that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// The deepest directory of a pack that is read.
const DEPTH_MAX: usize = 8;

/// Check offline what the log hands out (a receipt, two heads, an exported log, a pack), or a receipt
/// or a certificate of a choice in any of its forms.
///
/// Exit codes: 0 everything holds and a quorum of the named witnesses vouches for it, 10 everything
/// holds (no witness was named), 11 everything holds but the quorum is short, 20 sound but the key is not a
/// trusted one or a known head cannot be linked, 30 it contradicts a known head, 31 something is
/// withheld without a logged reason, 40 something does not hold and is named, 50 a decision made
/// again came out differently, 2 unreadable input. The worst is told: 40, 30, 31, 50, 20, 11, 10, 0.
#[derive(Debug, Args)]
pub struct Verify {
    /// The file, the directory of an exported log or of a pack, or `-` for standard input.
    path: PathBuf,
    /// The public key, as a file or as text: `log.vkey` of the data directory for what the log
    /// proves, `documents.pub` for receipts of choices.
    #[arg(long)]
    key: Option<String>,
    /// A signed head of the log seen before, as a file; needs the key.
    #[arg(long = "known-head", requires = "key")]
    known_heads: Vec<PathBuf>,
    /// A witness's key (`vkey`) whose cosignature counts, as a file or as text.
    #[arg(long = "witness")]
    witnesses: Vec<String>,
    /// How many of the witnesses must have cosigned; all of them, if absent.
    #[arg(long, requires = "witnesses")]
    quorum: Option<usize>,
    /// Also make every decision of a pack again, from the pack alone.
    #[arg(long)]
    replay: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        let file = if self.path.is_dir() { None } else { Some(read(&self.path)?) };
        if let Some(bytes) = &file
            && let Ok(signed) = kernel::canonical::parse(bytes)
            && document::is_signed(&signed)
        {
            return self.signed(&signed);
        }
        let key = self.key.as_deref().map(trusted).transpose()?;
        let known = self.known_heads.iter().map(|it| known(it, key.as_ref()));
        let heads = known.collect::<Result<Vec<_>>>()?;
        let witnesses = self.witnesses.iter().map(|it| witness(it)).collect::<Result<Vec<_>>>()?;
        let quorum = self.quorum.unwrap_or(witnesses.len());
        let trust = Trust { key, heads, witnesses, quorum };
        let report = if let Some(bytes) = &file {
            verify::document(bytes, &trust)
        } else {
            let files = Directory(self.path);
            match files.read(DECLARATION_PATH) {
                Some(_) => {
                    let report = verify::pack(&files, &trust);
                    if self.replay { replayed(report, &files) } else { report }
                }
                None => verify::log(&files, &trust),
            }
        };
        if self.json {
            say(serde_json::to_string_pretty(&report).context("encoding the report")?);
        } else {
            say(&report);
        }
        Ok(ExitCode::from(report.exit.code()))
    }
}

/// The report with what became of making the decisions again.
fn replayed(mut report: Report, files: &Directory) -> Report {
    let replayed = evidence::replay(files);
    match replayed.differ.into_iter().next() {
        Some((path, why)) => report.differs(format!("{path}: {why}")),
        None if replayed.withheld > 0 => report.checks.push("replay, of those shown in full"),
        None => report.checks.push("replay"),
    }
    report
}

/// What came of checking a signed document.
#[derive(Serialize)]
struct Checked {
    result: &'static str,
    exit_code: u8,
}

impl Verify {
    fn signed(&self, it: &Value) -> Result<ExitCode> {
        let key = self.key.as_deref().map(|key| {
            let text = fs::read_to_string(key).unwrap_or_else(|_| key.to_owned());
            text.parse::<document::PublicKey>().with_context(|| format!("reading the key `{key}`"))
        });
        let (result, exit_code) = match document::verify(it, key.transpose()?.as_ref()) {
            document::Trust::Trusted => ("signed by the trusted key, and nothing was changed", 10),
            document::Trust::UnknownKey => ("sound, but no key was named to be trusted", 20),
            document::Trust::Broken => ("changed, or signed by another key", 40),
            document::Trust::NotOne => ("not a signed document", 40),
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
    source.take(DOCUMENT_BYTES_MAX).read_to_end(&mut bytes).context("reading the document")?;
    Ok(bytes)
}

fn trusted(key: &str) -> Result<VerifierKey> {
    let text = match fs::read_to_string(key) {
        Ok(text) => text,
        Err(_) => key.to_owned(),
    };
    text.trim().parse().with_context(|| format!("`{key}` is neither a key nor a file with one"))
}

fn witness(key: &str) -> Result<WitnessKey> {
    let text = fs::read_to_string(key).unwrap_or_else(|_| key.to_owned());
    text.trim().parse().with_context(|| format!("`{key}` is neither a witness's key nor a file"))
}

fn known(path: &Path, key: Option<&VerifierKey>) -> Result<audit::note::Checkpoint> {
    let what = || format!("`{}` is not a head signed by the given key", path.display());
    let bytes = read(path)?;
    let note = String::from_utf8(bytes).with_context(what)?;
    let head = SignedCheckpoint::parse(&note).with_context(what)?;
    if let Some(key) = key {
        head.verify(key).with_context(what)?;
    }
    Ok(head.checkpoint().clone())
}

/// The files under a directory, and none outside it.
#[derive(Debug)]
struct Directory(PathBuf);

impl Files for Directory {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let path = Path::new(path);
        if !path.components().all(|it| matches!(it, Component::Normal(_))) {
            return None;
        }
        let file = fs::File::open(self.0.join(path)).ok()?;
        if file.metadata().ok()?.len() > FILE_BYTES_MAX {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Every plain file; what is neither a file nor a directory is told by its path, and has no
    /// bytes.
    fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        let mut rest = vec![(self.0.clone(), String::new())];
        while let Some((directory, prefix)) = rest.pop() {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
                let is_directory = entry.file_type().is_ok_and(|it| it.is_dir());
                if is_directory && path.matches('/').count() < DEPTH_MAX {
                    rest.push((entry.path(), format!("{path}/")));
                } else {
                    paths.push(path);
                }
                if paths.len() > BAG_FILES_MAX {
                    return paths;
                }
            }
        }
        paths
    }
}
