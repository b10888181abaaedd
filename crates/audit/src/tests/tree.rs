//! Every proof of every small tree, and no proof of anything else.

use proptest::prelude::*;

use crate::{
    entry::Leaf,
    tree::{
        BLOCK_LEAVES, Block, Frontier, Hash, PROOF_HASHES_MAX, Tree, empty_root, leaf_hash,
        node_hash, root_of, siblings, verify_consistency, verify_inclusion,
    },
};

fn leaves(n: u64) -> Vec<Hash> {
    (0..n).map(|it| leaf_hash(&it.to_be_bytes())).collect()
}

fn tree(leaves: &[Hash]) -> Tree {
    let mut tree = Tree::default();
    tree.extend(leaves.iter().copied());
    tree
}

fn block(leaves: &[Hash], index: u64) -> Block<'_> {
    let number = Tree::block_of(index);
    let from = usize::try_from(number * BLOCK_LEAVES).unwrap().min(leaves.len());
    Block { number, leaves: &leaves[from..leaves.len().min(from + 256)] }
}

/// RFC 6962 section 2.1, word for word.
fn root_by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        _ => {
            let middle = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(middle);
            node_hash(&root_by_definition(left), &root_by_definition(right))
        }
    }
}

#[test]
fn the_empty_root_is_the_hash_of_nothing() {
    let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(empty_root().to_string(), expected);
    assert_eq!(Tree::default().root(), empty_root());
    assert_eq!(Frontier::default().root(), empty_root());
}

#[test]
fn roots_agree_with_the_definition() {
    let all = leaves(700);
    let (mut tree, mut frontier) = (Tree::default(), Frontier::default());
    for n in 0..all.len() {
        let expected = root_by_definition(&all[..n]);
        assert_eq!((tree.root(), frontier.root()), (expected, expected), "{n} leaves");
        assert_eq!(tree.frontier(), frontier);
        tree.push(all[n]);
        frontier.push(all[n]);
    }
    assert_eq!(root_of(all.iter().copied()), root_by_definition(&all));
}

#[test]
fn every_leaf_is_proven_in_every_tree_to_300() {
    for n in (1..=300).chain([511, 512, 513, 1_000]) {
        let all = leaves(n);
        let tree = tree(&all);
        let root = tree.root();
        for (index, leaf) in (0..).zip(&all) {
            let proof = tree.inclusion(index, block(&all, index)).unwrap();
            assert!(verify_inclusion(leaf, index, n, &proof, &root), "{index} of {n}");
            assert!(!verify_inclusion(leaf, index + 1, n, &proof, &root), "{index} of {n}");
        }
        assert_eq!(tree.inclusion(n, block(&all, n)), None);
    }
}

#[test]
fn the_hashes_of_a_proof_are_over_the_entries_it_says() {
    for n in (1..=70).chain([255, 256, 257]) {
        let all = leaves(n);
        let tree = tree(&all);
        for index in 0..n {
            let proof = tree.inclusion(index, block(&all, index)).unwrap();
            let ranges = siblings(index, n);
            assert_eq!(ranges.len(), proof.len());
            let mut covered = 1;
            for ((low, high), hash) in ranges.into_iter().zip(proof) {
                let at = |it| usize::try_from(it).unwrap();
                assert_eq!(root_of(all[at(low)..at(high)].iter().copied()), hash);
                covered += high - low;
            }
            assert_eq!(covered, n);
        }
        assert!(siblings(n, n).is_empty());
    }
}

#[test]
fn every_tree_to_300_extends_every_earlier_one() {
    for n in (0..=300).step_by(7).chain([255, 256, 257, 300, 513, 800]) {
        let all = leaves(n);
        let tree = tree(&all);
        for m in 0..=n {
            let earlier = root_by_definition(&all[..usize::try_from(m).unwrap()]);
            let proof = tree.consistency(m, block(&all, m.saturating_sub(1))).unwrap();
            let holds = verify_consistency((m, &earlier), (n, &tree.root()), &proof);
            assert!(holds, "{m} to {n}");
            if m > 0 {
                let other = leaf_hash(b"other");
                assert!(!verify_consistency((m, &other), (n, &tree.root()), &proof));
                assert!(!verify_consistency((m, &earlier), (n, &other), &proof));
            }
        }
        assert_eq!(tree.consistency(n + 1, block(&all, n)), None);
    }
}

#[test]
fn a_finished_block_is_needed_to_prove_inside_it() {
    let all = leaves(600);
    let tree = tree(&all);
    assert_eq!(tree.inclusion(3, block(&all, 300)), None);
    let nothing = Block { number: 9, leaves: &[] };
    assert!(tree.inclusion(599, nothing).is_some(), "the unfinished block is in memory");
}

#[test]
fn a_proof_longer_than_any_tree_is_refused() {
    let leaf = leaf_hash(b"leaf");
    let path = |n| vec![leaf; n];
    let root = path(PROOF_HASHES_MAX).iter().fold(leaf, |node, it| node_hash(&node, it));
    let size = 1 << PROOF_HASHES_MAX;
    assert!(verify_inclusion(&leaf, 0, size, &path(PROOF_HASHES_MAX), &root));
    let root = node_hash(&root, &leaf);
    assert!(!verify_inclusion(&leaf, 0, u64::MAX, &path(PROOF_HASHES_MAX + 1), &root));
}

#[test]
fn a_leaf_says_its_kind_and_nothing_else() {
    let leaf = Leaf::new(crate::EntryKind::Consent, &leaf_hash(b"record"));
    assert_eq!(leaf.kind(), Some(crate::EntryKind::Consent));
    assert_eq!(leaf.as_bytes()[..2], [0x01, 0x20]);
    assert_eq!(Leaf::from_bytes([0; 34]).kind(), None);
}

proptest! {
    #[test]
    fn a_proof_fails_after_any_change_of_one_bit(
        n in 2_u64..400, index in any::<prop::sample::Index>(), bit in 0_usize..256,
        at in any::<prop::sample::Index>(),
    ) {
        let all = leaves(n);
        let tree = tree(&all);
        let index = index.index(all.len()) as u64;
        let leaf = all[usize::try_from(index).unwrap()];
        let mut proof = tree.inclusion(index, block(&all, index)).unwrap();
        let at = at.index(proof.len());
        let mut bytes = *proof[at].as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        proof[at] = Hash::from_bytes(bytes);
        prop_assert!(!verify_inclusion(&leaf, index, n, &proof, &tree.root()));
    }
}
