//! Which pairs are made: each once, and no block past its bound.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{ANY, table};
use crate::matching::{
    BLOCK_ROWS_MAX, LOOSE_ROWS_MAX,
    blocking::{ALL, Keys, RULES, blocks},
    fold::DateOrder,
    pairs::compare_all,
    population::people,
    row::{Folder, Table, TableError},
};

#[test]
fn the_first_rule_wins_and_no_pair_is_lost() {
    let told = people(300, 5);
    let table = table(told.iter().enumerate());
    let mut keys: Vec<_> = table.rows().iter().map(|it| Keys::of(it, 1)).collect();
    let blocks = blocks(&mut keys).unwrap();
    let pairs = compare_all(table.rows(), &keys, &blocks);
    let ends = |it: &crate::matching::pairs::Pair| (it.left.min(it.right), it.left.max(it.right));
    let made: Vec<_> = pairs.list.iter().map(ends).collect();
    let distinct: BTreeSet<_> = made.iter().copied().collect();
    assert_eq!(made.len(), distinct.len(), "a pair was made twice");
    let mut expected = BTreeSet::new();
    for (i, a) in (0_u32..).zip(&keys) {
        for (j, b) in (0_u32..).zip(&keys).skip(i as usize + 1) {
            if (0..RULES).any(|it| a.get(it) != 0 && a.get(it) == b.get(it)) {
                expected.insert((i, j));
            }
        }
    }
    assert_eq!(distinct, expected);
    assert!(pairs.census.pairs() == made.len() as u64 && made.len() > 1_000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sixteen_keys_at_once_are_sixteen_keys_one_by_one(seed in any::<u64>()) {
        let told = people(12, seed);
        let table = table(told.iter().enumerate());
        let keys: Vec<_> = table.rows().iter().map(|it| Keys::of(it, seed)).collect();
        for a in &keys {
            for b in &keys {
                prop_assert_eq!(a.shared(b), a.shared_one_by_one(b));
            }
        }
    }
}

/// Records that share one value, all else their own.
fn sharing(n: usize, at: usize, value: &str) -> Table {
    let mut folder = Folder::new(1, DateOrder::default());
    for i in 0..n {
        let own = format!("{i:09}");
        let mut values = ["", "", "", "", "", "", "", "", ""];
        values[8] = &own;
        values[at] = value;
        if at == 0 {
            values[5] = "10115";
        }
        folder.push(ANY, own.as_bytes(), values).unwrap();
    }
    folder.finish().unwrap()
}

fn pairs_of(table: &Table, rule: usize) -> (u64, u64, bool) {
    let mut keys: Vec<_> = table.rows().iter().map(|it| Keys::of(it, 1)).collect();
    let blocks = blocks(&mut keys).unwrap();
    (blocks[rule].pairs, blocks[rule].skipped, keys.iter().all(|it| it.get(rule) == 0))
}

#[test]
fn a_block_past_its_bound_is_left_out_and_counted() {
    let (phone, given_postcode) = (2, 6);
    for (rule, at, value, most) in
        [(phone, 7, "+49301234567", BLOCK_ROWS_MAX), (given_postcode, 0, "Mary", LOOSE_ROWS_MAX)]
    {
        assert_eq!(ALL[rule].rows_max, most);
        let n = most as u64;
        assert_eq!(pairs_of(&sharing(most, at, value), rule), (n * (n - 1) / 2, 0, false));
        assert_eq!(pairs_of(&sharing(most + 1, at, value), rule), (0, 1, true));
    }
}

#[test]
fn a_record_is_taken_once() {
    let mut folder = Folder::new(1, DateOrder::default());
    let other = crate::matching::row::Source { number: 1, unique: false };
    for source in [ANY, other] {
        folder.push(source, b"7", ["Mary", "", "", "", "", "", "", "", ""]).unwrap();
    }
    assert_eq!(folder.finish().map(|it| it.rows().len()), Ok(2));
    let mut folder = Folder::new(1, DateOrder::default());
    for name in ["Mary", "Anna"] {
        folder.push(ANY, b"7", [name, "", "", "", "", "", "", "", ""]).unwrap();
    }
    assert_eq!(folder.finish().map(|it| it.rows().len()), Err(TableError::Duplicate));
}
