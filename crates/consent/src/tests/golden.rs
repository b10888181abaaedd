//! The bytes that are a promise: an event of the chain, and its digest.

use kernel::Channel::Email;

use super::world::{NOW, grant, label, node, tenant, uuid};
use crate::{Actor, ChannelSet, ConsentEvent, EventKind, Expression, NewEvent, PurposeScope};

fn event() -> ConsentEvent {
    let mut given = grant();
    given.channels = ChannelSet::of(&[Email]);
    given.expression = Expression::Explicit;
    let said = NewEvent {
        id: uuid(7),
        source: label("app"),
        node: node(1),
        kind: EventKind::Given(given),
        event_time: NOW,
        actor: Actor::Subject,
        answers: vec![uuid(6)],
    };
    ConsentEvent::seal(&tenant(), 1, NOW, said, None, None).unwrap()
}

#[test]
fn a_sealed_event_keeps_its_bytes() {
    let text = String::from_utf8(kernel::canonical(&event()).unwrap()).unwrap();
    assert_eq!(text, include_str!("golden/event.json").trim_end());
    let back: ConsentEvent = serde_json::from_str(&text).unwrap();
    assert_eq!(back, event());
    assert!(back.is_intact());
}

#[test]
fn every_member_of_an_event_is_under_its_digest() {
    let spoilers: [fn(&mut ConsentEvent); 7] = [
        |it| it.seq = 2,
        |it| it.recorded_at = it.recorded_at.plus(chrono::TimeDelta::microseconds(1)),
        |it| it.said.source = label("web"),
        |it| it.said.answers.clear(),
        |it| it.widened = Some(PurposeScope::All),
        |it| it.prev = Some(it.digest),
        |it| it.tenant = kernel::TenantId::new("other").unwrap(),
    ];
    for spoil in spoilers {
        let mut spoiled = event();
        spoil(&mut spoiled);
        assert!(!spoiled.is_intact());
    }
}

#[test]
fn unknown_members_of_an_event_are_refused() {
    let mut body = serde_json::to_value(event().said).unwrap();
    assert!(serde_json::from_value::<NewEvent>(body.clone()).is_ok());
    body["surprise"] = true.into();
    assert!(serde_json::from_value::<NewEvent>(body).is_err());
}
