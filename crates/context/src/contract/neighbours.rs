//! What neighbours who answer context's questions owe.

use kernel::{Epoch, EventId, PersonAt, SeededEntropy, SubjectId};

use super::{
    NeighbourFixture,
    samples::{at, node, tenant},
};
use crate::{EventType, Identifier, ports::Asked};

fn asked(seed: u64, identifier: Identifier) -> Asked {
    Asked {
        event: EventId::mint(at(0), &SeededEntropy::new(seed)),
        source: kernel::SystemId::new("crm"),
        kind: EventType::new("crm.record.v1").unwrap(),
        at: at(0),
        identifiers: vec![identifier],
    }
}

/// One answer per event, in order; whoever is found is a person who has the node.
pub async fn each_event_is_answered_in_order(fixture: &dyn NeighbourFixture) {
    let known = fixture.known().await;
    let stranger =
        Identifier { namespace: "no_such_namespace".into(), value: "1".into(), verified: false };
    let questions = [asked(1, stranger), asked(2, known)];
    let answers = fixture.resolver().resolve(&tenant(), &questions).await.unwrap();
    assert_eq!(answers.len(), 2);
    assert!(answers[0].person.is_none());
    let (person, found) = (answers[1].person.as_ref().unwrap(), answers[1].node.unwrap());
    assert!(person.nodes.contains(&found));
}

/// The same event asked again is the same person.
pub async fn resolving_again_finds_the_same_person(fixture: &dyn NeighbourFixture) {
    let question = [asked(3, fixture.known().await)];
    let first = fixture.resolver().resolve(&tenant(), &question).await.unwrap();
    let second = fixture.resolver().resolve(&tenant(), &question).await.unwrap();
    assert_eq!(first[0].node, second[0].node);
    let subject = |it: &Option<PersonAt>| it.as_ref().map(|it| it.subject);
    assert_eq!(subject(&first[0].person), subject(&second[0].person));
}

/// Standing does not depend on being asked.
pub async fn standing_is_the_same_until_a_choice_is_made(fixture: &dyn NeighbourFixture) {
    let person = PersonAt {
        subject: SubjectId::from_uuid(node(1).uuid()),
        nodes: vec![node(1)],
        identity: Epoch(1),
    };
    let first = fixture.standing().standing(&tenant(), &person).await.unwrap();
    assert_eq!(first, fixture.standing().standing(&tenant(), &person).await.unwrap());
}

/// A release is compiled once and shared.
pub async fn the_live_release_is_shared(fixture: &dyn NeighbourFixture) {
    let first = fixture.artifacts().live(&tenant()).await.unwrap();
    let second = fixture.artifacts().live(&tenant()).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &second));
}
