//! Connectors: how a file of one system of record becomes events.
//!
//! A connector compiles to the schema of its rows, so that a row is admitted by the same path as
//! any other event.

use std::collections::BTreeMap;

use kernel::{ArtifactRef, Finding, SystemId};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::EventType;

/// The artifact kind of a connector.
pub const KIND: &str = "connector";
/// The largest row of a file.
pub const ROW_BYTES_MAX: usize = 64 * 1024;
/// The longest cell.
pub const CELL_CHARS_MAX: usize = 1_024;

/// The type of a column's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Text.
    Text,
    /// `true` or `false`.
    Bool,
    /// An integer.
    Int,
    /// An ISO date.
    Date,
    /// An RFC 3339 instant.
    Timestamp,
}

/// How one system's files become events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// The system.
    pub system: SystemId,
    /// The type of its events.
    pub kind: EventType,
    /// The column whose text and namespace are the event's subject.
    pub subject: (String, String),
    /// The column that names the row.
    pub key: String,
    /// The column that says which revision of it this is.
    pub revision: String,
    /// The column that says when it was true.
    pub time: String,
    columns: BTreeMap<String, (Cell, bool)>,
}

impl Connector {
    /// The type of a column and whether it is kept; `None` where it is not declared.
    pub fn column(&self, name: &str) -> Option<(Cell, bool)> {
        self.columns.get(name).copied()
    }

    /// The columns every file must have.
    pub fn required(&self) -> [&str; 4] {
        [&self.subject.0, &self.key, &self.revision, &self.time]
    }
}

/// A cell as JSON; what cannot be read stays text, for the schema to refuse. An empty cell is
/// absent: never a default, never a permission.
pub fn cell(text: &str, kind: Cell) -> Option<Json> {
    if text.is_empty() {
        return None;
    }
    let parsed = match kind {
        Cell::Bool => text.parse::<bool>().ok().map(Json::Bool),
        Cell::Int => text.parse::<i64>().ok().map(Json::from),
        Cell::Text | Cell::Date | Cell::Timestamp => None,
    };
    Some(parsed.unwrap_or_else(|| Json::String(text.to_owned())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    event: EventType,
    subject: SubjectSource,
    id: IdSource,
    time: String,
    columns: BTreeMap<String, ColumnSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectSource {
    column: String,
    namespace: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdSource {
    key: String,
    revision: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnSource {
    r#type: Cell,
    field: Option<String>,
    identifier: Option<String>,
    verified_by: Option<String>,
    object: Option<String>,
    /// Declared, so that its arrival is no error, and never stored.
    #[serde(default)]
    drop: bool,
}

/// Words of columns that only consent's own import may take.
const CONSENT_WORDS: [&str; 7] =
    ["consent", "opt_in", "optin", "opt_out", "optout", "subscribed", "permission"];

/// The connector of one artifact with the body of its schema; what is wrong is added to the findings.
pub(crate) fn compile(
    artifact: &ArtifactRef<'_>,
    findings: &mut Vec<Finding>,
) -> Option<(Connector, Json)> {
    let mut wrong = |pointer: String, rule: &str, message: String| {
        findings.push(Finding::at(artifact, pointer, rule, message));
    };
    let source = Source::deserialize(artifact.body)
        .map_err(|it| wrong(String::new(), "connector.shape", it.to_string()))
        .ok()?;
    let named = [&source.subject.column, &source.id.key, &source.id.revision, &source.time];
    for column in named.into_iter().filter(|it| !source.columns.contains_key(*it)) {
        wrong("/columns".into(), "connector.column", format!("`{column}` is not declared"));
    }
    for (name, column) in &source.columns {
        let pointer = format!("/columns/{name}");
        if CONSENT_WORDS.iter().any(|it| name.contains(it)) {
            let message = "consent is imported by consent, with its evidence";
            wrong(pointer.clone(), "connector.consent-column", message.into());
        }
        let used = column.field.is_some() || column.identifier.is_some() || column.object.is_some();
        if column.drop && used {
            wrong(pointer, "connector.drop", "a dropped column means nothing".into());
        }
    }
    let schema = schema_of(&source);
    let columns = source.columns.into_iter().map(|(name, it)| (name, (it.r#type, !it.drop)));
    let connector = Connector {
        system: SystemId::new(artifact.name),
        kind: source.event,
        subject: (source.subject.column, source.subject.namespace),
        key: source.id.key,
        revision: source.id.revision,
        time: source.time,
        columns: columns.collect(),
    };
    Some((connector, schema))
}

fn schema_of(source: &Source) -> Json {
    let mut properties = Map::new();
    for (name, column) in source.columns.iter().filter(|(_, it)| !it.drop) {
        let mut leaf = match column.r#type {
            Cell::Text => json!({ "type": "string", "minLength": 1, "maxLength": CELL_CHARS_MAX }),
            Cell::Bool => json!({ "type": "boolean" }),
            Cell::Int => json!({ "type": "integer" }),
            Cell::Date => json!({ "type": "string", "format": "date" }),
            Cell::Timestamp => json!({ "type": "string", "format": "date-time" }),
        };
        let annotations = [
            ("x-field", &column.field),
            // The subject is named by the event's own attribute.
            (
                "x-subject-ref",
                if *name == source.subject.column { &None } else { &column.identifier },
            ),
            ("x-verified-by", &column.verified_by),
            ("x-object", &column.object),
        ];
        if let Some(leaf) = leaf.as_object_mut() {
            for (key, value) in annotations {
                if let Some(value) = value {
                    leaf.insert(key.into(), Json::String(value.clone()));
                }
            }
        }
        properties.insert(name.clone(), leaf);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}
