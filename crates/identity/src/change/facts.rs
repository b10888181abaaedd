//! What a change is told as: pseudonymous, one fact for each thing that happened to somebody.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{NodeId, SubjectId};
use serde_json::{Value, json};

use crate::{
    assertion::{Assertion, Kind},
    ownership::People,
    ports::{Components, Link, NewNode, Person},
};

/// A fact without its id and time.
pub(super) struct Told {
    pub(super) name: &'static str,
    pub(super) subject: Option<SubjectId>,
    pub(super) nodes: Vec<NodeId>,
    pub(super) body: Value,
}

/// A change, before and after.
pub(super) struct Story<'s> {
    pub(super) before: &'s Components,
    pub(super) old: &'s People,
    pub(super) new: &'s People,
    pub(super) persons: &'s [Person],
    pub(super) new_nodes: &'s [NewNode],
    pub(super) assertions: &'s [Assertion],
}

type Homes = BTreeMap<NodeId, SubjectId>;

fn homes<'p>(persons: impl IntoIterator<Item = &'p Person>) -> Homes {
    persons
        .into_iter()
        .flat_map(|it| it.members.iter().filter(|m| m.home).map(|m| (m.node, it.subject)))
        .collect()
}

/// The facts of a change, in a fixed order.
pub(super) fn of(story: &Story<'_>) -> Vec<Told> {
    let before = homes(&story.before.persons);
    let after = homes(story.new.persons.values());
    let mut told = seen(story, &after);
    told.extend(asserted(story));
    told.extend(moved(story, &before, &after));
    told.extend(kept(story));
    told.extend(refused(story));
    told
}

fn seen(story: &Story<'_>, after: &Homes) -> Vec<Told> {
    let mut by_person: BTreeMap<SubjectId, Vec<&NewNode>> = BTreeMap::new();
    for it in story.new_nodes {
        let id = it.placed.node.id;
        let subject = after.get(&id).copied().unwrap_or(SubjectId::from_uuid(id.uuid()));
        by_person.entry(subject).or_default().push(it);
    }
    let told = by_person.into_iter().map(|(subject, nodes)| {
        let names: Vec<_> = nodes.iter().map(|it| it.placed.node.key.namespace.as_str()).collect();
        Told {
            name: "identity.node_seen",
            subject: Some(subject),
            nodes: nodes.iter().map(|it| it.placed.node.id).collect(),
            body: json!({ "namespaces": names }),
        }
    });
    told.collect()
}

fn asserted(story: &Story<'_>) -> Vec<Told> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut told = Vec::new();
    for it in story.assertions {
        match it.kind {
            Kind::Retract { assertion, filed_at } => told.push(Told {
                name: "identity.retracted",
                subject: None,
                nodes: vec![filed_at],
                body: json!({ "assertion": assertion.to_string() }),
            }),
            kind => *counts.entry(kind.name()).or_default() += 1,
        }
    }
    if !counts.is_empty() {
        let body = json!({ "assertions": counts });
        told.push(Told { name: "identity.asserted", subject: None, nodes: Vec::new(), body });
    }
    told
}

/// Who went where: whole people merged, parts split off, soft nodes attached and detached.
fn moved(story: &Story<'_>, before: &Homes, after: &Homes) -> Vec<Told> {
    let anchors: BTreeMap<_, _> =
        story.before.persons.iter().map(|it| (it.subject, it.anchors)).collect();
    let was_person = |it: SubjectId| anchors.get(&it).copied().unwrap_or(0) > 0;
    let is_person = |it: SubjectId| story.new.persons.get(&it).is_some_and(|it| it.anchors > 0);
    let mut moves: BTreeMap<(SubjectId, SubjectId), Vec<NodeId>> = BTreeMap::new();
    for (node, from) in before {
        if let Some(to) = after.get(node).filter(|it| *it != from) {
            moves.entry((*from, *to)).or_default().push(*node);
        }
    }
    let hard = |to: SubjectId, nodes: &[NodeId]| {
        let members = story.new.persons.get(&to).map(|it| &it.members);
        members.into_iter().flatten().any(|m| m.link == Link::Hard && nodes.contains(&m.node))
    };
    let mut told = Vec::new();
    for ((from, to), nodes) in moves {
        let names: &[(&str, SubjectId)] = match (was_person(from), is_person(to)) {
            (true, true) if !is_person(from) => &[("identity.merged", to)],
            (true, true) if hard(to, &nodes) => &[("identity.split", to)],
            (true, true) => &[("identity.detached", from), ("identity.attached", to)],
            (true, false) => &[("identity.detached", from)],
            (false, _) => &[("identity.attached", to)],
        };
        for (name, subject) in names {
            told.push(Told {
                name,
                subject: Some(*subject),
                nodes: nodes.clone(),
                body: json!({ "from": from.to_string(), "to": to.to_string(), "epoch": epoch(story, to) }),
            });
        }
    }
    told
}

fn epoch(story: &Story<'_>, subject: SubjectId) -> u64 {
    story.persons.iter().find(|it| it.subject == subject).map_or(0, |it| it.epoch.0)
}

/// Contacts that more, or fewer, people keep beside the one they resolve to.
fn kept(story: &Story<'_>) -> Vec<Told> {
    let guests = |persons: &mut dyn Iterator<Item = &Person>| -> BTreeSet<(SubjectId, NodeId)> {
        persons
            .flat_map(|it| it.members.iter().filter(|m| !m.home).map(|m| (it.subject, m.node)))
            .collect()
    };
    let silent = |persons: &mut dyn Iterator<Item = &Person>| -> BTreeSet<NodeId> {
        persons
            .flat_map(|it| it.members.iter().filter(|m| m.home && !m.names).map(|m| m.node))
            .collect()
    };
    let before = guests(&mut story.before.persons.iter());
    let after = guests(&mut story.new.persons.values());
    let one = |name, subject: SubjectId, node| Told {
        name,
        subject: Some(subject),
        nodes: vec![node],
        body: json!({ "shared": true, "epoch": epoch(story, subject) }),
    };
    let mut told: Vec<_> =
        after.difference(&before).map(|it| one("identity.attached", it.0, it.1)).collect();
    told.extend(before.difference(&after).map(|it| one("identity.detached", it.0, it.1)));
    let shared = silent(&mut story.new.persons.values());
    let shared: Vec<_> =
        shared.difference(&silent(&mut story.before.persons.iter())).copied().collect();
    if !shared.is_empty() {
        let name = "identity.value_shared";
        told.push(Told { name, subject: None, nodes: shared, body: json!({}) });
    }
    told
}

fn refused(story: &Story<'_>) -> Vec<Told> {
    let fresh = story.new.conflicts.difference(&story.old.conflicts);
    let mut told: Vec<_> = fresh
        .map(|it| Told {
            name: "identity.link_refused",
            subject: None,
            nodes: vec![it.a, it.b],
            body: json!({ "assertion": it.assertion.to_string(), "reason": it.reason.code() }),
        })
        .collect();
    let quarantined = &story.new.partition.quarantined;
    let newly: Vec<_> = quarantined.difference(&story.old.partition.quarantined).copied().collect();
    if !newly.is_empty() {
        let name = "identity.quarantined";
        told.push(Told { name, subject: None, nodes: newly, body: json!({}) });
    }
    told
}
