//! Decisions that are themselves the hand-off: steps, heads and caps in the transaction of the log.

#![expect(clippy::indexing_slicing, reason = "a broken law panics")]

use std::sync::Arc;

use adapters::sql::{
    audit::companion::{CompanionHandler as _, Verdict},
    companion::SqlDecisionCompanions,
    decision::SqlTimetable,
    delivery::SqlContactLedger,
};
use async_trait::async_trait;
use audit::Companion as Carried;
use chrono::TimeDelta;
use decision::{
    companion::{Companion, KIND},
    contract::timetable::armed,
    occurrence::{Occurrence, Settlement, State},
    ports::{Change, ClaimAsk, Handoff, Lookup, Timetable as _},
    reasons,
};
use delivery::{
    contact::{Entry, EntryState},
    content::Artifacts,
    contract::sample::{EPOCHS, noon, person, tenant},
    ports::{ArtifactSource, ContactLedger as _},
};
use kernel::{
    ArtifactRef, Channel, Class, DecisionId, Digest, Epoch, Fault, Instant, JourneyNode, PersonAt,
    SeededEntropy, TenantId,
};

use super::{
    Fresh,
    delivery::{set_choices, set_identity, set_policy},
    fresh,
};

/// One cap, of one contact a day.
#[derive(Debug)]
pub(crate) struct OneADay(Arc<Artifacts>);

#[async_trait]
impl ArtifactSource for OneADay {
    async fn live(&self, _tenant: &TenantId) -> Result<Arc<Artifacts>, Fault> {
        Ok(Arc::clone(&self.0))
    }
}

pub(crate) fn one_a_day() -> OneADay {
    let body = serde_json::json!({
        "schema": "cap/1", "limit": 1, "window": { "rolling": "P1D" },
    });
    let digest = Digest::of_canonical(&body).unwrap();
    let source = ArtifactRef { kind: "cap", name: "daily", digest, body: &body };
    OneADay(Arc::new(Artifacts::compile(&[source]).unwrap()))
}

struct World {
    fresh: Fresh,
    timetable: SqlTimetable,
    contacts: SqlContactLedger,
}

/// Two people whose heads stand at [`EPOCHS`].
async fn world() -> World {
    let fresh = fresh().await;
    let timetable = SqlTimetable::new(fresh.database.clone());
    let contacts = SqlContactLedger::new(fresh.database.clone());
    let world = World { fresh, timetable, contacts };
    for it in [person(1), person(2)] {
        world.identity(&it, EPOCHS.identity).await;
        world.choices(&it, EPOCHS.person).await;
    }
    world.policy(EPOCHS.policy).await;
    world
}

impl World {
    async fn identity(&self, person: &PersonAt, epoch: Epoch) {
        let write = self.fresh.database.begin("test").await.unwrap();
        set_identity(&*write, &tenant(), person, epoch).await;
        write.commit().await.unwrap();
    }

    async fn choices(&self, person: &PersonAt, epoch: Epoch) {
        let write = self.fresh.database.begin("test").await.unwrap();
        set_choices(&*write, &tenant(), person.nodes[0], epoch).await;
        write.commit().await.unwrap();
    }

    async fn policy(&self, epoch: Epoch) {
        let write = self.fresh.database.begin("test").await.unwrap();
        set_policy(&*write, &tenant(), epoch).await;
        write.commit().await.unwrap();
    }

    async fn apply(&self, companions: &[Companion]) -> Vec<Verdict> {
        let carried = |it: &Companion| Carried { kind: KIND, body: it.encode().unwrap() };
        let carried: Vec<_> = companions.iter().map(carried).collect();
        let items: Vec<_> = carried.iter().collect();
        let handler = SqlDecisionCompanions::new(Arc::new(one_a_day()));
        let write = self.fresh.database.begin("test").await.unwrap();
        let verdicts = handler.apply(&write, &tenant(), &items).await.unwrap();
        write.commit().await.unwrap();
        verdicts
    }

    async fn contacts(&self, of: &PersonAt) -> Vec<Entry> {
        self.contacts.history(&tenant(), &of.nodes, Instant::EPOCH).await.unwrap()
    }

    async fn claimed(&self) -> Occurrence {
        let change = Change { arm: vec![armed(1, 1, 5)], ..Change::default() };
        self.timetable.change(&tenant(), change).await.unwrap();
        let now = Instant::from_micros(1_790_000_600_000_000);
        let ask = ClaimAsk { now, lease_until: now.plus(TimeDelta::minutes(1)), people: 1 };
        self.timetable.claim(ask).await.unwrap().remove(0)
    }

    async fn state(&self, of: &Occurrence) -> State {
        let keys = [of.key];
        self.timetable.find(&tenant(), Lookup::Keys(&keys)).await.unwrap()[0].state
    }
}

/// An answer to a person, under the cap.
pub(crate) fn answer(n: u64, to: &PersonAt) -> Companion {
    let handoff = Handoff {
        decision: DecisionId::mint(noon(), &SeededEntropy::new(n)),
        subject: to.subject,
        nodes: to.nodes.clone(),
        epochs: EPOCHS,
        good_until: noon().plus(TimeDelta::seconds(60)),
        at: noon(),
        until: noon().plus(TimeDelta::seconds(5)),
        node: JourneyNode::new("renewal.day90").unwrap(),
        class: Class::Marketing,
        channel: Channel::Web,
        caps: vec!["daily".to_owned()],
    };
    Companion { settlements: Vec::new(), handoff: Some(handoff) }
}

fn changed(mut companion: Companion, change: impl FnOnce(&mut Handoff)) -> Companion {
    companion.handoff.as_mut().map(change).unwrap();
    companion
}

const MOVED: Verdict = Verdict::Veto(reasons::PRM_MOVED);
const CAPPED: Verdict = Verdict::Veto(reasons::HIS_CAPPED);

#[tokio::test]
async fn an_answer_makes_its_contact() {
    let world = world().await;
    let to = person(1);
    assert_eq!(world.apply(&[answer(1, &to)]).await, [Verdict::Apply]);
    let made = world.contacts(&to).await;
    assert_eq!(made.len(), 1);
    assert_eq!((made[0].state, made[0].at), (EntryState::Committed, noon()));
    assert_eq!(made[0].node.uuid(), to.subject.uuid());
}

#[tokio::test]
async fn an_answer_whose_permission_moved_leaves_nothing() {
    let world = world().await;
    let to = person(1);
    world.choices(&to, EPOCHS.person.next()).await;
    assert_eq!(world.apply(&[answer(1, &to)]).await, [MOVED]);
    world.choices(&to, EPOCHS.person).await;
    world.identity(&to, EPOCHS.identity.next()).await;
    assert_eq!(world.apply(&[answer(1, &to)]).await, [MOVED]);
    world.identity(&to, EPOCHS.identity).await;
    world.policy(EPOCHS.policy.next()).await;
    assert_eq!(world.apply(&[answer(1, &to)]).await, [MOVED]);
    world.policy(EPOCHS.policy).await;
    let stranger = answer(1, &person(3));
    assert_eq!(world.apply(&[stranger]).await, [MOVED]);
    assert!(world.contacts(&to).await.is_empty());
    assert_eq!(world.apply(&[answer(1, &to)]).await, [Verdict::Apply]);
}

#[tokio::test]
async fn a_permission_is_good_until_its_instant_and_not_at_it() {
    let world = world().await;
    let (one, two) = (person(1), person(2));
    let late = changed(answer(1, &one), |it| it.at = it.good_until);
    let last =
        changed(answer(2, &two), |it| it.good_until = it.at.plus(TimeDelta::microseconds(1)));
    assert_eq!(world.apply(&[late, last]).await, [MOVED, Verdict::Apply]);
}

#[tokio::test]
async fn answers_of_one_batch_share_the_caps_of_their_person() {
    let world = world().await;
    let (one, two) = (person(1), person(2));
    let batch = [answer(1, &one), answer(2, &one), answer(3, &two), answer(4, &one)];
    assert_eq!(world.apply(&batch).await, [Verdict::Apply, CAPPED, Verdict::Apply, CAPPED]);
    assert_eq!((world.contacts(&one).await.len(), world.contacts(&two).await.len()), (1, 1));
    let day = |n, after| {
        changed(answer(n, &one), |it| {
            it.at = noon().plus(after);
            it.good_until = it.at.plus(TimeDelta::seconds(60));
        })
    };
    let early = day(5, TimeDelta::days(1) - TimeDelta::microseconds(1));
    assert_eq!(world.apply(&[early, day(6, TimeDelta::days(1))]).await, [CAPPED, Verdict::Apply]);
}

#[tokio::test]
async fn what_is_vetoed_takes_no_place() {
    let world = world().await;
    let to = person(1);
    let moved = changed(answer(1, &to), |it| it.epochs.person = EPOCHS.person.next());
    assert_eq!(world.apply(&[moved, answer(2, &to)]).await, [MOVED, Verdict::Apply]);
}

#[tokio::test]
async fn a_cap_that_is_not_released_refuses_and_an_obligation_is_counted_not_capped() {
    let world = world().await;
    let to = person(1);
    let unknown = changed(answer(1, &to), |it| it.caps.push("weekly".to_owned()));
    let owed = |n| changed(answer(n, &to), |it| it.class = Class::Obligation);
    let batch = [unknown, owed(2), owed(3), answer(4, &to)];
    let verdicts = world.apply(&batch).await;
    assert_eq!(verdicts, [CAPPED, Verdict::Apply, Verdict::Apply, CAPPED]);
    assert_eq!(world.contacts(&to).await.len(), 2);
}

#[tokio::test]
async fn an_answer_and_its_step_are_made_together_or_not_at_all() {
    let world = world().await;
    let (one, two) = (person(1), person(2));
    let occurrence = world.claimed().await;
    let step = Settlement::of(&occurrence, State::Act, noon());
    let with = |mut it: Companion, step: &Settlement| {
        it.settlements.push(step.clone());
        it
    };
    let capped = changed(answer(2, &two), |it| it.caps.push("weekly".to_owned()));
    let stale = Settlement { fence: step.fence + 1, ..step.clone() };
    let batch = [with(capped, &step), with(answer(3, &one), &stale)];
    let fenced = Verdict::Veto(reasons::JRN_FENCED);
    assert_eq!(world.apply(&batch).await, [CAPPED, fenced]);
    assert_eq!(world.state(&occurrence).await, State::Claimed);
    assert!(world.contacts(&one).await.is_empty() && world.contacts(&two).await.is_empty());
    let made = world.apply(&[with(answer(4, &one), &step)]).await;
    assert_eq!((made, world.state(&occurrence).await), (vec![Verdict::Apply], State::Act));
    assert_eq!(world.contacts(&one).await.len(), 1);
}
