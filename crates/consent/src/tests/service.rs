//! Use cases over the reference implementations, outages included.

use chrono::TimeDelta;
use kernel::{Channel::Email, Clock, Epoch, Limit, PersonAt};
use uuid::Uuid;

use super::world::{NOW, World, codes, grant, key, label, node, tenant, under, uuid, withdrawn};
use crate::{
    Actor, Choice, EventKind, NewEvent, PurposeScope,
    receipt::Profile,
    service::{
        Chosen, EVENTS_PER_CALL_MAX, PreferenceChange, PreferenceError, RecordError, RecordOutcome,
        RestrainError,
    },
};

use super::house::{House, by, renewals};

#[tokio::test]
async fn the_same_event_twice_is_absorbed_and_another_under_its_id_conflicts() {
    let house = House::new();
    let given = house.said(1, node(1), EventKind::Given(grant()));
    let mut other = given.clone();
    other.kind = withdrawn(PurposeScope::All);
    let batch = vec![given.clone(), given.clone(), other.clone()];
    let outcomes = house.record(batch).await;
    let RecordOutcome::Recorded(place) = outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(outcomes[1..], [RecordOutcome::Duplicate(place), RecordOutcome::Conflict]);
    let again = house.record(vec![given, other]).await;
    assert_eq!(again, [RecordOutcome::Duplicate(place), RecordOutcome::Conflict]);
    assert_eq!(house.feed.facts().len(), 1);
}

#[tokio::test]
async fn a_permission_needs_its_proof_and_a_restriction_needs_nothing() {
    let house = House::new();
    let refused = |change: fn(&mut NewEvent, &mut crate::Grant)| {
        let mut given = grant();
        let mut event = house.said(1, node(1), EventKind::Given(grant()));
        change(&mut event, &mut given);
        if matches!(event.kind, EventKind::Given(_)) {
            event.kind = EventKind::Given(given);
        }
        event
    };
    let import = || Actor::Import { batch: label("b-1") };
    let cases: Vec<(NewEvent, &str)> = vec![
        (refused(|_, it| it.proof.notice = None), "LB.CONSENT.PROOF"),
        (refused(|_, it| it.proof.prechecked = true), "LB.CONSENT.PROOF"),
        (refused(|_, it| it.channels = crate::ChannelSet::NONE), "RQ.SCHEMA"),
        (refused(|_, it| it.purpose.version = 4), "PU.INACTIVE"),
        (refused(|_, it| it.purpose.key = key("marketing.other")), "PU.UNKNOWN"),
        (refused(|it, _| it.event_time = NOW.plus(TimeDelta::seconds(6))), "RQ.FUTURE"),
        (refused(|it, _| it.kind = EventKind::Renewed(grant())), "RQ.TRANSITION"),
        (refused(|it, _| it.actor = Actor::Signal { kind: label("gpc") }), "RQ.SCHEMA"),
        (
            {
                let mut it = refused(|_, _| ());
                it.actor = import();
                it.answers = vec![uuid(8)];
                it
            },
            "RQ.SCHEMA",
        ),
    ];
    for (event, expected) in cases {
        let outcomes = house.record(vec![event.clone()]).await;
        let [RecordOutcome::Refused(reason)] = &outcomes[..] else { panic!("{outcomes:?}") };
        assert_eq!(reason.code(), expected);
    }
    let mut no = house.said(2, node(1), withdrawn(under("nobody.knows.this")));
    no.event_time = NOW.plus(TimeDelta::days(400));
    no.actor = import();
    let outcomes = house.record(vec![no]).await;
    assert!(matches!(outcomes[0], RecordOutcome::Recorded(_)), "{outcomes:?}");
    assert_eq!(house.log(1).await[0].widened, Some(PurposeScope::All));
}

#[tokio::test]
async fn a_denial_of_an_unknown_purpose_widens_to_its_nearest_known_ancestor() {
    let house = House::new();
    let no = house.said(2, node(1), withdrawn(under("marketing.renewal.weekly")));
    house.record(vec![no]).await;
    assert_eq!(house.log(1).await[0].widened, Some(under("marketing.renewal")));
    let known = house.said(3, node(1), withdrawn(under("marketing")));
    house.record(vec![known]).await;
    assert_eq!(house.log(1).await[1].widened, None);
}

#[tokio::test]
async fn so_many_events_a_call_and_not_one_more() {
    let house = House::new();
    let batch = |n: usize| -> Vec<NewEvent> {
        (0..n)
            .map(|it| {
                let it = u128::try_from(it).unwrap();
                house.said(10_000 + it, node(1), EventKind::Snoozed { until: NOW })
            })
            .collect()
    };
    let many = house.consent.record(&tenant(), batch(EVENTS_PER_CALL_MAX + 1)).await;
    assert!(matches!(many, Err(RecordError::TooMany)), "{many:?}");
    let outcomes = house.record(batch(EVENTS_PER_CALL_MAX)).await;
    assert!(outcomes.iter().all(|it| matches!(it, RecordOutcome::Recorded(_))));
    assert_eq!(house.log(1).await.len(), EVENTS_PER_CALL_MAX);
}

#[tokio::test]
async fn a_person_can_always_consent_again_on_what_the_form_showed() {
    let house = House::new();
    house.agreed().await;
    house.withdraw(50).await;
    let agree = || vec![PreferenceChange::Agree(grant())];
    let stale = house.choose(3, agree(), 60).await;
    let Err(PreferenceError::Moved { current }) = stale else { panic!("{stale:?}") };
    assert_eq!(current.person, Epoch(4));
    let answer = house.choose(4, agree(), 60).await.unwrap();
    assert_eq!(answer.epoch, Epoch(5));
    assert!(house.verdict().await.is_permitted());
    house.clock.advance(TimeDelta::seconds(1));
    assert_eq!(house.choose(4, agree(), 60).await.unwrap().epoch, Epoch(5), "a repeat");
}

#[tokio::test]
async fn preferences_change_together_or_not_at_all() {
    let house = House::new();
    house.agreed().await;
    let mut unproven = grant();
    unproven.proof.notice = None;
    let out = PreferenceChange::Channel(Email, PurposeScope::All, Choice::Out);
    let refused = house.choose(1, vec![out.clone(), PreferenceChange::Agree(unproven)], 60).await;
    assert!(matches!(refused, Err(PreferenceError::Refused(_))), "{refused:?}");
    assert!(house.verdict().await.is_permitted());
    house.choose(1, vec![out, PreferenceChange::Decline(key("service"))], 61).await.unwrap();
    assert_eq!(codes(&house.verdict().await), ["CP.OPTED_OUT"]);
    assert_eq!(house.fact_names(), ["consent.recorded", "preference.changed", "consent.withdrawn"]);
    let back = PreferenceChange::Channel(Email, PurposeScope::All, Choice::In);
    house.choose(7, vec![back], 62).await.unwrap();
    assert!(house.verdict().await.is_permitted(), "within the skew, because it answers");
    let elsewhere = Chosen { changes: Vec::new(), expected: Epoch(7), at: node(77) };
    let unknown =
        house.consent.set_preferences(&tenant(), &house.person, &elsewhere, &by(), uuid(63)).await;
    assert!(matches!(unknown, Err(PreferenceError::Unknown)), "{unknown:?}");
}

#[tokio::test]
async fn a_receipt_binds_the_notice_to_the_choice_and_names_nobody() {
    let key = crate::document::DocumentKey::new(&[7; 32]);
    let house = House::new();
    house.agreed().await;
    let receipt =
        house.consent.receipt(&tenant(), uuid(11), Profile::Iso27560, &key).await.unwrap().unwrap();
    for name in [
        "schema_version",
        "record_id",
        "receipt_id",
        "pii_principal_id",
        "privacy_notice",
        "language",
        "purposes",
        "pii_information",
        "pii_controllers",
        "storage_locations",
        "retention_period",
        "jurisdiction",
        "recipient_third_parties",
        "withdrawal_method",
        "event_time",
        "validity_until",
        "entity_id",
        "event_state",
    ] {
        assert!(!receipt[name].is_null(), "{name} is missing");
    }
    assert_eq!(receipt["privacy_notice"]["version"], 7);
    assert_eq!(receipt["purposes"][0]["lawful_basis"]["EU"], "A6-1-a");
    assert_eq!(receipt["event_state"], "ConsentGiven");
    let text = receipt.to_string();
    let node = node(1).uuid();
    assert!(!text.contains(&node.to_string()));
    assert!(kernel::canonical(&receipt).is_ok());
    assert_eq!(
        house.consent.receipt(&tenant(), uuid(99), Profile::Iso27560, &key).await.unwrap(),
        None
    );
    let no = house.withdraw(50).await.certificate.events[0].event;
    let receipt =
        house.consent.receipt(&tenant(), no, Profile::Iso27560, &key).await.unwrap().unwrap();
    assert_eq!(receipt["event_state"], "ConsentWithdrawn");
}

#[tokio::test]
async fn history_is_newest_first() {
    let house = House::new();
    house.agreed().await;
    house.withdraw(50).await;
    let page =
        house.consent.history(&tenant(), &house.person, None, Limit::default()).await.unwrap();
    let kinds: Vec<_> = page.items.iter().map(|it| it.said.kind.name()).collect();
    assert_eq!(kinds, ["withdrawn", "withdrawn", "withdrawn", "given"]);
}

#[tokio::test]
async fn an_outage_is_a_fault_and_never_an_answer() {
    let house = House::new();
    house.agreed().await;
    let ask = World::new().ask("marketing.renewal", Some(Email));
    let now = house.clock.now();
    for outage in ["ledger", "people", "registry"] {
        let switch = |on| match outage {
            "ledger" => house.ledger.set_outage(on),
            "people" => house.people.set_outage(on),
            _ => house.registry.set_outage(on),
        };
        switch(true);
        let verdict = house.verdicts.verdict(&tenant(), &house.person, &ask, now).await;
        assert!(verdict.is_err(), "{outage}");
        if outage != "people" {
            let no = house
                .consent
                .withdraw(&tenant(), &house.person, &renewals(), &by(), Uuid::nil())
                .await;
            assert!(matches!(no, Err(RestrainError::Fault(_))), "{outage}: {no:?}");
        }
        switch(false);
    }
    assert!(house.verdict().await.is_permitted());
    let nobody = PersonAt { nodes: Vec::new(), ..house.person.clone() };
    let no = house.consent.withdraw(&tenant(), &nobody, &renewals(), &by(), Uuid::nil()).await;
    assert!(matches!(no, Err(RestrainError::Unknown)), "{no:?}");
}
