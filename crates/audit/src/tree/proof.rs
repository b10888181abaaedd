//! Checking proofs (RFC 9162 sections 2.1.3.2 and 2.1.4.2).

use super::{Hash, PROOF_HASHES_MAX, node_hash, split};

/// Whether the proof leads from this leaf hash at this index to the root of this size.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size || proof.len() > PROOF_HASHES_MAX {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Which entries each hash of an inclusion proof is over, nearest first: from the first of them to
/// before the second number. Nothing is proven of an entry past the size.
pub fn siblings(index: u64, size: u64) -> Vec<(u64, u64)> {
    let mut path = Vec::new();
    let (mut low, mut high) = (0, size);
    while index < size && high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            path.push((middle, high));
            high = middle;
        } else {
            path.push((low, middle));
            low = middle;
        }
    }
    path.reverse();
    path
}

/// Whether the proof shows that the tree of the second size extends the one of the first.
pub fn verify_consistency(
    (first, first_root): (u64, &Hash),
    (second, second_root): (u64, &Hash),
    proof: &[Hash],
) -> bool {
    if first > second || proof.len() > PROOF_HASHES_MAX {
        return false;
    }
    if first == 0 {
        return proof.is_empty();
    }
    if first == second {
        return proof.is_empty() && first_root == second_root;
    }
    let (mut node, mut last) = (first - 1, second - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let whole = first.is_power_of_two().then_some(first_root);
    let mut hashes = whole.into_iter().chain(proof);
    let Some(start) = hashes.next() else { return false };
    let (mut old, mut new) = (*start, *start);
    for sibling in hashes {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old == *first_root && new == *second_root
}
