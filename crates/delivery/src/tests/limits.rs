//! What bounds a round: budgets, tries, fuel, sizes; and the services around it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{Channel, Class, Epoch, Epochs, Fault, Instant, Limit, ManualClock, TenantId};

use super::world::{World, world, world_of, world_through};
use crate::{
    attempt::Attempt,
    caps::CapVerdict,
    contact::{ContactId, Entry, EntryState},
    contract::sample::{self, EPOCHS, noon, tenant},
    message::{Delivery, NODES_MAX},
    permission::{Ask, Verdict},
    ports::{AttemptOutcome, Filter, HandOffError, PermissionSource, SendGate, Sender},
    reason,
    sender::{Accepted, Capabilities, Destination, Rendered},
    service::{BATCH_MAX, HANDOFF_FLOOR, REGATE_MAX, Sources},
    state::State,
};

/// A permission whose epochs are out of date so many times before they are not.
#[derive(Debug)]
struct Flapping {
    stale: usize,
    asked: AtomicUsize,
}

#[async_trait]
impl PermissionSource for Flapping {
    async fn verdict(&self, _: &TenantId, _: &Ask) -> Result<Verdict, Fault> {
        let stale = self.asked.fetch_add(1, Ordering::SeqCst) < self.stale;
        let moved = Epochs { person: Epoch(4), ..EPOCHS };
        Ok(sample::verdict(if stale { moved } else { EPOCHS }))
    }
}

async fn flapping(stale: usize) -> (State, usize) {
    let source = Arc::new(Flapping { stale, asked: AtomicUsize::new(0) });
    let capabilities = Capabilities { deduplicates: true, budget: TimeDelta::seconds(5) };
    let permissions = Arc::clone(&source);
    let world = world_of(capabilities, |it| Sources { permissions, ..it });
    let person = world.person(1);
    let delivery = world.plan(1, &person, |it| it).await;
    world.dispatch.run_once(10).await.unwrap();
    (world.trail(&delivery).await.delivery.state, source.asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_verdict_is_asked_for_anew_so_often_and_no_more() {
    assert_eq!(flapping(0).await, (State::Accepted, 1));
    assert_eq!(flapping(REGATE_MAX).await, (State::Accepted, REGATE_MAX + 1));
    let (state, asked) = flapping(REGATE_MAX + 1).await;
    assert_eq!((state.name(), asked), ("held", REGATE_MAX + 1));
}

async fn with_budget(budget: TimeDelta) -> (World, Delivery) {
    let world = world_of(Capabilities { deduplicates: true, budget }, |it| it);
    let person = world.person(1);
    let delivery = world.plan(1, &person, |it| it).await;
    world.dispatch.run_once(10).await.unwrap();
    (world, delivery)
}

#[tokio::test]
async fn a_hand_off_does_not_start_without_time_to_end() {
    let (world, delivery) = with_budget(HANDOFF_FLOOR).await;
    let trail = world.trail(&delivery).await;
    assert_eq!(trail.delivery.state, State::Ready);
    assert_eq!(trail.attempts[0].outcome, Some(AttemptOutcome::NotStarted));
    assert!(world.sender.sent().is_empty());
    let (world, _) = with_budget(HANDOFF_FLOOR + TimeDelta::milliseconds(1)).await;
    assert_eq!(world.sender.sent().len(), 1);
}

/// A provider whose answers come so long after the gate, one after another.
#[derive(Debug)]
struct Slow {
    clock: Arc<ManualClock>,
    after: Vec<TimeDelta>,
    asked: AtomicUsize,
}

#[async_trait]
impl Sender for Slow {
    async fn hand_off(
        &self,
        attempt: &Attempt,
        _: &Rendered,
        _: &Destination,
    ) -> Result<Accepted, HandOffError> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst);
        self.clock.set(attempt.committed_at().plus(self.after[nth]));
        Ok(Accepted::default())
    }
}

/// How many hand-offs are told to have ended late, if they end so long after the gate.
async fn late(after: &[TimeDelta]) -> usize {
    let after = after.to_vec();
    let n = u64::try_from(after.len()).unwrap();
    let world = world_through(|clock| Arc::new(Slow { clock, after, asked: AtomicUsize::new(0) }));
    for i in 0..n {
        let person = world.person(i);
        world.plan(i, &person, |it| it).await;
    }
    world.dispatch.run_once(10).await.unwrap();
    let names = world.names();
    assert_eq!(
        names.iter().filter(|it| **it == "delivery.accepted").count(),
        usize::try_from(n).unwrap()
    );
    names.iter().filter(|it| **it == "delivery.late_handoff").count()
}

#[tokio::test]
async fn a_hand_off_that_ends_after_its_deadline_is_told_to_be_late() {
    let deadline = TimeDelta::seconds(5);
    assert_eq!(late(&[deadline]).await, 0);
    assert_eq!(late(&[deadline + TimeDelta::microseconds(1)]).await, 1);
}

#[tokio::test]
async fn a_slow_neighbour_makes_no_other_hand_off_late() {
    let (quick, slow) = (TimeDelta::seconds(1), TimeDelta::seconds(20));
    assert_eq!(late(&[quick, slow]).await, 1);
}

#[tokio::test]
async fn what_never_starts_fails_after_its_last_attempt() {
    let (world, delivery) = with_budget(HANDOFF_FLOOR).await;
    for _ in 1..crate::retry::ATTEMPTS_MAX {
        assert_eq!(world.trail(&delivery).await.delivery.state, State::Ready);
        world.dispatch.run_once(10).await.unwrap();
    }
    let state = world.trail(&delivery).await.delivery.state;
    assert_eq!(state, State::Failed { reason: reason::EXHAUSTED });
}

#[tokio::test]
async fn a_batch_and_one_more_are_both_sent() {
    for n in [BATCH_MAX, BATCH_MAX + 1] {
        let world = world(true);
        for i in 0..u64::try_from(n).unwrap() {
            let person = world.person(i);
            world.plan(i, &person, |it| it).await;
        }
        assert_eq!(world.dispatch.run_once(n).await.unwrap(), n);
        assert_eq!(world.sender.sent().len(), n);
    }
}

#[tokio::test]
async fn a_person_has_so_many_nodes_and_no_more() {
    for (n, name) in [(NODES_MAX, "accepted"), (NODES_MAX + 1, "suppressed")] {
        let world = world(true);
        let mut person = world.person(1);
        let delivery = world.plan(1, &person, |it| it).await;
        let more = (100..).flat_map(|i| sample::person(i).nodes);
        person.nodes.extend(more.take(n - person.nodes.len()));
        world.sources.set_person(&[person.subject], &person);
        world.desk.set_heads(&tenant(), &person, EPOCHS);
        world.dispatch.run_once(10).await.unwrap();
        assert_eq!(world.trail(&delivery).await.delivery.state.name(), name);
    }
}

fn external(at: Instant) -> Entry {
    Entry {
        id: ContactId(format!("comms:{at}")),
        node: sample::person(1).nodes[0],
        at,
        state: EntryState::Committed,
        channel: Channel::Email,
        class: Class::Marketing,
        journey: None,
    }
}

#[tokio::test]
async fn contacts_of_other_systems_fill_our_caps() {
    let world = world(true);
    let person = world.person(1);
    let names = ["marketing-24h".to_owned(), "marketing-7d".to_owned(), "nobody".to_owned()];
    let headroom =
        async || world.contacts.headroom(&tenant(), &person, &names, noon()).await.unwrap().caps;
    let free = headroom().await;
    assert_eq!(free.len(), 2);
    assert!(free.values().all(|it| *it == CapVerdict::Grant));
    let at = noon().minus(TimeDelta::hours(1));
    let entries = vec![(external(at), Some(person.subject))];
    assert_eq!(world.contacts.record(&tenant(), entries.clone()).await.unwrap(), 1);
    assert_eq!(world.contacts.record(&tenant(), entries).await.unwrap(), 0);
    assert_eq!(world.names(), ["contact.recorded"]);
    let full = headroom().await;
    let frees_at = at.plus(TimeDelta::hours(24));
    let cap = "marketing-24h".to_owned();
    let denied = CapVerdict::Deny { cap: cap.clone(), reason: reason::CAP, frees_at };
    assert_eq!((&full[&cap], &full["marketing-7d"]), (&denied, &CapVerdict::Grant));
    let history = world.contacts.history(&tenant(), &person, at).await.unwrap();
    assert_eq!(history, [external(at)]);
    let delivery = world.plan(1, &person, |it| it).await;
    world.dispatch.run_once(10).await.unwrap();
    let state = world.trail(&delivery).await.delivery.state;
    assert_eq!(state, State::Held { reason: reason::CAP, until: frees_at });
}

#[tokio::test]
async fn queries_answer_and_say_when_they_cannot() {
    let world = world(true);
    let person = world.person(1);
    let delivery = world.plan(1, &person, |it| it).await;
    let trail = world.deliveries.get(&tenant(), delivery.id).await.unwrap().unwrap();
    assert_eq!(trail.delivery, delivery);
    let page = async || {
        let filter = Filter::default();
        world.deliveries.page(&tenant(), &filter, None, Limit::MAX).await
    };
    assert_eq!(page().await.unwrap().items, std::slice::from_ref(&delivery));
    world.desk.set_outage(true);
    assert!(page().await.is_err());
    assert!(world.deliveries.get(&tenant(), delivery.id).await.is_err());
    assert!(world.plans.observe(&[]).await.is_ok());
    assert!(world.in_flight.settle(&tenant(), &person.nodes, noon()).await.is_err());
    assert!(world.contacts.history(&tenant(), &person, noon()).await.is_err());
}

#[tokio::test]
async fn a_withdrawal_is_told_what_is_open() {
    let world = world(true);
    let person = world.person(1);
    let delivery = world.plan(1, &person, |it| it).await;
    let request = sample::request(&delivery, &person);
    world.desk.pass(noon(), &[request]).await.unwrap();
    let settled = world.in_flight.settle(&tenant(), &person.nodes, noon()).await.unwrap();
    assert_eq!(settled.len(), 1);
    assert_eq!(settled[0].outcome, None);
}
