//! `assent witness`: a small role that vouches for logs of others.

use std::{fs, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use adapters::{
    keys::FileSigner,
    system::{SystemClock, SystemEntropy},
    witness::FileWitnessStore,
};
use anyhow::{Context as _, Result};
use audit::{
    note::{Origin, VerifierKey},
    service::WitnessService,
};
use clap::Args;
use service::{http::witness, lifecycle::Lifecycle};
use tokio::net::TcpListener;

use super::{block_on, say, serve::interrupted};

/// Be a witness of logs (C2SP tlog-witness): cosign their heads, each only if it extends the one
/// before.
///
/// A witness on the operator's own hosts vouches for little: internal audit, an external auditor
/// and the data protection officer each run one.
#[derive(Debug, Args)]
pub struct Witness {
    /// The witness's own name, such as `witness.example.org/dpo`.
    #[arg(long)]
    name: Origin,
    /// The public keys of the logs it knows (`log.vkey`), as files or as text.
    #[arg(long = "log", required = true)]
    logs: Vec<String>,
    /// Where it keeps its key and what it has cosigned.
    #[arg(long, default_value = "./assent-witness")]
    state: PathBuf,
    /// Where HTTP is served.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
}

impl Witness {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        block_on(self.serve())
    }

    async fn serve(self) -> Result<ExitCode> {
        let logs = self.logs.iter().map(|it| key(it)).collect::<Result<Vec<_>>>()?;
        let store = FileWitnessStore::open(&self.state.join("heads"))
            .with_context(|| format!("opening `{}`", self.state.display()))?;
        let signer = FileSigner::open(&self.state.join("witness-key"), &SystemEntropy)
            .context("opening the witness's key")?;
        let (signer, clock) = (Arc::new(signer), Arc::new(SystemClock));
        let service = WitnessService::new(self.name, logs, Arc::new(store), signer, clock);
        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("listening on {}", self.listen))?;
        let listen = listener.local_addr().context("reading the listening address")?;
        say(format_args!("{} http://{listen}{}", service.key().await?, witness::WITNESS_PREFIX));
        let lifecycle = Lifecycle::default();
        let cancelled = lifecycle.cancelled();
        let stop = async {
            interrupted().await;
            lifecycle.end().await;
        };
        let (served, ()) = tokio::join!(witness::serve(service, listener, cancelled), stop);
        served.context("serving")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn key(text: &str) -> Result<VerifierKey> {
    let key = fs::read_to_string(text).unwrap_or_else(|_| text.to_owned());
    key.trim()
        .parse()
        .with_context(|| format!("`{text}` is neither a log's key nor a file with one"))
}
