//! The witness protocol (C2SP tlog-witness): what is sent, and how a witness judges it.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    note::{self, Checkpoint, NOTE_BYTES_MAX, NoteError, SignedCheckpoint, VerifierKey},
    tree::{self, Hash, PROOF_HASHES_MAX},
};

/// The largest request.
pub const ADD_CHECKPOINT_BYTES_MAX: usize = NOTE_BYTES_MAX + 64 * PROOF_HASHES_MAX;

/// A head to cosign, with the proof that it extends the one cosigned last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size cosigned last; 0 if none was.
    pub old: u64,
    /// The proof (RFC 9162 section 2.1.4); empty from the empty tree.
    pub proof: Vec<Hash>,
    /// The signed note.
    pub note: String,
}

impl AddCheckpoint {
    /// The body that is posted.
    pub fn to_text(&self) -> String {
        let mut text = format!("old {}\n", self.old);
        for hash in &self.proof {
            text.push_str(&STANDARD.encode(hash.as_bytes()));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text
    }

    /// Reads a body.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > ADD_CHECKPOINT_BYTES_MAX {
            return None;
        }
        let (head, note) = text.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let old = note::decimal(lines.next()?.strip_prefix("old ")?)?;
        let proof = lines.take(PROOF_HASHES_MAX + 1).map(note::hash).collect::<Option<Vec<_>>>()?;
        (proof.len() <= PROOF_HASHES_MAX).then(|| Self { old, proof, note: note.to_owned() })
    }
}

/// Why a witness does not cosign; each is a status of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a request, or one that contradicts itself (400).
    #[error("not a well-formed request")]
    Malformed,
    /// A log the witness does not know (404).
    #[error("this log is not known here")]
    UnknownLog,
    /// No signature by the key it knows of the log (403).
    #[error("no signature by the log's known key")]
    Unsigned,
    /// Another size was cosigned last, or another root at this size (409).
    #[error("size {0} was cosigned last, with a root that stands")]
    Conflict(u64),
    /// The proof does not lead from the head cosigned last to this one (422).
    #[error("the head does not extend the one cosigned last")]
    Unproven,
}

/// The head a request asks to cosign, if it is signed by a known log.
pub fn asked(request: &AddCheckpoint, logs: &[VerifierKey]) -> Result<Checkpoint, Refusal> {
    let note = SignedCheckpoint::parse(&request.note).map_err(|_| Refusal::Malformed)?;
    let head = note.checkpoint();
    let mut known = logs.iter().filter(|it| *it.name() == head.origin).peekable();
    if known.peek().is_none() {
        return Err(Refusal::UnknownLog);
    }
    // A log that rotates its key is known by both.
    let signed: Vec<_> = known.map(|it| note.verify(it)).collect();
    if signed.contains(&Err(NoteError::BadSignature)) || !signed.contains(&Ok(())) {
        return Err(Refusal::Unsigned);
    }
    if request.old > head.size { Err(Refusal::Malformed) } else { Ok(head.clone()) }
}

/// Whether a head may be cosigned after the one cosigned last.
pub fn judge(
    request: &AddCheckpoint,
    head: &Checkpoint,
    last: Option<&Checkpoint>,
) -> Result<(), Refusal> {
    let size = last.map_or(0, |it| it.size);
    if request.old != size {
        return Err(Refusal::Conflict(size));
    }
    let root = last.map_or_else(tree::empty_root, |it| it.root);
    if head.size == size && head.root != root {
        return Err(Refusal::Conflict(size));
    }
    let (from, to) = ((size, &root), (head.size, &head.root));
    if tree::verify_consistency(from, to, &request.proof) { Ok(()) } else { Err(Refusal::Unproven) }
}
