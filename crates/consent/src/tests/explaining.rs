//! Why, and what would have to change: every reason with its provision and its smallest change.

use std::sync::Arc;

use chrono::TimeDelta;
use kernel::{
    Channel::{self, Email, HumanTask, Push},
    Known, SystemId, Why,
};
use proptest::prelude::*;

use super::{
    folding::worlds,
    house::House,
    world::{NOW, World, contract, days, grant, label, lives_in, tenant, under, with, withdrawn},
};
use crate::{
    Ask, BundleFacts, Case, Change, Choice, EventKind, Explanation, Expression, Limb, Outcome,
    PurposeScope, Quiet, RestrictionGround, Statement, SuppressionReason, SuppressionScope, Who,
    explain::CHANGES_MAX,
    reason,
    service::{ExplainService, PreferenceChange},
};

const RENEWAL: &str = "marketing.renewal";
const RECOVERY: &str = "service.recovery";
const CLAIM: &str = "contract.claim_status";

fn case(world: &World, ask: Ask) -> Case {
    Case {
        tenant: tenant(),
        person: world.person(),
        members: world.members.clone(),
        logs: world.logs.clone(),
        artifacts: Arc::new(world.artifacts.clone()),
        ask,
        as_of: NOW,
    }
}

fn explained(world: &World, purpose: &str, channel: Channel) -> Explanation {
    case(world, world.ask(purpose, Some(channel))).explain().unwrap()
}

/// A change as one word with its first detail.
fn word(change: &Change) -> String {
    let body = serde_json::to_value(change).unwrap();
    body["kind"].as_str().unwrap().to_owned()
}

/// `CODE change` per reason, and the words of the way to a yes.
fn told(it: &Explanation) -> (Vec<String>, Option<Vec<String>>) {
    let objections = it
        .objections
        .iter()
        .map(|it| format!("{} {}", it.reason, it.change.as_ref().map_or("-".into(), word)))
        .collect();
    (objections, it.way.as_ref().map(|it| it.changes.iter().map(word).collect()))
}

/// A person who agreed to renewal offers and has a policy, and what was said since.
fn said(kinds: &[EventKind]) -> World {
    let mut world = World::new();
    world.say(1, days(-30), EventKind::Given(grant()));
    world.say(1, days(-30), contract(true));
    for (minute, kind) in (0_i64..).zip(kinds) {
        world.say(2, days(-1) + TimeDelta::minutes(minute), kind.clone());
    }
    world
}

fn born(year: u16) -> EventKind {
    EventKind::Stated(Statement::BirthYear { year })
}

#[test]
fn a_yes_needs_no_change() {
    let it = explained(&said(&[]), RENEWAL, Email);
    assert!(it.verdict.is_permitted());
    assert_eq!(told(&it), (Vec::new(), Some(Vec::new())));
}

/// What was said, about which purpose it is asked by e-mail, `CODE change` per reason, the way.
type Row<'a> = (EventKind, &'a str, &'a [&'a str], Option<&'a [&'a str]>);

fn check(rows: &[Row<'_>]) {
    for (kind, purpose, reasons, way) in rows {
        let it = explained(&said(std::slice::from_ref(kind)), purpose, Email);
        let way = way.map(|it| it.iter().map(ToString::to_string).collect());
        assert_eq!(told(&it), (reasons.iter().map(ToString::to_string).collect(), way), "{kind:?}");
    }
}

#[test]
fn what_the_person_said_is_the_persons_to_change() {
    let objected = EventKind::Objected { scope: under("service"), limb: Limb::Art21_1 };
    let opted_out =
        EventKind::ChannelPref { channel: Email, scope: PurposeScope::All, choice: Choice::Out };
    let lift: (&[_], Option<&[_]>) = (&["OB.A21_1 lift_objection"], Some(&["lift_objection"]));
    check(&[
        (withdrawn(under("marketing")), RENEWAL, &["LB.CONSENT.WITHDRAWN agree"], Some(&["agree"])),
        (withdrawn(PurposeScope::All), RECOVERY, lift.0, lift.1),
        (objected, RECOVERY, lift.0, lift.1),
        (opted_out, RECOVERY, &["CP.OPTED_OUT want_channel"], Some(&["want_channel"])),
    ]);
    let both = [
        withdrawn(PurposeScope::All),
        EventKind::Objected { scope: PurposeScope::All, limb: Limb::Art21_2 },
    ];
    let (reasons, way) = told(&explained(&said(&both), RENEWAL, Email));
    assert_eq!(reasons, ["LB.CONSENT.WITHDRAWN agree", "OB.A21_2 lift_objection"]);
    assert_eq!(way.unwrap(), ["agree", "lift_objection"]);
}

#[test]
fn what_the_controller_holds_is_the_controllers_to_lift() {
    let suppressed = |scope, reason| EventKind::Suppressed { scope, reason };
    let (person, address) = (SuppressionScope::Person, SuppressionScope::Address);
    check(&[
        (
            EventKind::Restricted { scope: PurposeScope::All, ground: RestrictionGround::A },
            CLAIM,
            &["RS.A18.A lift_restriction"],
            Some(&["lift_restriction"]),
        ),
        (
            suppressed(person.clone(), SuppressionReason::Complaint),
            RECOVERY,
            &["SP.COMPLAINT lift_suppression"],
            Some(&["lift_suppression"]),
        ),
        (suppressed(person, SuppressionReason::Deceased), RECOVERY, &["SP.DECEASED -"], None),
        (
            suppressed(address, SuppressionReason::Bounce),
            RECOVERY,
            &["SP.BOUNCE lift_suppression", "CP.UNVERIFIED give_address"],
            Some(&["lift_suppression"]),
        ),
        (lives_in("CH"), RENEWAL, &["PU.JURISDICTION -"], None),
    ]);
}

#[test]
fn what_time_brings_is_waited_for_last() {
    let quiet = Some(Quiet { from_minute: 480, to_minute: 720 });
    check(&[
        (EventKind::QuietHours { quiet }, RECOVERY, &["FQ.QUIET wait"], Some(&["wait"])),
        (EventKind::Snoozed { until: NOW }, RECOVERY, &[], Some(&[])),
        (
            EventKind::Snoozed { until: NOW.plus(days(7)) },
            RECOVERY,
            &["FQ.SNOOZED wait"],
            Some(&["wait"]),
        ),
        // By the time the person is of age, the balancing of interests is past its review.
        (born(2012), RECOVERY, &["LB.LI.CHILD wait"], Some(&["wait", "pass_assessment"])),
        (born(2016), RENEWAL, &["AC.CHILD.NO_GUARDIAN guardian_agree"], Some(&["guardian_agree"])),
    ]);
    let paused = [
        EventKind::Snoozed { until: NOW.plus(days(7)) },
        EventKind::ChannelPref { channel: Email, scope: PurposeScope::All, choice: Choice::Out },
    ];
    let way = told(&explained(&said(&paused), RECOVERY, Email)).1;
    assert_eq!(way.unwrap(), ["want_channel", "wait"]);
}

#[test]
fn a_way_of_too_many_changes_is_none() {
    use SuppressionReason::{Bounce, Complaint, Dnc, Legal, Unsubscribe, Vulnerable};
    let reasons = [Legal, Complaint, Dnc, Bounce, Vulnerable, Unsubscribe];
    let suppressed =
        reasons.map(|reason| EventKind::Suppressed { scope: SuppressionScope::Person, reason });
    let grounds =
        [RestrictionGround::A, RestrictionGround::B, RestrictionGround::C, RestrictionGround::D];
    let scope = PurposeScope::All;
    let restricted = grounds.map(|ground| EventKind::Restricted { scope: scope.clone(), ground });
    let others = [
        withdrawn(scope.clone()),
        EventKind::Objected { scope: scope.clone(), limb: Limb::Art21_2 },
        EventKind::ChannelPref { channel: Email, scope, choice: Choice::Out },
    ];
    let all = [&suppressed[..], &restricted[..], &others[..]].concat();
    assert_eq!(all.len(), CHANGES_MAX + 1);
    let n_changes = |kinds: &[EventKind]| {
        explained(&said(kinds), RENEWAL, Email).way.map(|it| it.changes.len())
    };
    assert_eq!(n_changes(&all[..CHANGES_MAX]), Some(CHANGES_MAX));
    assert_eq!(n_changes(&all), None);
}

#[test]
fn what_was_never_said_is_named_with_the_notice_that_asks_for_it() {
    let it = explained(&World::new(), RENEWAL, Push);
    let [only] = it.objections.as_slice() else { panic!("{it:?}") };
    assert_eq!((only.reason.code(), only.cites), ("LB.CONSENT.MISSING", "GDPR Art. 6(1)(a)"));
    let Some(Change::Agree { purpose, channels, expression, notice }) = &only.change else {
        panic!("{only:?}")
    };
    assert_eq!(
        (purpose.to_string().as_str(), notice.as_str()),
        ("marketing.renewal@3", "renewal-offers")
    );
    assert_eq!(
        (channels.iter().collect::<Vec<_>>(), *expression),
        (vec![Push], Expression::Expressed)
    );
    assert_eq!(told(&explained(&World::new(), CLAIM, Email)).0, ["LB.CONTRACT.NONE contract"]);
}

#[test]
fn the_asker_is_told_what_to_ask_otherwise() {
    let world = said(&[]);
    let ask = |change: fn(&mut Ask)| {
        let mut ask = world.ask(RENEWAL, Some(Email));
        change(&mut ask);
        told(&case(&world, ask).explain().unwrap())
    };
    let facts = |special, criminal| Known::Is {
        value: BundleFacts { special, criminal },
        source: SystemId::new("context"),
        as_of: NOW,
    };
    let one = |code: &str| {
        (vec![code.to_owned()], Some(vec![code.rsplit_once(' ').unwrap().1.to_owned()]))
    };
    assert_eq!(ask(|it| it.channel = Some(HumanTask)), one("PU.CHANNEL ask_over"));
    assert_eq!(ask(|it| it.purpose.version = 2), one("PU.INACTIVE ask_version"));
    assert_eq!(ask(|it| it.identity = kernel::Epoch(1)), one("FR.IDENTITY_EPOCH ask_again"));
    assert_eq!(
        ask(|it| it.bundle = Known::Unknown(Why::Missing)),
        one("FR.UNKNOWN.BUNDLE leave_out")
    );
    assert_eq!(ask(|it| it.topic = Some(label("travel"))), one("TP.OPTED_OUT choose_topic"));
    let with_facts = |special, criminal| {
        let ask = Ask { bundle: facts(special, criminal), ..world.ask(RENEWAL, Some(Email)) };
        told(&case(&world, ask).explain().unwrap())
    };
    assert_eq!(with_facts(false, true), one("SC.A10.NO_AUTHORITY leave_out"));
    let (reasons, way) = with_facts(true, true);
    assert!(reasons.contains(&"SC.A9.NO_CONDITION leave_out".to_owned()), "{reasons:?}");
    assert_eq!(way, Some(vec!["leave_out".to_owned(); 2]));
    let unregistered = case(&world, world.ask("marketing.unregistered", Some(Email)));
    assert_eq!(told(&unregistered.explain().unwrap()), (vec!["PU.UNKNOWN -".into()], None));
}

#[test]
fn a_registry_past_its_review_is_the_controllers_to_renew() {
    let overdue = with(RECOVERY, |it| {
        for code in ["EU", "GB"] {
            it["bases"][code]["review_by"] = NOW.to_string().into();
        }
    });
    let it = explained(&World { artifacts: overdue, ..said(&[]) }, RECOVERY, Email);
    assert_eq!(told(&it).0, ["LB.LI.LIA_EXPIRED pass_assessment"]);
    assert_eq!(it.objections[0].change.as_ref().unwrap().who(), Who::Controller);
}

#[test]
fn a_child_who_is_asked_needs_a_guardian_and_not_only_a_yes() {
    let mut world = World::new();
    world.say(1, days(-9), born(2016));
    let it = explained(&world, RENEWAL, Email);
    assert_eq!(
        told(&it),
        (vec!["LB.CONSENT.MISSING guardian_agree".into()], Some(vec!["guardian_agree".into()]))
    );
    assert_eq!(it.objections[0].change.as_ref().unwrap().who(), Who::Guardian);
}

#[test]
fn every_code_cites_a_provision_and_says_a_sentence() {
    let instruments = ["GDPR Art. ", "GDPR recital ", "ePrivacy Art. ", "DSA Art. "];
    let sections = ["Cal. Civ. Code ", "CCR ", "USC ", "CFR ", "CASL s. "];
    for it in reason::ALL {
        let cited = instruments.iter().find_map(|instrument| it.cites.strip_prefix(instrument));
        let section = || sections.iter().find_map(|of| it.cites.split_once(of)).map(|it| it.1);
        let cited = cited.or_else(section);
        let number = cited.unwrap_or_else(|| panic!("{} cites `{}`", it.reason, it.cites));
        assert!(number.starts_with(|c: char| c.is_ascii_digit()), "{}", it.cites);
        assert!(it.sentence.ends_with('.'), "{}", it.reason);
    }
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_sees_the_past_and_the_future() {
    let house = House::new();
    house.record(vec![house.said(9, super::world::node(1), lives_in("EU"))]).await;
    house.agreed().await;
    house.withdraw(77).await;
    let service = ExplainService::new(
        house.ledger.clone(),
        house.people.clone(),
        house.registry.clone(),
        house.registry.clone(),
    );
    let (logs, facts) = (house.log(1).await, house.fact_names());
    let ask = || World::new().ask(RENEWAL, Some(Email));
    let at = async |when| {
        let all = service.explain(&tenant(), &house.person, [ask()], when).await.unwrap();
        told(&all[0])
    };
    let agree = (vec!["LB.CONSENT.WITHDRAWN agree".to_owned()], Some(vec!["agree".to_owned()]));
    assert_eq!(at(NOW.plus(TimeDelta::seconds(60))).await, agree);
    assert_eq!(at(NOW.plus(TimeDelta::seconds(59))).await, (Vec::new(), Some(Vec::new())));
    assert_eq!(at(NOW.plus(days(900))).await, agree);
    assert_eq!(
        at(NOW.minus(days(1))).await.0,
        ["FR.UNKNOWN.JURISDICTION residence", "LB.CONSENT.MISSING agree"][1..]
    );
    assert_eq!((house.log(1).await, house.fact_names()), (logs, facts));
    // What it said would lead to a yes does, when it is done.
    house.clock.advance(TimeDelta::seconds(60));
    let epoch = house.verdict().await.epochs.person;
    house.choose(epoch.0, vec![PreferenceChange::Agree(grant())], 78).await.unwrap();
    assert!(house.verdict().await.is_permitted());
}

#[test]
fn an_agreement_that_will_have_expired_is_no_yes_then() {
    let world = said(&[]);
    let mut later = case(&world, world.ask(RENEWAL, Some(Email)));
    later.as_of = NOW.plus(days(800));
    let it = later.explain().unwrap();
    assert_eq!(told(&it), (vec!["LB.CONSENT.EXPIRED agree".into()], Some(vec!["agree".into()])));
}

#[test]
fn a_log_with_a_gap_has_no_way_to_a_yes() {
    let mut world = said(&[]);
    world.logs[0].events.remove(1);
    assert_eq!(told(&explained(&world, CLAIM, Email)), (vec!["FR.MALFORMED -".into()], None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The verdict is the one decisions get, each of its reasons is explained, and nothing offered
    /// as a single change leaves its reason standing.
    #[test]
    fn an_explanation_is_of_the_verdict_itself(world in worlds()) {
        for purpose in [RENEWAL, RECOVERY, CLAIM] {
            let it = explained(&world, purpose, Email);
            prop_assert_eq!(&it.verdict, &world.verdict(purpose, Email));
            let reasons: Vec<_> = it.objections.iter().map(|it| it.reason.clone()).collect();
            prop_assert_eq!(&it.verdict.reasons, &reasons);
            prop_assert!(it.objections.iter().all(|it| it.change.is_some()), "{:?}", it.objections);
            prop_assert_eq!(it.way.as_ref().is_some_and(|it| it.changes.is_empty()), it.verdict.outcome == Outcome::Permitted);
            prop_assert!(it.way.is_some(), "{:?}", it.objections);
        }
    }
}
