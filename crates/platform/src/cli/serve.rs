//! `assent serve`: some roles, or all of them, over HTTP.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use adapters::telemetry::{Telemetry, TelemetryConfig};
use anyhow::{Context as _, Result};
use clap::Args;
use kernel::{StaffId, TenantId};
use rollout::{MoveReason, service::SubmitError};
use service::{
    auth::ApiKeys,
    lifecycle::Lifecycle,
    surface::{Surface, Surfaces},
    work::Watching,
};
use tokio::net::TcpListener;

use super::{Data, block_on, complain, say};
use crate::{
    api_keys,
    channels::WebhookFlags,
    compose::{Assent, Machine, compose},
    config::{Config, Role},
    journeys, witnesses,
};

/// Serve roles over HTTP; `all` on SQLite by default.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    data: Data,
    /// What this process does; several roles are separated by commas.
    #[arg(
        long = "role",
        value_enum,
        value_delimiter = ',',
        default_value = "all",
        env = "ASSENT_ROLE"
    )]
    roles: Vec<Role>,
    /// Where HTTP is served.
    #[arg(long, default_value = "127.0.0.1:8080", env = "ASSENT_LISTEN")]
    listen: SocketAddr,
    /// How links in messages reach this process; the listening address, if absent.
    #[arg(long, env = "ASSENT_BASE_URL")]
    base_url: Option<String>,
    /// The tenant of this deployment.
    #[arg(long, default_value = "acme", env = "ASSENT_TENANT")]
    tenant: TenantId,
    /// A tree of artifacts to make live where nothing is; the shipped example, if absent.
    #[arg(long, env = "ASSENT_JOURNEYS")]
    journeys: Option<PathBuf>,
    /// The base of an OTLP/HTTP collector to send traces and metrics to.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    otlp: Option<String>,
    /// What to log, in `tracing` filter syntax.
    #[arg(long, env = "ASSENT_LOG")]
    log: Option<String>,
    /// Log JSON lines.
    #[arg(long, env = "ASSENT_LOG_JSON")]
    log_json: bool,
    /// The witnesses of the log: a file with a line each, key (`vkey`) and URL. The process does not
    /// start if one of them knows a log that this one does not extend.
    #[arg(long, env = "ASSENT_WITNESSES")]
    witnesses: Option<PathBuf>,
    /// Serve the log's tiles and heads to everyone, without a key: they hold nothing personal, but
    /// tell how much happens.
    #[arg(long, env = "ASSENT_PUBLIC_LOG")]
    public_log: bool,
    #[command(flatten)]
    webhook: WebhookFlags,
}

impl Serve {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        adapters::system::install_tls();
        let telemetry = Telemetry::install(&TelemetryConfig {
            endpoint: self.otlp.clone(),
            service: "assent".to_owned(),
            filter: self.log.clone(),
            json: self.log_json,
        })?;
        let done = block_on(self.serve());
        telemetry.end();
        done
    }

    async fn serve(self) -> Result<ExitCode> {
        let data = self.data.open()?;
        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("listening on {}", self.listen))?;
        let listen = listener.local_addr().context("reading the listening address")?;
        let config = Config {
            listen,
            servers: self.data.servers()?,
            webhook: self.webhook.read()?,
            public_log: self.public_log,
            witnesses: self
                .witnesses
                .as_deref()
                .map(witnesses::read)
                .transpose()?
                .unwrap_or_default(),
            base_url: self.base_url.unwrap_or_else(|| format!("http://{listen}")),
            ..Config::embedded(data, self.tenant)
        };
        let keys = ApiKeys::new(api_keys::read(&config.data)?);
        let lifecycle = Lifecycle::default();
        let assent = compose(&config, Machine::real(), keys, lifecycle.nudge()).await?;
        gate(&assent, &config.tenant).await?;
        assent.keepers.iter().cloned().for_each(|it| lifecycle.spawn(it));
        begin(&assent, &config, self.journeys.as_deref()).await?;
        if Role::Worker.among(&self.roles) {
            assent.jobs.iter().chain(&assent.ears).cloned().for_each(|it| lifecycle.spawn(it));
        } else {
            // A release is made elsewhere, and must be served here as well.
            let (live, tenant) = (assent.app.live.clone(), config.tenant.clone());
            lifecycle.spawn(Arc::new(Watching::new(live, tenant)));
        }
        let surface = Surface::new(&assent.app, surfaces(&self.roles));
        say(format_args!("listening on http://{listen}"));
        let cancelled = lifecycle.cancelled();
        let ending = Arc::new(lifecycle);
        let watcher = ending.clone();
        let stop = async move {
            interrupted().await;
            complain("ending: finishing what is under way");
            watcher.end().await;
        };
        let (served, ()) = tokio::join!(surface.serve(listener, cancelled), stop);
        served.context("serving")?;
        assent.close().await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Asks the witnesses before anything is signed: a log that one of them is ahead of has lost
/// entries, or has two histories.
async fn gate(assent: &Assent, tenant: &TenantId) -> Result<()> {
    let round = assent.app.auditing.witnessing.round(tenant).await.context("asking witnesses")?;
    if let Some((witness, size)) = round.ahead.first() {
        anyhow::bail!(
            "the witness `{witness}` has cosigned {size} entries that this log does not extend: \
             was an old backup restored?"
        );
    }
    Ok(())
}

/// Opens the log, writes down its public key, and makes the example live where nothing is.
pub async fn begin(assent: &Assent, config: &Config, tree: Option<&std::path::Path>) -> Result<()> {
    let tenant = &config.tenant;
    let key = assent.app.prove.verifier_key(tenant).await.context("opening the log")?;
    write_key(&config.data.log_key(), &key)?;
    write_key(&config.data.document_key(), &assent.app.documents.public())?;
    if assent.app.live.refresh(tenant).await?.is_some() {
        return Ok(());
    }
    let sources = journeys::sources(tree)?;
    let by = StaffId::new("assent")?;
    let submitted = match assent.app.releases.submit(tenant, &sources, &by).await {
        Ok(it) => it,
        Err(SubmitError::Invalid(findings)) => {
            findings.iter().for_each(complain);
            anyhow::bail!("the artifacts do not validate: {} findings", findings.len());
        }
        Err(error) => return Err(error).context("submitting the artifacts"),
    };
    let reason = MoveReason::new("first start")?;
    assent.app.releases.activate(tenant, submitted.bundle, &by, reason).await?;
    assent.app.live.refresh(tenant).await?;
    tracing::info!(bundle = %submitted.bundle, "artifacts are live");
    Ok(())
}

fn write_key(path: &std::path::Path, key: &dyn std::fmt::Display) -> Result<()> {
    std::fs::write(path, format!("{key}\n"))
        .with_context(|| format!("writing `{}`", path.display()))
}

fn surfaces(roles: &[Role]) -> Surfaces {
    Surfaces {
        decide: Role::Decide.among(roles),
        consent: Role::Consent.among(roles),
        ingest: Role::Ingest.among(roles),
        console: Role::Console.among(roles),
    }
}

/// Returns when the process is asked to end.
pub async fn interrupted() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    drop(interrupt.await);
}
