//! The hard partition: who is one person, by the strongest links that break no constraint.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{NodeId, Reason};

use crate::{
    COMPONENT_NODES_MAX,
    assertion::{AssertionId, Strength},
    graph::{Edge, Graph},
    node::NamespaceId,
    reason,
};

/// A link that was refused: explanation, and carrier of denials.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The refused assertion.
    pub assertion: AssertionId,
    /// One end.
    pub a: NodeId,
    /// The other end.
    pub b: NodeId,
    /// The constraint it would break.
    pub reason: Reason,
    /// The assertion it clashed with, if it was one.
    pub against: Option<AssertionId>,
}

/// Who is one person with whom.
#[derive(Debug, Default)]
pub struct Partition {
    group_of: BTreeMap<NodeId, usize>,
    /// The groups; a node without links is a group of its own.
    pub groups: Vec<BTreeSet<NodeId>>,
    /// The links that hold the groups together: a forest, strongest first.
    pub forest: Vec<(NodeId, NodeId, AssertionId)>,
    /// The links that were refused.
    pub conflicts: Vec<Conflict>,
    /// Nodes whose component passed its cap.
    pub quarantined: BTreeSet<NodeId>,
}

impl Partition {
    /// The partition of a graph: links by rank, each refused if it breaks a constraint.
    pub fn of(graph: &Graph<'_>) -> Self {
        let mut draft = Draft::new(graph);
        for edge in &graph.hard {
            draft.insert(edge);
        }
        draft.finish()
    }

    /// The group of a node.
    pub fn group(&self, node: NodeId) -> Option<usize> {
        self.group_of.get(&node).copied()
    }
}

#[derive(Default)]
struct Group {
    members: BTreeSet<NodeId>,
    /// Distinct values a namespace; values joined by their owner's word count as one.
    values: BTreeMap<NamespaceId, BTreeSet<NodeId>>,
}

struct Draft<'g, 'a> {
    graph: &'g Graph<'a>,
    /// How strong a link must be past the cap; nothing is strong enough where this is nothing.
    over_cap: BTreeMap<NodeId, Option<Strength>>,
    aliases: Links,
    group_of: BTreeMap<NodeId, usize>,
    groups: Vec<Group>,
    out: Partition,
}

impl<'g, 'a> Draft<'g, 'a> {
    fn new(graph: &'g Graph<'a>) -> Self {
        let mut aliases = Links::default();
        for edge in graph.hard.iter().filter(|it| it.rank.0.0 >= Strength::Owner) {
            let namespace = |it| graph.nodes.get(&it).map(|it| &it.key.namespace);
            if namespace(edge.a) == namespace(edge.b) {
                aliases.join(edge.a, edge.b);
            }
        }
        let mut draft = Self {
            graph,
            over_cap: floors(graph),
            aliases,
            group_of: BTreeMap::new(),
            groups: Vec::with_capacity(graph.nodes.len()),
            out: Partition::default(),
        };
        for (&id, node) in &graph.nodes {
            let value = BTreeSet::from([draft.aliases.root(id)]);
            let values = BTreeMap::from([(node.key.namespace.clone(), value)]);
            draft.group_of.insert(id, draft.groups.len());
            draft.groups.push(Group { members: BTreeSet::from([id]), values });
        }
        draft
    }

    fn insert(&mut self, edge: &Edge<'_>) {
        let (Some(&a), Some(&b)) = (self.group_of.get(&edge.a), self.group_of.get(&edge.b)) else {
            return;
        };
        if a == b {
            return;
        }
        if let Some((reason, against)) = self.objection(edge, a, b) {
            self.out.conflicts.push(Conflict {
                assertion: edge.assertion.id,
                a: edge.a,
                b: edge.b,
                reason,
                against,
            });
            return;
        }
        self.out.forest.push((edge.a, edge.b, edge.assertion.id));
        self.join(a, b);
    }

    fn objection(
        &self,
        edge: &Edge<'_>,
        a: usize,
        b: usize,
    ) -> Option<(Reason, Option<AssertionId>)> {
        if self.over_cap.get(&edge.a).is_some_and(|floor| floor.is_none_or(|it| edge.rank.0.0 < it))
        {
            return Some((reason::OVER_CAP, None));
        }
        let group = |it: NodeId| self.group_of.get(&it).copied();
        let apart = self.graph.apart.iter().find(|it| {
            let ends = (group(it.a), group(it.b));
            ends == (Some(a), Some(b)) || ends == (Some(b), Some(a))
        });
        if let Some(apart) = apart {
            return Some((reason::NOT_SAME, Some(apart.assertion.id)));
        }
        let (left, right) = (self.groups.get(a)?, self.groups.get(b)?);
        let crowded = left.values.iter().any(|(namespace, values)| {
            let Some(others) = right.values.get(namespace) else { return false };
            let max = self.graph.rules.namespace(namespace).map_or(1, |it| it.max_per_person);
            let joint = values.union(others).count();
            joint > usize::try_from(max).unwrap_or(usize::MAX)
        });
        crowded.then_some((reason::CARDINALITY, None))
    }

    fn join(&mut self, a: usize, b: usize) {
        let size = |it: usize| self.groups.get(it).map_or(0, |it| it.members.len());
        let (into, from) = if size(a) >= size(b) { (a, b) } else { (b, a) };
        let Some(moved) = self.groups.get_mut(from).map(std::mem::take) else { return };
        let Some(home) = self.groups.get_mut(into) else { return };
        for node in &moved.members {
            self.group_of.insert(*node, into);
        }
        home.members.extend(moved.members);
        for (namespace, values) in moved.values {
            home.values.entry(namespace).or_default().extend(values);
        }
    }

    fn finish(self) -> Partition {
        let Self { over_cap, group_of, groups, mut out, .. } = self;
        out.quarantined = over_cap.into_keys().collect();
        out.group_of = group_of;
        out.groups = groups.into_iter().map(|it| it.members).collect();
        out
    }
}

/// For nodes of components past their cap: how strong a link must be to count there.
fn floors(graph: &Graph<'_>) -> BTreeMap<NodeId, Option<Strength>> {
    let mut floors = BTreeMap::new();
    if graph.nodes.len() <= COMPONENT_NODES_MAX {
        return floors;
    }
    for (counted, floor) in [(Strength::Stated, Some(Strength::Owner)), (Strength::Owner, None)] {
        let mut links = Links::default();
        for edge in graph.hard.iter().filter(|it| it.rank.0.0 >= counted) {
            links.join(edge.a, edge.b);
        }
        for component in links.components() {
            if component.len() > COMPONENT_NODES_MAX {
                floors.extend(component.into_iter().map(|it| (it, floor)));
            }
        }
    }
    floors
}

/// Union-find over node ids, with the least id as root.
#[derive(Debug, Default)]
pub(crate) struct Links(BTreeMap<NodeId, NodeId>);

impl Links {
    pub(crate) fn root(&self, mut node: NodeId) -> NodeId {
        while let Some(parent) = self.0.get(&node).filter(|it| **it != node) {
            node = *parent;
        }
        node
    }

    pub(crate) fn join(&mut self, a: NodeId, b: NodeId) {
        let (a, b) = (self.root(a), self.root(b));
        let (root, child) = if a < b { (a, b) } else { (b, a) };
        self.0.insert(root, root);
        self.0.insert(child, root);
    }

    pub(crate) fn components(&self) -> Vec<Vec<NodeId>> {
        let mut by_root: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        for node in self.0.keys() {
            by_root.entry(self.root(*node)).or_default().push(*node);
        }
        by_root.into_values().collect()
    }
}
