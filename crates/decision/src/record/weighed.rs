//! What a record says was drawn and weighed.

use std::sync::Arc;

use kernel::{JourneyNode, Reason};
use serde::{Deserialize, Serialize};

use super::Word;

/// Which chance took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelGroup {
    /// One draw per node that experiments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub draws: Vec<DrawEntry>,
}

/// One draw in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawEntry {
    /// The arm.
    pub arm: Arc<str>,
    /// The bucket.
    pub bucket: u32,
    /// Whether it withholds.
    pub holdout: bool,
    /// The layer.
    pub layer: Arc<str>,
    /// The node.
    pub node: JourneyNode,
    /// The probability of the arm.
    pub propensity_ppm: u32,
    /// The seed.
    pub seed: Arc<str>,
}

/// What was weighed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RationaleGroup {
    /// Every candidate, in the order of nodes and actions.
    pub candidates: Vec<CandidateEntry>,
    /// What the tables said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableEntry>,
}

/// One candidate in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateEntry {
    /// The action.
    pub action: Arc<str>,
    /// Everything that speaks against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailureEntry>,
    /// The node.
    pub node: JourneyNode,
    /// The rules it passed, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<Arc<str>>,
    /// Its score, where it was ranked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreEntry>,
    /// The stage it reached.
    pub stage: Word,
    /// The treatment that fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treatment: Option<Arc<str>>,
}

/// One thing that speaks against a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureEntry {
    /// The fields that were lacking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blame: Vec<Arc<str>>,
    /// The code.
    pub reason: Reason,
    /// The rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Arc<str>>,
    /// The stage.
    pub stage: Word,
}

/// How a candidate scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreEntry {
    /// The context factor in millionths.
    pub c_ppm: i64,
    /// The cost in minor units.
    pub cost: i64,
    /// The lever factor in millionths.
    pub l_ppm: i64,
    /// The probability in millionths.
    pub p_ppm: u32,
    /// The score `(P·V − cost·10⁶)·C·L`, exact, in decimal.
    pub s: String,
    /// The value in minor units.
    pub v: i64,
}

/// What a table said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// The fields that were lacking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blame: Vec<Arc<str>>,
    /// The node.
    pub node: JourneyNode,
    /// The table.
    pub table: Arc<str>,
    /// Its value; absent where it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Arc<str>>,
}
