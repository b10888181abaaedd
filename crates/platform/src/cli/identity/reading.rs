//! Records from CSV files, folded as they are read; only their ids are kept as written.

use std::{fs::File, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use identity::matching::row::{Folder, Source, Table};
use indicatif::ProgressBar;

use super::config::Config;

/// The most files of a job.
const FILES_MAX: usize = 256;

/// What was read.
#[derive(Debug)]
pub(super) struct Records {
    /// The records that may be matched.
    pub(super) table: Table,
    /// The ids of all records, in the order read.
    pub(super) ids: Ids,
    /// The numbers of the records in the table, among all.
    pub(super) permitted: Vec<u32>,
    /// How many records each file has, and how many of them may be matched.
    pub(super) files: Vec<(String, u64, u64)>,
}

/// Ids of records and the files they are from, end to end in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Ids {
    text: String,
    ends: Vec<u64>,
    sources: Vec<u16>,
}

impl Ids {
    fn push(&mut self, source: u16, id: &str) {
        self.text.push_str(id);
        self.ends.push(self.text.len() as u64);
        self.sources.push(source);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The number of the file and the id of a record.
    pub(super) fn get(&self, at: usize) -> (u16, &str) {
        let end =
            |at: usize| self.ends.get(at).and_then(|it| usize::try_from(*it).ok()).unwrap_or(0);
        let from = at.checked_sub(1).map_or(0, end);
        let source = self.sources.get(at).copied().unwrap_or(0);
        (source, self.text.get(from..end(at)).unwrap_or_default())
    }
}

/// Reads every file; `unique` says that no file holds one person twice.
pub(super) fn read(
    paths: &[PathBuf],
    config: &Config,
    (seed, unique): (u64, bool),
    progress: &ProgressBar,
) -> Result<Records> {
    ensure!(paths.len() <= FILES_MAX, "more than {FILES_MAX} files");
    let mut folder = Folder::new(seed, config.dates);
    let mut ids = Ids::default();
    let mut permitted = Vec::new();
    let mut files = Vec::with_capacity(paths.len());
    for (number, path) in (0_u16..).zip(paths) {
        let (all, may) = (ids.len(), permitted.len());
        let source = Source { number, unique };
        read_file(path, config, source, &mut folder, &mut ids, &mut permitted, progress)
            .with_context(|| format!("reading `{}`", path.display()))?;
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned());
        let counts = ((ids.len() - all) as u64, (permitted.len() - may) as u64);
        files.push((name.unwrap_or_default(), counts.0, counts.1));
    }
    let table = folder.finish()?;
    Ok(Records { table, ids, permitted, files })
}

fn read_file(
    path: &PathBuf,
    config: &Config,
    source: Source,
    folder: &mut Folder,
    ids: &mut Ids,
    permitted: &mut Vec<u32>,
    progress: &ProgressBar,
) -> Result<()> {
    let file = File::open(path).context("opening it")?;
    let mut reader = csv::ReaderBuilder::new().buffer_capacity(1 << 16).from_reader(file);
    let columns = config.columns(reader.headers().context("its header")?)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).context("a row that is no CSV of this header")? {
        let at = |column: usize| record.get(column).unwrap_or_default();
        let id = at(columns.id).trim();
        let line = record.position().map_or(0, csv::Position::line);
        ensure!(!id.is_empty(), "line {line} has no id");
        ids.push(source.number, id);
        if columns.permission.is_some_and(|it| !says_yes(at(it))) {
            continue;
        }
        permitted.push(u32::try_from(ids.len() - 1).context("too many records")?);
        let values = columns.attributes.map(|it| it.map_or("", at));
        folder.push(source, id.as_bytes(), values).with_context(|| format!("line {line}"))?;
        progress.inc(1);
    }
    Ok(())
}

/// A clear yes; nothing else is one.
fn says_yes(value: &str) -> bool {
    ["true", "yes", "y", "1"].iter().any(|it| value.trim().eq_ignore_ascii_case(it))
}
