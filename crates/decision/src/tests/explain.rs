//! Why and why not.

use kernel::{JourneyNode, Value};

use super::world::{World, acme, at};
use crate::{explain::WhyNot, inputs::Permission, ports::Journal, reasons};

async fn decide_renewal(world: &World) -> kernel::DecisionId {
    let policy = world.policy("2026-09-29");
    let fact =
        world.happens("policy.issued.v1", &[policy], &["policy.renewal_on"], serde_json::json!({}));
    world.triggers.observe(&[fact]).await.unwrap();
    world.pass_until(at("2026-07-02T00:00:00Z")).await;
    let page = world.journal.range(&acme(), None, kernel::Limit::MAX).await.unwrap();
    page.items[0].id
}

fn renewal() -> JourneyNode {
    JourneyNode::new("renewal.day90").unwrap()
}

#[tokio::test]
async fn an_action_is_explained_in_the_sentences_of_its_node() {
    let world = World::at("2026-06-20T00:00:00Z");
    let id = decide_renewal(&world).await;
    let why = world.reading.why(&acme(), id).await.unwrap().unwrap();
    assert_eq!((&*why.kind, why.reason), ("act", None));
    assert!(why.because.unwrap().starts_with("Your policy ends soon"));
    let codes: Vec<_> = why.points.iter().map(|it| &*it.code).collect();
    assert_eq!(codes, ["policy.active", "renewal.near", "renewal.needs_you"]);
    assert!(why.points.iter().all(|it| it.text.is_some() && it.reason.is_none()));
    let date = "2026-09-29".parse().unwrap();
    assert_eq!(why.facts[0].value, Some(Value::Date(date)));
    let not = world.reading.why_not(&acme(), id, &renewal(), "remind").await.unwrap();
    assert_eq!(not, Some(WhyNot::Taken));
}

#[tokio::test]
async fn a_refusal_names_the_rule_and_every_failure() {
    let world = World::at("2026-06-20T00:00:00Z");
    world.policy("2026-09-29");
    let id = {
        world.permit_all(Permission::Permitted);
        decide_renewal(&world).await
    };
    assert!(world.reading.record(&acme(), id).await.unwrap().is_some());
    let other = World::at("2026-06-20T00:00:00Z");
    let policy = other.policy("2026-09-29");
    other.set(Some(policy.clone()), "policy.autorenew", Value::Bool(true));
    other.set(None, "service.open_complaint", Value::Bool(true));
    let event =
        other.happens("policy.issued.v1", &[policy], &["policy.renewal_on"], serde_json::json!({}));
    other.triggers.observe(&[event]).await.unwrap();
    other.pass_until(at("2026-07-02T00:00:00Z")).await;
    let id = other.journal.range(&acme(), None, kernel::Limit::MAX).await.unwrap().items[0].id;
    let why = other.reading.why(&acme(), id).await.unwrap().unwrap();
    assert_eq!(why.reason, Some(reasons::RUL_FAILED));
    let codes: Vec<_> = why.points.iter().map(|it| &*it.code).collect();
    assert_eq!(codes, ["renewal.needs_you", "complaint.open"]);
    let not = other.reading.why_not(&acme(), id, &renewal(), "remind").await.unwrap().unwrap();
    let WhyNot::Fell { stage, points } = not else { panic!("{not:?}") };
    assert_eq!((&*stage, points.len()), ("permitted", 2));
}

#[tokio::test]
async fn what_took_no_part_is_told_from_what_does_not_exist() {
    let world = World::at("2026-06-20T00:00:00Z");
    let id = decide_renewal(&world).await;
    let ask = |node: &str, action: &str| {
        let (node, action) = (JourneyNode::new(node).unwrap(), action.to_owned());
        let world = &world;
        async move { world.reading.why_not(&acme(), id, &node, &action).await.unwrap().unwrap() }
    };
    assert_eq!(ask("claim.status", "status").await, WhyNot::NotInContest);
    assert_eq!(ask("claim.status", "dance").await, WhyNot::Unknown);
    assert_eq!(ask("no.such", "status").await, WhyNot::Unknown);
}
