//! Statistics against published values, and decimals as reports carry them.

use proptest::prelude::*;

use crate::{
    decimal::Decimal,
    statistics::{Share, newcombe, pooled_z, srm, two_sided},
};

fn share(hits: u64, n: u64) -> Share {
    Share::new(hits, n).unwrap()
}

fn near(a: f64, b: f64, within: f64) -> bool {
    (a - b).abs() <= within
}

/// Newcombe (1998), Statistics in Medicine 17:873–890, table II, method 10.
#[test]
fn the_interval_is_newcombes() {
    let table = [
        ((56, 70), (48, 80), 0.2000, 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.6000, 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.5714, 0.0582, 0.8062),
        ((5, 56), (0, 29), 0.0893, -0.0381, 0.1926),
        ((0, 10), (0, 20), 0.0000, -0.1611, 0.2775),
        ((0, 10), (0, 10), 0.0000, -0.2775, 0.2775),
        ((10, 10), (0, 20), 1.0000, 0.6791, 1.0000),
        ((10, 10), (0, 10), 1.0000, 0.6075, 1.0000),
    ];
    for ((a, n), (b, m), estimate, lower, upper) in table {
        let it = newcombe(share(a, n), share(b, m));
        for (got, wanted) in [(it.estimate, estimate), (it.lower, lower), (it.upper, upper)] {
            assert!(near(got, wanted, 5.1e-5), "{a}/{n} - {b}/{m}: {it:?}, not {wanted}");
        }
    }
}

/// Newcombe (1998), Statistics in Medicine 17:857–872, table I, score method.
#[test]
fn the_interval_of_one_share_is_wilsons() {
    let table = [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ];
    for (hits, n, lower, upper) in table {
        let it = share(hits, n).wilson();
        assert!(near(it.0, lower, 5.1e-5) && near(it.1, upper, 5.1e-5), "{hits}/{n}: {it:?}");
    }
}

#[test]
fn the_tails_of_the_normal_are_those_of_the_tables() {
    let table = [
        (0.0, 1.0),
        (1.0, 0.317_310_507_862_914_1),
        (1.959_963_984_540_054, 0.05),
        (2.575_829_303_548_9, 0.01),
        (-3.290_526_731_491_93, 0.001),
        (6.0, 1.973_175_290_075_396_7e-9),
    ];
    for (z, p) in table {
        assert!(near(two_sided(z), p, p * 1e-12 + 1e-15), "z {z}: {} not {p}", two_sided(z));
    }
}

#[test]
fn equal_shares_are_not_significant_and_very_unequal_ones_are() {
    assert!(near(pooled_z(share(10, 100), share(10, 100)).unwrap(), 1.0, 1e-15));
    // 20/100 against 10/100: z = 0.1 / sqrt(0.15 * 0.85 * 0.02).
    let z = 0.1 / (0.15_f64 * 0.85 * 0.02).sqrt();
    assert!(near(pooled_z(share(20, 100), share(10, 100)).unwrap(), two_sided(z), 1e-15));
    assert!(pooled_z(share(90, 100), share(10, 100)).unwrap() < 1e-20);
    assert_eq!(pooled_z(share(0, 10), share(0, 20)), None);
    assert_eq!(pooled_z(share(10, 10), share(20, 20)), None);
}

#[test]
fn arms_of_the_wrong_size_are_noticed() {
    let strata = |n: u64| [(n, 500_000)].into_iter();
    assert!(near(srm(5_000, strata(10_000)).unwrap(), 1.0, 1e-15));
    // 5,150 of 10,000: chi-square 9, p 0.0027; 5,200: chi-square 16, p 6.3e-5.
    assert!(near(srm(5_150, strata(10_000)).unwrap(), 0.002_699_796_063, 1e-11));
    assert!(near(srm(5_200, strata(10_000)).unwrap(), 6.334_248_366e-5, 1e-13));
    assert_eq!(srm(5, strata(9)), None);
    assert!(srm(5, strata(10)).is_some());
    assert_eq!(srm(100, [(100, 1_000_000)].into_iter()), None);
    let mixed = || [(1_000, 900_000), (1_000, 100_000)].into_iter();
    assert!(near(srm(1_000, mixed()).unwrap(), 1.0, 1e-15));
    assert!(srm(1_060, mixed()).unwrap() < 0.001);
}

#[test]
fn there_is_no_share_of_nothing() {
    assert_eq!(Share::new(0, 0), None);
    assert_eq!(Share::new(2, 1), None);
    assert!(Share::new(1, 1).is_some());
}

#[test]
fn decimals_are_plain_and_rounded_half_even() {
    let table = [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-0.5, "-0.5"),
        (0.1, "0.1"),
        (2.0 / 3.0, "0.6666666667"),
        (-1.0 / 3e4, "-0.00003333333333"),
        (123.456, "123.456"),
        (1_234_567_890.5, "1234567890"),
        (1_234_567_891.5, "1234567892"),
        (98_765_432_109.0, "98765432110"),
        (1e12, "1000000000000"),
        (9.999_999_999_9, "10"),
        (1e-20, "0.00000000000000000001"),
    ];
    for (x, text) in table {
        assert_eq!(Decimal::new(x).unwrap().as_str(), text, "{x}");
    }
    for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Decimal::new(x), None);
    }
}

proptest! {
    /// The interval holds its estimate, stays within ±1 and never has no width.
    #[test]
    fn an_interval_is_honest((n, a) in (1_u64..400).prop_flat_map(|n| (Just(n), 0..=n)), (m, b) in (1_u64..400).prop_flat_map(|m| (Just(m), 0..=m))) {
        let it = newcombe(share(a, n), share(b, m));
        prop_assert!(it.lower <= it.estimate && it.estimate <= it.upper);
        prop_assert!(it.lower >= -1.0 && it.upper <= 1.0);
        prop_assert!(it.upper > it.lower);
        let turned = newcombe(share(b, m), share(a, n));
        prop_assert!(near(it.lower, -turned.upper, 1e-12) && near(it.upper, -turned.lower, 1e-12));
    }

    /// A decimal is the number to ten digits.
    #[test]
    fn a_decimal_is_the_number(x in -1e9..1e9_f64) {
        let it = Decimal::new(x).unwrap();
        prop_assert!(near(it.to_f64(), x, x.abs() * 5.1e-10));
        prop_assert!(!it.as_str().contains('e'));
    }
}
