//! What consent asks: its artifacts of rollout, and of delivery what is under way.

use std::sync::Arc;

use adapters::sql::{
    Database,
    consent::SqlPolicyHead,
    delivery::{SqlDeliveryStore, SqlSendGate},
};
use async_trait::async_trait;
use chrono::TimeDelta;
use consent::ports::PolicyHead as _;
use delivery::{
    attempt::Stamp,
    contract::sample,
    gate::{GateRequest, Judgement},
    message::Delivery,
    permission::Verdict,
    ports::{DeliveryStore as _, SendGate},
    service::InFlightService,
};
use kernel::{
    Clock as _, DeliveryId, Epoch, Epochs, Instant, NodeId, PersonAt, SubjectId, TenantId,
};
use sea_orm::{ConnectionTrait as _, Statement, Value};
use service::bridge::{artifacts::LiveArtifacts, in_flight::DeliveryInFlight};

use super::house;
use crate::world::{House, edited, without_holdouts};

/// The instant at which consent's laws ask.
const ASKED: Instant = Instant::from_micros(1_780_000_000_000_000);
/// What identity knows of a person to whom an attempt is opened.
const IDENTITY: Epoch = Epoch(1);

/// Purposes and notices, as rollout releases them.
struct Released {
    house: House,
    live: LiveArtifacts,
}

async fn released() -> Released {
    let house = house(ASKED).await;
    let live = house.assent.app.live.clone();
    Released { house, live }
}

#[async_trait]
impl consent::contract::ArtifactFixture for Released {
    fn source(&self) -> &dyn consent::ports::ArtifactSource {
        &self.live
    }

    async fn release(&self, tenant: &TenantId) -> consent::Artifacts {
        assert_eq!(*tenant, self.house.tenant);
        let (path, name) = ("purpose/marketing.renewal.toml", "Renewal offers");
        let sources = edited(&without_holdouts(), path, name, "Offers before a renewal");
        self.house.release(&sources).await.unwrap();
        let releases = &self.house.assent.app.releases;
        let digest = releases.live(tenant).await.unwrap().unwrap().pointer.bundle;
        let bundle = releases.bundle(tenant, digest).await.unwrap().unwrap();
        consent::Artifacts::compile(&bundle.refs()).unwrap()
    }
}

consent::consent_artifact_suite!(rollout_releases_to_consent, super::released());

/// Attempts, as delivery's gate opens them.
struct Attempts {
    house: House,
    database: Arc<Database>,
    gate: Arc<dyn SendGate>,
    bridge: DeliveryInFlight,
}

async fn attempts() -> Attempts {
    let house = house(ASKED).await;
    let database = Database::open(&house.data.database()).await.unwrap();
    let gate: Arc<dyn SendGate> = Arc::new(SqlSendGate::new(database.clone()));
    let service = InFlightService::new(gate.clone(), house.clock.clone());
    Attempts { house, database, gate, bridge: DeliveryInFlight::new(service) }
}

impl Attempts {
    /// A delivery to a person who is this node alone.
    async fn planned(&self, tenant: &TenantId, person: &PersonAt) -> Delivery {
        let now = self.house.clock.now();
        let id = DeliveryId::mint(now, &*self.house.entropy);
        let mut planned = sample::planned(1, person);
        planned.delivery = Delivery {
            id,
            tenant: tenant.clone(),
            not_before: now,
            not_after: now.plus(TimeDelta::days(2)),
            ..planned.delivery
        };
        planned.facts.clear();
        let delivery = planned.delivery.clone();
        SqlDeliveryStore::new(self.database.clone()).plan(vec![planned], Vec::new()).await.unwrap();
        delivery
    }

    /// A person nobody has heard of before: what the gate compares.
    async fn epochs(&self, tenant: &TenantId, subject: SubjectId) -> Epochs {
        let write = self.database.begin("test").await.unwrap();
        let person = "insert into identity_person (tenant, subject, epoch, anchors, members) \
                      values ($1, $2, 1, 1, 1)";
        let values: Vec<Value> = vec![tenant.as_str().into(), subject.uuid().into()];
        let backend = write.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, person, values);
        write.execute_raw(statement).await.unwrap();
        write.commit().await.unwrap();
        let policy = SqlPolicyHead::new(self.database.clone()).policy(tenant).await.unwrap();
        Epochs { identity: IDENTITY, person: Epoch(0), policy }
    }
}

#[async_trait]
impl consent::contract::InFlightFixture for Attempts {
    fn in_flight(&self) -> &dyn consent::ports::InFlight {
        &self.bridge
    }

    async fn open(&self, tenant: &TenantId, node: NodeId) -> DeliveryId {
        let subject = SubjectId::from_uuid(node.uuid());
        let person = PersonAt { subject, nodes: vec![node], identity: IDENTITY };
        let epochs = self.epochs(tenant, subject).await;
        let delivery = self.planned(tenant, &person).await;
        let now = self.house.clock.now();
        let permitted =
            Verdict { good_until: now.plus(TimeDelta::minutes(1)), ..sample::verdict(epochs) };
        // The delivery has two nodes in the sample; this person has one.
        let two = sample::person(1);
        let request = GateRequest {
            person,
            contact: node,
            stamp: Stamp::of(&permitted).unwrap(),
            ..sample::request(&delivery, &two)
        };
        let outcomes = self.gate.pass(now, &[request]).await.unwrap();
        let [Judgement::Passed(attempt, _)] = &*outcomes else { panic!("{outcomes:?}") };
        attempt.id().delivery
    }
}

consent::in_flight_suite!(delivery_tells_consent_what_is_under_way, super::attempts());
