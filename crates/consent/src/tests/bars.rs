//! What bars a purpose whatever its basis: children, special categories, offences, restriction.

use chrono::{DateTime, TimeDelta};
use kernel::{Channel::Email, Instant, Known, SystemId};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{
    NOW, World, bodies, codes, compile, days, grant, label, lives_in, with, withdrawn,
};
use crate::{
    Artifacts, Ask, BundleFacts, EventKind, Exception, ExceptionGround, Jurisdiction, PurposeScope,
    RestrictionGround, Statement, Verdict, evaluate, fold,
    minor::{CONSENT_AGE_MAX, CONSENT_AGE_MIN, CONSENT_AGES, is_member_state, regime},
};

const RENEWAL: &str = "marketing.renewal";
const RECOVERY: &str = "service.recovery";

fn born(year: u16) -> EventKind {
    EventKind::Stated(Statement::BirthYear { year })
}

fn restricted() -> EventKind {
    EventKind::Restricted { scope: PurposeScope::All, ground: RestrictionGround::A }
}

/// A person who agreed to renewal offers and said more since.
fn said(kinds: &[EventKind]) -> World {
    let mut world = World::new();
    world.say(1, days(-30), EventKind::Given(grant()));
    for (minute, kind) in (0_i64..).zip(kinds) {
        world.say(1, days(-1) + TimeDelta::minutes(minute), kind.clone());
    }
    world
}

fn using(ask: Ask, special: bool, criminal: bool) -> Ask {
    let value = BundleFacts { special, criminal };
    Ask { bundle: Known::Is { value, source: SystemId::new("context"), as_of: NOW }, ..ask }
}

/// A law in force from the first to the second offset in days.
fn law(from: i64, until: i64) -> Value {
    json!({ "law": "VVG 213", "authority": "EU", "in_force_from": NOW.plus(days(from)).to_string(),
        "in_force_until": NOW.plus(days(until)).to_string() })
}

fn at(text: &str) -> Instant {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc().into()
}

#[test]
fn ages_of_consent_are_in_order_and_within_what_article_8_allows() {
    let ordered =
        CONSENT_AGES.windows(2).all(|it| (it[0].state, it[0].since) < (it[1].state, it[1].since));
    assert!(ordered);
    for it in CONSENT_AGES {
        assert!((CONSENT_AGE_MIN..=CONSENT_AGE_MAX).contains(&it.years), "{}", it.state);
        assert!(it.in_force_from() > Instant::EPOCH, "{}", it.state);
    }
    let states: std::collections::BTreeSet<_> = CONSENT_AGES.iter().map(|it| it.state).collect();
    let members = states.iter().filter(|it| is_member_state(Jurisdiction::new(it).unwrap()));
    assert_eq!((states.len(), members.count()), (31, 30));
    let of = |code: &str| regime(Jurisdiction::new(code).unwrap()).to_string();
    assert_eq!(["DE", "NO", "GB", "CH", "EU"].map(of), ["EU", "EU", "GB", "CH", "EU"]);
}

#[test]
fn a_child_of_one_state_is_old_enough_in_another() {
    // Fifteen for certain.
    for (code, expected) in [
        ("AT", None),
        ("FR", None),
        ("DK", None),
        ("DE", Some("AC.CHILD.NO_GUARDIAN")),
        ("EU", Some("AC.CHILD.NO_GUARDIAN")),
        ("GB", None),
        ("CH", Some("PU.JURISDICTION")),
    ] {
        let reasons = said(&[lives_in(code), born(2010)]).reasons(RENEWAL, Email);
        assert_eq!(reasons, expected.into_iter().collect::<Vec<_>>(), "{code}");
    }
    let grown_up = said(&[lives_in("DE")]).verdict(RENEWAL, Email);
    assert_eq!(grown_up.grounds.first().unwrap().jurisdiction.as_str(), "DE");
}

#[test]
fn a_law_that_raises_the_age_counts_from_its_day() {
    let artifacts = with(RENEWAL, |it| it["effective_from"] = "2020-01-01T00:00:00Z".into());
    let mut world = World { artifacts, ..World::new() };
    let (before, after) = (at("2023-12-31T23:59:30Z"), at("2024-01-01T00:00:00Z"));
    let ago = |it: Instant| it.since(NOW);
    world.say(1, ago(before) - days(500), lives_in("DK"));
    // Thirteen for certain on the last day of the one law, fourteen on the first of the other.
    world.say(1, ago(before) - days(500), born(2009));
    world.say(1, ago(before) - days(1), EventKind::Given(grant()));
    world.logs[0].events.remove(0);
    let ask = world.ask(RENEWAL, Some(Email));
    let judge = |when: Instant| -> Verdict {
        let mut snapshot = fold(&world.person(), &world.members, &world.logs, when).unwrap();
        let mut state = (*snapshot.state).clone();
        state.broken = 0;
        snapshot.state = state.into();
        evaluate(&ask, &snapshot, &world.artifacts, when)
    };
    assert!(judge(before).is_permitted());
    assert!(judge(before).good_until <= after);
    assert_eq!(codes(&judge(after)), ["AC.CHILD.NO_GUARDIAN"]);
}

#[test]
fn special_categories_need_a_condition_with_evidence_of_its_own() {
    let judged = |change: &dyn Fn(&mut Value), kinds: &[EventKind]| {
        let world = World { artifacts: with(RENEWAL, change), ..said(kinds) };
        codes(&world.judge(&using(world.ask(RENEWAL, Some(Email)), true, false)))
    };
    let by_law = |from, until| {
        move |it: &mut Value| {
            it["special"] = "A9-2-g".into();
            it["special_law"] = law(from, until);
        }
    };
    assert_eq!(judged(&|_| (), &[]), ["SC.A9.NO_CONDITION", "SC.A9.NOT_EXPLICIT"]);
    assert_eq!(judged(&by_law(-9, 9), &[]), [""; 0]);
    assert_eq!(judged(&by_law(-9, 0), &[]), ["SC.A9.EVIDENCE"]);
    assert_eq!(judged(&by_law(1, 9), &[]), ["SC.A9.EVIDENCE"]);
    let vital = |it: &mut Value| it["special"] = "A9-2-c".into();
    assert_eq!(judged(&vital, &[]), ["SC.A9.EVIDENCE"]);
    let emergency = |until| {
        EventKind::Stated(Statement::Emergency {
            reference: label("case 7"),
            approver: kernel::StaffId::new("anna").unwrap(),
            until,
            last_resort: true,
        })
    };
    assert_eq!(judged(&vital, &[emergency(NOW.plus(days(1)))]), [""; 0]);
    assert_eq!(judged(&vital, &[emergency(NOW)]), ["SC.A9.EVIDENCE"]);
    // What is not special needs none of it.
    let lapsed = World { artifacts: with(RENEWAL, by_law(-9, 0)), ..said(&[]) };
    assert!(lapsed.verdict(RENEWAL, Email).is_permitted());
}

#[test]
fn data_on_offences_needs_a_law_in_force() {
    let judged = |change: &dyn Fn(&mut Value)| {
        let world = World { artifacts: with(RENEWAL, change), ..said(&[]) };
        let verdict = world.judge(&using(world.ask(RENEWAL, Some(Email)), false, true));
        (codes(&verdict), verdict.good_until)
    };
    let refused = vec!["SC.A10.NO_AUTHORITY".to_owned()];
    assert_eq!(judged(&|_| ()).0, refused);
    assert_eq!(judged(&|it| it["offences"] = law(-9, 9)).0, [""; 0]);
    assert_eq!(judged(&|it| it["offences"] = law(-9, 0)).0, refused);
    let seconds = NOW.plus(TimeDelta::seconds(7));
    let soon = judged(&|it| {
        it["offences"] = law(-9, 9);
        it["offences"]["in_force_until"] = seconds.to_string().into();
    });
    assert_eq!(soon, (Vec::new(), seconds));
}

#[test]
fn an_exception_to_a_restriction_is_named_in_the_verdict_and_lifts_nothing_else() {
    let exception = Exception { ground: ExceptionGround::LegalClaims, evidence: label("case 7") };
    let judged = |kinds: &[EventKind], exception: Option<Exception>| {
        let world = said(kinds);
        let verdict = world.judge(&Ask { exception, ..world.ask(RENEWAL, Some(Email)) });
        (codes(&verdict), verdict)
    };
    assert_eq!(judged(&[restricted()], None).0, ["RS.A18.A"]);
    let (reasons, verdict) = judged(&[restricted()], Some(exception.clone()));
    assert_eq!((reasons, verdict.exception.clone()), (Vec::new(), Some(exception.clone())));
    let (_, plain) = judged(&[], None);
    assert!(serde_json::to_value(&plain).unwrap().get("exception").is_none());
    assert_ne!(verdict.digest(), plain.digest());
    let both = [restricted(), withdrawn(PurposeScope::All)];
    assert_eq!(judged(&both, Some(exception)).0, ["LB.CONSENT.WITHDRAWN"]);
}

#[test]
fn what_article_9_or_an_emergency_does_not_carry_does_not_go_live() {
    let rules = |name: &str, change: &dyn Fn(&mut Value)| -> Vec<String> {
        let mut all = bodies();
        change(&mut all.iter_mut().find(|it| it.1 == name).unwrap().2);
        let mut rules: Vec<_> = compile(&all).unwrap_err().into_iter().map(|it| it.rule).collect();
        rules.dedup();
        rules
    };
    let lawless = rules(RENEWAL, &|it| it["special"] = "A9-2-h".into());
    assert_eq!(lawless, ["consent.purpose.special_law"]);
    let needless = rules(RENEWAL, &|it| it["special_law"] = law(-9, 9));
    assert_eq!(needless, ["consent.purpose.special_law"]);
    let interests = rules(RECOVERY, &|it| {
        it["special"] = "A9-2-g".into();
        it["special_law"] = law(-9, 9);
    });
    assert_eq!(interests, ["consent.purpose.special_interests"]);
    let vital = rules(RECOVERY, &|it| {
        it["flags"] = json!(["profiling"]);
        it["bases"]["EU"] = json!({ "basis": "A6-1-d" });
    });
    assert_eq!(vital, ["consent.purpose.vital"]);
}

/// The rules once more, slowly: what an expressed consent by the person is refused for.
fn expected(case: &Case) -> Vec<&'static str> {
    let years = match case.state {
        "BE" | "EE" | "FI" | "IS" | "LV" | "MT" | "NO" | "PT" | "SE" | "GB" => 13,
        "AT" | "BG" | "CY" | "ES" | "IT" | "LT" => 14,
        "CZ" | "DK" | "FR" | "GR" | "SI" => 15,
        _ => 16,
    };
    let covers = |law: Option<(i64, i64)>| law.is_some_and(|(from, until)| from <= 0 && until > 0);
    let mut reasons = Vec::new();
    let mut say = |wrong: bool, code| {
        if wrong {
            reasons.push(code);
        }
    };
    say(case.restriction == Restriction::Plain, "RS.A18.A");
    say(2026 - i32::from(case.born) - 1 < years, "AC.CHILD.NO_GUARDIAN");
    say(case.data.special && case.special_law.is_none(), "SC.A9.NO_CONDITION");
    say(case.data.special && case.special_law.is_none(), "SC.A9.NOT_EXPLICIT");
    say(
        case.data.special && case.special_law.is_some() && !covers(case.special_law),
        "SC.A9.EVIDENCE",
    );
    say(case.data.criminal && !covers(case.offences), "SC.A10.NO_AUTHORITY");
    reasons
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Restriction {
    None,
    Plain,
    Excepted,
}

#[derive(Debug, Clone)]
struct Case {
    state: &'static str,
    born: u16,
    data: BundleFacts,
    special_law: Option<(i64, i64)>,
    offences: Option<(i64, i64)>,
    restriction: Restriction,
}

impl Case {
    fn artifacts(&self) -> Artifacts {
        with(RENEWAL, |it| {
            if let Some((from, until)) = self.special_law {
                it["special"] = "A9-2-g".into();
                it["special_law"] = law(from, until);
            }
            if let Some((from, until)) = self.offences {
                it["offences"] = law(from, until);
            }
        })
    }
}

prop_compose! {
    fn cases()(
        state in prop::sample::select(CONSENT_AGES).prop_map(|it| it.state),
        born in 2008_u16..2015,
        special in any::<bool>(),
        criminal in any::<bool>(),
        restriction in prop::sample::select(
            &[Restriction::None, Restriction::Plain, Restriction::Excepted][..],
        ),
        special_law in prop::option::of((-2_i64..2, -1_i64..3)),
        offences in prop::option::of((-2_i64..2, -1_i64..3)),
    ) -> Case {
        let data = BundleFacts { special, criminal };
        Case { state, born, data, special_law, offences, restriction }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_bars_are_the_oracles(case in cases()) {
        let mut kinds = vec![lives_in(case.state), born(case.born)];
        kinds.extend((case.restriction != Restriction::None).then(restricted));
        let world = World { artifacts: case.artifacts(), ..said(&kinds) };
        let exception = (case.restriction == Restriction::Excepted).then(|| Exception {
            ground: ExceptionGround::PublicInterest,
            evidence: label("case 7"),
        });
        let ask = using(world.ask(RENEWAL, Some(Email)), case.data.special, case.data.criminal);
        let verdict = world.judge(&Ask { exception, ..ask.clone() });
        prop_assert_eq!(codes(&verdict), expected(&case).into_iter().map(str::to_owned).collect::<Vec<_>>());
        // Without any one of the inputs it never permits what it refused.
        if !verdict.is_permitted() {
            let unexcepted = Ask { exception: None, ..ask };
            prop_assert!(!world.judge(&unexcepted).is_permitted());
            let lawless = World { artifacts: Case { special_law: None, offences: None, ..case }.artifacts(), ..world };
            prop_assert!(!lawless.judge(&unexcepted).is_permitted());
        }
    }
}
