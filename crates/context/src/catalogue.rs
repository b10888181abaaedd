//! The field catalogue: what each field is, whose, and what may be done with it.

use std::{collections::BTreeMap, sync::Arc};

use chrono::NaiveDate;
use kernel::{ArtifactRef, Digest, Finding, Period, PurposeKey, SystemId};
use serde::Deserialize;

use crate::{
    DataAction, FieldKey, ObjectKind, Region,
    name::CategoryKey,
    tag::{Classification, RetentionClock, Tag},
};

/// The artifact kind of a catalogue.
pub const KIND: &str = "field_catalogue";

/// The type of a field's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// Yes or no.
    Bool,
    /// An integer.
    Int,
    /// Text.
    Text,
    /// An instant.
    Timestamp,
    /// A calendar date.
    Date,
}

impl ValueType {
    /// The name of the type, as [`kernel::Value::type_name`] gives it.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Text => "string",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
        }
    }
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldEntry {
    /// Its key.
    pub key: FieldKey,
    /// Its home system.
    pub system: SystemId,
    /// The kind of object it belongs to; a person's own field has none.
    pub object: Option<ObjectKind>,
    /// The type of its values.
    pub value: ValueType,
    /// Who answers for it.
    pub owner: String,
    /// What may be done with it.
    pub tag: Tag,
    /// The digest of the entry as written.
    pub digest: Digest,
    /// The catalogue that holds it, `kind/name`, and its digest.
    pub artifact: (Arc<str>, Digest),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    owner: String,
    review_by: NaiveDate,
    fields: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntrySource {
    system: String,
    object: Option<ObjectKind>,
    value: ValueType,
    categories: Vec<CategoryKey>,
    classification: Classification,
    purposes_allowed: Vec<PurposeKey>,
    #[serde(default)]
    purposes_denied: Vec<PurposeKey>,
    actions: Vec<DataAction>,
    regions: Vec<Region>,
    retention: Vec<RetentionSource>,
    max_age: Period,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetentionSource {
    clock: RetentionClock,
    period: Period,
}

/// The fields of one catalogue artifact; what is wrong with it is added to the findings.
pub(crate) fn compile(
    artifact: &ArtifactRef<'_>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<FieldKey, Arc<FieldEntry>> {
    let mut out = BTreeMap::new();
    let source = match Source::deserialize(artifact.body) {
        Ok(it) => it,
        Err(error) => {
            findings.push(Finding::at(artifact, "", "catalogue.shape", error.to_string()));
            return out;
        }
    };
    let name: Arc<str> = format!("{}/{}", artifact.kind, artifact.name).into();
    for (key, body) in &source.fields {
        let pointer = format!("/fields/{key}");
        let mut wrong = |rule: &str, message: String| {
            findings.push(Finding::at(artifact, pointer.as_str(), rule, message));
        };
        let key = match FieldKey::new(key) {
            Ok(it) => it,
            Err(error) => {
                wrong("catalogue.key", error.to_string());
                continue;
            }
        };
        match (EntrySource::deserialize(body), Digest::of_canonical(body)) {
            (Ok(entry), Ok(digest)) => {
                if entry.retention.is_empty() {
                    wrong("catalogue.retention", "a field needs an end: name a retention".into());
                }
                let artifact = (name.clone(), artifact.digest);
                let entry = entry.entry(key.clone(), &source, digest, artifact);
                out.insert(key, Arc::new(entry));
            }
            (Err(error), _) => wrong("catalogue.entry", error.to_string()),
            (_, Err(error)) => wrong("catalogue.entry", error.to_string()),
        }
    }
    out
}

impl EntrySource {
    fn entry(
        self,
        key: FieldKey,
        source: &Source,
        digest: Digest,
        artifact: (Arc<str>, Digest),
    ) -> FieldEntry {
        FieldEntry {
            key,
            system: SystemId::new(&self.system),
            object: self.object,
            value: self.value,
            owner: source.owner.clone(),
            tag: Tag {
                categories: self.categories.into_iter().collect(),
                classification: self.classification,
                purposes_allowed: self.purposes_allowed.into_iter().collect(),
                purposes_denied: self.purposes_denied.into_iter().collect(),
                actions: self.actions.into_iter().collect(),
                regions: self.regions.into_iter().collect(),
                retention: self.retention.into_iter().map(|it| (it.clock, it.period)).collect(),
                max_age: self.max_age.span(),
                review_by: source.review_by,
            },
            digest,
            artifact,
        }
    }
}
