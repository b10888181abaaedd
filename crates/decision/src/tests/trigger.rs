//! Timers: armed by facts, derived again when they fire, settled with their decision.

use std::sync::Arc;

use kernel::{Clock, Digest, Instant, Limit, Period, Value};
use serde_json::json;

use super::world::{World, acme, at, compile, date, person, shipped, subject};
use crate::{
    State,
    inputs::Permission,
    occurrence::{ObjectRef, Occurrence},
    ports::{Contact, Journal, Lookup, Timetable},
    reasons,
    record::Record,
};

async fn issue(world: &World, renewal_on: &str) -> ObjectRef {
    let policy = world.policy(renewal_on);
    let fact = world.happens(
        "policy.issued.v1",
        std::slice::from_ref(&policy),
        &["policy.renewal_on"],
        json!({ "policy_no": "P-1" }),
    );
    world.triggers.observe(&[fact]).await.unwrap();
    policy
}

async fn open(world: &World) -> Vec<Occurrence> {
    world.timetable.find(&acme(), Lookup::OpenOf(&[subject()])).await.unwrap()
}

async fn records(world: &World) -> Vec<Record> {
    let page = world.journal.range(&acme(), None, Limit::MAX).await.unwrap();
    page.items.iter().map(|it| it.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_renewal_is_due_ninety_days_ahead_in_the_persons_zone() {
    let world = World::at("2026-06-20T00:00:00Z");
    issue(&world, "2026-09-29").await;
    let waiting = open(&world).await;
    assert_eq!(waiting.len(), 1);
    let due = waiting[0].due_at;
    assert!(due >= at("2026-07-01T08:00:00Z") && due < at("2026-07-01T10:00:00Z"), "{due}");
    assert_eq!(world.facts("occurrence.armed").len(), 1);
    world.pass_until(due).await;
    let records = records(&world).await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].outcome.kind, "act");
    let decided = world.facts("action.decided");
    assert_eq!(decided.len(), 1);
    let body = &decided[0].body;
    assert_eq!(body["treatment"], "email");
    assert_eq!(body["template"]["name"], "renewal-90");
    assert_eq!(body["purpose"], json!({ "key": "marketing.renewal", "version": 3 }));
    assert_eq!(body["caps"], json!(["marketing-24h", "marketing-7d"]));
    assert_eq!(body["occurrence"], json!(waiting[0].key));
    assert_eq!(decided[0].subject, Some(subject()));
    assert!(!decided[0].nodes.is_empty());
    assert!(!decided[0].body.to_string().contains("Ada"));
    assert!(open(&world).await.is_empty());
}

#[tokio::test]
async fn a_fact_seen_twice_arms_once_and_never_again_after_its_decision() {
    let world = World::at("2026-06-20T00:00:00Z");
    let policy = world.policy("2026-09-29");
    let fact = world.happens("policy.issued.v1", &[policy], &["policy.renewal_on"], json!({}));
    for _ in 0..2 {
        world.triggers.observe(&[fact.clone(), fact.clone()]).await.unwrap();
    }
    assert_eq!(world.facts("occurrence.armed").len(), 1);
    world.pass_until(at("2026-07-02T00:00:00Z")).await;
    world.triggers.observe(&[fact]).await.unwrap();
    world.pass_until(at("2026-07-05T00:00:00Z")).await;
    assert_eq!(records(&world).await.len(), 1);
}

#[tokio::test]
async fn what_ends_a_journey_cancels_its_timer() {
    let world = World::at("2026-06-20T00:00:00Z");
    let policy = issue(&world, "2026-09-29").await;
    let other =
        world.happens("policy.renewed.v1", &[ObjectRef::new("policy", "P-2")], &[], json!({}));
    world.triggers.observe(&[other]).await.unwrap();
    assert_eq!(open(&world).await.len(), 1);
    let renewed = world.happens("policy.renewed.v1", &[policy], &[], json!({}));
    world.triggers.observe(&[renewed]).await.unwrap();
    assert!(open(&world).await.is_empty());
    assert_eq!(world.facts("occurrence.cancelled").len(), 1);
    world.pass_until(at("2026-10-01T00:00:00Z")).await;
    assert!(records(&world).await.is_empty());
}

#[tokio::test]
async fn an_anchor_that_moves_moves_the_timer_even_unseen() {
    let world = World::at("2026-06-20T00:00:00Z");
    let policy = issue(&world, "2026-09-29").await;
    issue(&world, "2026-10-29").await;
    let waiting = open(&world).await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].occasion.anchor, Some(date("2026-10-29")));
    // The field moves again, and no fact tells of it before the timer fires.
    world.clock.set(at("2026-07-31T00:00:00Z"));
    world.policy("2026-11-29");
    world.pass_until(at("2026-08-02T00:00:00Z")).await;
    let waiting = open(&world).await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].occasion.anchor, Some(date("2026-11-29")));
    assert_eq!(waiting[0].occasion.object, Some(policy));
    assert!(records(&world).await.is_empty());
}

/// Why occurrences were missed, in order.
fn missed(world: &World) -> Vec<serde_json::Value> {
    world.facts("occurrence.missed").into_iter().map(|it| it.body["reason"].clone()).collect()
}

#[tokio::test]
async fn a_timer_that_comes_too_late_is_missed() {
    let world = World::at("2026-06-20T00:00:00Z");
    issue(&world, "2026-09-29").await;
    world.clock.set(at("2026-07-20T00:00:00Z"));
    world.triggers.run_once(10).await.unwrap();
    assert!(records(&world).await.is_empty());
    assert_eq!(missed(&world), [reasons::TRG_MISSED.code()]);
}

#[tokio::test]
async fn a_date_that_is_told_too_late_is_missed_and_says_so_once() {
    let world = World::at("2026-07-20T00:00:00Z");
    for _ in 0..2 {
        issue(&world, "2026-09-29").await;
        assert!(open(&world).await.is_empty());
        assert_eq!(missed(&world), [reasons::TRG_MISSED.code()]);
    }
    let fact = world.facts("occurrence.missed").remove(0);
    assert_eq!((&fact.body["node"], fact.subject), (&json!("renewal.day90"), Some(subject())));
    // The reminder was due on 1 July 2026; the node looks back a year.
    for (told, n) in [("2027-07-01T07:00:00Z", 1), ("2027-07-01T11:00:00Z", 0)] {
        let world = World::at(told);
        issue(&world, "2026-09-29").await;
        assert_eq!(missed(&world).len(), n, "{told}");
    }
}

#[tokio::test]
async fn an_anchor_that_moves_into_the_past_unseen_is_missed() {
    let world = World::at("2026-06-20T00:00:00Z");
    issue(&world, "2026-09-29").await;
    world.policy("2026-07-20");
    world.pass_until(at("2026-07-02T00:00:00Z")).await;
    assert!(records(&world).await.is_empty());
    assert!(open(&world).await.is_empty());
    assert_eq!(world.facts("occurrence.cancelled").len(), 1);
    assert_eq!(missed(&world), [reasons::TRG_MISSED.code()]);
}

#[tokio::test]
async fn an_event_older_than_its_node_accepts_is_missed() {
    let too_old = vec![json!(reasons::TRG_TOO_LATE)];
    for (seen, waiting, why) in
        [("2026-06-02T10:00:00Z", 1, vec![]), ("2026-06-02T10:00:00.000001Z", 0, too_old)]
    {
        let world = World::at("2026-06-01T10:00:00Z");
        let facts = [2, 5].map(|rating| {
            let objects = [ObjectRef::new("interaction", "T-1")];
            let data = json!({ "ticket_no": "T-1", "rating": rating });
            world.happens("service.interaction_rated.v1", &objects, &[], data)
        });
        world.clock.set(at(seen));
        world.triggers.observe(&facts).await.unwrap();
        assert_eq!(open(&world).await.len(), waiting, "{seen}");
        assert_eq!(missed(&world), why, "{seen}");
    }
}

#[tokio::test]
async fn a_pause_is_measured_from_the_last_activity() {
    let world = World::at("2026-06-01T10:00:00Z");
    world.set(None, "app.push_enabled", Value::Bool(true));
    let step = |step: &str| {
        world.set(None, "onboarding.step", Value::Text(step.into()));
        world.set(None, "onboarding.last_step_at", Value::At(world.now()));
        world.happens("onboarding.step_done.v1", &[], &[], json!({ "step": step }))
    };
    world.triggers.observe(&[step("signup")]).await.unwrap();
    world.clock.set(at("2026-06-03T10:00:00Z"));
    world.triggers.observe(&[step("identity")]).await.unwrap();
    assert_eq!(world.facts("occurrence.armed").len(), 1);
    world.pass_until(at("2026-06-05T23:00:00Z")).await;
    assert!(records(&world).await.is_empty());
    world.pass_until(at("2026-06-07T23:00:00Z")).await;
    let records = records(&world).await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].outcome.action.as_ref().unwrap().channel, kernel::Channel::Push);
    // Without a known zone the date was reckoned in the assumed one, and the record says so.
    assert!(records[0].subject.occurrences[0].zone_assumed);
    let as_of = Instant::from_micros(records[0].core.as_of_us);
    assert!(as_of >= at("2026-06-06T15:00:00Z") && as_of < at("2026-06-06T16:00:00Z"));
}

#[tokio::test]
async fn re_entry_is_counted_over_episodes() {
    let world = World::at("2026-06-01T10:00:00Z");
    world.set(None, "app.push_enabled", Value::Bool(true));
    for day in ["2026-06-01T10:00:00Z", "2026-06-06T10:00:00Z", "2026-06-20T10:00:00Z"] {
        world.clock.set(at(day));
        world.set(None, "onboarding.step", Value::Text("payment".into()));
        world.set(None, "onboarding.last_step_at", Value::At(world.now()));
        let fact = world.happens("onboarding.step_done.v1", &[], &[], json!({}));
        world.triggers.observe(&[fact]).await.unwrap();
        world.pass_until(world.clock.now().plus(Period::days(5).span())).await;
    }
    let outcomes: Vec<_> = records(&world).await.into_iter().map(|it| it.outcome.reason).collect();
    assert_eq!(outcomes, [None, Some(reasons::TRG_REENTRY), None]);
}

#[tokio::test]
async fn a_bad_rating_sets_off_recovery_after_its_delay_and_a_good_one_does_not() {
    let world = World::at("2026-06-01T10:00:00Z");
    let interaction = ObjectRef::new("interaction", "T-1");
    let it = Some(interaction.clone());
    world.set(it.clone(), "service.cause", Value::Text("error".into()));
    world.set(it.clone(), "service.fault_confirmed", Value::Bool(true));
    world.set(it, "billing.overcharge_minor", Value::Int(900));
    world.set(None, "person.needs_support", Value::Bool(false));
    for (rating, armed) in [(json!(4), 0), (json!("2"), 0), (json!(2), 1)] {
        let objects = [interaction.clone()];
        let data = json!({ "ticket_no": "T-1", "rating": rating });
        let fact = world.happens("service.interaction_rated.v1", &objects, &[], data);
        world.triggers.observe(&[fact]).await.unwrap();
        assert_eq!(open(&world).await.len(), armed, "{rating}");
    }
    assert_eq!(open(&world).await[0].due_at, at("2026-06-01T12:00:00Z"));
    world.pass_until(at("2026-06-01T12:00:00Z")).await;
    let records = records(&world).await;
    assert_eq!(&*records[0].outcome.action.as_ref().unwrap().action, "credit");
}

#[tokio::test]
async fn a_returned_action_is_decided_afresh_and_linked() {
    let world = World::at("2026-06-20T00:00:00Z");
    issue(&world, "2026-09-29").await;
    world.pass_until(at("2026-07-02T00:00:00Z")).await;
    let first = records(&world).await.remove(0);
    let key = first.subject.occurrences[0].key;
    let body = json!({ "occurrence": key, "not_before": "2026-07-03T06:00:00Z" });
    let returned = world.fact("action.returned", body);
    for _ in 0..2 {
        world.triggers.observe(std::slice::from_ref(&returned)).await.unwrap();
    }
    world.pass_until(at("2026-07-04T00:00:00Z")).await;
    let records = records(&world).await;
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].core.supersedes, Some(first.core.id));
    assert_eq!(records[1].core.round, 1);
    assert_eq!(records[1].outcome.kind, "act");
    assert_eq!(records[1].subject.occurrences[0].key, key);
}

#[tokio::test]
async fn permission_that_is_held_is_asked_again_when_the_hold_ends() {
    let world = World::at("2026-06-20T00:00:00Z");
    issue(&world, "2026-09-29").await;
    world.permit_all(Permission::Held { until: at("2026-07-03T06:00:00Z") });
    world.pass_until(at("2026-07-02T00:00:00Z")).await;
    assert_eq!(open(&world).await[0].due_at, at("2026-07-03T06:00:00Z"));
    world.permit_all(Permission::Permitted);
    world.pass_until(at("2026-07-03T06:00:00Z")).await;
    let kinds: Vec<_> = records(&world).await.into_iter().map(|it| it.outcome.kind).collect();
    assert_eq!(kinds, ["none", "act"]);
}

#[tokio::test]
async fn a_source_that_stays_down_is_given_up_on() {
    let world = World::at("2026-06-20T00:00:00Z");
    issue(&world, "2026-09-29").await;
    world.context.set_outage(true);
    world.pass_until(at("2026-07-10T00:00:00Z")).await;
    let records = records(&world).await;
    assert_eq!(records.len(), usize::from(crate::occurrence::REDECIDE_MAX));
    assert!(records.iter().all(|it| it.outcome.reason == Some(reasons::CTX_UNREACHABLE)));
    assert!(open(&world).await.is_empty());
    assert!(world.facts("action.decided").is_empty());
}

#[tokio::test]
async fn a_timer_whose_node_left_the_release_expires_and_says_why() {
    let world = World::at("2026-06-20T00:00:00Z");
    issue(&world, "2026-09-29").await;
    let others = ["claim.status", "onboarding.stalled", "service.recovery"].map(shipped);
    let artifacts = Arc::new(compile(&others).unwrap());
    world.releases.activate(&acme(), Digest::of(b"another"), artifacts);
    world.pass_until(at("2026-07-02T00:00:00Z")).await;
    assert!(records(&world).await.is_empty() && open(&world).await.is_empty());
    let expired = world.facts("occurrence.expired");
    assert_eq!(expired.len(), 1);
    assert_eq!(expired[0].body["reason"], reasons::TRG_NODE_EXPIRED.code());
}

#[tokio::test]
async fn a_crash_before_the_append_is_made_good_once_and_after_it_never() {
    let world = World::at("2026-06-20T00:00:00Z");
    issue(&world, "2026-09-29").await;
    world.clock.set(at("2026-07-01T11:00:00Z"));
    world.journal.set_outage(true);
    world.triggers.run_once(10).await.unwrap_err();
    world.journal.set_outage(false);
    assert_eq!(world.triggers.run_once(10).await.unwrap(), 0);
    world.clock.advance(crate::service::LEASE);
    assert_eq!(world.triggers.run_once(10).await.unwrap(), 1);
    world.clock.advance(crate::service::LEASE);
    assert_eq!(world.triggers.run_once(10).await.unwrap(), 0);
    assert_eq!(world.facts("action.decided").len(), 1);
}

#[tokio::test]
async fn a_merge_hands_timers_to_the_survivor() {
    let world = World::at("2026-06-20T00:00:00Z");
    issue(&world, "2026-09-29").await;
    let survivor = person(7);
    world.persons.put(&acme(), survivor.clone(), &[]);
    world.persons.merge(&acme(), subject(), survivor.subject);
    let merged = world.fact("identity.merged", json!({}));
    world.triggers.observe(&[merged]).await.unwrap();
    assert!(open(&world).await.is_empty());
    let subjects = [survivor.subject];
    let moved = world.timetable.find(&acme(), Lookup::OpenOf(&subjects)).await.unwrap();
    assert_eq!(moved.len(), 1);
    world.pass_until(at("2026-07-02T00:00:00Z")).await;
    let records = records(&world).await;
    assert_eq!(records[0].subject.subject_ref, survivor.subject);
    assert_eq!(records[0].outcome.kind, "none");
}

#[tokio::test]
async fn a_holdout_is_a_ghost_and_settles_its_timer() {
    let world = World::at("2026-06-20T00:00:00Z");
    issue(&world, "2026-09-29").await;
    world.arms.held.store(true, std::sync::atomic::Ordering::SeqCst);
    world.pass_until(at("2026-07-02T00:00:00Z")).await;
    assert!(world.facts("action.decided").is_empty());
    assert_eq!(world.facts("action.ghost").len(), 1);
    let made = &world.facts("decision.made")[0].body;
    assert_eq!((&made["outcome"], &made["holdout"]), (&json!("holdout"), &json!(true)));
    assert!(open(&world).await.is_empty());
}

#[tokio::test]
async fn the_claim_is_told_twice_and_the_second_time_by_a_call() {
    let world = World::at("2026-06-01T10:00:00Z");
    let claim = ObjectRef::new("claim", "C-1");
    let it = Some(claim.clone());
    world.set(it.clone(), "claim.reported_at", Value::At(world.now()));
    world.set(it, "claim.stage", Value::Text("received".into()));
    let fact = world.happens("claim.milestone.v2", &[claim], &["claim.reported_at"], json!({}));
    world.triggers.observe(&[fact]).await.unwrap();
    assert_eq!(open(&world).await.len(), 2);
    world.history.record(
        &acme(),
        subject(),
        "claim.status".parse().unwrap(),
        Contact { outcome: "accepted".into(), at: world.now(), occurrence: None },
    );
    world.pass_until(at("2026-06-30T00:00:00Z")).await;
    let actions: Vec<_> = records(&world)
        .await
        .into_iter()
        .map(|it| (it.core.as_of_us, it.outcome.action.unwrap().action))
        .map(|(at, action)| (Instant::from_micros(at).utc().date_naive(), action))
        .collect();
    let expected = [("2026-06-04", "status"), ("2026-06-08", "handler_calls")];
    assert_eq!(actions, expected.map(|(day, action)| (date(day), action.into())));
}

#[tokio::test]
async fn a_year_of_renewals_is_one_reminder_a_year() {
    let world = World::at("2026-01-01T00:00:00Z");
    for (day, renewal) in [("2026-01-01", "2026-09-29"), ("2026-09-25", "2027-09-29")] {
        world.pass_until(at(&format!("{day}T00:00:00Z"))).await;
        issue(&world, renewal).await;
        let due = open(&world).await[0].due_at;
        world.pass_until(due.minus(Period::days(1).span())).await;
        world.policy(renewal);
    }
    world.pass_until(at("2028-01-01T00:00:00Z")).await;
    let outcomes: Vec<_> = records(&world).await.into_iter().map(|it| it.outcome.kind).collect();
    assert_eq!(outcomes, ["act", "act"]);
    assert_eq!(open(&world).await.iter().filter(|it| it.state == State::Armed).count(), 0);
    let replayed = world.reading.replay_all(&acme()).await.unwrap();
    assert_eq!((replayed.same, replayed.differ.len()), (2, 0));
}
