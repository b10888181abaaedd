//! Answers on generated people with known truth.

use std::collections::BTreeMap;

use super::table;
use crate::matching::{
    job::{self, Options, Outcome},
    population::{Told, people},
    quality::{Quality, judge},
    row::Table,
};

fn run(told: &[Told], order: impl Iterator<Item = usize>) -> (Table, Outcome) {
    let table = table(order.map(|it| (it, &told[it])));
    let outcome = job::run(&table, Options::default(), None, |_| {}).unwrap();
    (table, outcome)
}

fn quality(told: &[Told]) -> Quality {
    let (table, outcome) = run(told, 0..told.len());
    let each = outcome.clusters.of.iter().zip(table.came());
    judge(each.map(|(it, at)| (it, told[*at as usize].person)))
}

/// The gates of the design, on a seed nobody developed with; 100,000 people and a million records
/// are the bench's.
#[test]
fn generated_people_are_told_apart_without_a_label() {
    let quality = quality(&people(3_000, 9_003));
    assert!(quality.pairs.f1() >= 0.965 && quality.pairs.precision >= 0.98, "{quality:?}");
}

#[test]
fn the_order_of_records_changes_nothing() {
    let told = people(1_200, 31);
    let (table, outcome) = run(&told, 0..told.len());
    let (other_table, other) = run(&told, (0..told.len()).rev());
    assert_eq!(outcome.model, other.model);
    let by_key = |table: &Table, outcome: &Outcome| -> BTreeMap<_, _> {
        let name = |it: &u32| table.keys()[*it as usize];
        table.keys().iter().copied().zip(outcome.clusters.of.iter().map(name)).collect()
    };
    assert_eq!(by_key(&table, &outcome), by_key(&other_table, &other));
}

#[test]
fn a_household_is_not_a_person() {
    let (table, outcome) = {
        let told = people(1_500, 32);
        run(&told, 0..told.len())
    };
    let (matches, households) = outcome.scales.prevalence();
    assert!(matches > 0.0 && households > 0.0);
    // Same surname, same address, another given name and another birth date: nobody's double.
    let weigher = job::Weigher::new(&table, &outcome.pairs, &outcome.scales);
    let mut seen = 0;
    for pair in &outcome.pairs.list {
        let [given, surname, born, address, ..] =
            outcome.pairs.census.pattern(pair.pattern).levels();
        if given == 7 && surname == 1 && born == 6 && address == 1 {
            seen += 1;
            assert!(weigher.edge(pair).weight < outcome.threshold);
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn clusters_are_judged_by_pairs_by_wholes_and_by_records() {
    let judged = |said: &[u32], truth: &[u32]| judge(said.iter().zip(truth));
    let right = judged(&[1, 1, 2, 2, 3], &[7, 7, 8, 8, 9]);
    assert!([right.pairs, right.clusters, right.records].iter().all(|it| it.f1() > 0.999_999));
    // Everybody one person: complete, and hardly right.
    let one = judged(&[1; 4], &[7, 7, 8, 8]);
    assert_eq!((one.pairs.precision, one.pairs.recall), (2.0 / 6.0, 1.0));
    assert_eq!((one.clusters.precision, one.clusters.recall), (0.0, 0.0));
    assert_eq!((one.records.precision, one.records.recall), (0.5, 1.0));
    // Nobody anybody: right, and incomplete.
    let none = judged(&[1, 2, 3, 4], &[7, 7, 8, 8]);
    assert_eq!((none.pairs.precision, none.pairs.recall), (1.0, 0.0));
    assert_eq!((none.records.precision, none.records.recall), (1.0, 0.5));
    assert_eq!(judged(&[], &[]).judged, 0);
}
