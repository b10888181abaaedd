//! Suppressions and preferences: whether the person may be met there, and now.

use kernel::{
    Channel::{App, Email, HumanTask, Sms},
    Instant,
};

use super::world::{NOW, World, codes, contract, days, grant, key, label, node, under, withdrawn};
use crate::{
    Choice, EventKind, Outcome, PurposeScope, Quiet, Statement, SuppressionReason,
    SuppressionScope, Zone, evaluate,
};

const RENEWAL: &str = "marketing.renewal";
const RECOVERY: &str = "service.recovery";
const CLAIM: &str = "contract.claim_status";

fn agreed() -> World {
    let mut world = World::new();
    world.say(1, days(-30), EventKind::Given(grant()));
    world
}

fn suppressed(scope: SuppressionScope, reason: SuppressionReason) -> EventKind {
    EventKind::Suppressed { scope, reason }
}

#[test]
fn a_suppression_reaches_its_address_and_a_service_message_ignores_lists_only() {
    let cases = [
        (1, SuppressionScope::Person, SuppressionReason::Legal, "SP.LEGAL", "SP.LEGAL"),
        (1, SuppressionScope::Person, SuppressionReason::Unsubscribe, "SP.UNSUBSCRIBED", ""),
        (1, SuppressionScope::Channel(Email), SuppressionReason::Dnc, "SP.DNC", "SP.DNC"),
        (1, SuppressionScope::Channel(Sms), SuppressionReason::Dnc, "", ""),
        (2, SuppressionScope::Address, SuppressionReason::Bounce, "SP.BOUNCE", "SP.BOUNCE"),
        (3, SuppressionScope::Address, SuppressionReason::Bounce, "", ""),
        (
            1,
            SuppressionScope::List(key("marketing")),
            SuppressionReason::Complaint,
            "SP.COMPLAINT",
            "",
        ),
        (1, SuppressionScope::List(key("service")), SuppressionReason::Unsubscribe, "", ""),
    ];
    for (at, scope, why, marketing, claim) in cases {
        let mut world = agreed();
        world.say(1, days(-30), contract(true));
        world.say(at, days(-1), suppressed(scope.clone(), why));
        let first = |it: Vec<String>| it.first().cloned().unwrap_or_default();
        assert_eq!(first(world.reasons(RENEWAL, Email)), marketing, "{scope:?} {why:?}");
        assert_eq!(first(world.reasons(CLAIM, Email)), claim, "{scope:?} {why:?}");
    }
}

#[test]
fn an_address_is_needed_known_and_verified() {
    let mut world = agreed();
    assert_eq!(world.reasons(RENEWAL, Sms), ["CP.NO_ADDRESS"]);
    assert_eq!(world.reasons(RENEWAL, App), [""; 0]);
    world.members[1].contacts[0].verified = false;
    assert_eq!(world.reasons(RENEWAL, Email), ["CP.UNVERIFIED"]);
    let mut elsewhere = world.ask(RENEWAL, Some(Email));
    elsewhere.address = Some(node(3));
    assert_eq!(codes(&world.judge(&elsewhere)), ["CP.NO_ADDRESS"]);
    elsewhere.channel = None;
    assert_eq!(codes(&world.judge(&elsewhere)), ["RQ.SCHEMA"]);
}

#[test]
fn preferences_narrow_and_service_messages_pass_them() {
    let out = |choice| EventKind::ChannelPref { channel: Email, scope: PurposeScope::All, choice };
    let mut world = agreed();
    world.say(1, days(-30), contract(true));
    world.say(1, days(-2), out(Choice::Out));
    assert_eq!(world.reasons(RENEWAL, Email), ["CP.OPTED_OUT"]);
    assert_eq!(world.reasons(CLAIM, Email), [""; 0]);
    world.say(1, days(-1), out(Choice::In));
    assert_eq!(world.reasons(RENEWAL, Email), [""; 0]);
    let mut about = world.ask(RENEWAL, Some(Email));
    about.topic = Some(label("travel"));
    assert_eq!(codes(&world.judge(&about)), ["TP.OPTED_OUT"], "new topics start off");
    let chosen = EventKind::TopicPref { topic: label("travel"), choice: Choice::In };
    world.say(1, days(-1), chosen);
    assert!(world.judge(&about).is_permitted());
}

#[test]
fn a_snooze_holds_until_it_ends() {
    let mut world = agreed();
    let until = NOW.plus(days(3));
    world.say(1, days(-1), EventKind::Snoozed { until });
    let verdict = world.verdict(RENEWAL, Email);
    assert_eq!(
        (verdict.outcome, codes(&verdict)),
        (Outcome::Held { until }, vec!["FQ.SNOOZED".into()])
    );
    world.say(1, days(-1), withdrawn(under("marketing")));
    assert_eq!(world.verdict(RENEWAL, Email).outcome, Outcome::Refused, "refused beats held");
}

#[test]
fn quiet_hours_hold_in_every_zone_the_person_may_be_in() {
    let at = |text: &str| -> Instant { text.parse().unwrap() };
    let judge = |world: &World, now: Instant| {
        let mut snapshot = world.snapshot();
        snapshot.read_at = now;
        evaluate(&world.ask(RENEWAL, Some(Email)), &snapshot, &world.artifacts, now)
    };
    let quiet = Some(Quiet { from_minute: 21 * 60, to_minute: 8 * 60 });
    let mut world = agreed();
    world.say(1, days(-2), EventKind::QuietHours { quiet });
    // Anywhere in the EU: 08:00 in the Azores is 09:00 UTC, 21:00 in Helsinki is 19:00 UTC.
    for (now, until) in [
        ("2026-11-25T08:59:59Z", Some("2026-11-25T09:00:00Z")),
        ("2026-11-25T09:00:00Z", None),
        ("2026-11-25T18:59:59Z", None),
        ("2026-11-25T19:00:00Z", Some("2026-11-26T09:00:00Z")),
    ] {
        let verdict = judge(&world, at(now));
        let expected = until.map_or(Outcome::Permitted, |it| Outcome::Held { until: at(it) });
        assert_eq!(verdict.outcome, expected, "{now}");
    }
    assert_eq!(judge(&world, at("2026-11-25T18:59:30Z")).good_until, at("2026-11-25T19:00:00Z"));
    let zone = Zone("Europe/Lisbon".parse().unwrap());
    world.say(1, days(-2), EventKind::Stated(Statement::TimeZone { zone }));
    assert!(judge(&world, at("2026-11-25T20:30:00Z")).is_permitted());
    let phone = world.ask(RECOVERY, Some(HumanTask));
    let mut snapshot = world.snapshot();
    snapshot.read_at = at("2026-11-25T23:30:00Z");
    let night = evaluate(&phone, &snapshot, &world.artifacts, snapshot.read_at);
    assert_eq!(night.outcome, Outcome::Held { until: at("2026-11-26T08:00:00Z") });
    let card = world.ask(RECOVERY, Some(App));
    assert!(evaluate(&card, &snapshot, &world.artifacts, snapshot.read_at).is_permitted());
}
