//! The laws of [`ContactLedger`](crate::ports::ContactLedger).

use chrono::TimeDelta;
use kernel::{Channel, Class, Fact, Instant, NodeId, TenantId};

use super::{
    DeskFixture,
    sample::{delivery, noon, note, person, tenant},
};
use crate::contact::{ContactId, Entry, EntryState};

fn external(name: &str, node: NodeId, at: Instant, seed: u64) -> (Entry, Fact) {
    let entry = Entry {
        id: ContactId(name.to_owned()),
        node,
        at,
        state: EntryState::Committed,
        channel: Channel::Email,
        class: Class::Service,
        journey: None,
    };
    (entry, note(&delivery(1, &person(1)), "contact.recorded", seed))
}

/// A contact is kept once, with its fact once.
pub async fn a_contact_is_recorded_once(fixture: &dyn DeskFixture) {
    let node = person(1).nodes[0];
    let one = external("comms:1", node, noon(), 1);
    let two = external("comms:2", node, noon(), 2);
    let ledger = fixture.contacts();
    assert_eq!(ledger.record(&tenant(), vec![one.clone()]).await.unwrap(), 1);
    let again = external("comms:1", node, noon().plus(TimeDelta::days(1)), 3);
    assert_eq!(ledger.record(&tenant(), vec![again, two.clone()]).await.unwrap(), 1);
    let history = ledger.history(&tenant(), &[node], Instant::EPOCH).await.unwrap();
    assert_eq!(history, [one.0, two.0]);
    assert_eq!(fixture.facts().await, [one.1, two.1]);
}

/// History is of all nodes asked for, since the instant, oldest first.
pub async fn history_is_of_all_nodes_in_order(fixture: &dyn DeskFixture) {
    let (one, two) = (person(1).nodes, person(2).nodes);
    let at = |hours| noon().plus(TimeDelta::hours(hours));
    let entries = [
        external("c", one[1], at(2), 1),
        external("b", one[0], at(1), 2),
        external("a", one[0], at(0), 3),
        external("d", two[0], at(1), 4),
    ];
    fixture.contacts().record(&tenant(), entries.to_vec()).await.unwrap();
    let history = fixture.contacts().history(&tenant(), &one, at(1)).await.unwrap();
    assert_eq!(history, [entries[1].0.clone(), entries[0].0.clone()]);
    assert!(fixture.contacts().history(&tenant(), &[], at(0)).await.unwrap().is_empty());
}

/// One tenant's contacts are not another's.
pub async fn contacts_of_tenants_do_not_meet(fixture: &dyn DeskFixture) {
    let node = person(1).nodes[0];
    let one = external("comms:1", node, noon(), 1);
    fixture.contacts().record(&tenant(), vec![one]).await.unwrap();
    let other = TenantId::new("other").unwrap();
    let history = fixture.contacts().history(&other, &[node], Instant::EPOCH).await.unwrap();
    assert!(history.is_empty());
}
