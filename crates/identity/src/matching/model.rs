//! The model: an artifact of integers from which every weight follows, bit for bit.

use kernel::Digest;
use serde::{Deserialize, Serialize};

use super::{
    chance::{Levels, UNKNOWN, probability},
    pattern::{COMPARISONS, Comparison, Pattern},
    row::Row,
};

/// How many steps a bit of weight has.
pub const STEPS_PER_BIT: i32 = 1024;
/// The format of the artifact.
const FORMAT: u32 = 1;
/// Probabilities are kept as integers of this fraction.
const PARTS: f64 = 1e12;
/// No probability is kept as 0: an absent one would forbid what was merely not seen.
const LEAST: u64 = 1;
/// How far the share of a name moves its weight, in bits, before it is halved.
const TERM_BITS_MAX: f64 = 6.0;

/// Log-odds that two records are one person, in 1/1024 bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weight(pub i32);

impl Weight {
    /// The weight of this many bits.
    pub fn bits(bits: f64) -> Self {
        let most = f64::from(i32::MAX / STEPS_PER_BIT);
        let steps = libm::round(bits.clamp(-most, most) * f64::from(STEPS_PER_BIT));
        #[expect(clippy::cast_possible_truncation, reason = "clamped above")]
        Self(steps as i32)
    }

    /// In bits.
    pub fn as_bits(self) -> f64 {
        f64::from(self.0) / f64::from(STEPS_PER_BIT)
    }

    /// The probability that the two are one person.
    pub fn probability(self) -> f64 {
        let odds = libm::exp2(self.as_bits());
        if odds.is_finite() { odds / (1.0 + odds) } else { 1.0 }
    }
}

/// One comparison of the artifact: what is likely of each level, from level 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    same: Vec<u64>,
    household: Vec<u64>,
    strangers: Vec<u64>,
}

/// What was learnt; probabilities in 10^-12, shares in 10^-18.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    format: u32,
    matches: u64,
    households: u64,
    comparisons: Vec<Table>,
}

/// Why an artifact is no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Not the shape of one.
    #[error("not a matching model of format 1: {0}")]
    Shape(String),
}

/// One line of the explanation of a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What was compared.
    pub comparison: Comparison,
    /// What it said.
    pub says: &'static str,
    /// How far that moves towards one person, against strangers.
    pub same: Weight,
    /// How far it moves towards one household, against strangers.
    pub household: Weight,
}

/// Why a pair weighs what it weighs: `prior + steps - household + terms = total`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waterfall {
    /// What two records weigh before anything is compared.
    pub prior: Weight,
    /// What each comparison adds; those with a gap on a side add nothing and are left out.
    pub steps: Vec<Step>,
    /// What is taken off because a household explains the same as well or better.
    pub household: Weight,
    /// What is added or taken off because the names are rare or common.
    pub terms: Weight,
    /// The weight.
    pub total: Weight,
}

impl Model {
    pub(super) fn new(m: &Levels, h: &Levels, u: &Levels, shares: (f64, f64)) -> Self {
        let table = |(comparison, (m, (h, u))): (&Comparison, (&_, (&_, &_)))| {
            let defined = comparison.levels().len();
            let whole = |it: &[f64; 16]| -> Vec<u64> {
                it.iter().skip(1).take(defined).map(|it| parts(it * PARTS)).collect()
            };
            Table { same: whole(m), household: whole(h), strangers: whole(u) }
        };
        let levels = m.iter().zip(h.iter().zip(u));
        Self {
            format: FORMAT,
            matches: parts(shares.0 * 1e18),
            households: parts(shares.1 * 1e18),
            comparisons: Comparison::ALL.iter().zip(levels).map(table).collect(),
        }
    }

    /// Reads the artifact.
    pub fn parse(json: &str) -> Result<Self, ModelError> {
        let shape = |it: &str| ModelError::Shape(it.to_owned());
        let model: Self =
            serde_json::from_str(json).map_err(|it| ModelError::Shape(it.to_string()))?;
        if model.format != FORMAT {
            return Err(shape("another format"));
        }
        let fits = |(comparison, table): (&Comparison, &Table)| {
            let each = [&table.same, &table.household, &table.strangers];
            each.iter()
                .all(|it| it.len() == comparison.levels().len() && it.iter().all(|it| *it >= LEAST))
        };
        let all = model.comparisons.len() == COMPARISONS
            && Comparison::ALL.iter().zip(&model.comparisons).all(fits)
            && model.matches >= LEAST
            && model.households >= LEAST;
        if all { Ok(model) } else { Err(shape("levels are missing, or a probability is 0")) }
    }

    /// The artifact, always in the same bytes.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// What the artifact is called.
    pub fn digest(&self) -> Digest {
        Digest::of(self.to_json().as_bytes())
    }

    /// The tables, ready to weigh.
    pub fn scales(&self) -> Scales {
        let levels = |of: fn(&Table) -> &Vec<u64>| {
            let mut levels = UNKNOWN;
            for (out, table) in levels.iter_mut().zip(&self.comparisons) {
                for (out, it) in out.iter_mut().skip(1).zip(of(table)) {
                    *out = real(*it) / PARTS;
                }
            }
            levels
        };
        Scales {
            m: levels(|it| &it.same),
            h: levels(|it| &it.household),
            u: levels(|it| &it.strangers),
            matches: real(self.matches) / 1e18,
            households: real(self.households) / 1e18,
        }
    }
}

/// A model, ready to weigh.
#[derive(Debug, Clone, PartialEq)]
pub struct Scales {
    m: Levels,
    h: Levels,
    u: Levels,
    matches: f64,
    households: f64,
}

impl Scales {
    /// What a pattern weighs, how common the names are apart.
    pub fn weigh(&self, pattern: Pattern) -> Weight {
        let [m, h, u] = [&self.m, &self.h, &self.u].map(|it| probability(it, pattern));
        Weight::bits(libm::log2(self.matches * m / (self.households * h + u)))
    }

    /// What sharing a record's given name and its surname adds for being rarer, or takes off for
    /// being commoner, than shared names are; `records` is how many there are.
    ///
    /// Half of what the share says, because fields are not independent.
    pub fn terms(&self, row: &Row, records: f64) -> [i32; 2] {
        let [[_, given, ..], [_, surname, ..], ..] = self.u;
        [(given, row.given_count), (surname, row.surname_count)].map(|(chance, count)| {
            let share = f64::from(count.max(1)) / records;
            let bits = libm::log2(chance / share).clamp(-TERM_BITS_MAX, TERM_BITS_MAX);
            Weight::bits(bits / 2.0).0
        })
    }

    /// Why a pattern weighs what it weighs.
    pub fn explain(&self, pattern: Pattern, terms: Weight) -> Waterfall {
        let prior = Weight::bits(libm::log2(self.matches));
        let each = Comparison::ALL.iter().zip(pattern.levels());
        let tables = self.m.iter().zip(self.h.iter().zip(&self.u));
        let steps: Vec<_> = each
            .zip(tables)
            .filter(|((_, level), _)| *level > 0)
            .map(|((comparison, level), (m, (h, u)))| {
                let at = |it: &[f64; 16]| it.get(level).copied().unwrap_or(1.0);
                Step {
                    comparison: *comparison,
                    says: comparison.levels().get(level - 1).copied().unwrap_or_default(),
                    same: Weight::bits(libm::log2(at(m) / at(u))),
                    household: Weight::bits(libm::log2(at(h) / at(u))),
                }
            })
            .collect();
        let weight = self.weigh(pattern);
        let apart = prior.0 + steps.iter().map(|it| it.same.0).sum::<i32>();
        Waterfall {
            prior,
            steps,
            household: Weight(apart - weight.0),
            terms,
            total: Weight(weight.0 + terms.0),
        }
    }

    /// The shares of matches and of household pairs among all pairs there could be.
    pub const fn prevalence(&self) -> (f64, f64) {
        (self.matches, self.households)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10^18")]
fn parts(it: f64) -> u64 {
    (libm::round(it) as u64).max(LEAST)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "what the artifact says to the last integer matters, not beyond 2^53"
)]
const fn real(it: u64) -> f64 {
    it as f64
}
