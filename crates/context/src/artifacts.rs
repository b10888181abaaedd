//! The artifacts of a release that context understands, compiled.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{ArtifactRef, Finding, PurposeKey, SystemId};

use crate::{
    BoundaryId, EventType, FieldKey,
    boundary::{self, Boundary},
    catalogue::{self, FieldEntry},
    connector::{self, Connector},
    schema::{self, Schema},
    terms::{self, Contract},
};

/// Schemas, contracts, connectors, catalogue and boundaries of one release.
#[derive(Debug, Default)]
pub struct Artifacts {
    schemas: BTreeMap<EventType, Schema>,
    contracts: BTreeMap<EventType, Contract>,
    connectors: BTreeMap<SystemId, Connector>,
    fields: BTreeMap<FieldKey, Arc<FieldEntry>>,
    boundaries: BTreeMap<BoundaryId, Boundary>,
}

impl Artifacts {
    /// Compiles what is context's of a release; kinds of others are left alone.
    pub fn compile(sources: &[ArtifactRef<'_>]) -> Result<Self, Vec<Finding>> {
        let mut out = Self::default();
        let mut findings = Vec::new();
        for artifact in sources {
            out.add(artifact, &mut findings);
        }
        for artifact in sources {
            out.check_references(artifact, &mut findings);
        }
        if findings.is_empty() {
            Ok(out)
        } else {
            findings.sort();
            Err(findings)
        }
    }

    /// The schema of a type.
    pub fn schema(&self, kind: &EventType) -> Option<&Schema> {
        self.schemas.get(kind)
    }

    /// The contract of a type.
    pub fn contract(&self, kind: &EventType) -> Option<&Contract> {
        self.contracts.get(kind)
    }

    /// Every contract, by type.
    pub fn contracts(&self) -> impl Iterator<Item = &Contract> {
        self.contracts.values()
    }

    /// The connector of a system.
    pub fn connector(&self, system: &str) -> Option<&Connector> {
        self.connectors.get(&SystemId::new(system))
    }

    /// The entry of a field.
    pub fn field(&self, key: &FieldKey) -> Option<&Arc<FieldEntry>> {
        self.fields.get(key)
    }

    /// Every field, by key.
    pub fn fields(&self) -> impl Iterator<Item = &FieldEntry> {
        self.fields.values().map(Arc::as_ref)
    }

    /// A boundary.
    pub fn boundary(&self, id: &BoundaryId) -> Option<&Boundary> {
        self.boundaries.get(id)
    }

    /// Whether some field or boundary names a purpose.
    pub fn knows_purpose(&self, purpose: &PurposeKey) -> bool {
        self.boundaries.values().any(|it| it.purposes.contains(purpose))
            || self.fields.values().any(|it| it.tag.purposes_allowed.contains(purpose))
    }

    fn add(&mut self, artifact: &ArtifactRef<'_>, findings: &mut Vec<Finding>) {
        match artifact.kind {
            schema::KIND => {
                if let Some(it) = schema::compile(artifact, findings) {
                    self.schemas.insert(it.kind.clone(), it);
                }
            }
            terms::KIND => {
                if let Some(it) = terms::compile(artifact, findings) {
                    self.contracts.insert(it.kind.clone(), it);
                }
            }
            connector::KIND => self.add_connector(artifact, findings),
            catalogue::KIND => {
                for (key, entry) in catalogue::compile(artifact, findings) {
                    if self.fields.insert(key.clone(), entry).is_some() {
                        let pointer = format!("/fields/{key}");
                        let message = "another catalogue has this field";
                        findings.push(Finding::at(artifact, pointer, "catalogue.twice", message));
                    }
                }
            }
            boundary::KIND => {
                if let Some(it) = boundary::compile(artifact, findings) {
                    self.boundaries.insert(it.id.clone(), it);
                }
            }
            _ => {}
        }
    }

    fn add_connector(&mut self, artifact: &ArtifactRef<'_>, findings: &mut Vec<Finding>) {
        let Some((connector, body)) = connector::compile(artifact, findings) else { return };
        let name = connector.kind.to_string();
        let rows = ArtifactRef { name: &name, body: &body, ..*artifact };
        if let Some(schema) = schema::compile(&rows, findings) {
            self.schemas.insert(schema.kind.clone(), schema);
        }
        self.connectors.insert(connector.system.clone(), connector);
    }

    /// What one artifact names in another must exist and agree.
    fn check_references(&self, artifact: &ArtifactRef<'_>, findings: &mut Vec<Finding>) {
        let mut wrong = |pointer: &str, rule: &str, message: String| {
            findings.push(Finding::at(artifact, pointer, rule, message));
        };
        let kind = match artifact.kind {
            schema::KIND => EventType::new(artifact.name).ok(),
            connector::KIND => self.connector(artifact.name).map(|it| it.kind.clone()),
            terms::KIND => {
                let known =
                    EventType::new(artifact.name).is_ok_and(|it| self.schema(&it).is_some());
                if !known {
                    wrong("", "contract.schema", "no schema describes this type".into());
                }
                None
            }
            _ => None,
        };
        let Some(schema) = kind.and_then(|it| self.schemas.get(&it)) else { return };
        if !self.contracts.contains_key(&schema.kind) {
            wrong("", "schema.contract", format!("no contract covers `{}`", schema.kind));
        }
        let sets = schema.sets.iter().map(|(field, _)| (field, None));
        let leaves = schema.leaves.iter().map(|it| (&it.field, Some(it.value)));
        for (field, value) in leaves.chain(sets) {
            let Some(entry) = self.fields.get(field) else {
                wrong("", "schema.field", format!("`{field}` is not in the catalogue"));
                continue;
            };
            if value.is_some_and(|it| it != entry.value) {
                wrong("", "schema.field", format!("`{field}` has another type in the catalogue"));
            }
            if entry.object.is_some()
                && entry.object.as_ref() != schema.object.as_ref().map(|it| &it.1)
            {
                wrong("", "schema.object", format!("`{field}` belongs to another kind of object"));
            }
        }
    }
}
