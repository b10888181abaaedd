//! The fold: prefix and exactness, lifting, order, joins.

use chrono::TimeDelta;
use kernel::Channel::{Email, Push};
use proptest::prelude::*;

use super::world::{World, contract, days, grant, key, under, withdrawn};
use crate::{
    ChannelSet, Choice, EventKind, Limb, NodeLog, PurposeScope, Statement, fold, ports::Link,
};

fn given() -> EventKind {
    EventKind::Given(grant())
}

fn renewal(world: &World) -> Vec<String> {
    world.reasons("marketing.renewal", Email)
}

#[test]
fn silence_is_not_consent() {
    assert_eq!(renewal(&World::new()), ["LB.CONSENT.MISSING"]);
}

#[test]
fn a_grant_permits_and_its_withdrawal_forbids() {
    let mut world = World::new();
    world.say(1, days(-9), given());
    assert_eq!(renewal(&world), [""; 0]);
    world.say(1, days(-8), withdrawn(under("marketing.renewal")));
    assert_eq!(renewal(&world), ["LB.CONSENT.WITHDRAWN"]);
}

#[test]
fn a_denial_reaches_by_prefix_and_a_grant_matches_exactly() {
    let mut world = World::new();
    world.say(1, days(-9), given());
    world.say(1, days(-8), withdrawn(under("marketing")));
    assert_eq!(renewal(&world), ["LB.CONSENT.WITHDRAWN"]);
    let mut world = World::new();
    let mut broad = grant();
    broad.purpose.key = key("marketing");
    world.say(1, days(-9), EventKind::Given(broad));
    assert_eq!(renewal(&world), ["LB.CONSENT.MISSING"]);
}

#[test]
fn only_a_grant_later_by_more_than_the_skew_lifts_a_withdrawal_of_its_node() {
    for (seconds, reasons) in [(5, vec!["LB.CONSENT.WITHDRAWN"]), (6, vec![])] {
        let mut world = World::new();
        world.say(1, days(-9), withdrawn(under("marketing")));
        world.say(1, days(-9) + TimeDelta::seconds(seconds), given());
        assert_eq!(renewal(&world), reasons, "{seconds} s later");
    }
}

#[test]
fn a_grant_on_another_node_must_answer_the_withdrawal() {
    let mut world = World::new();
    let no = world.say(1, days(-9), withdrawn(under("marketing")));
    world.say(2, days(-1), given());
    assert_eq!(renewal(&world), ["LB.CONSENT.WITHDRAWN"]);
    world.answer(2, days(-1), given(), vec![no]);
    assert_eq!(renewal(&world), [""; 0]);
}

#[test]
fn a_late_older_grant_never_resurrects() {
    let mut world = World::new();
    world.say(1, days(-1), withdrawn(under("marketing.renewal")));
    world.say(1, days(-9), given());
    assert_eq!(renewal(&world), ["LB.CONSENT.WITHDRAWN"]);
}

#[test]
fn grants_travel_over_hard_links_only_and_restrictions_over_all() {
    let mut world = World::new();
    world.say(2, days(-9), given());
    world.members[1].link = Link::Soft;
    assert_eq!(world.reasons("marketing.renewal", Push), ["LB.CONSENT.MISSING"]);
    world.say(1, days(-9), given());
    assert_eq!(world.reasons("marketing.renewal", Push), [""; 0]);
    world.say(2, days(-8), withdrawn(under("marketing")));
    assert_eq!(world.reasons("marketing.renewal", Push), ["LB.CONSENT.WITHDRAWN"]);
}

#[test]
fn a_device_only_this_person_was_seen_on_is_an_address() {
    let mut world = World::new();
    world.say(1, days(-9), given());
    world.members[2].link = Link::Soft;
    assert_eq!(world.reasons("marketing.renewal", Push), [""; 0]);
    world.members[2].contacts.clear();
    assert_eq!(world.reasons("marketing.renewal", Push), ["CP.NO_ADDRESS"]);
}

#[test]
fn a_channel_is_withdrawn_alone() {
    let mut world = World::new();
    world.say(1, days(-9), given());
    let channels = ChannelSet::of(&[Email]);
    world.say(1, days(-8), EventKind::Withdrawn { scope: under("marketing"), channels });
    assert_eq!(renewal(&world), ["LB.CONSENT.WITHDRAWN"]);
    assert_eq!(world.reasons("marketing.renewal", Push), [""; 0]);
}

#[test]
fn a_grant_never_lifts_an_objection_to_marketing() {
    let mut world = World::new();
    let limb = Limb::Art21_2;
    let no = world.say(1, days(-9), EventKind::Objected { scope: PurposeScope::All, limb });
    world.answer(1, days(-8), given(), vec![no]);
    assert_eq!(renewal(&world), ["OB.A21_2"]);
    let scope = under("marketing.renewal");
    world.answer(1, days(-8), EventKind::ObjectionLifted { scope, limb }, vec![no]);
    assert_eq!(renewal(&world), [""; 0]);
}

#[test]
fn withdrawing_everything_leaves_what_the_contract_requires() {
    let mut world = World::new();
    world.say(1, days(-9), contract(true));
    world.say(1, days(-8), withdrawn(PurposeScope::All));
    assert_eq!(world.reasons("service.onboarding_help", Push), ["OB.A21_1"]);
    assert_eq!(world.reasons("contract.claim_status", Email), [""; 0]);
}

#[test]
fn a_renewal_needs_a_grant_that_stands() {
    let mut world = World::new();
    world.say(1, days(-9), EventKind::Renewed(grant()));
    assert_eq!(world.snapshot().state.ignored, 1);
    assert_eq!(renewal(&world), ["LB.CONSENT.MISSING"]);
    let mut world = World::new();
    world.say(1, days(-740), given());
    assert_eq!(renewal(&world), ["LB.CONSENT.EXPIRED"]);
    world.say(1, days(-30), EventKind::Renewed(grant()));
    assert_eq!((renewal(&world), world.snapshot().state.ignored), (vec![], 0));
    world.say(1, days(-20), withdrawn(under("marketing")));
    world.say(1, days(-10), EventKind::Renewed(grant()));
    assert_eq!(renewal(&world), ["LB.CONSENT.WITHDRAWN"]);
    assert_eq!(world.snapshot().state.ignored, 1);
}

#[test]
fn a_join_is_a_meet_and_a_split_undoes_it() {
    let mut world = World::new();
    world.say(1, days(-9), given());
    world.say(2, days(-8), withdrawn(under("marketing")));
    let alone = |n: usize| {
        let mut part = world.clone();
        part.members = vec![world.members[n].clone()];
        part.logs = vec![world.logs[n].clone()];
        part.snapshot()
    };
    assert_eq!(alone(0).state.grants.len(), 1);
    assert_eq!(alone(1).state.denials.len(), 1);
    assert!(world.snapshot().state.grants.is_empty());
    assert_eq!(alone(0).state.grants.len(), 1);
}

#[test]
fn a_gap_in_the_log_is_seen() {
    let mut world = World::new();
    world.say(1, days(-9), given());
    let whole = world.clone();
    world.logs[0].events.remove(0);
    assert_eq!(renewal(&world)[0], "FR.MALFORMED");
    let mut forged = whole.clone();
    forged.logs[0].events[1].said.kind = EventKind::Given(grant());
    assert!(forged.logs[0].verifies());
    forged.logs[0].events[1].said.event_time = super::world::NOW;
    assert!(!forged.logs[0].verifies());
    let mut lost = whole;
    lost.logs.remove(2);
    assert_eq!(renewal(&lost)[0], "FR.MALFORMED");
}

#[test]
fn the_strictest_setting_of_any_node_rules_and_a_node_replaces_its_own() {
    let mut world = World::new();
    world.say(1, days(-9), given());
    let now = super::world::NOW;
    world.say(1, days(-3), EventKind::Snoozed { until: now.plus(days(9)) });
    world.say(2, days(-2), EventKind::Snoozed { until: now.plus(days(3)) });
    assert_eq!(world.snapshot().state.snoozed_until, Some(now.plus(days(9))));
    world.say(1, days(-1), EventKind::Snoozed { until: now.plus(days(1)) });
    assert_eq!(world.snapshot().state.snoozed_until, Some(now.plus(days(3))));
}

#[test]
fn the_youngest_age_and_every_jurisdiction_count() {
    let mut world = World::new();
    for (at, year) in [(1, 1980), (2, 2015)] {
        world.say(at, days(-9), EventKind::Stated(Statement::BirthYear { year }));
    }
    world.say(2, days(-9), super::world::lives_in("GB"));
    let state = world.snapshot().state;
    assert_eq!((state.born, state.jurisdictions.len()), (2015, 2));
}

/// Something said at one of two nodes, at one of a few seconds, answering some of the others.
pub(super) fn kinds() -> Vec<EventKind> {
    let email = ChannelSet::of(&[Email]);
    let mut email_only = grant();
    email_only.channels = email;
    vec![
        given(),
        EventKind::Given(email_only),
        EventKind::Renewed(grant()),
        withdrawn(under("marketing")),
        withdrawn(PurposeScope::All),
        EventKind::Withdrawn { scope: under("marketing.renewal"), channels: email },
        EventKind::Refused { scope: under("marketing.renewal"), channels: ChannelSet::ALL },
        EventKind::Objected { scope: PurposeScope::All, limb: Limb::Art21_2 },
        EventKind::Objected { scope: under("service"), limb: Limb::Art21_1 },
        EventKind::ObjectionLifted { scope: PurposeScope::All, limb: Limb::Art21_2 },
        EventKind::ObjectionLifted { scope: under("service.recovery"), limb: Limb::Art21_1 },
        EventKind::ChannelPref { channel: Email, scope: PurposeScope::All, choice: Choice::Out },
        EventKind::ChannelPref { channel: Email, scope: PurposeScope::All, choice: Choice::In },
        contract(true),
        contract(false),
        EventKind::Snoozed { until: super::world::NOW.plus(days(2)) },
    ]
}

prop_compose! {
    pub(super) fn worlds()(
        events in prop::collection::vec(
            (1_u128..=2, 0_i64..12, 0..kinds().len(), prop::collection::vec(0_u128..12, 0..3)),
            0..12,
        ),
        soft in any::<bool>(),
    ) -> World {
        let mut world = World::new();
        if soft {
            world.members[1].link = Link::Soft;
        }
        for (at, second, kind, answers) in events {
            let answers = answers.into_iter().map(|it| super::world::uuid(1_001 + it)).collect();
            let when = days(-1) + TimeDelta::seconds(second * 2);
            world.answer(at, when, kinds()[kind].clone(), answers);
        }
        world
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_fold_is_insensitive_to_order_and_repetition(world in worlds(), seed in any::<u64>()) {
        let state = world.snapshot().state;
        let mut shuffled: Vec<NodeLog> = world.logs.clone();
        let mut chance = seed;
        for log in &mut shuffled {
            for i in (1..log.events.len()).rev() {
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                log.events.swap(i, usize::try_from(chance >> 33).unwrap() % (i + 1));
            }
            let again = log.events.first().cloned();
            log.events.extend(again);
        }
        shuffled.reverse();
        let mut members = world.members.clone();
        members.reverse();
        let mut again = fold::state(&world.person(), &members, &shuffled);
        again.broken = state.broken;
        prop_assert_eq!(&*state, &again);
    }

    #[test]
    fn adding_a_restriction_never_permits(
        world in worlds(), at in 1_u128..=2, second in 0_i64..12, kind in 0..kinds().len(),
    ) {
        let kind = kinds()[kind].clone();
        prop_assume!(kind.is_restrictive() && !matches!(kind, EventKind::Snoozed { .. }));
        let mut more = world.clone();
        more.say(at, days(-1) + TimeDelta::seconds(second * 2), kind);
        for purpose in ["marketing.renewal", "service.recovery", "contract.claim_status"] {
            for channel in [Email, Push] {
                let before = world.verdict(purpose, channel);
                let after = more.verdict(purpose, channel);
                prop_assert!(before.is_permitted() || !after.is_permitted());
            }
        }
    }
}
