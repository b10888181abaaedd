//! The gates: each code from the smallest world that shows it.

use chrono::TimeDelta;
use kernel::{
    Channel::{Email, HumanTask, Push, Sms},
    Epoch, Known, Why,
};
use serde_json::json;

use super::world::{
    NOW, World, codes, contract, days, grant, key, label, lives_in, node, under, with, withdrawn,
};
use crate::{
    Actor, Basis, BundleFacts, EventKind, Expression, FrequencyLimit, Grant, Jurisdiction, Limb,
    NewEvent, Outcome, PurposeScope, RestrictionGround, Statement, SuppressionReason,
    SuppressionScope, Verdict, evaluate, reason, standing,
};

const RENEWAL: &str = "marketing.renewal";
const RECOVERY: &str = "service.recovery";
const CLAIM: &str = "contract.claim_status";

/// Something that makes a sound value unsound.
type Spoil<T> = fn(&mut T);

fn agreed() -> World {
    let mut world = World::new();
    world.say(1, days(-30), EventKind::Given(grant()));
    world
}

fn insured() -> World {
    let mut world = World::new();
    world.say(1, days(-30), contract(true));
    world
}

fn suppressed(scope: SuppressionScope, reason: SuppressionReason) -> EventKind {
    EventKind::Suppressed { scope, reason }
}

#[test]
fn a_permission_carries_its_ground_and_its_obligations() {
    let mut world = agreed();
    let limit = FrequencyLimit { contacts_max: 2, window: kernel::Period::days(30) };
    world.say(2, days(-3), EventKind::FrequencyPref { limit: Some(limit) });
    let verdict = world.verdict(RENEWAL, Email);
    assert!(verdict.is_permitted() && verdict.reasons.is_empty());
    let ground = verdict.grounds.first().unwrap();
    assert_eq!((ground.jurisdiction.as_str(), ground.basis), ("EU", Basis::Consent));
    assert_eq!(ground.evidence.unwrap().node, node(1));
    assert!(verdict.obligations.one_click_unsubscribe);
    assert_eq!(*verdict.obligations.limits, [limit]);
    assert_eq!((verdict.epochs.identity, verdict.epochs.person), (Epoch(4), Epoch(3)));
    assert_eq!(verdict.under(Epoch(8)).epochs.policy, Epoch(8));
}

/// A world in which these were said yesterday, in order.
fn said(kinds: &[EventKind]) -> World {
    let mut world = World::new();
    for (minute, kind) in (0_i64..).zip(kinds) {
        world.say(1, days(-1) + TimeDelta::minutes(minute), kind.clone());
    }
    world
}

fn contract_of(of_type: &str, until: Option<kernel::Instant>) -> EventKind {
    let of_type = label(of_type);
    EventKind::Stated(Statement::Contract { of_type, reference: None, active: true, until })
}

#[test]
fn every_basis_says_why_it_does_not_hold() {
    let overdue = with(RECOVERY, |it| {
        for code in ["EU", "GB"] {
            it["bases"][code]["review_by"] = NOW.to_string().into();
        }
    });
    let refused =
        EventKind::Refused { scope: under("marketing"), channels: crate::ChannelSet::ALL };
    let minor = EventKind::Stated(Statement::BirthYear { year: 2012 });
    let cases = [
        (World::new(), RENEWAL, "LB.CONSENT.MISSING"),
        (said(&[refused]), RENEWAL, "LB.CONSENT.REFUSED"),
        (World::new(), CLAIM, "LB.CONTRACT.NONE"),
        (said(&[contract(true), contract(false)]), CLAIM, "LB.CONTRACT.ENDED"),
        (said(&[contract_of("policy", Some(NOW))]), CLAIM, "LB.CONTRACT.ENDED"),
        (said(&[contract_of("loan", None)]), CLAIM, "LB.CONTRACT.WRONG_TYPE"),
        (said(&[minor]), RECOVERY, "LB.LI.CHILD"),
        (World { artifacts: overdue, ..World::new() }, RECOVERY, "LB.LI.LIA_EXPIRED"),
    ];
    for (world, purpose, expected) in cases {
        assert_eq!(world.reasons(purpose, Email), [expected], "{purpose}");
    }
}

#[test]
fn every_grant_says_what_is_wrong_with_it() {
    let cases: [(Spoil<Grant>, &str); 8] = [
        (|it| it.expires_at = Some(NOW), "LB.CONSENT.EXPIRED"),
        (|it| it.purpose.version = 2, "LB.CONSENT.STALE_NOTICE"),
        (|it| it.proof.notice.as_mut().unwrap().version = 5, "LB.CONSENT.STALE_NOTICE"),
        (|it| it.proof.notice.as_mut().unwrap().name = label("x"), "LB.CONSENT.STALE_NOTICE"),
        (|it| it.proof.notice = None, "LB.CONSENT.PROOF"),
        (|it| it.proof.prechecked = true, "LB.CONSENT.PROOF"),
        (|it| it.proof.method = crate::Method::Dismiss, "LB.CONSENT.PROOF"),
        (|it| it.channels = crate::ChannelSet::of(&[Push]), "LB.CONSENT.SCOPE"),
    ];
    for (spoil, expected) in cases {
        let mut spoiled = grant();
        spoil(&mut spoiled);
        let mut world = World::new();
        world.say(1, days(-9), EventKind::Given(spoiled));
        assert_eq!(world.reasons(RENEWAL, Email), [expected]);
    }
}

#[test]
fn a_sound_grant_is_found_beside_an_unsound_newer_one() {
    let mut world = agreed();
    let mut stale = grant();
    stale.proof.notice.as_mut().unwrap().version = 1;
    world.say(2, days(-1), EventKind::Given(stale));
    assert!(world.verdict(RENEWAL, Email).is_permitted());
}

#[test]
fn explicit_consent_is_more_than_a_click() {
    let explicit = |it: &mut serde_json::Value| {
        it["bases"]["EU"]["explicit"] = true.into();
        it["bases"]["GB"]["explicit"] = true.into();
        it["special"] = "A9-2-a".into();
    };
    let mut world = agreed();
    world.artifacts = with(RENEWAL, explicit);
    assert_eq!(world.reasons(RENEWAL, Email), ["LB.CONSENT.NOT_EXPLICIT"]);
    let expression = Expression::Explicit;
    world.say(1, days(-3), EventKind::Given(Grant { expression, ..grant() }));
    assert!(world.verdict(RENEWAL, Email).is_permitted());
}

#[test]
fn the_other_bases_hold_while_their_facts_do() {
    let law = json!({ "basis": "A6-1-c", "law": "VVG 7", "authority": "EU",
        "in_force_from": "2020-01-01T00:00:00Z", "in_force_until": "2026-12-01T00:00:00Z" });
    let mut world = World::new();
    let set = |spec: serde_json::Value| with(RECOVERY, move |it| it["bases"]["EU"] = spec);
    world.artifacts = set(law.clone());
    assert!(world.verdict(RECOVERY, Email).is_permitted());
    let mut over = law;
    over["in_force_until"] = "2026-01-01T00:00:00Z".into();
    world.artifacts = set(over.clone());
    assert_eq!(world.reasons(RECOVERY, Email), ["LB.LEGAL.NOT_IN_FORCE"]);
    over["basis"] = "A6-1-e".into();
    world.artifacts = set(over);
    assert_eq!(world.reasons(RECOVERY, Email), ["LB.PUBLIC.NOT_IN_FORCE"]);
    world.artifacts = set(json!({ "basis": "A6-1-d" }));
    assert_eq!(world.reasons(RECOVERY, Email), ["LB.VITAL.NO_EMERGENCY"]);
    let emergency = |hours| {
        EventKind::Stated(Statement::Emergency {
            reference: label("case-1"),
            approver: kernel::StaffId::new("dr.no").unwrap(),
            until: NOW.plus(TimeDelta::hours(hours)),
            last_resort: true,
        })
    };
    world.say(1, days(-4), emergency(24));
    assert_eq!(world.reasons(RECOVERY, Email), ["LB.VITAL.EXPIRED"], "at most 72 hours");
    world.say(1, days(-1), emergency(24));
    assert!(world.verdict(RECOVERY, Email).is_permitted());
}

#[test]
fn objections_reach_what_the_law_says_they_reach() {
    let objected = |limb| EventKind::Objected { scope: PurposeScope::All, limb };
    let mut world = agreed();
    world.say(1, days(-30), contract(true));
    world.say(1, days(-1), objected(Limb::Art21_1));
    assert_eq!(world.reasons(RECOVERY, Email), ["OB.A21_1"]);
    assert_eq!(world.reasons(CLAIM, Email), [""; 0]);
    let mut world = agreed();
    world.say(1, days(-1), objected(Limb::Art21_2));
    assert_eq!(world.reasons(RENEWAL, Email), ["OB.A21_2"]);
    assert_eq!(world.reasons(RECOVERY, Email), [""; 0]);
    let mut world = insured();
    world.artifacts = with(CLAIM, |it| {
        it["flags"] =
            json!(["service_message", "necessary_for_contract", "solely_automated_significant"]);
    });
    assert!(world.verdict(CLAIM, Email).obligations.human_review);
    world.say(1, days(-1), objected(Limb::Art22));
    assert_eq!(world.reasons(CLAIM, Email), ["OB.A22"]);
}

#[test]
fn a_restriction_stops_everything_it_covers() {
    let mut world = insured();
    let scope = under("contract");
    let ground = RestrictionGround::C;
    let no = world.say(1, days(-3), EventKind::Restricted { scope: scope.clone(), ground });
    assert_eq!(world.reasons(CLAIM, Email), ["RS.A18.C"]);
    assert_eq!(world.reasons(RECOVERY, Email), [""; 0]);
    let informed_at = NOW.minus(days(2));
    let lifted = EventKind::RestrictionLifted { scope, ground, informed_at };
    world.answer(1, days(-1), lifted, vec![no]);
    assert_eq!(world.reasons(CLAIM, Email), [""; 0]);
}

#[test]
fn children_are_protected() {
    let born = |year| EventKind::Stated(Statement::BirthYear { year });
    let mut world = agreed();
    world.say(1, days(-9), born(2011));
    assert_eq!(world.reasons(RENEWAL, Email), ["AC.CHILD.NO_GUARDIAN"], "14 in the EU");
    let said = NewEvent {
        id: super::world::uuid(5),
        source: label("app"),
        node: node(1),
        kind: EventKind::Given(grant()),
        event_time: NOW.minus(days(1)),
        actor: Actor::Guardian { proof: label("g-1") },
        answers: Vec::new(),
    };
    world.keep(said);
    assert_eq!(world.reasons(RENEWAL, Email), [""; 0]);
    world.artifacts = with(RENEWAL, |it| it["flags"] = json!(["direct_marketing", "profiling"]));
    assert_eq!(world.reasons(RENEWAL, Email), ["AC.CHILD.PROFILING"]);
    let mut world = agreed();
    world.artifacts =
        with(RENEWAL, |it| it["flags"] = json!(["direct_marketing", "child_directed"]));
    assert_eq!(world.reasons(RENEWAL, Email), ["AC.AGE_UNKNOWN"]);
}

#[test]
fn an_unknown_jurisdiction_must_permit_under_every_regime() {
    let mut world = agreed();
    world.logs[0].events.clear();
    world.logs[0].epoch = Epoch(0);
    world.say(1, days(-9), EventKind::Given(grant()));
    let verdict = world.verdict(RENEWAL, Email);
    assert!(verdict.is_permitted());
    assert_eq!(verdict.grounds.iter().count(), 2);
    world.artifacts = with(RENEWAL, |it| {
        it["bases"]["GB"]["notice_version_min"] = 7.into();
        it["bases"]["GB"]["explicit"] = true.into();
    });
    assert_eq!(
        world.reasons(RENEWAL, Email),
        ["FR.UNKNOWN.JURISDICTION", "LB.CONSENT.NOT_EXPLICIT"]
    );
    world.say(2, days(-9), lives_in("EU"));
    assert_eq!(world.reasons(RENEWAL, Email), [""; 0]);
    let mut abroad = world.ask(RENEWAL, Some(Email));
    abroad.jurisdiction = Some(Jurisdiction::new("US-CA").unwrap());
    assert_eq!(codes(&world.judge(&abroad)), ["PU.JURISDICTION"]);
}

#[test]
fn the_ask_and_the_snapshot_must_fit_each_other() {
    let world = agreed();
    let cases: [(Spoil<crate::Ask>, &str); 7] = [
        (|it| it.identity = Epoch(5), "FR.IDENTITY_EPOCH"),
        (|it| it.person_min = Epoch(99), "FR.STALE_EPOCH"),
        (|it| it.bundle = Known::Unknown(Why::Stale), "FR.UNKNOWN.BUNDLE"),
        (|it| it.purpose.version = 2, "PU.INACTIVE"),
        (|it| it.purpose.version = 4, "PU.INACTIVE"),
        (|it| it.purpose.key = key("marketing.other"), "PU.UNKNOWN"),
        (|it| it.channel = Some(HumanTask), "PU.CHANNEL"),
    ];
    for (spoil, expected) in cases {
        let mut ask = world.ask(RENEWAL, Some(Email));
        spoil(&mut ask);
        let got = codes(&world.judge(&ask));
        assert!(got.iter().any(|it| it == expected), "{expected}: {got:?}");
    }
    let ask = world.ask(RENEWAL, Some(Email));
    let at = |span| evaluate(&ask, &world.snapshot(), &world.artifacts, NOW.plus(span));
    assert!(at(TimeDelta::seconds(59)).is_permitted());
    assert_eq!(codes(&at(TimeDelta::seconds(60))), ["FR.TOO_OLD"]);
    assert!(at(TimeDelta::seconds(-5)).is_permitted());
    assert_eq!(codes(&at(TimeDelta::seconds(-6))), ["FR.CLOCK"]);
    let later = world.snapshot().confirmed_at(NOW.plus(days(1)));
    assert!(evaluate(&ask, &later, &world.artifacts, NOW.plus(days(1))).is_permitted());
}

#[test]
fn special_and_criminal_data_need_more() {
    let world = agreed();
    let judge = |special, criminal| {
        let mut ask = world.ask(RENEWAL, Some(Email));
        ask.bundle = ask.bundle.map(|_| BundleFacts { special, criminal });
        codes(&world.judge(&ask))
    };
    assert_eq!(judge(true, false), ["SC.A9.NO_CONDITION", "SC.A9.NOT_EXPLICIT"]);
    assert_eq!(judge(false, true), ["SC.A10.NO_AUTHORITY"]);
}

#[test]
fn every_reason_is_collected_in_gate_order() {
    let mut world = World::new();
    world.say(1, days(-1), suppressed(SuppressionScope::Person, SuppressionReason::Complaint));
    world.say(1, days(-1), withdrawn(PurposeScope::All));
    let scope = PurposeScope::All;
    world.say(1, days(-1), EventKind::Objected { scope, limb: Limb::Art21_2 });
    world.say(1, days(-1), EventKind::Snoozed { until: NOW.plus(days(1)) });
    let mut ask = world.ask(RENEWAL, Some(Sms));
    ask.identity = Epoch(1);
    let verdict = world.judge(&ask);
    assert_eq!(
        codes(&verdict),
        [
            "FR.IDENTITY_EPOCH",
            "SP.COMPLAINT",
            "LB.CONSENT.WITHDRAWN",
            "OB.A21_2",
            "CP.NO_ADDRESS",
            "FQ.SNOOZED"
        ]
    );
    assert_eq!(verdict.first_reason(), Some(&reason::FR_IDENTITY_EPOCH));
    assert!(verdict.reasons.iter().all(|it| reason::code(it).is_some()));
}

#[test]
fn codes_are_unique() {
    let mut all: Vec<_> = reason::ALL.iter().map(|it| it.reason.code()).collect();
    let n = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), n);
}

#[test]
fn what_stands_is_what_would_be_permitted() {
    let mut world = agreed();
    let keys = |world: &World| -> Vec<String> {
        standing(&world.snapshot(), &world.artifacts, NOW)
            .purposes
            .iter()
            .map(|it| it.purpose.to_string())
            .collect()
    };
    let rest = ["measurement.effect@1", "service.onboarding_help@2", "service.recovery@1"];
    assert_eq!(keys(&world), [&["marketing.renewal@3"], &rest[..]].concat());
    world.say(1, days(-1), withdrawn(under("marketing")));
    assert_eq!(keys(&world), rest);
    world.say(1, days(-1), withdrawn(PurposeScope::All));
    assert_eq!(keys(&world), [""; 0]);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let verdict = Verdict::unreadable(Epoch(4), NOW);
    assert_eq!(
        (verdict.outcome, codes(&verdict)),
        (Outcome::Refused, vec!["FR.NO_SNAPSHOT".into()])
    );
}
