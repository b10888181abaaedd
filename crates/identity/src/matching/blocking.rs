//! Blocking: which pairs are worth comparing, each once, under a bound on every block.

use wide::u32x4;

use super::{
    BLOCK_ROWS_MAX, LOOSE_ROWS_MAX, MatchError, PAIRS_MAX,
    likeness::Text,
    pattern::Comparison::{self, Address, Born, Contact, Given, NationalId, Surname},
    row::{Row, mix},
};

/// How many rules there are: the keys of a row fill one cache line.
pub const RULES: usize = 16;

/// A rule: its name, and the comparisons that what it asks for decides already.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What two records must share.
    pub name: &'static str,
    /// What says nothing more once they do: left out when the rule's pairs train the model.
    pub forces: &'static [Comparison],
    /// The most rows of a block: what many share by chance is not worth comparing.
    pub rows_max: usize,
}

const fn rule(name: &'static str, forces: &'static [Comparison]) -> Rule {
    Rule { name, forces, rows_max: BLOCK_ROWS_MAX }
}

/// A rule that says little of common names: rules that ask for more find their pairs.
const fn loose(name: &'static str, forces: &'static [Comparison]) -> Rule {
    Rule { name, forces, rows_max: LOOSE_ROWS_MAX }
}

/// Every rule, in the order in which a pair is given to the first that makes it.
pub const ALL: [Rule; RULES] = [
    rule("national id", &[NationalId]),
    rule("e-mail", &[Contact]),
    rule("phone", &[Contact]),
    rule("surname, birth date", &[Surname, Born]),
    rule("given name, birth date", &[Given, Born]),
    loose("surname, postcode", &[Surname, Address]),
    loose("given name, postcode", &[Given, Address]),
    rule("birth date, postcode", &[Born, Address]),
    loose("given name, surname", &[Given, Surname]),
    rule("street, number", &[Address]),
    rule("given name[2], surname[3], birth month", &[Given, Surname, Born]),
    rule("both names in any order, birth date", &[Given, Surname, Born]),
    rule("surname[4], street", &[Surname, Address]),
    rule("given name[3], surname[3], postcode", &[Given, Surname, Address]),
    rule("both names, birth year", &[Given, Surname, Born]),
    rule("initials, birth date", &[Given, Surname, Born]),
];

/// The keys of a row, one a rule; 0 where the row lacks what the rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
pub struct Keys([u32; RULES]);

impl Keys {
    /// The keys of a row under a seed.
    pub fn of(row: &Row, seed: u64) -> Self {
        let (given, surname) = (u64::from(row.given.id()), u64::from(row.surname.id()));
        let (street, email) = (u64::from(row.street.id()), u64::from(row.email.id()));
        let born = u64::from(row.born);
        let head = |it: &Text, n| if it.len() >= n { it.prefix(n) } else { 0 };
        let (g, s) = (row.given, row.surname);
        #[expect(clippy::cast_possible_truncation, reason = "both halves are mixed")]
        let national = (row.national_id as u64, (row.national_id >> 64) as u64 | 1);
        let national = if row.national_id == 0 { (0, 0) } else { national };
        let parts: [[u64; 3]; RULES] = [
            [national.0, national.1, 1],
            [email, 1, 1],
            [row.phone, 1, 1],
            [surname, born, 1],
            [given, born, 1],
            [surname, row.postcode, 1],
            [given, row.postcode, 1],
            [born, row.postcode, 1],
            [given, surname, 1],
            [street, row.number, 1],
            [head(&g, 2), head(&s, 3), born >> 8],
            [given.min(surname), given.max(surname), born],
            [head(&s, 4), street, 1],
            [head(&g, 3), head(&s, 3), row.postcode],
            [given, surname, born >> 16],
            [head(&g, 1), head(&s, 1), born],
        ];
        let mut rule = seed;
        Self(parts.map(|[a, b, c]| {
            rule = rule.wrapping_add(0x9e37_79b9_7f4a_7c15);
            if a == 0 || b == 0 || c == 0 { 0 } else { short(mix(mix(a ^ rule, b), c ^ seed)) }
        }))
    }

    /// The key under a rule.
    pub fn get(&self, rule: usize) -> u32 {
        self.0.get(rule).copied().unwrap_or(0)
    }

    /// Which rules make a pair of two rows: a bit each.
    pub fn shared(&self, other: &Self) -> u32 {
        let four = |a: &[u32; 4], b: &[u32; 4]| {
            let (a, b) = (u32x4::new(*a), u32x4::new(*b));
            (a.simd_eq(b) & !a.simd_eq(u32x4::ZERO)).to_bitmask()
        };
        let (mine, theirs) = (self.0.as_chunks().0.iter(), other.0.as_chunks().0.iter());
        mine.zip(theirs).rev().fold(0, |all, (a, b)| all << 4 | four(a, b))
    }

    /// [`Self::shared`] without wide registers.
    pub fn shared_one_by_one(&self, other: &Self) -> u32 {
        let pairs = self.0.iter().zip(&other.0).rev();
        pairs.fold(0, |all, (x, y)| all << 1 | u32::from(x == y && *x != 0))
    }

    fn clear(&mut self, rule: usize) {
        if let Some(it) = self.0.get_mut(rule) {
            *it = 0;
        }
    }
}

/// The blocks of one rule: rows of at least two, side by side.
#[derive(Debug, Clone, Default)]
pub struct Blocks {
    rows: Vec<u32>,
    ends: Vec<u32>,
    /// How many pairs the blocks make, those other rules make as well included.
    pub pairs: u64,
    /// How many blocks were left out because they had more rows than the rule allows.
    pub skipped: u64,
    /// The rows of the largest block, left out or not.
    pub largest: usize,
}

impl Blocks {
    /// The rows of each block.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let mut from = 0;
        self.ends.iter().map(move |end| {
            let end = usize::try_from(*end).unwrap_or(from);
            let block = self.rows.get(from..end).unwrap_or_default();
            from = end;
            block
        })
    }
}

/// The blocks of every rule; keys of blocks that are left out are cleared, so that no other rule
/// thinks its pair was made already.
pub fn blocks(keys: &mut [Keys]) -> Result<Vec<Blocks>, MatchError> {
    let mut sorted: Vec<u64> = Vec::with_capacity(keys.len());
    let mut all = Vec::with_capacity(RULES);
    for rule in 0..RULES {
        sorted.clear();
        let keyed = (0_u64..).zip(&*keys).filter(|it| it.1.get(rule) != 0);
        sorted.extend(keyed.map(|(row, it)| u64::from(it.get(rule)) << 32 | row));
        sorted.sort_unstable();
        all.push(group(&sorted, rule, keys));
    }
    let pairs = all.iter().map(|it| it.pairs).sum();
    if pairs > PAIRS_MAX { Err(MatchError::TooManyPairs(pairs)) } else { Ok(all) }
}

fn group(sorted: &[u64], rule: usize, keys: &mut [Keys]) -> Blocks {
    let rows_max = ALL.get(rule).map_or(BLOCK_ROWS_MAX, |it| it.rows_max);
    let mut blocks = Blocks::default();
    for block in sorted.chunk_by(|a, b| a >> 32 == b >> 32) {
        blocks.largest = blocks.largest.max(block.len());
        let rows = block.iter().map(|it| short_low(*it));
        if block.len() > rows_max {
            blocks.skipped += 1;
            for row in rows {
                if let Some(it) = usize::try_from(row).ok().and_then(|it| keys.get_mut(it)) {
                    it.clear(rule);
                }
            }
        } else if block.len() > 1 {
            let n = block.len() as u64;
            blocks.pairs += n * (n - 1) / 2;
            blocks.rows.extend(rows);
            blocks.ends.push(u32::try_from(blocks.rows.len()).unwrap_or(u32::MAX));
        }
    }
    blocks
}

/// A key that is never 0.
const fn short(it: u64) -> u32 {
    let high = (it >> 32) as u32;
    if high == 0 { 1 } else { high }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
const fn short_low(it: u64) -> u32 {
    it as u32
}
