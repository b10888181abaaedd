//! How good an answer is, where the truth is known: pairs, whole clusters, B-cubed.

use std::{collections::BTreeMap, hash::Hash};

/// Right of what was said, said of what is right, and both at once.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// Of what was said, how much is right.
    pub precision: f64,
    /// Of what is right, how much was said.
    pub recall: f64,
}

impl Score {
    /// The harmonic mean of both.
    pub fn f1(self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 { 2.0 * self.precision * self.recall / sum } else { 0.0 }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    fn of(right: u64, said: u64, truth: u64) -> Self {
        let share = |of: u64| if of == 0 { 1.0 } else { right as f64 / of as f64 };
        Self { precision: share(said), recall: share(truth) }
    }
}

/// An answer against the truth.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quality {
    /// Over pairs of records within a cluster.
    pub pairs: Score,
    /// Over clusters of more than one record that are right as a whole.
    pub clusters: Score,
    /// B-cubed: the mean over records of how pure and how complete their cluster is.
    pub records: Score,
    /// How many records were judged.
    pub judged: u64,
}

/// Judges clusters, given for each record the cluster it was put in and the one it belongs in.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub fn judge<C: Ord + Copy + Hash, T: Ord + Copy + Hash>(
    records: impl Iterator<Item = (C, T)>,
) -> Quality {
    let (mut said, mut truth) = (BTreeMap::<C, u64>::new(), BTreeMap::<T, u64>::new());
    let mut both = BTreeMap::<(C, T), u64>::new();
    for (cluster, person) in records {
        *said.entry(cluster).or_default() += 1;
        *truth.entry(person).or_default() += 1;
        *both.entry((cluster, person)).or_default() += 1;
    }
    let pairs = |n: &u64| n * n.saturating_sub(1) / 2;
    let (mut whole, mut pure, mut complete) = (0, 0.0, 0.0);
    for ((cluster, person), n) in &both {
        let (of_cluster, of_person) = (said.get(cluster), truth.get(person));
        let (of_cluster, of_person) = (*of_cluster.unwrap_or(n), *of_person.unwrap_or(n));
        whole += u64::from(*n > 1 && *n == of_cluster && *n == of_person);
        pure += (*n * *n) as f64 / of_cluster as f64;
        complete += (*n * *n) as f64 / of_person as f64;
    }
    let judged: u64 = both.values().sum();
    let mean = |sum: f64| if judged == 0 { 1.0 } else { sum / judged as f64 };
    let clusters_said = said.values().filter(|it| **it > 1).count() as u64;
    Quality {
        pairs: Score::of(
            both.values().map(pairs).sum(),
            said.values().map(pairs).sum(),
            truth.values().map(pairs).sum(),
        ),
        clusters: Score::of(
            whole,
            clusters_said,
            truth.values().filter(|it| **it > 1).count() as u64,
        ),
        records: Score { precision: mean(pure), recall: mean(complete) },
        judged,
    }
}
