//! Rounds of sending, from due to concluded.

use chrono::TimeDelta;
use kernel::{Channel, Clock, Digest, Epoch, Epochs, Reason};

use super::world::{World, world};
use crate::{
    contract::sample::{self, EPOCHS, noon, tenant},
    message::{Delivery, OnHold, TemplateRef, WindowClass},
    permission::{Obligation, Outcome, Verdict},
    ports::{AttemptOutcome, ContactLedger, HandOffError},
    reason,
    sender::Destination,
    service::FeedbackOutcome,
    state::{Receipt, State},
    zone::ZoneEvidence,
};

async fn one(world: &World) -> Delivery {
    let person = world.person(1);
    world.plan(1, &person, |it| it).await
}

async fn state(world: &World, delivery: &Delivery) -> State {
    world.trail(delivery).await.delivery.state
}

#[tokio::test]
async fn what_is_due_and_permitted_is_sent_once_with_its_obligations() {
    let world = world(true);
    let delivery = one(&world).await;
    assert_eq!(world.dispatch.run_once(10).await.unwrap(), 1);
    assert_eq!(world.dispatch.run_once(10).await.unwrap(), 0);
    let sent = world.sender.sent();
    assert_eq!(sent.len(), 1);
    let Destination::Contact(address) = &sent[0].destination else { panic!("mail is addressed") };
    assert_eq!(address.reveal(), "person1@example.test");
    let message = &sent[0].message;
    assert_eq!(message.subject.as_deref(), Some("Your policy ends on 31 May 2026"));
    assert!(message.text.starts_with("Hello there, https://example.test/w/"));
    let header = |name: &str| {
        let found = message.headers.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.clone())
    };
    assert_eq!(header("List-Unsubscribe-Post").unwrap(), "List-Unsubscribe=One-Click");
    assert!(header("List-Unsubscribe").unwrap().starts_with("<https://example.test/o/"));
    assert_eq!(header("Message-ID").unwrap(), format!("<{}@acme.example>", delivery.id));
    let trail = world.trail(&delivery).await;
    assert_eq!(trail.delivery.state, State::Accepted);
    assert_eq!(trail.attempts[0].outcome, Some(AttemptOutcome::Accepted));
    assert_eq!(trail.attempts[0].windows, ["Europe/Berlin"]);
    assert_eq!(world.names(), ["delivery.gated", "delivery.accepted", "contact.recorded"]);
}

#[tokio::test]
async fn facts_hold_ids_and_codes_and_nothing_about_the_person() {
    let world = world(true);
    one(&world).await;
    world.dispatch.run_once(10).await.unwrap();
    for (_, fact) in world.facts() {
        let text = serde_json::to_string(&fact).unwrap();
        assert!(!text.contains("example.test") && !text.contains("2026-05-31"), "{text}");
        kernel::canonical(&fact).unwrap();
        assert_eq!(fact.body["node"], "renewal.day90");
        assert_eq!(fact.nodes.len(), 2);
    }
}

#[tokio::test]
async fn a_refusal_suppresses_with_every_reason() {
    let world = world(true);
    let delivery = one(&world).await;
    let code = Reason::of("LB.CONSENT.WITHDRAWN");
    let verdict = Verdict {
        outcome: Outcome::Refused,
        reasons: vec![code.clone()],
        ..sample::verdict(EPOCHS)
    };
    world.sources.set_verdict(delivery.subject, verdict);
    world.dispatch.run_once(10).await.unwrap();
    let reasons = vec![reason::BLOCKED, code];
    assert_eq!(state(&world, &delivery).await, State::Suppressed { reasons });
    assert!(world.sender.sent().is_empty());
    assert_eq!(world.names(), ["delivery.suppressed"]);
}

#[tokio::test]
async fn an_epoch_that_moved_after_the_verdict_stops_the_send() {
    let world = world(true);
    let delivery = one(&world).await;
    let person = sample::person(1);
    let moved = Epochs { person: Epoch(6), ..EPOCHS };
    world.desk.set_heads(&tenant(), &person, moved);
    world.dispatch.run_once(10).await.unwrap();
    let until = noon().plus(TimeDelta::seconds(30));
    let held = State::Held { reason: reason::EPOCH_CHANGED, until };
    assert_eq!(state(&world, &delivery).await, held);
    assert!(world.sender.sent().is_empty());
}

#[tokio::test]
async fn a_source_out_of_reach_makes_it_wait_and_a_gate_out_of_reach_sends_nothing() {
    let world = world(true);
    let delivery = one(&world).await;
    world.desk.set_outage(true);
    assert!(world.dispatch.run_once(10).await.is_err());
    world.desk.set_outage(false);
    world.sources.set_outage(true);
    world.dispatch.run_once(10).await.unwrap();
    let State::Held { reason, until } = state(&world, &delivery).await else { panic!("it waits") };
    assert_eq!(reason, reason::GATE_DOWN);
    world.sources.set_outage(false);
    world.clock.set(until);
    world.permit(&sample::person(1));
    world.dispatch.run_once(10).await.unwrap();
    assert_eq!(world.sender.sent().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_resolved_says_so() {
    let no_person = world(true);
    let stranger = sample::person(7);
    let delivery = no_person.plan(1, &stranger, |it| it).await;
    no_person.dispatch.run_once(10).await.unwrap();
    let reasons = vec![reason::NO_PERSON];
    assert_eq!(state(&no_person, &delivery).await, State::Suppressed { reasons });

    let world = world(true);
    let person = world.person(1);
    let sms = world.plan(1, &person, |it| Delivery { channel: Channel::Sms, ..it }).await;
    let other = TemplateRef { name: "renewal-90".to_owned(), digest: Digest::of(b"other") };
    let lost = world.plan(2, &person, |it| Delivery { template: other, ..it }).await;
    let caps = vec!["nobody-knows".to_owned()];
    let capped = world.plan(3, &person, |it| Delivery { caps, ..it }).await;
    let window = WindowClass::Business;
    let on_hold = OnHold::Redecide;
    let closed = world.plan(4, &person, |it| Delivery { window, on_hold, ..it }).await;
    world.dispatch.run_once(10).await.unwrap();
    let suppressed = |reason| State::Suppressed { reasons: vec![reason] };
    assert_eq!(state(&world, &sms).await, suppressed(reason::NO_ROUTE));
    assert_eq!(state(&world, &lost).await, State::Returned { reason: reason::TEMPLATE });
    assert_eq!(state(&world, &capped).await, suppressed(reason::CAP_UNKNOWN));
    assert_eq!(state(&world, &closed).await, State::Returned { reason: reason::WINDOW_NEVER });
    assert!(world.sender.sent().is_empty());
}

#[tokio::test]
async fn a_full_cap_follows_the_authors_choice() {
    for (on_hold, name) in [
        (OnHold::Wait, "delivery.held"),
        (OnHold::Redecide, "action.returned"),
        (OnHold::Drop, "delivery.suppressed"),
    ] {
        let world = world(true);
        one(&world).await;
        world.dispatch.run_once(10).await.unwrap();
        let person = sample::person(1);
        let second = world.plan(2, &person, |it| Delivery { on_hold, ..it }).await;
        world.dispatch.run_once(10).await.unwrap();
        assert_eq!(world.sender.sent().len(), 1);
        let (last, fact) = world.facts().pop().unwrap();
        assert_eq!(last, name);
        assert_eq!(fact.body["delivery_id"], second.id.to_string());
        assert_eq!(fact.body["reasons"], serde_json::json!(["FQ.CAP"]));
        let frees = noon().plus(TimeDelta::hours(24)).to_string();
        assert_eq!(fact.body["not_before"], frees);
    }
}

#[tokio::test]
async fn an_obligation_is_counted_and_not_capped() {
    let world = world(true);
    one(&world).await;
    world.dispatch.run_once(10).await.unwrap();
    let person = sample::person(1);
    let class = kernel::Class::Obligation;
    world.plan(2, &person, |it| Delivery { class, ..it }).await;
    world.dispatch.run_once(10).await.unwrap();
    assert_eq!(world.sender.sent().len(), 2);
    let history = world.desk.history(&tenant(), &person.nodes, noon()).await.unwrap();
    assert_eq!(history.len(), 2);
}

#[tokio::test]
async fn a_persons_own_limit_is_one_more_cap() {
    let world = world(true);
    let delivery = one(&world).await;
    let person = sample::person(1);
    let limit = Obligation::Frequency { limit: 0, window: kernel::Period::days(7) };
    let verdict = Verdict { obligations: vec![limit], ..sample::verdict(EPOCHS) };
    world.sources.set_verdict(person.subject, verdict);
    world.dispatch.run_once(10).await.unwrap();
    // A limit of nothing never frees: it waits until its own end.
    let held = State::Held { reason: reason::CAP, until: delivery.not_after };
    assert_eq!(state(&world, &delivery).await, held);
    world.clock.set(delivery.not_after);
    world.dispatch.run_once(10).await.unwrap();
    assert_eq!(state(&world, &delivery).await, State::Expired);
    assert_eq!(world.names(), ["delivery.held", "delivery.expired"]);
}

#[tokio::test]
async fn quiet_hours_with_an_unknown_zone_wait_for_every_candidate() {
    let world = world(true);
    let night = "2026-03-02T04:00:00Z".parse().unwrap();
    world.clock.set(night);
    let person = world.person(1);
    world.permit(&person);
    world.sources.set_zone(person.subject, ZoneEvidence::Unknown);
    let delivery = world.plan(2, &person, |it| Delivery { not_before: night, ..it }).await.id;
    world.dispatch.run_once(10).await.unwrap();
    assert!(world.sender.sent().is_empty());
    let held = crate::ports::DeliveryStore::get(&*world.desk, &tenant(), delivery).await.unwrap();
    let State::Held { reason, until } = held.unwrap().delivery.state else { panic!("it waits") };
    assert_eq!(reason, reason::WINDOW);
    // 08:00 in the Azores is 09:00 UTC; Nicosia has been up since 06:00.
    let opens = "2026-03-02T09:00:00Z".parse().unwrap();
    assert!(until >= opens && until < opens.plus(TimeDelta::minutes(15)), "{until}");
}

#[tokio::test]
async fn a_failure_that_may_pass_is_tried_again_and_counted_once() {
    let world = world(true);
    let delivery = one(&world).await;
    let busy = HandOffError::Retryable { code: reason::RETRYABLE, after: None };
    world.sender.fail_with(&[busy.clone(), busy]);
    for _ in 0..2 {
        world.dispatch.run_once(10).await.unwrap();
        let State::RetryWait { until, .. } = state(&world, &delivery).await else {
            panic!("it is tried again")
        };
        assert!(until > world.clock.now());
        world.clock.set(until);
        world.permit(&sample::person(1));
    }
    world.dispatch.run_once(10).await.unwrap();
    let trail = world.trail(&delivery).await;
    assert_eq!((trail.delivery.state, trail.attempts.len()), (State::Accepted, 3));
    let nodes = sample::person(1).nodes;
    assert_eq!(world.desk.history(&tenant(), &nodes, noon()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_failure_for_good_is_final_and_frees_its_place() {
    let world = world(true);
    let delivery = one(&world).await;
    world.sender.fail_with(&[HandOffError::Permanent { code: reason::PERMANENT }]);
    world.dispatch.run_once(10).await.unwrap();
    assert_eq!(state(&world, &delivery).await, State::Failed { reason: reason::PERMANENT });
    let nodes = sample::person(1).nodes;
    assert!(world.desk.history(&tenant(), &nodes, noon()).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_ambiguous_error_is_never_retried_without_a_key() {
    let ambiguous = HandOffError::Ambiguous { code: reason::AMBIGUOUS };
    let with_key = world(true);
    let delivery = one(&with_key).await;
    with_key.sender.fail_with(std::slice::from_ref(&ambiguous));
    with_key.dispatch.run_once(10).await.unwrap();
    assert!(matches!(state(&with_key, &delivery).await, State::RetryWait { .. }));

    let world = world(false);
    let delivery = one(&world).await;
    world.sender.fail_with(&[ambiguous]);
    world.dispatch.run_once(10).await.unwrap();
    let State::Unknown { until, .. } = state(&world, &delivery).await else { panic!("unknown") };
    assert_eq!(world.names(), ["delivery.gated", "delivery.unknown", "contact.recorded"]);
    world.clock.set(until.minus(TimeDelta::microseconds(1)));
    assert_eq!(world.dispatch.run_once(10).await.unwrap(), 0);
    world.clock.set(until);
    world.dispatch.run_once(10).await.unwrap();
    assert_eq!(state(&world, &delivery).await, State::Abandoned);
    assert!(world.sender.sent().is_empty());
}

#[tokio::test]
async fn a_receipt_settles_what_was_unknown() {
    let world = world(false);
    let delivery = one(&world).await;
    world.sender.fail_with(&[HandOffError::Ambiguous { code: reason::AMBIGUOUS }]);
    world.dispatch.run_once(10).await.unwrap();
    let record =
        async |receipt| world.feedback.record(&tenant(), delivery.id, receipt).await.unwrap();
    assert_eq!(record(Receipt::Delivered).await, FeedbackOutcome::Moved);
    assert_eq!(record(Receipt::Delivered).await, FeedbackOutcome::Known);
    assert_eq!(record(Receipt::Complained).await, FeedbackOutcome::Moved);
    assert_eq!(record(Receipt::Bounced).await, FeedbackOutcome::Known);
    assert_eq!(state(&world, &delivery).await, State::Complained);
    let names = world.names();
    assert_eq!(names[names.len() - 2..], ["delivery.delivered", "delivery.complained"]);
}

#[tokio::test]
async fn a_receipt_for_what_has_not_left_is_refused() {
    let world = world(true);
    let delivery = one(&world).await;
    let early = world.feedback.record(&tenant(), delivery.id, Receipt::Delivered).await;
    assert!(matches!(early, Err(crate::service::FeedbackError::NotSent)));
    let id = sample::delivery(9, &sample::person(9)).id;
    let unmatched = world.feedback.record(&tenant(), id, Receipt::Delivered).await;
    assert!(matches!(unmatched, Err(crate::service::FeedbackError::Unmatched)));
}

/// An attempt opened by a process that died before its outcome.
async fn orphan(world: &World) -> Delivery {
    use crate::ports::SendGate;
    let person = world.person(1);
    let delivery = world.plan(1, &person, |it| it).await;
    let request = sample::request(&delivery, &person);
    world.desk.pass(noon(), &[request]).await.unwrap();
    world.clock.set(noon().plus(TimeDelta::seconds(5)));
    delivery
}

#[tokio::test]
async fn an_attempt_whose_process_died_is_ambiguous() {
    let once = world(false);
    let delivery = orphan(&once).await;
    assert_eq!(once.dispatch.run_once(10).await.unwrap(), 1);
    assert!(matches!(state(&once, &delivery).await, State::Unknown { .. }));

    let world = world(true);
    let delivery = orphan(&world).await;
    world.dispatch.run_once(10).await.unwrap();
    let State::RetryWait { reason, .. } = state(&world, &delivery).await else { panic!("retried") };
    assert_eq!(reason, reason::LOST);
}

#[tokio::test]
async fn a_receipt_that_overtakes_its_answer_is_wanted_again() {
    let world = world(false);
    let delivery = orphan(&world).await;
    let record = async || world.feedback.record(&tenant(), delivery.id, Receipt::Delivered).await;
    assert!(matches!(record().await, Err(crate::service::FeedbackError::InFlight)));
    world.dispatch.run_once(10).await.unwrap();
    assert_eq!(record().await.unwrap(), FeedbackOutcome::Moved);
}

#[tokio::test]
async fn a_field_nobody_knows_returns_the_action() {
    let world = world(true);
    let delivery = one(&world).await;
    world.sources.set_values(delivery.decision, std::collections::BTreeMap::new());
    world.dispatch.run_once(10).await.unwrap();
    assert_eq!(state(&world, &delivery).await, State::Returned { reason: reason::FIELD });
    assert_eq!(world.names(), ["action.returned"]);
}

#[tokio::test]
async fn two_subjects_that_became_one_person_share_one_cap() {
    let world = world(true);
    let (one, two) = (world.person(1), world.person(2));
    let first = world.plan(1, &one, |it| it).await;
    let second = world.plan(2, &two, |it| it).await;
    let mut nodes = [one.nodes.clone(), two.nodes.clone()].concat();
    nodes.sort_unstable();
    let merged = kernel::PersonAt { subject: one.subject, nodes, identity: EPOCHS.identity };
    world.sources.set_person(&[one.subject, two.subject], &merged);
    world.desk.set_heads(&tenant(), &merged, EPOCHS);
    world.dispatch.run_once(10).await.unwrap();
    assert_eq!(world.sender.sent().len(), 1);
    let states = [state(&world, &first).await, state(&world, &second).await];
    assert_eq!(states.iter().filter(|it| **it == State::Accepted).count(), 1);
    assert_eq!(states.iter().filter(|it| it.name() == "held").count(), 1);
}

#[tokio::test]
async fn a_round_sends_many_in_groups_and_each_once() {
    let world = world(true);
    let mut planned = Vec::new();
    for i in 0..100 {
        let person = world.person(i);
        planned.push(world.plan(i, &person, |it| it).await);
    }
    assert_eq!(world.dispatch.run_once(1_000).await.unwrap(), 100);
    let mut sent: Vec<_> = world.sender.sent().into_iter().map(|it| it.delivery).collect();
    sent.sort_unstable();
    sent.dedup();
    assert_eq!(sent.len(), 100);
}
