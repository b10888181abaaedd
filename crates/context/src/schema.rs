//! Schemas of events: JSON Schema 2020-12, closed, compiled once, with what its leaves mean.

use std::fmt;

use kernel::{ArtifactRef, Digest, Finding, Instant, Value};
use serde_json::Value as Json;

use crate::{Code, EventType, FieldKey, ObjectKind, Refusal, catalogue::ValueType};

/// The artifact kind of a schema.
pub const KIND: &str = "schema";
/// The deepest nesting of a schema.
pub const DEPTH_MAX: usize = 12;
/// The most properties of a schema.
pub const PROPERTIES_MAX: usize = 200;
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A leaf that becomes a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The member of the data.
    pub member: String,
    /// The field.
    pub field: FieldKey,
    /// The type of its values.
    pub value: ValueType,
}

/// A leaf that names the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRef {
    /// The member of the data.
    pub member: String,
    /// The namespace.
    pub namespace: String,
    /// The boolean member that says whether it is verified.
    pub verified_by: Option<String>,
}

/// A schema, compiled, with what its leaves mean.
pub struct Schema {
    /// The type of event it describes.
    pub kind: EventType,
    /// Its digest.
    pub digest: Digest,
    /// Leaves that become fields.
    pub leaves: Vec<Leaf>,
    /// Leaves that name the person.
    pub subjects: Vec<SubjectRef>,
    /// The leaf that names the business object.
    pub object: Option<(String, ObjectKind)>,
    /// Fields an event sets by having happened.
    pub sets: Vec<(FieldKey, Value)>,
    validator: jsonschema::Validator,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Schema {
    /// Whether data is valid; a refusal points at the first leaf that is not.
    pub fn check(&self, data: &Json) -> Result<(), Refusal> {
        if self.validator.is_valid(data) {
            return Ok(());
        }
        let pointer = self.validator.validate(data).err().map(|it| it.instance_path().to_string());
        let pointer = format!("/data{}", pointer.unwrap_or_default());
        Err(Refusal::at(Code::SchemaViolation, pointer, "the data breaks its schema here"))
    }
}

/// Reads a JSON value as a field's type.
pub fn typed(value: &Json, kind: ValueType) -> Option<Value> {
    match kind {
        ValueType::Bool => value.as_bool().map(Value::Bool),
        ValueType::Int => value.as_i64().map(Value::Int),
        ValueType::Text => value.as_str().map(|it| Value::Text(it.to_owned())),
        ValueType::Timestamp => value.as_str()?.parse::<Instant>().ok().map(Value::At),
        ValueType::Date => value.as_str()?.parse().ok().map(Value::Date),
    }
}

/// The schema of one artifact; what is wrong with it is added to the findings.
pub(crate) fn compile(artifact: &ArtifactRef<'_>, findings: &mut Vec<Finding>) -> Option<Schema> {
    let mut lint = Lint { artifact, findings, properties: 0 };
    let kind = EventType::new(artifact.name)
        .map_err(|it| lint.wrong("", "schema.name", it.to_string()))
        .ok()?;
    if artifact.body.get("$schema").and_then(Json::as_str) != Some(DIALECT) {
        lint.wrong("/$schema", "schema.dialect", format!("must be `{DIALECT}`"));
    }
    if artifact.body.get("type").and_then(Json::as_str) != Some("object") {
        lint.wrong("/type", "schema.object", "an event's data is an object".into());
    }
    lint.walk(artifact.body, "", 1);
    let mut schema = Schema {
        kind,
        digest: artifact.digest,
        leaves: Vec::new(),
        subjects: Vec::new(),
        object: None,
        sets: Vec::new(),
        validator: validator(artifact.body)
            .map_err(|it| lint.wrong("", "schema.compile", it))
            .ok()?,
    };
    let members = artifact.body.get("properties").and_then(Json::as_object);
    for (member, body) in members.into_iter().flatten() {
        lint.annotate(&mut schema, member, body);
    }
    lint.sets(&mut schema, artifact.body);
    Some(schema)
}

fn validator(body: &Json) -> Result<jsonschema::Validator, String> {
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        // Linear time whatever the pattern and the text.
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .build(body)
        .map_err(|it| it.to_string())
}

struct Lint<'a, 'f> {
    artifact: &'a ArtifactRef<'a>,
    findings: &'f mut Vec<Finding>,
    properties: usize,
}

impl Lint<'_, '_> {
    fn wrong(&mut self, pointer: &str, rule: &str, message: String) {
        self.findings.push(Finding::at(self.artifact, pointer, rule, message));
    }

    /// Checks one level and those below: closed, bounded, and without references.
    fn walk(&mut self, body: &Json, pointer: &str, depth: usize) {
        let Some(members) = body.as_object() else { return };
        if depth > DEPTH_MAX {
            self.wrong(pointer, "schema.depth", format!("nested deeper than {DEPTH_MAX} levels"));
            return;
        }
        for keyword in ["$ref", "$dynamicRef"] {
            if members.contains_key(keyword) {
                self.wrong(pointer, "schema.reference", format!("`{keyword}` is not supported"));
            }
        }
        let object = members.get("type").and_then(Json::as_str) == Some("object");
        if object && members.get("additionalProperties") != Some(&Json::Bool(false)) {
            self.wrong(pointer, "schema.closed", "`additionalProperties` must be false".into());
        }
        for (name, inner) in
            members.get("properties").and_then(Json::as_object).into_iter().flatten()
        {
            self.properties += 1;
            self.walk(inner, &format!("{pointer}/properties/{name}"), depth + 1);
        }
        if depth == 1 && self.properties > PROPERTIES_MAX {
            self.wrong(pointer, "schema.properties", format!("more than {PROPERTIES_MAX}"));
        }
        if let Some(items) = members.get("items") {
            self.walk(items, &format!("{pointer}/items"), depth + 1);
        }
    }

    fn annotate(&mut self, schema: &mut Schema, member: &str, body: &Json) {
        let pointer = format!("/properties/{member}");
        let text = |name: &str| body.get(name).and_then(Json::as_str);
        if let Some(field) = text("x-field") {
            match (FieldKey::new(field), value_type(body)) {
                (Ok(field), Some(value)) => {
                    schema.leaves.push(Leaf { member: member.to_owned(), field, value });
                }
                (Err(error), _) => self.wrong(&pointer, "schema.field", error.to_string()),
                (_, None) => {
                    self.wrong(&pointer, "schema.field", "a field needs a scalar type".into());
                }
            }
        }
        if let Some(namespace) = text("x-subject-ref") {
            schema.subjects.push(SubjectRef {
                member: member.to_owned(),
                namespace: namespace.to_owned(),
                verified_by: text("x-verified-by").map(str::to_owned),
            });
        }
        if let Some(kind) = text("x-object") {
            match ObjectKind::new(kind) {
                Ok(kind) if schema.object.is_none() => {
                    schema.object = Some((member.to_owned(), kind));
                }
                Ok(_) => self.wrong(&pointer, "schema.object", "one object at most".into()),
                Err(error) => self.wrong(&pointer, "schema.object", error.to_string()),
            }
        }
    }

    fn sets(&mut self, schema: &mut Schema, body: &Json) {
        for (field, value) in body.get("x-sets").and_then(Json::as_object).into_iter().flatten() {
            let value = match value {
                Json::Bool(it) => Some(Value::Bool(*it)),
                Json::String(it) => Some(Value::Text(it.clone())),
                Json::Number(it) => it.as_i64().map(Value::Int),
                _ => None,
            };
            match (FieldKey::new(field), value) {
                (Ok(field), Some(value)) => schema.sets.push((field, value)),
                _ => self.wrong("/x-sets", "schema.sets", "a field key with a scalar".into()),
            }
        }
    }
}

fn value_type(body: &Json) -> Option<ValueType> {
    let format = body.get("format").and_then(Json::as_str);
    match (body.get("type").and_then(Json::as_str)?, format) {
        ("boolean", _) => Some(ValueType::Bool),
        ("integer", _) => Some(ValueType::Int),
        ("string", Some("date")) => Some(ValueType::Date),
        ("string", Some("date-time")) => Some(ValueType::Timestamp),
        ("string", _) => Some(ValueType::Text),
        _ => None,
    }
}
