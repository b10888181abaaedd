//! What a pack of evidence says of itself: the question, the scope, and what it holds.

use std::collections::BTreeMap;

use kernel::{CanonicalError, canonical};
use serde::{Deserialize, Serialize};

use crate::{
    entry::Leaf,
    receipt::{ReceiptGroup, bytes},
    tree::{Frontier, Hash},
};

/// The most records of a pack.
pub const PACK_RECORDS_MAX: usize = 10_000;
/// The most entries a pack accounts for one by one.
pub const ACCOUNT_ENTRIES_MAX: u64 = 20_000;
/// The longest text of who asks and why.
pub const ASKED_BYTES_MAX: usize = 500;

/// How far the order of decisions in the log may differ from the order of their instants: a period
/// is accounted for from a decision that much before it to one that much after.
pub const DISORDER_MICROS: i64 = 3_600_000_000;

/// What a scope's `schema` says.
pub const SCOPE_SCHEMA: &str = "assent.pack/1";
/// What an account's `schema` says.
pub const ACCOUNT_SCHEMA: &str = "assent.account/1";

/// Where the scope lies in a pack.
pub const SCOPE_PATH: &str = "data/pack.json";
/// Where the head lies that every record of a pack is proven under.
pub const HEAD_PATH: &str = "data/checkpoint.note";
/// Where the account of a range of entries lies.
pub const ACCOUNT_PATH: &str = "data/account.json";
/// Where the proof lies that the head extends the end of that range.
pub const ACCOUNT_CONSISTENCY_PATH: &str = "data/account-consistency.json";
/// Below which the records lie, each a receipt by its index.
pub const RECORDS_PREFIX: &str = "data/records/";
/// Below which lies what proves that the export itself was logged, which no digest can name before.
pub const EXPORT_PREFIX: &str = "data/export/";
/// The receipt of the export's own entry.
pub const EXPORT_PATH: &str = "data/export/receipt.json";
/// The proof that the head over that entry extends the head over the records.
pub const EXPORT_CONSISTENCY_PATH: &str = "data/export/consistency.json";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum Question {
    /// One decision.
    Decision {
        /// The decision's id.
        decision: String,
    },
    /// Everything about one person.
    Subject {
        /// Whoever the person is or was.
        subjects: Vec<String>,
    },
    /// Every decision of a journey node in a period.
    Node {
        /// The node.
        node: String,
        /// From this instant on.
        from_us: i64,
        /// Before this instant.
        until_us: i64,
    },
    /// Entries drawn by a nonce.
    Sample {
        /// How many.
        count: u64,
        /// 32 bytes in hexadecimal, chosen after the head was known.
        nonce: String,
    },
}

/// What a pack is about and holds; its canonical bytes are `data/pack.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// When it was made.
    pub at_us: i64,
    /// Why the asker may have it.
    pub basis: String,
    /// Who asks.
    pub by: String,
    /// The records by kind.
    pub counts: BTreeMap<String, u64>,
    /// The groups in scope; every one, if none is named.
    pub groups: Vec<String>,
    /// The log.
    pub origin: String,
    /// What is asked for.
    pub question: Question,
    /// How many records there are.
    pub records: u64,
    /// [`SCOPE_SCHEMA`].
    pub schema: String,
    /// How many entries the log had.
    pub size: u64,
    /// Groups in scope that are not shown, by name: their keys are gone.
    pub withheld: BTreeMap<String, u64>,
}

impl Scope {
    /// The bytes that are kept.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical(self)
    }

    /// Reads a scope; bytes that are not canonical are refused.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let it: Self = serde_json::from_slice(bytes).ok()?;
        (it.schema == SCOPE_SCHEMA && it.to_bytes().ok()? == bytes).then_some(it)
    }

    /// Whether a group is in scope.
    pub fn shows(&self, group: &str) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|it| it == group)
    }
}

/// Every entry of a range of the log, so that a stranger sees which are left out and what they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The index of the first entry.
    pub first: u64,
    /// The thin leaves, in hexadecimal.
    pub leaves: Vec<String>,
    /// The groups of entries that are not among the records, by index: names, keys' names,
    /// commitments.
    pub others: BTreeMap<String, Vec<ReceiptGroup>>,
    /// The peaks of the log before the first entry, the largest first, in hexadecimal.
    pub peaks: Vec<String>,
    /// [`ACCOUNT_SCHEMA`].
    pub schema: String,
}

impl Account {
    /// An account of these leaves after this frontier.
    pub fn new(
        before: &Frontier,
        leaves: &[Leaf],
        others: BTreeMap<String, Vec<ReceiptGroup>>,
    ) -> Self {
        Self {
            first: before.size(),
            leaves: leaves.iter().map(|it| hex::encode(it.as_bytes())).collect(),
            others,
            peaks: before.peaks().iter().map(ToString::to_string).collect(),
            schema: ACCOUNT_SCHEMA.to_owned(),
        }
    }

    /// The bytes that are kept.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical(self)
    }

    /// Reads an account; bytes that are not canonical are refused.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let it: Self = serde_json::from_slice(bytes).ok()?;
        (it.schema == ACCOUNT_SCHEMA && it.to_bytes().ok()? == bytes).then_some(it)
    }

    /// The frontier before the first entry, and the leaves.
    pub fn read(&self) -> Option<(Frontier, Vec<Leaf>)> {
        let hash = |it: &String| bytes(it).map(Hash::from_bytes);
        let peaks = self.peaks.iter().map(hash).collect::<Option<_>>()?;
        let leaf = |it: &String| bytes(it).map(Leaf::from_bytes);
        let leaves = self.leaves.iter().map(leaf).collect::<Option<_>>()?;
        Some((Frontier::of(self.first, peaks)?, leaves))
    }
}

/// The path of a record in a pack.
pub fn record_path(index: u64) -> String {
    format!("{RECORDS_PREFIX}{index:012}.json")
}
