//! Laws of jurisdictions as data: each refuses where it applies, and nowhere else.

use chrono::{TimeDelta, Timelike};
use kernel::{
    Channel::{self, Email, Sms, Web},
    Instant, Known, SystemId,
};
use serde_json::{Value, json};

use super::world::{NOW, World, bodies, codes, compile, days, grant, lives_in, under, withdrawn};
use crate::{
    Artifacts, Ask, BundleFacts, EventKind, Expression, Outcome, Statement, evaluate, fold,
    overlay::{OVERLAYS_MAX, OverlayCode},
};

const RENEWAL: &str = "marketing.renewal";
const SHIPPED: [(&str, &str); 8] = [
    ("ca-casl", include_str!("../../../../journeys/overlay/ca-casl.toml")),
    ("eu-eprivacy", include_str!("../../../../journeys/overlay/eu-eprivacy.toml")),
    ("us-ca-ccpa-minors", include_str!("../../../../journeys/overlay/us-ca-ccpa-minors.toml")),
    ("us-can-spam", include_str!("../../../../journeys/overlay/us-can-spam.toml")),
    ("us-hipaa-marketing", include_str!("../../../../journeys/overlay/us-hipaa-marketing.toml")),
    ("us-tcpa-consent", include_str!("../../../../journeys/overlay/us-tcpa-consent.toml")),
    ("us-tcpa-hours", include_str!("../../../../journeys/overlay/us-tcpa-hours.toml")),
    ("us-tcpa-revoked", include_str!("../../../../journeys/overlay/us-tcpa-revoked.toml")),
];

type Bodies = Vec<(String, String, Value)>;

fn shipped() -> Bodies {
    let mut all = bodies();
    all.extend(SHIPPED.iter().map(|(name, text)| {
        ("overlay".to_owned(), (*name).to_owned(), toml::from_str::<Value>(text).unwrap())
    }));
    all
}

fn body<'a>(all: &'a mut Bodies, name: &str) -> &'a mut Value {
    &mut all.iter_mut().find(|it| it.1 == name).unwrap().2
}

/// The shipped overlays, and renewal offers by consent in the United States and in Canada too.
fn abroad(change: impl FnOnce(&mut Bodies)) -> Artifacts {
    let mut all = shipped();
    let renewal = body(&mut all, RENEWAL);
    let consent = renewal["bases"]["EU"].clone();
    renewal["flags"] = json!(["direct_marketing", "sale_or_share"]);
    renewal["bases"]["US"] = consent;
    renewal["bases"]["CA"] = renewal["bases"]["US"].clone();
    change(&mut all);
    compile(&all).unwrap_or_else(|it| panic!("{it:?}"))
}

fn living_in(code: &str, artifacts: &Artifacts) -> World {
    let mut world = World::new();
    world.artifacts = artifacts.clone();
    world.members[1].contacts.push(crate::ports::ContactPoint { channel: Sms, verified: true });
    world.logs[0] = crate::NodeLog::empty(super::world::node(1));
    world.say(1, days(-400), lives_in(code));
    world
}

fn agreed(code: &str, artifacts: &Artifacts, expression: Expression) -> World {
    let mut world = living_in(code, artifacts);
    let mut grant = grant();
    grant.expression = expression;
    world.say(1, days(-9), EventKind::Given(grant));
    world
}

/// The nearest instant at this hour of the coast of the Atlantic, which is 5 hours behind.
fn at_hour(hour: u32) -> Instant {
    let now = NOW.utc();
    let hours = i64::from((hour + 5) % 24) - i64::from(now.hour());
    NOW.plus(TimeDelta::hours(hours))
}

fn judged(world: &World, channel: Channel, at: Instant) -> crate::Verdict {
    let snapshot = fold(&world.person(), &world.members, &world.logs, at).unwrap();
    evaluate(&world.ask(RENEWAL, Some(channel)), &snapshot, &world.artifacts, at)
}

#[test]
fn what_ships_compiles_and_changes_nothing_for_who_agreed_in_the_union() {
    let artifacts = compile(&shipped()).unwrap();
    assert_eq!(artifacts.overlays().len(), SHIPPED.len());
    let mut world = World { artifacts, ..World::new() };
    world.say(1, days(-9), EventKind::Given(grant()));
    assert!(world.verdict(RENEWAL, Email).is_permitted());
    assert_ne!(world.artifacts.digest(), super::world::artifacts().digest());
}

#[test]
fn each_law_refuses_where_it_applies_and_nowhere_else() {
    let artifacts = abroad(|_| ());
    let noon = at_hour(15);
    let said = |code: &str, expression| agreed(code, &artifacts, expression);
    let told = |world: &World, channel| codes(&judged(world, channel, noon));
    let (expressed, explicit) = (Expression::Expressed, Expression::Explicit);
    assert_eq!(told(&said("US-TX", expressed), Sms), ["JX.TCPA.NO_PEWC"]);
    assert_eq!(told(&said("US-TX", explicit), Sms), [""; 0]);
    assert_eq!(told(&said("US-TX", expressed), Email), [""; 0]);
    assert_eq!(told(&said("EU", expressed), Sms), [""; 0]);
    let mut ended = said("US", explicit);
    ended.say(1, days(-1), withdrawn(under("marketing")));
    assert_eq!(told(&ended, Sms), ["LB.CONSENT.WITHDRAWN", "JX.TCPA.NO_PEWC", "JX.TCPA.REVOKED"]);
    assert_eq!(told(&ended, Email), ["LB.CONSENT.WITHDRAWN", "JX.CANSPAM.OPTED_OUT"]);
    assert_eq!(told(&ended, Web), ["LB.CONSENT.WITHDRAWN"]);
    let canada = living_in("CA", &artifacts);
    assert_eq!(told(&canada, Email), ["LB.CONSENT.MISSING", "JX.CASL.NO_CONSENT"]);
    assert_eq!(told(&said("CA", expressed), Email), [""; 0]);
}

#[test]
fn an_interest_is_no_ground_for_electronic_marketing_whatever_the_registry_says() {
    let artifacts = abroad(|all| {
        let renewal = body(all, RENEWAL);
        renewal["channels"] = json!(["web"]);
        renewal["bases"]["CA"] = json!({ "basis": "A6-1-f", "assessment": "lia", "passed": true,
            "of_version": 3, "review_by": "2028-01-01T00:00:00Z" });
        body(all, "ca-casl")["channels"] = json!(["web"]);
    });
    let world = living_in("CA", &artifacts);
    assert_eq!(codes(&judged(&world, Web, NOW)), ["JX.CASL.NO_CONSENT"]);
}

#[test]
fn minors_opt_in_to_sale_and_children_by_their_guardian() {
    let artifacts = abroad(|_| ());
    let born = |year| EventKind::Stated(Statement::BirthYear { year });
    for (code, year, expected) in [
        ("US-CA", 2009, &[][..]),
        ("US-CA", 2012, &["AC.CHILD.NO_GUARDIAN"][..]),
        ("US-CA", 2015, &["AC.CHILD.NO_GUARDIAN", "JX.CCPA.MINOR"][..]),
        ("US-TX", 2015, &["AC.CHILD.NO_GUARDIAN"][..]),
    ] {
        let mut world = agreed(code, &artifacts, Expression::Explicit);
        world.say(1, days(-8), born(year));
        assert_eq!(codes(&judged(&world, Web, NOW)), expected, "{code} {year}");
    }
    let mut silent = living_in("US-CA", &artifacts);
    silent.say(1, days(-8), born(2010));
    assert_eq!(codes(&judged(&silent, Web, NOW)).last().unwrap(), "JX.CCPA.MINOR");
}

#[test]
fn texts_wait_for_the_hours_of_the_law_where_the_person_may_be() {
    let artifacts = abroad(|_| ());
    let world = agreed("US", &artifacts, Expression::Explicit);
    // Eight in New York is three in Honolulu.
    for (hour, open) in [(7, false), (8, false), (12, false), (14, true), (20, true), (21, false)] {
        let verdict = judged(&world, Sms, at_hour(hour));
        assert_eq!(verdict.is_permitted(), open, "{hour}");
        if !open {
            assert_eq!(codes(&verdict), ["JX.TCPA.QUIET_HOURS"], "{hour}");
            let Outcome::Held { until } = verdict.outcome else { panic!("it waits") };
            assert!(judged(&world, Sms, until).is_permitted(), "{hour}");
        }
    }
    // A mail may come at night; and where only the zone is known, that is where the person is.
    assert!(judged(&world, Email, at_hour(3)).is_permitted());
    let mut home = world;
    let zone = serde_json::from_str("\"America/New_York\"").unwrap();
    home.say(1, days(-8), EventKind::Stated(Statement::TimeZone { zone }));
    assert!(judged(&home, Sms, at_hour(8)).is_permitted());
    assert!(!judged(&home, Sms, at_hour(7)).is_permitted());
}

#[test]
fn health_data_needs_an_authorization() {
    let artifacts = abroad(|all| body(all, RENEWAL)["special"] = "A9-2-c".into());
    let ask = |world: &World, special| Ask {
        bundle: Known::Is {
            value: BundleFacts { special, criminal: false },
            source: SystemId::new("context"),
            as_of: NOW,
        },
        ..world.ask(RENEWAL, Some(Web))
    };
    let world = agreed("US", &artifacts, Expression::Expressed);
    assert!(codes(&world.judge(&ask(&world, true))).contains(&"JX.HIPAA.NO_AUTH".to_owned()));
    assert_eq!(codes(&world.judge(&ask(&world, false))), [""; 0]);
    let written = agreed("US", &artifacts, Expression::Explicit);
    assert!(!codes(&written.judge(&ask(&written, true))).contains(&"JX.HIPAA.NO_AUTH".to_owned()));
}

#[test]
fn a_law_past_its_review_refuses_and_one_not_yet_in_force_does_not() {
    let due = abroad(|all| body(all, "us-can-spam")["review_by"] = NOW.to_string().into());
    let world = agreed("US", &due, Expression::Explicit);
    assert_eq!(codes(&judged(&world, Email, NOW)), ["JX.REVIEW_DUE"]);
    let before = judged(&world, Email, NOW.minus(TimeDelta::seconds(9)));
    assert_eq!((before.is_permitted(), before.good_until), (true, NOW));
    let ahead = NOW.plus(TimeDelta::seconds(9));
    let to_come = abroad(|all| {
        body(all, "us-tcpa-consent")["in_force_from"] = ahead.to_string().into();
    });
    let world = agreed("US", &to_come, Expression::Expressed);
    let noon = at_hour(15);
    assert!(judged(&world, Sms, NOW).good_until <= ahead);
    assert_eq!(codes(&judged(&world, Sms, noon.max(ahead))), ["JX.TCPA.NO_PEWC"]);
}

#[test]
fn where_the_law_is_unknown_every_candidate_must_permit() {
    let artifacts = abroad(|_| ());
    let mut world = living_in("US", &artifacts);
    world.logs[0] = crate::NodeLog::empty(super::world::node(1));
    world.say(1, days(-9), EventKind::Given(grant()));
    // Where it is unknown where the person is, it is night somewhere.
    let expected = ["JX.TCPA.NO_PEWC", "JX.TCPA.QUIET_HOURS"];
    assert_eq!(codes(&judged(&world, Sms, at_hour(15))), expected);
}

#[test]
fn an_overlay_that_says_nothing_certain_does_not_go_live() {
    let rules = |change: &dyn Fn(&mut Value)| -> Vec<String> {
        let mut all = shipped();
        change(body(&mut all, "us-tcpa-hours"));
        compile(&all).unwrap_err().into_iter().map(|it| it.rule).collect()
    };
    assert_eq!(rules(&|it| it["id"] = "other".into()), ["consent.overlay.name"]);
    assert_eq!(rules(&|it| it["jurisdictions"] = json!([])), ["consent.overlay.jurisdictions"]);
    assert_eq!(
        rules(&|it| drop(it.as_object_mut().unwrap().remove("hours"))),
        ["consent.overlay.require"]
    );
    assert_eq!(
        rules(&|it| it["hours"] = json!({ "from_minute": 9, "to_minute": 9 })),
        ["consent.overlay.hours"]
    );
    assert_eq!(
        rules(&|it| it["review_by"] = it["in_force_from"].clone()),
        ["consent.overlay.review"]
    );
    for code in ["LB.CONSENT.MISSING", "JX.NOBODY", ""] {
        assert_eq!(rules(&|it| it["code"] = code.into()), ["consent.overlay.schema"], "{code}");
    }
    assert_eq!(rules(&|it| it["require"] = json!(["faith"])), ["consent.overlay.schema"]);
    assert!(OverlayCode::new("JX.GPC").is_some() && OverlayCode::new("OB.A22").is_none());
}

#[test]
fn as_many_overlays_as_may_be_compile_and_no_more() {
    let with = |n: usize| {
        let mut all = bodies();
        let text = toml::from_str::<Value>(SHIPPED[3].1).unwrap();
        all.extend((0..n).map(|it| {
            let mut body = text.clone();
            body["id"] = format!("o{it}").into();
            ("overlay".to_owned(), format!("o{it}"), body)
        }));
        compile(&all)
    };
    assert!(with(OVERLAYS_MAX).is_ok());
    assert_eq!(with(OVERLAYS_MAX + 1).unwrap_err()[0].rule, "consent.overlay.count");
}

#[test]
fn taking_a_member_of_an_overlay_away_never_permits_what_it_refused() {
    let mut n_probes = 0;
    for (name, channel, at) in [
        ("us-tcpa-consent", Sms, at_hour(15)),
        ("us-tcpa-hours", Sms, at_hour(3)),
        ("us-can-spam", Email, NOW),
    ] {
        let members: Vec<String> = {
            let mut all = shipped();
            body(&mut all, name).as_object().unwrap().keys().cloned().collect()
        };
        for member in members {
            let mut all = shipped();
            let renewal = body(&mut all, RENEWAL);
            renewal["bases"]["US"] = renewal["bases"]["EU"].clone();
            body(&mut all, name).as_object_mut().unwrap().remove(&member);
            n_probes += 1;
            // Most do not compile, which refuses everything; the rest refuse this.
            let Ok(artifacts) = compile(&all) else { continue };
            let expression = if name == "us-tcpa-consent" {
                Expression::Expressed
            } else {
                Expression::Explicit
            };
            let mut world = agreed("US", &artifacts, expression);
            if name == "us-can-spam" {
                world.say(1, days(-1), withdrawn(under("marketing")));
            }
            assert!(!judged(&world, channel, at).is_permitted(), "{name} without {member}");
        }
    }
    assert_eq!(n_probes, 27);
}
