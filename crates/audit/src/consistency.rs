//! Two signed heads of one log and the proof that the later extends the earlier.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::{CanonicalError, canonical};
use serde::{Deserialize, Serialize};

use crate::{
    note::{self, NOTE_BYTES_MAX},
    tree::{Hash, PROOF_HASHES_MAX},
};

/// What a consistency document's `schema` says.
pub const CONSISTENCY_SCHEMA: &str = "assent.consistency/1";
/// The largest document.
pub const CONSISTENCY_BYTES_MAX: usize = 2 * NOTE_BYTES_MAX + 64 * PROOF_HASHES_MAX + 1_024;

/// Two signed heads and the proof between them; its canonical bytes are what is handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// The earlier head (C2SP signed note).
    pub from: String,
    /// The proof (RFC 9162 section 2.1.4), each hash in base 64.
    pub proof: Vec<String>,
    /// [`CONSISTENCY_SCHEMA`].
    pub schema: String,
    /// The later head (C2SP signed note).
    pub to: String,
}

impl Consistency {
    /// The document of these notes and hashes.
    pub fn new(from: String, hashes: &[Hash], to: String) -> Self {
        let proof = hashes.iter().map(|it| STANDARD.encode(it.as_bytes())).collect();
        Self { from, proof, schema: CONSISTENCY_SCHEMA.to_owned(), to }
    }

    /// The bytes that are handed out.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical(self)
    }

    /// Reads a document; bytes that are not canonical are refused, so that none is unchecked.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > CONSISTENCY_BYTES_MAX {
            return None;
        }
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let it: Self = serde_json::from_slice(bytes).ok()?;
        (it.schema == CONSISTENCY_SCHEMA && it.to_bytes().ok()? == bytes).then_some(it)
    }

    /// The hashes of the proof.
    pub fn hashes(&self) -> Option<Vec<Hash>> {
        if self.proof.len() > PROOF_HASHES_MAX {
            return None;
        }
        self.proof.iter().map(|it| note::hash(it)).collect()
    }
}
