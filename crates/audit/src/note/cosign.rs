//! Cosignatures (C2SP tlog-cosignature, Ed25519): a witness saw this head, and none before it that
//! it does not extend.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use kernel::Instant;
use sha2::{Digest as _, Sha256};

use super::{Checkpoint, DASH, NoteError, NoteSignature, Origin, SignedCheckpoint};

const COSIGNATURE: u8 = 0x04;

/// A witness's public key under its name (`vkey`): what a reader must get from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: Origin,
    public: [u8; 32],
}

impl WitnessKey {
    /// The key of this witness.
    pub const fn new(name: Origin, public: [u8; 32]) -> Self {
        Self { name, public }
    }

    /// The witness.
    pub const fn name(&self) -> &Origin {
        &self.name
    }

    fn hash(&self) -> [u8; 4] {
        let [a, b, c, d, ..]: [u8; 32] = Sha256::new_with_prefix(self.name.as_str())
            .chain_update([b'\n', COSIGNATURE])
            .chain_update(self.public)
            .finalize()
            .into();
        [a, b, c, d]
    }

    /// The signature line of a cosigned note.
    pub fn line(&self, at: CosignedAt, signature: &[u8; 64]) -> String {
        let bytes = [self.hash().as_slice(), &at.0.to_be_bytes(), signature].concat();
        format!("{DASH}{} {}\n", self.name, STANDARD.encode(bytes))
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [[COSIGNATURE].as_slice(), &self.public].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.hash()), STANDARD.encode(key))
    }
}

impl FromStr for WitnessKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim_end().splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Malformed);
        };
        let key = STANDARD.decode(key).map_err(|_| NoteError::Malformed)?;
        let Some((&COSIGNATURE, public)) = key.split_first() else {
            return Err(NoteError::Malformed);
        };
        let public = public.try_into().map_err(|_| NoteError::Malformed)?;
        let key = Self::new(Origin::new(name)?, public);
        if hex::encode(key.hash()) == hash { Ok(key) } else { Err(NoteError::Malformed) }
    }
}

/// When a head was cosigned: whole seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CosignedAt(u64);

impl CosignedAt {
    /// The second of this instant.
    pub fn of(instant: Instant) -> Self {
        Self(u64::try_from(instant.micros().div_euclid(1_000_000)).unwrap_or(0))
    }

    /// Seconds since 1970.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// What is signed: the time, then the head.
    pub fn message(self, head: &Checkpoint) -> String {
        format!("cosignature/v1\ntime {}\n{}", self.0, head.body())
    }
}

impl SignedCheckpoint {
    /// When this witness last cosigned the head.
    pub fn cosigned(&self, witness: &WitnessKey) -> Result<CosignedAt, NoteError> {
        let hash = witness.hash();
        let is_theirs =
            |it: &&NoteSignature| it.name == witness.name.as_str() && it.key_hash == hash;
        let key = VerifyingKey::from_bytes(&witness.public).map_err(|_| NoteError::BadSignature)?;
        let mut last = None;
        // One bad signature under a known key refuses the whole note.
        for it in self.signatures.iter().filter(is_theirs) {
            let (time, signature) =
                it.bytes.split_first_chunk::<8>().ok_or(NoteError::BadSignature)?;
            let at = CosignedAt(u64::from_be_bytes(*time));
            let signature =
                Signature::from_slice(signature).map_err(|_| NoteError::BadSignature)?;
            key.verify_strict(at.message(&self.checkpoint).as_bytes(), &signature)
                .map_err(|_| NoteError::BadSignature)?;
            last = last.max(Some(at));
        }
        last.ok_or(NoteError::UnknownKey)
    }
}
