//! An address several people share: what is said of it is said of everybody who shares it.

use consent::ports::{Ledger as _, SnapshotSource as _};
use identity::{
    node::{BlindKey, NamespaceId, Node, NodeKey},
    ports::{AssertionLog as _, Link, Member, NewNode, Person, Placed, Transition},
};
use kernel::{Epoch, Instant, NodeId, PersonAt, SeededEntropy, SubjectId};

use super::{faults::withdrawal, layer, wire::acme};

fn node(seed: u64) -> NodeId {
    NodeId::mint(Instant::EPOCH, &SeededEntropy::new(seed))
}

fn member(node: NodeId, link: Link, home: bool) -> Member {
    let namespace = NamespaceId::new("email");
    let within = (Instant::EPOCH, Instant::EPOCH);
    Member { node, namespace, link, home, verified: true, names: home, within }
}

#[tokio::test]
async fn a_no_at_a_shared_address_reaches_everybody_who_shares_it() {
    let layer = layer().await;
    let (address, ours, theirs) = (node(1), node(2), node(3));
    let placed = |(node, n): (NodeId, u8)| {
        let key =
            NodeKey { namespace: NamespaceId::new("email"), key: BlindKey::from_bytes([n; 16]) };
        let node = Node { id: node, key, first_seq: u64::from(n) };
        NewNode { placed: Placed { component: ours, node }, value: None }
    };
    let person = |head: NodeId| {
        let mut members =
            vec![member(head, Link::Hard, true), member(address, Link::Shared, false)];
        members.sort_by_key(|it| it.node);
        let subject = SubjectId::from_uuid(head.uuid());
        Person { subject, epoch: Epoch(1), members, anchors: 1 }
    };
    let alone = Person {
        subject: SubjectId::from_uuid(address.uuid()),
        epoch: Epoch(1),
        members: vec![member(address, Link::Alone, true)],
        anchors: 0,
    };
    let transition = Transition {
        nodes: [address, ours, theirs].into_iter().zip(1..).map(placed).collect(),
        persons: vec![person(ours), person(theirs), alone],
        ..Transition::default()
    };
    layer.log.append(&acme(), transition).await.unwrap();
    let people: [PersonAt; 2] = [person(ours).at(), person(theirs).at()];
    for it in &people {
        layer.snapshots.snapshot(&acme(), it).await.unwrap();
    }
    let readings = layer.pause.readings();
    for it in &people {
        assert_eq!(layer.snapshots.snapshot(&acme(), it).await.unwrap().person, Epoch(0));
    }
    assert_eq!(layer.pause.readings(), readings, "both are kept");
    layer.ledger.append(&acme(), withdrawal(address, 1, None)).await.unwrap();
    for it in &people {
        assert_eq!(layer.snapshots.snapshot(&acme(), it).await.unwrap().person, Epoch(1));
    }
}
