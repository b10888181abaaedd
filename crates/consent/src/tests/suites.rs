//! Every port's suite on its reference implementation.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{
    DeliveryId, Fact, ManualClock, NodeId, PersonAt, SubjectId, TenantId, memory::MemoryFeed,
};

use super::world::{NOW, World, artifacts, uuid};
use crate::{
    Artifacts, ConsentEvent,
    contract::{
        ArtifactFixture, InFlightFixture, LedgerFixture, PersonFixture, PolicyFixture,
        SnapshotFixture,
    },
    memory::{MemoryInFlight, MemoryLedger, MemoryPeople, MemoryRegistry},
    ports::{
        ArtifactSource, InFlight, Ledger, Member, PersonSource, PolicyHead, SnapshotSource,
        Straggler, Transition,
    },
    service::LedgerSnapshots,
};

#[derive(Debug)]
struct Memory {
    feed: Arc<MemoryFeed>,
    ledger: Arc<MemoryLedger>,
    people: Arc<MemoryPeople>,
    registry: MemoryRegistry,
    in_flight: MemoryInFlight,
    snapshots: LedgerSnapshots,
}

async fn memory() -> Memory {
    let feed = Arc::new(MemoryFeed::default());
    let ledger = Arc::new(MemoryLedger::new(Arc::clone(&feed)));
    let people = Arc::new(MemoryPeople::default());
    let clock = Arc::new(ManualClock::at(NOW));
    let snapshots = LedgerSnapshots::new(
        Arc::<MemoryLedger>::clone(&ledger),
        Arc::<MemoryPeople>::clone(&people),
        clock,
    );
    Memory {
        feed,
        ledger,
        people,
        registry: MemoryRegistry::default(),
        in_flight: MemoryInFlight::default(),
        snapshots,
    }
}

#[async_trait]
impl LedgerFixture for Memory {
    fn ledger(&self) -> &dyn Ledger {
        &*self.ledger
    }

    async fn facts(&self) -> Vec<Fact> {
        self.feed.facts()
    }
}

#[async_trait]
impl SnapshotFixture for Memory {
    fn source(&self) -> &dyn SnapshotSource {
        &self.snapshots
    }

    async fn append(&self, tenant: &TenantId, events: Vec<ConsentEvent>) {
        let transition = Transition { expected: Vec::new(), events, facts: Vec::new() };
        self.ledger.append(tenant, transition).await.unwrap();
    }

    async fn know(&self, tenant: &TenantId, member: Member) {
        self.people.put(tenant, member);
    }
}

#[async_trait]
impl PersonFixture for Memory {
    fn source(&self) -> &dyn PersonSource {
        &*self.people
    }

    async fn given(&self, tenant: &TenantId) -> PersonAt {
        let world = World::new();
        for member in &world.members {
            self.people.put(tenant, member.clone());
        }
        world.person()
    }
}

#[async_trait]
impl ArtifactFixture for Memory {
    fn source(&self) -> &dyn ArtifactSource {
        &self.registry
    }

    async fn release(&self, tenant: &TenantId) -> Artifacts {
        self.registry.release(tenant, artifacts());
        artifacts()
    }
}

#[async_trait]
impl PolicyFixture for Memory {
    fn head(&self) -> &dyn PolicyHead {
        &self.registry
    }

    async fn raise(&self, tenant: &TenantId) {
        self.registry.release(tenant, artifacts());
    }
}

#[async_trait]
impl InFlightFixture for Memory {
    fn in_flight(&self) -> &dyn InFlight {
        &self.in_flight
    }

    async fn open(&self, tenant: &TenantId, node: NodeId) -> DeliveryId {
        let delivery = DeliveryId::from_uuid(SubjectId::from_uuid(uuid(77)).uuid());
        self.in_flight.attempt(tenant, node, Straggler { delivery, ended: false });
        delivery
    }
}

crate::ledger_suite!(ledger, super::memory());
crate::snapshot_suite!(snapshots, super::memory());
crate::person_suite!(people, super::memory());
crate::consent_artifact_suite!(registry, super::memory());
crate::policy_suite!(policy, super::memory());
crate::in_flight_suite!(in_flight, super::memory());
