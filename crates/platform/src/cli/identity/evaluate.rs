//! `assent identity evaluate`: clusters against labels.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use identity::matching::quality::{Score, judge};
use serde::Serialize;

use crate::cli::{complain, say};

/// What is judged.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The clusters `match` wrote: `source`, `id`, `cluster`.
    clusters: PathBuf,
    /// The labels: `id`, `person`, and `source` where ids alone do not tell records apart.
    #[arg(long)]
    truth: PathBuf,
    /// Print the scores as JSON.
    #[arg(long)]
    json: bool,
}

/// One kind of score.
#[derive(Debug, Serialize)]
struct Line {
    of: &'static str,
    precision: f64,
    recall: f64,
    f1: f64,
}

/// All of them.
#[derive(Debug, Serialize)]
struct Report {
    /// Records with a label and a cluster.
    judged: u64,
    /// Records with one of the two only.
    left_out: u64,
    scores: [Line; 3],
}

/// A record: its file, if that is told, and its id.
type Record = (Option<String>, String);

impl Evaluate {
    /// Runs it.
    pub(super) fn run(self) -> Result<ExitCode> {
        let truth = read(&self.truth, "person")?;
        let clusters = read(&self.clusters, "cluster")?;
        let by_source = truth.keys().next().is_some_and(|it| it.0.is_some());
        let mut judged = Vec::with_capacity(truth.len());
        let mut unlabelled = 0_u64;
        let mut met = std::collections::BTreeSet::new();
        for ((source, id), cluster) in &clusters {
            let key = (source.clone().filter(|_| by_source), id.clone());
            match truth.get(&key) {
                Some(person) => {
                    judged.push((cluster.as_str(), person.as_str()));
                    ensure!(
                        met.insert(key),
                        "two records have the id of one label: give the labels a column `source`"
                    );
                }
                None => unlabelled += 1,
            }
        }
        let quality = judge(judged.into_iter());
        let line =
            |of, it: Score| Line { of, precision: it.precision, recall: it.recall, f1: it.f1() };
        let report = Report {
            judged: quality.judged,
            left_out: unlabelled + (truth.len() - met.len()) as u64,
            scores: [
                line("pairs", quality.pairs),
                line("clusters", quality.clusters),
                line("b-cubed", quality.records),
            ],
        };
        self.tell(&report)?;
        Ok(ExitCode::SUCCESS)
    }

    fn tell(&self, report: &Report) -> Result<()> {
        if self.json {
            say(serde_json::to_string_pretty(report).context("encoding the scores")?);
            return Ok(());
        }
        say(format_args!("{:<9} {:>9} {:>9} {:>9}", "", "precision", "recall", "f1"));
        for it in &report.scores {
            say(format_args!(
                "{:<9} {:>9.4} {:>9.4} {:>9.4}",
                it.of, it.precision, it.recall, it.f1
            ));
        }
        say(format_args!("{} records judged", report.judged));
        if report.left_out > 0 {
            complain(format_args!(
                "{} records have a label or a cluster only, and were left out",
                report.left_out
            ));
        }
        Ok(())
    }
}

/// What a column says of every record of a file.
fn read(path: &Path, column: &str) -> Result<BTreeMap<Record, String>> {
    let doing = || format!("reading `{}`", path.display());
    let mut reader = csv::Reader::from_reader(File::open(path).with_context(doing)?);
    let header = reader.headers().with_context(doing)?.clone();
    let at = |name: &str| header.iter().position(|it| it == name);
    let need = |name: &str| at(name).with_context(|| format!("there is no column `{name}`"));
    let (id, value, source) =
        (need("id").with_context(doing)?, need(column).with_context(doing)?, at("source"));
    let mut out = BTreeMap::new();
    for record in reader.records() {
        let record = record.with_context(doing)?;
        let get = |it: usize| record.get(it).unwrap_or_default().to_owned();
        let line = record.position().map_or(0, csv::Position::line);
        let before = out.insert((source.map(get), get(id)), get(value));
        ensure!(before.is_none(), "`{}` line {line} tells of a record twice", path.display());
    }
    Ok(out)
}
