//! Taking permission away: kept, settled, acknowledged.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{
    Channel::{Email, Push},
    Clock, Cursor, DeliveryId, Epoch, Fault, Limit, NodeId, Page, SeededEntropy, TenantId,
};
use uuid::Uuid;

use super::world::{codes, grant, key, label, node, tenant, uuid};
use crate::{
    Actor, ConsentEvent, Effect, Limb, NodeLog, PurposeScope, SuppressionReason, WithdrawalScope,
    memory::MemoryLedger,
    ports::{AppendError, Ledger, Straggler, Transition},
    service::{By, ConsentService, PreferenceChange, RestrainError},
};

use super::house::{House, by, renewals};

#[tokio::test]
async fn a_withdrawal_is_kept_at_every_node_settled_and_acknowledged() {
    let house = House::new();
    house.agreed().await;
    assert!(house.verdict().await.is_permitted());
    let answer = house.withdraw(50).await;
    assert_eq!((answer.effect, answer.epoch), (Effect::Effective, Epoch(4)));
    assert_eq!(answer.certificate.events.len(), 3);
    assert_eq!(answer.certificate.effective_at, Some(house.clock.now()));
    let verdict = house.verdict().await;
    assert_eq!(codes(&verdict), ["LB.CONSENT.WITHDRAWN"]);
    assert_eq!((verdict.epochs.person, verdict.epochs.policy), (Epoch(4), Epoch(1)));
    assert_eq!(house.fact_names(), ["consent.recorded", "consent.withdrawn"]);
    let fact = &house.feed.facts()[1];
    assert_eq!((fact.nodes.len(), fact.subject), (3, Some(house.person.subject)));
    assert_eq!(fact.body["purpose"], "marketing.renewal");
}

#[tokio::test]
async fn a_repeated_withdrawal_is_the_same_act() {
    let house = House::new();
    house.agreed().await;
    let first = house.withdraw(50).await;
    house.clock.advance(TimeDelta::hours(1));
    let again = house.withdraw(50).await;
    assert_eq!(again.certificate.recorded_at, first.certificate.recorded_at);
    assert_eq!((again.certificate.events, again.epoch), (first.certificate.events, first.epoch));
    assert_eq!(house.feed.facts().len(), 2);
    let everything = WithdrawalScope::Everything;
    let other =
        house.consent.withdraw(&tenant(), &house.person, &everything, &by(), uuid(50)).await;
    assert!(matches!(other, Err(RestrainError::Conflict)), "{other:?}");
}

/// A ledger whose first append is kept and not answered: what it would have told was not told.
#[derive(Debug)]
struct Interrupted {
    inner: Arc<MemoryLedger>,
    once: AtomicBool,
    told: Mutex<BTreeSet<NodeId>>,
}

#[async_trait]
impl Ledger for Interrupted {
    async fn append(&self, tenant: &TenantId, transition: Transition) -> Result<(), AppendError> {
        let nodes: Vec<_> = transition.expected.iter().map(|it| it.0).collect();
        self.inner.append(tenant, transition).await?;
        if !self.once.swap(true, Ordering::SeqCst) {
            return Err(Fault::retry("telling those who keep choices close").into());
        }
        self.told.lock().unwrap().extend(nodes);
        Ok(())
    }

    async fn logs(&self, tenant: &TenantId, nodes: &[NodeId]) -> Result<Vec<NodeLog>, Fault> {
        self.inner.logs(tenant, nodes).await
    }

    async fn find(&self, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<ConsentEvent>, Fault> {
        self.inner.find(tenant, ids).await
    }

    async fn page(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<ConsentEvent>, Fault> {
        self.inner.page(tenant, nodes, after, limit).await
    }
}

#[tokio::test]
async fn a_repeat_tells_whom_a_crash_kept_the_first_withdrawal_from() {
    let house = House::new();
    house.agreed().await;
    let ledger = Arc::new(Interrupted {
        inner: house.ledger.clone(),
        once: AtomicBool::default(),
        told: Mutex::default(),
    });
    let consent = ConsentService::new(
        ledger.clone(),
        house.in_flight.clone(),
        house.registry.clone(),
        house.clock.clone(),
        Arc::new(SeededEntropy::new(5)),
    );
    let withdraw =
        async || consent.withdraw(&tenant(), &house.person, &renewals(), &by(), uuid(50)).await;
    assert!(matches!(withdraw().await, Err(RestrainError::Fault(_))));
    assert!(ledger.told.lock().unwrap().is_empty());
    assert_eq!(withdraw().await.unwrap().effect, Effect::Effective);
    assert_eq!(ledger.told.lock().unwrap().iter().copied().collect::<Vec<_>>(), house.person.nodes);
    assert_eq!(house.feed.facts().len(), 2);
}

#[tokio::test]
async fn a_send_under_way_makes_the_answer_honest() {
    let house = House::new();
    house.agreed().await;
    let delivery = DeliveryId::from_uuid(uuid(9));
    house.in_flight.attempt(&tenant(), node(2), Straggler { delivery, ended: false });
    let answer = house.withdraw(50).await;
    assert_eq!(answer.effect, Effect::Recorded);
    assert_eq!(answer.certificate.effective_at, None);
    assert!(!answer.certificate.in_flight[0].ended);
    house.in_flight.set_outage(true);
    let answer = house.withdraw(51).await;
    assert_eq!(answer.effect, Effect::Recorded, "out of reach is not effective");
    assert!(!house.verdict().await.is_permitted());
}

#[tokio::test]
async fn every_scope_of_withdrawal_stops_what_it_names() {
    let topic = label("travel");
    let cases = [
        (renewals(), "LB.CONSENT.WITHDRAWN"),
        (
            WithdrawalScope::PurposeChannel { purpose: key("marketing"), channel: Email },
            "LB.CONSENT.WITHDRAWN",
        ),
        (WithdrawalScope::PurposeChannel { purpose: key("marketing"), channel: Push }, ""),
        (WithdrawalScope::Topic { topic }, ""),
        (WithdrawalScope::AllMarketing, "OB.A21_2"),
        (WithdrawalScope::Everything, "LB.CONSENT.WITHDRAWN"),
    ];
    for (scope, expected) in cases {
        let house = House::new();
        house.agreed().await;
        let act = uuid(50);
        house.consent.withdraw(&tenant(), &house.person, &scope, &by(), act).await.unwrap();
        let first = codes(&house.verdict().await).first().cloned().unwrap_or_default();
        assert_eq!(first, expected, "{scope:?}");
    }
}

#[tokio::test]
async fn an_objection_is_taken_back_only_by_saying_so() {
    let house = House::new();
    house.agreed().await;
    let objection = (PurposeScope::All, Limb::Art21_2);
    house.consent.object(&tenant(), &house.person, objection, &by(), uuid(50)).await.unwrap();
    house.choose(4, vec![PreferenceChange::Agree(grant())], 60).await.unwrap();
    assert_eq!(codes(&house.verdict().await), ["OB.A21_2"]);
    let reopen = PreferenceChange::Reopen(key("marketing.renewal"), Limb::Art21_2);
    house.choose(5, vec![reopen], 61).await.unwrap();
    assert!(house.verdict().await.is_permitted());
}

#[tokio::test]
async fn a_bounced_address_is_suppressed_alone() {
    let house = House::new();
    house.agreed().await;
    let by = By { actor: Actor::Signal { kind: label("bounce") }, source: label("comms") };
    let bounce = SuppressionReason::Bounce;
    house.consent.suppress_address(&tenant(), node(2), bounce, &by, uuid(50)).await.unwrap();
    assert_eq!(codes(&house.verdict().await)[0], "SP.BOUNCE");
    assert_eq!(house.fact_names(), ["consent.recorded", "suppression.changed"]);
}
