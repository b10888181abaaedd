//! Patterns: what comparing two records says, packed in 64 bits.
//!
//! Four bits a comparison (0: missing on a side), from bit 0; bit 40 and up: the blocking rules that
//! make the pair. A pattern holds no value, so re-scoring stored patterns touches no string.

use super::{
    likeness::{Text, within_one},
    row::Row,
};

/// How many comparisons a pattern holds.
pub const COMPARISONS: usize = 6;
/// How many levels a comparison may have, missing included.
pub const LEVELS: usize = 16;
/// The first bit of the blocking rules.
pub const RULES_AT: u32 = 40;

/// What is compared. Address and contact are one comparison each, so that what a household shares
/// counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// The given name.
    Given,
    /// The surname.
    Surname,
    /// The birth date.
    Born,
    /// Street, number and postcode.
    Address,
    /// E-mail and phone.
    Contact,
    /// The national id.
    NationalId,
}

impl Comparison {
    /// Every comparison, by its place in a pattern.
    pub const ALL: [Self; COMPARISONS] =
        [Self::Given, Self::Surname, Self::Born, Self::Address, Self::Contact, Self::NationalId];

    /// The name as shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given name",
            Self::Surname => "surname",
            Self::Born => "birth date",
            Self::Address => "address",
            Self::Contact => "e-mail and phone",
            Self::NationalId => "national id",
        }
    }

    /// What each level from 1 says; contact is told by what is alike in it.
    pub const fn levels(self) -> &'static [&'static str] {
        match self {
            Self::Given => &[
                "equal",
                "likeness 0.92",
                "likeness 0.84",
                "same initial",
                "swapped with the surname",
                "likeness 0.70",
                "other",
            ],
            Self::Surname => {
                &["equal", "likeness 0.92", "likeness 0.84", "swapped with the given name", "other"]
            }
            Self::Born => &[
                "equal",
                "one slip",
                "day and month swapped, or two digits",
                "same year, or same day",
                "within ten years",
                "other",
            ],
            Self::Address => {
                &["all equal", "two equal or three near", "two near", "one equal", "other"]
            }
            Self::Contact => &[
                "e-mail missing, phone equal",
                "e-mail missing, phone near",
                "e-mail missing, phone other",
                "e-mail equal, phone missing",
                "both equal",
                "e-mail equal, phone near",
                "e-mail equal, phone other",
                "e-mail near, phone missing",
                "e-mail near, phone equal",
                "both near",
                "e-mail near, phone other",
                "e-mail other, phone missing",
                "e-mail other, phone equal",
                "e-mail other, phone near",
                "both other",
            ],
            Self::NationalId => &["equal", "one slip", "other"],
        }
    }
}

/// What comparing two records says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(pub u64);

impl Pattern {
    /// The level of each comparison, in their order.
    pub fn levels(self) -> [usize; COMPARISONS] {
        let mut rest = self.0;
        [0; COMPARISONS].map(|_: i32| {
            let level = usize::try_from(rest & 15).unwrap_or(0);
            rest >>= 4;
            level
        })
    }

    /// The comparisons alone.
    pub const fn compared(self) -> u64 {
        self.0 & ((1 << RULES_AT) - 1)
    }

    /// The blocking rules that make the pair, a bit each.
    pub const fn rules(self) -> u64 {
        self.0 >> RULES_AT
    }

    /// The same comparisons, made by these rules.
    #[must_use]
    pub const fn made_by(self, rules: u64) -> Self {
        Self(self.compared() | rules << RULES_AT)
    }
}

/// Compares two rows; which rules made them a pair is not asked here.
pub fn compare(a: &Row, b: &Row) -> Pattern {
    let (given, surname) = names(a, b);
    let levels =
        [given, surname, born(a.born, b.born), address(a, b), contact(a, b), national_id(a, b)];
    Pattern(levels.iter().rev().fold(0, |all, it| all << 4 | it))
}

const NEAR: f64 = 0.92;
const ALIKE: f64 = 0.84;
const FAINT: f64 = 0.70;
const STREET: f64 = 0.90;

fn names(a: &Row, b: &Row) -> (u64, u64) {
    let mut given = name(&a.given, &b.given, FAINT);
    let mut surname = name(&a.surname, &b.surname, ALIKE);
    if given >= FAINTLY && surname == OTHER && swapped(a, b) {
        return (5, 4);
    }
    let initial = |x: &Text, y: &Text| x.len() == 1 && x.prefix(1) == y.prefix(1);
    if given > 3 && (initial(&a.given, &b.given) || initial(&b.given, &a.given)) {
        given = 4;
    }
    if surname == OTHER {
        surname = 5;
    }
    (given, surname)
}

const FAINTLY: u64 = 6;
const OTHER: u64 = 7;

/// 0 missing, 1 equal, 2 and 3 alike, 6 faintly alike, 7 other.
fn name(a: &Text, b: &Text, floor: f64) -> u64 {
    if !a.is_some() || !b.is_some() {
        return 0;
    }
    if a.same(b) {
        return 1;
    }
    match a.likeness(b, floor) {
        it if it >= NEAR => 2,
        it if it >= ALIKE => 3,
        it if it >= floor => FAINTLY,
        _ => OTHER,
    }
}

fn swapped(a: &Row, b: &Row) -> bool {
    a.given.likeness(&b.surname, NEAR) >= NEAR && a.surname.likeness(&b.given, NEAR) >= NEAR
}

fn born(a: u32, b: u32) -> u64 {
    if a == 0 || b == 0 {
        return 0;
    }
    if a == b {
        return 1;
    }
    let apart = a ^ b;
    // One bit for every decimal digit that differs.
    let digits = (apart | apart >> 1 | apart >> 2 | apart >> 3) & 0x1111_1111;
    let low = digits.trailing_zeros();
    let neighbours = digits == 0x11 << low;
    let pair = |it: u32| (it >> low) & 0xff;
    let slipped = neighbours && pair(a) == (pair(b) >> 4 | (pair(b) & 15) << 4);
    let (day, month) = (a & 0xff, (a >> 8) & 0xff);
    let exchanged = b == (a & 0xffff_0000) | day << 8 | month;
    match digits.count_ones() {
        1 => 2,
        2 if slipped => 2,
        2 => 3,
        _ if exchanged => 3,
        _ if apart >> 16 == 0 || apart.trailing_zeros() >= 16 => 4,
        _ if decimal(a >> 16).abs_diff(decimal(b >> 16)) <= 10 => 5,
        _ => 6,
    }
}

/// The number four binary-coded digits spell.
const fn decimal(it: u32) -> u32 {
    (it >> 12 & 15) * 1000 + (it >> 8 & 15) * 100 + (it >> 4 & 15) * 10 + (it & 15)
}

fn address(a: &Row, b: &Row) -> u64 {
    let (mut known, mut equal, mut near) = (0, 0, 0);
    if a.street.is_some() && b.street.is_some() {
        known += 1;
        if a.street.same(&b.street) {
            equal += 1;
        } else {
            near += u32::from(a.street.likeness(&b.street, STREET) >= STREET);
        }
    }
    for (x, y) in [(a.number, b.number), (a.postcode, b.postcode)] {
        if x != 0 && y != 0 {
            known += 1;
            if x == y {
                equal += 1;
            } else {
                near += u32::from(within_one(x.into(), y.into()));
            }
        }
    }
    match (known, equal, equal + near) {
        (0, ..) => 0,
        (_, 3, _) => 1,
        (_, 2, _) | (.., 3) => 2,
        (.., 2) => 3,
        (_, 1, _) => 4,
        _ => 5,
    }
}

fn contact(a: &Row, b: &Row) -> u64 {
    let email = match (a.email.is_some() && b.email.is_some(), a.email.same(&b.email)) {
        (false, _) => 0,
        (_, true) => 1,
        _ if a.email.likeness(&b.email, NEAR) >= NEAR => 2,
        _ => 3,
    };
    let phone = match (a.phone, b.phone) {
        (0, _) | (_, 0) => 0,
        (x, y) if x == y => 1,
        (x, y) if one_digit(x, y) => 2,
        _ => 3,
    };
    4 * email + phone
}

/// Whether two numbers differ in one digit, or in two neighbours swapped.
const fn one_digit(a: u64, b: u64) -> bool {
    let apart = a ^ b;
    let digits = (apart | apart >> 1 | apart >> 2 | apart >> 3) & 0x1111_1111_1111_1111;
    let low = digits.trailing_zeros();
    if digits.is_power_of_two() {
        return true;
    }
    let (x, y) = ((a >> low) & 0xff, (b >> low) & 0xff);
    digits == 0x11 << low && x == (y >> 4 | (y & 15) << 4)
}

fn national_id(a: &Row, b: &Row) -> u64 {
    match (a.national_id, b.national_id) {
        (0, _) | (_, 0) => 0,
        (x, y) if x == y => 1,
        (x, y) if within_one(x, y) => 2,
        _ => 3,
    }
}
