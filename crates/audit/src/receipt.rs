//! Receipts: one entry, its proof and what it discloses, checkable offline.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::{CanonicalError, canonical};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    entry::Leaf,
    key::Kid,
    note::{self, NOTE_BYTES_MAX},
    tree::{Hash, PROOF_HASHES_MAX},
};

/// What a receipt's `schema` says.
pub const RECEIPT_SCHEMA: &str = "assent.receipt/1";
/// The largest receipt.
pub const RECEIPT_BYTES_MAX: usize = 512 * 1024;

const PROOF_HEADER: &str = "c2sp.org/tlog-proof@v1";

/// An entry with its proof; its canonical bytes are what is handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The record's groups, by rising name.
    pub groups: Vec<ReceiptGroup>,
    /// The thin leaf, in hexadecimal.
    pub leaf: String,
    /// The inclusion proof and the signed checkpoint (C2SP tlog-proof).
    pub proof: String,
    /// [`RECEIPT_SCHEMA`].
    pub schema: String,
}

/// A group in a receipt: disclosed with its salt, or withheld behind its commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptGroup {
    /// What a withheld group is bound to, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<String>,
    /// What a disclosed group says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The names of its keys, in hexadecimal.
    pub kids: Vec<String>,
    /// The group's name.
    pub name: String,
    /// The salt of a disclosed group, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
}

impl Receipt {
    /// The receipt of these groups, this leaf and this proof.
    pub fn new(groups: Vec<ReceiptGroup>, leaf: &Leaf, proof: &TlogProof) -> Self {
        let leaf = hex::encode(leaf.as_bytes());
        Self { groups, leaf, proof: proof.to_text(), schema: RECEIPT_SCHEMA.to_owned() }
    }

    /// The bytes that are handed out.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical(self)
    }

    /// Reads a receipt; bytes that are not canonical are refused, so that none is unchecked.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > RECEIPT_BYTES_MAX {
            return None;
        }
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let receipt: Self = serde_json::from_slice(bytes).ok()?;
        // Members are declared in order, so that plain bytes are canonical but for rare names; what
        // a group says is made canonical again when its commitment is.
        let is_same = || {
            serde_json::to_vec(&receipt).is_ok_and(|it| it == bytes)
                || receipt.to_bytes().is_ok_and(|it| it == bytes)
        };
        (receipt.schema == RECEIPT_SCHEMA && is_same()).then_some(receipt)
    }
}

/// Reads lower-case hexadecimal digits of exactly so many bytes.
pub(crate) fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let bytes: [u8; N] = hex::decode(digits).ok()?.try_into().ok()?;
    (hex::encode(bytes) == digits).then_some(bytes)
}

impl ReceiptGroup {
    /// A group that shows what it says.
    pub fn disclosed(name: &str, kids: &[Kid], salt: &[u8; 32], json: Value) -> Self {
        Self {
            commitment: None,
            json: Some(json),
            kids: kids.iter().map(|it| hex::encode(it.as_bytes())).collect(),
            name: name.to_owned(),
            salt: Some(hex::encode(salt)),
        }
    }

    /// A group that shows only that it exists.
    pub fn withheld(name: &str, kids: &[Kid], commitment: &Hash) -> Self {
        Self {
            commitment: Some(commitment.to_string()),
            json: None,
            kids: kids.iter().map(|it| hex::encode(it.as_bytes())).collect(),
            name: name.to_owned(),
            salt: None,
        }
    }
}

/// An inclusion proof with the checkpoint it leads to (C2SP tlog-proof, version 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// The entry's index.
    pub index: u64,
    /// The siblings on the way to the root, nearest first.
    pub hashes: Vec<Hash>,
    /// The signed note.
    pub note: String,
}

impl TlogProof {
    /// The proof as text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{PROOF_HEADER}\nindex {}\n", self.index);
        for hash in &self.hashes {
            text.push_str(&STANDARD.encode(hash.as_bytes()));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text
    }

    /// Reads a proof; an `extra` line, which nothing authenticates, is refused.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 2 * NOTE_BYTES_MAX {
            return None;
        }
        let (head, note) = text.split_once("\n\n")?;
        let mut lines = head.split('\n');
        if lines.next()? != PROOF_HEADER {
            return None;
        }
        let index = note::decimal(lines.next()?.strip_prefix("index ")?)?;
        let hashes = lines.map(note::hash).collect::<Option<Vec<_>>>()?;
        (hashes.len() <= PROOF_HASHES_MAX).then(|| Self { index, hashes, note: note.to_owned() })
    }
}
