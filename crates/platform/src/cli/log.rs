//! `assent log`: the thin plane of the log, as a stranger is given it.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use audit::{note::SignedCheckpoint, service::Published, tile::Tile, verify::CHECKPOINT_PATH};
use clap::{Args, Subcommand};
use kernel::TenantId;

use super::{Data, REFUSED, block_on, complain, say};
use crate::compose::{self, Assent};

/// Read the log: its signed heads, its tiles as files, proofs between heads.
#[derive(Debug, Subcommand)]
pub enum Log {
    /// Print the signed head (C2SP tlog-checkpoint).
    Checkpoint {
        /// Which log.
        #[command(flatten)]
        of: Of,
        /// The head of this size; the newest, if absent.
        #[arg(long)]
        size: Option<u64>,
    },
    /// Print two signed heads and the proof that the later extends the earlier; `assent verify`
    /// checks it.
    Consistency {
        /// Which log.
        #[command(flatten)]
        of: Of,
        /// The earlier size.
        from: u64,
        /// The later size; the newest, if absent.
        to: Option<u64>,
    },
    /// Write the log as files (C2SP tlog-tiles): `checkpoint` and `tile/..`, thin leaves only.
    ///
    /// Again over the same directory, it adds what is new. A directory with a head that the log
    /// does not extend is left as it is: it is evidence.
    Export {
        /// Which log.
        #[command(flatten)]
        of: Of,
        /// Where to.
        into: PathBuf,
    },
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

impl Log {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        block_on(self.act())
    }

    async fn act(self) -> Result<ExitCode> {
        let (Self::Checkpoint { of, .. } | Self::Consistency { of, .. } | Self::Export { of, .. }) =
            &self;
        let assent = compose::offline(&of.data.open()?, &of.tenant, of.data.servers()?).await?;
        let done = self.with(&assent).await;
        assent.close().await?;
        done
    }

    async fn with(&self, assent: &Assent) -> Result<ExitCode> {
        let log = &assent.app.auditing.log;
        match self {
            Self::Checkpoint { of, size } => {
                let head = match size {
                    Some(size) => log.head_at(&of.tenant, *size).await?,
                    None => log.head(&of.tenant).await?,
                };
                Ok(printed(head.map(|it| it.note.trim_end().to_owned())))
            }
            Self::Consistency { of, from, to } => {
                let Some(head) = log.head(&of.tenant).await? else { return Ok(printed(None)) };
                let to = to.unwrap_or(head.checkpoint.size);
                let document = log.consistency(&of.tenant, *from, to).await?;
                let text = document.map(|it| it.to_bytes()).transpose()?.map(String::from_utf8);
                Ok(printed(text.transpose()?))
            }
            Self::Export { of, into } => {
                let Some(head) = log.head(&of.tenant).await? else { return Ok(printed(None)) };
                if !extends(assent, &of.tenant, into).await? {
                    complain(format_args!(
                        "`{}` holds a head that this log does not extend; nothing was written",
                        into.display()
                    ));
                    return Ok(ExitCode::from(REFUSED));
                }
                let files = export(assent, &of.tenant, &head, into).await?;
                say(format_args!("{} entries, {files} new files", head.checkpoint.size));
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn printed(text: Option<String>) -> ExitCode {
    match text {
        Some(text) => {
            say(text);
            ExitCode::SUCCESS
        }
        None => {
            complain("there is no such log, or it never was so long");
            ExitCode::from(REFUSED)
        }
    }
}

/// Whether the log's head of the size exported last is what was exported then.
async fn extends(assent: &Assent, tenant: &TenantId, directory: &Path) -> Result<bool> {
    let path = directory.join(CHECKPOINT_PATH);
    let note = match fs::read_to_string(&path) {
        Ok(note) => note,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error).with_context(|| format!("reading `{}`", path.display())),
    };
    let last = SignedCheckpoint::parse(&note)
        .with_context(|| format!("`{}` is not a signed head", path.display()))?;
    let now = assent.app.auditing.log.head_at(tenant, last.checkpoint().size).await?;
    Ok(now.is_some_and(|it| it.checkpoint == *last.checkpoint()))
}

/// Writes the tiles that are missing, then the head over them.
async fn export(
    assent: &Assent,
    tenant: &TenantId,
    head: &Published,
    directory: &Path,
) -> Result<u64> {
    let mut files = 0;
    for tile in Tile::all(head.checkpoint.size) {
        let path = directory.join(tile.to_string());
        if path.exists() {
            continue;
        }
        let bytes = assent.app.auditing.log.tile(tenant, tile).await?;
        write(&path, &bytes.with_context(|| format!("reading `{tile}`"))?)?;
        files += 1;
    }
    write(&directory.join(CHECKPOINT_PATH), head.note.as_bytes())?;
    Ok(files)
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let attempt = || -> std::io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut draft = path.as_os_str().to_owned();
        draft.push(".new");
        let mut file = fs::File::create(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    attempt().with_context(|| format!("writing `{}`", path.display()))
}
