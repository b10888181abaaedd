//! Checking a receipt: one entry under one signed head.

use kernel::{Reason, canonical};

use super::{
    Document, ENCODING, GroupReport, INCLUSION, LEAF, NOTE, Report, Trust, known, signed, witnessed,
};
use crate::{
    entry::{EntryKind, Leaf},
    key::Kid,
    note::Checkpoint,
    receipt::{Receipt, ReceiptGroup, TlogProof, bytes},
    seal,
    tree::{self, Hash},
};

/// Verifies the bytes of a receipt against what the reader trusts.
pub fn receipt(receipt: &[u8], trust: &Trust) -> Report {
    let mut report = Report::of(Document::Receipt);
    let Some(receipt) = Receipt::from_bytes(receipt) else {
        return report.invalid(ENCODING);
    };
    report.checks.push("encoding");
    let Some(proof) = TlogProof::parse(&receipt.proof) else {
        return report.invalid(NOTE);
    };
    report.index = Some(proof.index);
    let Some(checkpoint) = signed(&mut report, &proof.note, trust) else { return report };
    let leaf = match entry(&receipt, &proof, &checkpoint) {
        Ok(leaf) => leaf,
        Err(broken) => return report.invalid(broken),
    };
    report.checks.extend(["leaf", "inclusion"]);
    report.kind = leaf.kind().map(EntryKind::as_str);
    report.groups =
        receipt.groups.into_iter().map(|it| GroupReport { name: it.name, json: it.json }).collect();
    known(&mut report, &[&checkpoint], trust);
    witnessed(&mut report, &proof.note, trust);
    report
}

/// The entry's leaf, if its groups lead to it and it leads to the head.
pub(super) fn entry(
    receipt: &Receipt,
    proof: &TlogProof,
    checkpoint: &Checkpoint,
) -> Result<Leaf, Reason> {
    let leaf = leaf_of(receipt).ok_or(LEAF)?;
    let (hash, root) = (leaf.hash(), &checkpoint.root);
    if tree::verify_inclusion(&hash, proof.index, checkpoint.size, &proof.hashes, root) {
        Ok(leaf)
    } else {
        Err(INCLUSION)
    }
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

pub(super) fn group_leaf(group: &ReceiptGroup) -> Option<Hash> {
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
