//! Naming: whom identifiers name together, and where an event on them is kept.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Instant, NodeId, Reason, SubjectId};

use crate::{
    identifier::Resolved,
    namespace::{Class, Namespace},
    ports::Person,
    reason,
};

/// Whom these nodes name at an instant, given the person each of them resolves to.
pub fn name(
    seen: &[(&Namespace, NodeId)],
    persons: &BTreeMap<NodeId, Person>,
    at: Instant,
    mut reasons: Vec<Reason>,
) -> Resolved {
    let nodes = seen.iter().map(|it| it.1).collect();
    let mut ranked: Vec<_> = seen
        .iter()
        .filter_map(|(namespace, node)| Some((*namespace, *node, persons.get(node)?)))
        .collect();
    ranked.sort_by_key(|(namespace, node, _)| {
        (namespace.class != Class::Anchor, namespace.priority, *node)
    });
    let Some((best, node, person)) = ranked.first().copied() else {
        reasons.push(reason::UNKNOWN);
        return Resolved { person: None, nodes, origin: None, reasons };
    };
    if best.class != Class::Anchor {
        return soft(&ranked, nodes, at, reasons);
    }
    let stranger = |it: &(&Namespace, NodeId, &Person)| {
        it.0.class == Class::Anchor && it.2.subject != person.subject
    };
    if ranked.iter().any(stranger) {
        reasons.push(reason::TWO_ANCHORS);
    }
    Resolved { person: Some(person.at()), nodes, origin: Some(node), reasons }
}

/// An event without an anchor goes to a person only if all owners of its nodes agree.
fn soft(
    ranked: &[(&Namespace, NodeId, &Person)],
    nodes: Vec<NodeId>,
    at: Instant,
    mut reasons: Vec<Reason>,
) -> Resolved {
    let mut owners: BTreeMap<SubjectId, (NodeId, &Person)> = BTreeMap::new();
    let mut silent = BTreeSet::new();
    let mut fresh = None;
    let mut nobodys = None;
    for (namespace, node, person) in ranked {
        let Some(member) = person.members.iter().find(|it| it.node == *node) else { continue };
        if !member.names {
            silent.insert(reason::SHARED);
            // What several people keep is no place for an event that is none of theirs.
            if !namespace.kept_by_all() {
                nobodys.get_or_insert(*node);
            }
        } else if at < member.within.0 || at > member.within.1 {
            silent.insert(reason::EXPIRED);
        } else if person.subject.uuid() == node.uuid() && person.anchors == 0 {
            fresh.get_or_insert((*node, *person));
        } else {
            owners.entry(person.subject).or_insert((*node, *person));
        }
    }
    let mut owners = owners.into_values();
    let (person, origin) = match (owners.next(), owners.next(), fresh) {
        (Some(_), Some(_), _) => {
            reasons.push(reason::CONTRADICTORY);
            (None, None)
        }
        (Some((node, person)), None, _) => (Some(person.at()), Some(node)),
        (None, _, Some((node, person))) if silent.is_empty() => (Some(person.at()), Some(node)),
        (None, _, fresh) => {
            reasons.extend(silent);
            (None, fresh.map(|it| it.0).or(nobodys))
        }
    };
    Resolved { person, nodes, origin, reasons }
}
