//! Thresholds from an error budget: how sure one must be so that few of the links are wrong.

use super::model::{STEPS_PER_BIT, Weight};

/// The threshold without a budget: four to one for one person, once all evidence is in.
pub const DEFAULT: Weight = Weight(2 * STEPS_PER_BIT);
/// The bits a histogram spans, each way.
const BITS_MAX: i32 = 64;
/// How finely a bit is divided.
const BINS_PER_BIT: i32 = 4;

/// How many pairs weigh what, a quarter bit a bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram(Vec<u64>);

impl Default for Histogram {
    fn default() -> Self {
        let bins = usize::try_from(2 * BITS_MAX * BINS_PER_BIT).unwrap_or(0);
        Self(vec![0; bins])
    }
}

impl Histogram {
    /// Counts a pair.
    pub fn add(&mut self, weight: Weight) {
        let bin = weight.0.div_euclid(STEPS_PER_BIT / BINS_PER_BIT) + BITS_MAX * BINS_PER_BIT;
        let bin = bin.clamp(0, 2 * BITS_MAX * BINS_PER_BIT - 1);
        if let Some(it) = usize::try_from(bin).ok().and_then(|it| self.0.get_mut(it)) {
            *it += 1;
        }
    }

    /// The bins with pairs, ascending: the weight from which, and how many.
    pub fn bins(&self) -> impl DoubleEndedIterator<Item = (Weight, u64)> {
        let from =
            |bin: i32| Weight((bin - BITS_MAX * BINS_PER_BIT) * (STEPS_PER_BIT / BINS_PER_BIT));
        let bins = (0_i32..2 * BITS_MAX * BINS_PER_BIT).zip(self.0.iter().copied());
        bins.filter(|it| it.1 > 0).map(move |(bin, n)| (from(bin), n))
    }

    /// How many pairs weigh more than this, and how many of them the model expects to be wrong.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub fn above(&self, threshold: Weight) -> (u64, f64) {
        let above = self.bins().filter(|it| it.0 >= threshold);
        above.fold((0, 0.0), |(pairs, wrong), (weight, n)| {
            (pairs + n, wrong + n as f64 * (1.0 - weight.probability()))
        })
    }

    /// The lowest threshold at which at most this share of the pairs above is expected wrong.
    ///
    /// A model's own expectation: until an audit of links bounds it, it budgets and proves nothing.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub fn within(&self, budget: f64) -> Option<Weight> {
        let (mut pairs, mut wrong, mut lowest) = (0_u64, 0.0, None);
        for (weight, n) in self.bins().rev() {
            pairs += n;
            wrong += n as f64 * (1.0 - weight.probability());
            if wrong <= budget * pairs as f64 {
                lowest = Some(weight);
            } else {
                break;
            }
        }
        lowest
    }
}
