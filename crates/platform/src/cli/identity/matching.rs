//! `assent identity match`: one job, from files to files.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use identity::matching::{
    MatchError,
    job::{self, Options, Outcome, Phase, Threshold},
    model::{Model, Weight},
    probable::DuplicateReview,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    config::Config,
    reading::{self, Records},
    report, writing,
};
use crate::cli::{REFUSED, complain, say};

/// What is matched, and what comes of it.
#[derive(Debug, Args)]
pub struct Match {
    /// The files: CSV (RFC 4180) with a header, UTF-8.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Where the links go: one line a pair of records that are probably one person.
    #[arg(long)]
    out: PathBuf,
    /// Where the clusters go: one line a record, with the cluster it is in.
    #[arg(long)]
    clusters: Option<PathBuf>,
    /// Where the report goes: one HTML page that needs no network and no script.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Where the model goes that was learnt.
    #[arg(long, conflicts_with = "model")]
    save_model: Option<PathBuf>,
    /// A model to use as it is; learnt from the records, if absent.
    #[arg(long)]
    model: Option<PathBuf>,
    /// Which columns are what (TOML); found by name, if absent.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Why these records may be matched, in words for whoever asks. Needed, unless the configuration
    /// has `permission.basis` or names a `permission.column`: absence is never permission.
    #[arg(long)]
    basis: Option<String>,
    /// How sure one must be, in bits: 2 is four to one.
    #[arg(long, default_value_t = 2.0, conflicts_with = "budget", allow_negative_numbers = true)]
    threshold: f64,
    /// Be as sure as keeps the share of wrong pairs the model expects within this.
    #[arg(long)]
    budget: Option<f64>,
    /// No file holds one person twice: two records of a file are never one person.
    #[arg(long)]
    link_only: bool,
    /// The seed of samples and hashes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Match {
    /// Runs it.
    pub(super) fn run(self) -> Result<ExitCode> {
        let config = Config::read(self.config.as_deref())?;
        let basis = self.check(&config)?;
        let Some(basis) = basis else {
            complain(
                "ID.MATCH.NO_PERMISSION_DECLARED: say why these records may be matched with \
                 `--basis`, or name the column that says which may as `permission.column`",
            );
            return Ok(ExitCode::from(REFUSED));
        };
        let model = self.model.as_deref().map(read_model).transpose()?;
        let bar = bar()?;
        let job = (self.seed, self.link_only);
        let records = reading::read(&self.files, &config, job, &bar)?;
        let threshold = self
            .budget
            .map_or_else(|| Threshold::Weight(Weight::bits(self.threshold)), Threshold::Budget);
        let options = Options { seed: self.seed, threshold };
        let outcome = match job::run(&records.table, options, model, |it| hear(&bar, it)) {
            Ok(it) => it,
            Err(error) => return Ok(refuse(&bar, error)),
        };
        bar.set_message("writing");
        let found = self.write(&records, &outcome, &basis)?;
        bar.finish_and_clear();
        say(summary(&records, &outcome, found));
        Ok(ExitCode::SUCCESS)
    }

    /// What cannot be right, and the basis if there is one.
    fn check(&self, config: &Config) -> Result<Option<String>> {
        let outputs = [Some(&self.out), self.clusters.as_ref(), self.report.as_ref()];
        for path in outputs.into_iter().flatten().chain(&self.files) {
            let kind = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
            if ["parquet", "pq", "feather", "arrow", "xlsx"].contains(&kind) {
                bail!("`{}`: only CSV is read and written", path.display());
            }
        }
        if let Some(it) = self.budget {
            ensure!(it > 0.0 && it < 1.0, "`--budget` is a share: between 0 and 1");
        }
        ensure!(self.threshold.abs() <= 60.0, "`--threshold` is in bits: between -60 and 60");
        ensure!(!self.link_only || self.files.len() > 1, "`--link-only` needs two files");
        let stated = self.basis.clone().or_else(|| config.permission.basis.clone());
        let stated = stated.filter(|it| !it.trim().is_empty());
        let column = config.permission.column.as_ref();
        Ok(stated.or_else(|| column.map(|it| format!("what the column `{it}` says"))))
    }

    fn write(&self, records: &Records, outcome: &Outcome, basis: &str) -> Result<usize> {
        let links = outcome.links::<DuplicateReview>(&records.table);
        writing::links(&self.out, records, &links)?;
        if let Some(path) = &self.clusters {
            writing::clusters(path, records, outcome)?;
        }
        if let Some(path) = &self.report {
            let page = report::page(records, outcome, &links, basis);
            writing::whole(path, |out| Ok(std::io::Write::write_all(out, page.as_bytes())?))?;
        }
        if let Some(path) = &self.save_model {
            let json = outcome.model.to_json();
            writing::whole(path, |out| Ok(std::io::Write::write_all(out, json.as_bytes())?))?;
        }
        Ok(links.len())
    }
}

fn read_model(path: &Path) -> Result<Model> {
    let doing = || format!("reading the model `{}`", path.display());
    let text = std::fs::read_to_string(path).with_context(doing)?;
    Model::parse(&text).with_context(doing)
}

fn refuse(bar: &ProgressBar, error: MatchError) -> ExitCode {
    bar.finish_and_clear();
    complain(format_args!("{}: {error}", error.reason()));
    ExitCode::from(REFUSED)
}

/// On a terminal: what is being done, for how long, and how much of it.
fn bar() -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{spinner} {msg} ({pos} records, {elapsed})")
        .context("the progress bar")?;
    let bar = ProgressBar::new_spinner().with_style(style).with_message("reading");
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

fn hear(bar: &ProgressBar, phase: Phase) {
    match phase {
        Phase::Blocking => bar.set_message("blocking"),
        Phase::Comparing { pairs } => bar.set_message(format!("comparing up to {pairs} pairs")),
        Phase::Learning => bar.set_message("learning what agreement means"),
        Phase::Clustering => bar.set_message("clustering"),
    }
}

fn summary(records: &Records, outcome: &Outcome, links: usize) -> String {
    let people = (0_u32..).zip(&outcome.clusters.of).filter(|it| it.0 == *it.1).count();
    let unmatched = records.ids.len() - records.permitted.len();
    let (above, wrong) = outcome.histogram.above(outcome.threshold);
    format!(
        "{} records, {unmatched} of them not matched for want of permission\n{} pairs compared, {} \
         links above {:.2} bits, {wrong:.1} of {above} expected wrong\n{people} probable people \
         (model {})",
        records.ids.len(),
        outcome.pairs.list.len(),
        links,
        outcome.threshold.as_bits(),
        outcome.model.digest(),
    )
}
