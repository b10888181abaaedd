//! Checking a receipt offline: no clock, no socket, no account.

use std::fmt;

use kernel::{Reason, canonical};
use serde::Serialize;
use serde_json::Value;

use crate::{
    entry::{EntryKind, Leaf},
    key::Kid,
    note::{NoteError, SignedCheckpoint, VerifierKey},
    receipt::{Receipt, ReceiptGroup, TlogProof, bytes},
    seal,
    tree::{self, Hash},
};

/// The receipt is not one, or not in its canonical form.
pub const ENCODING: Reason = Reason::of("AU.MANIFEST");
/// The checkpoint is not a well-formed signed note.
pub const NOTE: Reason = Reason::of("AU.NOTE");
/// The checkpoint's signature is not by the trusted key.
pub const SIGNATURE: Reason = Reason::of("AU.SIGNATURE");
/// No trusted key was given, or it signed nothing here.
pub const LOG_KEY_UNKNOWN: Reason = Reason::of("AU.LOG_KEY_UNKNOWN");
/// The groups do not lead to the leaf.
pub const LEAF: Reason = Reason::of("AU.LEAF");
/// The leaf does not lead to the checkpoint's root.
pub const INCLUSION: Reason = Reason::of("AU.INCLUSION");

/// How a verification ended; the number is the exit code of `assent verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// Everything holds; no witness vouches that all see this history.
    Unwitnessed = 10,
    /// Sound in itself, but the log's key is not one the reader trusts.
    KeyUnknown = 20,
    /// A hash, signature, proof or encoding is wrong.
    Invalid = 40,
}

impl Exit {
    /// The exit code.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// What one group of a verified record is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupReport {
    /// The group's name.
    pub name: String,
    /// What it says, where it is disclosed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How it ended.
    pub exit: Exit,
    /// The first thing that does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<Reason>,
    /// The checks that hold, in the order made.
    pub checks: Vec<&'static str>,
    /// The log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The entry's index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The log's size at the checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The entry's kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The record's groups.
    pub groups: Vec<GroupReport>,
}

impl Report {
    fn new() -> Self {
        Self {
            exit: Exit::Unwitnessed,
            broken: None,
            checks: Vec::new(),
            origin: None,
            index: None,
            size: None,
            kind: None,
            groups: Vec::new(),
        }
    }

    fn end(mut self, exit: Exit, broken: Reason) -> Self {
        self.exit = exit;
        self.broken = Some(broken);
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exit {
            Exit::Unwitnessed => f.write_str("verified, unwitnessed (quorum none)")?,
            Exit::KeyUnknown => f.write_str("sound, but the log's key is not a trusted one")?,
            Exit::Invalid => f.write_str("not verified")?,
        }
        if let Some(broken) = &self.broken {
            write!(f, ": {broken}")?;
        }
        if let (Some(origin), Some(index), Some(size)) = (&self.origin, self.index, self.size) {
            write!(f, "\nentry {index} of {size} in {origin}")?;
        }
        self.checks.iter().try_for_each(|it| write!(f, "\n  ok {it}"))?;
        self.groups.iter().try_for_each(|it| {
            let state = if it.json.is_some() { "disclosed" } else { "withheld" };
            write!(f, "\n  {state} {}", it.name)
        })
    }
}

/// Verifies the bytes of a receipt against a key the reader trusts.
pub fn verify(receipt: &[u8], trusted: Option<&VerifierKey>) -> Report {
    let mut report = Report::new();
    let Some(receipt) = Receipt::from_bytes(receipt) else {
        return report.end(Exit::Invalid, ENCODING);
    };
    report.checks.push("encoding");
    let Some(proof) = TlogProof::parse(&receipt.proof) else {
        return report.end(Exit::Invalid, NOTE);
    };
    let Ok(note) = SignedCheckpoint::parse(&proof.note) else {
        return report.end(Exit::Invalid, NOTE);
    };
    let checkpoint = note.checkpoint();
    report.checks.push("checkpoint");
    report.origin = Some(checkpoint.origin.to_string());
    report.index = Some(proof.index);
    report.size = Some(checkpoint.size);
    let key = trusted.ok_or(NoteError::UnknownKey).and_then(|it| note.verify(it));
    match key {
        Ok(()) => report.checks.push("signature"),
        Err(NoteError::UnknownKey) => {}
        Err(NoteError::BadSignature | NoteError::Malformed) => {
            return report.end(Exit::Invalid, SIGNATURE);
        }
    }
    let Some(leaf) = leaf_of(&receipt) else { return report.end(Exit::Invalid, LEAF) };
    report.checks.push("leaf");
    report.kind = leaf.kind().map(EntryKind::as_str);
    let leads = tree::verify_inclusion(
        &leaf.hash(),
        proof.index,
        checkpoint.size,
        &proof.hashes,
        &checkpoint.root,
    );
    if !leads {
        return report.end(Exit::Invalid, INCLUSION);
    }
    report.checks.push("inclusion");
    report.groups =
        receipt.groups.into_iter().map(|it| GroupReport { name: it.name, json: it.json }).collect();
    if key.is_err() { report.end(Exit::KeyUnknown, LOG_KEY_UNKNOWN) } else { report }
}

/// The receipt's leaf, if its groups lead to it.
fn leaf_of(receipt: &Receipt) -> Option<Leaf> {
    let leaf = Leaf::from_bytes(bytes(&receipt.leaf)?);
    let is_sorted = receipt.groups.windows(2).all(|it| matches!(it, [a, b] if a.name < b.name));
    if !is_sorted || receipt.groups.is_empty() {
        return None;
    }
    let leaves = receipt.groups.iter().map(group_leaf).collect::<Option<Vec<_>>>()?;
    (Leaf::new(leaf.kind()?, &tree::root_of(leaves)) == leaf).then_some(leaf)
}

fn group_leaf(group: &ReceiptGroup) -> Option<Hash> {
    let kids =
        group.kids.iter().map(|it| bytes(it).map(Kid::from_bytes)).collect::<Option<Vec<_>>>()?;
    let commitment = match (&group.json, &group.salt, &group.commitment) {
        (Some(json), Some(salt), None) => {
            seal::commit(&group.name, &bytes(salt)?, &canonical(json).ok()?)
        }
        (None, None, Some(commitment)) => Hash::from_bytes(bytes(commitment)?),
        _ => return None,
    };
    Some(seal::group_leaf(&group.name, &kids, &commitment))
}
