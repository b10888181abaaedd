//! The laws of [`Ledger`].

use async_trait::async_trait;
use kernel::{Epoch, Fact, Limit};

use super::{chance, fact, grant, node, other_tenant, said, sealed, tenant, uuid, withdrawal};
use crate::{
    ConsentEvent, NodeLog,
    ports::{AppendError, Ledger, Transition},
};

/// A ledger under test, and the facts it let out.
#[async_trait]
pub trait LedgerFixture: Send + Sync {
    /// The ledger.
    fn ledger(&self) -> &dyn Ledger;
    /// Every fact so far, in order.
    async fn facts(&self) -> Vec<Fact>;
}

fn transition(expected: u64, events: &[ConsentEvent]) -> Transition {
    Transition {
        expected: vec![(events[0].said.node, Epoch(expected))],
        events: events.to_vec(),
        facts: Vec::new(),
    }
}

/// Two events of one node, sealed one after the other.
fn chain() -> [ConsentEvent; 2] {
    let entropy = chance();
    let at = node(&entropy);
    let first = sealed(&tenant(), said(&entropy, at, grant()), None);
    let second = sealed(&tenant(), said(&entropy, at, withdrawal()), Some(&first));
    [first, second]
}

/// Every member of an event comes back as it was kept, in order, under the raised epoch.
pub async fn events_come_back_whole(fixture: &dyn LedgerFixture) {
    let events = chain();
    fixture.ledger().append(&tenant(), transition(0, &events[..1])).await.unwrap();
    fixture.ledger().append(&tenant(), transition(1, &events[1..])).await.unwrap();
    let at = events[0].said.node;
    let logs = fixture.ledger().logs(&tenant(), &[at]).await.unwrap();
    assert_eq!(logs, [NodeLog { node: at, epoch: Epoch(2), events: events.to_vec() }]);
    assert!(logs[0].verifies());
}

/// A node nobody has asked has an empty log at epoch 0; logs ascend by node, one each.
pub async fn a_node_never_asked_is_empty(fixture: &dyn LedgerFixture) {
    let entropy = chance();
    let (a, b) = (node(&entropy), node(&entropy));
    let (low, high) = (a.min(b), a.max(b));
    let logs = fixture.ledger().logs(&tenant(), &[high, low, high]).await.unwrap();
    assert_eq!(logs, [NodeLog::empty(low), NodeLog::empty(high)]);
    assert_eq!(fixture.ledger().logs(&tenant(), &[]).await.unwrap(), []);
}

/// A transition without events compares and keeps nothing: a repeat is one, so that whoever stands
/// before the ledger hears of it again.
pub async fn a_transition_without_events_only_compares(fixture: &dyn LedgerFixture) {
    let events = chain();
    let at = events[0].said.node;
    fixture.ledger().append(&tenant(), transition(0, &events[..1])).await.unwrap();
    let facts = fixture.facts().await.len();
    let empty = |epoch| Transition { expected: vec![(at, Epoch(epoch))], ..Transition::default() };
    fixture.ledger().append(&tenant(), empty(1)).await.unwrap();
    let answer = fixture.ledger().append(&tenant(), empty(0)).await;
    assert!(matches!(answer, Err(AppendError::Conflict)), "{answer:?}");
    let logs = fixture.ledger().logs(&tenant(), &[at]).await.unwrap();
    assert_eq!((logs[0].epoch, logs[0].events.len()), (Epoch(1), 1));
    assert_eq!(fixture.facts().await.len(), facts);
}

/// An append at another epoch than expected keeps nothing, neither events nor facts.
pub async fn a_moved_node_conflicts(fixture: &dyn LedgerFixture) {
    let events = chain();
    fixture.ledger().append(&tenant(), transition(0, &events[..1])).await.unwrap();
    for wrong in [0, 2] {
        let mut late = transition(wrong, &events[1..]);
        late.facts = vec![fact(&chance(), events[0].said.node)];
        let answer = fixture.ledger().append(&tenant(), late).await;
        assert!(matches!(answer, Err(AppendError::Conflict)), "{answer:?}");
    }
    let logs = fixture.ledger().logs(&tenant(), &[events[0].said.node]).await.unwrap();
    assert_eq!(logs[0].events.len(), 1);
    assert!(fixture.facts().await.is_empty());
}

/// Every node of a transition is checked, also one it adds no event to.
pub async fn one_moved_node_stops_the_whole_transition(fixture: &dyn LedgerFixture) {
    let events = chain();
    let bystander = node(&kernel::SeededEntropy::new(99));
    let mut batch = transition(0, &events[..1]);
    batch.expected.push((bystander, Epoch(3)));
    let answer = fixture.ledger().append(&tenant(), batch).await;
    assert!(matches!(answer, Err(AppendError::Conflict)), "{answer:?}");
    let logs = fixture.ledger().logs(&tenant(), &[events[0].said.node]).await.unwrap();
    assert_eq!(logs[0], NodeLog::empty(events[0].said.node));
}

/// An id is taken once per tenant, on whatever node.
pub async fn an_id_is_taken_once(fixture: &dyn LedgerFixture) {
    let events = chain();
    fixture.ledger().append(&tenant(), transition(0, &events[..1])).await.unwrap();
    let mut again = events[0].said.clone();
    again.node = node(&kernel::SeededEntropy::new(98));
    let again = sealed(&tenant(), again, None);
    let answer =
        fixture.ledger().append(&tenant(), transition(0, std::slice::from_ref(&again))).await;
    assert!(matches!(answer, Err(AppendError::Conflict)), "{answer:?}");
    let logs = fixture.ledger().logs(&tenant(), &[again.said.node]).await.unwrap();
    assert_eq!(logs[0], NodeLog::empty(again.said.node));
}

/// Events and facts are kept together.
pub async fn events_and_facts_are_kept_together(fixture: &dyn LedgerFixture) {
    let events = chain();
    let facts = vec![fact(&chance(), events[0].said.node)];
    let mut batch = transition(0, &events);
    batch.facts.clone_from(&facts);
    fixture.ledger().append(&tenant(), batch).await.unwrap();
    let got: Vec<_> = fixture.facts().await.iter().map(|it| it.id).collect();
    assert_eq!(got, [facts[0].id]);
}

/// Events are found by id; what does not exist is left out.
pub async fn events_are_found_by_id(fixture: &dyn LedgerFixture) {
    let events = chain();
    fixture.ledger().append(&tenant(), transition(0, &events)).await.unwrap();
    let unknown = uuid(&kernel::SeededEntropy::new(97));
    let ids = [events[1].said.id, unknown, events[0].said.id];
    let found = fixture.ledger().find(&tenant(), &ids).await.unwrap();
    let mut expected = events.to_vec();
    expected.sort_by_key(|it| it.said.id);
    assert_eq!(found, expected);
    assert_eq!(fixture.ledger().find(&tenant(), &[]).await.unwrap(), []);
}

/// The history is newest first, in pages that neither repeat nor skip.
pub async fn history_comes_in_pages_newest_first(fixture: &dyn LedgerFixture) {
    let entropy = chance();
    let at = node(&entropy);
    let mut events: Vec<ConsentEvent> = Vec::new();
    for _ in 0..5 {
        let next = sealed(&tenant(), said(&entropy, at, grant()), events.last());
        events.push(next);
    }
    fixture.ledger().append(&tenant(), transition(0, &events)).await.unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let limit = Limit::new(2).unwrap();
        let page = fixture.ledger().page(&tenant(), &[at], after.as_ref(), limit).await.unwrap();
        assert!(page.items.len() <= 2);
        seen.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    events.reverse();
    assert_eq!(seen, events);
}

/// A tenant sees nothing of another, and may use the same ids.
pub async fn tenants_do_not_see_each_other(fixture: &dyn LedgerFixture) {
    let events = chain();
    let (at, id) = (events[0].said.node, events[0].said.id);
    fixture.ledger().append(&tenant(), transition(0, &events)).await.unwrap();
    let theirs = other_tenant();
    let ledger = fixture.ledger();
    assert_eq!(ledger.logs(&theirs, &[at]).await.unwrap(), [NodeLog::empty(at)]);
    assert_eq!(ledger.find(&theirs, &[id]).await.unwrap(), []);
    let page = ledger.page(&theirs, &[at], None, Limit::default()).await.unwrap();
    assert_eq!(page.items, []);
    let own = sealed(&theirs, events[0].said.clone(), None);
    ledger.append(&theirs, transition(0, &[own])).await.unwrap();
    assert_eq!(ledger.logs(&tenant(), &[at]).await.unwrap()[0].epoch, Epoch(2));
}

/// A batch over many nodes is one transition.
pub async fn a_batch_over_many_nodes_is_one_transition(fixture: &dyn LedgerFixture) {
    let entropy = chance();
    let events: Vec<_> = (0..600)
        .map(|_| sealed(&tenant(), said(&entropy, node(&entropy), grant()), None))
        .collect();
    let expected = events.iter().map(|it| (it.said.node, Epoch(0))).collect();
    let batch = Transition { expected, events: events.clone(), facts: Vec::new() };
    fixture.ledger().append(&tenant(), batch).await.unwrap();
    let nodes: Vec<_> = events.iter().map(|it| it.said.node).collect();
    let logs = fixture.ledger().logs(&tenant(), &nodes).await.unwrap();
    assert_eq!(logs.len(), 600);
    assert!(logs.iter().all(|it| it.epoch == Epoch(1) && it.verifies()));
}

/// The suite of [`Ledger`]: `ledger_suite!(module, async expression giving a fixture)`.
#[macro_export]
macro_rules! ledger_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::consent_laws!($fixture;
                events_come_back_whole
                a_node_never_asked_is_empty
                a_transition_without_events_only_compares
                a_moved_node_conflicts
                one_moved_node_stops_the_whole_transition
                an_id_is_taken_once
                events_and_facts_are_kept_together
                events_are_found_by_id
                history_comes_in_pages_newest_first
                tenants_do_not_see_each_other
                a_batch_over_many_nodes_is_one_transition
            );
        }
    };
}

/// One test per law.
#[macro_export]
macro_rules! consent_laws {
    ($fixture:expr; $($law:ident)+) => {
        $(
            #[tokio::test]
            async fn $law() {
                let fixture = $fixture.await;
                $crate::contract::$law(&fixture).await;
            }
        )+
    };
}
