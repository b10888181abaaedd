//! The laws of [`DeliveryStore`](crate::ports::DeliveryStore).

use chrono::TimeDelta;
use kernel::{Class, DeliveryId, Limit, SeededEntropy, TenantId};

use super::{
    DeskFixture,
    sample::{delivery, noon, note, person, planned, tenant},
};
use crate::{
    message::Delivery,
    ports::{Change, Filter, Planned},
    reason,
    state::State,
};

async fn keep(fixture: &dyn DeskFixture, ids: std::ops::Range<u64>) -> Vec<Delivery> {
    let all: Vec<Planned> = ids.map(|i| planned(i, &person(i))).collect();
    let n = fixture.store().plan(all.clone(), Vec::new()).await.unwrap();
    assert_eq!(n, all.len());
    all.into_iter().map(|it| it.delivery).collect()
}

/// What is planned is read back whole, and its facts are kept with it.
pub async fn a_delivery_comes_back_with_every_member(fixture: &dyn DeskFixture) {
    let one = planned(1, &person(1));
    assert_eq!(fixture.store().plan(vec![one.clone()], Vec::new()).await.unwrap(), 1);
    let trail = fixture.store().get(&tenant(), one.delivery.id).await.unwrap().unwrap();
    assert_eq!(trail.delivery, one.delivery);
    assert!(trail.attempts.is_empty());
    assert_eq!(fixture.facts().await, one.facts);
}

/// Every state is read back as it was kept, one version on.
pub async fn every_state_comes_back(fixture: &dyn DeskFixture) {
    let until = noon().plus(TimeDelta::hours(1));
    let states = [
        State::Held { reason: reason::WINDOW, until },
        State::InFlight { deadline: until },
        State::RetryWait { reason: reason::RETRYABLE, until },
        State::Unknown { reason: reason::AMBIGUOUS, until },
        State::Accepted,
        State::Delivered,
        State::Bounced,
        State::Complained,
        State::Returned { reason: reason::CAP },
        State::Suppressed { reasons: vec![reason::BLOCKED, reason::QUIET] },
        State::Failed { reason: reason::EXHAUSTED },
        State::Expired,
        State::Abandoned,
        State::Ready,
    ];
    let mut kept = keep(fixture, 0..1).await.remove(0);
    for state in states {
        let change = Change {
            delivery: kept.id,
            expected: kept.version,
            state: state.clone(),
            facts: Vec::new(),
        };
        assert_eq!(fixture.store().append(&tenant(), vec![change]).await.unwrap(), [true]);
        kept = Delivery { state, version: kept.version + 1, ..kept };
        let read = fixture.store().get(&tenant(), kept.id).await.unwrap().unwrap().delivery;
        assert_eq!(read, kept);
    }
}

/// What was never planned is absent, not an error.
pub async fn absence_is_none(fixture: &dyn DeskFixture) {
    let id = DeliveryId::mint(noon(), &SeededEntropy::new(1));
    assert!(fixture.store().get(&tenant(), id).await.unwrap().is_none());
    assert!(fixture.store().due(noon(), 10).await.unwrap().is_empty());
}

/// The same decision and treatment become one delivery, and its facts are kept once.
pub async fn an_action_is_planned_once(fixture: &dyn DeskFixture) {
    let first = planned(1, &person(1));
    let mut again = planned(2, &person(1));
    again.delivery.decision = first.delivery.decision;
    let n = fixture.store().plan(vec![first.clone()], Vec::new()).await.unwrap();
    assert_eq!(n, 1);
    let fresh = planned(3, &person(3));
    let all = vec![again.clone(), fresh.clone()];
    assert_eq!(fixture.store().plan(all, Vec::new()).await.unwrap(), 1);
    assert!(fixture.store().get(&tenant(), again.delivery.id).await.unwrap().is_none());
    assert_eq!(fixture.facts().await, [first.facts, fresh.facts].concat());
}

/// Facts about what is not planned are kept.
pub async fn notes_are_kept(fixture: &dyn DeskFixture) {
    let fact = note(&delivery(1, &person(1)), "delivery.ghosted", 4);
    assert_eq!(fixture.store().plan(Vec::new(), vec![fact.clone()]).await.unwrap(), 0);
    assert_eq!(fixture.facts().await, [fact]);
}

/// A move from a version that has passed changes nothing and keeps no fact; its neighbour moves.
pub async fn a_move_from_an_old_version_changes_nothing(fixture: &dyn DeskFixture) {
    let kept = keep(fixture, 0..2).await;
    let before = fixture.facts().await.len();
    let change = |it: &Delivery, expected, seed| Change {
        delivery: it.id,
        expected,
        state: State::Expired,
        facts: vec![note(it, "delivery.expired", seed)],
    };
    let changes = vec![change(&kept[0], 7, 1), change(&kept[1], 0, 2)];
    let moved = fixture.store().append(&tenant(), changes).await.unwrap();
    assert_eq!(moved, [false, true]);
    let read = fixture.store().get(&tenant(), kept[0].id).await.unwrap().unwrap();
    assert_eq!(read.delivery, kept[0]);
    assert_eq!(fixture.facts().await.len(), before + 1);
}

/// What is due comes by class, then its time, then priority, then id, and what rests does not come.
pub async fn what_is_due_comes_in_order(fixture: &dyn DeskFixture) {
    let mut all: Vec<Planned> = (0..6).map(|i| planned(i, &person(i))).collect();
    let late = noon().plus(TimeDelta::hours(1));
    all[0].delivery.state = State::Held { reason: reason::NOT_BEFORE, until: late };
    all[1].delivery.priority = 9;
    all[2].delivery.priority = 1;
    all[3].delivery.priority = 1;
    all[4].delivery.state = State::Accepted;
    all[5].delivery.class = Class::Obligation;
    all[5].delivery.priority = u8::MAX;
    fixture.store().plan(all.clone(), Vec::new()).await.unwrap();
    let ids = |due: Vec<Delivery>| due.into_iter().map(|it| it.id).collect::<Vec<_>>();
    let of = |order: &[usize]| order.iter().map(|i| all[*i].delivery.id).collect::<Vec<_>>();
    assert_eq!(ids(fixture.store().due(noon(), 10).await.unwrap()), of(&[5, 2, 3, 1]));
    assert_eq!(ids(fixture.store().due(noon(), 2).await.unwrap()), of(&[5, 2]));
    assert_eq!(ids(fixture.store().due(late, 10).await.unwrap()), of(&[5, 2, 3, 1, 0]));
}

/// Pages, newest first, hold each delivery once.
pub async fn pages_meet_without_gaps(fixture: &dyn DeskFixture) {
    let mut kept: Vec<_> = keep(fixture, 0..5).await.iter().map(|it| it.id).collect();
    kept.reverse();
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let limit = Limit::new(2).unwrap();
        let filter = Filter::default();
        let page = fixture.store().page(&tenant(), &filter, after, limit).await.unwrap();
        assert!(page.items.len() <= 2);
        read.extend(page.items.iter().map(|it| it.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(read, kept);
}

/// A page holds only what its filter names.
pub async fn a_filter_is_kept(fixture: &dyn DeskFixture) {
    let kept = keep(fixture, 0..3).await;
    let change =
        Change { delivery: kept[1].id, expected: 0, state: State::Accepted, facts: Vec::new() };
    fixture.store().append(&tenant(), vec![change]).await.unwrap();
    let read = async |filter: Filter| {
        let page = fixture.store().page(&tenant(), &filter, None, Limit::MAX).await.unwrap();
        page.items.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    let subject = Some(kept[0].subject);
    assert_eq!(read(Filter { subject, state: None }).await, [kept[0].id]);
    let state = Some("accepted".to_owned());
    assert_eq!(read(Filter { subject: None, state: state.clone() }).await, [kept[1].id]);
    assert!(read(Filter { subject, state }).await.is_empty());
}

/// One tenant's deliveries are not another's.
pub async fn tenants_do_not_meet(fixture: &dyn DeskFixture) {
    let kept = keep(fixture, 0..1).await.remove(0);
    let other = TenantId::new("other").unwrap();
    assert!(fixture.store().get(&other, kept.id).await.unwrap().is_none());
    let filter = Filter::default();
    let page = fixture.store().page(&other, &filter, None, Limit::MAX).await.unwrap();
    assert!(page.items.is_empty());
    let change =
        Change { delivery: kept.id, expected: 0, state: State::Expired, facts: Vec::new() };
    assert_eq!(fixture.store().append(&other, vec![change]).await.unwrap(), [false]);
}
