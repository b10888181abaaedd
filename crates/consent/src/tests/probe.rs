//! The fail-open probe: whatever a refusal rests on, taking an input away never permits.

use kernel::{Channel::Email, Epoch, Known, Why};
use serde_json::Value;

use super::world::{NOW, World, bodies, compile, contract, days, grant, node, with, withdrawn};
use crate::{
    Ask, EventKind, Grant, Practice, PurposeScope, RestrictionGround, Snapshot, Statement, evaluate,
};

/// A world that refuses, and the purpose it refuses.
fn refusals() -> Vec<(World, &'static str)> {
    let agreed = |spoil: fn(&mut Grant)| {
        let mut world = World::new();
        let mut grant = grant();
        spoil(&mut grant);
        world.say(1, days(-9), EventKind::Given(grant));
        (world, "marketing.renewal")
    };
    let said = |kind: EventKind, purpose| {
        let mut world = agreed(|_| ()).0;
        world.say(1, days(-1), kind);
        (world, purpose)
    };
    let mut unverified = agreed(|_| ());
    unverified.0.members[1].contacts[0].verified = false;
    vec![
        (World::new(), "marketing.renewal"),
        (World::new(), "contract.claim_status"),
        (World::new(), "marketing.unregistered"),
        agreed(|it| it.expires_at = Some(NOW)),
        agreed(|it| it.purpose.version = 1),
        agreed(|it| it.proof.notice = None),
        agreed(|it| it.proof.prechecked = true),
        agreed(|it| it.channels = crate::ChannelSet::NONE),
        agreed(|it| it.proof.notice.as_mut().unwrap().version = 1),
        said(contract(false), "contract.claim_status"),
        said(withdrawn(PurposeScope::All), "marketing.renewal"),
        said(withdrawn(PurposeScope::All), "service.recovery"),
        said(EventKind::Stated(Statement::BirthYear { year: 2015 }), "service.recovery"),
        unverified,
        said(EventKind::Stated(Statement::BirthYear { year: 2015 }), "marketing.renewal"),
        said(
            EventKind::Restricted { scope: PurposeScope::All, ground: RestrictionGround::D },
            "contract.claim_status",
        ),
    ]
}

/// The same under a registry that asks for more: a confirmation, signals.
fn refusals_of_other_registries() -> Vec<(World, &'static str)> {
    let agreed = |change: fn(&mut Value)| {
        let mut world = World { artifacts: with("marketing.renewal", change), ..World::new() };
        world.say(1, days(-9), EventKind::Given(grant()));
        world
    };
    let unconfirmed = agreed(|it| it["bases"]["EU"]["double_opt_in"] = true.into());
    let mut late = agreed(|it| it["bases"]["EU"]["double_opt_in"] = true.into());
    let (grant, token) = (late.logs[0].events.last().unwrap().said.id, kernel::Digest::of(b"t"));
    late.say(2, days(-1), EventKind::ConfirmationSent { grant, token });
    late.say(2, days(0), EventKind::Confirmed { grant, token });
    let mut sold = agreed(|it| it["flags"] = serde_json::json!(["sale_or_share"]));
    sold.say(1, days(-1), EventKind::OptedOut { practice: Practice::SaleOrShare });
    [unconfirmed, late, sold].map(|it| (it, "marketing.renewal")).into()
}

/// The ask with one input taken away.
fn poorer_asks(ask: &Ask) -> Vec<Ask> {
    let change = |f: fn(&mut Ask)| {
        let mut poorer = ask.clone();
        f(&mut poorer);
        poorer
    };
    vec![
        change(|it| it.bundle = Known::Unknown(Why::Missing)),
        change(|it| it.identity = Epoch(0)),
        change(|it| it.purpose.version = 0),
        change(|it| it.address = Some(node(99))),
        change(|it| it.exception = None),
        change(|it| it.signals = Known::Unknown(Why::Missing)),
    ]
}

/// The evidence of the snapshot with one member taken away. What speaks against a permission is
/// not evidence for it: the log, not the snapshot, is what keeps it, and the next test covers that.
fn poorer_snapshots(snapshot: &Snapshot) -> Vec<Snapshot> {
    let change = |f: fn(&mut crate::State)| {
        let mut poorer = snapshot.clone();
        let mut state = (*snapshot.state).clone();
        f(&mut state);
        poorer.state = state.into();
        poorer
    };
    vec![
        change(|it| it.grants.clear()),
        change(|it| it.contracts.clear()),
        change(|it| it.emergencies.clear()),
        change(|it| it.contacts.clear()),
        change(|it| it.jurisdictions.clear()),
        change(|it| it.zones.clear()),
        change(|it| it.topics.clear()),
        change(|it| it.nodes = 0),
        change(|it| it.grants.iter_mut().for_each(|it| it.proven = false)),
        change(|it| it.grants.iter_mut().for_each(|it| it.confirmed = false)),
        change(|it| it.grants.iter_mut().for_each(|it| it.channels = crate::ChannelSet::NONE)),
    ]
}

#[test]
fn taking_an_input_away_from_a_refusal_never_permits() {
    let mut n_probes = 0;
    for (world, purpose) in refusals().into_iter().chain(refusals_of_other_registries()) {
        let ask = world.ask(purpose, Some(Email));
        let snapshot = world.snapshot();
        let judge = |ask: &Ask, snapshot: &Snapshot| evaluate(ask, snapshot, &world.artifacts, NOW);
        assert!(!judge(&ask, &snapshot).is_permitted(), "{purpose}");
        for poorer in poorer_asks(&ask) {
            n_probes += 1;
            let verdict = judge(&poorer, &snapshot);
            assert!(!verdict.is_permitted() && !verdict.reasons.is_empty(), "{purpose} {poorer:?}");
        }
        for poorer in poorer_snapshots(&snapshot) {
            n_probes += 1;
            let verdict = judge(&ask, &poorer);
            assert!(!verdict.is_permitted() && !verdict.reasons.is_empty(), "{purpose} {poorer:?}");
        }
    }
    assert_eq!(n_probes, 19 * 17);
}

#[test]
fn losing_any_event_of_a_log_refuses() {
    let mut world = World::new();
    world.say(1, days(-9), EventKind::Given(grant()));
    world.say(1, days(-8), contract(true));
    world.say(2, days(-7), withdrawn(super::world::under("marketing.other")));
    for purpose in ["marketing.renewal", "contract.claim_status", "service.recovery"] {
        assert!(world.verdict(purpose, Email).is_permitted());
        for (log, event) in [(0, 0), (0, 1), (0, 2), (1, 0)] {
            let mut lost = world.clone();
            lost.logs[log].events.remove(event);
            assert!(world.reasons(purpose, Email).is_empty());
            assert_eq!(lost.reasons(purpose, Email)[0], "FR.MALFORMED");
        }
    }
}

/// Every member of a purpose file, by pointer.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    if let Value::Object(members) = value {
        for (name, member) in members {
            let pointer = format!("{at}/{name}");
            pointers(member, &pointer, out);
            out.push(pointer);
        }
    }
}

#[test]
fn taking_a_member_of_a_purpose_away_never_permits_what_was_refused() {
    for (world, purpose) in refusals() {
        let shipped = bodies();
        let Some(at) = shipped.iter().position(|it| it.1 == purpose) else { continue };
        let mut all = Vec::new();
        pointers(&shipped[at].2, "", &mut all);
        for pointer in all {
            let mut poorer = shipped.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let parent = poorer[at].2.pointer_mut(parent).unwrap();
            parent.as_object_mut().unwrap().remove(name);
            // Most do not compile, which refuses everything; the rest must refuse this.
            let Ok(artifacts) = compile(&poorer) else { continue };
            let ask = world.ask(purpose, Some(Email));
            let verdict = evaluate(&ask, &world.snapshot(), &artifacts, NOW);
            assert!(!verdict.is_permitted(), "{purpose} without {pointer}");
        }
    }
}
