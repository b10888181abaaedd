//! The suites of `decision` on SQL, plain and traced.

use std::sync::Arc;

use adapters::{
    sql::{
        audit::companion::{CompanionHandler, Verdict},
        companion::SqlDecisionCompanions,
        decision::SqlTimetable,
        outbox::SqlFactFeed,
    },
    traced::Traced,
};
use async_trait::async_trait;
use audit::entry::Companion as Carried;
use decision::{
    companion::{Companion, KIND},
    contract::timetable::{TimetableFixture, acme, armed},
    occurrence::{Settlement, State},
    ports::{Change, ClaimAsk, Lookup, Timetable},
    reasons,
};
use kernel::{Fact, FactFeed, Instant, Limit};

use super::{Fresh, companion::one_a_day, fresh};

struct Fixture<T> {
    fresh: Fresh,
    timetable: T,
}

#[async_trait]
impl<T: Timetable> TimetableFixture for Fixture<T> {
    fn timetable(&self) -> &dyn Timetable {
        &self.timetable
    }

    async fn facts(&self) -> Vec<Fact> {
        let feed = SqlFactFeed::new(self.fresh.database.clone());
        let taken = feed.take("law", Limit::MAX).await.unwrap();
        taken.into_iter().map(|it| it.fact).collect()
    }
}

async fn plain() -> Fixture<SqlTimetable> {
    let fresh = fresh().await;
    let timetable = SqlTimetable::new(fresh.database.clone());
    Fixture { fresh, timetable }
}

async fn traced() -> Fixture<Traced<SqlTimetable>> {
    let Fixture { fresh, timetable } = plain().await;
    Fixture { fresh, timetable: Traced::new(timetable) }
}

decision::timetable_suite!(sql, super::plain());
decision::timetable_suite!(traced_sql, super::traced());

fn now() -> Instant {
    Instant::from_micros(1_790_000_600_000_000)
}

async fn claimed(fixture: &Fixture<SqlTimetable>) -> decision::Occurrence {
    let change = Change { arm: vec![armed(1, 1, 5)], ..Change::default() };
    fixture.timetable.change(&acme(), change).await.unwrap();
    let lease_until = now().plus(chrono::TimeDelta::minutes(1));
    let ask = ClaimAsk { now: now(), lease_until, people: 1 };
    fixture.timetable.claim(ask).await.unwrap().remove(0)
}

async fn apply(fixture: &Fixture<SqlTimetable>, companions: &[Companion]) -> Vec<Verdict> {
    let carried: Vec<_> =
        companions.iter().map(|it| Carried { kind: KIND, body: it.encode().unwrap() }).collect();
    let items: Vec<_> = carried.iter().collect();
    let write = fixture.fresh.database.begin("test").await.unwrap();
    let companions = SqlDecisionCompanions::new(Arc::new(one_a_day()));
    let verdicts = companions.apply(&write, &acme(), &items).await.unwrap();
    write.commit().await.unwrap();
    verdicts
}

#[tokio::test]
async fn of_two_decisions_about_one_occurrence_the_first_is_made() {
    let fixture = plain().await;
    let occurrence = claimed(&fixture).await;
    let settles = |state| Companion {
        settlements: vec![Settlement::of(&occurrence, state, now())],
        handoff: None,
    };
    let verdicts = apply(&fixture, &[settles(State::Act), settles(State::None)]).await;
    assert_eq!(verdicts, [Verdict::Apply, Verdict::Veto(reasons::JRN_FENCED)]);
    let keys = [occurrence.key];
    let found = fixture.timetable.find(&acme(), Lookup::Keys(&keys)).await.unwrap();
    assert_eq!(found[0].state, State::Act);
    assert_eq!(apply(&fixture, &[settles(State::None)]).await.len(), 1);
}

#[tokio::test]
async fn workers_that_race_never_share_a_person() {
    let fixture = plain().await;
    let arm = (0..64).map(|n| armed(n, u128::from(n % 16), 5)).collect();
    fixture.timetable.change(&acme(), Change { arm, ..Change::default() }).await.unwrap();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let timetable = fixture.timetable.clone();
        let lease_until = now().plus(chrono::TimeDelta::minutes(1));
        let ask = ClaimAsk { now: now(), lease_until, people: 2 };
        workers.spawn(async move { timetable.claim(ask).await.unwrap() });
    }
    let mut taken = Vec::new();
    for claimed in workers.join_all().await {
        taken.extend(claimed.into_iter().map(|it| it.key));
    }
    taken.sort_unstable();
    assert_eq!(taken.len(), 64);
    taken.dedup();
    assert_eq!(taken.len(), 64);
}
