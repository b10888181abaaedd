//! The laws of [`SendGate`](crate::ports::SendGate).

use chrono::TimeDelta;
use kernel::{Epoch, Epochs, Instant, NodeId, PersonAt, Windows};

use super::{
    DeskFixture,
    sample::{EPOCHS, conclusion, noon, person, planned, request, tenant},
};
use crate::{
    attempt::AttemptId,
    caps::{Cap, CapWindow, Counts},
    contact::{Entry, EntryState},
    gate::{GateRequest, Judgement},
    message::Delivery,
    ports::{AttemptOutcome, ContactMove, Settled},
    reason,
    service::side_by_side,
    state::State,
};

/// A planned delivery to a person whose heads stand at [`EPOCHS`].
async fn ready(fixture: &dyn DeskFixture, i: u64) -> (Delivery, PersonAt) {
    let person = person(i);
    let planned = planned(i, &person);
    let delivery = planned.delivery.clone();
    fixture.store().plan(vec![planned], Vec::new()).await.unwrap();
    fixture.set_heads(&tenant(), &person, EPOCHS).await;
    (delivery, person)
}

async fn pass(fixture: &dyn DeskFixture, request: &GateRequest) -> Judgement {
    let requests = std::slice::from_ref(request);
    fixture.gate().pass(noon(), requests).await.unwrap().remove(0)
}

async fn stored(fixture: &dyn DeskFixture, delivery: &Delivery) -> Delivery {
    fixture.store().get(&tenant(), delivery.id).await.unwrap().unwrap().delivery
}

async fn contacts(fixture: &dyn DeskFixture, nodes: &[NodeId]) -> Vec<Entry> {
    fixture.contacts().history(&tenant(), nodes, Instant::EPOCH).await.unwrap()
}

fn accepted() -> (AttemptOutcome, State, ContactMove) {
    (AttemptOutcome::Accepted, State::Accepted, ContactMove::Commit)
}

fn cap(limit: u32) -> Cap {
    Cap {
        name: "marketing-24h".to_owned(),
        counts: Counts::default(),
        limit,
        window: CapWindow::Rolling(kernel::Period::days(1)),
        min_gap: kernel::Period::default(),
    }
}

/// A pass moves the delivery, opens the attempt, reserves the contact and keeps the fact.
pub async fn a_pass_opens_an_attempt_and_reserves_its_contact(fixture: &dyn DeskFixture) {
    let (delivery, person) = ready(fixture, 1).await;
    let request = request(&delivery, &person);
    let Judgement::Passed(grant, change) = pass(fixture, &request).await else {
        panic!("it passes")
    };
    assert_eq!(grant.id(), AttemptId { delivery: delivery.id, n: 1 });
    assert_eq!(grant.deadline(), noon().plus(request.budget));
    let trail = fixture.store().get(&tenant(), delivery.id).await.unwrap().unwrap();
    assert_eq!(trail.delivery.state, State::InFlight { deadline: grant.deadline() });
    assert_eq!((trail.delivery.version, trail.delivery.attempts), (1, 1));
    let attempt = &trail.attempts[0];
    assert_eq!((attempt.id, attempt.epochs, attempt.outcome.as_ref()), (grant.id(), EPOCHS, None));
    assert_eq!(
        (attempt.verdict, attempt.rendered),
        (request.stamp.verdict(), request.message.digest)
    );
    assert_eq!((attempt.committed_at, attempt.deadline), (noon(), grant.deadline()));
    assert_eq!(contacts(fixture, &person.nodes).await, [request.entry(noon())]);
    let facts = fixture.facts().await;
    assert_eq!(facts[1..], change.facts);
    assert_eq!(facts[1].name, "delivery.gated");
}

/// Whichever head moved, nothing passes and nothing is kept.
pub async fn a_moved_head_keeps_nothing(fixture: &dyn DeskFixture) {
    let (delivery, person) = ready(fixture, 1).await;
    let request = request(&delivery, &person);
    for moved in [
        Epochs { identity: Epoch(4), ..EPOCHS },
        Epochs { person: Epoch(6), ..EPOCHS },
        Epochs { person: Epoch(4), ..EPOCHS },
        Epochs { policy: Epoch(8), ..EPOCHS },
    ] {
        fixture.set_heads(&tenant(), &person, moved).await;
        assert_eq!(pass(fixture, &request).await, Judgement::Moved);
    }
    assert_eq!(stored(fixture, &delivery).await, delivery);
    assert!(contacts(fixture, &person.nodes).await.is_empty());
    assert_eq!(fixture.facts().await.len(), 1);
    fixture.set_heads(&tenant(), &person, EPOCHS).await;
    assert!(matches!(pass(fixture, &request).await, Judgement::Passed(..)));
}

/// A person identity does not know does not pass.
pub async fn an_absent_person_does_not_pass(fixture: &dyn DeskFixture) {
    let stranger = person(9);
    let planned = planned(9, &stranger);
    let request = request(&planned.delivery, &stranger);
    fixture.store().plan(vec![planned], Vec::new()).await.unwrap();
    assert_eq!(pass(fixture, &request).await, Judgement::Moved);
}

/// A verdict is good before its end, and not at it.
pub async fn a_stale_verdict_does_not_pass(fixture: &dyn DeskFixture) {
    let (delivery, person) = ready(fixture, 1).await;
    let requests = [request(&delivery, &person)];
    let end = requests[0].stamp.good_until();
    let judged = fixture.gate().pass(end, &requests).await.unwrap();
    assert_eq!(judged, [Judgement::Moved]);
    let before = end.minus(TimeDelta::microseconds(1));
    let judged = fixture.gate().pass(before, &requests).await.unwrap();
    assert!(matches!(judged[0], Judgement::Passed(..)));
}

/// A delivery somebody else moved does not pass.
pub async fn an_old_version_does_not_pass(fixture: &dyn DeskFixture) {
    let (delivery, person) = ready(fixture, 1).await;
    let request = request(&delivery, &person);
    assert!(matches!(pass(fixture, &request).await, Judgement::Passed(..)));
    assert_eq!(pass(fixture, &request).await, Judgement::Gone);
    assert_eq!(contacts(fixture, &person.nodes).await.len(), 1);
}

/// A second delivery of an occurrence on the same channel is refused as a duplicate.
pub async fn an_occurrence_is_served_once_a_channel(fixture: &dyn DeskFixture) {
    let (first, person) = ready(fixture, 1).await;
    let mut again = planned(2, &person);
    again.delivery.occurrence = first.occurrence;
    fixture.store().plan(vec![again.clone()], Vec::new()).await.unwrap();
    let judged = fixture
        .gate()
        .pass(noon(), &[request(&first, &person), request(&again.delivery, &person)])
        .await
        .unwrap();
    assert!(matches!(judged[0], Judgement::Passed(..)));
    let Judgement::Stopped(change) = &judged[1] else { panic!("a duplicate stops") };
    assert_eq!(change.state, State::Suppressed { reasons: vec![reason::DUPLICATE] });
    let mut late = planned(3, &person);
    late.delivery.occurrence = first.occurrence;
    fixture.store().plan(vec![late.clone()], Vec::new()).await.unwrap();
    let judged = pass(fixture, &request(&late.delivery, &person)).await;
    assert!(matches!(judged, Judgement::Stopped(_)));
}

/// Contacts of every node of the person count.
pub async fn a_full_cap_over_all_nodes_holds(fixture: &dyn DeskFixture) {
    let (first, person) = ready(fixture, 1).await;
    let mut one = request(&first, &person);
    one.contact = person.nodes[0];
    one.caps = vec![cap(1)];
    assert!(matches!(pass(fixture, &one).await, Judgement::Passed(..)));
    let planned = planned(2, &person);
    let second = planned.delivery.clone();
    fixture.store().plan(vec![planned], Vec::new()).await.unwrap();
    let mut two = request(&second, &person);
    two.caps = vec![cap(1)];
    let Judgement::Stopped(change) = pass(fixture, &two).await else { panic!("a full cap stops") };
    let until = noon().plus(TimeDelta::days(1));
    assert_eq!(change.state, State::Held { reason: reason::CAP, until });
    assert_eq!(stored(fixture, &second).await.state, change.state);
    assert_eq!(fixture.facts().await.last().unwrap().name, "delivery.held");
}

/// Two deliveries to one person in one batch count each other.
pub async fn a_batch_counts_its_own_grants(fixture: &dyn DeskFixture) {
    let (first, person) = ready(fixture, 1).await;
    let second = planned(2, &person);
    fixture.store().plan(vec![second.clone()], Vec::new()).await.unwrap();
    let mut requests = [request(&first, &person), request(&second.delivery, &person)];
    for request in &mut requests {
        request.caps = vec![cap(1)];
    }
    let judged = fixture.gate().pass(noon(), &requests).await.unwrap();
    assert!(matches!(judged[0], Judgement::Passed(..)));
    assert!(matches!(judged[1], Judgement::Stopped(_)));
    assert_eq!(contacts(fixture, &person.nodes).await.len(), 1);
}

/// Outside its window a delivery is held until it opens.
pub async fn a_closed_window_holds(fixture: &dyn DeskFixture) {
    let (delivery, person) = ready(fixture, 1).await;
    let mut request = request(&delivery, &person);
    request.windows = Some(Windows::daily(11 * 60, 12 * 60).unwrap());
    let Judgement::Stopped(change) = pass(fixture, &request).await else { panic!("it stops") };
    let State::Held { reason, until } = change.state else { panic!("it is held") };
    assert_eq!(reason, reason::WINDOW);
    let opens = noon().plus(TimeDelta::hours(1));
    assert!(until >= opens && until < opens.plus(TimeDelta::minutes(15)));
}

/// A rehearsal answers as the gate would and keeps nothing; its delivery is not planned.
pub async fn a_rehearsal_keeps_nothing(fixture: &dyn DeskFixture) {
    let person = person(1);
    fixture.set_heads(&tenant(), &person, EPOCHS).await;
    let request = request(&planned(1, &person).delivery, &person);
    let judged = fixture.gate().rehearse(noon(), &request).await.unwrap();
    assert!(matches!(judged, Judgement::Passed(..)));
    assert!(fixture.facts().await.is_empty());
    assert!(contacts(fixture, &person.nodes).await.is_empty());
    let moved = Epochs { person: Epoch(6), ..EPOCHS };
    fixture.set_heads(&tenant(), &person, moved).await;
    assert_eq!(fixture.gate().rehearse(noon(), &request).await.unwrap(), Judgement::Moved);
}

/// The first conclusion stands; a second changes nothing and keeps no fact.
pub async fn an_attempt_ends_once(fixture: &dyn DeskFixture) {
    let (delivery, person) = ready(fixture, 1).await;
    pass(fixture, &request(&delivery, &person)).await;
    let first = conclusion(&delivery, 1, accepted());
    assert_eq!(fixture.gate().conclude(vec![first.clone()]).await.unwrap(), [true]);
    let facts = fixture.facts().await;
    let failed = State::Failed { reason: reason::PERMANENT };
    let outcome = AttemptOutcome::Permanent(reason::PERMANENT);
    let second = conclusion(&delivery, 1, (outcome, failed, ContactMove::Release));
    assert_eq!(fixture.gate().conclude(vec![second]).await.unwrap(), [false]);
    let trail = fixture.store().get(&tenant(), delivery.id).await.unwrap().unwrap();
    assert_eq!((trail.delivery.state, trail.delivery.version), (State::Accepted, 2));
    let attempt = &trail.attempts[0];
    assert_eq!(attempt.outcome, Some(AttemptOutcome::Accepted));
    assert_eq!((attempt.ended_at, attempt.reference.as_deref()), (Some(first.at), Some("ref-1")));
    assert_eq!(contacts(fixture, &person.nodes).await[0].state, EntryState::Committed);
    assert_eq!(fixture.facts().await, facts);
}

/// The second attempt of a delivery takes the place the first reserved.
pub async fn a_retry_reserves_once(fixture: &dyn DeskFixture) {
    let (delivery, person) = ready(fixture, 1).await;
    let mut request = request(&delivery, &person);
    request.caps = vec![cap(1)];
    pass(fixture, &request).await;
    let until = noon();
    let waits = State::RetryWait { reason: reason::RETRYABLE, until };
    let outcome = AttemptOutcome::Retryable(reason::RETRYABLE);
    let end = conclusion(&delivery, 1, (outcome, waits, ContactMove::Keep));
    fixture.gate().conclude(vec![end]).await.unwrap();
    request.delivery = Delivery { state: State::Ready, ..stored(fixture, &delivery).await };
    let Judgement::Passed(grant, _) = pass(fixture, &request).await else { panic!("it passes") };
    assert_eq!(grant.id().n, 2);
    assert_eq!(contacts(fixture, &person.nodes).await.len(), 1);
}

/// A contact that was not made leaves no trace in the caps.
pub async fn what_was_not_sent_releases_its_place(fixture: &dyn DeskFixture) {
    let (delivery, person) = ready(fixture, 1).await;
    pass(fixture, &request(&delivery, &person)).await;
    let end = (AttemptOutcome::NotStarted, State::Ready, ContactMove::Release);
    fixture.gate().conclude(vec![conclusion(&delivery, 1, end)]).await.unwrap();
    assert!(contacts(fixture, &person.nodes).await.is_empty());
    assert_eq!(stored(fixture, &delivery).await.state, State::Ready);
}

/// Settling returns when the attempt has ended, and says how.
pub async fn settling_waits_for_what_is_open(fixture: &dyn DeskFixture) {
    let (delivery, person) = ready(fixture, 1).await;
    pass(fixture, &request(&delivery, &person)).await;
    let until = noon().plus(TimeDelta::seconds(30));
    let nodes = [person.nodes[0]];
    let order = std::sync::Mutex::new(Vec::new());
    side_by_side(vec![
        Box::pin(async {
            let settled = fixture.gate().settle(&tenant(), &nodes, noon(), until).await.unwrap();
            let attempt = AttemptId { delivery: delivery.id, n: 1 };
            let outcome = Some(AttemptOutcome::Accepted);
            // Where reading takes longer than concluding, nothing is open by then.
            assert!(settled.is_empty() || settled == [Settled { attempt, outcome }], "{settled:?}");
            order.lock().unwrap().push("settled");
        }),
        Box::pin(async {
            let end = conclusion(&delivery, 1, accepted());
            // The other future waits by now: it was polled first.
            order.lock().unwrap().push("concluding");
            fixture.gate().conclude(vec![end]).await.unwrap();
        }),
    ])
    .await;
    assert_eq!(*order.lock().unwrap(), ["concluding", "settled"]);
}

/// Past its limit settling says what is open still.
pub async fn settling_reports_what_stays_open(fixture: &dyn DeskFixture) {
    let (delivery, person) = ready(fixture, 1).await;
    pass(fixture, &request(&delivery, &person)).await;
    let nodes = &person.nodes;
    let settled = fixture.gate().settle(&tenant(), nodes, noon(), noon()).await.unwrap();
    let attempt = AttemptId { delivery: delivery.id, n: 1 };
    assert_eq!(settled, [Settled { attempt, outcome: None }]);
}

/// Attempts of other people, and those that have ended, are not waited for.
pub async fn settling_does_not_wait_for_others(fixture: &dyn DeskFixture) {
    let (delivery, one) = ready(fixture, 1).await;
    pass(fixture, &request(&delivery, &one)).await;
    let until = noon().plus(TimeDelta::seconds(30));
    let other = person(2);
    let settled = fixture.gate().settle(&tenant(), &other.nodes, noon(), until).await.unwrap();
    assert!(settled.is_empty());
    let end = conclusion(&delivery, 1, accepted());
    fixture.gate().conclude(vec![end]).await.unwrap();
    let settled = fixture.gate().settle(&tenant(), &one.nodes, noon(), until).await.unwrap();
    assert!(settled.is_empty());
}

/// An attempt is overdue at its deadline and not before.
pub async fn overdue_attempts_are_listed(fixture: &dyn DeskFixture) {
    let (delivery, person) = ready(fixture, 1).await;
    let request = request(&delivery, &person);
    pass(fixture, &request).await;
    let deadline = noon().plus(request.budget);
    let early = deadline.minus(TimeDelta::microseconds(1));
    assert!(fixture.gate().overdue(early, 10).await.unwrap().is_empty());
    let overdue = fixture.gate().overdue(deadline, 10).await.unwrap();
    assert_eq!(overdue.len(), 1);
    assert_eq!(overdue[0].attempt, AttemptId { delivery: delivery.id, n: 1 });
    assert_eq!(overdue[0].delivery, stored(fixture, &delivery).await);
    fixture.gate().conclude(vec![conclusion(&delivery, 1, accepted())]).await.unwrap();
    assert!(fixture.gate().overdue(deadline, 10).await.unwrap().is_empty());
}
