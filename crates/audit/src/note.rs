//! Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint): three lines and a signature.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Datelike as _;
use ed25519_dalek::{Signature, VerifyingKey};
use kernel::{Instant, TenantId};
use sha2::{Digest as _, Sha256};

use crate::tree::Hash;

mod cosign;

pub use cosign::{CosignedAt, WitnessKey};

/// The longest note.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;
/// The most signatures of a note.
pub const NOTE_SIGNATURES_MAX: usize = 32;
/// The longest origin.
pub const ORIGIN_BYTES_MAX: usize = 128;

const ED25519: u8 = 0x01;
const DASH: &str = "\u{2014} ";

/// The name of a log: a URL without a scheme, first line of its checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Invariant: 1 to ORIGIN_BYTES_MAX of `[a-z0-9._/-]`.
pub struct Origin(Arc<str>);

/// Why a note, key or checkpoint is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not in the form of its specification.
    #[error("malformed note, key or checkpoint")]
    Malformed,
    /// No signature by the trusted key.
    #[error("no signature by the trusted key")]
    UnknownKey,
    /// A signature under the trusted key's name that is not by it.
    #[error("signature does not verify")]
    BadSignature,
}

impl Origin {
    /// Reads an origin: up to [`ORIGIN_BYTES_MAX`] of `[a-z0-9._/-]`.
    pub fn new(text: &str) -> Result<Self, NoteError> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._/-".contains(&b);
        if (1..=ORIGIN_BYTES_MAX).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text.into()))
        } else {
            Err(NoteError::Malformed)
        }
    }

    /// The log an operator opens for a tenant in the half-year of this instant.
    pub fn of(operator: &str, tenant: &TenantId, opened_at: Instant) -> Result<Self, NoteError> {
        let at = opened_at.utc();
        let half = if at.month() <= 6 { 1 } else { 2 };
        Self::new(&format!("audit.{operator}/{tenant}/{}h{half}", at.year()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        Self::new(text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A log's public key under the log's name (`vkey`): what a stranger must get from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: Origin,
    public: [u8; 32],
}

impl VerifierKey {
    /// The key of this log.
    pub const fn new(name: Origin, public: [u8; 32]) -> Self {
        Self { name, public }
    }

    /// The log.
    pub const fn name(&self) -> &Origin {
        &self.name
    }

    fn hash(&self) -> [u8; 4] {
        let [a, b, c, d, ..]: [u8; 32] = Sha256::new_with_prefix(self.name.as_str())
            .chain_update([b'\n', ED25519])
            .chain_update(self.public)
            .finalize()
            .into();
        [a, b, c, d]
    }

    /// The signature line of a note.
    fn line(&self, signature: &[u8; 64]) -> String {
        let bytes = [self.hash().as_slice(), signature].concat();
        format!("{DASH}{} {}\n", self.name, STANDARD.encode(bytes))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [[ED25519].as_slice(), &self.public].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.hash()), STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim_end().splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Malformed);
        };
        let key = STANDARD.decode(key).map_err(|_| NoteError::Malformed)?;
        let Some((&ED25519, public)) = key.split_first() else { return Err(NoteError::Malformed) };
        let public = public.try_into().map_err(|_| NoteError::Malformed)?;
        let key = Self::new(Origin::new(name)?, public);
        if hex::encode(key.hash()) == hash { Ok(key) } else { Err(NoteError::Malformed) }
    }
}

/// What a log claims to be: its name, size and root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: Origin,
    /// How many entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The three lines that are signed.
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes()))
    }

    /// The note with this signature.
    pub fn signed(&self, public: [u8; 32], signature: &[u8; 64]) -> String {
        let line = VerifierKey::new(self.origin.clone(), public).line(signature);
        format!("{}\n{line}", self.body())
    }

    /// Reads the three lines that are signed.
    pub fn parse(body: &str) -> Result<Self, NoteError> {
        let mut lines = body.lines();
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteError::Malformed);
        };
        let checkpoint = Self {
            origin: Origin::new(origin)?,
            size: decimal(size).ok_or(NoteError::Malformed)?,
            root: hash(root).ok_or(NoteError::Malformed)?,
        };
        if checkpoint.body() == body { Ok(checkpoint) } else { Err(NoteError::Malformed) }
    }
}

/// A decimal number without leading zeros or sign.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// A hash in standard base 64.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok().map(Hash::from_bytes)
}

/// A checkpoint with the signatures under it, as read; nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    signatures: Vec<NoteSignature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    key_hash: [u8; 4],
    bytes: Vec<u8>,
}

impl SignedCheckpoint {
    /// Reads a note whose text is a checkpoint.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Malformed);
        }
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Malformed)?;
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Malformed)?.split('\n');
        let signatures = lines
            .take(NOTE_SIGNATURES_MAX + 1)
            .map(|it| NoteSignature::parse(it).ok_or(NoteError::Malformed))
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > NOTE_SIGNATURES_MAX {
            return Err(NoteError::Malformed);
        }
        Ok(Self { checkpoint: Checkpoint::parse(&format!("{text}\n"))?, signatures })
    }

    /// What the note claims.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Whether the trusted key signed the claim, strictly (RFC 8032 with cofactor checks).
    pub fn verify(&self, trusted: &VerifierKey) -> Result<(), NoteError> {
        if self.checkpoint.origin != trusted.name {
            return Err(NoteError::UnknownKey);
        }
        let key_hash = trusted.hash();
        let mut ours = self
            .signatures
            .iter()
            .filter(|it| it.name == trusted.name.as_str() && it.key_hash == key_hash)
            .peekable();
        if ours.peek().is_none() {
            return Err(NoteError::UnknownKey);
        }
        let key = VerifyingKey::from_bytes(&trusted.public).map_err(|_| NoteError::BadSignature)?;
        let body = self.checkpoint.body();
        // One bad signature under a known key refuses the whole note.
        ours.try_for_each(|it| {
            let signature =
                Signature::from_slice(&it.bytes).map_err(|_| NoteError::BadSignature)?;
            key.verify_strict(body.as_bytes(), &signature).map_err(|_| NoteError::BadSignature)
        })
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
        if name.is_empty() || name.contains('+') {
            return None;
        }
        let bytes = STANDARD.decode(signature).ok()?;
        let (key_hash, bytes) = bytes.split_first_chunk::<4>()?;
        Some(Self { name: name.to_owned(), key_hash: *key_hash, bytes: bytes.to_vec() })
    }
}
