//! `decision/1`: everything that was known, asked, weighed and chosen, in eight groups.
//!
//! Members are declared in sorted order, so that plain `serde_json` writes canonical bytes.

use std::{borrow::Cow, sync::Arc};

use kernel::{
    CanonicalError, DecisionId, Digest, JourneyNode, OccurrenceKey, Reason, SubjectId, TenantId,
};
use serde::{Deserialize, Serialize};

use crate::occurrence::ObjectRef;

mod build;
mod known;
mod weighed;

pub(crate) use build::build;
pub use known::{
    ConsentGroup, CountEntry, FieldEntry, InputsGroup, NamedDigest, NodeEntry, VerdictEntry,
    WithheldEntry,
};
pub use weighed::{
    CandidateEntry, DrawEntry, FailureEntry, ModelGroup, RationaleGroup, ScoreEntry, TableEntry,
};

/// The name of the record's shape.
pub const SCHEMA: &str = "decision/1";
/// The version of evaluation: raised when an evaluator change alters any outcome.
pub const SEMANTICS: u32 = 1;
/// The most bytes of a record.
pub const RECORD_BYTES_MAX: usize = 16 * 1024;

/// A word of a closed list: borrowed when written, owned when read.
pub type Word = Cow<'static, str>;

/// A decision record as kept: canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The decision.
    pub id: DecisionId,
    /// The canonical bytes.
    pub bytes: Arc<[u8]>,
}

/// Why a record is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes are not a `decision/1` record.
    #[error("not a decision record: {0}")]
    Malformed(String),
    /// It is longer than [`RECORD_BYTES_MAX`].
    #[error("a decision record of {0} bytes is too long")]
    TooLong(usize),
    /// A value in it has no canonical bytes.
    #[error("a decision record has no canonical bytes: {0}")]
    Canonical(CanonicalError),
}

impl StoredRecord {
    /// Reads the record.
    pub fn parse(&self) -> Result<Record, RecordError> {
        serde_json::from_slice(&self.bytes).map_err(|it| RecordError::Malformed(it.to_string()))
    }
}

/// A decision record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Who permitted what.
    pub consent: ConsentGroup,
    /// Which decision, when, under which engine.
    pub core: CoreGroup,
    /// What was known.
    pub inputs: InputsGroup,
    /// Which chance took part.
    pub model: ModelGroup,
    /// What came of it.
    pub outcome: OutcomeGroup,
    /// Which artifacts ruled.
    pub policies: PoliciesGroup,
    /// What was weighed.
    pub rationale: RationaleGroup,
    /// About whom.
    pub subject: SubjectGroup,
}

impl Record {
    /// The record as kept.
    pub fn store(&self) -> Result<StoredRecord, RecordError> {
        let mut bytes = Vec::with_capacity(4_096);
        serde_json::to_writer(&mut bytes, self)
            .map_err(|it| RecordError::Malformed(it.to_string()))?;
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(RecordError::TooLong(bytes.len()));
        }
        Ok(StoredRecord { id: self.core.id, bytes: bytes.into() })
    }
}

/// Which decision, when, under which engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreGroup {
    /// The instant everything was judged at.
    pub as_of_us: i64,
    /// The class of the chosen node, or of the first in contest.
    pub class: Word,
    /// The engine.
    pub engine: Word,
    /// The decision.
    pub id: DecisionId,
    /// `decision`.
    pub kind: Word,
    /// `triggered` or `inbound`.
    pub mode: Word,
    /// The journey nodes in contest.
    pub nodes: Vec<JourneyNode>,
    /// The placement asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Arc<str>>,
    /// The digest of an inbound ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Digest>,
    /// Which try, from 0.
    pub round: u8,
    /// [`SCHEMA`].
    pub schema: Word,
    /// [`SEMANTICS`].
    pub semantics: u32,
    /// The decision it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<DecisionId>,
    /// Whose tenant.
    pub tenant: TenantId,
    /// The tier of the chosen node, or of the first in contest.
    pub tier: Word,
    /// The version of the time-zone database.
    pub tzdb: Word,
}

/// About whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectGroup {
    /// The identity epoch at which the person was resolved.
    pub identity: u64,
    /// The occasions.
    pub occurrences: Vec<OccurrenceEntry>,
    /// The person.
    pub subject_ref: SubjectId,
}

/// One occasion in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OccurrenceEntry {
    /// When it was due.
    pub due_us: i64,
    /// Its key.
    pub key: OccurrenceKey,
    /// Its offset.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub label: Arc<str>,
    /// The node.
    pub node: JourneyNode,
    /// The business object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// The person's local date.
    pub today: Arc<str>,
    /// The zone of that date.
    pub zone: Arc<str>,
    /// Whether the zone was assumed.
    pub zone_assumed: bool,
}

/// Which artifacts ruled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoliciesGroup {
    /// Every artifact that took part, node by node.
    pub artifacts: Vec<ArtifactEntry>,
    /// The bundle.
    pub release: Digest,
    /// Its place in the history of the pointer.
    pub sequence: u64,
}

/// One artifact in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactEntry {
    /// Its digest.
    pub digest: Arc<str>,
    /// Its kind.
    pub kind: Word,
    /// Its name.
    pub name: Arc<str>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeGroup {
    /// What is done, or in a holdout would have been.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionEntry>,
    /// `serve`, `deny` or `suppress`.
    pub effect: Word,
    /// `act`, `none` or `holdout`.
    pub kind: Word,
    /// Why not, where nothing is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// The chosen action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionEntry {
    /// The action.
    pub action: Arc<str>,
    /// The channel.
    pub channel: kernel::Channel,
    /// When it stops being sensible.
    pub expires_us: i64,
    /// The node.
    pub node: JourneyNode,
    /// What happens while it is held.
    pub on_hold: Word,
    /// The placement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Arc<str>>,
    /// The purpose, `key@version`.
    pub purpose: Arc<str>,
    /// The template.
    pub template: ArtifactEntry,
    /// The treatment.
    pub treatment: Arc<str>,
}
