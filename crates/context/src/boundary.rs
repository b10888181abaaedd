//! Boundaries: what one reader may touch; they start empty, and a deny beats every allow.

use std::{collections::BTreeSet, sync::Arc};

use kernel::{ArtifactRef, Digest, Finding, PurposeKey, SystemId};
use serde::Deserialize;

use crate::{BoundaryId, DataAction, FieldKey, Region, catalogue::FieldEntry, tag::Classification};

/// The artifact kind of a boundary.
pub const KIND: &str = "boundary";
/// The most entries of one list.
pub const LIST_MAX: usize = 1_000;
/// The most fields of one bundle.
pub const FIELDS_MAX: usize = 64;

/// What one reader may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// Its name.
    pub id: BoundaryId,
    /// `kind/name` and digest.
    pub artifact: (Arc<str>, Digest),
    /// Purposes it serves.
    pub purposes: BTreeSet<PurposeKey>,
    /// The most fields of one bundle.
    pub fields_max: usize,
    systems: Rules<SystemId>,
    fields: Rules<FieldKey>,
    denied_prefixes: Vec<String>,
    actions: Rules<DataAction>,
    regions: BTreeSet<Region>,
    classification_max: Classification,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rules<T> {
    allow: BTreeSet<T>,
    deny: BTreeSet<T>,
}

impl<T: Ord> Rules<T> {
    fn allows(&self, it: &T) -> bool {
        self.allow.contains(it) && !self.deny.contains(it)
    }
}

impl Boundary {
    /// Whether a field lies within it for an action.
    pub fn admits(&self, entry: &FieldEntry, action: DataAction) -> bool {
        self.systems.allows(&entry.system)
            && self.fields.allows(&entry.key)
            && !denies(&self.denied_prefixes, &entry.key)
            && self.actions.allows(&action)
            && entry.tag.classification <= self.classification_max
    }

    /// Whether it may be used where this runs.
    pub fn runs_in(&self, region: &Region) -> bool {
        self.regions.contains(region)
    }
}

/// Whether a field matches one of these patterns: `entity.attribute` or `entity.*`.
pub fn denies<S: AsRef<str>>(patterns: &[S], field: &FieldKey) -> bool {
    patterns.iter().any(|it| match it.as_ref().strip_suffix('*') {
        Some(prefix) => field.as_str().starts_with(prefix),
        None => field.as_str() == it.as_ref(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    purposes: BTreeSet<PurposeKey>,
    regions: BTreeSet<Region>,
    classification_max: Classification,
    fields_max: usize,
    systems: ListSource<String>,
    fields: FieldsSource,
    actions: ListSource<DataAction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListSource<T> {
    allow: Vec<T>,
    #[serde(default = "Vec::new")]
    deny: Vec<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldsSource {
    allow: BTreeSet<FieldKey>,
    #[serde(default)]
    deny: Vec<String>,
}

/// The boundary of one artifact; what is wrong with it is added to the findings.
pub(crate) fn compile(artifact: &ArtifactRef<'_>, findings: &mut Vec<Finding>) -> Option<Boundary> {
    let mut wrong = |pointer: &str, rule: &str, message: String| {
        findings.push(Finding::at(artifact, pointer, rule, message));
    };
    let source = Source::deserialize(artifact.body)
        .map_err(|it| wrong("", "boundary.shape", it.to_string()))
        .ok()?;
    let id = BoundaryId::new(artifact.name)
        .map_err(|it| wrong("", "boundary.name", it.to_string()))
        .ok()?;
    let lists = [
        ("/systems", source.systems.allow.len() + source.systems.deny.len()),
        ("/fields", source.fields.allow.len() + source.fields.deny.len()),
    ];
    for (pointer, _) in lists.into_iter().filter(|(_, n)| *n > LIST_MAX) {
        wrong(pointer, "boundary.list", format!("more than {LIST_MAX} entries"));
    }
    if !(1..=FIELDS_MAX).contains(&source.fields_max) {
        wrong("/fields_max", "boundary.fields", format!("must lie between 1 and {FIELDS_MAX}"));
    }
    let systems = |it: &[String]| it.iter().map(|it| SystemId::new(it)).collect();
    Some(Boundary {
        id,
        artifact: (format!("{}/{}", artifact.kind, artifact.name).into(), artifact.digest),
        purposes: source.purposes,
        fields_max: source.fields_max,
        systems: Rules {
            allow: systems(&source.systems.allow),
            deny: systems(&source.systems.deny),
        },
        fields: Rules { allow: source.fields.allow, deny: BTreeSet::new() },
        denied_prefixes: source.fields.deny,
        actions: Rules {
            allow: source.actions.allow.into_iter().collect(),
            deny: source.actions.deny.into_iter().collect(),
        },
        regions: source.regions,
        classification_max: source.classification_max,
    })
}
