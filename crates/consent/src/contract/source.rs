//! The laws of the ports that answer: snapshots, people, artifacts, policy, sends under way.

use async_trait::async_trait;
use kernel::{DeliveryId, Epoch, NodeId, PersonAt, TenantId};

use super::{
    NOW, chance, grant, member, node, other_tenant, person, said, sealed, tenant, withdrawal,
};
use crate::{
    Artifacts, ConsentEvent,
    ports::{
        ArtifactSource, InFlight, Link, Member, PersonSource, PolicyHead, SnapshotSource, Straggler,
    },
};

/// A source of snapshots under test, with the log and the people behind it.
#[async_trait]
pub trait SnapshotFixture: Send + Sync {
    /// The source.
    fn source(&self) -> &dyn SnapshotSource;
    /// Appends events to the log behind it, as a transition would.
    async fn append(&self, tenant: &TenantId, events: Vec<ConsentEvent>);
    /// Makes this node known to the people behind it.
    async fn know(&self, tenant: &TenantId, member: Member);
}

/// A withdrawal is visible to the very next read.
pub async fn a_withdrawal_is_visible_to_the_next_read(fixture: &dyn SnapshotFixture) {
    let entropy = chance();
    let at = node(&entropy);
    fixture.know(&tenant(), member(at)).await;
    let first = sealed(&tenant(), said(&entropy, at, grant()), None);
    let second = sealed(&tenant(), said(&entropy, at, withdrawal()), Some(&first));
    fixture.append(&tenant(), vec![first]).await;
    let before = fixture.source().snapshot(&tenant(), &person(&[at])).await.unwrap();
    assert_eq!((before.person, before.state.grants.len()), (Epoch(1), 1));
    fixture.append(&tenant(), vec![second]).await;
    let after = fixture.source().snapshot(&tenant(), &person(&[at])).await.unwrap();
    assert_eq!((after.person, after.state.grants.len()), (Epoch(2), 0));
    assert_ne!(before.digest, after.digest);
}

/// The snapshot of a person carries the identity epoch asked for and the sum of its nodes' epochs.
pub async fn a_snapshot_is_of_the_person_asked_for(fixture: &dyn SnapshotFixture) {
    let entropy = chance();
    let (a, b) = (node(&entropy), node(&entropy));
    for it in [a, b] {
        fixture.know(&tenant(), member(it)).await;
        fixture.append(&tenant(), vec![sealed(&tenant(), said(&entropy, it, grant()), None)]).await;
    }
    let alone = fixture.source().snapshot(&tenant(), &person(&[a])).await.unwrap();
    let joined = PersonAt { identity: Epoch(2), ..person(&[a, b]) };
    let joined = fixture.source().snapshot(&tenant(), &joined).await.unwrap();
    assert_eq!((alone.identity, alone.person, alone.state.nodes), (Epoch(1), Epoch(1), 1));
    assert_eq!((joined.identity, joined.person, joined.state.nodes), (Epoch(2), Epoch(2), 2));
    let theirs = fixture.source().snapshot(&other_tenant(), &person(&[a])).await.unwrap();
    assert_eq!((theirs.person, theirs.state.grants.len()), (Epoch(0), 0));
}

/// The suite of [`SnapshotSource`].
#[macro_export]
macro_rules! snapshot_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::consent_laws!($fixture;
                a_withdrawal_is_visible_to_the_next_read
                a_snapshot_is_of_the_person_asked_for
            );
        }
    };
}

/// A source of people under test.
#[async_trait]
pub trait PersonFixture: Send + Sync {
    /// The source.
    fn source(&self) -> &dyn PersonSource;
    /// Makes a person of two nodes, the first of which is a verified e-mail address.
    async fn given(&self, tenant: &TenantId) -> PersonAt;
}

/// Each node of the person is a member, ascending, with its contact points.
pub async fn every_node_is_a_member(fixture: &dyn PersonFixture) {
    let person = fixture.given(&tenant()).await;
    let members = fixture.source().members(&tenant(), &person).await.unwrap();
    let nodes: Vec<_> = members.iter().map(|it| it.node).collect();
    assert_eq!(nodes, person.nodes);
    assert!(members.iter().all(|it| it.link == Link::Hard));
    assert!(members.iter().flat_map(|it| &it.contacts).any(|it| it.verified));
}

/// The suite of [`PersonSource`].
#[macro_export]
macro_rules! person_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::consent_laws!($fixture; every_node_is_a_member);
        }
    };
}

/// A source of artifacts under test.
#[async_trait]
pub trait ArtifactFixture: Send + Sync {
    /// The source.
    fn source(&self) -> &dyn ArtifactSource;
    /// Makes artifacts live for a tenant and returns them.
    async fn release(&self, tenant: &TenantId) -> Artifacts;
}

/// What was released last is live; a tenant never released to has a fault, not an empty registry.
pub async fn what_was_released_is_live(fixture: &dyn ArtifactFixture) {
    assert!(fixture.source().live(&other_tenant()).await.is_err());
    let released = fixture.release(&tenant()).await;
    let live = fixture.source().live(&tenant()).await.unwrap();
    assert_eq!(live.digest(), released.digest());
}

/// The suite of [`ArtifactSource`].
#[macro_export]
macro_rules! consent_artifact_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::consent_laws!($fixture; what_was_released_is_live);
        }
    };
}

/// A policy head under test.
#[async_trait]
pub trait PolicyFixture: Send + Sync {
    /// The head.
    fn head(&self) -> &dyn PolicyHead;
    /// Raises it as a pointer move does.
    async fn raise(&self, tenant: &TenantId);
}

/// The head begins at 0, and a raise is visible to the next read of that tenant only.
pub async fn a_raised_policy_is_visible_to_the_next_read(fixture: &dyn PolicyFixture) {
    assert_eq!(fixture.head().policy(&tenant()).await.unwrap(), Epoch(0));
    fixture.raise(&tenant()).await;
    assert_eq!(fixture.head().policy(&tenant()).await.unwrap(), Epoch(1));
    fixture.raise(&tenant()).await;
    assert_eq!(fixture.head().policy(&tenant()).await.unwrap(), Epoch(2));
    assert_eq!(fixture.head().policy(&other_tenant()).await.unwrap(), Epoch(0));
}

/// The suite of [`PolicyHead`].
#[macro_export]
macro_rules! policy_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::consent_laws!($fixture; a_raised_policy_is_visible_to_the_next_read);
        }
    };
}

/// Sends under way, under test.
#[async_trait]
pub trait InFlightFixture: Send + Sync {
    /// The sends under way.
    fn in_flight(&self) -> &dyn InFlight;
    /// Begins an attempt for a node; it stays open past any deadline `settle` is given here.
    async fn open(&self, tenant: &TenantId, node: NodeId) -> DeliveryId;
}

/// Where nothing is under way, settling is complete at once.
pub async fn nothing_under_way_settles_at_once(fixture: &dyn InFlightFixture) {
    let at = node(&chance());
    let settled = fixture.in_flight().settle(&tenant(), &[at], NOW).await.unwrap();
    assert!(settled.is_complete() && settled.in_flight.is_empty());
}

/// An attempt still open is named, and settling is not complete; other nodes and tenants are not
/// concerned.
pub async fn an_open_attempt_is_named(fixture: &dyn InFlightFixture) {
    let entropy = chance();
    let (at, other) = (node(&entropy), node(&entropy));
    let delivery = fixture.open(&tenant(), at).await;
    let settled = fixture.in_flight().settle(&tenant(), &[at], NOW).await.unwrap();
    assert_eq!(settled.in_flight, [Straggler { delivery, ended: false }]);
    assert!(!settled.is_complete());
    for (tenant, node) in [(tenant(), other), (other_tenant(), at)] {
        let settled = fixture.in_flight().settle(&tenant, &[node], NOW).await.unwrap();
        assert!(settled.in_flight.is_empty());
    }
}

/// The suite of [`InFlight`].
#[macro_export]
macro_rules! in_flight_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::consent_laws!($fixture;
                nothing_under_way_settles_at_once
                an_open_attempt_is_named
            );
        }
    };
}
