//! Entries: kinds, custody, what a submission carries, and the 34 bytes that stay for ever.

use std::{borrow::Cow, fmt};

use chrono::TimeDelta;
use kernel::{DecisionId, Digest, Fact, FactId, Instant, SubjectId, TenantId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::tree::{self, Hash};

/// The most groups a record may have.
pub const GROUPS_MAX: usize = 16;
/// The longest name of a group.
pub const GROUP_NAME_BYTES_MAX: usize = 32;
/// The longest name of a retention class.
pub const CLASS_BYTES_MAX: usize = 32;
/// How far back an idempotency key may have been minted.
pub const IDEM_WINDOW_DAYS: i64 = 35;
/// How far ahead an idempotency key may have been minted.
pub const IDEM_AHEAD_MINUTES_MAX: i64 = 10;

/// A record: of a decision, a fact, or another thing that happened once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(Uuid);

impl RecordId {
    /// The record with this UUID.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The bare UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<DecisionId> for RecordId {
    fn from(id: DecisionId) -> Self {
        Self(id.uuid())
    }
}

impl From<FactId> for RecordId {
    fn from(id: FactId) -> Self {
        Self(id.uuid())
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rec_{}", self.0)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)+) => {
        /// What sort of thing happened: a clear byte in the leaf, never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum EntryKind {
            $($(#[$doc])* $name = $code,)+
        }

        impl EntryKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The byte in the leaf.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The kind of this byte.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// The kind's name in records and pages.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

kinds! {
    /// A decision, served or refused.
    Decision = 0x01, "decision";
    /// A grant, refusal, withdrawal, objection or restriction.
    Consent = 0x20, "consent";
    /// Identifiers came to name one person.
    IdentityLink = 0x21, "identity.link";
    /// Identifiers ceased to name one person.
    IdentityUnlink = 0x22, "identity.unlink";
    /// A release went live.
    ArtifactRelease = 0x23, "artifact.release";
    /// A release was taken back.
    ArtifactRollback = 0x24, "artifact.rollback";
    /// A message was handed over, or was not.
    DeliveryAttempt = 0x25, "delivery.attempt";
    /// A measured effect was judged.
    MeasurementReview = 0x26, "measurement.review";
    /// Keys are to be destroyed.
    Erasure = 0x40, "erasure";
    /// Keys are destroyed.
    ErasureDone = 0x41, "erasure.done";
    /// Records were handed out in a pack.
    Export = 0x60, "export";
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long a record is kept, by the name of the class; keys are per class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Invariant: 1 to CLASS_BYTES_MAX of `[a-z0-9_-]`.
pub struct RetentionClass(Cow<'static, str>);

/// Every class in which a person may have keys: what is not listed here is not erased.
pub const SUBJECT_CLASSES: [RetentionClass; 4] = [
    RetentionClass::of("decision"),
    RetentionClass::of("derived"),
    RetentionClass::of("export"),
    RetentionClass::of("fact"),
];

/// A text that is not the name of a group or class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a name of up to 32 of `[a-z0-9_-]`")]
pub struct NameError;

impl RetentionClass {
    /// A class written in source; an illegal name fails the build when used in a `const`.
    #[expect(clippy::panic, reason = "evaluated at compile time in every const use")]
    pub const fn of(name: &'static str) -> Self {
        if is_name(name, CLASS_BYTES_MAX) {
            Self(Cow::Borrowed(name))
        } else {
            panic!("not the name of a retention class")
        }
    }

    /// Reads the name: 1 to [`CLASS_BYTES_MAX`] of `[a-z0-9_-]`.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if is_name(text, CLASS_BYTES_MAX) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(NameError)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(crate) const fn is_name(text: &str, bytes_max: usize) -> bool {
    let mut rest = text.as_bytes();
    if rest.is_empty() || rest.len() > bytes_max {
        return false;
    }
    while let [first, tail @ ..] = rest {
        if !matches!(first, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-') {
            return false;
        }
        rest = tail;
    }
    true
}

/// Under whose keys a group is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Custody {
    /// Subject key and period key together: whoever destroys either erases it.
    Subject,
    /// The period key: expires with its month.
    Period,
    /// Plain: entries about no person.
    Plain,
}

/// One group of fields: the unit of disclosure, custody and erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The group's name; groups of a record have different ones.
    pub name: &'static str,
    /// Under whose keys.
    pub custody: Custody,
    /// Canonical bytes of a JSON object.
    pub json: Vec<u8>,
}

/// What "the same request" is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdemKey {
    bytes: [u8; 16],
    minted_at: Instant,
}

impl IdemKey {
    /// The key with these bytes; the instant must be a function of the request: equal on retries.
    pub const fn new(bytes: [u8; 16], minted_at: Instant) -> Self {
        Self { bytes, minted_at }
    }

    /// The key that is a `UUIDv7` (RFC 9562), minted when it says.
    pub fn from_uuid_v7(uuid: Uuid) -> Option<Self> {
        let (seconds, nanos) = uuid.get_timestamp()?.to_unix();
        let micros = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
        let minted_at = Instant::from_micros(micros.checked_add(i64::from(nanos / 1_000))?);
        (uuid.get_version_num() == 7).then(|| Self::new(*uuid.as_bytes(), minted_at))
    }

    /// The instant the key was minted.
    pub const fn minted_at(self) -> Instant {
        self.minted_at
    }

    /// Day of the mint and key: what is stored, so that old days can be dropped.
    pub fn slot(self) -> [u8; 20] {
        const DAY_MICROS: i64 = 86_400_000_000;
        let day = u32::try_from(self.minted_at.micros().div_euclid(DAY_MICROS)).unwrap_or(0);
        let mut slot = [0; 20];
        let (head, tail) = slot.split_at_mut(4);
        head.copy_from_slice(&day.to_be_bytes());
        tail.copy_from_slice(&self.bytes);
        slot
    }

    /// Whether the key was minted within the window around now.
    pub fn is_current(self, now: Instant) -> bool {
        self.minted_at >= now.minus(TimeDelta::days(IDEM_WINDOW_DAYS))
            && self.minted_at <= now.plus(TimeDelta::minutes(IDEM_AHEAD_MINUTES_MAX))
    }
}

/// The asker's other writes, done in the batch's transaction by whoever knows the kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    /// Who can apply it.
    pub kind: &'static str,
    /// Its encoding; opaque here.
    pub body: Vec<u8>,
}

/// What someone wants appended.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Whose log.
    pub tenant: TenantId,
    /// The record's id.
    pub record: RecordId,
    /// What sort of thing happened.
    pub kind: EntryKind,
    /// How long the record is kept.
    pub class: RetentionClass,
    /// When it happened; names the period key.
    pub at: Instant,
    /// About whom; required by groups in subject custody.
    pub subject: Option<SubjectId>,
    /// What repeats are found by.
    pub idem: IdemKey,
    /// What "the same request" means.
    pub fingerprint: Digest,
    /// The record.
    pub groups: Vec<Group>,
    /// What became true with it, kept in the same transaction.
    pub facts: Vec<Fact>,
    /// The asker's other writes, kept in the same transaction; may veto.
    pub companion: Option<Companion>,
}

/// The thin leaf: all that stays for ever of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Leaf([u8; Leaf::BYTES]);

impl Leaf {
    /// How long a leaf is.
    pub const BYTES: usize = 34;
    const VERSION: u8 = 0x01;

    /// The leaf of a record of this kind.
    pub fn new(kind: EntryKind, record_root: &Hash) -> Self {
        let mut bytes = [0; Self::BYTES];
        let (head, tail) = bytes.split_at_mut(2);
        head.copy_from_slice(&[Self::VERSION, kind.code()]);
        tail.copy_from_slice(record_root.as_bytes());
        Self(bytes)
    }

    /// The leaf with these bytes, whatever they say.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The kind, where this build knows it.
    pub const fn kind(&self) -> Option<EntryKind> {
        match self.0 {
            [Self::VERSION, code, ..] => EntryKind::from_code(code),
            _ => None,
        }
    }

    /// The hash that enters the tree.
    pub fn hash(&self) -> Hash {
        tree::leaf_hash(&self.0)
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leaf({})", hex::encode(self.0))
    }
}
