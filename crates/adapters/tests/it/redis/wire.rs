//! What passes on the wire: one command a reading, all of a decision's in one trip, one slot.

use consent::ports::SnapshotSource as _;
use context::ports::ContextStore as _;
use delivery::ports::ContactLedger as _;
use identity::{
    node::{BlindKey, NamespaceId, Node, NodeKey},
    ports::{AssertionLog as _, Directory as _, Link, Member, NewNode, Person, Placed, Transition},
};
use kernel::{Epoch, Instant, NodeId, PersonAt, SeededEntropy, SubjectId, TenantId};
use testkit::{Proxy, Tally};

use super::{Layer, PATIENT, address, fresh, opened, over};

mod programs;

pub(super) fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

/// A person of two identifiers, whose head is not the first of them.
pub(super) async fn person(layer: &Layer) -> PersonAt {
    let mut nodes: Vec<_> =
        (1..3).map(|seed| NodeId::mint(Instant::EPOCH, &SeededEntropy::new(seed))).collect();
    nodes.sort_unstable();
    let key = |n: u8| NodeKey {
        namespace: NamespaceId::new("crm_id"),
        key: BlindKey::from_bytes([n; 16]),
    };
    let within = (Instant::EPOCH, Instant::EPOCH);
    let member = |node: &NodeId| Member {
        node: *node,
        namespace: NamespaceId::new("crm_id"),
        link: Link::Hard,
        home: true,
        verified: true,
        names: true,
        within,
    };
    let placed = |(node, n): (&NodeId, u8)| {
        let node = Node { id: *node, key: key(n), first_seq: u64::from(n) };
        NewNode { placed: Placed { component: nodes[1], node }, value: None }
    };
    let subject = SubjectId::from_uuid(nodes[1].uuid());
    let members = nodes.iter().map(member).collect();
    let person = Person { subject, epoch: Epoch(1), members, anchors: 2 };
    let transition = Transition {
        nodes: nodes.iter().zip(1..).map(placed).collect(),
        persons: vec![person.clone()],
        ..Transition::default()
    };
    layer.log.append(&acme(), transition).await.unwrap();
    person.at()
}

/// What a decision reads of a person it knows, at once.
pub(super) async fn gather(layer: &Layer, person: &PersonAt) {
    let (tenant, nodes) = (acme(), &person.nodes);
    let (snapshot, view, history) = tokio::join!(
        layer.snapshots.snapshot(&tenant, person),
        layer.fields.view(&tenant, nodes, &[]),
        layer.contacts.history(&tenant, nodes, Instant::EPOCH),
    );
    assert!(snapshot.is_ok() && view.is_ok() && history.is_ok());
}

pub(super) async fn known(layer: &Layer, of: NodeId) -> PersonAt {
    layer.directory.persons(&acme(), &[of]).await.unwrap()[0].1.at()
}

#[tokio::test]
async fn the_readings_of_a_decision_are_one_command_each_and_one_trip_together() {
    let proxy = Proxy::start(address().await).await.unwrap();
    let fresh = fresh().await;
    let through = format!("redis://{}/", proxy.address());
    let mut redis = opened(&fresh.database, &through, PATIENT).await;
    // The lease is long; beats in between would be counted.
    redis.stop();
    let layer = over(fresh, redis);
    let head = NodeId::from_uuid(person(&layer).await.subject.uuid());
    let person = known(&layer, head).await;
    gather(&layer, &person).await;
    let readings = layer.pause.readings();
    proxy.tally();
    assert_eq!(known(&layer, head).await, person);
    assert_eq!(proxy.tally(), Tally { commands: 1, trips: 1 }, "who it is");
    gather(&layer, &person).await;
    assert_eq!(proxy.tally(), Tally { commands: 3, trips: 1 }, "everything else");
    assert_eq!(layer.pause.readings(), readings, "the systems of record were not asked");
}
