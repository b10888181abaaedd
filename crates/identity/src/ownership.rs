//! From groups to people: heads, and which soft identifiers belong to whom.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Epoch, Instant, NodeId, SubjectId};

use crate::{
    graph::{Edge, Graph, Rank},
    namespace::{Class, Namespace},
    node::NamespaceId,
    partition::{Conflict, Partition},
    ports::{Link, Member, Person},
    reason,
};

/// Everything that follows from the live assertions of whole components.
#[derive(Debug)]
pub struct People {
    /// Who is one person, by links alone.
    pub partition: Partition,
    /// Every person, ascending by subject; epochs are not derived and stand at 0.
    pub persons: BTreeMap<SubjectId, Person>,
    /// Links and attachments that were refused.
    pub conflicts: BTreeSet<Conflict>,
}

impl People {
    /// The people of a graph.
    pub fn of(graph: &Graph<'_>) -> Self {
        let partition = Partition::of(graph);
        let mut settling = Settling {
            graph,
            partition: &partition,
            persons: BTreeMap::new(),
            head_of: BTreeMap::new(),
            conflicts: partition.conflicts.iter().cloned().collect(),
        };
        settling.found();
        let touches = settling.touches();
        settling.settle_soft(&touches);
        let Settling { mut persons, conflicts, .. } = settling;
        for person in persons.values_mut() {
            person.members.sort();
        }
        Self { partition, persons, conflicts }
    }
}

/// One person's sightings of one soft node.
struct Touch {
    rank: Rank,
    edge: (NodeId, NodeId, crate::assertion::AssertionId),
    within: (Instant, Instant),
    /// Whether the person may hold this value.
    eligible: bool,
}

/// By soft node, then by group.
type Touches = BTreeMap<NodeId, BTreeMap<usize, Touch>>;

struct Settling<'g, 'a> {
    graph: &'g Graph<'a>,
    partition: &'g Partition,
    persons: BTreeMap<SubjectId, Person>,
    head_of: BTreeMap<usize, SubjectId>,
    conflicts: BTreeSet<Conflict>,
}

const ALWAYS: (Instant, Instant) = (Instant::from_micros(i64::MIN), Instant::from_micros(i64::MAX));

impl Settling<'_, '_> {
    /// Every group with an anchor, or of several nodes, is a person headed by its founder.
    fn found(&mut self) {
        for (i, group) in self.partition.groups.iter().enumerate() {
            let anchors = group.iter().filter(|it| self.graph.anchor(**it)).count();
            if anchors == 0 && group.len() < 2 {
                continue;
            }
            let founders = group.iter().filter(|it| anchors == 0 || self.graph.anchor(**it));
            let age = |it: &&NodeId| self.graph.nodes.get(*it).map(|it| (it.first_seq, it.key.key));
            let Some(founder) = founders.min_by_key(age) else { continue };
            let subject = SubjectId::from_uuid(founder.uuid());
            self.head_of.insert(i, subject);
            let anchors = u32::try_from(anchors).unwrap_or(u32::MAX);
            self.person(subject).anchors = anchors;
            for node in group {
                self.place(subject, *node, Placing { link: Link::Hard, home: true, names: true });
            }
        }
    }

    /// Who was ever sighted on which soft node, and whether they may hold it.
    fn touches(&mut self) -> Touches {
        let mut touches = Touches::new();
        let refused: BTreeSet<_> = self.conflicts.iter().map(|it| it.assertion).collect();
        let graph = self.graph;
        // A contact that a person may not be joined by is still a contact of that person.
        let refused = graph.hard.iter().filter(|it| refused.contains(&it.assertion.id));
        let refused = refused.flat_map(|it| [*it, Edge { a: it.b, b: it.a, ..*it }]);
        let soft = graph.soft.iter().copied();
        for edge in refused.filter(|it| self.contact(it.a) && graph.anchor(it.b)).chain(soft) {
            self.touch(&mut touches, &edge);
        }
        self.limit(&mut touches);
        touches
    }

    fn touch(&self, touches: &mut Touches, edge: &Edge<'_>) {
        let Some(group) = self.partition.group(edge.b) else { return };
        let Some(namespace) = self.graph.namespace(edge.a) else { return };
        if self.partition.group(edge.a) == Some(group) || self.declared_apart(edge.a, group) {
            return;
        }
        let seen = match edge.assertion.kind {
            crate::assertion::Kind::Attach { .. } => namespace.seen(edge.assertion.at),
            _ => edge.assertion.at,
        };
        let reach = namespace.reach(seen);
        touches
            .entry(edge.a)
            .or_default()
            .entry(group)
            .and_modify(|it| {
                it.within = (it.within.0.min(reach.0), it.within.1.max(reach.1));
                if edge.rank < it.rank {
                    it.rank = edge.rank;
                    it.edge = (edge.a, edge.b, edge.assertion.id);
                }
            })
            .or_insert(Touch {
                rank: edge.rank,
                edge: (edge.a, edge.b, edge.assertion.id),
                within: reach,
                eligible: true,
            });
    }

    fn declared_apart(&self, soft: NodeId, group: usize) -> bool {
        self.graph.apart.iter().any(|it| {
            (it.a == soft && self.partition.group(it.b) == Some(group))
                || (it.b == soft && self.partition.group(it.a) == Some(group))
        })
    }

    /// Past what a person may hold, later sightings by rank are refused.
    fn limit(&mut self, touches: &mut Touches) {
        let mut by_person: BTreeMap<(usize, NamespaceId), Vec<(Rank, NodeId)>> = BTreeMap::new();
        for (soft, groups) in &*touches {
            let Some(namespace) = self.graph.namespace(*soft) else { continue };
            for (group, touch) in groups {
                let held = by_person.entry((*group, namespace.id.clone())).or_default();
                held.push((touch.rank, *soft));
            }
        }
        for ((group, namespace), mut held) in by_person {
            let max = self.graph.rules.namespace(&namespace).map_or(0, |it| it.max_per_person);
            let hard = self.partition.groups.get(group).into_iter().flatten();
            let hard = hard
                .filter(|it| self.graph.nodes.get(it).is_some_and(|n| n.key.namespace == namespace))
                .count();
            let room = usize::try_from(max).unwrap_or(usize::MAX).saturating_sub(hard);
            held.sort();
            for (_, soft) in held.into_iter().skip(room) {
                let touch = touches.get_mut(&soft).and_then(|it| it.get_mut(&group));
                let Some(touch) = touch else { continue };
                touch.eligible = false;
                let (a, b, assertion) = touch.edge;
                let reason = reason::CARDINALITY;
                self.conflicts.insert(Conflict { assertion, a, b, reason, against: None });
            }
        }
    }

    fn settle_soft(&mut self, touches: &Touches) {
        let none = BTreeMap::new();
        for node in self.graph.nodes.keys() {
            let sightings = touches.get(node).unwrap_or(&none);
            match self.partition.group(*node).and_then(|it| self.head_of.get(&it)).copied() {
                Some(home) => self.settle_promoted(*node, home, sightings),
                None => self.settle_loose(*node, sightings),
            }
        }
    }

    /// A contact that joins one person and was sighted on others is shared by all of them.
    fn settle_promoted(&mut self, node: NodeId, home: SubjectId, touched: &BTreeMap<usize, Touch>) {
        let max = self.graph.namespace(node).map_or(0, |it| it.max_persons);
        if !self.contact(node) || touched.is_empty() {
            return;
        }
        let shared = count(touched.len() + 1) > max;
        let link = if shared { Link::Shared } else { Link::Soft };
        let own = self.person(home).members.iter_mut().find(|it| it.node == node);
        if let Some(own) = own {
            own.names = false;
            own.link = if shared { Link::Shared } else { own.link };
        }
        self.place_all(node, touched, link);
    }

    fn settle_loose(&mut self, node: NodeId, touched: &BTreeMap<usize, Touch>) {
        let namespace = self.graph.namespace(node);
        let max = namespace.map_or(0, |it| it.max_persons);
        let shared = count(touched.len()) > max;
        let own = SubjectId::from_uuid(node.uuid());
        let blocked = self.graph.blocked.contains(&node);
        let held = touched.values().any(|it| it.eligible);
        let keeps_all = namespace.is_some_and(Namespace::kept_by_all);
        if blocked || !held || (shared && !keeps_all) {
            let names = touched.is_empty() && !blocked && max > 0;
            self.place(own, node, Placing { link: Link::Alone, home: true, names });
        } else if let (false, [(group, touch)]) = (shared, &*touched.iter().collect::<Vec<_>>()) {
            let Some(subject) = self.head_of.get(group).copied() else { return };
            self.place(subject, node, Placing { link: Link::Soft, home: true, names: true });
            self.reach(subject, node, touch.within);
        } else {
            let link = if shared { Link::Shared } else { Link::Soft };
            self.place(own, node, Placing { link, home: true, names: false });
            self.place_all(node, touched, link);
        }
    }

    fn place_all(&mut self, node: NodeId, touched: &BTreeMap<usize, Touch>, link: Link) {
        for (group, touch) in touched.iter().filter(|it| it.1.eligible) {
            if let Some(subject) = self.head_of.get(group).copied() {
                self.place(subject, node, Placing { link, home: false, names: false });
                self.reach(subject, node, touch.within);
            }
        }
    }

    fn contact(&self, node: NodeId) -> bool {
        self.graph.namespace(node).is_some_and(|it| it.class == Class::Contact)
    }

    fn person(&mut self, subject: SubjectId) -> &mut Person {
        self.persons.entry(subject).or_insert_with(|| Person {
            subject,
            epoch: Epoch::default(),
            members: Vec::new(),
            anchors: 0,
        })
    }

    fn place(&mut self, subject: SubjectId, node: NodeId, placing: Placing) {
        let Some(known) = self.graph.nodes.get(&node) else { return };
        let member = Member {
            node,
            namespace: known.key.namespace.clone(),
            link: placing.link,
            home: placing.home,
            verified: self.graph.verified.contains(&node),
            names: placing.names,
            within: ALWAYS,
        };
        self.person(subject).members.push(member);
    }

    fn reach(&mut self, subject: SubjectId, node: NodeId, within: (Instant, Instant)) {
        let members = &mut self.person(subject).members;
        if let Some(it) = members.iter_mut().find(|it| it.node == node) {
            it.within = within;
        }
    }
}

#[derive(Clone, Copy)]
struct Placing {
    link: Link,
    home: bool,
    names: bool,
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
