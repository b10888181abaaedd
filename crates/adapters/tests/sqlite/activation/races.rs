//! The race every decorator must win: a reading begins, a write completes, the late fill loses.

use std::fmt::Debug;

use consent::{
    Actor, ChannelSet, ConsentEvent, EventKind, Label, NewEvent, PurposeScope,
    contract::{PolicyFixture as _, SnapshotFixture as _},
    ports::{Ledger as _, PolicyHead as _, SnapshotSource as _},
};
use context::{
    EventType, FieldKey,
    freshness::{Arrivals, Freshness},
    ports::{
        Admission, Announcement, Application, ContextStore as _, EventLog as _, FreshnessBoard as _,
    },
    view::Contribution,
};
use delivery::{
    contact::{ContactId, Entry, EntryState},
    contract::{
        DeskFixture as _,
        sample::{self, EPOCHS},
    },
    gate::Judgement,
    ports::{ContactLedger as _, DeliveryStore as _, SendGate as _},
};
use identity::{
    node::{BlindKey, NamespaceId, Node, NodeKey},
    ports::{AssertionLog as _, Directory as _, Link, Member, NewNode, Person, Placed, Transition},
};
use kernel::{
    Channel, Class, Epoch, EventId, Instant, NodeId, PersonAt, PurposeKey, SeededEntropy,
    SubjectId, SystemId, TenantId, Value,
};

use super::{Layer, layer};

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn at(seconds: i64) -> Instant {
    Instant::from_micros(1_795_600_000_000_000 + seconds * 1_000_000)
}

fn node(seed: u64) -> NodeId {
    NodeId::mint(at(0), &SeededEntropy::new(seed))
}

fn alone(node: NodeId) -> PersonAt {
    let subject = SubjectId::from_uuid(node.uuid());
    PersonAt { subject, nodes: vec![node], identity: Epoch(1) }
}

/// Writes while a reading is held, then reads again: what the first saw, and what the next one
/// does. What may be kept is then served without another reading.
async fn race<T: PartialEq + Debug>(
    layer: &Layer,
    read: impl AsyncFn() -> T,
    write: impl Future<Output = ()>,
) -> (T, T) {
    let before = layer.pause.readings();
    layer.pause.arm();
    let held = async {
        layer.pause.reached().await;
        write.await;
        layer.pause.release();
    };
    let (late, ()) = tokio::join!(read(), held);
    let next = read().await;
    assert_eq!(layer.pause.readings(), before + 2, "the late fill lost");
    assert_eq!(read().await, next);
    (late, next)
}

#[tokio::test]
async fn a_withdrawal_beats_a_snapshot_that_began_before_it() {
    let layer = layer().await;
    let person = alone(node(1));
    let said = NewEvent {
        id: node(2).uuid(),
        source: Label::new("app").unwrap(),
        node: person.nodes[0],
        kind: EventKind::Withdrawn { scope: PurposeScope::All, channels: ChannelSet::ALL },
        event_time: at(0),
        actor: Actor::Subject,
        answers: Vec::new(),
    };
    let event = ConsentEvent::seal(&acme(), 1, at(0), said, None, None).unwrap();
    let read = async || layer.snapshots.snapshot(&acme(), &person).await.unwrap().person;
    let seen = race(&layer, read, layer.append(&acme(), vec![event])).await;
    assert_eq!(seen, (Epoch(0), Epoch(1)));
    assert_eq!(layer.pause.readings(), 2, "the second snapshot is kept");
}

#[tokio::test]
async fn a_kept_snapshot_is_known_not_to_have_moved_until_now() {
    let layer = layer().await;
    let person = alone(node(1));
    let first = layer.snapshots.snapshot(&acme(), &person).await.unwrap();
    layer.clock.set(at(120));
    let second = layer.snapshots.snapshot(&acme(), &person).await.unwrap();
    assert_eq!((first.read_at, second.read_at), (at(0), at(120)));
    assert_eq!((layer.pause.readings(), first.digest), (1, second.digest));
    let moved = PersonAt { identity: Epoch(2), ..person };
    layer.snapshots.snapshot(&acme(), &moved).await.unwrap();
    assert_eq!(layer.pause.readings(), 2, "a person at another epoch is another question");
}

#[tokio::test]
async fn a_refused_append_raises_too() {
    let layer = layer().await;
    let person = alone(node(1));
    layer.snapshots.snapshot(&acme(), &person).await.unwrap();
    let expected = vec![(person.nodes[0], Epoch(9))];
    let stale = consent::ports::Transition { expected, events: Vec::new(), facts: Vec::new() };
    assert!(layer.ledger.append(&acme(), stale).await.is_err());
    layer.snapshots.snapshot(&acme(), &person).await.unwrap();
    assert_eq!(layer.pause.readings(), 2);
}

#[tokio::test]
async fn a_move_of_the_pointer_beats_an_epoch_that_was_read_before_it() {
    let layer = layer().await;
    let read = async || layer.policy.policy(&acme()).await.unwrap();
    let seen = race(&layer, read, layer.raise(&acme())).await;
    assert_eq!((seen, layer.pause.readings()), ((Epoch(0), Epoch(1)), 2));
}

#[tokio::test]
async fn an_application_beats_a_view_that_began_before_it() {
    let layer = layer().await;
    let of = node(1);
    let value = Contribution {
        node: of,
        object: None,
        field: FieldKey::new("person.first_name").unwrap(),
        value: Value::Text("Ada".into()),
        time: at(0),
        received_at: at(0),
        source: SystemId::new("crm"),
        kind: EventType::new("crm.record.v1").unwrap(),
        ce_id: "1".to_owned(),
        event: EventId::mint(at(0), &SeededEntropy::new(3)),
        collected_under: PurposeKey::new("service.recovery").unwrap(),
    };
    let application = Application {
        after: 0,
        through: 1,
        values: vec![(acme(), vec![value])],
        dead: Vec::new(),
        facts: Vec::new(),
    };
    let read =
        async || layer.fields.view(&acme(), &[of], &[]).await.unwrap().contributions().count();
    let write = async { layer.fields.apply(&application).await.unwrap() };
    assert_eq!((race(&layer, read, write).await, layer.pause.readings()), ((0, 1), 2));
}

/// What arrived of one type, as announced.
async fn announced(layer: &Layer) -> Option<Freshness> {
    let board = layer.board.board(&acme()).await.unwrap();
    let arrivals = board.of(&SystemId::new("crm"), &EventType::new("crm.record.v1").unwrap());
    arrivals.map(|it| it.announced)
}

fn arrival() -> Admission {
    let arrivals = Arrivals {
        source: SystemId::new("crm"),
        kind: EventType::new("crm.record.v1").unwrap(),
        received_at: at(0),
        lag_micros: 0,
        announced: Freshness::Fresh,
    };
    Admission {
        tenant: acme(),
        events: Vec::new(),
        dead: Vec::new(),
        tallies: Vec::new(),
        arrivals: vec![arrivals],
        facts: Vec::new(),
    }
}

#[tokio::test]
async fn an_arrival_beats_a_board_that_was_read_before_it() {
    let layer = layer().await;
    let write = async { layer.events.admit(&arrival()).await.unwrap() };
    let seen = race(&layer, async || announced(&layer).await, write).await;
    assert_eq!((seen, layer.pause.readings()), ((None, Some(Freshness::Fresh)), 2));
}

#[tokio::test]
async fn an_announcement_beats_a_board_that_was_read_before_it() {
    let layer = layer().await;
    layer.events.admit(&arrival()).await.unwrap();
    let (from, to) = (Freshness::Fresh, Freshness::Stale);
    let announcement = Announcement {
        tenant: acme(),
        source: SystemId::new("crm"),
        kind: EventType::new("crm.record.v1").unwrap(),
        from,
        to,
        facts: Vec::new(),
    };
    let write = async { layer.board.announce(&announcement).await.unwrap() };
    let seen = race(&layer, async || announced(&layer).await, write).await;
    assert_eq!((seen, layer.pause.readings()), ((Some(from), Some(to)), 2));
}

#[tokio::test]
async fn a_merge_beats_a_person_that_was_read_before_it() {
    let layer = layer().await;
    let key = NodeKey { namespace: NamespaceId::new("crm_id"), key: BlindKey::from_bytes([1; 16]) };
    let of = Node { id: node(1), key: key.clone(), first_seq: 1 };
    let member = Member {
        node: of.id,
        namespace: key.namespace.clone(),
        link: Link::Hard,
        home: true,
        verified: true,
        names: true,
        within: (at(0), at(1)),
    };
    let person = |epoch| Person {
        subject: SubjectId::from_uuid(of.id.uuid()),
        epoch: Epoch(epoch),
        members: vec![member.clone()],
        anchors: 1,
    };
    let seen = NewNode { placed: Placed { node: of.clone(), component: of.id }, value: None };
    let first = Transition { nodes: vec![seen], persons: vec![person(1)], ..Transition::default() };
    let tip = layer.log.append(&acme(), first).await.unwrap();
    let next = Transition { expected: tip, persons: vec![person(2)], ..Transition::default() };
    let read = async || layer.directory.persons(&acme(), &[of.id]).await.unwrap()[0].1.epoch;
    let write = async { layer.log.append(&acme(), next).await.map(|_| ()).unwrap() };
    let seen = race(&layer, read, write).await;
    assert_eq!((seen, layer.pause.readings()), ((Epoch(1), Epoch(2)), 2));
    for _ in 0..2 {
        let found = layer.directory.nodes(&acme(), std::slice::from_ref(&key)).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&of));
    }
    assert_eq!(layer.pause.readings(), 3, "a known identifier is kept");
}

#[tokio::test]
async fn a_contact_beats_a_history_that_was_read_before_it() {
    let layer = layer().await;
    let of = node(1);
    let entry = Entry {
        id: ContactId("comms:1".to_owned()),
        node: of,
        at: at(0),
        state: EntryState::Committed,
        channel: Channel::Email,
        class: Class::Service,
        journey: None,
    };
    let delivery = sample::delivery(1, &alone(of));
    let contacts = vec![(entry, sample::note(&delivery, "contact.recorded", 1))];
    let read = async || layer.contacts.history(&acme(), &[of], Instant::EPOCH).await.unwrap().len();
    let write = async { layer.contacts.record(&acme(), contacts).await.map(|_| ()).unwrap() };
    assert_eq!((race(&layer, read, write).await, layer.pause.readings()), ((0, 1), 2));
    let shorter = layer.contacts.history(&acme(), &[of], at(1)).await.unwrap();
    assert_eq!((shorter.len(), layer.pause.readings()), (0, 2), "a shorter look back is kept too");
}

#[tokio::test]
async fn a_pass_beats_a_history_that_was_read_before_it_and_its_place_is_never_kept() {
    let layer = layer().await;
    let person = sample::person(1);
    layer.set_heads(&acme(), &person, EPOCHS).await;
    let planned = sample::planned(1, &person);
    let delivery = planned.delivery.clone();
    layer.store.plan(vec![planned], Vec::new()).await.unwrap();
    let requests = [sample::request(&delivery, &person)];
    let read = async || {
        layer.contacts.history(&acme(), &person.nodes, Instant::EPOCH).await.unwrap().len()
    };
    let write = async {
        let judged = layer.gate.pass(sample::noon(), &requests).await.unwrap();
        assert!(matches!(judged[..], [Judgement::Passed(..)]));
    };
    let seen = race(&layer, read, write).await;
    assert_eq!((seen, layer.pause.readings()), ((0, 1), 3));
}
