//! Clusters: which records are one person, by all evidence between them and not by chains of links.

use std::collections::BTreeMap;

use super::{
    CLUSTER_RECORDS_MAX,
    model::Weight,
    row::{RecordKey, Row},
};

/// What speaks for two rows being one person, or against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// One row.
    pub left: u32,
    /// The other.
    pub right: u32,
    /// The log-odds.
    pub weight: Weight,
}

/// The most one pair counts, in bits for or against.
const PAIR_BITS_MAX: i32 = 30;

/// Who is one person with whom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clusters {
    /// For every row, the row its cluster is named by: the first in the order of record keys.
    pub of: Vec<u32>,
    /// Joins refused because the cluster would pass [`CLUSTER_RECORDS_MAX`].
    pub over_cap: u64,
    /// Joins refused because two records of one source without duplicates would be one person.
    pub one_source: u64,
}

/// Correlation clustering: strongest pair first, two clusters are joined where all that is known
/// between them, less the threshold a pair, speaks for it.
///
/// The answer depends on the edges and the keys, not on the order of either.
pub fn cluster(
    rows: &[Row],
    keys: &[RecordKey],
    edges: impl Iterator<Item = Edge> + Clone,
    threshold: Weight,
) -> Clusters {
    let mut clusters = Clusters::default();
    let mut links = Forest::new(rows.len());
    for edge in edges.clone().filter(|it| it.weight > threshold) {
        links.join(edge.left, edge.right);
    }
    let mut within: Vec<(u32, Edge)> = Vec::new();
    for edge in edges {
        let root = links.root(edge.left);
        if root == links.root(edge.right) {
            within.push((root, edge));
        }
    }
    let key = |row: u32| usize::try_from(row).ok().and_then(|it| keys.get(it)).copied();
    let ends = |it: &Edge| {
        let (a, b) = (key(it.left), key(it.right));
        (a.min(b), a.max(b))
    };
    within.sort_unstable_by(|(root, a), (other, b)| {
        (root, b.weight).cmp(&(other, a.weight)).then_with(|| ends(a).cmp(&ends(b)))
    });
    let mut settled = Forest::new(rows.len());
    for part in within.chunk_by(|a, b| a.0 == b.0) {
        let agreed = part.last().is_some_and(|it| it.1.weight > threshold)
            && part.len() < CLUSTER_RECORDS_MAX
            && !part.iter().any(|it| unique(rows, it.1.left) || unique(rows, it.1.right));
        if agreed {
            for (_, it) in part {
                settled.join(it.left, it.right);
            }
        } else {
            Part { rows, edges: part, threshold }.agree(&mut settled, &mut clusters);
        }
    }
    clusters.of = name(&mut settled, keys);
    clusters
}

fn unique(rows: &[Row], row: u32) -> bool {
    usize::try_from(row).ok().and_then(|it| rows.get(it)).is_some_and(|it| it.unique)
}

/// The first row by key of every cluster names it.
fn name(links: &mut Forest, keys: &[RecordKey]) -> Vec<u32> {
    let rows = u32::try_from(keys.len()).unwrap_or(u32::MAX);
    let roots: Vec<_> = (0..rows).map(|it| links.root(it)).collect();
    let key = |row: u32| usize::try_from(row).ok().and_then(|it| keys.get(it)).copied();
    let mut names: Vec<u32> = (0..rows).collect();
    for (row, root) in (0..).zip(&roots) {
        let Some(name) = usize::try_from(*root).ok().and_then(|it| names.get_mut(it)) else {
            continue;
        };
        if (key(row), row) < (key(*name), *name) {
            *name = row;
        }
    }
    let name_of = |root: &u32| usize::try_from(*root).ok().and_then(|it| names.get(it)).copied();
    roots.iter().zip(0..).map(|(root, row)| name_of(root).unwrap_or(row)).collect()
}

/// One connected component in which not everything speaks for one person, strongest pair first.
struct Part<'a> {
    rows: &'a [Row],
    edges: &'a [(u32, Edge)],
    threshold: Weight,
}

/// What is known between two clusters, by both names.
type Between = BTreeMap<u32, BTreeMap<u32, i64>>;

impl Part<'_> {
    fn agree(&self, settled: &mut Forest, out: &mut Clusters) {
        let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut between = Between::new();
        for (_, edge) in self.edges {
            for row in [edge.left, edge.right] {
                members.entry(row).or_insert_with(|| vec![row]);
            }
            let limit = PAIR_BITS_MAX * super::model::STEPS_PER_BIT;
            let net = i64::from((edge.weight.0 - self.threshold.0).clamp(-limit, limit));
            for (a, b) in [(edge.left, edge.right), (edge.right, edge.left)] {
                *between.entry(a).or_default().entry(b).or_default() += net;
            }
        }
        let mut home: BTreeMap<u32, u32> = members.keys().map(|it| (*it, *it)).collect();
        // What was refused may be right once its sides have grown: until nothing moves.
        let mut refused = Clusters::default();
        let mut moves = true;
        while moves {
            moves = false;
            refused = Clusters::default();
            for (_, edge) in self.edges.iter().take_while(|it| it.1.weight > self.threshold) {
                let (Some(&a), Some(&b)) = (home.get(&edge.left), home.get(&edge.right)) else {
                    continue;
                };
                let net = between.get(&a).and_then(|it| it.get(&b)).copied().unwrap_or(0);
                if a == b || net <= 0 || !self.may_join(&members, a, b, &mut refused) {
                    continue;
                }
                moves = true;
                settled.join(edge.left, edge.right);
                join(&mut members, &mut home, &mut between, a, b);
            }
        }
        out.over_cap += refused.over_cap;
        out.one_source += refused.one_source;
    }

    fn may_join(
        &self,
        members: &BTreeMap<u32, Vec<u32>>,
        a: u32,
        b: u32,
        out: &mut Clusters,
    ) -> bool {
        let rows = |it: &u32| members.get(it).map(Vec::as_slice).unwrap_or_default();
        let (left, right) = (rows(&a), rows(&b));
        if left.len() + right.len() > CLUSTER_RECORDS_MAX {
            out.over_cap += 1;
            return false;
        }
        let source = |it: &u32| {
            let row = self.rows.get(usize::try_from(*it).ok()?)?;
            row.unique.then_some(row.source)
        };
        let clash = left
            .iter()
            .filter_map(source)
            .any(|it| right.iter().filter_map(source).any(|other| other == it));
        out.one_source += u64::from(clash);
        !clash
    }
}

fn join(
    members: &mut BTreeMap<u32, Vec<u32>>,
    home: &mut BTreeMap<u32, u32>,
    between: &mut Between,
    a: u32,
    b: u32,
) {
    let size = |it| members.get(it).map_or(0, Vec::len);
    let (into, from) = if size(&a) >= size(&b) { (a, b) } else { (b, a) };
    let moved = members.remove(&from).unwrap_or_default();
    for row in &moved {
        home.insert(*row, into);
    }
    members.entry(into).or_default().extend(moved);
    for (other, net) in between.remove(&from).unwrap_or_default() {
        if let Some(it) = between.get_mut(&other) {
            it.remove(&from);
            if other != into {
                *it.entry(into).or_default() += net;
            }
        }
        if other != into {
            *between.entry(into).or_default().entry(other).or_default() += net;
        }
    }
}

/// Union-find over row numbers.
struct Forest(Vec<u32>);

impl Forest {
    fn new(n: usize) -> Self {
        Self((0..u32::try_from(n).unwrap_or(u32::MAX)).collect())
    }

    fn parent(&self, row: u32) -> u32 {
        usize::try_from(row).ok().and_then(|it| self.0.get(it)).copied().unwrap_or(row)
    }

    fn set(&mut self, row: u32, parent: u32) {
        if let Some(it) = usize::try_from(row).ok().and_then(|it| self.0.get_mut(it)) {
            *it = parent;
        }
    }

    fn root(&mut self, mut row: u32) -> u32 {
        while self.parent(row) != row {
            let over = self.parent(self.parent(row));
            self.set(row, over);
            row = over;
        }
        row
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.set(a.max(b), a.min(b));
    }
}
