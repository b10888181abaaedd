//! `assent demo`: the main job on the embedded default, with a summary, then the console.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use kernel::{ManualClock, SeededEntropy, TenantId};
use service::{
    auth::{ApiKey, ApiKeys, PlainKey, Scope},
    lifecycle::Lifecycle,
    surface::{Surface, Surfaces},
};
use tokio::net::TcpListener;

use super::{
    block_on, complain, say,
    serve::{begin, interrupted},
};
use crate::{
    compose::{Assent, Machine, compose},
    config::{Config, DataDirectory},
    demo::{
        client::Client,
        drive::{Month, START},
        observe::Observer,
        population::{Population, noon},
        summary::Summary,
    },
};

/// The most people a demo simulates.
const PEOPLE_MAX: i64 = 100_000;
/// The most days a demo lives.
const DAYS_MAX: i64 = 366;

/// Run a month in the life of an insurer, then serve the console.
#[derive(Debug, Args)]
pub struct Demo {
    /// How many people.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=PEOPLE_MAX))]
    people: u32,
    /// How many days.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=DAYS_MAX))]
    days: u16,
    /// What everything follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End after the summary instead of serving the console.
    #[arg(long)]
    exit: bool,
    /// Write the summary as JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Keep the files here (an empty directory); a temporary one, if absent.
    #[arg(long = "keep")]
    keep: Option<PathBuf>,
    /// Where the console is served.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

impl Demo {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        adapters::system::install_tls();
        block_on(self.live())
    }

    async fn live(self) -> Result<ExitCode> {
        let temporary = tempfile::tempdir().context("making a temporary directory")?;
        let data = self.keep.clone().unwrap_or_else(|| temporary.path().to_path_buf());
        std::fs::create_dir_all(&data).with_context(|| format!("making `{}`", data.display()))?;
        let data = DataDirectory::new(data);
        anyhow::ensure!(!data.database().exists(), "`{}` is not empty", data.path().display());
        let tenant = TenantId::new("acme")?;
        let config = Config {
            listen: self.listen,
            base_url: format!("http://{}", self.listen),
            ..Config::embedded(data, tenant.clone())
        };
        let clock = Arc::new(ManualClock::at(noon(START, -1)));
        let entropy = Arc::new(SeededEntropy::new(self.seed));
        let key = PlainKey::mint(&*entropy);
        let keys = ApiKeys::new(vec![ApiKey {
            name: "demo".to_owned(),
            hash: key.hash(),
            tenant: tenant.clone(),
            scopes: Scope::ALL.to_vec(),
            sources: None,
        }])
        .with_open_console(tenant.clone());
        let lifecycle = Lifecycle::default();
        let machine = Machine { clock: clock.clone(), entropy };
        let assent = compose(&config, machine, keys, lifecycle.nudge()).await?;
        begin(&assent, &config, None).await?;
        let surface = Surface::new(&assent.app, Surfaces::ALL);
        let client = Client::new(surface.clone(), key.reveal());
        let summary = self.month(&assent, &tenant, client, clock).await?;
        complain(summary.text());
        if let Some(path) = &self.json {
            std::fs::write(path, summary.json()?)
                .with_context(|| format!("writing `{}`", path.display()))?;
        }
        if !self.exit {
            self.console(surface, lifecycle).await?;
        }
        assent.close().await?;
        Ok(ExitCode::SUCCESS)
    }

    async fn month(
        &self,
        assent: &Assent,
        tenant: &TenantId,
        client: Client,
        clock: Arc<ManualClock>,
    ) -> Result<Summary> {
        let people = usize::try_from(self.people).context("counting people")?;
        let population = Population::generate(self.seed, people, START, self.days);
        let observer = Observer::new(assent.app.clone(), tenant.clone(), assent.feed.clone());
        let work = (assent.jobs.clone(), assent.feed.clone());
        let mut month = Month::new(&population, client, clock, work, observer);
        let bar = bar(6, "importing");
        month
            .begin(|step| {
                bar.set_message(step.to_owned());
                bar.inc(1);
            })
            .await?;
        bar.finish_and_clear();
        let bar = self::bar(u64::from(self.days), "living");
        for day in 0..self.days {
            month.live(day).await.with_context(|| format!("day {day}"))?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        let size = (self.seed, u64::from(self.people), u64::from(self.days));
        Summary::gather(assent, tenant, size, month.tally).await
    }

    async fn console(&self, surface: Surface, lifecycle: Lifecycle) -> Result<()> {
        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("listening on {}", self.listen))?;
        let listen = listener.local_addr().context("reading the listening address")?;
        say(format_args!("console on http://{listen}/console (Ctrl-C ends)"));
        let cancelled = lifecycle.cancelled();
        let stop = async {
            interrupted().await;
            lifecycle.end().await;
        };
        let (served, ()) = tokio::join!(surface.serve(listener, cancelled), stop);
        served.context("serving the console")
    }
}

fn bar(steps: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:>9} {bar:32} {pos}/{len} {msg} {elapsed}");
    let bar = ProgressBar::new(steps);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
