//! What happens at a limit, and one past it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use kernel::{
    ArtifactRef, Digest, Fault, Instant, Limit, ManualClock, NodeId, Recovery, SeededEntropy,
    StaffId, SystemId, TenantId,
};
use serde_json::json;
use uuid::Uuid;

use super::stories::{day, house, shipped, sighting};
use crate::{
    APPEND_RETRIES_MAX, Artifacts, Blinder, COMPONENT_NODES_MAX, NamespaceId, Strength,
    assertion::{Assertion, AssertionId, Evidence, Kind},
    graph::Graph,
    memory::{MemoryArtifacts, MemoryIdentity},
    node::{BlindKey, Node, NodeKey},
    ownership::People,
    ports::{AppendError, AssertionLog, Components, Directory, Transition, Vault},
    reason,
    service::{Parts, REASON_BYTES_MAX, ResolutionService, ResolveError, UnlinkError},
};

fn id(n: usize) -> Uuid {
    Uuid::from_u128(n as u128)
}

/// A chain of anchors, each linked to the one before it.
fn chain(n: usize, strength: Strength) -> (Vec<Node>, Vec<Assertion>) {
    let node = |i: usize| Node {
        id: NodeId::from_uuid(id(i)),
        key: NodeKey {
            namespace: NamespaceId::new("a"),
            key: BlindKey::from_bytes(*id(i).as_bytes()),
        },
        first_seq: i as u64,
    };
    let link = |i: usize| Assertion {
        id: AssertionId::from_uuid(id(i)),
        seq: i as u64,
        kind: Kind::Same(NodeId::from_uuid(id(i - 1)), NodeId::from_uuid(id(i))),
        evidence: Evidence {
            strength,
            source: SystemId::new("crm"),
            event: None,
            actor: None,
            note: None,
            rules: Digest::of(b""),
        },
        at: Instant::EPOCH,
        recorded_at: Instant::EPOCH,
        claim: Digest::of(&i.to_le_bytes()),
        content: Digest::of(&i.to_le_bytes()),
    };
    ((0..n).map(node).collect(), (1..n).map(link).collect())
}

fn roomy() -> Artifacts {
    let body = json!({ "sources": [], "namespace": { "a": { "class": "anchor",
        "max_per_person": 5_000, "max_persons": 1, "priority": 1, "normaliser": "text" } } });
    let digest = Digest::of(b"");
    let source = ArtifactRef { kind: "namespaces", name: "default", digest, body: &body };
    Artifacts::compile(&[source]).unwrap()
}

#[test]
fn a_component_past_its_cap_falls_apart_and_is_quarantined() {
    let rules = roomy();
    for (n, strength, persons, quarantined) in [
        (COMPONENT_NODES_MAX, Strength::Proven, 1, 0),
        (
            COMPONENT_NODES_MAX + 1,
            Strength::Proven,
            COMPONENT_NODES_MAX + 1,
            COMPONENT_NODES_MAX + 1,
        ),
        (COMPONENT_NODES_MAX, Strength::Owner, 1, 0),
        (
            COMPONENT_NODES_MAX + 1,
            Strength::Steward,
            COMPONENT_NODES_MAX + 1,
            COMPONENT_NODES_MAX + 1,
        ),
    ] {
        let (nodes, links) = chain(n, strength);
        let people = People::of(&Graph::new(&rules, &nodes, &links));
        assert_eq!(people.persons.len(), persons);
        assert_eq!(people.partition.quarantined.len(), quarantined);
        assert!(people.conflicts.iter().all(|it| it.reason == reason::OVER_CAP));
    }
}

#[test]
fn past_the_cap_an_owners_links_still_count() {
    let rules = roomy();
    let (nodes, mut links) = chain(COMPONENT_NODES_MAX + 1, Strength::Proven);
    for it in links.iter_mut().take(10) {
        it.evidence.strength = Strength::Owner;
    }
    let people = People::of(&Graph::new(&rules, &nodes, &links));
    assert_eq!(people.persons.len(), COMPONENT_NODES_MAX + 1 - 10);
}

#[tokio::test]
async fn a_stewards_reason_is_as_long_as_the_limit_and_no_longer() {
    let house = house();
    let seen = house.sees(0, "crm_id:C1 user_id:U1 service_no:S1").await;
    let unlink = |b: usize, n: usize| {
        let reason = "x".repeat(n);
        let (tenant, a, b) = (house.tenant.clone(), seen.nodes[1], seen.nodes[b]);
        let service = &house.service;
        async move { service.unlink(&tenant, StaffId::new("anna").unwrap(), a, b, &reason).await }
    };
    let refused = unlink(0, REASON_BYTES_MAX + 1).await;
    assert!(matches!(refused, Err(UnlinkError::Reason)));
    assert!(unlink(0, REASON_BYTES_MAX).await.is_ok());
    assert!(matches!(unlink(1, 1).await, Err(UnlinkError::Apart)));
    let stranger = NodeId::from_uuid(id(1));
    let anna = StaffId::new("anna").unwrap();
    let unknown = house.service.unlink(&house.tenant, anna, stranger, seen.nodes[0], "x").await;
    assert!(matches!(unknown, Err(UnlinkError::Unknown)));
}

/// A log whose components have moved at the first appends.
#[derive(Debug)]
struct Contended {
    log: Arc<MemoryIdentity>,
    times: AtomicUsize,
}

#[async_trait]
impl AssertionLog for Contended {
    async fn components(&self, tenant: &TenantId, keys: &[NodeKey]) -> Result<Components, Fault> {
        self.log.components(tenant, keys).await
    }

    async fn unheard(
        &self,
        tenant: &TenantId,
        claims: &[(Digest, Instant)],
    ) -> Result<Vec<(Digest, Instant)>, Fault> {
        self.log.unheard(tenant, claims).await
    }

    async fn append(&self, tenant: &TenantId, transition: Transition) -> Result<u64, AppendError> {
        let left = self.times.load(Ordering::SeqCst);
        if left > 0 {
            self.times.store(left - 1, Ordering::SeqCst);
            return Err(AppendError::Stale);
        }
        self.log.append(tenant, transition).await
    }

    async fn page(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: Limit,
    ) -> Result<Vec<Assertion>, Fault> {
        self.log.page(tenant, after, limit).await
    }
}

#[tokio::test]
async fn a_plan_is_made_again_as_often_as_the_limit_and_no_more() {
    for (times, succeeds) in [(APPEND_RETRIES_MAX - 1, true), (APPEND_RETRIES_MAX, false)] {
        let store = Arc::new(MemoryIdentity::new(Arc::default()));
        let service = ResolutionService::new(Parts {
            log: Arc::new(Contended { log: Arc::clone(&store), times: AtomicUsize::new(times) }),
            directory: Arc::clone(&store) as Arc<dyn Directory>,
            vault: Arc::clone(&store) as Arc<dyn Vault>,
            artifacts: Arc::new(MemoryArtifacts::new(Arc::new(shipped()))),
            blinder: Blinder::new(&[7; 32]),
            clock: Arc::new(ManualClock::at(day(0))),
            entropy: Arc::new(SeededEntropy::new(1)),
        });
        let acme = TenantId::new("acme").unwrap();
        match service.resolve(&acme, &[sighting(0, "user_id:U1")]).await {
            Ok(_) => assert!(succeeds),
            Err(ResolveError::Fault(it)) => {
                assert!(!succeeds);
                assert_eq!(it.recovery(), Recovery::Retry);
            }
            Err(ResolveError::TooMany) => panic!("one sighting is not too many"),
        }
    }
}
