//! How often two records agree by chance: what all pairs say, before matches are taken out.

use super::{
    dice::Dice,
    pattern::{COMPARISONS, Comparison, LEVELS, Pattern, compare},
    row::{Row, Table},
};

/// A probability for every level of every comparison; level 0, missing, says nothing and stands at 1.
pub type Levels = [[f64; LEVELS]; COMPARISONS];

/// Levels of which nothing is known.
pub(super) const UNKNOWN: Levels = {
    let level = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    [level; COMPARISONS]
};

/// How many pairs are drawn.
const SAMPLE: usize = 1 << 20;

/// How often each level comes among all pairs, given that both sides have a value.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub fn observed(table: &Table, seed: u64) -> Levels {
    let rows = table.rows();
    let counts = sample(table, seed);
    let mut levels = UNKNOWN;
    for (comparison, (out, counts)) in Comparison::ALL.iter().zip(levels.iter_mut().zip(&counts)) {
        let known: u64 = counts.iter().skip(1).sum();
        let defined = comparison.levels().len();
        let total = known as f64 + 0.5 * defined as f64;
        let drawn = out.iter_mut().zip(counts).skip(1).take(defined);
        drawn.for_each(|(out, count)| *out = (*count as f64 + 0.5) / total);
    }
    let [given, surname, born, address, contact, national] = &mut levels;
    exact(given, 1, equal(rows, |it| u64::from(it.given.id())));
    exact(surname, 1, equal(rows, |it| u64::from(it.surname.id())));
    exact(born, 1, equal(rows, |it| u64::from(it.born)));
    exact(national, 1, equal(rows, |it| fold(it.national_id)));
    let (all, two) = addresses(rows);
    exact(address, 2, two);
    exact(address, 1, all);
    contacts(contact, rows, &counts);
    levels
}

/// Levels of drawn pairs; of all pairs where there are not more.
fn sample(table: &Table, seed: u64) -> [[u64; LEVELS]; COMPARISONS] {
    let rows = table.rows();
    let mut counts = [[0; LEVELS]; COMPARISONS];
    let mut count = |a: usize, b: usize| {
        let (Some(a), Some(b)) = (rows.get(a), rows.get(b)) else { return };
        for (counts, level) in counts.iter_mut().zip(compare(a, b).levels()) {
            if let Some(it) = counts.get_mut(level) {
                *it += 1;
            }
        }
    };
    let n = rows.len();
    if n < 2 {
        return counts;
    }
    if n * (n - 1) / 2 <= SAMPLE {
        (0..n).for_each(|i| (0..i).for_each(|j| count(i, j)));
    } else {
        let mut dice = Dice::new(seed);
        for _ in 0..SAMPLE {
            let (i, j) = (dice.below(n), dice.below(n - 1));
            count(i, j + usize::from(j >= i));
        }
    }
    counts
}

/// Puts an exact probability at a level; the others share the rest as before.
fn exact(levels: &mut [f64; LEVELS], at: usize, probability: f64) {
    let before = levels.get(at).copied().unwrap_or(0.0);
    let scale = (1.0 - probability) / (1.0 - before);
    for (level, it) in levels.iter_mut().enumerate().skip(1) {
        *it = if level == at { probability.max(f64::MIN_POSITIVE) } else { *it * scale };
    }
}

/// The share of pairs that agree, among those of rows that have a value.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn equal(rows: &[Row], value: impl Fn(&Row) -> u64) -> f64 {
    let mut values: Vec<_> = rows.iter().map(value).filter(|it| *it != 0).collect();
    let n = values.len() as f64;
    if values.len() < 2 { 0.0 } else { agreeing(&mut values) / (n * (n - 1.0) / 2.0) }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn agreeing(values: &mut [u64]) -> f64 {
    values.sort_unstable();
    values.chunk_by(|a, b| a == b).map(|it| it.len() as f64 * (it.len() as f64 - 1.0) / 2.0).sum()
}

/// Of pairs that both have some address: how many agree in all three parts, how many in two.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn addresses(rows: &[Row]) -> (f64, f64) {
    let parts = |it: &Row| [u64::from(it.street.id()), it.number, it.postcode];
    let some = rows.iter().filter(|it| parts(it) != [0; 3]).count() as f64;
    if some < 2.0 {
        return (0.0, 0.0);
    }
    let pairs = |of: &dyn Fn([u64; 3]) -> Vec<u64>| {
        let mut values: Vec<_> = rows
            .iter()
            .map(|it| of(parts(it)))
            .filter(|it| !it.contains(&0))
            .map(|it| it.into_iter().fold(1, mixed))
            .collect();
        agreeing(&mut values) / (some * (some - 1.0) / 2.0)
    };
    let all = pairs(&|it| it.to_vec());
    let two = pairs(&|[s, n, _]| vec![s, n])
        + pairs(&|[s, _, p]| vec![s, p])
        + pairs(&|[_, n, p]| vec![n, p]);
    (all, (two - 3.0 * all).max(0.0))
}

/// E-mail and phone agree by chance independently of each other.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn contacts(out: &mut [f64; LEVELS], rows: &[Row], counts: &[[u64; LEVELS]; COMPARISONS]) {
    let [.., counts, _] = counts;
    let drawn = counts.iter().sum::<u64>() as f64 + 4.0;
    let (mut email, mut phone) = ([1.0 / drawn; 4], [1.0 / drawn; 4]);
    for (level, count) in counts.iter().enumerate() {
        for (marginal, at) in [(&mut email, level / 4), (&mut phone, level % 4)] {
            if let Some(it) = marginal.get_mut(at) {
                *it += *count as f64 / drawn;
            }
        }
    }
    let [missing, same, ..] = &mut email;
    *same = (equal(rows, |it| u64::from(it.email.id())) * (1.0 - *missing)).max(1e-12);
    let [missing, same, ..] = &mut phone;
    *same = (equal(rows, |it| it.phone) * (1.0 - *missing)).max(1e-12);
    let mut total = 0.0;
    for (level, it) in out.iter_mut().enumerate().skip(1) {
        let of = |marginal: &[f64; 4], at: usize| marginal.get(at).copied().unwrap_or(0.0);
        *it = of(&email, level / 4) * of(&phone, level % 4);
        total += *it;
    }
    out.iter_mut().skip(1).for_each(|it| *it /= total);
}

/// The level of a comparison in a pattern, as probability under these levels.
pub(super) fn probability(levels: &Levels, pattern: Pattern) -> f64 {
    let each = levels.iter().zip(pattern.levels());
    each.map(|(levels, at)| levels.get(at).copied().unwrap_or(1.0)).product()
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are mixed")]
const fn fold(it: u128) -> u64 {
    (it as u64).rotate_left(17) ^ (it >> 64) as u64
}

const fn mixed(all: u64, it: u64) -> u64 {
    (all.rotate_left(23) ^ it).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
