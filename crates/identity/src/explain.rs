//! Explanations: what holds two nodes together, and what keeps them apart.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kernel::{Digest, EventId, Instant, NodeId, Reason, StaffId, SubjectId, SystemId};

use crate::{
    HISTORY_MAX,
    assertion::{Assertion, AssertionId, Kind, Strength},
    graph::Graph,
    namespace::Artifacts,
    node::Node,
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

/// How an entry of the log stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It counts.
    Live,
    /// It was taken back by this one.
    Retracted(AssertionId),
    /// It would break a constraint.
    Refused(Reason),
}

/// One entry of the history of a node's component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was asserted.
    pub assertion: Assertion,
    /// How it stands now.
    pub standing: Standing,
    /// Whom the node belonged to once it had been written down.
    pub subject: Option<SubjectId>,
    /// How many identifiers that person had then.
    pub members: usize,
}

/// How a node came to be whose it is: the last [`HISTORY_MAX`] entries of its component, in order,
/// and what each changed for it.
///
/// The rules are today's: what an entry did is read as it would be done now.
pub fn how(rules: &Artifacts, nodes: &[&Node], assertions: &[Assertion], of: NodeId) -> Vec<Entry> {
    let derive = |upto: &[Assertion]| People::of(&Graph::new(rules, nodes.iter().copied(), upto));
    let now = derive(assertions);
    let mut entries = Vec::new();
    let skipped = assertions.len().saturating_sub(HISTORY_MAX);
    for (upto, assertion) in assertions.iter().enumerate().skip(skipped) {
        let then = derive(assertions.get(..=upto).unwrap_or_default());
        let holder = then
            .persons
            .values()
            .find(|it| it.members.iter().any(|member| member.node == of && member.home));
        let retracted = assertions.iter().find(
            |it| matches!(it.kind, Kind::Retract { assertion: taken, .. } if taken == assertion.id),
        );
        let refused = now.conflicts.iter().find(|it| it.assertion == assertion.id);
        let standing = match (retracted, refused) {
            (Some(it), _) => Standing::Retracted(it.id),
            (None, Some(it)) => Standing::Refused(it.reason.clone()),
            (None, None) => Standing::Live,
        };
        entries.push(Entry {
            assertion: assertion.clone(),
            standing,
            subject: holder.map(|it| it.subject),
            members: holder.map_or(0, |it| it.members.len()),
        });
    }
    entries
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
