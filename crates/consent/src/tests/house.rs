//! The use cases wired over the reference implementations.

use std::sync::Arc;

use chrono::TimeDelta;
use kernel::{
    Channel::Email, Clock, Epoch, ManualClock, NodeId, PersonAt, SeededEntropy, memory::MemoryFeed,
};

use super::world::{NOW, World, artifacts, grant, key, label, node, tenant, uuid};
use crate::{
    Acknowledgement, Actor, ConsentEvent, EventKind, NewEvent, Verdict, WithdrawalScope,
    memory::{MemoryInFlight, MemoryLedger, MemoryPeople, MemoryRegistry},
    ports::Ledger,
    service::{
        By, Chosen, ConsentService, LedgerSnapshots, PreferenceChange, PreferenceError,
        RecordOutcome, VerdictService,
    },
};

pub(super) struct House {
    pub(super) clock: Arc<ManualClock>,
    pub(super) feed: Arc<MemoryFeed>,
    pub(super) ledger: Arc<MemoryLedger>,
    pub(super) people: Arc<MemoryPeople>,
    pub(super) registry: Arc<MemoryRegistry>,
    pub(super) in_flight: Arc<MemoryInFlight>,
    pub(super) consent: ConsentService,
    pub(super) verdicts: VerdictService,
    pub(super) person: PersonAt,
}

impl House {
    pub(super) fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let feed = Arc::new(MemoryFeed::default());
        let ledger = Arc::new(MemoryLedger::new(Arc::clone(&feed)));
        let people = Arc::new(MemoryPeople::default());
        let registry = Arc::new(MemoryRegistry::default());
        let in_flight = Arc::new(MemoryInFlight::default());
        registry.release(&tenant(), artifacts());
        let world = World::new();
        world.members.iter().for_each(|it| people.put(&tenant(), it.clone()));
        let snapshots = LedgerSnapshots::new(ledger.clone(), people.clone(), clock.clone());
        Self {
            consent: ConsentService::new(
                ledger.clone(),
                in_flight.clone(),
                registry.clone(),
                clock.clone(),
                Arc::new(SeededEntropy::new(3)),
            ),
            verdicts: VerdictService::new(Arc::new(snapshots), registry.clone(), registry.clone()),
            clock,
            feed,
            ledger,
            people,
            registry,
            in_flight,
            person: world.person(),
        }
    }

    pub(super) fn said(&self, id: u128, at: NodeId, kind: EventKind) -> NewEvent {
        NewEvent {
            id: uuid(id),
            source: label("app"),
            node: at,
            kind,
            event_time: self.clock.now(),
            actor: Actor::Subject,
            answers: Vec::new(),
        }
    }

    pub(super) async fn record(&self, events: Vec<NewEvent>) -> Vec<RecordOutcome> {
        self.consent.record(&tenant(), events).await.unwrap().outcomes
    }

    pub(super) async fn agreed(&self) {
        let given = self.said(11, node(1), EventKind::Given(grant()));
        let outcomes = self.record(vec![given]).await;
        assert!(matches!(outcomes[0], RecordOutcome::Recorded(_)), "{outcomes:?}");
        self.clock.advance(TimeDelta::seconds(60));
    }

    pub(super) async fn withdraw(&self, act: u128) -> Acknowledgement {
        self.consent.withdraw(&tenant(), &self.person, &renewals(), &by(), uuid(act)).await.unwrap()
    }

    pub(super) async fn verdict(&self) -> Verdict {
        let ask = World::new().ask("marketing.renewal", Some(Email));
        let now = self.clock.now();
        self.verdicts.verdict(&tenant(), &self.person, &ask, now).await.unwrap()
    }

    pub(super) async fn choose(
        &self,
        expected: u64,
        changes: Vec<PreferenceChange>,
        act: u128,
    ) -> Result<Acknowledgement, PreferenceError> {
        let chosen = Chosen { changes, expected: Epoch(expected), at: node(1) };
        self.consent.set_preferences(&tenant(), &self.person, &chosen, &by(), uuid(act)).await
    }

    pub(super) fn fact_names(&self) -> Vec<String> {
        self.feed.facts().into_iter().map(|it| it.name).collect()
    }

    pub(super) async fn log(&self, n: u128) -> Vec<ConsentEvent> {
        let log = self.ledger.logs(&tenant(), &[node(n)]).await.unwrap().remove(0);
        assert!(log.verifies());
        log.events
    }
}

pub(super) fn renewals() -> WithdrawalScope {
    WithdrawalScope::Purpose { purpose: key("marketing.renewal") }
}

pub(super) fn by() -> By {
    By { actor: Actor::Subject, source: label("preference_centre") }
}
