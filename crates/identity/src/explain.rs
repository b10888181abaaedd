//! Explanations: what holds two nodes together, and what keeps them apart.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kernel::{Digest, EventId, Instant, NodeId, StaffId, SystemId};

use crate::{
    assertion::{Assertion, AssertionId, Strength},
    graph::Graph,
    ownership::People,
    partition::Conflict,
};

/// One link on the way from one node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The assertion.
    pub assertion: AssertionId,
    /// From.
    pub a: NodeId,
    /// To.
    pub b: NodeId,
    /// How strongly it is asserted.
    pub strength: Strength,
    /// Who says so.
    pub source: SystemId,
    /// The event that said it.
    pub event: Option<EventId>,
    /// The steward who decided.
    pub actor: Option<StaffId>,
    /// Since when.
    pub at: Instant,
    /// The namespaces artifact in force when it was written.
    pub rules: Digest,
}

/// Why two nodes are, or are not, one person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Why {
    /// The strongest path; empty where they are not one person.
    pub steps: Vec<Step>,
    /// What was refused between nodes of the two.
    pub against: Vec<Conflict>,
}

/// Why two nodes are, or are not, one person.
///
/// The path runs through the links that hold the person together; those were inserted strongest
/// first, so no other path has a stronger weakest link.
pub fn why(
    graph: &Graph<'_>,
    people: &People,
    assertions: &[Assertion],
    from: NodeId,
    to: NodeId,
) -> Why {
    let refused: BTreeSet<_> = people.conflicts.iter().map(|it| it.assertion).collect();
    let hard = people.partition.forest.iter().copied();
    let soft = graph.soft.iter().map(|it| (it.a, it.b, it.assertion.id));
    let mut links: BTreeMap<NodeId, Vec<(NodeId, AssertionId)>> = BTreeMap::new();
    for (a, b, assertion) in hard.chain(soft.filter(|it| !refused.contains(&it.2))) {
        links.entry(a).or_default().push((b, assertion));
        links.entry(b).or_default().push((a, assertion));
    }
    let group = |it| people.partition.group(it);
    let ends = [group(from), group(to)];
    let against = people
        .conflicts
        .iter()
        .filter(|it| ends.contains(&group(it.a)) && ends.contains(&group(it.b)))
        .cloned()
        .collect();
    let together = people.persons.values().any(|it| {
        let holds = |node| it.members.iter().any(|m| m.node == node);
        holds(from) && holds(to)
    });
    let steps = if together { path(&links, assertions, from, to) } else { Vec::new() };
    Why { steps, against }
}

fn path(
    links: &BTreeMap<NodeId, Vec<(NodeId, AssertionId)>>,
    assertions: &[Assertion],
    from: NodeId,
    to: NodeId,
) -> Vec<Step> {
    let mut came_from = BTreeMap::from([(from, None)]);
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        for (next, assertion) in links.get(&at).into_iter().flatten() {
            if !came_from.contains_key(next) {
                came_from.insert(*next, Some((at, *assertion)));
                queue.push_back(*next);
            }
        }
    }
    let mut steps = Vec::new();
    let mut at = to;
    while let Some(Some((before, assertion))) = came_from.get(&at) {
        if let Some(it) = assertions.iter().find(|it| it.id == *assertion) {
            steps.push(Step {
                assertion: it.id,
                a: *before,
                b: at,
                strength: it.evidence.strength,
                source: it.evidence.source.clone(),
                event: it.evidence.event,
                actor: it.evidence.actor.clone(),
                at: it.at,
                rules: it.evidence.rules,
            });
        }
        at = *before;
    }
    steps.reverse();
    steps
}
