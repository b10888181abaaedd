//! One seed, one population; what it holds adds up; people react to being contacted.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};

use super::{Dice, EFFECTS, Onboarding, Person, Population, noon};

fn population(seed: u64, people: usize) -> Population {
    Population::generate(seed, people, NaiveDate::from_ymd_opt(2026, 6, 1).unwrap(), 30)
}

#[test]
fn one_seed_is_one_population() {
    let (one, same, other) = (population(7, 300), population(7, 300), population(8, 300));
    assert_eq!(one.people, same.people);
    assert_eq!(one.choices, same.choices);
    assert_eq!(one.events, same.events);
    assert_ne!(one.people, other.people);
    assert_ne!(one.events, other.events);
}

#[test]
fn more_people_do_not_change_those_who_were_there() {
    let (few, many) = (population(7, 100), population(7, 200));
    assert_eq!(few.people, many.people[..100]);
}

#[test]
fn nobody_and_one_are_populations_too() {
    let nobody = population(7, 0);
    assert_eq!(nobody.truth().people, 0);
    assert!(nobody.choices.is_empty());
    assert!(nobody.events.iter().all(|it| it.kind == "assent.heartbeat.v1"));
    assert_eq!(population(7, 1).truth().households, 1);
}

#[test]
fn the_truth_adds_up() {
    let population = population(7, 2_000);
    let truth = population.truth();
    assert_eq!(truth.people, 2_000);
    assert_eq!(truth.records, population.people.iter().map(Person::records).sum::<usize>());
    assert!(truth.records > 3 * truth.people);
    assert!((40..140).contains(&truth.duplicates), "{truth:?}");
    assert!((60..500).contains(&truth.sharing), "{truth:?}");
    assert!((700..1_500).contains(&truth.households), "{truth:?}");
}

#[test]
fn ids_are_unique() {
    let population = population(7, 1_000);
    let events: BTreeSet<_> = population.events.iter().map(|it| (it.source, &it.id)).collect();
    assert_eq!(events.len(), population.events.len());
    let choices: BTreeSet<_> = population.choices.iter().map(|it| &it.id).collect();
    assert_eq!(choices.len(), population.choices.len());
}

#[test]
fn the_month_has_every_kind_of_event_in_order() {
    let population = population(7, 2_000);
    let kinds: BTreeSet<_> = population.events.iter().map(|it| it.kind).collect();
    let expected = [
        "assent.heartbeat.v1",
        "billing.payment.v1",
        "claim.closed.v2",
        "claim.milestone.v2",
        "onboarding.completed.v1",
        "onboarding.step_done.v1",
        "policy.cancelled.v1",
        "policy.issued.v1",
        "product.feature_used.v1",
        "product.login.v1",
        "service.complaint_opened.v1",
        "service.interaction_rated.v1",
        "service.ticket_resolved.v1",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    assert!(population.events.is_sorted_by_key(|it| it.at));
    let by_day: usize = (0..30).map(|it| population.events_on(it).count()).sum();
    assert_eq!(by_day, population.events.len());
}

#[test]
fn every_choice_has_its_day() {
    let population = population(7, 500);
    assert!(population.choices.is_sorted_by_key(|it| it.at));
    let by_day: usize = (-1..30).map(|it| population.choices_on(it).count()).sum();
    assert_eq!(by_day, population.choices.len());
    assert!(population.choices_on(-1).count() > 500);
    let has = |name: &str| population.choices.iter().any(|it| it.kind.get(name).is_some());
    for kind in ["given", "refused", "withdrawn", "objected", "channel_pref", "quiet_hours"] {
        assert!(has(kind), "{kind}");
    }
    let withdrawn = population.choices.iter().filter(|it| it.kind.get("withdrawn").is_some());
    assert!(withdrawn.into_iter().all(|it| it.at >= noon(population.start, -1)));
}

#[test]
fn journeys_have_somebody_to_act_on() {
    let population = population(7, 2_000);
    let due = |it: &&super::Policy| {
        let days = (it.renewal_on - population.start).num_days() - 90;
        it.status == "active" && !it.autorenew && (0..30).contains(&days)
    };
    let renewals = population.people.iter().flat_map(|it| &it.policies).filter(due).count();
    assert!((200..900).contains(&renewals), "{renewals}");
    let stalled =
        |it: &&super::User| matches!(it.onboarding, Onboarding::Under { steps, .. } if steps < 4);
    let stalled = population.people.iter().filter_map(|it| it.user.as_ref()).filter(stalled);
    assert!((80..300).contains(&stalled.count()));
    let rated = |it: &&super::Event| {
        it.kind == "service.interaction_rated.v1" && it.data["rating"].as_i64() < Some(3)
    };
    assert!((20..120).contains(&population.events.iter().filter(rated).count()));
}

#[test]
fn identifiers_lead_to_their_person() {
    let population = population(7, 500);
    for person in &population.people {
        assert_eq!(population.whose(&person.crm_subject()), Some(person));
    }
    let ticket = population.events.iter().find(|it| it.kind == "service.ticket_resolved.v1");
    let ticket = ticket.unwrap();
    let by_ticket =
        population.whose(&format!("ticket_no:{}", ticket.data["ticket_no"].as_str().unwrap()));
    assert_eq!(by_ticket, population.whose(ticket.subject.as_ref().unwrap()));
    assert_eq!(population.whose("crm_id:nobody"), None);
    let shared =
        population.people.iter().filter_map(|it| it.email.as_ref()).find(|it| it.is_shared);
    assert_eq!(population.whose(&format!("email:{}", shared.unwrap().address)), None);
}

#[test]
fn a_contact_changes_what_people_do() {
    let population = population(7, 2_000);
    let at = noon(population.start, 3);
    for effect in EFFECTS {
        let act = |is_contacted| {
            let acts = |it: &&Person| {
                let object = it.policies.first().map_or("P", |it| it.policy_no.as_str());
                let events = population.react(it, effect.node, object, at, is_contacted);
                events.iter().any(|it| it.kind == effect.outcome)
            };
            population.people.iter().filter(acts).count()
        };
        let (alone, contacted) = (act(false), act(true));
        assert!(alone > 0, "{}", effect.node);
        assert_eq!(contacted > alone, effect.contacted > effect.alone, "{}", effect.node);
        assert_eq!(act(true), contacted);
    }
}

#[test]
fn nobody_reacts_to_an_unknown_node_or_after_the_month() {
    let population = population(7, 500);
    let act = |node: &str, day: i64| -> usize {
        let at = noon(population.start, day);
        let people = population.people.iter();
        people.map(|it| population.react(it, node, "P", at, true).len()).sum()
    };
    assert_eq!(act("no.node", 3), 0);
    assert!(act("service.recovery", 3) > 0);
    assert_eq!(act("service.recovery", 30), 0);
}

#[test]
fn messages_bounce_or_arrive_and_are_sometimes_read() {
    let population = population(7, 2_000);
    let at = noon(population.start, 3);
    let mut kinds = [0; 4];
    for person in &population.people {
        let events = population.feedback(person, "dlv", at);
        assert!(events.iter().all(|it| it.at > at && it.at < at.plus(TimeDelta::days(3))));
        for (count, kind) in kinds.iter_mut().zip(["bounced", "delivered", "opened", "clicked"]) {
            *count += events.iter().filter(|it| it.data["kind"] == kind).count();
        }
    }
    let [bounced, delivered, opened, clicked] = kinds;
    assert_eq!(bounced + delivered, 2_000);
    assert!(bounced > 0 && delivered > opened && opened > clicked && clicked > 0, "{kinds:?}");
}

#[test]
fn dice_stay_within_their_bounds() {
    let dice = Dice::about(1, "x", 1);
    assert_eq!(dice.below(0), 0);
    assert_eq!(dice.between(5, 5), 5);
    assert_eq!(dice.pick::<u8>(&[]), 0);
    assert!(dice.weighted::<u8>(&[]).is_none());
    assert!(!dice.in_thousand(0));
    assert!(dice.in_thousand(1_000));
    assert!((0..1_000).all(|_| (3..=9).contains(&dice.between(3, 9))));
    let mut counts = [0; 2];
    for _ in 0..10_000 {
        counts[usize::from(*dice.weighted(&[(0_u8, 1), (1, 3)]).unwrap())] += 1;
    }
    assert!((2_200..2_800).contains(&counts[0]), "{counts:?}");
}
