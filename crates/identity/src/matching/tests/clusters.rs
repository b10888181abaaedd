//! Who is put together: all evidence counts, in any order, within every constraint.

use proptest::prelude::*;

use super::row;
use crate::matching::{
    CLUSTER_RECORDS_MAX,
    cluster::{Clusters, Edge, cluster},
    model::Weight,
    row::{RecordKey, Row},
    threshold::DEFAULT,
};

fn edges(list: &[(u32, u32, f64)]) -> Vec<Edge> {
    let edge = |&(left, right, bits): &_| Edge { left, right, weight: Weight::bits(bits) };
    list.iter().map(edge).collect()
}

fn clustered(n: u64, list: &[(u32, u32, f64)], unique: &[(usize, u16)]) -> Clusters {
    let blank = row(["", "", "", "", "", "", "", "", ""]);
    let mut rows: Vec<Row> = (0..n).map(|_| blank).collect();
    for (at, source) in unique {
        (rows[*at].source, rows[*at].unique) = (*source, true);
    }
    let keys: Vec<_> = (0..n).map(RecordKey).collect();
    cluster(&rows, &keys, edges(list).into_iter(), DEFAULT)
}

#[test]
fn all_evidence_counts_and_not_a_chain() {
    let check =
        |list: &[_], expected: &[u32]| assert_eq!(clustered(4, list, &[]).of, expected, "{list:?}");
    check(&[], &[0, 1, 2, 3]);
    check(&[(0, 1, 9.0)], &[0, 0, 2, 3]);
    check(&[(0, 1, 2.0)], &[0, 1, 2, 3]);
    check(&[(0, 1, 9.0), (1, 2, 9.0)], &[0, 0, 0, 3]);
    // What speaks against the chain is heard.
    check(&[(0, 1, 9.0), (1, 2, 8.0), (0, 2, -20.0)], &[0, 0, 2, 3]);
    // And outvoted where the rest is stronger.
    check(&[(0, 1, 9.0), (1, 2, 8.0), (0, 2, -1.0)], &[0, 0, 0, 3]);
    // A pair refused at first joins once its sides have grown.
    check(&[(0, 1, 20.0), (2, 3, 19.0), (0, 2, 3.0), (1, 3, 9.0), (1, 2, -4.0)], &[0, 0, 0, 0]);
}

#[test]
fn two_records_of_a_source_without_duplicates_are_two_people() {
    let list = [(0, 1, 9.0), (1, 2, 8.0)];
    let clusters = clustered(3, &list, &[(0, 1), (2, 1)]);
    assert_eq!((clusters.of, clusters.one_source), (vec![0, 0, 2], 1));
    assert_eq!(clustered(3, &list, &[(0, 1), (2, 2)]).of, vec![0, 0, 0]);
}

#[test]
fn a_cluster_past_its_cap_does_not_grow() {
    let chain = |n: usize| -> Vec<_> {
        (1..u32::try_from(n).unwrap()).map(|it| (it - 1, it, 9.0)).collect()
    };
    let at = clustered(CLUSTER_RECORDS_MAX as u64, &chain(CLUSTER_RECORDS_MAX), &[]);
    assert!(at.of.iter().all(|it| *it == 0) && at.over_cap == 0);
    let past = clustered(CLUSTER_RECORDS_MAX as u64 + 1, &chain(CLUSTER_RECORDS_MAX + 1), &[]);
    let largest = past.of.iter().filter(|it| **it == 0).count();
    assert!(largest == CLUSTER_RECORDS_MAX && past.over_cap > 0, "{largest}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_edges_changes_nothing(
        (one, other) in prop::collection::btree_map((0..12_u32, 0..12_u32), -9..12_i32, 0..40)
            .prop_map(|it| {
                let pairs = it.into_iter().filter(|((a, b), _)| a < b);
                pairs.map(|((a, b), w)| (a, b, f64::from(w))).collect::<Vec<_>>()
            })
            .prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle())),
        unique in prop::collection::vec((0..12_usize, 0..2_u16), 0..6),
    ) {
        let clusters = clustered(12, &one, &unique);
        prop_assert_eq!(&clusters.of, &clustered(12, &other, &unique).of);
        // No two of one source without duplicates, whatever the evidence.
        for (a, source) in &unique {
            for (b, other) in &unique {
                let together = clusters.of[*a] == clusters.of[*b];
                let last = |at: usize| unique.iter().rev().find(|it| it.0 == at).map(|it| it.1);
                if a != b && last(*a) == last(*b) && source == other && last(*a) == Some(*source) {
                    prop_assert!(!together);
                }
            }
        }
    }
}
