//! Files that appear whole or not at all.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result};
use identity::matching::{
    blocking,
    job::Outcome,
    probable::{DuplicateReview, ProbableLink},
};

use super::reading::Records;
use identity::matching::pairs::Pair;

/// Writes a file beside its place and moves it there once it is complete.
pub(super) fn whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>,
) -> Result<()> {
    let doing = || format!("writing `{}`", path.display());
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| Path::new("."));
    let file = tempfile::NamedTempFile::new_in(directory).with_context(doing)?;
    let mut out = BufWriter::new(file.as_file());
    write(&mut out).with_context(doing)?;
    out.flush().with_context(doing)?;
    drop(out);
    file.persist(path).with_context(doing)?;
    Ok(())
}

/// Number of a record among all, by row of the table.
pub(super) fn number(records: &Records, row: u32) -> usize {
    let came = usize::try_from(row).ok().and_then(|it| records.table.came().get(it));
    let number = came.and_then(|it| records.permitted.get(usize::try_from(*it).ok()?));
    number.and_then(|it| usize::try_from(*it).ok()).unwrap_or(usize::MAX)
}

/// The name of a record's file, and its id there.
pub(super) fn named(records: &Records, number: usize) -> (&str, &str) {
    let (source, id) = records.ids.get(number);
    (records.files.get(usize::from(source)).map_or("", |it| it.0.as_str()), id)
}

/// One line a link, strongest first.
pub(super) fn links(
    path: &Path,
    records: &Records,
    links: &[(Pair, ProbableLink<DuplicateReview>)],
) -> Result<()> {
    whole(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record([
            "left_source",
            "left_id",
            "right_source",
            "right_id",
            "weight",
            "probability",
            "pattern",
            "rules",
        ])?;
        for (pair, link) in links {
            let ends = [pair.left, pair.right].map(|it| named(records, number(records, it)));
            let [(left_source, left), (right_source, right)] =
                if ends[0] <= ends[1] { ends } else { [ends[1], ends[0]] };
            let rules =
                (0..).zip(&blocking::ALL).filter(|it| link.pattern.rules() >> it.0 & 1 == 1);
            csv.write_record([
                left_source,
                left,
                right_source,
                right,
                &format!("{:.3}", link.weight.as_bits()),
                &format!("{:.6}", link.weight.probability()),
                &format!("{:06x}", link.pattern.compared()),
                &rules.map(|it| it.1.name).collect::<Vec<_>>().join("; "),
            ])?;
        }
        Ok(csv.flush()?)
    })
}

/// One line a record, in the order read; a record that may not be matched is a cluster of its own.
pub(super) fn clusters(path: &Path, records: &Records, outcome: &Outcome) -> Result<()> {
    let mut first: Vec<usize> = (0..records.ids.len()).collect();
    for (row, name) in (0_u32..).zip(&outcome.clusters.of) {
        if let Some(it) = first.get_mut(number(records, row)) {
            *it = number(records, *name);
        }
    }
    let mut sizes = vec![0_u32; first.len()];
    for name in &first {
        if let Some(it) = sizes.get_mut(*name) {
            *it += 1;
        }
    }
    whole(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(["source", "id", "cluster", "size"])?;
        for (at, name) in first.iter().enumerate() {
            let (source, id) = named(records, at);
            let (of_source, of_id) = named(records, *name);
            let size = sizes.get(*name).copied().unwrap_or(1);
            let cluster = format!("{of_source}:{of_id}");
            csv.write_record([source, id, &cluster, &size.to_string()])?;
        }
        Ok(csv.flush()?)
    })
}
