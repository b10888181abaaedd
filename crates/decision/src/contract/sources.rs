//! The laws of what decisions read.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken law panics")]

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{
    Channel, Class, Digest, EventId, Instant, JourneyNode, Known, OccurrenceKey, Period, PersonAt,
    PurposeRef, SubjectId, SystemId, TenantId,
};
use uuid::Uuid;

use crate::{
    inputs::{CutSpec, FieldAsk, Headroom, Permission},
    node::{Experiment, Unit},
    ports::{
        ArmSource, ContactHistory, ContextAsk, ContextSource, CutAsk, DrawAsk, EventData,
        HistoryAsk, Identifier, PermissionAsk, PermissionSource, PersonSource, ReleaseSource,
    },
};

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn now() -> Instant {
    Instant::from_micros(1_790_000_000_000_000)
}

/// A release source under test.
#[async_trait]
pub trait ReleaseFixture: Send + Sync {
    /// The source.
    fn source(&self) -> &dyn ReleaseSource;
    /// Makes some bundle live for `acme`; its digest.
    async fn activate(&self) -> Digest;
}

/// Where nothing was released, nothing is live, and no digest leads anywhere.
pub async fn nothing_released_is_absent(fixture: &dyn ReleaseFixture) {
    let source = fixture.source();
    assert!(source.current(&tenant("globex")).await.unwrap().is_none());
    let digest = Digest::of(b"nothing");
    assert!(source.by_digest(&tenant("globex"), digest).await.unwrap().is_none());
}

/// The live release carries its digest, and the digest leads to the same nodes.
pub async fn the_live_release_is_found_by_its_digest(fixture: &dyn ReleaseFixture) {
    let digest = fixture.activate().await;
    let live = fixture.source().current(&tenant("acme")).await.unwrap().unwrap();
    assert_eq!(live.digest, digest);
    let found = fixture.source().by_digest(&tenant("acme"), digest).await.unwrap().unwrap();
    let names = |it: &crate::Artifacts| -> Vec<_> {
        it.nodes().iter().map(|node| node.name.clone()).collect()
    };
    assert_eq!(names(&found), names(&live.artifacts));
    assert!(fixture.source().by_digest(&tenant("globex"), digest).await.unwrap().is_none());
}

/// A person source under test.
#[async_trait]
pub trait PersonFixture: Send + Sync {
    /// The source.
    fn source(&self) -> &dyn PersonSource;
    /// A person of `acme` whom this `user_id` identifies.
    async fn person(&self, user_id: &str) -> SubjectId;
}

fn identifier(user_id: &str) -> Identifier {
    Identifier { namespace: "user_id".into(), value: user_id.into() }
}

/// An identifier leads to its person, in their own tenant only, and always to the same key.
pub async fn a_person_is_found_by_an_identifier(fixture: &dyn PersonFixture) {
    let subject = fixture.person("U000001").await;
    let find = |name: &str| {
        let tenant = tenant(name);
        async move { fixture.source().find(&tenant, &[identifier("U000001")]).await.unwrap() }
    };
    let (first, second) = (find("acme").await.unwrap(), find("acme").await.unwrap());
    assert_eq!(first.at.subject, subject);
    assert!(!first.at.nodes.is_empty());
    assert!(first.at.nodes.is_sorted());
    assert!(first.key == second.key);
    assert!(find("globex").await.is_none());
}

/// A strange identifier leads to nobody.
pub async fn nobody_is_found_by_a_strange_identifier(fixture: &dyn PersonFixture) {
    let found = fixture.source().find(&tenant("acme"), &[identifier("U999999")]).await.unwrap();
    assert!(found.is_none());
    assert!(fixture.source().find(&tenant("acme"), &[]).await.unwrap().is_none());
}

/// Persons come in the order asked, with a gap for whoever is unknown.
pub async fn persons_come_in_the_order_asked(fixture: &dyn PersonFixture) {
    let (a, b) = (fixture.person("U000001").await, fixture.person("U000002").await);
    let strange = SubjectId::from_uuid(Uuid::from_u128(1));
    let found = fixture.source().persons(&tenant("acme"), &[b, strange, a]).await.unwrap();
    let subjects: Vec<_> = found.iter().map(|it| it.as_ref().map(|it| it.at.subject)).collect();
    assert_eq!(subjects, [Some(b), None, Some(a)]);
}

/// A context source under test.
#[async_trait]
pub trait ContextFixture: Send + Sync {
    /// The source.
    fn source(&self) -> &dyn ContextSource;
    /// A person of `acme`.
    async fn person(&self) -> PersonAt;
    /// An admitted event of that person.
    async fn event(&self, person: &PersonAt) -> EventData;
}

/// Every field asked is answered, in order, known or not; every node gets its cut.
pub async fn every_field_asked_is_answered(fixture: &dyn ContextFixture) {
    let person = fixture.person().await;
    let field =
        |name: &str| FieldAsk { name: name.into(), max_age: Period::days(30), required: false };
    let cut = |node: &str, fields: Vec<FieldAsk>| CutAsk {
        spec: Arc::new(CutSpec {
            node: JourneyNode::new(node).unwrap(),
            purpose: PurposeRef { key: "marketing.renewal".parse().unwrap(), version: 3 },
            boundary: "journey-renewal".into(),
            systems: vec![SystemId::new("policy_admin")],
            deny_fields: Vec::new(),
            max_fields: 8,
            fields,
        }),
        object: None,
    };
    let ask = ContextAsk {
        person,
        as_of: now(),
        cuts: vec![
            cut("renewal.day90", vec![field("policy.status"), field("no.such_field")]),
            cut("renewal.day30", vec![field("policy.status")]),
        ],
    };
    let answer = fixture.source().gather(&tenant("acme"), &[ask.clone(), ask]).await.unwrap();
    assert_eq!(answer.len(), 2);
    for cuts in &answer {
        let lengths: Vec<_> = cuts.iter().map(|it| it.fields.len()).collect();
        assert_eq!(lengths, [2, 1]);
        assert!(!matches!(cuts[0].fields[1], Known::Is { .. }));
    }
}

/// Events come in the order asked, with a gap for whatever is unknown.
pub async fn events_come_in_the_order_asked(fixture: &dyn ContextFixture) {
    let person = fixture.person().await;
    let event = fixture.event(&person).await;
    let strange = EventId::from_uuid(Uuid::from_u128(1));
    let ids = [strange, event.id];
    let found = fixture.source().events(&tenant("acme"), &ids).await.unwrap();
    assert_eq!(found, [None, Some(event)]);
    assert_eq!(fixture.source().events(&tenant("globex"), &ids).await.unwrap(), [None, None]);
}

/// A permission source under test.
#[async_trait]
pub trait PermissionFixture: Send + Sync {
    /// The source.
    fn source(&self) -> &dyn PermissionSource;
    /// A person of `acme` who never said anything.
    async fn person(&self) -> PersonAt;
}

fn ask(channel: Channel) -> PermissionAsk {
    PermissionAsk {
        purpose: PurposeRef { key: "marketing.renewal".parse().unwrap(), version: 3 },
        channel,
        class: Class::Marketing,
    }
}

/// Who never said yes is refused, with a reason.
pub async fn silence_is_refused_with_a_reason(fixture: &dyn PermissionFixture) {
    let person = fixture.person().await;
    let asks = [ask(Channel::Email)];
    let verdicts = fixture.source().verdicts(&tenant("acme"), &person, &asks, now()).await.unwrap();
    assert_eq!(verdicts.len(), 1);
    assert_eq!(verdicts[0].permission, Permission::Refused);
    assert!(!verdicts[0].reasons.is_empty());
}

/// There is one verdict per ask, and all come from one reading.
pub async fn verdicts_come_in_the_order_asked(fixture: &dyn PermissionFixture) {
    let person = fixture.person().await;
    let asks = [ask(Channel::Email), ask(Channel::Sms), ask(Channel::Email)];
    let verdicts = fixture.source().verdicts(&tenant("acme"), &person, &asks, now()).await.unwrap();
    assert_eq!(verdicts.len(), 3);
    assert_eq!(verdicts[0], verdicts[2]);
    assert_eq!(verdicts[0].epochs, verdicts[1].epochs);
}

/// A contact history under test.
#[async_trait]
pub trait HistoryFixture: Send + Sync {
    /// The history.
    fn history(&self) -> &dyn ContactHistory;
    /// A person of `acme` whom nobody contacted.
    async fn person(&self) -> PersonAt;
}

/// Whom nobody contacted has no contacts, and room.
pub async fn nobody_contacted_has_no_contacts_and_room(fixture: &dyn HistoryFixture) {
    let person = fixture.person().await;
    let asks = ["renewal.day90", "claim.status"].map(|node| HistoryAsk {
        node: JourneyNode::new(node).unwrap(),
        caps: Vec::new(),
        occasions: true,
    });
    let since = Instant::EPOCH;
    let answer =
        fixture.history().history(&tenant("acme"), &person, &asks, since, now()).await.unwrap();
    assert_eq!(answer.len(), 2);
    for it in answer {
        assert!(it.contacts.is_empty());
        assert_eq!(it.headroom, Headroom::Free);
    }
}

/// An arm source under test.
pub trait ArmFixture: Send + Sync {
    /// The source.
    fn arms(&self) -> &dyn ArmSource;
}

fn experiment() -> Experiment {
    Experiment { unit: Unit::Person, layer: "retention".into(), holdback_ppm: 250_000 }
}

fn draw(fixture: &dyn ArmFixture, person: u128, occurrence: u8) -> crate::inputs::Draw {
    let ask = DrawAsk {
        node: &JourneyNode::new("renewal.day90").unwrap(),
        experiment: &experiment(),
        subject: SubjectId::from_uuid(Uuid::from_u128(person)),
        occurrence: OccurrenceKey([occurrence; 32]),
        as_of: now(),
    };
    fixture.arms().draw(&tenant("acme"), ask)
}

/// A person draws the same arm for every occasion.
pub async fn the_same_unit_draws_the_same_arm(fixture: &dyn ArmFixture) {
    for person in 0..50 {
        assert_eq!(draw(fixture, person, 1), draw(fixture, person, 2));
    }
}

/// A draw names the probability of the arm it gives.
pub async fn a_draw_names_the_probability_of_its_arm(fixture: &dyn ArmFixture) {
    let mut held = 0;
    for person in 0..400 {
        let it = draw(fixture, person, 1);
        assert!(it.bucket < 1_000_000);
        assert_eq!(it.propensity_ppm, if it.holdout { 250_000 } else { 750_000 });
        held += u32::from(it.holdout);
    }
    assert!((50..150).contains(&held), "{held} of 400 held out at a quarter");
}
