//! From facts of decisions to deliveries and ghosts.

use chrono::TimeDelta;
use kernel::{Epoch, Epochs, Fact, FactId, SeededEntropy};
use serde_json::json;

use super::world::{World, world};
use crate::{
    contract::sample::{self, EPOCHS, noon, tenant},
    message::{CAPS_MAX, Delivery},
    ports::{DeliveryStore, Filter},
    state::State,
};

fn decided(world: &World, name: &str, i: u64) -> Fact {
    let person = world.person(i);
    let template = world.template.clone();
    let it = Delivery { template, ..sample::delivery(i, &person) };
    world.bundle(&it);
    Fact {
        id: FactId::mint(noon(), &SeededEntropy::new(i)),
        tenant: tenant(),
        name: name.to_owned(),
        at: noon(),
        subject: Some(it.subject),
        nodes: it.nodes.clone(),
        cause: None,
        trace: it.trace.clone(),
        body: json!({
            "decision_id": it.decision,
            "node": "renewal.day90",
            "action": "remind",
            "treatment": "email",
            "channel": "email",
            "template": { "name": it.template.name, "digest": it.template.digest },
            "purpose": { "key": "marketing.renewal", "version": 3 },
            "class": "marketing",
            "caps": ["marketing-24h", "marketing-7d"],
            "window": "standard",
            "on_hold": "wait",
            "not_before": noon(),
            "not_after": noon().plus(TimeDelta::days(2)),
            "release": { "digest": it.release.digest, "sequence": 9 },
            "occurrence": it.occurrence,
            "priority": it.priority,
            "rationale": "for others",
        }),
    }
}

async fn deliveries(world: &World) -> Vec<Delivery> {
    let filter = Filter::default();
    let limit = kernel::Limit::MAX;
    DeliveryStore::page(&*world.desk, &tenant(), &filter, None, limit).await.unwrap().items
}

#[tokio::test]
async fn a_decided_action_is_planned_as_decided_and_once() {
    let world = world(true);
    let fact = decided(&world, "action.decided", 1);
    let other = decided(&world, "decision.made", 2);
    world.plans.observe(&[fact.clone(), other]).await.unwrap();
    world.plans.observe(std::slice::from_ref(&fact)).await.unwrap();
    let planned = deliveries(&world).await;
    assert_eq!(planned.len(), 1);
    let expected = Delivery {
        id: planned[0].id,
        template: world.template.clone(),
        planned_at: noon(),
        cause: fact.id,
        ..sample::delivery(1, &sample::person(1))
    };
    assert_eq!(planned[0], expected);
    let facts = world.facts();
    assert_eq!(world.names(), ["delivery.planned"]);
    assert_eq!(facts[0].1.cause, Some(fact.id));
}

#[tokio::test]
async fn an_action_for_later_waits_for_its_time() {
    let world = world(true);
    let mut fact = decided(&world, "action.decided", 1);
    let later = noon().plus(TimeDelta::hours(3));
    fact.body["not_before"] = json!(later);
    world.plans.observe(&[fact]).await.unwrap();
    assert_eq!(world.dispatch.run_once(10).await.unwrap(), 0);
    let State::Held { until, .. } = deliveries(&world).await[0].state else { panic!("it waits") };
    assert_eq!(until, later);
}

#[tokio::test]
async fn an_unreadable_action_is_not_sent_and_says_so() {
    for (member, value) in [
        ("window", json!("whenever")),
        ("on_hold", json!("insist")),
        ("channel", json!("pigeon")),
        ("decision_id", json!(7)),
        ("caps", json!(vec!["c"; CAPS_MAX + 1])),
    ] {
        let world = world(true);
        let mut fact = decided(&world, "action.decided", 1);
        fact.body[member] = value;
        world.plans.observe(&[fact.clone()]).await.unwrap();
        assert!(deliveries(&world).await.is_empty());
        let (name, said) = world.facts().pop().unwrap();
        assert_eq!((name.as_str(), said.cause), ("delivery.failed", Some(fact.id)));
        assert_eq!(said.body, json!({ "reasons": ["DL.MALFORMED"] }));
    }
}

#[tokio::test]
async fn an_action_may_name_so_many_caps() {
    let world = world(true);
    let mut fact = decided(&world, "action.decided", 1);
    fact.body["caps"] = json!(vec!["c"; CAPS_MAX]);
    world.plans.observe(&[fact]).await.unwrap();
    assert_eq!(deliveries(&world).await[0].caps.len(), CAPS_MAX);
}

#[tokio::test]
async fn a_ghost_says_what_would_have_been_and_touches_nobody() {
    let world = world(true);
    let ghost = decided(&world, "action.ghost", 1);
    world.plans.observe(std::slice::from_ref(&ghost)).await.unwrap();
    let (name, fact) = world.facts().pop().unwrap();
    assert_eq!((name.as_str(), &fact.body["outcome"]), ("delivery.ghosted", &json!("sent")));
    assert!(fact.body.get("delivery_id").is_none());
    assert!(deliveries(&world).await.is_empty());
    assert!(world.sender.sent().is_empty());
    // Observed again, it makes the very same fact, which consumers know.
    world.plans.observe(&[ghost]).await.unwrap();
    assert_eq!(world.facts().pop().unwrap().1.id, fact.id);
}

#[tokio::test]
async fn a_ghost_that_would_have_been_stopped_says_why() {
    let world = world(true);
    let ghost = decided(&world, "action.ghost", 1);
    let person = sample::person(1);
    world.desk.set_heads(&tenant(), &person, Epochs { person: Epoch(9), ..EPOCHS });
    world.plans.observe(&[ghost]).await.unwrap();
    let (_, fact) = world.facts().pop().unwrap();
    assert_eq!(fact.body["outcome"], "held");
    assert_eq!(fact.body["reasons"], json!(["SG.EPOCH_CHANGED"]));
}
