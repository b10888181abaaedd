//! Bundles: the artifacts that go live together.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{ArtifactRef, CanonicalError, Digest};
use serde_json::{Value, json};

use crate::artifact::{Artifact, Kind, content_digest};

/// The most entries of a bundle.
pub const BUNDLE_ENTRIES_MAX: usize = 4_096;
/// The format of a bundle.
const SCHEMA: &str = "bundle/1";

/// One place in a bundle and what fills it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The kind.
    pub kind: Kind,
    /// The name, unique within its kind.
    pub name: String,
    /// What fills the place.
    pub digest: Digest,
}

impl Entry {
    /// The place: `kind/name`.
    pub fn slot(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

/// A set of entries, at most one per slot, named by its content.
#[derive(Debug, Clone, PartialEq, Eq)]
// Invariant: sorted by slot, no slot twice, at most `BUNDLE_ENTRIES_MAX`; `digest` names them.
pub struct Bundle {
    digest: Digest,
    entries: Vec<Entry>,
}

/// Why entries form no bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Two entries fill one slot.
    #[error("slot `{0}` is filled twice")]
    SlotTwice(String),
    /// More than [`BUNDLE_ENTRIES_MAX`].
    #[error("a bundle has at most {BUNDLE_ENTRIES_MAX} entries, not {0}")]
    TooMany(usize),
    /// A name has no canonical bytes.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
}

impl Bundle {
    /// The bundle of these entries, whatever their order.
    pub fn new(mut entries: Vec<Entry>) -> Result<Self, BundleError> {
        if entries.len() > BUNDLE_ENTRIES_MAX {
            return Err(BundleError::TooMany(entries.len()));
        }
        entries.sort_unstable();
        for pair in entries.windows(2) {
            if let [a, b] = pair
                && (a.kind, &a.name) == (b.kind, &b.name)
            {
                return Err(BundleError::SlotTwice(a.slot()));
            }
        }
        let body: Vec<_> = entries.iter().map(entry_json).collect();
        let deps: Vec<_> = entries.iter().map(|it| it.digest).collect();
        let digest = content_digest("bundle", SCHEMA, &json!({ "entries": body }), &deps)?;
        Ok(Self { digest, entries })
    }

    /// What names it.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Its entries, by slot.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

fn entry_json(entry: &Entry) -> Value {
    json!({
        "slot": entry.slot(),
        "kind": entry.kind.as_str(),
        "name": entry.name,
        "digest": entry.digest,
    })
}

/// One entry with its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedEntry {
    /// The kind.
    pub kind: Kind,
    /// The name, unique within its kind.
    pub name: String,
    /// What names the body.
    pub digest: Digest,
    /// The body: no floats, no nulls.
    pub body: Arc<Value>,
}

/// A bundle with every body, checked against the digest that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
// Invariant: `digest` names exactly these entries, and each entry's digest names its body.
pub struct LoadedBundle {
    digest: Digest,
    entries: Vec<LoadedEntry>,
}

/// Why a bundle could not be put together from what was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The artifact of an entry is not among those given.
    #[error("artifact {0} is missing")]
    Missing(Digest),
    /// An artifact fills a slot of another kind.
    #[error("slot `{0}` holds an artifact of another kind")]
    Kind(String),
}

impl LoadedBundle {
    /// The bundle filled with artifacts; each of them names itself, so nothing else can slip in.
    pub fn assemble(
        bundle: &Bundle,
        artifacts: &BTreeMap<Digest, Artifact>,
    ) -> Result<Self, LoadError> {
        let fill = |entry: &Entry| {
            let artifact = artifacts.get(&entry.digest).ok_or(LoadError::Missing(entry.digest))?;
            if artifact.kind() != entry.kind {
                return Err(LoadError::Kind(entry.slot()));
            }
            Ok(LoadedEntry {
                kind: entry.kind,
                name: entry.name.clone(),
                digest: entry.digest,
                body: artifact.body().clone(),
            })
        };
        let entries = bundle.entries.iter().map(fill).collect::<Result<_, _>>()?;
        Ok(Self { digest: bundle.digest, entries })
    }

    /// What names it.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Its entries, by slot.
    pub fn entries(&self) -> &[LoadedEntry] {
        &self.entries
    }

    /// Its entries as the domains that understand them read them.
    pub fn refs(&self) -> Vec<ArtifactRef<'_>> {
        self.entries.iter().map(LoadedEntry::as_ref).collect()
    }
}

impl LoadedEntry {
    fn as_ref(&self) -> ArtifactRef<'_> {
        ArtifactRef {
            kind: self.kind.as_str(),
            name: &self.name,
            digest: self.digest,
            body: &self.body,
        }
    }
}
