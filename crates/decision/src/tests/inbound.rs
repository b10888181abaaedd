//! Asking for a placement.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{Class, PurposeRef, Value};
use uuid::Uuid;

use super::world::{World, acme, subject};
use crate::{
    Ask, AskError, Who,
    inputs::{HINTS_MAX, Permission},
    occurrence::ObjectRef,
    ports::{Identifier, Journal},
    reasons,
};

fn ask(world: &World, n: u128) -> Ask {
    let object = world.policy("2026-09-20");
    let identifier = Identifier { namespace: "user_id".into(), value: "U1".into() };
    Ask {
        who: Who::Identifiers(vec![identifier]),
        placement: "home.top".into(),
        object: Some(object),
        hints: BTreeMap::new(),
        request_id: Uuid::from_u128(n),
    }
}

fn world() -> World {
    World::at("2026-07-01T08:00:00Z")
}

#[tokio::test]
async fn a_placement_is_filled_and_the_answer_is_recorded_first() {
    let world = world();
    let answer = world.decisions.decide(&acme(), ask(&world, 1)).await.unwrap();
    let served = answer.served.unwrap();
    assert_eq!((&*served.action, &*served.treatment), ("remind", "banner"));
    assert_eq!(served.placement.as_deref(), Some("home.top"));
    assert!(served.valid_until > world.now());
    assert!(world.reading.record(&acme(), answer.decision).await.unwrap().is_some());
    assert_eq!(world.facts("decision.made").len(), 1);
    assert!(world.facts("action.decided").is_empty());
    let replayed = world.reading.replay(&acme(), answer.decision).await.unwrap().unwrap();
    assert_eq!(replayed, Ok(()));
}

#[tokio::test]
async fn one_request_id_is_one_decision() {
    let world = world();
    let first = world.decisions.decide(&acme(), ask(&world, 1)).await.unwrap();
    world.set(Some(ObjectRef::new("policy", "P-1")), "policy.autorenew", Value::Bool(true));
    let mut same = ask(&world, 1);
    same.who = Who::Subject(subject());
    let second = world.decisions.decide(&acme(), same).await.unwrap();
    assert!(second.duplicate && !first.duplicate);
    assert_eq!((second.decision, second.served), (first.decision, first.served));
    let mut other = ask(&world, 1);
    other.hints = BTreeMap::from([("intent".into(), "renew".into())]);
    let refused = world.decisions.decide(&acme(), other).await;
    assert!(matches!(refused, Err(AskError::Conflict)));
    assert_eq!(world.facts("decision.made").len(), 1);
}

#[tokio::test]
async fn nothing_looks_the_same_whatever_its_reason() {
    let world = world();
    world.arms.held.store(true, std::sync::atomic::Ordering::SeqCst);
    let held = world.decisions.decide(&acme(), ask(&world, 1)).await.unwrap();
    world.permit_all(Permission::Refused);
    let refused = world.decisions.decide(&acme(), ask(&world, 2)).await.unwrap();
    assert_eq!((held.served, refused.served), (None, None));
    let reason = |id| {
        let world = &world;
        async move { world.reading.record(&acme(), id).await.unwrap().unwrap().outcome.reason }
    };
    assert_eq!(reason(held.decision).await, Some(reasons::EXP_HOLDOUT));
    assert_eq!(reason(refused.decision).await, Some(reasons::PRM_REFUSED));
}

#[tokio::test]
async fn permission_that_moves_twice_withholds_the_answer() {
    let world = world();
    world.journal.move_permission(subject(), true);
    let answer = world.decisions.decide(&acme(), ask(&world, 1)).await.unwrap();
    assert_eq!(answer.served, None);
    let record = world.reading.record(&acme(), answer.decision).await.unwrap().unwrap();
    assert_eq!(record.outcome.reason, Some(reasons::PRM_MOVED));
    assert_eq!(world.facts("decision.made").len(), 1);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_by_name() {
    let world = world();
    let mut strange = ask(&world, 1);
    strange.placement = "no.such".into();
    let answer = world.decisions.decide(&acme(), strange).await;
    assert!(matches!(answer, Err(AskError::UnknownPlacement(_))));
    let mut nobody = ask(&world, 2);
    nobody.who = Who::Identifiers(Vec::new());
    let answer = world.decisions.decide(&acme(), nobody).await;
    assert!(matches!(answer, Err(AskError::UnknownPerson)));
    let hints = |n: usize| -> BTreeMap<Arc<str>, Arc<str>> {
        (0..n).map(|i| (format!("h{i}").into(), "x".into())).collect()
    };
    let mut full = ask(&world, 3);
    full.hints = hints(HINTS_MAX);
    assert!(world.decisions.decide(&acme(), full).await.is_ok());
    let mut over = ask(&world, 4);
    over.hints = hints(HINTS_MAX + 1);
    let answer = world.decisions.decide(&acme(), over).await;
    assert!(matches!(answer, Err(AskError::TooManyHints)));
}

#[tokio::test]
async fn an_outage_of_any_source_never_gives_an_action() {
    type Switch = fn(&World, bool);
    let switches: [(&str, Switch); 6] = [
        ("releases", |it, on| it.releases.set_outage(on)),
        ("persons", |it, on| it.persons.set_outage(on)),
        ("context", |it, on| it.context.set_outage(on)),
        ("permission", |it, on| it.permission.set_outage(on)),
        ("history", |it, on| it.history.set_outage(on)),
        ("journal", |it, on| it.journal.set_outage(on)),
    ];
    for (name, switch) in switches {
        let world = world();
        let asked = ask(&world, 1);
        switch(&world, true);
        match world.decisions.decide(&acme(), asked.clone()).await {
            Ok(answer) => assert_eq!(answer.served, None, "{name}"),
            Err(AskError::Fault(_)) => {
                switch(&world, false);
                let made = world.journal.range(&acme(), None, kernel::Limit::MAX).await.unwrap();
                assert!(made.items.is_empty(), "{name}");
                assert!(world.feed.facts().is_empty(), "{name}");
            }
            Err(other) => panic!("{name}: {other}"),
        }
    }
}

#[tokio::test]
async fn without_its_object_a_journey_has_nothing_to_say() {
    let world = world();
    let mut bare = ask(&world, 1);
    bare.object = None;
    let answer = world.decisions.decide(&acme(), bare).await.unwrap();
    assert_eq!(answer.served, None);
    let purpose = PurposeRef { key: "marketing.renewal".parse().unwrap(), version: 3 };
    world.permit(&purpose, kernel::Channel::Web, Class::Marketing, Permission::Refused);
    let refused = world.decisions.decide(&acme(), ask(&world, 2)).await.unwrap();
    assert_eq!(refused.served, None);
}
