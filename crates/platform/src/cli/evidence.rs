//! `assent evidence`: packs for an auditor, a regulator or the person themselves.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use audit::{
    bag::Bag,
    service::{Ask, PackError, PackRequest},
};
use clap::{Args, Subcommand};
use kernel::{DecisionId, Instant, SubjectId, TenantId};

use super::{Data, REFUSED, block_on, complain, consent::found, say};
use crate::compose::{self, Assent};

/// Make a pack of evidence: a directory (`BagIt`, RFC 8493) with every record that answers a
/// question, its proof, the artifacts it names, and a page to read. `assent verify` checks it.
///
/// That it was made is itself an entry of the log, written before the pack is.
#[derive(Debug, Args)]
pub struct Evidence {
    #[command(flatten)]
    data: Data,
    /// Whose log.
    #[arg(long, default_value = "acme", env = "ASSENT_TENANT", global = true)]
    tenant: TenantId,
    /// Who asks.
    #[arg(long, global = true, default_value = "")]
    by: String,
    /// Why they may: a law, a mandate, a request.
    #[arg(long, global = true, default_value = "")]
    basis: String,
    /// The parts of records to show, separated by commas; all of them, if none is named.
    #[arg(long, global = true, value_delimiter = ',')]
    groups: Vec<String>,
    /// Where to: a directory that is not there yet, or is empty.
    #[arg(long, global = true, default_value = "evidence")]
    out: PathBuf,
    #[command(subcommand)]
    about: About,
}

/// What the pack is about.
#[derive(Debug, Subcommand)]
pub enum About {
    /// One decision.
    Decision {
        /// The decision.
        decision: DecisionId,
    },
    /// Everything about a person.
    Person {
        /// The person: an id (`sub_..`), or an identifier (`crm_id:C0`).
        subject: String,
        /// Account for every entry of the log, so that nothing can have been left out. It shows
        /// how the entries of others hang together, though not about whom they are.
        #[arg(long)]
        complete: bool,
    },
    /// Every decision of a journey node in a period.
    Node {
        /// The node.
        node: String,
        /// From this instant on (RFC 3339).
        #[arg(long)]
        from: Instant,
        /// Before this instant (RFC 3339).
        #[arg(long)]
        until: Instant,
    },
    /// A sample that nobody could pick: entries drawn by the auditor's nonce.
    Sample {
        /// How many.
        #[arg(long)]
        count: u64,
        /// 32 bytes of chance in hexadecimal, chosen by the auditor after the head was known.
        #[arg(long)]
        nonce: String,
    },
}

impl Evidence {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        block_on(self.act())
    }

    async fn act(self) -> Result<ExitCode> {
        let is_free = fs::read_dir(&self.out).map_or(true, |mut it| it.next().is_none());
        anyhow::ensure!(is_free, "`{}` is there and not empty", self.out.display());
        let data = self.data.open()?;
        let assent = compose::offline(&data, &self.tenant, self.data.servers()?).await?;
        let done = self.make(&assent).await;
        assent.close().await?;
        done
    }

    async fn make(&self, assent: &Assent) -> Result<ExitCode> {
        let Some((ask, account)) = self.ask(assent).await? else {
            complain(format_args!("there is no such person in {}", self.tenant));
            return Ok(ExitCode::from(REFUSED));
        };
        let request = PackRequest {
            tenant: self.tenant.clone(),
            by: self.by.clone(),
            basis: self.basis.clone(),
            ask,
            groups: self.groups.clone(),
            account,
        };
        match assent.app.auditing.evidence.pack(request).await {
            Ok(bag) => {
                write(&bag, &self.out)?;
                say(format_args!("{} files in `{}`", bag.files().len(), self.out.display()));
                Ok(ExitCode::SUCCESS)
            }
            Err(PackError::Refused(reason)) => {
                complain(format_args!("{reason}: {}", why(reason.code())));
                Ok(ExitCode::from(REFUSED))
            }
            Err(PackError::Fault(fault)) => Err(fault).context("making the pack"),
        }
    }

    async fn ask(&self, assent: &Assent) -> Result<Option<(Ask, bool)>> {
        Ok(Some(match &self.about {
            About::Decision { decision } => (Ask::Decision(*decision), false),
            About::Person { subject, complete } => {
                let Some(person) = found(assent, &self.tenant, subject).await? else {
                    return Ok(None);
                };
                // What was recorded before a merge is filed under whom the person was then.
                let former = person.nodes.iter().map(|it| SubjectId::from_uuid(it.uuid()));
                let mut subjects: Vec<_> = former.filter(|it| *it != person.subject).collect();
                subjects.push(person.subject);
                (Ask::Subject(subjects), *complete)
            }
            About::Node { node, from, until } => {
                (Ask::Node { node: node.clone(), from: *from, until: *until }, false)
            }
            About::Sample { count, nonce } => {
                let bytes = hex_bytes(nonce).context("`--nonce` is not 64 hexadecimal digits")?;
                (Ask::Sample { nonce: bytes, count: *count }, false)
            }
        }))
    }
}

fn why(code: &str) -> &'static str {
    match code {
        "AU.NOTHING_FOUND" => "nothing in the log answers this",
        "AU.PACK_TOO_LARGE" => "more than one pack may hold; ask for less at a time",
        _ => "say who asks (`--by`), why they may (`--basis`), and for what",
    }
}

fn hex_bytes(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Writes the files; the declaration last, so that half a pack is none.
fn write(bag: &Bag, out: &Path) -> Result<()> {
    let (last, others): (Vec<_>, Vec<_>) =
        bag.files().iter().partition(|(path, _)| *path == audit::bag::DECLARATION_PATH);
    for (path, bytes) in others.into_iter().chain(last) {
        let path = out.join(path);
        let attempt = || -> std::io::Result<()> {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&path, bytes)
        };
        attempt().with_context(|| format!("writing `{}`", path.display()))?;
    }
    Ok(())
}
