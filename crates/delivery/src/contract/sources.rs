//! The laws of what a preparation asks of other domains.

use chrono::TimeDelta;
use kernel::{
    Channel, Class, DecisionId, DeliveryId, Digest, NodeId, PersonAt, PurposeRef, SeededEntropy,
    SubjectId, TenantId,
};

use super::sample::noon;
use crate::{
    permission::{Ask, MessageFacts, Outcome, Verdict},
    ports::LinkAsk,
    service::Sources,
};

/// Sources under test over a small arranged world.
pub trait SourcesFixture: Send + Sync {
    /// The sources.
    fn sources(&self) -> &Sources;
    /// The tenant they are arranged for.
    fn tenant(&self) -> TenantId;
    /// Somebody with the e-mail address `ada@example.test` who may be sent to.
    fn permitted(&self) -> SubjectId;
    /// Somebody without any address who may not be.
    fn refused(&self) -> SubjectId;
    /// The purpose both are asked about.
    fn purpose(&self) -> PurposeRef;
    /// A decision, and a field that is known in its bundle.
    fn decision(&self) -> (DecisionId, String);
}

async fn person(fixture: &dyn SourcesFixture, subject: SubjectId) -> PersonAt {
    let people = &fixture.sources().people;
    people.person(&fixture.tenant(), subject).await.unwrap().unwrap()
}

async fn verdict(fixture: &dyn SourcesFixture, subject: SubjectId) -> (PersonAt, Verdict) {
    let person = person(fixture, subject).await;
    let addresses = &fixture.sources().addresses;
    let address = addresses.address(&fixture.tenant(), &person, Channel::Email).await.unwrap();
    let ask = Ask {
        person: person.clone(),
        purpose: fixture.purpose(),
        channel: Channel::Email,
        class: Class::Marketing,
        address: address.map(|it| it.node),
        message: MessageFacts::default(),
        as_of: noon(),
    };
    let verdict = fixture.sources().permissions.verdict(&fixture.tenant(), &ask).await.unwrap();
    (person, verdict)
}

/// A permit is good for a while and names the membership it was asked about.
pub async fn a_permit_is_good_for_a_while(fixture: &dyn SourcesFixture) {
    let (person, verdict) = verdict(fixture, fixture.permitted()).await;
    assert_eq!(verdict.outcome, Outcome::Permitted);
    assert!(verdict.good_until > noon());
    assert!(verdict.good_until <= noon().plus(TimeDelta::seconds(60)));
    assert_eq!(verdict.epochs.identity, person.identity);
}

/// Whoever may not be sent to is refused with a reason.
pub async fn a_refusal_has_a_reason(fixture: &dyn SourcesFixture) {
    let (_, verdict) = verdict(fixture, fixture.refused()).await;
    assert_eq!(verdict.outcome, Outcome::Refused);
    assert!(!verdict.reasons.is_empty());
}

/// A person has nodes, ascending.
pub async fn a_person_has_nodes_in_order(fixture: &dyn SourcesFixture) {
    let person = person(fixture, fixture.permitted()).await;
    assert!(!person.nodes.is_empty());
    assert!(person.nodes.windows(2).all(|it| it[0] < it[1]));
}

/// A subject nobody knows is no person.
pub async fn a_stranger_is_no_person(fixture: &dyn SourcesFixture) {
    let stranger = SubjectId::mint(noon(), &SeededEntropy::new(99));
    let found = fixture.sources().people.person(&fixture.tenant(), stranger).await.unwrap();
    assert!(found.is_none());
}

/// An address is one of the person's nodes and opens to its text.
pub async fn an_address_opens_to_its_text(fixture: &dyn SourcesFixture) {
    let book = &fixture.sources().addresses;
    let person = person(fixture, fixture.permitted()).await;
    let found = book.address(&fixture.tenant(), &person, Channel::Email).await.unwrap().unwrap();
    assert!(person.nodes.contains(&found.node));
    let address = book.open(&fixture.tenant(), found.node).await.unwrap().unwrap();
    assert_eq!(address.reveal(), "ada@example.test");
    assert!(!format!("{address:?}").contains("ada") && !address.masked().contains("ada"));
    book.zones(&fixture.tenant(), &person).await.unwrap();
}

/// Without an address there is none, and a node nobody knows opens to nothing.
pub async fn no_address_is_none(fixture: &dyn SourcesFixture) {
    let book = &fixture.sources().addresses;
    let person = person(fixture, fixture.refused()).await;
    let found = book.address(&fixture.tenant(), &person, Channel::Email).await.unwrap();
    assert!(found.is_none());
    let stranger = NodeId::mint(noon(), &SeededEntropy::new(98));
    assert!(book.open(&fixture.tenant(), stranger).await.unwrap().is_none());
}

/// Every message gets links of its own, in the order asked, and gets them again.
pub async fn links_are_a_messages_own(fixture: &dyn SourcesFixture) {
    let (decision, _) = fixture.decision();
    let ask = |seed| LinkAsk {
        subject: fixture.permitted(),
        purpose: fixture.purpose().key,
        channel: Channel::Email,
        delivery: DeliveryId::mint(noon(), &SeededEntropy::new(seed)),
        decision,
    };
    let links = &fixture.sources().links;
    let asks = [ask(1), ask(2)];
    let minted = links.mint(&fixture.tenant(), &asks).await.unwrap();
    assert_eq!(minted.len(), 2);
    assert_ne!(minted[0].why, minted[1].why);
    for links in &minted {
        assert!(links.one_click.contains("/o/") && links.preferences.contains("/p/"));
        assert!(links.why.contains("/w/"));
    }
    assert_eq!(links.mint(&fixture.tenant(), &asks[..1]).await.unwrap().len(), 1);
    assert!(links.mint(&fixture.tenant(), &[]).await.unwrap().is_empty());
}

/// A bundle holds what its decision knew; a decision nobody made has an empty one.
pub async fn a_bundle_is_its_decisions(fixture: &dyn SourcesFixture) {
    let (decision, field) = fixture.decision();
    let content = &fixture.sources().content;
    let values = content.values(&fixture.tenant(), decision).await.unwrap();
    assert!(values[&field].value().is_some());
    let never = DecisionId::mint(noon(), &SeededEntropy::new(97));
    assert!(content.values(&fixture.tenant(), never).await.unwrap().is_empty());
}

/// A release nobody made has no artifacts.
pub async fn an_unknown_release_is_none(fixture: &dyn SourcesFixture) {
    let release = Digest::of(b"never released");
    let content = &fixture.sources().content;
    assert!(content.released(&fixture.tenant(), &release).await.unwrap().is_none());
}

/// What is live stays the same artifacts until a release moves.
pub async fn what_is_live_stays(fixture: &dyn SourcesFixture) {
    let artifacts = &fixture.sources().artifacts;
    let one = artifacts.live(&fixture.tenant()).await.unwrap();
    let two = artifacts.live(&fixture.tenant()).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&one, &two));
}
