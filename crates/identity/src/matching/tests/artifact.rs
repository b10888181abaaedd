//! The model as an artifact: integers in, the same weights out, without a string.

use super::table;
use crate::matching::{
    MatchError,
    chance::observed,
    fit::fit,
    job::{self, Options, Threshold},
    model::{Model, Weight},
    pairs::Census,
    population::people,
    threshold::{DEFAULT, Histogram},
};

#[test]
fn a_model_read_back_weighs_every_pattern_the_same() {
    let told = people(1_500, 21);
    let table = table(told.iter().enumerate());
    let outcome = job::run(&table, Options::default(), None, |_| {}).unwrap();
    let read = Model::parse(&outcome.model.to_json()).unwrap();
    assert_eq!(read.digest(), outcome.model.digest());
    let scales = read.scales();
    for pattern in outcome.pairs.census.patterns() {
        assert_eq!(scales.weigh(*pattern), outcome.scales.weigh(*pattern));
    }
    // A frozen model on stored patterns gives the clusters of the job: no string is touched.
    let before = outcome.clusters.of.clone();
    let again = job::score(&table, outcome.blocks, outcome.pairs, read, Threshold::Weight(DEFAULT));
    assert_eq!(again.clusters.of, before);
}

#[test]
fn stored_patterns_teach_the_same_model_in_any_order() {
    let told = people(1_500, 22);
    let table = table(told.iter().enumerate());
    let outcome = job::run(&table, Options::default(), None, |_| {}).unwrap();
    let mut stored = Census::default();
    let mut kept: Vec<_> = outcome.pairs.census.counted().collect();
    kept.reverse();
    for (pattern, count) in kept {
        stored.add(pattern, count);
    }
    let model = fit(&stored, &observed(&table, 1), job::possible(&table)).unwrap();
    assert_eq!(model.digest(), outcome.model.digest());
}

#[test]
fn what_is_no_model_is_refused() {
    let told = people(800, 23);
    let table = table(told.iter().enumerate());
    let model = job::run(&table, Options::default(), None, |_| {}).unwrap().model;
    let json = model.to_json();
    assert!(Model::parse(&json).is_ok());
    let number = json.split("\"matches\": ").nth(1).unwrap().split(',').next().unwrap();
    for (from, to) in [
        ("\"format\": 1", "\"format\": 2"),
        ("\"format\": 1", "\"format\": 1, \"more\": 1"),
        ("\"same\"", "\"alike\""),
        (&format!("\"matches\": {number}"), "\"matches\": 0"),
    ] {
        let broken = json.replacen(from, to, 1);
        assert_ne!(broken, json);
        assert!(Model::parse(&broken).is_err(), "{to}");
    }
}

#[test]
fn nothing_alike_teaches_nothing() {
    let census = Census::default();
    let told = people(50, 24);
    let table = table(told.iter().enumerate());
    let learnt = fit(&census, &observed(&table, 1), job::possible(&table));
    assert_eq!(learnt.err(), Some(MatchError::NoMatchClass));
    // Nor does a record that is alone, or none at all.
    for n in [0, 1] {
        let table = super::table(told.iter().take(n).enumerate());
        let outcome = job::run(&table, Options::default(), None, |_| {});
        assert_eq!(outcome.err(), Some(MatchError::NoMatchClass), "{n}");
    }
}

#[test]
fn a_waterfall_adds_up() {
    let told = people(1_500, 25);
    let table = table(told.iter().enumerate());
    let outcome = job::run(&table, Options::default(), None, |_| {}).unwrap();
    let weigher = job::Weigher::new(&table, &outcome.pairs, &outcome.scales);
    for pair in &outcome.pairs.list {
        let why = outcome.explain(&weigher, pair);
        let steps: i32 = why.steps.iter().map(|it| it.same.0).sum();
        assert_eq!(why.prior.0 + steps - why.household.0 + why.terms.0, why.total.0);
        assert_eq!(why.total, weigher.edge(pair).weight);
    }
}

#[test]
fn a_budget_buys_the_lowest_threshold_that_keeps_it() {
    let mut histogram = Histogram::default();
    for (bits, times) in [(12.0, 900), (6.0, 90), (1.0, 10), (-8.0, 1_000)] {
        (0..times).for_each(|_| histogram.add(Weight::bits(bits)));
    }
    let check = |budget, bits: Option<f64>| {
        assert_eq!(histogram.within(budget).map(Weight::as_bits), bits, "{budget}");
    };
    check(1e-6, None);
    check(0.001, Some(12.0));
    check(0.002, Some(6.0));
    check(0.01, Some(1.0));
    assert_eq!(histogram.above(DEFAULT).0, 990);
}

#[test]
fn a_weight_is_a_probability_and_never_leaves_its_range() {
    let check = |bits: f64, probability: f64| {
        let found = Weight::bits(bits).probability();
        assert!((found - probability).abs() < 1e-6, "{bits}: {found}");
    };
    check(0.0, 0.5);
    check(2.0, 0.8);
    check(-2.0, 0.2);
    check(f64::INFINITY, 1.0);
    check(f64::NEG_INFINITY, 0.0);
}
