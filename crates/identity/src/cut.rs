//! The fewest assertions whose retraction separates two nodes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kernel::NodeId;

use crate::{assertion::AssertionId, graph::Edge};

/// The assertions of a least cut between two nodes, ascending; ties fall to the side of `from`.
pub fn least_cut(edges: &[Edge<'_>], from: NodeId, to: NodeId) -> Vec<AssertionId> {
    let mut room: BTreeMap<(NodeId, NodeId), usize> = BTreeMap::new();
    for edge in edges {
        *room.entry((edge.a, edge.b)).or_default() += 1;
        *room.entry((edge.b, edge.a)).or_default() += 1;
    }
    if from == to {
        return Vec::new();
    }
    while let Some(path) = path(&room, from, to) {
        for (a, b) in path {
            if let Some(it) = room.get_mut(&(a, b)) {
                *it -= 1;
            }
            *room.entry((b, a)).or_default() += 1;
        }
    }
    let side = reached(&room, from).into_keys().collect::<BTreeSet<_>>();
    let crossing = edges.iter().filter(|it| side.contains(&it.a) != side.contains(&it.b));
    crossing.map(|it| it.assertion.id).collect::<BTreeSet<_>>().into_iter().collect()
}

type Room = BTreeMap<(NodeId, NodeId), usize>;

fn path(room: &Room, from: NodeId, to: NodeId) -> Option<Vec<(NodeId, NodeId)>> {
    let came_from = reached(room, from);
    let mut path = Vec::new();
    let mut at = to;
    while at != from {
        let before = *came_from.get(&at)?;
        path.push((before, at));
        at = before;
    }
    Some(path)
}

/// Every node with room on the way from here, and the one it was reached through.
fn reached(room: &Room, from: NodeId) -> BTreeMap<NodeId, NodeId> {
    let mut neighbours: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    for ((a, b), _) in room.iter().filter(|it| *it.1 > 0) {
        neighbours.entry(*a).or_default().push(*b);
    }
    let mut came_from = BTreeMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        for next in neighbours.get(&at).into_iter().flatten() {
            if !came_from.contains_key(next) {
                came_from.insert(*next, at);
                queue.push_back(*next);
            }
        }
    }
    came_from
}
