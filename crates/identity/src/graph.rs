//! The live assertions of whole components, indexed; ids never decide anything here, keys do.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Digest, Instant, NodeId};

use crate::{
    assertion::{Assertion, Kind, Strength},
    namespace::{Artifacts, Class, Namespace},
    node::Node,
};

/// The order in which links are tried: nothing in it depends on when they arrived.
pub type Rank = (std::cmp::Reverse<Strength>, usize, Instant, Digest);

/// One live link between two nodes.
#[derive(Debug, Clone, Copy)]
pub struct Edge<'a> {
    /// The assertion behind it.
    pub assertion: &'a Assertion,
    /// One end.
    pub a: NodeId,
    /// The other end.
    pub b: NodeId,
    /// Its place in the order.
    pub rank: Rank,
}

/// What is live.
#[derive(Debug)]
pub struct Graph<'a> {
    /// The namespaces in force.
    pub rules: &'a Artifacts,
    /// The nodes by id.
    pub nodes: BTreeMap<NodeId, &'a Node>,
    /// Values that were proven.
    pub verified: BTreeSet<NodeId>,
    /// Values that stand for nobody.
    pub blocked: BTreeSet<NodeId>,
    /// Links between nodes that may join, by rank.
    pub hard: Vec<Edge<'a>>,
    /// Sightings of a soft node (`a`) with an anchor (`b`), by rank.
    pub soft: Vec<Edge<'a>>,
    /// Who was declared to be two.
    pub apart: Vec<Edge<'a>>,
}

impl<'a> Graph<'a> {
    /// Indexes what is live among these assertions.
    pub fn new(
        rules: &'a Artifacts,
        nodes: impl IntoIterator<Item = &'a Node>,
        assertions: impl IntoIterator<Item = &'a Assertion>,
    ) -> Self {
        let live = live(assertions);
        let mut graph = Self {
            rules,
            nodes: nodes.into_iter().map(|it| (it.id, it)).collect(),
            verified: BTreeSet::new(),
            blocked: BTreeSet::new(),
            hard: Vec::new(),
            soft: Vec::new(),
            apart: Vec::new(),
        };
        for assertion in &live {
            match assertion.kind {
                Kind::Verify(it) => drop(graph.verified.insert(it)),
                Kind::Block(it) => drop(graph.blocked.insert(it)),
                _ => {}
            }
        }
        for assertion in live {
            graph.link(assertion);
        }
        for edges in [&mut graph.hard, &mut graph.soft, &mut graph.apart] {
            edges.sort_by_key(|it| it.rank);
        }
        graph
    }

    /// The namespace of a node, if the artifact in force still names it.
    pub fn namespace(&self, node: NodeId) -> Option<&'a Namespace> {
        self.rules.namespace(&self.nodes.get(&node)?.key.namespace)
    }

    /// Whether a node is an anchor by nature.
    pub fn anchor(&self, node: NodeId) -> bool {
        self.namespace(node).is_some_and(|it| it.class == Class::Anchor)
    }

    /// Whether a node joins people: an anchor, or a contact promoted by proof.
    pub fn joins(&self, node: NodeId) -> bool {
        self.anchor(node)
            || (self.verified.contains(&node)
                && self.namespace(node).is_some_and(|it| it.verified_joins))
    }

    fn link(&mut self, assertion: &'a Assertion) {
        let (Kind::Same(a, b) | Kind::NotSame(a, b) | Kind::Attach { soft: a, anchor: b }) =
            assertion.kind
        else {
            return;
        };
        let usable = |it| self.namespace(it).is_some() && !self.blocked.contains(&it);
        if !usable(a) || !usable(b) {
            return;
        }
        let rank = (
            std::cmp::Reverse(assertion.evidence.strength),
            self.rules.precedence(&assertion.evidence.source),
            assertion.at,
            assertion.content,
        );
        let edge = Edge { assertion, a, b, rank };
        match assertion.kind {
            Kind::NotSame(..) => self.apart.push(edge),
            Kind::Same(..) if self.joins(a) && self.joins(b) => self.hard.push(edge),
            // A contact whose proof was taken back is a contact that was sighted.
            Kind::Same(..) if self.joins(a) => self.soft.push(Edge { a: b, b: a, ..edge }),
            _ if self.joins(b) => self.soft.push(edge),
            _ => {}
        }
    }
}

/// The assertions that no retraction names.
pub fn live<'a>(assertions: impl IntoIterator<Item = &'a Assertion>) -> Vec<&'a Assertion> {
    let all: Vec<_> = assertions.into_iter().collect();
    let retracted: BTreeSet<_> = all
        .iter()
        .filter_map(|it| match it.kind {
            Kind::Retract { assertion, .. } => Some(assertion),
            _ => None,
        })
        .collect();
    all.into_iter()
        .filter(|it| !matches!(it.kind, Kind::Retract { .. }) && !retracted.contains(&it.id))
        .collect()
}
