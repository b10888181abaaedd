//! What a domain sees of a released artifact, and what it may find wrong with one.

use std::fmt;

use serde::Serialize;

use crate::Digest;

/// One entry of a bundle, as handed to the domain that understands its kind.
#[derive(Debug, Clone, Copy)]
pub struct ArtifactRef<'a> {
    /// The kind (`node`, `purpose`, `template`, …).
    pub kind: &'a str,
    /// The name, unique within its kind.
    pub name: &'a str,
    /// SHA-256 over the canonical artifact.
    pub digest: Digest,
    /// The body: no floats, no nulls.
    pub body: &'a serde_json::Value,
}

/// One thing wrong with an artifact; any finding keeps its bundle from going live.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// `kind/name` of the artifact.
    pub artifact: String,
    /// JSON pointer (RFC 6901) to the place.
    pub pointer: String,
    /// The rule that found it, permanent.
    pub rule: String,
    /// One sentence.
    pub message: String,
}

impl Finding {
    /// A finding at a place in an artifact.
    pub fn at(
        source: &ArtifactRef<'_>,
        pointer: impl Into<String>,
        rule: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            artifact: format!("{}/{}", source.kind, source.name),
            pointer: pointer.into(),
            rule: rule.to_owned(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} [{}] {}", self.artifact, self.pointer, self.rule, self.message)
    }
}
