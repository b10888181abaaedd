//! Laws over random histories: order, undoing, increments, constraints.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Limit, StaffId};
use proptest::prelude::*;

use super::stories::{House, house, shipped, sighting};
use crate::{
    Sighting, Strength,
    assertion::{Assertion, Kind},
    cut,
    graph::{Graph, live},
    node::{Node, NodeKey},
    ownership::People,
    ports::{AssertionLog, Directory, Link},
};

/// A small world, so that identifiers meet often.
fn any_sighting() -> impl Strategy<Value = Sighting> {
    let identifier = prop_oneof![
        (0..4_u8).prop_map(|n| format!("user_id:u{n}")),
        (0..4_u8).prop_map(|n| format!("crm_id:c{n}")),
        (0..3_u8).prop_map(|n| format!("service_no:s{n}")),
        (0..4_u8, any::<bool>())
            .prop_map(|(n, it)| format!("{}email:e{n}@mail.example", if it { "!" } else { "" })),
        (0..3_u8).prop_map(|n| format!("device:d{n}")),
        (0..2_u8).prop_map(|n| format!("policy_no:p{n}")),
    ];
    let texts = prop::collection::btree_set(identifier, 1..4);
    let strength = prop::sample::select(vec![Strength::Stated, Strength::Proven, Strength::Owner]);
    (texts, 0..200_i64, strength).prop_map(|(texts, on, strength)| {
        let text = texts.into_iter().collect::<Vec<_>>().join(" ");
        Sighting { strength, ..sighting(on, &text) }
    })
}

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Everything the log has, as it would be read back.
async fn everything(house: &House) -> (Vec<Node>, Vec<Assertion>) {
    let log = house.store.page(&house.tenant, 0, Limit::MAX).await.unwrap();
    let mut nodes = BTreeMap::new();
    for key in keys() {
        let read = house.store.components(&house.tenant, &[key]).await.unwrap();
        nodes.extend(read.nodes.into_iter().map(|it| (it.node.id, it.node)));
    }
    (nodes.into_values().collect(), log)
}

fn keys() -> Vec<NodeKey> {
    let mut text = Vec::new();
    for n in 0..4 {
        text.push(format!("user_id:u{n} crm_id:c{n} service_no:s{n} email:e{n}@mail.example"));
        text.push(format!("device:d{n} policy_no:p{n}"));
    }
    let rules = shipped();
    let blinder = crate::Blinder::new(&[7; 32]);
    let tenant = kernel::TenantId::new("acme").unwrap();
    let read = |it: &String| {
        let identifiers = sighting(0, it).identifiers;
        crate::reading::identifiers(&rules, &blinder, &tenant, &identifiers).seen
    };
    let keys: Vec<_> = text
        .iter()
        .flat_map(|it| read(it).into_iter().map(|s| s.key).collect::<Vec<_>>())
        .collect();
    keys
}

/// People in words that do not depend on who came first: keys instead of ids, no founders.
type Shape = BTreeSet<Vec<(NodeKey, Link, bool, bool, (i64, i64))>>;

fn shape(nodes: &[Node], people: &People) -> Shape {
    let keys: BTreeMap<_, _> = nodes.iter().map(|it| (it.id, &it.key)).collect();
    let one = |it: &crate::ports::Person| {
        let mut members: Vec<_> = it
            .members
            .iter()
            .map(|m| {
                let within = (m.within.0.micros(), m.within.1.micros());
                (keys[&m.node].clone(), m.link, m.home, m.names, within)
            })
            .collect();
        members.sort();
        members
    };
    people.persons.values().map(one).collect()
}

fn derive(nodes: &[Node], assertions: &[Assertion]) -> People {
    let rules = shipped();
    People::of(&Graph::new(&rules, nodes, assertions))
}

fn after(sightings: &[Sighting], batch: usize) -> (House, Vec<Node>, Vec<Assertion>) {
    let house = house();
    let (nodes, log) = now(async {
        for chunk in sightings.chunks(batch) {
            house.service.resolve(&house.tenant, chunk).await.unwrap();
        }
        everything(&house).await
    });
    (house, nodes, log)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_arrival_order_gives_the_same_people(
        (one, other) in prop::collection::vec(any_sighting(), 1..14)
            .prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle())),
        batch in 1..6_usize,
    ) {
        let (_, nodes, log) = after(&one, 1);
        let (_, nodes_again, log_again) = after(&other, batch);
        prop_assert_eq!(
            shape(&nodes, &derive(&nodes, &log)),
            shape(&nodes_again, &derive(&nodes_again, &log_again))
        );
    }

    #[test]
    fn what_is_kept_step_by_step_is_what_the_whole_log_gives(
        sightings in prop::collection::vec(any_sighting(), 1..14),
        batch in 1..4_usize,
    ) {
        let (house, nodes, log) = after(&sightings, batch);
        let people = derive(&nodes, &log);
        for person in people.persons.values() {
            for member in person.members.iter().filter(|it| it.home) {
                let stored = now(house.store.persons(&house.tenant, &[member.node])).unwrap();
                prop_assert_eq!(&stored[0].1.members, &person.members);
                prop_assert_eq!(stored[0].1.subject, person.subject);
                prop_assert_eq!(stored[0].1.anchors, person.anchors);
            }
        }
    }

    #[test]
    fn every_id_ever_issued_resolves_to_one_home(
        sightings in prop::collection::vec(any_sighting(), 1..14),
    ) {
        let (house, nodes, log) = after(&sightings, 1);
        let people = derive(&nodes, &log);
        for node in &nodes {
            let homes = people.persons.values().flat_map(|it| &it.members);
            prop_assert_eq!(homes.filter(|it| it.home && it.node == node.id).count(), 1);
            prop_assert!(now(house.service.person(&house.tenant, node.id.uuid())).unwrap().is_some());
        }
    }

    #[test]
    fn a_log_with_something_retracted_is_a_log_that_never_held_it(
        sightings in prop::collection::vec(any_sighting(), 1..14),
        pick in any::<prop::sample::Index>(),
    ) {
        let (_, nodes, log) = after(&sightings, 1);
        prop_assume!(!log.is_empty());
        let gone = pick.get(&log).clone();
        let without: Vec<_> = log.iter().filter(|it| it.id != gone.id).cloned().collect();
        let kind = Kind::Retract { assertion: gone.id, filed_at: gone.kind.nodes().0 };
        let retract = Assertion {
            id: crate::assertion::AssertionId::from_uuid(uuid::Uuid::from_bytes([9; 16])),
            kind,
            ..gone
        };
        let with: Vec<_> = log.iter().cloned().chain([retract]).collect();
        let (with, without) = (derive(&nodes, &with), derive(&nodes, &without));
        prop_assert_eq!(with.persons, without.persons);
        prop_assert_eq!(with.conflicts, without.conflicts);
    }

    #[test]
    fn no_person_breaks_a_constraint(
        sightings in prop::collection::vec(any_sighting(), 1..14),
        a in any::<prop::sample::Index>(),
        b in any::<prop::sample::Index>(),
    ) {
        let (house, nodes, _) = after(&sightings, 1);
        let (a, b) = (a.get(&nodes).id, b.get(&nodes).id);
        let anna = StaffId::new("anna").unwrap();
        let _ = now(house.service.unlink(&house.tenant, anna, a, b, "not the same"));
        let (nodes, log) = now(everything(&house));
        let rules = shipped();
        let graph = Graph::new(&rules, &nodes, &log);
        let people = People::of(&graph);
        let group = |it| people.partition.group(it);
        for it in live(&log) {
            if let Kind::NotSame(a, b) = it.kind {
                prop_assert_ne!(group(a), group(b));
            }
        }
        // Without an owner's word, one user and one customer number a person.
        let owners: Vec<_> = log.iter().filter(|it| it.evidence.strength < Strength::Owner).cloned().collect();
        for group in derive(&nodes, &owners).partition.groups {
            for namespace in ["user_id", "crm_id"] {
                let held = nodes.iter().filter(|it| {
                    group.contains(&it.id) && it.key.namespace.as_str() == namespace
                });
                prop_assert!(held.count() <= 1);
            }
        }
    }

    #[test]
    fn what_if_is_what_happens(sightings in prop::collection::vec(any_sighting(), 2..10)) {
        let (house, nodes, log) = after(&sightings, 1);
        let people = derive(&nodes, &log);
        let Some(group) = people.partition.groups.iter().find(|it| it.len() > 1) else {
            return Ok(());
        };
        let ends: Vec<_> = group.iter().copied().collect();
        let (a, b) = (ends[0], ends[ends.len() - 1]);
        let asked = now(house.service.what_if_unlinked(&house.tenant, (a, b))).unwrap();
        let (_, untouched) = now(everything(&house));
        prop_assert_eq!(&untouched, &log, "asking wrote something");
        let anna = StaffId::new("anna").unwrap();
        let done = now(house.service.unlink(&house.tenant, anna, a, b, "wrong")).unwrap();
        prop_assert_eq!(asked.retracts, done.retracted);
        let mut after: Vec<_> = asked.after.iter().map(crate::ports::Person::at).collect();
        let mut happened = vec![done.first, done.second];
        after.sort_by_key(|it| it.subject);
        happened.sort_by_key(|it| it.subject);
        prop_assert_eq!(after, happened);
        prop_assert_eq!(asked.before.len(), 1);
    }

    #[test]
    fn the_last_entry_of_a_history_is_the_present(
        sightings in prop::collection::vec(any_sighting(), 1..10),
    ) {
        let (house, nodes, _) = after(&sightings, 1);
        for node in &nodes {
            let history = now(house.service.how(&house.tenant, node.id)).unwrap();
            let person = now(house.service.known(&house.tenant, node.id.uuid())).unwrap().unwrap();
            // An identifier that was only ever named alone has no history.
            let Some(last) = history.last() else { continue };
            prop_assert_eq!(last.subject, Some(person.subject));
            prop_assert_eq!(last.members, person.members.len());
        }
    }

    #[test]
    fn unlinking_separates_and_restores_former_heads(
        sightings in prop::collection::vec(any_sighting(), 2..10),
    ) {
        let (house, nodes, log) = after(&sightings, 1);
        let people = derive(&nodes, &log);
        let Some(group) = people.partition.groups.iter().find(|it| it.len() > 1) else {
            return Ok(());
        };
        let ends: Vec<_> = group.iter().copied().collect();
        let (a, b) = (ends[0], ends[ends.len() - 1]);
        let anna = StaffId::new("anna").unwrap();
        let unlinked = now(house.service.unlink(&house.tenant, anna, a, b, "wrong")).unwrap();
        prop_assert!(!unlinked.first.nodes.contains(&b) || !unlinked.second.nodes.contains(&a)
            || unlinked.first.subject != unlinked.second.subject);
        prop_assert_ne!(unlinked.first.subject, unlinked.second.subject);
        // The same log without what was retracted, and with the declaration that takes attachments
        // between the two away as well, gives the same heads.
        let (_, told) = now(everything(&house));
        let declared = told.into_iter().filter(|it| matches!(it.kind, Kind::NotSame(..)));
        let live = log.iter().filter(|it| !unlinked.retracted.contains(&it.id)).cloned();
        let kept: Vec<_> = live.chain(declared).collect();
        let kept = derive(&nodes, &kept);
        let head = |node| {
            kept.persons.values().find(|it| it.members.iter().any(|m| m.home && m.node == node))
                .map(|it| it.subject)
        };
        prop_assert_eq!(Some(unlinked.first.subject), head(a));
        prop_assert_eq!(Some(unlinked.second.subject), head(b));
    }

    #[test]
    fn a_least_cut_is_the_least(
        sightings in prop::collection::vec(any_sighting(), 2..8),
    ) {
        let (_, nodes, log) = after(&sightings, 1);
        let rules = shipped();
        let graph = Graph::new(&rules, &nodes, &log);
        let people = People::of(&graph);
        let group = |it| people.partition.group(it);
        let Some(big) = people.partition.groups.iter().find(|it| it.len() > 2) else {
            return Ok(());
        };
        let ends: Vec<_> = big.iter().copied().collect();
        let within: Vec<_> = graph.hard.iter()
            .filter(|it| group(it.a) == group(ends[0]) && group(it.b) == group(ends[0]))
            .copied().collect();
        let cut = cut::least_cut(&within, ends[0], ends[1]);
        let separates = |without: &BTreeSet<_>| {
            let mut links = crate::partition::Links::default();
            for it in within.iter().filter(|it| !without.contains(&it.assertion.id)) {
                links.join(it.a, it.b);
            }
            links.root(ends[0]) != links.root(ends[1])
        };
        let whole: BTreeSet<_> = cut.iter().copied().collect();
        prop_assert!(separates(&whole));
        for spared in &cut {
            let smaller = whole.iter().filter(|it| *it != spared).copied().collect();
            prop_assert!(!separates(&smaller));
        }
    }
}
