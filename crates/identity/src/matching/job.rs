//! A whole job, from folded records to clusters, with what each phase made.

use super::{
    MatchError,
    blocking::{self, Blocks, Keys},
    chance,
    cluster::{self, Clusters, Edge},
    fit::fit,
    model::{Model, Scales, Waterfall, Weight},
    pairs::{Pair, Pairs, compare_all},
    pattern::Pattern,
    probable::{ProbableLink, ProbableUse},
    row::{RecordKey, Table},
    threshold::{self, Histogram},
};

/// What a job may be told.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The seed of samples and hashes.
    pub seed: u64,
    /// How sure one must be.
    pub threshold: Threshold,
}

/// How sure one must be to say that two records are one person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// This weight.
    Weight(Weight),
    /// As low as keeps the share of pairs the model expects to be wrong within this.
    Budget(f64),
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, threshold: Threshold::Weight(threshold::DEFAULT) }
    }
}

/// What a job hears of itself while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Bringing together what is worth comparing.
    Blocking,
    /// Comparing.
    Comparing {
        /// How many pairs the blocks make.
        pairs: u64,
    },
    /// Learning what agreement means.
    Learning,
    /// Weighing and clustering.
    Clustering,
}

/// What a job found.
#[derive(Debug)]
pub struct Outcome {
    /// What each rule brought together.
    pub blocks: Vec<Blocks>,
    /// Every pair that was compared, with its pattern.
    pub pairs: Pairs,
    /// What agreement means.
    pub model: Model,
    /// What it weighs.
    pub scales: Scales,
    /// How many pairs weigh what.
    pub histogram: Histogram,
    /// How sure one had to be.
    pub threshold: Weight,
    /// Who is one person.
    pub clusters: Clusters,
}

/// Matches a table; with a model given, nothing is learnt.
pub fn run(
    table: &Table,
    options: Options,
    model: Option<Model>,
    mut hear: impl FnMut(Phase),
) -> Result<Outcome, MatchError> {
    hear(Phase::Blocking);
    let mut keys: Vec<_> = table.rows().iter().map(|it| Keys::of(it, options.seed)).collect();
    let blocks = blocking::blocks(&mut keys)?;
    hear(Phase::Comparing { pairs: blocks.iter().map(|it| it.pairs).sum() });
    let pairs = compare_all(table.rows(), &keys, &blocks);
    drop(keys);
    hear(Phase::Learning);
    let model = match model {
        Some(it) => it,
        None => fit(&pairs.census, &chance::observed(table, options.seed), possible(table))?,
    };
    hear(Phase::Clustering);
    Ok(score(table, blocks, pairs, model, options.threshold))
}

/// Weighs stored patterns and clusters: no string is touched, whatever the model.
pub fn score(
    table: &Table,
    blocks: Vec<Blocks>,
    pairs: Pairs,
    model: Model,
    threshold: Threshold,
) -> Outcome {
    let scales = model.scales();
    let weigher = Weigher::new(table, &pairs, &scales);
    let edges = pairs.list.iter().map(|it| weigher.edge(it));
    let mut histogram = Histogram::default();
    edges.clone().for_each(|it| histogram.add(it.weight));
    let threshold = match threshold {
        Threshold::Weight(it) => it,
        Threshold::Budget(it) => histogram.within(it).unwrap_or(Weight(i32::MAX)),
    };
    let clusters = cluster::cluster(table.rows(), table.keys(), edges, threshold);
    Outcome { blocks, pairs, model, scales, histogram, threshold, clusters }
}

impl Outcome {
    /// The pairs that weigh more than the threshold and stand in one cluster, strongest first, for
    /// one use; ties by key.
    pub fn links<U: ProbableUse>(&self, table: &Table) -> Vec<(Pair, ProbableLink<U>)> {
        let weigher = Weigher::new(table, &self.pairs, &self.scales);
        let model = self.model.digest();
        let cluster = |row: u32| usize::try_from(row).ok().and_then(|it| self.clusters.of.get(it));
        let key = |row: u32| {
            let key = usize::try_from(row).ok().and_then(|it| table.keys().get(it));
            key.copied().unwrap_or(RecordKey(0))
        };
        let link = |pair: &Pair| {
            let weight = weigher.edge(pair).weight;
            let linked = weight > self.threshold && cluster(pair.left) == cluster(pair.right);
            let ends = (key(pair.left), key(pair.right));
            let ends = (ends.0.min(ends.1), ends.0.max(ends.1));
            let pattern = self.pairs.census.pattern(pair.pattern);
            linked.then(|| (*pair, ProbableLink::new(ends, pattern, weight, model)))
        };
        let mut links: Vec<_> = self.pairs.list.iter().filter_map(link).collect();
        links.sort_unstable_by_key(|(_, it)| (std::cmp::Reverse(it.weight), it.left, it.right));
        links
    }

    /// Why a pair weighs what it weighs.
    pub fn explain(&self, weigher: &Weigher, pair: &Pair) -> Waterfall {
        self.scales.explain(self.pairs.census.pattern(pair.pattern), weigher.terms(pair))
    }
}

/// Weighs pairs by their patterns and by how rare the names are that they share.
#[derive(Debug)]
pub struct Weigher {
    /// By number of pattern: its weight, and 1 for each name that is equal.
    patterns: Vec<(i32, [i32; 2])>,
    /// By row: what sharing its given name adds, and what its surname.
    terms: Vec<[i32; 2]>,
}

impl Weigher {
    /// A weigher of these pairs.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub fn new(table: &Table, pairs: &Pairs, scales: &Scales) -> Self {
        let records = table.rows().len() as f64;
        let of_pattern = |it: &Pattern| {
            let [given, surname, ..] = it.levels();
            (scales.weigh(*it).0, [i32::from(given == 1), i32::from(surname == 1)])
        };
        Self {
            patterns: pairs.census.patterns().iter().map(of_pattern).collect(),
            terms: table.rows().iter().map(|it| scales.terms(it, records)).collect(),
        }
    }

    /// What the shared names of a pair add.
    pub fn terms(&self, pair: &Pair) -> Weight {
        let terms = usize::try_from(pair.left).ok().and_then(|it| self.terms.get(it));
        let [given, surname] = self.pattern(pair).1;
        let [of_given, of_surname] = terms.copied().unwrap_or_default();
        Weight(given * of_given + surname * of_surname)
    }

    /// The pair, weighed.
    pub fn edge(&self, pair: &Pair) -> Edge {
        let weight = Weight(self.pattern(pair).0 + self.terms(pair).0);
        Edge { left: pair.left, right: pair.right, weight }
    }

    fn pattern(&self, pair: &Pair) -> (i32, [i32; 2]) {
        let number = usize::try_from(pair.pattern).ok();
        number.and_then(|it| self.patterns.get(it)).copied().unwrap_or_default()
    }
}

/// How many pairs there could be: all, but those of one source without duplicates.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub fn possible(table: &Table) -> f64 {
    let pairs = |n: usize| n as f64 * (n as f64 - 1.0) / 2.0;
    let mut unique = std::collections::BTreeMap::<u16, usize>::new();
    for row in table.rows().iter().filter(|it| it.unique) {
        *unique.entry(row.source).or_default() += 1;
    }
    pairs(table.rows().len()) - unique.values().map(|it| pairs(*it)).sum::<f64>()
}
