//! A sample nobody could pick: entries drawn by an auditor's nonce from a head signed before it.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::tree::Hash;

/// The most entries of a sample.
pub const SAMPLE_ENTRIES_MAX: u64 = 10_000;

/// So many different entries of a log of this size and root, rising; all of them if it has fewer.
///
/// `r_k` is the first eight bytes of `SHA-256("assent/audit/sample/1\0" || nonce || root || size ||
/// k)`; what would favour some entries is rejected, and repeats are skipped.
pub fn indices(nonce: &[u8; 32], root: &Hash, size: u64, count: u64) -> BTreeSet<u64> {
    let count = count.min(SAMPLE_ENTRIES_MAX).min(size);
    let mut drawn = BTreeSet::new();
    // How many of the 2^64 values are past the last whole round of entries: they are rejected, so
    // that every entry is as likely.
    let unfair = u64::MAX.checked_rem(size).map_or(0, |it| (it + 1) % size);
    let is_fair = |it: u64| unfair == 0 || it <= u64::MAX - unfair;
    for k in 0..u64::MAX {
        if u64::try_from(drawn.len()).is_ok_and(|it| it >= count) {
            break;
        }
        let hash: [u8; 32] = Sha256::new_with_prefix(b"assent/audit/sample/1\0")
            .chain_update(nonce)
            .chain_update(root.as_bytes())
            .chain_update(size.to_be_bytes())
            .chain_update(k.to_be_bytes())
            .finalize()
            .into();
        let Some(first) = hash.first_chunk::<8>() else { break };
        let drawn_now = u64::from_be_bytes(*first);
        if is_fair(drawn_now)
            && let Some(index) = drawn_now.checked_rem(size)
        {
            drawn.insert(index);
        }
    }
    drawn
}
