//! The laws of the journal.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken law panics")]

use async_trait::async_trait;
use kernel::{
    Channel, Class, DecisionId, Digest, Epoch, Epochs, Fact, FactId, Instant, JourneyNode, Limit,
    NodeId, OccurrenceKey, PersonAt, SeededEntropy, SubjectId, TenantId,
};
use uuid::Uuid;

use super::timetable::{acme, armed};
use crate::{
    occurrence::{Occurrence, Settlement, State},
    ports::{Appended, Change, ClaimAsk, Entry, Handoff, Journal, Lookup, Timetable},
    record::StoredRecord,
};

/// A journal under test, the timetable its settlements go to and the feed its facts go to.
#[async_trait]
pub trait JournalFixture: Send + Sync {
    /// The journal.
    fn journal(&self) -> &dyn Journal;
    /// The timetable of the same store.
    fn timetable(&self) -> &dyn Timetable;
    /// Every fact of decisions told so far.
    async fn facts(&self) -> Vec<Fact>;
    /// A person of `acme`, and the epochs the store holds of them now.
    async fn person(&self) -> (PersonAt, Epochs);
}

fn now() -> Instant {
    Instant::from_micros(1_790_000_600_000_000)
}

fn entry(n: u8, person: &PersonAt) -> Entry {
    let entropy = SeededEntropy::new(u64::from(n));
    let id = DecisionId::from_uuid(Uuid::from_u128(0x1000 + u128::from(n)));
    Entry {
        id,
        key: Digest::of(&[n]),
        key_at: now(),
        subject: person.subject,
        nodes: person.nodes.clone(),
        journeys: vec![JourneyNode::new("renewal.day90").unwrap()],
        at: now(),
        record: StoredRecord { id, bytes: record(id, n, person).into() },
        facts: vec![Fact {
            id: FactId::mint(now(), &entropy),
            tenant: acme(),
            name: "decision.made".to_owned(),
            at: now(),
            subject: Some(person.subject),
            nodes: person.nodes.clone(),
            cause: None,
            trace: None,
            body: serde_json::json!({ "decision_id": id }),
        }],
        settlements: Vec::new(),
        handoff: None,
    }
}

/// A small but well-formed record.
fn record(id: DecisionId, n: u8, person: &PersonAt) -> Vec<u8> {
    let zero = Digest::from_bytes([0; 32]);
    let body = serde_json::json!({
        "consent": { "verdicts": [] },
        "core": {
            "as_of_us": now().micros(), "class": "marketing", "engine": "assent/test", "id": id,
            "kind": "decision", "mode": "triggered", "nodes": ["renewal.day90"], "round": n,
            "schema": "decision/1", "semantics": 1, "tenant": "acme", "tier": "T1",
            "tzdb": "2026a",
        },
        "inputs": { "nodes": [] },
        "model": {},
        "outcome": { "effect": "suppress", "kind": "none", "reason": "RUL.FAILED" },
        "policies": { "artifacts": [], "release": zero, "sequence": 1 },
        "rationale": { "candidates": [] },
        "subject": { "identity": 1, "occurrences": [], "subject_ref": person.subject },
    });
    kernel::canonical(&body).unwrap()
}

fn handoff(person: &PersonAt, epochs: Epochs) -> Handoff {
    Handoff {
        decision: DecisionId::from_uuid(Uuid::from_u128(0x1001)),
        subject: person.subject,
        nodes: person.nodes.clone(),
        epochs,
        good_until: now().plus(chrono::TimeDelta::hours(1)),
        at: now(),
        until: now().plus(chrono::TimeDelta::milliseconds(200)),
        node: JourneyNode::new("renewal.day90").unwrap(),
        class: Class::Marketing,
        channel: Channel::Web,
        caps: Vec::new(),
    }
}

async fn append(fixture: &dyn JournalFixture, entry: Entry) -> Appended {
    fixture.journal().append(&acme(), entry).await.unwrap()
}

async fn claimed(fixture: &dyn JournalFixture, person: &PersonAt) -> Occurrence {
    let mut occurrence = armed(1, 1, 5);
    occurrence.subject = person.subject;
    occurrence.occasion.origin = person.subject;
    let change = Change { arm: vec![occurrence], ..Change::default() };
    fixture.timetable().change(&acme(), change).await.unwrap();
    let ask =
        ClaimAsk { now: now(), lease_until: now().plus(chrono::TimeDelta::minutes(1)), people: 1 };
    fixture.timetable().claim(ask).await.unwrap().pop().unwrap()
}

async fn state(fixture: &dyn JournalFixture) -> State {
    let keys = [OccurrenceKey([1; 32])];
    fixture.timetable().find(&acme(), Lookup::Keys(&keys)).await.unwrap()[0].state
}

/// What is appended comes back byte for byte.
pub async fn what_is_appended_comes_back_byte_for_byte(fixture: &dyn JournalFixture) {
    let (person, _) = fixture.person().await;
    let entry = entry(1, &person);
    let record = entry.record.clone();
    assert_eq!(append(fixture, entry).await, Appended::Committed);
    assert_eq!(fixture.journal().get(&acme(), record.id).await.unwrap(), Some(record));
}

/// An unknown decision is absent.
pub async fn an_unknown_decision_is_absent(fixture: &dyn JournalFixture) {
    let id = DecisionId::from_uuid(Uuid::from_u128(77));
    assert_eq!(fixture.journal().get(&acme(), id).await.unwrap(), None);
}

/// Of two appends with one key the first stands, and is the answer to the second.
pub async fn the_first_append_of_a_key_stands(fixture: &dyn JournalFixture) {
    let (person, _) = fixture.person().await;
    let first = entry(1, &person);
    let mut second = entry(2, &person);
    second.key = first.key;
    let record = first.record.clone();
    assert_eq!(append(fixture, first).await, Appended::Committed);
    let facts = fixture.facts().await.len();
    let other = second.id;
    assert_eq!(append(fixture, second).await, Appended::Duplicate(record));
    assert_eq!(fixture.facts().await.len(), facts);
    assert_eq!(fixture.journal().get(&acme(), other).await.unwrap(), None);
}

/// Record, facts and settlements come together.
pub async fn record_facts_and_settlements_come_together(fixture: &dyn JournalFixture) {
    let (person, _) = fixture.person().await;
    let occurrence = claimed(fixture, &person).await;
    let mut entry = entry(1, &person);
    entry.settlements = vec![Settlement::of(&occurrence, State::Act, now()).decided(entry.id)];
    let fact = entry.facts[0].clone();
    assert_eq!(append(fixture, entry).await, Appended::Committed);
    assert_eq!(state(fixture).await, State::Act);
    assert!(fixture.facts().await.contains(&fact));
}

/// A decision whose lease was lost is not made.
pub async fn a_lost_lease_appends_nothing(fixture: &dyn JournalFixture) {
    let (person, _) = fixture.person().await;
    let mut occurrence = claimed(fixture, &person).await;
    occurrence.fence -= 1;
    let mut entry = entry(1, &person);
    entry.settlements = vec![Settlement::of(&occurrence, State::Act, now())];
    nothing(fixture, entry).await;
    assert_eq!(state(fixture).await, State::Claimed);
}

/// An answer whose permission moved before its append is not given.
pub async fn a_handoff_whose_permission_moved_appends_nothing(fixture: &dyn JournalFixture) {
    let (person, epochs) = fixture.person().await;
    let mut late = entry(1, &person);
    late.handoff = Some(Handoff { good_until: now(), ..handoff(&person, epochs) });
    nothing(fixture, late).await;
    let mut stands = entry(2, &person);
    stands.handoff = Some(handoff(&person, epochs));
    assert_eq!(append(fixture, stands).await, Appended::Committed);
}

async fn nothing(fixture: &dyn JournalFixture, entry: Entry) {
    let (id, facts) = (entry.id, fixture.facts().await.len());
    assert_eq!(append(fixture, entry).await, Appended::Moved);
    assert_eq!(fixture.journal().get(&acme(), id).await.unwrap(), None);
    assert_eq!(fixture.facts().await.len(), facts);
}

/// A person's decisions are read newest first, page by page, and nobody else's.
pub async fn a_person_is_read_newest_first_in_pages(fixture: &dyn JournalFixture) {
    let (person, _) = fixture.person().await;
    for n in 1..=3 {
        append(fixture, entry(n, &person)).await;
    }
    let limit = Limit::new(2).unwrap();
    let journal = fixture.journal();
    let first = journal.of_person(&acme(), &person, None, limit).await.unwrap();
    let rest = journal.of_person(&acme(), &person, first.next.as_ref(), limit).await.unwrap();
    let ids = |n: &[u8]| n.iter().map(|it| entry(*it, &person).id).collect::<Vec<_>>();
    assert_eq!(first.items.iter().map(|it| it.id).collect::<Vec<_>>(), ids(&[3, 2]));
    assert_eq!(rest.items.iter().map(|it| it.id).collect::<Vec<_>>(), ids(&[1]));
    assert_eq!(rest.next, None);
    let stranger = PersonAt {
        subject: SubjectId::from_uuid(Uuid::from_u128(5)),
        nodes: vec![NodeId::from_uuid(Uuid::from_u128(5))],
        identity: Epoch(1),
    };
    let none = journal.of_person(&acme(), &stranger, None, limit).await.unwrap();
    assert!(none.items.is_empty());
}

/// The log is read in the order in which it was written, page by page.
pub async fn the_log_is_read_in_order_in_pages(fixture: &dyn JournalFixture) {
    let (person, _) = fixture.person().await;
    for n in 1..=3 {
        append(fixture, entry(n, &person)).await;
    }
    let limit = Limit::new(2).unwrap();
    let first = fixture.journal().range(&acme(), None, limit).await.unwrap();
    let rest = fixture.journal().range(&acme(), first.next.as_ref(), limit).await.unwrap();
    let all: Vec<_> = first.items.iter().chain(&rest.items).map(|it| it.id).collect();
    assert_eq!(all, [1, 2, 3].map(|n| entry(n, &person).id));
    assert_eq!((first.items.len(), rest.next), (2, None));
}

/// Tenants do not share a log.
pub async fn tenants_do_not_share_a_log(fixture: &dyn JournalFixture) {
    let (person, _) = fixture.person().await;
    let mine = entry(1, &person);
    let id = mine.id;
    append(fixture, mine).await;
    let globex = TenantId::new("globex").unwrap();
    let journal = fixture.journal();
    assert_eq!(journal.get(&globex, id).await.unwrap(), None);
    assert!(journal.range(&globex, None, Limit::MAX).await.unwrap().items.is_empty());
    let found = journal.of_person(&globex, &person, None, Limit::MAX).await.unwrap();
    assert!(found.items.is_empty());
}
