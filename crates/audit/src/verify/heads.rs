//! Checking that one head extends another.

use super::{CONSISTENCY, Document, ENCODING, Report, Trust, known, signed, witnessed};
use crate::{consistency::Consistency, note::Checkpoint, tree};

/// Verifies the bytes of a consistency document against what the reader trusts.
pub fn consistency(document: &[u8], trust: &Trust) -> Report {
    let mut report = Report::of(Document::Consistency);
    let Some(document) = Consistency::from_bytes(document) else {
        return report.invalid(ENCODING);
    };
    report.checks.push("encoding");
    let Some((earlier, later)) = extends(&mut report, &document, trust) else { return report };
    known(&mut report, &[&earlier, &later], trust);
    witnessed(&mut report, &document.to, trust);
    report
}

/// The two heads, if both are signed and the later extends the earlier.
pub(super) fn extends(
    report: &mut Report,
    document: &Consistency,
    trust: &Trust,
) -> Option<(Checkpoint, Checkpoint)> {
    let earlier = signed(report, &document.from, trust)?;
    let later = signed(report, &document.to, trust)?;
    report.earlier = Some(earlier.size);
    let holds = earlier.origin == later.origin
        && document.hashes().is_some_and(|proof| {
            let (from, to) = ((earlier.size, &earlier.root), (later.size, &later.root));
            tree::verify_consistency(from, to, &proof)
        })
        // RFC 9162 proves nothing of the empty tree: there is only one.
        && (earlier.size > 0 || earlier.root == tree::empty_root());
    if !holds {
        report.note(super::Exit::Invalid, CONSISTENCY, None);
        return None;
    }
    report.checks.push("consistency");
    Some((earlier, later))
}
