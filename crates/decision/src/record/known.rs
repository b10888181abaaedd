//! What a record says was permitted and known.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{Digest, Epochs, JourneyNode, Reason, Value};
use serde::{Deserialize, Serialize};

use super::Word;

/// Who permitted what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentGroup {
    /// One verdict per node and channel.
    pub verdicts: Vec<VerdictEntry>,
}

/// One verdict in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictEntry {
    /// The lawful basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Arc<str>>,
    /// The channel.
    pub channel: kernel::Channel,
    /// What it rests on not having moved.
    pub epochs: Epochs,
    /// Names the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Digest>,
    /// Until when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_until_us: Option<i64>,
    /// The jurisdiction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<Arc<str>>,
    /// The node.
    pub node: JourneyNode,
    /// What acting obliges to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obligations: Vec<Arc<str>>,
    /// `permitted`, `held` or `refused`.
    pub permission: Word,
    /// The purpose, `key@version`.
    pub purpose: Arc<str>,
    /// Every reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// Until when it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_us: Option<i64>,
}

/// What was known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputsGroup {
    /// What the asker said about the moment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hints: BTreeMap<Arc<str>, Arc<str>>,
    /// Per node.
    pub nodes: Vec<NodeEntry>,
}

/// What one node was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeEntry {
    /// Counts of contact history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<CountEntry>,
    /// What the cut was made under.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<NamedDigest>,
    /// The fields.
    pub fields: Vec<FieldEntry>,
    /// `free`, `full` or `unknown`.
    pub headroom: Word,
    /// When room returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headroom_until_us: Option<i64>,
    /// The node.
    pub node: JourneyNode,
    /// What the life of the journey objected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objections: Vec<Reason>,
    /// Why the cut was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Reason>,
    /// What was withheld.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<WithheldEntry>,
}

/// One count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountEntry {
    /// The count; absent where it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The outcome counted.
    pub outcome: Arc<str>,
    /// The window.
    pub window: kernel::Period,
}

/// A digest with its role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedDigest {
    /// The digest.
    pub digest: Digest,
    /// The role.
    pub name: Arc<str>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldEntry {
    /// When it was true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of_us: Option<i64>,
    /// `entity.attribute`.
    pub name: Arc<str>,
    /// The rule that makes it meaningless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<kernel::RuleId>,
    /// The system it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<kernel::SystemId>,
    /// `is`, `not_applicable`, or why it is unknown.
    pub state: Word,
    /// The value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// One withheld field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithheldEntry {
    /// The field.
    pub field: Arc<str>,
    /// Why.
    pub reason: Reason,
}
