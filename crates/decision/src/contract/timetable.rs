//! The laws of the timetable.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken law panics")]

use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};
use kernel::{
    DecisionId, Digest, Fact, FactId, Instant, JourneyNode, OccurrenceKey, SeededEntropy,
    SubjectId, TenantId,
};
use uuid::Uuid;

use crate::{
    occurrence::{ObjectRef, Occasion, Occurrence, Settlement, State},
    ports::{Change, ClaimAsk, Lookup, Timetable},
};

/// A timetable under test and the feed its facts go to.
#[async_trait]
pub trait TimetableFixture: Send + Sync {
    /// The timetable.
    fn timetable(&self) -> &dyn Timetable;
    /// Every fact told so far.
    async fn facts(&self) -> Vec<Fact>;
}

/// The tenant the laws live in.
pub fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn at(minute: i64) -> Instant {
    Instant::from_micros(1_790_000_000_000_000 + minute * 60_000_000)
}

fn subject(n: u128) -> SubjectId {
    SubjectId::from_uuid(Uuid::from_u128(n))
}

/// An armed occurrence of a person, due at a minute.
pub fn armed(key: u8, person: u128, due_minute: i64) -> Occurrence {
    Occurrence {
        key: OccurrenceKey([key; 32]),
        tenant: acme(),
        subject: subject(person),
        occasion: Occasion {
            node: JourneyNode::new("renewal.day90").unwrap(),
            origin: subject(person),
            object: Some(ObjectRef::new("policy", "P-1")),
            label: "-P90D@2026-09-01".into(),
            offset: "-P90D".into(),
            anchor: NaiveDate::from_ymd_opt(2026, 9, 1),
        },
        due_at: at(due_minute),
        state: State::Armed,
        armed_under: Digest::of(b"release"),
        attempts: 0,
        fence: 0,
        lease_until: at(0),
        decision: None,
        changed_at: at(0),
        trace: None,
    }
}

async fn arm(fixture: &dyn TimetableFixture, arm: Vec<Occurrence>) {
    let change = Change { arm, ..Change::default() };
    fixture.timetable().change(&acme(), change).await.unwrap();
}

async fn settle(fixture: &dyn TimetableFixture, settle: Vec<Settlement>) {
    let change = Change { settle, ..Change::default() };
    fixture.timetable().change(&acme(), change).await.unwrap();
}

async fn claim(fixture: &dyn TimetableFixture, minute: i64, people: usize) -> Vec<Occurrence> {
    let ask = ClaimAsk { now: at(minute), lease_until: at(minute + 1), people };
    fixture.timetable().claim(ask).await.unwrap()
}

async fn get(fixture: &dyn TimetableFixture, key: u8) -> Option<Occurrence> {
    let keys = [OccurrenceKey([key; 32])];
    let mut found = fixture.timetable().find(&acme(), Lookup::Keys(&keys)).await.unwrap();
    assert!(found.len() <= 1);
    found.pop()
}

/// What is armed comes back with every member, with and without the optional ones.
pub async fn every_member_comes_back(fixture: &dyn TimetableFixture) {
    let full = Occurrence {
        decision: Some(DecisionId::from_uuid(Uuid::from_u128(9))),
        attempts: 3,
        fence: 7,
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        ..armed(1, 1, 5)
    };
    let mut bare = armed(2, 1, 6);
    bare.occasion.object = None;
    bare.occasion.anchor = None;
    bare.occasion.offset = "".into();
    arm(fixture, vec![full.clone(), bare.clone()]).await;
    assert_eq!(get(fixture, 1).await, Some(full.clone()));
    assert_eq!(get(fixture, 2).await, Some(bare.clone()));
    let open = [subject(1), subject(2)];
    let found = fixture.timetable().find(&acme(), Lookup::OpenOf(&open)).await.unwrap();
    assert_eq!(found, [full, bare]);
}

/// An unknown occurrence is absent, and an empty question has an empty answer.
pub async fn an_unknown_occurrence_is_absent(fixture: &dyn TimetableFixture) {
    assert_eq!(get(fixture, 1).await, None);
    let none = fixture.timetable().find(&acme(), Lookup::OpenOf(&[])).await.unwrap();
    assert!(none.is_empty());
    assert!(claim(fixture, 100, 10).await.is_empty());
}

/// Arming a key twice keeps the first, whatever state it has reached.
pub async fn arming_twice_keeps_the_first(fixture: &dyn TimetableFixture) {
    arm(fixture, vec![armed(1, 1, 5)]).await;
    arm(fixture, vec![armed(1, 1, 50)]).await;
    assert_eq!(get(fixture, 1).await.unwrap().due_at, at(5));
    let taken = claim(fixture, 10, 10).await;
    settle(fixture, vec![Settlement::of(&taken[0], State::None, at(10))]).await;
    arm(fixture, vec![armed(1, 1, 50)]).await;
    assert_eq!(get(fixture, 1).await.unwrap().state, State::None);
}

/// Only what is due is claimed, and a claim is exclusive while its lease holds.
pub async fn only_what_is_due_is_claimed(fixture: &dyn TimetableFixture) {
    arm(fixture, vec![armed(1, 1, 5), armed(2, 2, 20)]).await;
    assert!(claim(fixture, 4, 10).await.is_empty());
    let taken = claim(fixture, 5, 10).await;
    assert_eq!(taken.iter().map(|it| it.key.0[0]).collect::<Vec<_>>(), [1]);
    assert_eq!((taken[0].state, taken[0].fence), (State::Claimed, 1));
    assert_eq!(taken[0].lease_until, at(6));
    assert_eq!(get(fixture, 1).await.unwrap(), taken[0]);
    assert!(claim(fixture, 5, 10).await.is_empty());
}

/// A claim takes all due occurrences of a person; what falls due later waits for the lease.
pub async fn a_claim_takes_all_of_a_person_and_nobody_shares_one(fixture: &dyn TimetableFixture) {
    let later = Occurrence { due_at: at(5).plus(TimeDelta::seconds(30)), ..armed(3, 1, 5) };
    arm(fixture, vec![armed(1, 1, 4), armed(2, 1, 5), later]).await;
    let first = claim(fixture, 5, 10).await;
    assert_eq!(first.iter().map(|it| it.key.0[0]).collect::<Vec<_>>(), [1, 2]);
    let ask = ClaimAsk { now: at(5).plus(TimeDelta::seconds(30)), lease_until: at(9), people: 10 };
    assert!(fixture.timetable().claim(ask).await.unwrap().is_empty());
    assert_eq!(claim(fixture, 6, 10).await.len(), 3);
}

/// A lease that ran out is claimed again, with a higher fence.
pub async fn a_lost_lease_is_claimed_again_with_a_higher_fence(fixture: &dyn TimetableFixture) {
    arm(fixture, vec![armed(1, 1, 5)]).await;
    let first = claim(fixture, 5, 10).await;
    let second = claim(fixture, 6, 10).await;
    assert_eq!(second.len(), 1);
    assert!(second[0].fence > first[0].fence);
    settle(fixture, vec![Settlement::of(&first[0], State::Act, at(6))]).await;
    assert_eq!(get(fixture, 1).await.unwrap().state, State::Claimed);
}

/// A step that names an old fence is skipped; one that names the present one is made.
pub async fn a_step_with_an_old_fence_is_skipped(fixture: &dyn TimetableFixture) {
    arm(fixture, vec![armed(1, 1, 5)]).await;
    let waiting = get(fixture, 1).await.unwrap();
    let taken = claim(fixture, 5, 10).await;
    settle(fixture, vec![Settlement::of(&waiting, State::Cancelled, at(5))]).await;
    assert_eq!(get(fixture, 1).await.unwrap().state, State::Claimed);
    let decision = DecisionId::from_uuid(Uuid::from_u128(4));
    settle(fixture, vec![Settlement::of(&taken[0], State::Act, at(6)).decided(decision)]).await;
    let settled = get(fixture, 1).await.unwrap();
    assert_eq!((settled.state, settled.decision), (State::Act, Some(decision)));
    assert_eq!((settled.attempts, settled.changed_at), (1, at(6)));
    assert!(settled.fence > taken[0].fence);
}

/// What the law of occurrences forbids does not happen.
pub async fn an_illegal_step_is_skipped(fixture: &dyn TimetableFixture) {
    arm(fixture, vec![armed(1, 1, 5)]).await;
    let waiting = get(fixture, 1).await.unwrap();
    settle(fixture, vec![Settlement::of(&waiting, State::Act, at(1))]).await;
    assert_eq!(get(fixture, 1).await.unwrap(), waiting);
    settle(fixture, vec![Settlement::of(&waiting, State::Cancelled, at(1))]).await;
    let cancelled = get(fixture, 1).await.unwrap();
    settle(fixture, vec![Settlement::of(&cancelled, State::Armed, at(2))]).await;
    assert_eq!(get(fixture, 1).await.unwrap().state, State::Cancelled);
}

/// A claim takes no more people than asked, and those who wait longest first.
pub async fn people_are_limited_and_the_earliest_come_first(fixture: &dyn TimetableFixture) {
    arm(fixture, vec![armed(1, 3, 1), armed(2, 1, 3), armed(3, 2, 2), armed(4, 3, 4)]).await;
    let keys = |it: Vec<Occurrence>| it.iter().map(|it| it.key.0[0]).collect::<Vec<_>>();
    assert_eq!(keys(claim(fixture, 10, 2).await), [3, 1, 4]);
    assert_eq!(keys(claim(fixture, 10, 2).await), [2]);
}

/// An action that comes back is armed again; its next claim is a new one.
pub async fn a_returned_action_is_armed_again(fixture: &dyn TimetableFixture) {
    arm(fixture, vec![armed(1, 1, 5)]).await;
    let taken = claim(fixture, 5, 10).await;
    settle(fixture, vec![Settlement::of(&taken[0], State::Act, at(6))]).await;
    let acted = get(fixture, 1).await.unwrap();
    settle(fixture, vec![Settlement::of(&acted, State::Armed, at(7)).due(at(9))]).await;
    assert!(claim(fixture, 8, 10).await.is_empty());
    assert_eq!(claim(fixture, 9, 10).await.len(), 1);
}

/// A merge hands occurrences to the survivor; a split gives them back to their origin.
pub async fn a_merge_hands_occurrences_to_the_survivor_and_a_split_takes_them_back(
    fixture: &dyn TimetableFixture,
) {
    arm(fixture, vec![armed(1, 1, 5), armed(2, 2, 5)]).await;
    for survivor in [1, 2] {
        let change = Change { rekey: vec![(subject(2), subject(survivor))], ..Change::default() };
        fixture.timetable().change(&acme(), change).await.unwrap();
        let moved = get(fixture, 2).await.unwrap();
        assert_eq!(moved.subject, subject(survivor));
        assert_eq!(moved.occasion.origin, subject(2));
        assert_eq!(get(fixture, 1).await.unwrap().subject, subject(1));
    }
}

/// What acted or was held out is remembered for re-entry; the rest is not.
pub async fn what_was_entered_is_remembered(fixture: &dyn TimetableFixture) {
    arm(fixture, vec![armed(1, 1, 5), armed(2, 1, 5), armed(3, 1, 5), armed(4, 1, 50)]).await;
    let taken = claim(fixture, 5, 10).await;
    let states = [State::Act, State::Holdout, State::None];
    let steps = taken.iter().zip(states).map(|(it, state)| Settlement::of(it, state, at(6)));
    settle(fixture, steps.collect()).await;
    let entered = |since| async move {
        fixture.timetable().entered(&acme(), &[subject(1)], since).await.unwrap()
    };
    let found = entered(at(6)).await;
    let mut states: Vec<_> = found.iter().map(|it| it.state).collect();
    states.sort();
    assert_eq!(states, [State::Act, State::Holdout]);
    let model = armed(1, 1, 5).occasion;
    assert!(found.iter().all(|it| it.at == at(6)
        && it.subject == subject(1)
        && it.node == model.node
        && it.object == model.object
        && it.offset == model.offset
        && it.anchor == model.anchor));
    assert!(entered(at(7)).await.is_empty());
    assert!(fixture.timetable().entered(&acme(), &[], at(0)).await.unwrap().is_empty());
}

/// The next due instant is the earliest wait or lease.
pub async fn the_next_due_instant_is_known(fixture: &dyn TimetableFixture) {
    assert_eq!(fixture.timetable().next_due().await.unwrap(), None);
    arm(fixture, vec![armed(1, 1, 5), armed(2, 2, 30)]).await;
    assert_eq!(fixture.timetable().next_due().await.unwrap(), Some(at(5)));
    let taken = claim(fixture, 5, 10).await;
    assert_eq!(fixture.timetable().next_due().await.unwrap(), Some(at(6)));
    settle(fixture, vec![Settlement::of(&taken[0], State::None, at(6))]).await;
    assert_eq!(fixture.timetable().next_due().await.unwrap(), Some(at(30)));
}

/// The facts of a change are told with it, in order.
pub async fn facts_and_change_come_together_or_not_at_all(fixture: &dyn TimetableFixture) {
    let entropy = SeededEntropy::new(1);
    let fact = |name: &str| Fact {
        id: FactId::mint(at(0), &entropy),
        tenant: acme(),
        name: name.to_owned(),
        at: at(0),
        subject: Some(subject(1)),
        nodes: Vec::new(),
        cause: None,
        trace: None,
        body: serde_json::json!({ "node": "renewal.day90" }),
    };
    let facts = vec![fact("occurrence.armed"), fact("occurrence.armed")];
    let change = Change {
        arm: vec![armed(1, 1, 5), armed(2, 1, 5)],
        facts: facts.clone(),
        ..Change::default()
    };
    fixture.timetable().change(&acme(), change).await.unwrap();
    assert_eq!(fixture.facts().await, facts);
    assert!(get(fixture, 1).await.is_some() && get(fixture, 2).await.is_some());
}

/// One tenant's timers are invisible to another's finders.
pub async fn tenants_do_not_see_each_other(fixture: &dyn TimetableFixture) {
    arm(fixture, vec![armed(1, 1, 5)]).await;
    let globex = TenantId::new("globex").unwrap();
    let keys = [OccurrenceKey([1; 32])];
    let timetable = fixture.timetable();
    assert!(timetable.find(&globex, Lookup::Keys(&keys)).await.unwrap().is_empty());
    assert!(timetable.find(&globex, Lookup::OpenOf(&[subject(1)])).await.unwrap().is_empty());
    let mine = get(fixture, 1).await.unwrap();
    let settle = vec![Settlement::of(&mine, State::Cancelled, at(1))];
    timetable.change(&globex, Change { settle, ..Change::default() }).await.unwrap();
    let rekey = vec![(subject(1), subject(2))];
    timetable.change(&globex, Change { rekey, ..Change::default() }).await.unwrap();
    assert_eq!(get(fixture, 1).await, Some(mine));
    assert!(timetable.entered(&globex, &[subject(1)], at(0)).await.unwrap().is_empty());
}
