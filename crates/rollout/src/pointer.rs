//! The deployment pointer: a chain of moves whose sequence only rises.

use std::{fmt, str::FromStr, sync::Arc};

use kernel::{CanonicalError, Digest, Instant, StaffId, TenantId};
use serde::Serialize;

/// The longest reason of a move, in characters.
pub const REASON_CHARS_MAX: usize = 500;
/// The longest deployment name.
pub const DEPLOYMENT_BYTES_MAX: usize = 40;

/// Where bundles go live: one service in one environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
// Invariant: 1 to 40 of `[a-z0-9._-]`.
pub struct DeploymentId(Arc<str>);

/// A text that names no deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a deployment is 1 to 40 of `[a-z0-9._-]`")]
pub struct DeploymentError;

impl DeploymentId {
    /// Reads the name: 1 to 40 of `[a-z0-9._-]`.
    pub fn new(name: &str) -> Result<Self, DeploymentError> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        if (1..=DEPLOYMENT_BYTES_MAX).contains(&name.len()) && name.bytes().all(legal) {
            Ok(Self(name.into()))
        } else {
            Err(DeploymentError)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a member of staff moved the pointer, in their words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
// Invariant: 1 to 500 characters, not only blanks, NFC.
pub struct MoveReason(String);

/// A text that is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reason is 1 to {REASON_CHARS_MAX} characters in Unicode Normalization Form C")]
pub struct MoveReasonError;

impl MoveReason {
    /// Reads a reason: 1 to [`REASON_CHARS_MAX`] characters that are not all blank.
    pub fn new(text: &str) -> Result<Self, MoveReasonError> {
        let text = text.trim();
        let within = (1..=REASON_CHARS_MAX).contains(&text.chars().count());
        if within && kernel::canonical(text).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err(MoveReasonError)
        }
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MoveReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of move led here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// A bundle went live.
    Activated,
    /// The bundle before it came back.
    RolledBack,
}

impl Move {
    /// The name as written in facts and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Activated => "activated",
            Self::RolledBack => "rolled_back",
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no kind of move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a move is `activated` or `rolled_back`")]
pub struct MoveParseError;

impl FromStr for Move {
    type Err = MoveParseError;

    fn from_str(text: &str) -> Result<Self, MoveParseError> {
        match text {
            "activated" => Ok(Self::Activated),
            "rolled_back" => Ok(Self::RolledBack),
            _ => Err(MoveParseError),
        }
    }
}

/// Which bundle a deployment serves, since when and on whose word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pointer {
    /// Whose deployment.
    pub tenant: TenantId,
    /// Which deployment.
    pub deployment: DeploymentId,
    /// Rises by one with every move, from 1.
    pub seq: u64,
    /// The digest of the pointer before this one: a chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev: Option<Digest>,
    /// The bundle that is live.
    pub bundle: Digest,
    /// The sequence a rollback from here returns to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back: Option<u64>,
    /// The kind of move.
    pub moved: Move,
    /// Who moved it.
    pub by: StaffId,
    /// Why.
    pub reason: MoveReason,
    /// When.
    pub at: Instant,
}

/// Why a pointer does not follow the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Its sequence is lower.
    #[error("sequence {next} lies below {current}")]
    Lower {
        /// The sequence in force.
        current: u64,
        /// The one offered.
        next: u64,
    },
    /// Its sequence is the same and its content is not.
    #[error("sequence {0} was seen with other content")]
    Equivocation(u64),
    /// It leaves a gap or does not name its predecessor.
    #[error("sequence {0} does not name its predecessor")]
    Unchained(u64),
}

impl Pointer {
    /// SHA-256 over its canonical bytes: what the next pointer names.
    pub fn digest(&self) -> Result<Digest, CanonicalError> {
        Digest::of_canonical(self)
    }
}

/// Whether `next` may be taken over from `current`, as one who saw only these two: a node may skip
/// moves, but never goes back and never sees one sequence with two contents.
pub fn follows(current: Option<&Pointer>, next: &Pointer) -> Result<(), ChainError> {
    match current {
        Some(it) if next.seq < it.seq => Err(ChainError::Lower { current: it.seq, next: next.seq }),
        Some(it) if next.seq == it.seq && next != it => Err(ChainError::Equivocation(it.seq)),
        _ => Ok(()),
    }
}

/// Whether `next` is the very next move after `current`: it also names its predecessor.
pub fn continues(current: Option<&Pointer>, next: &Pointer) -> Result<(), ChainError> {
    follows(current, next)?;
    let (seq, prev) = match current {
        None => (1, None),
        Some(it) => {
            let digest = it.digest().map_err(|_| ChainError::Unchained(next.seq))?;
            (it.seq.saturating_add(1), Some(digest))
        }
    };
    if next.seq == seq && next.prev == prev { Ok(()) } else { Err(ChainError::Unchained(next.seq)) }
}
