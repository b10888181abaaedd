//! From facts to numbers, in any order and however often.

use std::sync::Arc;

use chrono::TimeDelta;
use kernel::{
    Class, DecisionId, Entropy, Fact, FactId, Instant, ManualClock, SeededEntropy, SubjectId,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{acme, plan};
use crate::{
    FoldService, NodeResult, ResultService, Signals,
    fold::{LABEL_BYTES_MAX, OTHER},
    memory::MemoryMeasurement,
    result::UNKNOWN,
    service::FACTS_MAX,
    signal::SignalKind,
};

const START: Instant = Instant::from_micros(1_764_000_000_000_000);

fn day(n: i64) -> Instant {
    START.plus(TimeDelta::days(n))
}

struct World {
    memory: Arc<MemoryMeasurement>,
    fold: FoldService,
    results: ResultService,
}

fn world() -> World {
    let memory = Arc::new(MemoryMeasurement::default());
    memory.set_plans(
        &acme(),
        vec![
            plan("renewal.day90", Class::Marketing, 500_000),
            plan("service.recovery", Class::Service, 500_000),
        ],
    );
    let at = Arc::clone(&memory);
    let fold = FoldService::new(at.clone(), at.clone(), at.clone(), at.clone());
    let clock = Arc::new(ManualClock::at(day(30)));
    let results = ResultService::new(at.clone(), at.clone(), at, clock);
    World { memory, fold, results }
}

impl World {
    async fn told(&self, facts: &[Fact]) -> (Vec<NodeResult>, Signals) {
        self.fold.observe(facts).await.unwrap();
        self.read().await
    }

    async fn read(&self) -> (Vec<NodeResult>, Signals) {
        let results = self.results.node_results(&acme()).await.unwrap();
        (results, self.results.signals(&acme()).await.unwrap())
    }
}

fn subject(n: u8) -> SubjectId {
    SubjectId::mint(START, &SeededEntropy::new(n.into()))
}

fn fact(entropy: &dyn Entropy, name: &str, who: u8, at: Instant, body: Value) -> Fact {
    Fact {
        id: FactId::mint(at, entropy),
        tenant: acme(),
        name: name.to_owned(),
        at,
        subject: Some(subject(who)),
        nodes: Vec::new(),
        cause: None,
        trace: None,
        body,
    }
}

fn made(entropy: &dyn Entropy, who: u8, arm: &str, at: Instant) -> Fact {
    let body = json!({
        "decision_id": DecisionId::mint(at, entropy),
        "outcome": if arm == "control" { "holdout" } else { "act" },
        "node": "renewal.day90",
        "arm": arm,
        "propensity_ppm": 500_000,
        "unit": "person",
        "occurrence": "07".repeat(32),
    });
    fact(entropy, "decision.made", who, at, body)
}

fn delivery(entropy: &dyn Entropy, of: &Fact, name: &str, at: Instant) -> Fact {
    let body = json!({ "decision_id": of.body["decision_id"], "node": "renewal.day90" });
    Fact { subject: of.subject, ..fact(entropy, name, 0, at, body) }
}

/// Applied on the last day, whenever it happened.
fn renewed(entropy: &dyn Entropy, who: u8, at: Instant) -> Fact {
    let body = json!({ "type": "policy.renewed.v1", "time": at });
    fact(entropy, "context.event.applied", who, day(29), body)
}

#[tokio::test]
async fn no_facts_are_unknown() {
    let (results, signals) = world().told(&[]).await;
    assert_eq!(results.len(), 2);
    for it in results {
        assert_eq!((it.lift, it.notes), (None, vec![UNKNOWN]));
    }
    assert_eq!(signals, Signals::default());
}

#[tokio::test]
async fn assignment_exposure_and_outcome_are_three_things() {
    let (world, e) = (world(), SeededEntropy::new(99));
    let treated = made(&e, 1, "treatment", day(1));
    let reached = made(&e, 2, "treatment", day(1));
    let held = made(&e, 3, "control", day(1));
    let mut ghost = delivery(&e, &held, "delivery.ghosted", day(1));
    ghost.body["outcome"] = json!("sent");
    let mut stopped = delivery(&e, &treated, "delivery.ghosted", day(1));
    stopped.body["outcome"] = json!("held");
    let facts = [
        delivery(&e, &reached, "delivery.accepted", day(2)),
        delivery(&e, &treated, "delivery.suppressed", day(2)),
        ghost,
        stopped,
        renewed(&e, 1, day(3)),
        renewed(&e, 3, day(12)),
        treated,
        reached,
        held,
    ];
    let (results, signals) = world.told(&facts).await;
    let it = &results[0];
    assert_eq!((it.treated.units, it.treated.exposed, it.treated.converted), (2, 1, 1));
    assert_eq!((it.control.units, it.control.exposed, it.control.converted), (1, 1, 0));
    assert_eq!(results[1].treated.units, 0);
    assert_eq!(signals.total(SignalKind::Decision), 3);
    assert_eq!(signals.in_state(SignalKind::Decision, "holdout"), 1);
    assert_eq!(signals.in_state(SignalKind::Delivery, "ghosted"), 2);
}

/// A refusal, an obligation and a decision without a propensity are no experiment.
#[tokio::test]
async fn a_decision_without_a_draw_or_a_propensity_enters_no_estimate() {
    let (world, e) = (world(), SeededEntropy::new(98));
    let with = |change: fn(&mut Value)| {
        let mut it = made(&e, 1, "treatment", day(1));
        change(&mut it.body);
        it
    };
    let facts = [
        with(|it| it["arm"] = Value::Null),
        with(|it| it["propensity_ppm"] = Value::Null),
        with(|it| it["propensity_ppm"] = json!(0)),
        with(|it| it["propensity_ppm"] = json!(1_000_001)),
        with(|it| it["arm"] = json!("maybe")),
        with(|it| it["unit"] = json!("household")),
        with(|it| *it = json!("nonsense")),
    ];
    let (results, signals) = world.told(&facts).await;
    assert_eq!((results[0].treated.units, results[0].control.units), (0, 0));
    let missing = ("renewal.day90", "decision.made", "ME.PROPENSITY_MISSING");
    assert_eq!(signals.by_label(SignalKind::Unmeasured)[&missing], 3);
    assert_eq!(signals.total(SignalKind::Unmeasured), 5);
    assert_eq!(signals.total(SignalKind::Decision), 2);
}

#[tokio::test]
async fn occasions_are_units_of_their_own() {
    let (world, e) = (world(), SeededEntropy::new(97));
    let occasion = |n: u8, arm| {
        let mut it = made(&e, 1, arm, day(1));
        it.body["unit"] = json!("occurrence");
        it.body["occurrence"] = json!(format!("{n:02x}").repeat(32));
        it
    };
    let facts = [occasion(1, "treatment"), occasion(2, "control"), renewed(&e, 1, day(2))];
    let (results, _) = world.told(&facts).await;
    let it = &results[0];
    assert_eq!((it.treated.units, it.control.units, it.contaminated), (1, 1, 0));
    assert_eq!((it.treated.converted, it.control.converted), (1, 1));
}

#[tokio::test]
async fn signals_count_names_and_reasons_only() {
    let (world, e) = (world(), SeededEntropy::new(96));
    let at = |name: &str, body| fact(&e, name, 1, day(1), body);
    let facts = [
        at("context.event.admitted", json!({})),
        at("context.event.rejected", json!({ "code": "FD.SCHEMA", "n": 7 })),
        at("context.event.applied", json!({ "type": "policy.renewed.v1" })),
        at("delivery.held", json!({ "node": "renewal.day90", "reasons": ["FQ.CAP", "FQ.QUIET"] })),
        at("delivery.late_handoff", json!({ "node": "renewal.day90" })),
        at("consent.withdrawn", json!({})),
        at("objection.recorded", json!({ "restrictive": true })),
        at("objection.recorded", json!({ "restrictive": false })),
        at("delivery.failed", json!({ "node": "n".repeat(LABEL_BYTES_MAX) })),
        at("delivery.failed", json!({ "node": "n".repeat(LABEL_BYTES_MAX + 1) })),
        at("identity.merged", json!({})),
    ];
    let (_, signals) = world.told(&facts).await;
    assert_eq!(signals.total(SignalKind::Event), 8);
    assert_eq!(signals.by_label(SignalKind::Event)[&("", "rejected", "FD.SCHEMA")], 7);
    let deliveries = signals.by_label(SignalKind::Delivery);
    assert_eq!(deliveries[&("renewal.day90", "held", "FQ.CAP")], 1);
    assert_eq!(deliveries[&(&*"n".repeat(LABEL_BYTES_MAX), "failed", "")], 1);
    assert_eq!(deliveries[&(OTHER, "failed", "")], 1);
    assert_eq!(signals.total(SignalKind::Withdrawal), 2);
    assert_eq!(signals.late_handoffs(), 1);
    let days = signals.by_day(SignalKind::Event, "admitted");
    assert_eq!(days.into_iter().collect::<Vec<_>>(), [(day(1).utc().date_naive(), 1)]);
    let ids = format!("{signals:?}");
    assert!(!ids.contains(&subject(1).uuid().to_string()));
}

#[tokio::test]
async fn more_facts_than_one_transaction_takes_are_folded_in_several() {
    let (world, e) = (world(), SeededEntropy::new(95));
    let facts: Vec<_> =
        (0..=FACTS_MAX).map(|_| fact(&e, "context.event.admitted", 1, day(1), json!({}))).collect();
    let (_, signals) = world.told(&facts[..FACTS_MAX]).await;
    assert_eq!(signals.total(SignalKind::Event), 1_000);
    let (_, signals) = world.told(&facts).await;
    assert_eq!(signals.total(SignalKind::Event), 1_001);
}

#[tokio::test]
async fn an_outage_is_a_fault_and_the_same_facts_may_be_told_again() {
    let (world, e) = (world(), SeededEntropy::new(94));
    let facts = [made(&e, 1, "treatment", day(1)), renewed(&e, 1, day(2))];
    world.memory.set_outage(true);
    assert!(world.fold.observe(&facts).await.is_err());
    assert!(world.results.node_results(&acme()).await.is_err());
    assert!(world.results.signals(&acme()).await.is_err());
    world.memory.set_outage(false);
    let (results, _) = world.told(&facts).await;
    assert_eq!(results[0].treated.converted, 1);
}

/// Twelve people, both arms, repeated draws, exposures and outcomes around the window.
fn story() -> Vec<Fact> {
    let e = SeededEntropy::new(7);
    let mut facts = Vec::new();
    for who in 0..12_u8 {
        let first = made(&e, who, if who % 3 == 0 { "control" } else { "treatment" }, day(1));
        facts.push(delivery(&e, &first, "delivery.accepted", day(2)));
        facts.push(first);
        facts.push(made(&e, who, if who % 5 == 0 { "control" } else { "treatment" }, day(4)));
        facts.push(renewed(&e, who, day(i64::from(who))));
        facts.push(fact(&e, "consent.withdrawn", who, day(9), json!({})));
    }
    facts
}

proptest! {
    /// Any order, any repetition and any cut into calls gives the same numbers.
    #[test]
    fn the_same_facts_give_the_same_numbers(
        order in Just((0..60).chain(0..60).collect::<Vec<usize>>()).prop_shuffle(),
        cut in 1_usize..40,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let story = story();
        let shuffled: Vec<_> = order.iter().map(|it| story[*it].clone()).collect();
        let (plain, mixed) = (world(), world());
        let wanted = runtime.block_on(plain.told(&story));
        for part in shuffled.chunks(cut) {
            runtime.block_on(mixed.fold.observe(part)).unwrap();
        }
        prop_assert_eq!(runtime.block_on(mixed.read()), wanted);
    }
}
