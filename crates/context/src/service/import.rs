//! Imports a file of one system of record: each row becomes an event and takes the same path.

use std::sync::Arc;

use kernel::{Fault, TenantId};
use serde_json::{Map, Value, json};

use crate::{
    Code, RawBatch, Refusal,
    admit::Caller,
    connector::{Connector, ROW_BYTES_MAX, cell},
    http::BATCH_ITEMS_MAX,
    ports::{ArtifactSource, Status},
    service::{AdmissionService, AdmitError, ItemOutcome},
};

/// The most problems a report lists; the counts are always whole.
pub const PROBLEMS_MAX: usize = 1_000;

/// One row that was not admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// The line of the file at which the row begins, from 1.
    pub line: u64,
    /// The column, where one is at fault.
    pub column: Option<String>,
    /// Why.
    pub code: Code,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Rows read.
    pub rows: u64,
    /// Rows admitted.
    pub accepted: u64,
    /// Rows admitted before.
    pub duplicate: u64,
    /// Rows kept aside.
    pub parked: u64,
    /// Rows refused.
    pub refused: u64,
    /// The first [`PROBLEMS_MAX`] rows that were not admitted.
    pub problems: Vec<RowProblem>,
}

/// Why a file was not imported; rows before a broken one stay admitted.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No connector reads files of this system.
    #[error("no connector reads files of this system")]
    UnknownSystem,
    /// The header lacks a column, repeats one, or has one that is not declared.
    #[error("column `{0}` is missing, repeated or not declared")]
    Column(String),
    /// Not CSV in UTF-8, or a row past its limit.
    #[error("line {line} is not CSV in UTF-8 of at most 64 KiB")]
    Line {
        /// The line, from 1.
        line: u64,
    },
    /// The rows could not be admitted.
    #[error(transparent)]
    Admit(#[from] AdmitError),
    /// The release could not be reached.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Imports files of the systems of record.
#[derive(Debug, Clone)]
pub struct ImportService {
    admission: AdmissionService,
    artifacts: Arc<dyn ArtifactSource>,
}

impl ImportService {
    /// The use case over admission.
    pub fn new(admission: AdmissionService, artifacts: Arc<dyn ArtifactSource>) -> Self {
        Self { admission, artifacts }
    }

    /// Imports one CSV file (RFC 4180, UTF-8, with a header).
    pub async fn import(
        &self,
        tenant: &TenantId,
        system: &str,
        csv: &[u8],
    ) -> Result<ImportReport, ImportError> {
        let artifacts = self.artifacts.live(tenant).await?;
        let connector = artifacts.connector(system).ok_or(ImportError::UnknownSystem)?;
        let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
        let mut reader = csv::ReaderBuilder::new().from_reader(csv);
        let broken = |it: &csv::Error| ImportError::Line {
            line: it.position().map_or(1, csv::Position::line),
        };
        let header = reader.headers().map_err(|it| broken(&it))?.clone();
        check_header(connector, &header)?;
        let caller = Caller { sources: Some(vec![connector.system.as_str().to_owned()]) };
        let mut report = ImportReport::default();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|it| broken(&it))?;
            let line = record.position().map_or(0, csv::Position::line);
            rows.push((line, row(connector, &header, &record)));
            if rows.len() == BATCH_ITEMS_MAX {
                self.flush(tenant, &caller, &mut rows, &mut report).await?;
            }
        }
        self.flush(tenant, &caller, &mut rows, &mut report).await?;
        Ok(report)
    }

    async fn flush(
        &self,
        tenant: &TenantId,
        caller: &Caller,
        rows: &mut Vec<(u64, Row)>,
        report: &mut ImportReport,
    ) -> Result<(), ImportError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (lines, items): (Vec<_>, Vec<_>) = rows.drain(..).unzip();
        let batch = RawBatch { batched: true, items };
        let outcomes = self.admission.admit(tenant, caller, batch).await?;
        for (line, outcome) in lines.into_iter().zip(outcomes) {
            report.count(line, &outcome);
        }
        Ok(())
    }
}

impl ImportReport {
    fn count(&mut self, line: u64, outcome: &ItemOutcome) {
        self.rows += 1;
        *match outcome.status() {
            Status::Accepted => &mut self.accepted,
            Status::Duplicate => &mut self.duplicate,
            Status::Parked => &mut self.parked,
            Status::Refused => &mut self.refused,
        } += 1;
        if let ItemOutcome::Parked { refusal } | ItemOutcome::Refused { refusal } = outcome
            && self.problems.len() < PROBLEMS_MAX
        {
            let column = refusal.pointer.strip_prefix("/data/").map(str::to_owned);
            self.problems.push(RowProblem { line, column, code: refusal.code });
        }
    }
}

type Row = Result<Map<String, Value>, Refusal>;

fn check_header(connector: &Connector, header: &csv::StringRecord) -> Result<(), ImportError> {
    let column = |it: &str| ImportError::Column(it.chars().take(64).collect());
    for (idx, name) in header.iter().enumerate() {
        if connector.column(name).is_none() || header.iter().take(idx).any(|it| it == name) {
            return Err(column(name));
        }
    }
    let missing = connector.required().into_iter().find(|it| header.iter().all(|name| name != *it));
    missing.map_or(Ok(()), |it| Err(column(it)))
}

/// One row in the structured form of a `CloudEvent`.
fn row(connector: &Connector, header: &csv::StringRecord, record: &csv::StringRecord) -> Row {
    if record.as_slice().len() > ROW_BYTES_MAX {
        return Err(Refusal::at(Code::TooLarge, "", "a row has at most 64 KiB"));
    }
    let text = |wanted: &str| {
        let found = header.iter().zip(record).find(|(name, _)| *name == wanted);
        found.map(|(_, it)| it).filter(|it| !it.is_empty()).ok_or_else(|| {
            let detail = "a row needs its key, its revision, its time and its person";
            Refusal::at(Code::MissingAttribute, format!("/data/{wanted}"), detail)
        })
    };
    let mut data = Map::new();
    for (name, cell_text) in header.iter().zip(record) {
        if let Some((kind, true)) = connector.column(name)
            && let Some(value) = cell(cell_text, kind)
        {
            data.insert(name.to_owned(), value);
        }
    }
    let (key, revision) = (text(&connector.key)?, text(&connector.revision)?);
    let (column, namespace) = &connector.subject;
    let event = json!({
        "specversion": "1.0",
        "id": format!("{}:{key}:{revision}", connector.system),
        "source": connector.system.as_str(),
        "type": connector.kind.as_str(),
        "subject": format!("{namespace}:{}", text(column)?),
        "time": text(&connector.time)?,
        "data": data,
    });
    match event {
        Value::Object(event) => Ok(event),
        _ => Err(Refusal::at(Code::BadEncoding, "", "an event is a JSON object")),
    }
}
