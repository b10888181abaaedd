//! What comparing two values says, against references and by example.

use proptest::prelude::*;

use super::row;
use crate::matching::{
    fold::{self, DateOrder},
    likeness::{TEXT_BYTES, Text, register, within_one},
    pattern::compare,
};

fn any_word() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{1,6}", "[a-e]{1,16}", "[a-z]{1,16}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn likeness_is_jaro_winkler((a, b) in (any_word(), any_word()), floor in 0.0..1.0_f64) {
        let (x, y) = (Text::new(a.as_bytes(), 1), Text::new(b.as_bytes(), 2));
        let expected = strsim::jaro_winkler(&a, &b);
        let likeness = x.likeness(&y, 0.0);
        prop_assert!((likeness - expected).abs() < 1e-9, "{a} {b}: {likeness} {expected}");
        // The letters that are there never rule out a pair that reaches the floor.
        if expected >= floor {
            prop_assert!((x.likeness(&y, floor) - expected).abs() < 1e-9, "{a} {b} at {floor}");
        }
    }

    #[test]
    fn within_one_is_a_distance_of_one((a, b) in (any_word(), any_word())) {
        let found = within_one(register(a.as_bytes()), register(b.as_bytes()));
        prop_assert_eq!(found, strsim::osa_distance(&a, &b) <= 1, "{} {}", a, b);
    }

    #[test]
    fn one_slip_is_seen_wherever_it_is(a in "[a-z]{1,15}", at in 0..15_usize, kind in 0..4, c in "[a-z]") {
        let mut b = a.clone();
        let at = at % a.len();
        match kind {
            0 => drop(b.remove(at)),
            1 => b.insert_str(at, &c),
            2 => b.replace_range(at..=at, &c),
            _ if at + 1 < a.len() => {
                let mut letters: Vec<_> = a.chars().collect();
                letters.swap(at, at + 1);
                b = letters.into_iter().collect();
            }
            _ => {}
        }
        prop_assert!(within_one(register(a.as_bytes()), register(b.as_bytes())), "{} {}", a, b);
    }

    #[test]
    fn comparing_takes_no_sides(a in any_record(), b in any_record()) {
        let values = |it: &[String; 9]| row([&it[0], &it[1], &it[2], &it[3], &it[4], &it[5], &it[6], &it[7], &it[8]]);
        prop_assert_eq!(compare(&values(&a), &values(&b)), compare(&values(&b), &values(&a)));
    }
}

fn any_record() -> impl Strategy<Value = [String; 9]> {
    let date =
        (1950..1960_u32, 1..13_u32, 1..29_u32).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}"));
    (
        "[ab]{0,4}",
        "[ab]{0,4}",
        date,
        "[ab]{0,5}",
        "[12]{0,3}",
        "[12]{0,5}",
        "[ab]{1,3}@x",
        "[12]{6,8}",
        "[12]{0,4}",
    )
        .prop_map(|(a, b, c, d, e, f, g, h, i)| [a, b, c, d, e, f, g, h, i])
}

#[test]
fn a_text_is_equal_as_a_whole_and_alike_by_its_first_sixteen() {
    let at = "a".repeat(TEXT_BYTES);
    let past = format!("{at}b");
    let text = |it: &str, id| Text::new(it.as_bytes(), id);
    assert_eq!(text(&at, 1).len(), 16);
    assert_eq!(text(&past, 2).len(), 16);
    assert!(!text(&at, 1).same(&text(&past, 2)));
    assert!((text(&at, 1).likeness(&text(&past, 2), 0.9) - 1.0).abs() < 1e-9);
    assert!(!text("", 5).is_some());
    assert!(!text("", 5).same(&text("", 5)));
}

const BASE: [&str; 9] = [
    "Mary",
    "Byron",
    "1980-04-07",
    "Mill Lane",
    "12a",
    "10115",
    "mary@mail.example",
    "+49 170 1234567",
    "AB 123 456",
];

#[test]
fn each_comparison_says_how_alike_two_values_are() {
    let check = |at: usize, values: &[(&str, usize)]| {
        for (value, level) in values {
            let mut other = BASE;
            other[at] = value;
            let comparison = [0, 1, 2, 3, 3, 3, 4, 4, 5][at];
            let levels = compare(&row(BASE), &row(other)).levels();
            assert_eq!(levels[comparison], *level, "{value}");
        }
    };
    check(
        0,
        &[
            ("MARY", 1),
            ("Márý", 1),
            ("Marya", 2),
            ("Mray", 2),
            ("Marry", 2),
            ("M", 4),
            ("Anna", 7),
            ("", 0),
            ("unknown", 0),
        ],
    );
    check(1, &[("byron", 1), ("Byrom", 2), ("Smith", 5), ("  ", 0)]);
    check(
        2,
        &[
            ("19800407", 1),
            ("07.04.1980", 1),
            ("1980-04-08", 2),
            ("1980-04-70", 2),
            ("1980-07-04", 3),
            ("1981-04-08", 3),
            ("1980-12-31", 4),
            ("2011-04-07", 4),
            ("1985-12-31", 5),
            ("1950-12-31", 6),
            ("", 0),
            ("soon", 0),
        ],
    );
    check(3, &[("mill lane", 1), ("Mill Lanes", 2), ("High Street", 2), ("", 2)]);
    check(4, &[("12 A", 1), ("12", 2), ("99", 2)]);
    check(
        6,
        &[
            ("MARY@mail.example", 5),
            ("mary@post.example", 9),
            ("zoe@post.example", 13),
            ("none", 1),
        ],
    );
    check(7, &[("0170 1234567", 5), ("0170 1234568", 6), ("0151 7654321", 7), ("000000000", 4)]);
    check(8, &[("ab123456", 1), ("ab123457", 2), ("zz999999", 3), ("", 0), ("0000", 0)]);
}

#[test]
fn names_that_changed_places_are_seen() {
    let mut other = BASE;
    (other[0], other[1]) = ("Byron", "Mary");
    let levels = compare(&row(BASE), &row(other)).levels();
    assert_eq!((levels[0], levels[1]), (5, 4));
}

#[test]
fn an_address_is_one_comparison() {
    let check = |street, number, postcode, level| {
        let mut other = BASE;
        (other[3], other[4], other[5]) = (street, number, postcode);
        assert_eq!(
            compare(&row(BASE), &row(other)).levels()[3],
            level,
            "{street} {number} {postcode}"
        );
    };
    check("Mill Lane", "12a", "10115", 1);
    check("Mill Lane", "7", "10115", 2);
    check("Mill Lanes", "12b", "10116", 2);
    check("Mill Lanes", "12b", "99999", 3);
    check("High Street", "7", "10115", 4);
    check("High Street", "7", "99999", 5);
    check("", "", "", 0);
}

#[test]
fn dates_are_read_in_the_order_the_source_writes_them() {
    let check = |text, order, expected| assert_eq!(fold::date(text, order), expected, "{text}");
    check("03/04/1980", DateOrder::Dmy, 0x1980_0403);
    check("03/04/1980", DateOrder::Mdy, 0x1980_0304);
    check("1980-04-03T00:00:00Z", DateOrder::Mdy, 0x1980_0403);
    check("3.4.1980", DateOrder::Dmy, 0x1980_0403);
    check("19800403", DateOrder::Dmy, 0x1980_0403);
    for none in ["", "1980", "3/4", "03/04/80", "0000-00-00", "1/2/3/4", "123456789", "-----"] {
        check(none, DateOrder::Dmy, 0);
    }
}
