//! From events to fields: in any order, once, and by the clock that is handed in.

use kernel::{Clock, Instant, Limit, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::world::{T0, World, instant, issued, login, node, tenant};
use crate::{
    Code, FieldKey, ObjectKind, ObjectRef,
    freshness::{Arrivals, Freshness, observe},
    ports::ContextStore,
    view::{Reading, View},
};

fn policy() -> ObjectRef {
    ObjectRef { kind: ObjectKind::new("policy").unwrap(), id: "P1".into() }
}

async fn view(world: &World) -> View {
    let nodes = [node(1), node(2)];
    world.context.view(&tenant(), &nodes, &[policy()]).await.unwrap()
}

fn renewal(view: &View, as_of: &str) -> Option<Value> {
    let field = FieldKey::new("policy.renewal_on").unwrap();
    match view.read(&field, Some(&policy()), instant(as_of)) {
        Reading::Is(it) => Some(it.value.clone()),
        Reading::Missing | Reading::Overflow => None,
    }
}

fn date(text: &str) -> Value {
    Value::Date(text.parse().unwrap())
}

fn facts(world: &World, name: &str) -> Vec<Json> {
    world.feed.facts().into_iter().filter(|it| it.name == name).map(|it| it.body).collect()
}

#[tokio::test]
async fn an_applied_event_says_what_it_set_and_whether_it_triggers() {
    let world = World::new();
    world.admit(vec![issued("1", T0, "2026-04-10")]).await;
    assert_eq!(world.applies.run_once(10).await.unwrap(), 1);
    assert_eq!(world.applies.run_once(10).await.unwrap(), 0);
    let fact = world.feed.facts().pop().unwrap();
    assert_eq!((fact.name.as_str(), &fact.nodes), ("context.event.applied", &vec![node(1)]));
    assert!(fact.subject.is_some());
    let event_id = fact.body["event_id"].clone();
    assert_eq!(
        fact.body,
        json!({
            "event_id": event_id, "type": "policy.issued.v1", "source": "policy_admin",
            "time": instant(T0).to_string(), "view_version": 1, "triggers": true,
            "object_kind": "policy", "object_id": "P1",
            "fields": ["policy.autorenew", "policy.renewal_on", "policy.status"],
        })
    );
    let id = event_id.as_str().unwrap().parse().unwrap();
    let data = world.applies.event_data(&tenant(), id).await.unwrap().unwrap();
    assert_eq!(data["policy_no"], "P1");
}

#[tokio::test]
async fn late_and_expired_events_change_fields_and_trigger_nothing() {
    let world = World::new();
    let mut expired = issued("2", "2026-01-10T11:00:00Z", "2026-05-01");
    expired["expirytime"] = json!("2026-01-10T11:59:59Z");
    world.admit(vec![issued("1", "2026-01-01T00:00:00Z", "2026-04-10"), expired]).await;
    world.applies.run_once(10).await.unwrap();
    let applied = facts(&world, "context.event.applied");
    assert!(applied.iter().all(|it| it["triggers"] == json!(false)), "{applied:?}");
    assert_eq!(renewal(&view(&world).await, T0), Some(date("2026-05-01")));
}

#[tokio::test]
async fn a_field_is_read_as_of_an_instant() {
    let world = World::new();
    world
        .admit(vec![
            issued("2", "2026-01-10T10:00:00Z", "2026-06-01"),
            issued("1", "2026-01-10T08:00:00Z", "2026-04-10"),
        ])
        .await;
    world.applies.run_once(10).await.unwrap();
    let view = view(&world).await;
    assert_eq!(renewal(&view, "2026-01-10T07:59:59Z"), None);
    assert_eq!(renewal(&view, "2026-01-10T08:00:00Z"), Some(date("2026-04-10")));
    assert_eq!(renewal(&view, "2026-01-10T09:59:59Z"), Some(date("2026-04-10")));
    assert_eq!(renewal(&view, "2026-01-10T10:00:00Z"), Some(date("2026-06-01")));
    assert_eq!(view.version().0, 2);
}

#[tokio::test]
async fn an_event_sets_fields_by_having_happened() {
    let world = World::new();
    let mut opened = login("1", &json!({ "type": "service.complaint_opened.v1" }));
    opened["source"] = json!("service_desk");
    opened["subject"] = json!("crm_id:C1");
    opened["data"] = json!({ "ticket_no": "T1" });
    world.admit(vec![opened]).await;
    world.applies.run_once(10).await.unwrap();
    let field = FieldKey::new("service.open_complaint").unwrap();
    let view = view(&world).await;
    let Reading::Is(it) = view.read(&field, None, instant(T0)) else { panic!() };
    assert_eq!(it.value, Value::Bool(true));
}

#[tokio::test]
async fn an_event_about_nobody_known_is_kept_aside_and_the_rest_goes_on() {
    let world = World::new();
    let stranger = login("1", &json!({ "subject": "user_id:U9" }));
    world.admit(vec![stranger, login("2", &json!({}))]).await;
    assert_eq!(world.applies.run_once(10).await.unwrap(), 2);
    assert_eq!(facts(&world, "context.event.applied").len(), 1);
    let health = world.health.health(&tenant(), Limit::MAX).await.unwrap();
    assert_eq!(health.dead_letters[0].code, Code::IdentityUnresolvable);
}

#[tokio::test]
async fn an_outage_of_identity_leaves_the_stretch_for_later() {
    let world = World::new();
    world.admit(vec![login("1", &json!({}))]).await;
    world.neighbours.set_outage(true);
    assert!(world.applies.run_once(10).await.is_err());
    world.neighbours.set_outage(false);
    assert_eq!(world.applies.run_once(10).await.unwrap(), 1);
}

#[tokio::test]
async fn a_stretch_longer_than_a_transaction_is_applied_whole() {
    let world = World::new();
    let n = usize::from(crate::service::STRETCH_MAX) + 1;
    for chunk in (0..n).collect::<Vec<_>>().chunks(100) {
        world.admit(chunk.iter().map(|it| login(&it.to_string(), &json!({}))).collect()).await;
    }
    assert_eq!(world.applies.run_once(n - 1).await.unwrap(), n - 1);
    assert_eq!(world.applies.run_once(n).await.unwrap(), 1);
}

#[test]
fn a_view_past_its_limit_says_since_when_it_is_whole() {
    let contribution = |n: usize| crate::view::Contribution {
        node: node(1),
        object: None,
        field: FieldKey::new("app.push_enabled").unwrap(),
        value: Value::Int(i64::try_from(n).unwrap()),
        time: Instant::from_micros(i64::try_from(n).unwrap()),
        received_at: Instant::EPOCH,
        source: kernel::SystemId::new("app"),
        kind: crate::EventType::new("app.record.v1").unwrap(),
        ce_id: n.to_string(),
        event: kernel::EventId::from_uuid(node(1).uuid()),
        collected_under: super::world::purpose("service"),
    };
    let fold =
        |n: usize| View::fold(crate::view::ViewVersion(1), (1..=n).map(contribution).collect());
    let field = FieldKey::new("app.push_enabled").unwrap();
    let max = crate::view::VIEW_VALUES_MAX;
    let at = Instant::from_micros;
    assert_eq!(fold(max).read(&field, None, at(0)), Reading::Missing);
    assert_eq!(fold(max + 1).read(&field, None, at(1)), Reading::Overflow);
    assert!(matches!(fold(max + 1).read(&field, None, at(2)), Reading::Is(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_arrival_order_gives_the_same_fields(
        order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle(),
        repeats in proptest::collection::vec(0..8_usize, 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let event = |it: usize| {
            // Pairs share a time, so that ties are met.
            let time = format!("2026-01-10T0{}:00:00Z", it / 2);
            issued(&format!("e{it}"), &time, &format!("2026-0{}-01", it + 1))
        };
        let run = |order: Vec<usize>| runtime.block_on(async {
            let world = World::new();
            for it in order {
                world.admit(vec![event(it)]).await;
                world.applies.run_once(10).await.unwrap();
            }
            let view = view(&world).await;
            (0..8).map(|it| renewal(&view, &format!("2026-01-10T0{it}:00:00Z"))).collect::<Vec<_>>()
        });
        let sorted = run((0..8).collect());
        prop_assert_eq!(run(order.into_iter().chain(repeats).collect()), sorted);
    }
}

#[tokio::test]
async fn breach_and_recovery_are_announced_once() {
    let world = World::new();
    world.admit(vec![login("1", &json!({}))]).await;
    assert_eq!(world.watch.run_once(10).await.unwrap(), 0);
    world.clock.advance(chrono::TimeDelta::days(7));
    assert_eq!(world.watch.run_once(10).await.unwrap(), 1);
    assert_eq!(world.watch.run_once(10).await.unwrap(), 0);
    assert_eq!(facts(&world, "context.contract.breached").len(), 1);
    let beat = login(
        "b",
        &json!({ "type": "assent.heartbeat.v1", "subject": null, "data": null,
        "time": world.clock.now().to_string() }),
    );
    world.admit(vec![beat]).await;
    assert_eq!(world.watch.run_once(10).await.unwrap(), 1);
    assert_eq!(facts(&world, "context.contract.recovered").len(), 1);
}

#[test]
fn freshness_is_judged_at_its_bounds() {
    let release = super::world::release();
    let kind = crate::EventType::new("product.login.v1").unwrap();
    let contract = release.contract(&kind).unwrap();
    let arrivals = Arrivals {
        source: kernel::SystemId::new("app"),
        kind,
        received_at: instant(T0),
        lag_micros: 0,
        announced: Freshness::Fresh,
    };
    let state = |seconds: i64| {
        let now = instant(T0).plus(chrono::TimeDelta::seconds(seconds));
        observe(contract, Some(&arrivals), None, now)
    };
    let day = 86_400;
    assert_eq!(state(0), Freshness::Fresh);
    assert_eq!(state(2 * day - 1), Freshness::Fresh);
    assert_eq!(state(2 * day), Freshness::Warn);
    assert_eq!(state(7 * day - 1), Freshness::Warn);
    assert_eq!(state(7 * day), Freshness::Stale);
    assert_eq!(observe(contract, None, None, instant(T0)), Freshness::Never);
    let beat =
        Arrivals { received_at: instant(T0).plus(chrono::TimeDelta::days(6)), ..arrivals.clone() };
    let later = instant(T0).plus(chrono::TimeDelta::days(7));
    assert_eq!(observe(contract, Some(&arrivals), Some(&beat), later), Freshness::Fresh);
    assert_eq!(observe(contract, None, Some(&beat), later), Freshness::Never);
    let slow = Arrivals { lag_micros: 900_000_000, ..arrivals };
    assert_eq!(observe(contract, Some(&slow), None, instant(T0)), Freshness::Warn);
}
