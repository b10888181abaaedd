//! Double opt-in, and what else makes an agreement none.

use chrono::TimeDelta;
use kernel::{Channel::Email, Digest};

use super::{
    house::{House, by},
    world::{
        NOW, World, codes, contract, days, grant, key, label, node, tenant, uuid, with, withdrawn,
    },
};
use crate::{
    Actor, Artifacts, EventKind, Flag, NewEvent, PurposeScope, Statement,
    fold::DOI_TTL,
    service::{ConfirmError, RecordOutcome},
};

const RENEWAL: &str = "marketing.renewal";
const CLAIM: &str = "contract.claim_status";

fn double() -> Artifacts {
    with(RENEWAL, |it| {
        for basis in it["bases"].as_object_mut().unwrap().values_mut() {
            basis["double_opt_in"] = true.into();
        }
    })
}

fn token(n: u8) -> Digest {
    Digest::of(&[n])
}

fn pending(days_ago: i64) -> (World, uuid::Uuid) {
    let mut world = World { artifacts: double(), ..World::new() };
    let id = world.say(1, days(-days_ago), EventKind::Given(grant()));
    (world, id)
}

#[test]
fn a_grant_counts_once_the_address_that_was_asked_has_confirmed_it_in_time() {
    let told = |world: &World| world.reasons(RENEWAL, Email);
    let (world, grant) = pending(3);
    assert_eq!(told(&world), ["LB.CONSENT.PENDING_DOI"]);
    let story = |asked: (u128, u8), answered: (u128, u8)| {
        let mut world = world.clone();
        let (sent, confirmed) = (token(asked.1), token(answered.1));
        world.say(asked.0, days(-2), EventKind::ConfirmationSent { grant, token: sent });
        world.say(answered.0, days(-1), EventKind::Confirmed { grant, token: confirmed });
        told(&world)
    };
    assert_eq!(story((2, 7), (2, 7)), [""; 0]);
    assert_eq!(story((2, 7), (2, 8)), ["LB.CONSENT.PENDING_DOI"], "another token");
    assert_eq!(story((2, 7), (3, 7)), ["LB.CONSENT.PENDING_DOI"], "another address");
    let mut alone = world.clone();
    alone.say(2, days(-1), EventKind::Confirmed { grant, token: token(7) });
    assert_eq!(told(&alone), ["LB.CONSENT.PENDING_DOI"], "nobody asked");
    // A purpose that does not want it does not wait for it.
    let mut single = world;
    single.artifacts = super::world::artifacts();
    assert_eq!(told(&single), [""; 0]);
}

#[test]
fn a_grant_nobody_confirmed_in_a_week_has_expired() {
    let (mut world, grant) = pending(7);
    assert_eq!(world.reasons(RENEWAL, Email), ["LB.CONSENT.EXPIRED"]);
    world.say(2, days(-1), EventKind::ConfirmationSent { grant, token: token(7) });
    world.say(2, days(0), EventKind::Confirmed { grant, token: token(7) });
    assert_eq!(world.reasons(RENEWAL, Email), ["LB.CONSENT.EXPIRED"], "too late");
    let (mut almost, grant) = pending(7);
    almost.say(2, days(-1), EventKind::ConfirmationSent { grant, token: token(7) });
    let last = TimeDelta::microseconds(-1);
    almost.say(2, last, EventKind::Confirmed { grant, token: token(7) });
    assert_eq!(almost.reasons(RENEWAL, Email), [""; 0]);
    let soon = pending(6).0;
    assert!(soon.verdict(RENEWAL, Email).good_until <= NOW.plus(days(-6)).plus(DOI_TTL));
}

#[tokio::test]
async fn who_said_no_is_not_asked_and_what_was_withdrawn_is_not_confirmed() {
    let house = House::new();
    house.registry.release(&tenant(), double());
    house.record(vec![house.said(9, node(1), super::world::lives_in("EU"))]).await;
    house.agreed().await;
    let (tenant, person) = (tenant(), &house.person);
    let about = (uuid(11), node(2));
    let ask = async |n| house.consent.ask_to_confirm(&tenant, person, about, token(n), &by()).await;
    let confirm = async |n| house.consent.confirm(&tenant, person, about, token(n), &by()).await;
    assert!(matches!(confirm(1).await, Err(ConfirmError::NothingPending)), "nobody was asked");
    let until = ask(1).await.unwrap();
    assert_eq!(until, NOW.plus(DOI_TTL));
    ask(1).await.unwrap();
    assert_eq!(house.log(2).await.len(), 1, "the same mail is noted once");
    assert_eq!(codes(&house.verdict().await), ["LB.CONSENT.PENDING_DOI"]);
    assert!(matches!(confirm(2).await, Err(ConfirmError::NothingPending)), "another token");
    house.clock.advance(TimeDelta::seconds(60));
    confirm(1).await.unwrap();
    assert!(house.verdict().await.is_permitted());
    confirm(1).await.unwrap();
    assert_eq!(house.log(2).await.len(), 2, "confirmed once");
    house.withdraw(77).await;
    for n in [1, 3] {
        assert!(matches!(ask(n).await, Err(ConfirmError::NothingPending)));
        assert!(matches!(confirm(n).await, Err(ConfirmError::NothingPending)));
    }
    let elsewhere = (uuid(5), node(2));
    let unknown = house.consent.ask_to_confirm(&tenant, person, elsewhere, token(1), &by()).await;
    assert!(matches!(unknown, Err(ConfirmError::NothingPending)));
}

#[tokio::test]
async fn a_confirmation_comes_from_the_person_and_in_time() {
    let house = House::new();
    house.registry.release(&tenant(), double());
    house.agreed().await;
    let (tenant, person) = (tenant(), &house.person);
    let about = (uuid(11), node(2));
    house.consent.ask_to_confirm(&tenant, person, about, token(1), &by()).await.unwrap();
    let mut forged =
        house.said(50, node(2), EventKind::Confirmed { grant: uuid(11), token: token(1) });
    forged.actor = Actor::Import { batch: label("b") };
    let outcomes = house.record(vec![forged]).await;
    assert!(matches!(outcomes[0], RecordOutcome::Refused(_)), "{outcomes:?}");
    house.clock.advance(DOI_TTL);
    let late = house.consent.confirm(&tenant, person, about, token(1), &by()).await;
    assert!(matches!(late, Err(ConfirmError::Expired)), "{late:?}");
}

#[test]
fn what_was_not_free_or_not_the_persons_is_no_agreement() {
    let mut world = World::new();
    let mut tied = grant();
    tied.proof.condition_of_service = true;
    world.say(1, days(-9), EventKind::Given(tied));
    assert_eq!(world.reasons(RENEWAL, Email), ["LB.CONSENT.BUNDLED"]);
    world.say(1, days(-8), EventKind::Given(grant()));
    assert_eq!(world.reasons(RENEWAL, Email), [""; 0]);
    let mut signal = World::new();
    signal.keep(NewEvent {
        id: uuid(99),
        source: label("web"),
        node: node(1),
        kind: EventKind::Given(grant()),
        event_time: NOW.plus(days(-9)),
        actor: Actor::Signal { kind: label("tcf") },
        answers: Vec::new(),
    });
    assert_eq!(signal.reasons(RENEWAL, Email), ["LB.CONSENT.ACTOR"]);
}

#[tokio::test]
async fn an_agreement_that_is_not_free_is_not_kept() {
    let house = House::new();
    let mut tied = grant();
    tied.proof.condition_of_service = true;
    let outcomes = house.record(vec![house.said(11, node(1), EventKind::Given(tied))]).await;
    assert_eq!(outcomes, [RecordOutcome::Refused(crate::reason::LB_CONSENT_BUNDLED)]);
}

#[test]
fn a_contract_asked_for_carries_until_it_is_made_or_given_up() {
    let asked = |until| {
        EventKind::Stated(Statement::PreContract {
            of_type: label("policy"),
            until: NOW.plus(days(until)),
        })
    };
    let mut world = World::new();
    world.say(1, days(-30), asked(1));
    assert!(world.verdict(CLAIM, Email).is_permitted());
    let mut lapsed = World::new();
    lapsed.say(1, days(-30), asked(0));
    assert_eq!(lapsed.reasons(CLAIM, Email), ["LB.CONTRACT.PRECONTRACT_EXPIRED"]);
    let mut forever = World::new();
    forever.say(1, days(-90), asked(400));
    assert_eq!(forever.reasons(CLAIM, Email), ["LB.CONTRACT.PRECONTRACT_EXPIRED"]);
    lapsed.say(1, days(-1), contract(true));
    assert!(lapsed.verdict(CLAIM, Email).is_permitted());
}

#[test]
fn a_basis_holds_only_for_what_it_is_about() {
    let mut world = World::new();
    world.say(1, days(-9), contract(true));
    world.artifacts = super::world::artifacts()
        .supposing(&key(CLAIM), |it| it.flags.retain(|it| *it != Flag::NecessaryForContract));
    assert_eq!(world.reasons(CLAIM, Email), ["LB.CONTRACT.NOT_NECESSARY"]);
    let law = |jurisdictions: &[&str]| {
        with(CLAIM, |it| {
            it["bases"]["EU"] = serde_json::json!({ "basis": "A6-1-c", "law": "VVG 7",
                "authority": "EU", "in_force_from": "2020-01-01T00:00:00Z",
                "jurisdictions": jurisdictions });
        })
    };
    for (jurisdictions, expected) in [
        (&[][..], &[][..]),
        (&["EU"], &[]),
        (&["DE", "EU"], &[]),
        (&["DE"], &["LB.LEGAL.JURISDICTION"]),
    ] {
        world.artifacts = law(jurisdictions);
        assert_eq!(world.reasons(CLAIM, Email), expected, "{jurisdictions:?}");
    }
    let emergency = |last_resort| {
        EventKind::Stated(Statement::Emergency {
            reference: label("case-1"),
            approver: kernel::StaffId::new("anna").unwrap(),
            until: NOW.plus(days(1)),
            last_resort,
        })
    };
    world.artifacts =
        with("service.recovery", |it| it["bases"]["EU"] = serde_json::json!({ "basis": "A6-1-d" }));
    world.say(1, days(-1), emergency(false));
    assert_eq!(world.reasons("service.recovery", Email), ["LB.VITAL.NOT_LAST_RESORT"]);
    world.say(1, days(-1), emergency(true));
    assert!(world.verdict("service.recovery", Email).is_permitted());
    world.say(1, days(-1), withdrawn(PurposeScope::All));
    assert!(world.verdict("service.recovery", Email).is_permitted(), "not withdrawable");
}
