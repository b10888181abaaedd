//! Checking offline what is handed out: no clock, no socket, no account.
//!
//! A receipt, two heads, an exported log, a pack of evidence: the report names every check that holds and the first
//! thing that does not.

use std::fmt;

use kernel::Reason;
use serde::Serialize;
use serde_json::Value;

use crate::{
    consistency::CONSISTENCY_SCHEMA,
    note::{Checkpoint, NoteError, SignedCheckpoint, VerifierKey, WitnessKey},
};

mod heads;
mod log;
mod pack;
mod receipt;

pub use heads::consistency;
pub use log::{CHECKPOINT_PATH, log};
pub use pack::pack;
pub use receipt::receipt;

/// Something is missing, not one of ours, or not in its canonical form.
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
/// The later head does not extend the earlier one.
pub const CONSISTENCY: Reason = Reason::of("AU.CONSISTENCY");
/// A tile does not hold what the entries give.
pub const TILE: Reason = Reason::of("AU.TILE");
/// What is in a pack is not what its export was logged with, or its scope does not hold.
pub const SCOPE: Reason = Reason::of("AU.SCOPE");
/// Something that should be in a pack by what it says it is about is not.
pub const INCOMPLETE: Reason = Reason::of("AU.INCOMPLETE");
/// A sample is not what its nonce draws.
pub const SAMPLE: Reason = Reason::of("AU.SAMPLE");
/// A group in scope is withheld, and no logged destruction of its keys covers it.
pub const ABSENCE_UNPROVEN: Reason = Reason::of("AU.ABSENCE_UNPROVEN");
/// A decision made again came out differently.
pub const REPLAY: Reason = Reason::of("AU.REPLAY");
/// Fewer witnesses cosigned the head than the reader asks for.
pub const QUORUM_SHORT: Reason = Reason::of("AU.QUORUM_SHORT");
/// A head the reader knows is of the same log, and cannot be linked to this one.
pub const HEAD_UNLINKED: Reason = Reason::of("AU.HEAD_UNLINKED");
/// A head the reader knows has the same size and another root: the log has two histories.
pub const HEAD_CONTRADICTED: Reason = Reason::of("AU.HEAD_CONTRADICTED");

/// How a verification ended; the number is the exit code of `assent verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// Everything holds, and as many witnesses as were asked for vouch that all see this history.
    Verified = 0,
    /// Everything holds; no witness vouches that all see this history.
    Unwitnessed = 10,
    /// Everything holds; fewer witnesses vouch for it than were asked for.
    QuorumShort = 11,
    /// Sound in itself, but the log's key, or a head the reader knows, does not vouch for it.
    KeyUnknown = 20,
    /// It contradicts a head the reader knows.
    Contradicted = 30,
    /// A group is withheld that nothing says was erased or has expired.
    Unexplained = 31,
    /// A decision made again came out differently.
    Differs = 50,
    /// A hash, signature, proof or encoding is wrong.
    Invalid = 40,
}

impl Exit {
    /// The exit code.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// How bad it is: of two, the worse one is told.
    const fn rank(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Unwitnessed => 1,
            Self::QuorumShort => 2,
            Self::KeyUnknown => 3,
            Self::Differs => 4,
            Self::Unexplained => 5,
            Self::Contradicted => 6,
            Self::Invalid => 7,
        }
    }
}

/// What is being verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Document {
    /// One entry under one head.
    Receipt,
    /// Two heads of one log.
    Consistency,
    /// A log as files.
    Log,
    /// A pack of evidence.
    Pack,
}

/// What the reader brings along, from elsewhere than the sender.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The log's public key.
    pub key: Option<VerifierKey>,
    /// Heads of the log the reader has seen before.
    pub heads: Vec<Checkpoint>,
    /// Witnesses whose cosignatures count.
    pub witnesses: Vec<WitnessKey>,
    /// How many of them must have cosigned; 0 asks for none.
    pub quorum: usize,
}

impl Trust {
    /// Trusts this key, and knows no head.
    pub const fn in_key(key: VerifierKey) -> Self {
        Self { key: Some(key), heads: Vec::new(), witnesses: Vec::new(), quorum: 0 }
    }
}

/// Files by path, wherever they are.
pub trait Files {
    /// The bytes of a file: `None` where there is none, or it is longer than anything of ours.
    fn read(&self, path: &str) -> Option<Vec<u8>>;
    /// The path of every file.
    fn paths(&self) -> Vec<String>;
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
    /// What was verified.
    pub document: Document,
    /// How it ended.
    pub exit: Exit,
    /// The worst of what does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<Reason>,
    /// The file or entry where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The checks that hold, in the order made.
    pub checks: Vec<&'static str>,
    /// The log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The entry's index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The size of the earlier of two heads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earlier: Option<u64>,
    /// The log's size at the checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The entry's kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// How many witnesses cosigned, of those whose cosignatures count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witnesses: Option<usize>,
    /// How many records there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// The record's groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupReport>,
}

impl Report {
    fn of(document: Document) -> Self {
        Self {
            document,
            exit: Exit::Unwitnessed,
            broken: None,
            place: None,
            checks: Vec::new(),
            origin: None,
            index: None,
            earlier: None,
            size: None,
            kind: None,
            witnesses: None,
            records: None,
            groups: Vec::new(),
        }
    }

    /// Keeps the worst of what does not hold; of equals, the first.
    fn note(&mut self, exit: Exit, broken: Reason, place: Option<String>) {
        if exit.rank() > self.exit.rank() {
            (self.exit, self.broken, self.place) = (exit, Some(broken), place);
        }
    }

    /// A decision made again, which only its domain can do, came out differently.
    pub fn differs(&mut self, place: String) {
        self.note(Exit::Differs, REPLAY, Some(place));
    }

    fn invalid(mut self, broken: Reason) -> Self {
        self.note(Exit::Invalid, broken, None);
        self
    }

    fn invalid_at(mut self, broken: Reason, place: impl Into<String>) -> Self {
        self.note(Exit::Invalid, broken, Some(place.into()));
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.exit {
            Exit::Verified => "verified, and cosigned by a quorum of witnesses",
            Exit::Unwitnessed => "verified, unwitnessed (quorum none)",
            Exit::QuorumShort => "verified, but cosigned by fewer witnesses than asked for",
            Exit::KeyUnknown => "sound, but nothing the reader trusts vouches for it",
            Exit::Unexplained => "sound, but something is withheld without a logged reason",
            Exit::Differs => "sound, but a decision made again comes out differently",
            Exit::Contradicted => "contradicts a head the reader knows",
            Exit::Invalid => "not verified",
        })?;
        if let Some(broken) = &self.broken {
            write!(f, ": {broken}")?;
        }
        if let Some(place) = &self.place {
            write!(f, " at {place}")?;
        }
        match (&self.origin, self.index, self.earlier, self.size) {
            (Some(origin), Some(index), _, Some(size)) => {
                write!(f, "\nentry {index} of {size} in {origin}")?;
            }
            (Some(origin), None, Some(earlier), Some(size)) => {
                write!(f, "\nfrom {earlier} to {size} entries of {origin}")?;
            }
            (Some(origin), None, None, Some(size)) => write!(f, "\n{size} entries of {origin}")?,
            _ => {}
        }
        if let Some(records) = self.records {
            write!(f, "\n{records} records")?;
        }
        self.checks.iter().try_for_each(|it| write!(f, "\n  ok {it}"))?;
        self.groups.iter().try_for_each(|it| {
            let state = if it.json.is_some() { "disclosed" } else { "withheld" };
            write!(f, "\n  {state} {}", it.name)
        })
    }
}

/// Verifies the bytes of a document that says by its `schema` what it is; else of a receipt.
pub fn document(bytes: &[u8], trust: &Trust) -> Report {
    let schema = format!("\"schema\":\"{CONSISTENCY_SCHEMA}\"");
    let says = bytes.windows(schema.len()).any(|it| it == schema.as_bytes());
    if says { consistency(bytes, trust) } else { receipt(bytes, trust) }
}

/// The head a note claims; what it does not bear out is in the report, which ends without a head.
fn signed(report: &mut Report, note: &str, trust: &Trust) -> Option<Checkpoint> {
    let Ok(note) = SignedCheckpoint::parse(note) else {
        report.note(Exit::Invalid, NOTE, None);
        return None;
    };
    report.checks.push("checkpoint");
    let checkpoint = note.checkpoint().clone();
    report.origin = Some(checkpoint.origin.to_string());
    report.size = Some(checkpoint.size);
    match trust.key.as_ref().ok_or(NoteError::UnknownKey).and_then(|it| note.verify(it)) {
        Ok(()) => report.checks.push("signature"),
        Err(NoteError::UnknownKey) => report.note(Exit::KeyUnknown, LOG_KEY_UNKNOWN, None),
        Err(NoteError::BadSignature | NoteError::Malformed) => {
            report.note(Exit::Invalid, SIGNATURE, None);
            return None;
        }
    }
    Some(checkpoint)
}

/// Counts the witnesses that cosigned the head a document rests on.
fn witnessed(report: &mut Report, note: &str, trust: &Trust) {
    if trust.quorum == 0 {
        return;
    }
    let Ok(note) = SignedCheckpoint::parse(note) else { return };
    let mut cosigned = 0;
    for witness in &trust.witnesses {
        match note.cosigned(witness) {
            Ok(_) => cosigned += 1,
            Err(NoteError::UnknownKey) => {}
            Err(NoteError::BadSignature | NoteError::Malformed) => {
                report.note(Exit::Invalid, SIGNATURE, Some(witness.name().to_string()));
            }
        }
    }
    report.witnesses = Some(cosigned);
    if cosigned < trust.quorum {
        report.note(Exit::QuorumShort, QUORUM_SHORT, None);
    } else if report.exit == Exit::Unwitnessed {
        report.exit = Exit::Verified;
        report.checks.push("witnesses");
    }
}

/// Holds the heads the reader knows against those that were shown, which are of one history.
fn known(report: &mut Report, shown: &[&Checkpoint], trust: &Trust) {
    for head in &trust.heads {
        let mut of_log = shown.iter().filter(|it| it.origin == head.origin).peekable();
        if of_log.peek().is_none() {
            report.note(Exit::KeyUnknown, HEAD_UNLINKED, Some(place_of(head)));
            continue;
        }
        match of_log.find(|it| it.size == head.size) {
            Some(same) if same.root == head.root => {}
            Some(_) => report.note(Exit::Contradicted, HEAD_CONTRADICTED, Some(place_of(head))),
            None => report.note(Exit::KeyUnknown, HEAD_UNLINKED, Some(place_of(head))),
        }
    }
    if !trust.heads.is_empty() && report.exit.rank() < Exit::KeyUnknown.rank() {
        report.checks.push("known heads");
    }
}

fn place_of(head: &Checkpoint) -> String {
    format!("the known head of {} entries", head.size)
}
