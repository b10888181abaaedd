//! `decision/1`: everything that was known, asked, weighed and chosen, in eight groups.
//!
//! Members are declared in sorted order, so that plain `serde_json` writes canonical bytes.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use kernel::{
    CanonicalError, DecisionId, Digest, Epochs, JourneyNode, OccurrenceKey, Reason, SubjectId,
    TenantId, Value,
};
use serde::{Deserialize, Serialize};

use crate::occurrence::ObjectRef;

mod build;

pub(crate) use build::build;

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

/// Which artifacts ruled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoliciesGroup {
    /// Every artifact that took part.
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
