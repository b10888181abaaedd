//! Pairs: every two records some rule brings together, each once, with what comparing them says.

use std::{collections::HashMap, hash::BuildHasherDefault};

use super::{
    blocking::{Blocks, Keys},
    pattern::{Pattern, compare},
    row::{Hashed, Row},
};

/// Two rows and the number of their pattern in the [`Census`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// One row.
    pub left: u32,
    /// The other.
    pub right: u32,
    /// The number of the pattern.
    pub pattern: u32,
}

/// Every pattern that came, and how often: all that training needs to know of the pairs.
#[derive(Debug, Clone, Default)]
pub struct Census {
    patterns: Vec<Pattern>,
    counts: Vec<u64>,
    numbers: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
}

impl Census {
    /// The patterns, by number.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// The pattern of this number; one that says nothing if there is none.
    pub fn pattern(&self, number: u32) -> Pattern {
        let number = usize::try_from(number).ok();
        number.and_then(|it| self.patterns.get(it)).copied().unwrap_or(Pattern(0))
    }

    /// How often each came.
    pub fn counted(&self) -> impl Iterator<Item = (Pattern, u64)> {
        self.patterns.iter().copied().zip(self.counts.iter().copied())
    }

    /// How many pairs were compared.
    pub fn pairs(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Counts a pattern as often as said; answers its number.
    pub fn add(&mut self, pattern: Pattern, times: u64) -> u32 {
        let next = u32::try_from(self.patterns.len()).unwrap_or(u32::MAX);
        let spread = pattern.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let number = *self.numbers.entry(spread ^ spread >> 32).or_insert(next);
        if number == next {
            self.patterns.push(pattern);
            self.counts.push(0);
        }
        if let Some(it) = usize::try_from(number).ok().and_then(|it| self.counts.get_mut(it)) {
            *it += times;
        }
        number
    }
}

/// Every pair of a job, with the patterns they have.
#[derive(Debug, Clone, Default)]
pub struct Pairs {
    /// The pairs, by rule and block.
    pub list: Vec<Pair>,
    /// Their patterns.
    pub census: Census,
}

/// Compares every pair of every block, each under the first rule that makes it.
pub fn compare_all(rows: &[Row], keys: &[Keys], blocks: &[Blocks]) -> Pairs {
    let mut pairs = Pairs::default();
    for (rule, blocks) in (0_u32..).zip(blocks) {
        let earlier = (1_u32 << rule) - 1;
        for block in blocks.iter() {
            compare_block(rows, keys, block, earlier, &mut pairs);
        }
    }
    pairs
}

fn compare_block(rows: &[Row], keys: &[Keys], block: &[u32], earlier: u32, pairs: &mut Pairs) {
    let at = |it: u32| {
        let it = usize::try_from(it).ok()?;
        Some((rows.get(it)?, keys.get(it)?))
    };
    for (i, &left) in (1..).zip(block) {
        let Some((row, key)) = at(left) else { continue };
        for &right in block.iter().skip(i) {
            let Some((other, other_key)) = at(right) else { continue };
            let shared = key.shared(other_key);
            if shared & earlier != 0 || (row.unique && row.source == other.source) {
                continue;
            }
            let pattern = compare(row, other).made_by(shared.into());
            let pattern = pairs.census.add(pattern, 1);
            pairs.list.push(Pair { left, right, pattern });
        }
    }
}
