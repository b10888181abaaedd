//! Artifacts: bodies named by their content.

use std::{fmt, sync::Arc};

use kernel::{CanonicalError, Digest};
use serde::Serialize;
use serde_json::Value;

/// The largest file of an artifact.
pub const ARTIFACT_BYTES_MAX: usize = 1024 * 1024;
/// The longest artifact name.
pub const NAME_BYTES_MAX: usize = 96;

/// Every kind of artifact; the directory under `journeys/` is the kind.
pub const KINDS: &[&str] = &[
    "boundary",
    "cap",
    "connector",
    "contract",
    "cost_model",
    "declassification",
    "derived_field",
    "experiment",
    "field_catalogue",
    "flag",
    "metric",
    "model",
    "namespaces",
    "node",
    "notice",
    "overlay",
    "placement",
    "policy",
    "prompt",
    "purpose",
    "quiet_hours",
    "retention_class",
    "rollout_plan",
    "rule",
    "schema",
    "segment",
    "sentence",
    "slo",
    "survivorship",
    "template",
    "window",
    "zone_table",
];

/// Kinds on which permission rests: a move that changes one raises the tenant's policy epoch.
pub const POLICY_KINDS: &[&str] = &["purpose", "notice", "overlay"];

/// One file of a `journeys/` tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the tree, with `/` between segments: `node/renewal.day90.toml`.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What sort of thing an artifact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Invariant: one of `KINDS`.
pub struct Kind(&'static str);

/// A text that is not a kind of artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of artifact")]
pub struct KindError(String);

impl Kind {
    /// The kind of this name.
    pub fn new(name: &str) -> Result<Self, KindError> {
        KINDS
            .iter()
            .find(|it| **it == name)
            .map(|it| Self(it))
            .ok_or_else(|| KindError(name.chars().take(64).collect()))
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether permission rests on artifacts of this kind.
    pub fn is_policy(self) -> bool {
        POLICY_KINDS.contains(&self.0)
    }

    /// The format its bodies have.
    pub fn schema(self) -> String {
        format!("{}/1", self.0)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A body of a kind, named by SHA-256 over the canonical `{kind, schema, body, deps}`.
///
/// The name of the file is a label in a bundle and no part of the content.
#[derive(Debug, Clone, PartialEq, Eq)]
// Invariant: `digest` is the digest of the rest.
pub struct Artifact {
    kind: Kind,
    schema: String,
    body: Arc<Value>,
    digest: Digest,
}

#[derive(Serialize)]
struct Content<'a> {
    kind: &'a str,
    schema: &'a str,
    body: &'a Value,
    deps: &'a [Digest],
}

impl Artifact {
    /// The artifact with this body; a body without canonical bytes is refused.
    pub fn new(kind: Kind, body: Arc<Value>) -> Result<Self, CanonicalError> {
        let schema = kind.schema();
        let digest = content_digest(kind.as_str(), &schema, &body, &[])?;
        Ok(Self { kind, schema, body, digest })
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The format its body has.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The body: no floats, no nulls.
    pub const fn body(&self) -> &Arc<Value> {
        &self.body
    }

    /// What names it.
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

/// SHA-256 over the canonical bytes of an artifact's content.
pub(crate) fn content_digest(
    kind: &str,
    schema: &str,
    body: &Value,
    deps: &[Digest],
) -> Result<Digest, CanonicalError> {
    Digest::of_canonical(&Content { kind, schema, body, deps })
}
